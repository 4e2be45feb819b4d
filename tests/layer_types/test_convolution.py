"""Layers over spatial axes: their laws, against float64 references written here."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.layer_types import convolution, packed


def convolved(x, w, b, stride, pad, dilation, group):
    """Cross-correlation of N x C x ... by C' x C/group x ..., value by value, in float64."""
    spatial = x.ndim - 2
    x = np.pad(np.float64(x), [(0, 0), (0, 0)] + [(pad, pad)] * spatial)
    out = [
        (size - (dilation * (k - 1) + 1)) // stride + 1
        for size, k in zip(x.shape[2:], w.shape[2:], strict=True)
    ]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    per_out, per_in = w.shape[0] // group, x.shape[1] // group
    for g, at in itertools.product(range(group), itertools.product(*map(range, out))):
        window = tuple(
            slice(i * stride, i * stride + dilation * (k - 1) + 1, dilation)
            for i, k in zip(at, w.shape[2:], strict=True)
        )
        part = x[(slice(None), slice(g * per_in, (g + 1) * per_in), *window)]
        kernels = np.float64(w[g * per_out : (g + 1) * per_out])
        axes = list(range(1, w.ndim))
        y[(slice(None), slice(g * per_out, (g + 1) * per_out), *at)] = np.tensordot(
            part, kernels, (axes, axes)
        )
    return y + b.reshape((1, -1) + (1,) * spatial)


@st.composite
def convolutions(draw):
    spatial = draw(st.integers(0, 4))
    geometry = {
        "kernel_size": draw(st.integers(1, 3)),
        "stride": draw(st.integers(1, 3)),
        "pad": draw(st.integers(0, 2)),
        "dilation": draw(st.integers(1, 2)),
        "group": draw(st.integers(1, 2)),
    }
    extent = geometry["dilation"] * (geometry["kernel_size"] - 1) + 1
    least = max(1, extent - 2 * geometry["pad"])
    sizes = [draw(st.integers(least, least + (3 if spatial < 3 else 1))) for _ in range(spatial)]
    return geometry, sizes


def conv_body(geometry, num_output):
    text = " ".join(f"{k}: {v}" for k, v in geometry.items())
    return f"convolution_param {{ num_output: {num_output} {text} }}"


@law("Convolution")
@drawn(60)
@given(SEED, convolutions())
def test_convolution_is_cross_correlation_over_any_number_of_axes(seed, drawn_case):
    geometry, sizes = drawn_case
    kernel, group = geometry["kernel_size"], geometry["group"]
    x = normal(seed, 2, 4, *sizes)
    w, b = normal(seed + 1, 6, 4 // group, *[kernel] * len(sizes)), normal(seed + 2, 6)
    ran = run_layer("Convolution", conv_body(geometry, 6), [x], params=[w, b])
    agree(
        ran.y[0],
        convolved(x, w, b, *(geometry[k] for k in ("stride", "pad", "dilation")), group),
        floor=3e-5,
    )


@st.composite
def products(draw):
    """A convolution over two axes, the size and batch of its bottom, values written out at once."""
    axes = st.tuples
    kernel, stride, pad, dilation = (
        draw(axes(*[st.integers(low, high)] * 2)) for low, high in ((1, 4), (1, 3), (0, 3), (1, 2))
    )
    size = [
        draw(st.integers(least, least + 5))
        for k, p, d in zip(kernel, pad, dilation, strict=True)
        for least in [max(1, d * (k - 1) + 1 - 2 * p)]
    ]
    names = ("kernel", kernel), ("stride", stride), ("pad", pad)
    body = " ".join(f"{n}_h: {h} {n}_w: {w}" for n, (h, w) in names)
    body += " ".join(f" dilation: {d}" for d in dilation)
    return body, (stride, pad, dilation), (draw(st.integers(1, 3)), 2, *size), draw(COLUMNS)


COLUMNS = st.sampled_from([1, 60, 200, convolution.COLUMNS])


@pytest.mark.slow
@law("Convolution")
@drawn(60)
@given(SEED, products(), st.booleans())
def test_a_product_of_matrices_is_the_convolution_and_so_are_its_gradients(seed, case, bias_term):
    body, geometry, shape, columns = case
    more = "" if bias_term else "bias_term: false"
    layer = 'layer { name: "l" type: "Convolution" bottom: "x" top: "y" '
    body = f"convolution_param {{ num_output: 3 {body} {more} }} }}"
    *_, kind = net_of(input_layer("x", *shape) + layer + body)._graph.layers

    def tensor(i, *shape):
        return torch.from_numpy(normal(seed + i, *shape)).double().requires_grad_()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "COLUMNS", columns)
        x, w = tensor(0, *shape), tensor(1, *kind.weight_shape())
        leaves = [x, w, tensor(2, 3)] if bias_term else [x, w]
        bias = leaves[2] if bias_term else None
        y, expected = kind.product(x, w, bias, kind.pad), F.conv2d(x, w, bias, *geometry)
        agree(y.detach(), expected.detach(), 1e-12, 1e-12)
        dy = tensor(3, *y.shape).detach()
        gradients = torch.autograd.grad(expected, leaves, dy)
        for ours, theirs in zip(torch.autograd.grad(y, leaves, dy), gradients, strict=True):
            agree(ours, theirs, 1e-12, 1e-12)
        to = tensor(4, *w.shape).detach()
        for beta, alpha in ((0.9, 0.1), (0, 2), (1, 0)):
            added = to.clone()
            kind.add_weight_gradient(added, x.detach(), dy, beta, alpha)
            agree(added, beta * to + alpha * gradients[1], 1e-12, 1e-11)


