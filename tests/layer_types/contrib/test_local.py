"""Local and DeformableConvolution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("Local")
@drawn(10)
@given(SEED, st.integers(0, 1), st.integers(1, 2))
def test_each_place_has_weights_of_its_own(seed, pad, stride):
    x = normal(seed, 2, 3, 4, 5)
    rows, columns = ((n + 2 * pad - 3) // stride + 1 for n in (4, 5))
    weight, bias = normal(seed + 1, 2, 1, 27, rows * columns), normal(seed, 1, 1, 2, rows * columns)
    body = f"local_param {{ num_output: 2 kernel_size: 3 pad: {pad} stride: {stride} }}"
    found = run_layer("Local", body, [x], params=[weight, bias]).y[0]
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for place, (i, j) in enumerate(np.ndindex(rows, columns)):
        at = padded[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3]
        expected = at.reshape(2, 27) @ weight[:, 0, :, place].T + bias[0, 0, :, place]
        agree(found[:, :, i, j], expected, 1e-4, 1e-4)


def bilinear(maps, y, x):
    """Of (C, H, W); 0 outside, and the last pixel's value up to one pixel behind it."""
    height, width = maps.shape[1:]
    if not (0 <= y < height and 0 <= x < width):
        return np.zeros(len(maps))
    above, left = int(y), int(x)
    below, right = min(above + 1, height - 1), min(left + 1, width - 1)
    a, b = y - above, x - left
    upper = (1 - b) * maps[:, above, left] + b * maps[:, above, right]
    lower = (1 - b) * maps[:, below, left] + b * maps[:, below, right]
    return (1 - a) * upper + a * lower


@law("DeformableConvolution")
@drawn(10)
@given(SEED, st.integers(1, 2), st.integers(1, 2), st.integers(1, 2))
def test_weights_lie_where_the_offsets_say(seed, stride, dilation, group):
    x, extent = normal(seed, 1, 4, 5, 6), dilation + 1
    rows, columns = ((n + 2 - extent) // stride + 1 for n in (5, 6))
    offsets = normal(seed + 1, 1, 2 * 4 * 2, rows, columns)
    weight, bias = normal(seed + 2, 2, 4 // group, 2, 2), normal(seed + 3, 2)
    body = (
        f"deformable_convolution_param {{ num_output: 2 kernel_size: 2 pad: 1 stride: {stride} "
        f"dilation: {dilation} group: {group} deformable_group: 2 }}"
    )
    found = run_layer("DeformableConvolution", body, [x, offsets], params=[weight, bias]).y[0]
    maps = x[0].astype(np.float64)
    moves = offsets[0].astype(np.float64).reshape(2, 2, 2, 2, rows, columns)
    for i, j in np.ndindex(rows, columns):
        seen = np.zeros((4, 2, 2))
        for part, u, v in np.ndindex(2, 2, 2):
            dy, dx = moves[part, u, v, :, i, j]
            y, z = i * stride - 1 + u * dilation + dy, j * stride - 1 + v * dilation + dx
            seen[2 * part : 2 * part + 2, u, v] = bilinear(maps[2 * part : 2 * part + 2], y, z)
        each = seen.reshape(group, 4 // group, 2, 2)
        for output in range(2):
            mine = each[output * group // 2]
            agree(found[0, output, i, j], (mine * weight[output]).sum() + bias[output], 1e-3, 1e-4)


def test_without_offsets_it_is_a_convolution():
    x, weight = normal(0, 1, 2, 5, 5), normal(1, 3, 2, 3, 3)
    settings = "{ num_output: 3 kernel_size: 3 bias_term: false }"
    plain = run_layer("Convolution", f"convolution_param {settings}", [x], params=[weight])
    zeros = np.zeros((1, 18, 3, 3))
    body = f"deformable_convolution_param {settings}"
    agree(run_layer("DeformableConvolution", body, [x, zeros], params=[weight]).y[0], plain.y[0])


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("Local", "", [(1, 1, 3, 3)], "kernel_size needs 1 value or 2"),
        ("Local", "local_param { kernel_size: 1 }", [(1, 1, 3, 3)], "num_output must be positive"),
        (
            "DeformableConvolution",
            "deformable_convolution_param { num_output: 1 kernel_size: 1 deformable_group: 2 }",
            [(1, 1, 3, 3), (1, 4, 3, 3)],
            "must divide",
        ),
        (
            "DeformableConvolution",
            "deformable_convolution_param { num_output: 1 kernel_size: 1 }",
            [(1, 1, 3, 3), (1, 4, 3, 3)],
            r"needs offsets of shape \(1, 2, 3, 3\)",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


def test_the_weights_of_places_are_for_one_size():
    net = run_layer(
        "Local", "local_param { num_output: 1 kernel_size: 1 }", [np.zeros((1, 1, 2, 3))]
    ).net
    net.blobs["x0"].reshape(1, 1, 3, 2)
    with pytest.raises(caffe.CaffeError, match="has weights for the places of bottoms of 2 x 3"):
        net.forward()
