"""Dynamic Network Surgery: weights that masks leave out, and bring back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

KINDS = {
    "CConvolution": (
        "Convolution",
        "convolution_param { num_output: 3 kernel_size: 2 pad: 1 }",
        "cconvolution_param",
        (3, 2, 2, 2),
    ),
    "CInnerProduct": (
        "InnerProduct",
        "inner_product_param { num_output: 3 }",
        "cinner_product_param",
        (3, 24),
    ),
}
ONES = "weight_mask_filler { value: 1 } bias_mask_filler { value: 1 }"


@law(*KINDS)
@drawn(15)
@given(SEED, st.sampled_from(list(KINDS)))
def test_weights_count_where_their_masks_are_1_and_all_are_learnt(seed, kind):
    plain, body, _, shape = KINDS[kind]
    x, weight, bias = normal(seed, 2, 2, 3, 4), normal(seed + 1, *shape), normal(seed + 2, 3)
    rng = np.random.RandomState(seed)
    masks = [rng.randint(0, 2, shape), rng.randint(0, 2, 3)]
    dy = normal(seed + 3, *run_layer(plain, body, [x]).y[0].shape)
    found = run_layer(kind, body, [x], params=[weight, bias, *masks], diffs=[dy])
    left = [weight * masks[0], bias * masks[1]]
    exact = run_layer(plain, body, [x], params=left, diffs=[dy])
    agree(found.y[0], exact.y[0])
    agree(found.dx[0], exact.dx[0])
    agree(found.dparams[0], exact.dparams[0])
    agree(found.dparams[1], exact.dparams[1])
    for ours, theirs in zip(found.params, [weight, bias, *masks], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@drawn(15)
@given(SEED, st.sampled_from(list(KINDS)), st.floats(-1, 1))
def test_masks_follow_the_weights_around_a_limit_of_the_first_pass(seed, kind, rate):
    _, body, field, shape = KINDS[kind]
    weight, bias, x = normal(seed + 1, *shape), normal(seed + 2, 3), normal(seed, 2, 2, 3, 4)
    rng = np.random.RandomState(seed)
    masks = [rng.randint(0, 2, shape), rng.randint(0, 2, 3)]
    masks[0].flat[0] = 1
    text = f"{body} {field} {{ c_rate: {rate} gamma: 0 iter_stop: 2 }}"
    made = run_layer(kind, text, [x], phase=caffe.TRAIN, params=[weight, bias, *masks])
    flat = np.concatenate([weight.ravel(), bias]).astype(np.float64)
    kept = np.concatenate([each.ravel() for each in masks])
    left = abs(flat[kept == 1])
    limit = max(0, left.mean() + rate * left.std())
    now = np.where(abs(flat) <= 0.9 * limit, 0, np.where(abs(flat) > 1.1 * limit, 1, kept))
    blobs = made.net.params["l"]

    def held():
        return np.concatenate([blobs[2].data.ravel(), blobs[3].data])

    np.testing.assert_array_equal(held(), now)
    # The limit stays; from iter_stop on the masks do too.
    for blob in blobs[:2]:
        blob.data[...] = 0
    made.net.forward()
    assert held().any() == (limit == 0 and now.any())
    for blob in blobs[:2]:
        blob.data[...] = 100
    made.net.forward()
    assert held().any() == (limit == 0 and now.any())


def test_masks_follow_less_and_less_often():
    text = f"inner_product_param {{ num_output: 1 }} cinner_product_param {{ gamma: 1 {ONES} }}"
    caffe.set_random_seed(0)
    net = run_layer("CInnerProduct", text, [np.ones((1, 1))], phase=caffe.TRAIN, params=[[[1]]]).net
    weight, _, mask, _ = net.params["l"]
    followed = 0
    for _ in range(400):
        weight.data[...] = 2 - 2 * mask.data
        before = mask.data.copy()
        net.forward()
        followed += bool((mask.data != before).any())
    # Of pass p with the probability 1 / (1 + p): the harmonic numbers.
    assert 1 <= followed <= 15


def test_a_resumed_run_has_its_limit():
    text = f"inner_product_param {{ num_output: 1 }} cinner_product_param {{ {ONES} }}"
    layer = run_layer(
        "CInnerProduct", text, [np.ones((1, 2))], phase=caffe.TRAIN, params=[[[1, 2]], [3]]
    ).net.layer_dict["l"]
    assert layer.limit == pytest.approx(2 + 3 * np.sqrt(2 / 3))
    other = run_layer("CInnerProduct", text, [np.ones((1, 2))]).net.layer_dict["l"]
    other.load_state_dict(layer.state_dict())
    assert (other.limit, other.iteration) == (layer.limit, 1)


def test_weights_of_a_plain_layer_are_pruned(tmp_path):
    def net(kind, more):
        text = f'layer {{ name: "ip" type: "{kind}" bottom: "x" top: "y" {more} '
        text += "inner_product_param { num_output: 2 weight_filler { type: 'xavier' } } }"
        return net_of(input_layer("x", 1, 3) + text, caffe.TEST)

    file = str(tmp_path / "plain.caffemodel")
    plain = net("InnerProduct", "")
    plain.save(file)
    pruned = net("CInnerProduct", f"cinner_product_param {{ {ONES} }}")
    pruned.copy_from(file)
    for ours, theirs in zip(pruned.params["ip"], plain.params["ip"], strict=False):
        np.testing.assert_array_equal(ours.data, theirs.data)
    assert pruned.params["ip"][2].data.all()
    with pytest.raises(caffe.CaffeError, match="has no normalize"):
        run_layer("CInnerProduct", "inner_product_param { normalize: true }", [np.ones((1, 2))])