@pytest.mark.slow
@law("Convolution")
@drawn(30)
@given(SEED, products())
def test_a_convolution_of_many_weights_is_one_of_few(seed, case):
    """Whichever way is taken, with the gradients; also where a window hangs over."""
    body, _, shape, columns = case
    x = normal(seed, *shape)
    for height in (shape[2], max(1, shape[2] - 2)):
        x = x[:, :, :height]
        body_of = f"convolution_param {{ num_output: 3 {body} }}"
        try:
            params = run_layer("Convolution", body_of, [x]).params
        except caffe.CaffeError:
            continue  # no window fits
        params = [normal(seed + i, *p.shape) for i, p in enumerate(params, 1)]
        y = run_layer("Convolution", body_of, [x], params=params).y[0]
        dy = normal(seed + 9, *y.shape)
        few = run_layer("Convolution", body_of, [x], params=params, diffs=[dy])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(convolution, "MANY_WEIGHTS", 1)
            patch.setattr(convolution, "COLUMNS", columns)
            many = run_layer("Convolution", body_of, [x], params=params, diffs=[dy])
        for part in ("y", "dx", "dparams"):
            for ours, theirs in zip(getattr(many, part), getattr(few, part), strict=True):
                agree(ours, theirs, floor=3e-5)


@law("Convolution")
@pytest.mark.parametrize(
    ("width", "kernel", "stride", "pad", "dilation", "asked"),
    [
        (1, 1, 2, 1, 2, (3, 0)),
        (2, 1, 3, 1, 2, (4, 0)),
        (3, 2, 1, 1, 4, (5, 0)),  # one value on either side of all of it
        (5, 3, 1, 2, 2, (5, 2)),
        (1, 1, 2, 1, 1, (1, 1)),
    ],
)
def test_a_dilated_window_that_shows_pad_alone_is_not_left_to_torch(
    monkeypatch, width, kernel, stride, pad, dilation, asked
):
    """oneDNN, with the channels last, reads memory that is not there where one misses the bottom.

    It ends the process, but only now and then: so what it is asked for is looked at.
    """
    found = []

    def spy(x, weight, bias, stride, pad, dilation, group):
        found.append((x.shape[3], pad[1]))
        return convolve(x, weight, bias, stride, pad, dilation, group)

    convolve = packed.convolve
    monkeypatch.setattr(packed, "convolve", spy)
    body = f"num_output: 8 kernel_h: 1 kernel_w: {kernel} stride: {stride} pad_h: 0 pad_w: {pad}"
    x, w = normal(0, 2, 2, 6, width), normal(1, 8, 2, 1, kernel)
    ran = run_layer(
        "Convolution",
        f"convolution_param {{ {body} dilation: {dilation} bias_term: false }}",
        [x],
        params=[w],
    )
    x, w = torch.from_numpy(x).double(), torch.from_numpy(w).double()
    agree(ran.y[0], F.conv2d(F.pad(x, (pad, pad)), w, None, stride, 0, dilation))
    assert found == [asked]


