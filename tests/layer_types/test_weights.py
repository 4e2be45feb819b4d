"""Layers with parameters: their laws, against float64 references written here."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_in_place, run_layer

import caffe


@law("InnerProduct")
@drawn()
@given(SEED, st.integers(-3, 2), st.booleans(), st.booleans())
def test_inner_product_takes_everything_from_its_axis_on_as_one_vector(seed, axis, bias, transpose):
    x = normal(seed, 2, 3, 4)
    inputs = math.prod(x.shape[axis % 3 :])
    w, b = normal(seed + 1, 5, inputs), normal(seed + 2, 5) * bias
    body = f"num_output: 5 axis: {axis} bias_term: {str(bias).lower()}"
    body += f" transpose: {str(transpose).lower()}"
    params = [w.T if transpose else w] + [b] * bias
    ran = run_layer("InnerProduct", f"inner_product_param {{ {body} }}", [x], params=params)
    y = np.float64(x).reshape(-1, inputs) @ np.float64(w).T + b
    agree(ran.y[0], y.reshape(*x.shape[: axis % 3], 5))


@law("Scale")
@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (2, 3, 2, 2), (1, 3), (1, 1, 4)])
@pytest.mark.parametrize("axes", [1, -1])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_learned_factors_gradients_add_up_over_passes(shape, axes, in_place):
    """BVLC writes over them where the axes before the factor's count 1, or it has all axes."""
    top = "x" if in_place else "y"
    net = net_of(
        input_layer("x", *shape)
        + f'layer {{ name: "s" type: "Scale" bottom: "x" top: "{top}" scale_param {{ '
        + f"axis: {1 if axes == 1 else 0} num_axes: {axes} bias_term: true }} }}"
        + f'layer {{ name: "l" type: "Reduction" bottom: "{top}" top: "l" loss_weight: 1 }}',
        caffe.TRAIN,
    )
    total = 0
    for seed in (1, 2, 3):
        x = np.random.RandomState(seed).rand(*shape).astype(np.float32)
        net.blobs["x"].data[...] = x
        net.forward()
        net.backward()
        total = total + (x if axes < 0 else x.sum((0, *range(2, x.ndim))))
    np.testing.assert_allclose(net.params["s"][0].diff, total, rtol=1e-5)


@law("Scale")
@drawn(40)
@given(SEED, st.integers(-3, 2), st.integers(-1, 3), st.booleans())
def test_scale_spreads_its_factor_over_num_axes_axes_from_axis_on(seed, axis, num_axes, bias):
    start = axis % 3
    if start + num_axes > 3:
        return
    x = normal(seed, 2, 3, 4)
    end = 3 if num_axes == -1 else start + num_axes
    shape = x.shape[start:end]
    factor, shift = normal(seed + 1, *shape), normal(seed + 2, *shape)
    body = f"axis: {axis} num_axes: {num_axes} bias_term: {str(bias).lower()}"
    ran = run_layer("Scale", f"scale_param {{ {body} }}", [x], params=[factor] + [shift] * bias)
    assert [p.shape for p in ran.params] == [shape] * (1 + bias)
    spread = (*shape, *(1,) * (3 - (end if shape else 3)))
    agree(ran.y[0], np.float64(x) * factor.reshape(spread) + bias * shift.reshape(spread))


@law("Scale")
@drawn()
@given(SEED, st.integers(0, 2), st.booleans())
def test_scale_by_a_second_bottom_learns_only_its_bias(seed, axis, bias):
    x = normal(seed, 2, 3, 4)
    factor = normal(seed + 1, x.shape[axis])
    body = (
        f"scale_param {{ axis: {axis} bias_term: {str(bias).lower()} bias_filler {{ value: 3 }} }}"
    )
    dy = normal(seed + 2, 2, 3, 4)
    ran = run_layer("Scale", body, [x, factor], diffs=[dy])
    spread = factor.reshape([-1 if i == axis else 1 for i in range(3)])
    agree(ran.y[0], np.float64(x) * spread + 3 * bias)
    agree(ran.dx[0], np.float64(dy) * spread)
    others = tuple(i for i in range(3) if i != axis)
    agree(ran.dx[1], (np.float64(dy) * x).sum(others))
    assert len(ran.params) == bias


