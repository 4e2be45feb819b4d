"""Laws of caffe/engine/absorbed.py: products do the scales and shifts behind them in passing."""

import numpy as np
import pytest
from support.net_text import input_layer
from support.plain_path import close, conv, layer, ran_fast, scale_of, twins

import caffe
from caffe.engine import absorbed, schedule

DATA = input_layer("data", 2, 4, 9, 9)
BN = layer("BatchNorm", "bn", "c", "bn")
IN_PLACE = (
    layer("BatchNorm", "bn", "c", "c")
    + layer("Scale", "scale", "c", "c", "scale_param { bias_term: true }")
    + layer("ReLU", "relu", "c", "c")
)
BIAS = layer("Bias", "bias", "c", "bias", "bias_param { axis: %d }")
THREE = "num_output: 6 kernel_size: 3"
PRODUCTS = {
    "Convolution": conv("c", "data", THREE + " pad: 1"),
    "without a bias": conv("c", "data", THREE + " bias_term: false"),
    "in groups": conv("c", "data", THREE + " group: 2"),
    "Deconvolution": conv("c", "data", THREE + " stride: 2 group: 2", kind="Deconvolution"),
    "InnerProduct": layer(
        "InnerProduct",
        "c",
        "data",
        more="inner_product_param { num_output: 6 bias_term: false "
        'weight_filler { type: "gaussian" } }',
    ),
}


def with_weights(text):
    """The net twice, with running statistics and factors far from what they are at first."""
    nets = twins(text)
    for net in nets:
        rng = np.random.RandomState(1)
        for name, blobs in net.params.items():
            if net.layer_dict[name].type in ("BatchNorm", "Scale", "Bias"):
                for blob in blobs:
                    blob.data[...] = rng.uniform(0.3, 2, blob.shape)
    return nets


def in_passing(net, *kept):
    """How many layers products do in passing."""
    graph = net._graph
    shapes = {name: blob.shape for name, blob in net.blobs.items()}
    steps = schedule.steps_behind(graph, schedule.source_layers(graph))
    return sum(
        len(step.affines) for step in absorbed.absorbed(steps, {*net.outputs, *kept}, shapes)
    )


def agree(text, count, read=()):
    """A pass with so many layers done in passing, and by all one by one; then with these read."""
    ours, theirs = with_weights(text)
    assert in_passing(ours) == count
    for _ in range(2):
        data = np.random.RandomState(2).randn(*ours.blobs["data"].shape).astype(np.float32)
        out, expected = ours.forward(data=data), theirs.forward(data=data)
        assert ran_fast(ours)
        for name in expected:
            close(out[name], expected[name], scale_of(theirs))
        del out
        for name in read:
            close(ours.blobs[name].data, theirs.blobs[name].data, scale_of(theirs))


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("behind", [BN, IN_PLACE, BIAS % 1], ids=["BatchNorm", "in place", "Bias"])
def test_a_product_scales_and_shifts_in_passing(product, behind):
    agree(DATA + PRODUCTS[product] + behind, 2 if behind == IN_PLACE else 1, read=["c"])


def test_one_after_the_other_and_products_behind_them():
    text = DATA + PRODUCTS["Convolution"] + BN
    text += layer("Scale", "scale", "bn", more="scale_param { bias_term: true }")
    text += layer("ReLU", "relu", "scale", "scale") + conv("d", "scale", THREE)
    text += layer("BatchNorm", "bn2", "d", "d")
    agree(text, 3, read=["bn", "scale"])


STAYS = {
    "read twice": BN + layer("ReLU", "other", "c"),
    "behind a ReLU": layer("ReLU", "relu", "c", "c") + BN,
    "another axis": BIAS % 2,
    "a bottom": layer("Bias", "b", "c data", more="bias_param { axis: 0 }"),
}


@pytest.mark.parametrize("behind", STAYS.values(), ids=STAYS)
def test_what_stays_a_step_of_its_own(behind):
    agree(DATA + conv("c", "data", "num_output: 4 kernel_size: 3 pad: 1") + behind, 0, read=["c"])


def test_what_the_batch_decides_stays():
    batch = "batch_norm_param { use_global_stats: false }"
    ours, _ = with_weights(
        DATA + PRODUCTS["Convolution"] + layer("BatchNorm", "bn", "c", "", batch)
    )
    assert in_passing(ours) == 0
    ours.forward()
    assert not ran_fast(ours)


def test_a_blob_that_is_kept_is_computed():
    ours, _ = with_weights(DATA + PRODUCTS["Convolution"] + BN)
    assert in_passing(ours) == 1
    assert in_passing(ours, "c") == 0


def test_in_bfloat16_every_layer_rounds_where_it_did():
    ours, _ = with_weights(DATA + PRODUCTS["Convolution"] + BN)
    caffe.set_precision("bf16")
    try:
        assert in_passing(ours) == 0
    finally:
        caffe.set_precision("fp32")


def test_a_parameter_that_changes_counts_from_the_next_pass_on():
    ours, theirs = with_weights(DATA + PRODUCTS["Convolution"] + BN)
    for factor in (1, 3):
        for net in (ours, theirs):
            net.params["bn"][1].data[...] *= factor
        close(ours.forward()["bn"], theirs.forward()["bn"], scale_of(theirs))


def test_where_backward_may_come_in_place_layers_run_one_by_one():
    """Backward needs of a Scale in place what it has written over."""
    for forced in ("", "force_backward: true "):
        ours, theirs = with_weights(forced + DATA + PRODUCTS["Convolution"] + IN_PLACE)
        for net in (ours, theirs):
            net.forward(data=np.random.RandomState(2).randn(2, 4, 9, 9))
        assert ran_fast(ours) == (not forced)
        if forced:
            diffs = [
                net.backward(c=np.ones(net.blobs["c"].shape))["data"] for net in (ours, theirs)
            ]
            close(*diffs)
            assert np.abs(diffs[0]).max() > 0