@law("Convolution")
@pytest.mark.parametrize("size", [12, 13, 14, 15])
@pytest.mark.parametrize(("kernel", "stride", "pad"), [(3, 2, 1), (7, 2, 3), (3, 4, 1)])
def test_pad_that_the_last_window_does_not_reach_costs_no_copy(
    monkeypatch, size, kernel, stride, pad
):
    """A plan cuts it off: with as much of it as before the image, there are as many windows."""
    padded = []
    monkeypatch.setattr(convolution.F, "pad", lambda x, *args: padded.append(args))
    body = f"num_output: 2 kernel_size: {kernel} stride: {stride} pad: {pad} bias_term: false"
    x, w = normal(0, 1, 3, size, size), normal(1, 2, 3, kernel, kernel)
    ran = run_layer("Convolution", f"convolution_param {{ {body} }}", [x], params=[w])
    double = [torch.from_numpy(values).double() for values in (x, w)]
    agree(ran.y[0], F.conv2d(*double, None, stride, pad))
    assert not padded


@law("Deconvolution")
@drawn(60)
@given(SEED, convolutions())
def test_deconvolution_is_the_gradient_of_convolution(seed, drawn_case):
    """With equal weights: deconv(dy) is the gradient by x of <conv(x), dy>, in its full extent."""
    geometry, sizes = drawn_case
    kernel, group = geometry["kernel_size"], geometry["group"]
    extent = geometry["dilation"] * (kernel - 1) + 1
    full = [geometry["stride"] * (n - 1) + extent - 2 * geometry["pad"] for n in sizes]
    if min(full, default=1) < 1:
        return
    dy = normal(seed, 2, 6, *sizes)
    w = normal(seed + 1, 6, 4 // group, *[kernel] * len(sizes))
    zero = np.zeros(6)
    ran = run_layer("Deconvolution", conv_body(geometry, 4), [dy], params=[w, np.zeros(4)])
    assert ran.y[0].shape == (2, 4, *full)
    # <conv(x), dy> = <x, deconv(dy)> for every x says the same, without a second loop.
    x = normal(seed + 2, 2, 4, *full)
    y = convolved(x, w, zero, *(geometry[k] for k in ("stride", "pad", "dilation")), group)
    agree((y * dy).sum(), (np.float64(ran.y[0]) * x).sum(), relative=1e-4, floor=1e-3)


@law("Convolution", "Deconvolution")
def test_h_and_w_forms_give_each_axis_its_own_geometry():
    body = (
        "convolution_param { num_output: 2 kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2"
        " pad_h: 0 pad_w: 1 bias_term: false }"
    )
    x = normal(0, 1, 2, 5, 7)
    conv = run_layer("Convolution", body, [x])
    assert conv.y[0].shape == (1, 2, 4, 4)
    assert [p.shape for p in conv.params] == [(2, 2, 2, 3)]
    assert run_layer("Deconvolution", body, [x]).y[0].shape == (1, 2, 6, 13)


@law("Convolution", "Deconvolution", "Im2col")
@pytest.mark.parametrize(
    ("kind", "axis"),
    [
        *itertools.product(["Convolution", "Deconvolution"], [0, 2, -1]),
        ("Im2col", 0),
        ("Im2col", 2),
    ],
)
def test_the_axes_before_the_channels_are_one_batch(kind, axis):
    """`axis` names the channels; the spatial axes follow, if any."""
    x = normal(0, 2, 4, 6, 4)
    channels = axis % x.ndim
    one_batch = x.reshape(-1, *x.shape[channels:])
    body = "num_output: 2 group: 2 kernel_size: 2 stride: 2 pad: 1"
    plain = run_layer(kind, f"convolution_param {{ {body} }}", [one_batch])
    params = [normal(i, *p.shape) for i, p in enumerate(plain.params)]
    dy = normal(9, *plain.y[0].shape)
    plain = run_layer(
        kind, f"convolution_param {{ {body} }}", [one_batch], params=params, diffs=[dy]
    )
    shape = (*x.shape[:channels], *dy.shape[1:])
    ran = run_layer(
        kind,
        f"convolution_param {{ {body} axis: {axis} }}",
        [x],
        params=params,
        diffs=[dy.reshape(shape)],
    )
    agree(ran.y[0], plain.y[0].reshape(shape))
    agree(ran.dx[0], plain.dx[0].reshape(x.shape))
    for ours, theirs in zip(ran.dparams, plain.dparams, strict=True):
        agree(ours, theirs)


@law("Convolution", "Im2col")
def test_a_bottom_smaller_than_the_window_by_less_than_the_stride_is_looked_at_once():
    """Caffe's division rounds towards 0; what the window shows behind the bottom is 0."""
    x, w, b = normal(0, 1, 2, 2, 4), normal(1, 3, 2, 3, 3), normal(2, 3)
    larger = np.pad(x, [(0, 0), (0, 0), (0, 1), (0, 0)])
    body = "convolution_param { num_output: 3 kernel_size: 3 stride: 2 }"
    agree(
        run_layer("Convolution", body, [x], params=[w, b]).y[0],
        convolved(larger, w, b, 2, 0, 1, 1),
        floor=3e-5,
    )
    columns = run_layer("Im2col", body, [x]).y[0]
    agree(columns, larger[..., :3].reshape(1, 18, 1, 1))


@law("Im2col")
@drawn(60)
@given(SEED, convolutions())
def test_im2col_makes_of_each_window_a_column_of_channels(seed, drawn_case):
    """Convolution is the product of weights and columns; the gradient is the columns' transpose."""
    geometry, sizes = drawn_case
    if not sizes:
        return
    kernel = [geometry["kernel_size"]] * len(sizes)
    step = [geometry[k] for k in ("stride", "pad", "dilation")]
    x, w = normal(seed, 2, 2, *sizes), normal(seed + 1, 3, 2, *kernel)
    y = convolved(x, w, np.zeros(3), *step, 1)
    dy = normal(seed + 2, 2, w[0].size, *y.shape[2:])
    ran = run_layer("Im2col", conv_body(geometry, 1), [x], diffs=[dy])
    columns = np.float64(ran.y[0])
    agree(np.moveaxis(np.tensordot(w.reshape(3, -1), columns, (1, 1)), 1, 0), y, floor=3e-5)
    agree((columns * dy).sum(), (np.float64(ran.dx[0]) * x).sum(), floor=1e-3)


@law("Convolution", "Im2col")
@pytest.mark.parametrize(
    ("kind", "body", "inputs", "message"),
    [
        ("Im2col", "kernel_size: 2", [(2, 3)], r"needs a spatial axis behind axis 1.*\(2, 3\)"),
        ("Im2col", "kernel_size: 3", [(1, 2, 2, 5)], r"\(1, 2, 2, 5\) is smaller than kernel_size"),
        ("Im2col", "kernel_size: 0", [(1, 2, 2, 5)], "kernel_size must be positive"),
        ("Im2col", "kernel_size: 1 dilation: 0", [(1, 2, 2)], "dilation must be positive"),
        ("Im2col", "kernel_h: 1 kernel_w: 1", [(1, 2, 3)], "are for 2 spatial axes"),
        ("Convolution", "num_output: 2 kernel_size: 1 axis: 4", [(1, 2, 3, 3)], "axis 4 is out of"),
        (
            "Convolution",
            "num_output: 2 kernel_size: 1",
            [(1, 2, 3), (1, 2, 4)],
            r"one shape; found \(1, 2, 3\) and \(1, 2, 4\)",
        ),
        ("Convolution", "num_output: 3 group: 2 kernel_size: 1", [(1, 2, 3)], "group 2 must div"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(kind, body, inputs, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, f"convolution_param {{ {body} }}", list(map(np.ones, inputs)), len(inputs))