@law("Scale")
def test_scale_starts_as_one():
    x = normal(0, 2, 3)
    assert np.array_equal(run_layer("Scale", "", [x]).y[0], x)


@law("Bias")
@drawn(40)
@given(SEED, st.integers(-3, 2), st.integers(-1, 3))
def test_bias_spreads_over_the_axes_around_num_axes_axes_from_axis_on(seed, axis, num_axes):
    start = axis % 3
    if start + num_axes > 3:
        return
    x, dy = normal(seed, 2, 3, 4), normal(seed + 1, 2, 3, 4)
    end = 3 if num_axes == -1 else start + num_axes
    bias = normal(seed + 2, *x.shape[start:end])
    body = f"bias_param {{ axis: {axis} num_axes: {num_axes} }}"
    learned = run_layer("Bias", body, [x], params=[bias], diffs=[dy])
    given_ = run_layer("Bias", f"bias_param {{ axis: {axis} }}", [x, bias], diffs=[dy])
    spread = (*bias.shape, *(1,) * (3 - (end if bias.shape else 3)))
    others = tuple(i for i in range(3) if not (bias.shape and start <= i < end))
    for ran, dbias in ((learned, learned.dparams[0]), (given_, given_.dx[1])):
        agree(ran.y[0], np.float64(x) + bias.reshape(spread))
        agree(ran.dx[0], dy)
        agree(dbias, np.float64(dy).sum(others))
    assert not given_.params


@law("Bias")
def test_bias_starts_as_zero_or_as_its_filler_says():
    x = normal(0, 2, 3)
    assert np.array_equal(run_layer("Bias", "", [x]).y[0], x)
    agree(run_layer("Bias", "bias_param { filler { value: 2 } }", [x]).y[0], x + 2)


@law("PReLU")
@drawn()
@given(SEED, st.booleans(), st.sampled_from([(), (4,), (4, 1), (2, 1, 3)]))
def test_prelu_learns_the_slope_below_zero_of_each_channel(seed, shared, rest):
    """At 0 the gradient is that from below."""
    x, dy = normal(seed, 2, 3, *rest), normal(seed + 1, 2, 3, *rest)
    x[0, 0] = 0
    slope = normal(seed + 2, *() if shared else (3,))
    body = f"prelu_param {{ channel_shared: {str(shared).lower()} }}"
    ran = run_layer("PReLU", body, [x], params=[slope], diffs=[dy])
    assert ran.params[0].shape == slope.shape
    spread = np.float64(slope).reshape(-1, *(1,) * len(rest))
    agree(ran.y[0], np.where(x > 0, x, spread * x))
    agree(ran.dx[0], dy * np.where(x > 0, 1, spread))
    below = np.float64(dy) * x * (x <= 0)
    agree(ran.dparams[0], below.sum() if shared else below.sum((0, *range(2, x.ndim))))


@law("PReLU")
def test_prelu_starts_with_slope_a_quarter():
    x, dy = normal(0, 2, 3), normal(1, 2, 3)
    agree(run_layer("PReLU", "", [x]).y[0], np.where(x > 0, x, 0.25 * x))
    agree(run_layer("PReLU", "prelu_param { filler { value: 1 } }", [x]).y[0], x)
    for ours, theirs in zip(run_in_place("PReLU", "", x, dy), (x, dy), strict=True):
        agree(ours, np.where(x > 0, 1, 0.25) * theirs)


