"""DenseBlock: the layers of a block of DenseNet's in one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.layer_text import layer
from support.net_text import input_layer, net_of, run_layer

import caffe

FILLERS = (
    'Filter_Filler { type: "msra" } BN_Scaler_Filler { type: "constant" value: 1 } '
    'BN_Bias_Filler { type: "constant" value: 0 }'
)
CHANNELS, GROWTH, COUNT = 3, 2, 2


def body(more=""):
    return (
        f"denseblock_param {{ numTransition: {COUNT} growthRate: {GROWTH} initChannel: 64 "
        f"{FILLERS} {more} }}"
    )


def one_by_one(inner):
    """The same of Caffe's own layers; inner: with 1 x 1 convolutions."""
    text, top = input_layer("x", 2, CHANNELS, 4, 5), "x"
    for i in range(COUNT):
        last = top
        for part in ("inner", "") if inner else ("",):
            name = f"{part}{i}"
            size = "kernel_size: 3 pad: 1" if not part else "kernel_size: 1"
            outputs = 4 * GROWTH if part else GROWTH
            text += layer(f"bn{name}", "BatchNorm", last)
            text += layer(f"scale{name}", "Scale", f"bn{name}", "scale_param { bias_term: true }")
            text += layer(f"relu{name}", "ReLU", f"scale{name}")
            more = f"convolution_param {{ num_output: {outputs} {size} bias_term: false }}"
            text += layer(f"conv{name}", "Convolution", f"relu{name}", more)
            last = f"conv{name}"
        text += layer(f"all{i}", "Concat", f"{top} {last}")
        top = f"all{i}"
    return text


def taken_over(block, plain, inner):
    """The parameters of the layers, one by one, as the block's."""
    *params, total = block.params["l"]
    total.data[...] = 2
    for part in ("inner", "") if inner else ("",):
        # As in its fork, the first of the two has the numbers of the only one.
        outer = 0 if not inner or part else 5 * COUNT
        filters = 5 * COUNT if part else 0
        for i in range(COUNT):
            name = f"{part}{i}"
            params[filters + i].data[...] = plain.params[f"conv{name}"][0].data
            mean, variance, factor = plain.params[f"bn{name}"]
            factor.data[...] = 2
            sources = (*plain.params[f"scale{name}"], mean, variance)
            for kind, source in enumerate(sources, 1):
                params[outer + kind * COUNT + i].data.flat[...] = source.data.flat


def filled(plain, seed):
    rng = np.random.RandomState(seed)
    for name, params in plain.params.items():
        for param in params:
            param.data[...] = rng.standard_normal(param.data.shape)
        if name.startswith("bn"):
            params[1].data[...] = rng.uniform(0.5, 2, params[1].data.shape)


@law("DenseBlock")
@drawn(10)
@given(SEED, st.booleans())
def test_a_block_is_its_layers(seed, inner):
    x = normal(seed, 2, CHANNELS, 4, 5)
    plain = net_of(one_by_one(inner))
    filled(plain, seed)
    text = input_layer("x", 2, CHANNELS, 4, 5)
    text += layer("l", "DenseBlock", "x", body(f"use_BC: {str(inner).lower()}"))
    block = net_of(text)
    taken_over(block, plain, inner)
    for net in (block, plain):
        net.blobs["x"].data[...] = x
        net.forward()
    agree(block.blobs["l"].data, plain.blobs[f"all{COUNT - 1}"].data, 1e-4, 1e-4)


def test_in_training_the_batchs_statistics_are_taken_and_added_up():
    x = normal(3, 2, CHANNELS, 4, 5)
    found = run_layer("DenseBlock", body(), [x], phase=caffe.TRAIN)
    *params, total = found.net.params["l"]
    assert total.data == 1
    agree(params[3 * COUNT].data.flatten(), x.astype(np.float64).mean((0, 2, 3)), 1e-4, 1e-5)
    agree(
        params[4 * COUNT].data.flatten(),
        0.1 + x.astype(np.float64).var((0, 2, 3), ddof=1),  # a tenth of the 1 before
        1e-4,
    )
    normalised = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(
        x.var((0, 2, 3), keepdims=True) + 1e-5
    )
    conv = "convolution_param { num_output: 2 kernel_size: 3 pad: 1 bias_term: false }"
    new = run_layer("Convolution", conv, [np.maximum(normalised, 0)], params=[params[0].data]).y[0]
    agree(found.y[0][:, :CHANNELS], x)
    agree(found.y[0][:, CHANNELS : CHANNELS + GROWTH], new, 1e-3, 1e-4)
    found.net.forward()
    agree(total.data, [1.1])


def test_the_solver_leaves_statistics_alone():
    for more, count in (("", 5), ("use_BC: true", 10)):
        net = run_layer("DenseBlock", body(more), [np.zeros((1, 3, 2, 2))]).net
        specs = net.layer_dict["l"].spec.param
        assert len(specs) == count * COUNT + 1 == len(net.params["l"])
        left = [i for i, spec in enumerate(specs) if spec.lr_mult == 0]
        kinds = {i // COUNT % 5 for i in left[:-1]}
        assert kinds == {3, 4}
        assert len(left) == 2 * COUNT * count // 5 + 1


def test_what_is_dropped_in_training_is_new():
    x = normal(3, 2, CHANNELS, 4, 5)
    more = "use_dropout: true dropout_amount: 0.5"
    found = run_layer("DenseBlock", body(more), [x], phase=caffe.TRAIN)
    agree(found.y[0][:, :CHANNELS], x)
    assert 0.3 < (found.y[0][:, CHANNELS:] == 0).mean() < 0.7
    kept = run_layer("DenseBlock", body(more), [x], phase=caffe.TEST)
    assert (kept.y[0][:, CHANNELS:] == 0).mean() < 0.1 or not kept.y[0][:, CHANNELS:].any()


@pytest.mark.parametrize(
    ("more", "shape", "message"),
    [
        ("filter_H: 5", (1, 3, 2, 2), "3 x 3 filters"),
        ("", (1, 3), "needs 4 axes"),
        ("use_dropout: true dropout_amount: 1", (1, 3, 2, 2), "dropout_amount"),
    ],
)
def test_what_does_not_fit_says_so(more, shape, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .DenseBlock.: .*{message}"):
        run_layer("DenseBlock", body(more), [np.zeros(shape)])
