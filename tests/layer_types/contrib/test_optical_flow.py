"""Correlation, Correlation1D, FlowWarp, ChannelNorm, NegReLU."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def correlated(first, second, shifts, kernel, pads, reach, stride, subtract):
    """Equation 1 of FlowNet's paper at every place, for displacements of rows and columns."""
    n, c, *_ = first.shape
    spread = ((0, 0), (0, 0), (pads[0],) * 2, (pads[1],) * 2)
    a, b = (np.pad(x.astype(np.float64), spread) for x in (first, second))
    b = np.pad(b, ((0, 0), (0, 0), (0, 0), (9, 0)))  # 0 beyond the padding too
    tops = [-(-(a.shape[2 + i] - 2 * reach[i] - (kernel - 1)) // stride) for i in range(2)]
    found = np.zeros((n, len(shifts), *tops))
    for d, (dy, dx) in enumerate(shifts):
        for i, j in np.ndindex(*tops):
            y, x = reach[0] + i * stride, reach[1] + j * stride
            here = a[:, :, y : y + kernel, x : x + kernel]
            there = b[:, :, y + dy : y + dy + kernel, 9 + x + dx : 9 + x + dx + kernel]
            alike = np.abs(here - there) if subtract else here * there
            found[:, d, i, j] = alike.sum((1, 2, 3)) / (kernel**2 * c)
    return found


CORRELATION = st.tuples(
    st.sampled_from([1, 3]), st.integers(0, 2), st.integers(1, 2), st.integers(1, 2), st.booleans()
)


@law("Correlation", "Correlation1D")
@drawn()
@given(SEED, CORRELATION, st.sampled_from([None, 0, 1, -1]))
def test_patches_are_held_against_displaced_ones(seed, settings, direction):
    kernel, reach, stride, step, subtract = settings
    first, second = normal(seed, 1, 2, 6, 7), normal(seed + 1, 1, 2, 6, 7)
    kind = "Correlation" if direction is None else "Correlation1D"
    body = (
        f"correlation_param {{ pad: 2 kernel_size: {kernel} max_displacement: {reach} "
        f"stride_1: {stride} stride_2: {step} single_direction: {direction or 0} "
        f"correlation_type: {'SUBTRACT' if subtract else 'MULTIPLY'} }}"
    )
    steps = reach // step
    both = [i * step for i in range(-steps, steps + 1)]
    along = {
        1: [i * step for i in range(steps + 1)],
        -1: [i * step for i in range(-steps - 1, 0)],
    }.get(direction, both)
    shifts = [(dy, dx) for dy in (both if direction is None else [0]) for dx in along]
    high = direction is None
    expected = correlated(
        first, second, shifts, kernel, (2 * high, 2), (reach * high, reach), stride, subtract
    )
    agree(run_layer(kind, body, [first, second]).y[0], expected, 1e-4)


@law("FlowWarp")
@drawn()
@given(SEED, st.booleans())
def test_a_flow_leads_to_bilinear_values(seed, holes):
    maps, flow = normal(seed, 1, 2, 3, 4), 2 * normal(seed + 1, 1, 2, 3, 4)
    body = "flow_warp_param { fill_value: NOT_A_NUMBER }" if holes else ""
    found = run_layer("FlowWarp", body, [maps, flow])
    expected = np.full(maps.shape, np.nan if holes else 0, np.float64)
    for i, j in np.ndindex(3, 4):
        x, y = j + float(flow[0, 0, i, j]), i + float(flow[0, 1, i, j])
        if not (0 <= x < 4 and 0 <= y < 3):
            continue
        left, above = int(x), int(y)
        right, below = min(left + 1, 3), min(above + 1, 2)
        a, b = x - left, y - above
        expected[0, :, i, j] = (
            (1 - a) * (1 - b) * maps[0, :, above, left]
            + a * (1 - b) * maps[0, :, above, right]
            + (1 - a) * b * maps[0, :, below, left]
            + a * b * maps[0, :, below, right]
        )
    agree(found.y[0], expected, 1e-4)


def test_a_flow_of_whole_pixels_moves_them():
    maps, flow = normal(0, 1, 1, 2, 3), np.zeros((1, 2, 2, 3))
    flow[:, 0] = 1
    agree(run_layer("FlowWarp", "", [maps, flow]).y[0][..., :2], maps[..., 1:])


@law("ChannelNorm", "NegReLU")
@drawn()
@given(SEED, SMALL, SMALL)
def test_lengths_of_channels_and_negative_parts(seed, n, c):
    x = normal(seed, n, c, 2, 3)
    expected = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    agree(run_layer("ChannelNorm", "", [x]).y[0], expected)
    found = run_layer("NegReLU", "", [x], diffs=[np.ones_like(x)])
    agree(found.y[0], np.minimum(x, 0))
    agree(found.dx[0], x < 0)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("Correlation", "kernel_size: 2", [(1, 1, 2, 2)] * 2, "kernel_size must be odd; found 2"),
        ("Correlation", "kernel_size: 1", [(1, 1, 2, 2)] * 2, "max_displacement is missing"),
        ("Correlation", "kernel_size: 1 max_displacement: 1", [(1, 1, 2, 2)] * 2, "are smaller"),
        ("Correlation", "kernel_size: 1 max_displacement: 0", [(1, 1, 2, 2), (1, 1, 2, 3)], "one"),
        ("FlowWarp", None, [(1, 1, 2, 2), (1, 1, 2, 2)], "a flow N x 2 x H x W"),
        ("ChannelNorm", None, [(1, 1)], "needs 4 axes"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    body = f"correlation_param {{ {body} }}" if body else ""
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])