@law("Embed")
@drawn()
@given(SEED, st.lists(st.integers(0, 4), min_size=1, max_size=8), st.booleans())
def test_embed_gives_the_row_of_each_index_and_adds_up_the_gradients_of_a_row(seed, rows, bias):
    x = np.float32(rows)[:, None]
    w, b, dy = normal(seed, 5, 3), normal(seed + 1, 3), normal(seed + 2, len(rows), 1, 3)
    body = f"embed_param {{ input_dim: 5 num_output: 3 bias_term: {str(bias).lower()} }}"
    ran = run_layer("Embed", body, [x], params=[w, b][: 1 + bias], diffs=[dy])
    agree(ran.y[0], w[rows][:, None] + b * bias)
    dw = np.zeros((5, 3))
    np.add.at(dw, rows, dy[:, 0])
    agree(ran.dparams[0], dw)
    if bias:
        agree(ran.dparams[1], dy.sum((0, 1)))
    assert not ran.dx[0].any()


@law("Parameter")
def test_the_top_of_parameter_is_the_learnable_blob_itself():
    net = net_of(
        'layer { name: "p" type: "Parameter" top: "w" parameter_param { shape { dim: 2 dim: 3 } } }'
        + input_layer("x", 2, 3)
        + 'layer { name: "l" type: "Eltwise" bottom: "x" bottom: "w" top: "y" loss_weight: 1'
        " eltwise_param { operation: PROD } }"
    )
    x, w = normal(0, 2, 3), normal(1, 2, 3)
    net.blobs["x"].data[...] = x
    (param,) = net.params["p"]
    assert param.shape == (2, 3)
    assert not param.data.any()
    param.data[...] = w
    for _ in range(2):  # the diff is written, not added to, as Caffe does
        agree(net.forward()["y"], x * w)
        net.backward()
        agree(param.diff, x)
    net.blobs["w"].data[...] = 7
    assert (param.data == 7).all()


@law("Bias", "Embed", "Parameter", "PReLU")
@pytest.mark.parametrize(
    ("kind", "body", "inputs", "message"),
    [
        ("Bias", "bias_param { num_axes: 3 }", [np.ones((2, 3))], r"axis 1 and num_axes 3 reach"),
        ("Bias", "bias_param { num_axes: -2 }", [np.ones((2, 3))], "num_axes must be.*found -2"),
        ("Bias", "", [np.ones((2, 3)), np.ones(2)], r"bias's shape \(2,\).*\(2, 3\)"),
        ("Bias", "", [np.ones((2, 3)), np.ones((3, 1))], r"bias's shape \(3, 1\).*\(2, 3\)"),
        ("PReLU", "", [np.ones(3)], r"at least 2 axes; found shape \(3,\)"),
        ("Embed", "embed_param { input_dim: 3 }", [np.ones(2)], "num_output must be positive"),
        ("Embed", "embed_param { num_output: 3 }", [np.ones(2)], "input_dim must be positive"),
        *(
            ("Embed", "embed_param { num_output: 1 input_dim: 3 }", [np.float32([0, bad])], message)
            for bad, message in (
                (3, "bottom 'x0' holds 3; expected whole numbers from 0 to 2"),
                (-1, "holds -1;"),
                (0.5, "holds 0.5;"),
                (np.nan, "holds nan;"),
                (np.inf, "holds inf;"),
            )
        ),
        ("Parameter", "parameter_param { shape { dim: -1 } }", [], r"at least 0; found.*\(-1,\)"),
    ],
)
def test_what_the_weights_do_not_fit_is_refused(kind, body, inputs, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, body, inputs)


@law("PReLU")
def test_a_strict_prelu_takes_4_axes():
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match=r"2 to 4 axes; found shape \(1, 1, 1, 1, 1\)"):
            run_layer("PReLU", "", [np.ones((1,) * 5)])
    finally:
        caffe.set_strict(False)


@law("PReLU")
def test_prelu_refuses_other_channels_after_a_reshape():
    net = run_layer("PReLU", "", [np.ones((2, 3))]).net
    net.blobs["x0"].reshape(2, 4)
    with pytest.raises(caffe.CaffeError, match=r"3 slopes.*\(2, 4\)"):
        net.forward()
