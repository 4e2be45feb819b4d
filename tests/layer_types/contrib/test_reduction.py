"""BatchReduction, Sum, Gram."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("BatchReduction")
@drawn()
@given(
    SEED, st.sampled_from(["SUM", "MEAN"]), st.integers(0, 2), st.sampled_from([[], [1], [1, 2]])
)
def test_parts_of_an_axis_are_added(seed, operation, axis, levels):
    x = normal(seed, 5, 5, 5)
    body = " ".join(f"level: {level}" for level in levels)
    body += f" reduction_param {{ operation: {operation} axis: {axis} }}"
    found = run_layer("BatchReduction", f"batch_reduction_param {{ {body} }}", [x]).y[0]
    reduce = np.sum if operation == "SUM" else np.mean
    values = x.astype(np.float64)
    if len(levels) < 2:
        expected = reduce(values, axis)
    else:
        parts = np.split(values, [1], axis)
        expected = np.stack([reduce(part, axis) for part in parts], axis)
    agree(found, expected, 1e-4)


def test_levels_fill_the_axis():
    body = "batch_reduction_param { level: 1 level: 2 }"
    with pytest.raises(caffe.CaffeError, match=r"levels \[1, 2\] are of 5 values; axis 0 of"):
        run_layer("BatchReduction", body, [np.zeros((4, 2))])
    body = "batch_reduction_param { reduction_param { operation: ASUM } }"
    with pytest.raises(caffe.CaffeError, match="its operation is SUM or MEAN"):
        run_layer("BatchReduction", body, [np.zeros((4, 2))])


@law("Sum")
@drawn()
@given(SEED, SMALL, SMALL)
def test_an_item_or_several_bottoms_are_added(seed, n, count):
    inputs = [normal(seed + i, n, 3, 2) for i in range(count)]
    found = run_layer("Sum", "", inputs).y[0]
    wide = [x.astype(np.float64) for x in inputs]
    expected = wide[0].sum((1, 2)).reshape(n, 1, 1, 1) if count == 1 else sum(wide)
    agree(found, expected, 1e-4)
    with pytest.raises(caffe.CaffeError, match="bottoms of one shape"):
        run_layer("Sum", "", [inputs[0], inputs[0][:, :2]])


def test_an_item_of_one_value_is_its_sum():
    x, dy = normal(0, 4), normal(1, 4, 1, 1, 1)
    found = run_layer("Sum", "", [x], diffs=[dy])
    agree(found.y[0], x.reshape(4, 1, 1, 1))
    agree(found.dx[0], dy.flatten())


@law("Gram")
@drawn()
@given(SEED, SMALL, SMALL)
def test_channels_are_multiplied_with_each_other(seed, n, c):
    x, dy = normal(seed, n, c, 2, 3), normal(seed + 1, n, c, c, 1)
    found = run_layer("Gram", "", [x], diffs=[dy])
    flat = x.astype(np.float64).reshape(n, c, 6)
    agree(found.y[0][..., 0], flat @ flat.transpose(0, 2, 1) / (6 * c), 1e-4)
    expected = (dy[..., 0] * (1 + np.eye(c))) @ flat / (6 * c)
    agree(found.dx[0].reshape(n, c, 6), expected, 1e-4)
