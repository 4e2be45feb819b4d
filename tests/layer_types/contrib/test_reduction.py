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
    with pytest.raises(caffe.CaffeError, match="its operation is SUM, MEAN or TOPK"):
        run_layer("BatchReduction", body, [np.zeros((4, 2))])


@drawn()
@given(SEED, st.integers(0, 2), st.integers(1, 4))
def test_the_mean_may_be_of_the_largest(seed, axis, k):
    x, dy = normal(seed, 4, 5, 6), normal(seed + 1, *np.delete([4, 5, 6], axis))
    body = f"batch_reduction_param {{ reduction_param {{ operation: TOPK k: {k} axis: {axis} }} }}"
    found = run_layer("BatchReduction", body, [x], diffs=[dy])
    ordered = np.sort(x.astype(np.float64), axis)
    agree(found.y[0], np.take(ordered, range(-k, 0), axis).mean(axis), 1e-4)
    taken = x >= np.take(ordered, [-k], axis).astype(np.float32)
    agree(found.dx[0], taken * np.expand_dims(dy, axis) / k, 1e-4)


def test_the_largest_is_one_where_no_number_is_given():
    body = "batch_reduction_param { reduction_param { operation: TOPK axis: 1 } }"
    x = normal(0, 3, 4)
    np.testing.assert_array_equal(run_layer("BatchReduction", body, [x]).y[0], x.max(1))


@drawn(8)
@given(SEED, st.integers(0, 1), st.sampled_from(["SUM", "MEAN"]))
def test_pos_takes_the_same_place_of_two_axes(seed, axis, operation):
    x = normal(seed, *([4, 4, 3] if axis == 0 else [3, 4, 4]))
    body = f"pos: true reduction_param {{ operation: {operation} axis: {axis} }}"
    found = run_layer("BatchReduction", f"batch_reduction_param {{ {body} }}", [x]).y[0]
    same = np.diagonal(x.astype(np.float64), axis1=axis, axis2=axis + 1)
    agree(found, same.sum(-1) / (4 if operation == "MEAN" else 1), 1e-4)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("reduction_param { operation: TOPK k: 6 axis: 1 }", "k must be from 1 to 5, .*; found 6"),
        ("reduction_param { operation: TOPK k: 0 axis: 1 }", "found 0"),
        ("level: 2 reduction_param { operation: TOPK k: 1 }", r"the one level 1; found \[2\]"),
        ("pos: true", r"two axes of one length from axis 0 on; found shape \(4, 5\)"),
        ("pos: true reduction_param { axis: 1 }", "two axes of one length from axis 1 on"),
        ("pos: true reduction_param { operation: TOPK }", "takes TOPK or pos, not both"),
    ],
)
def test_what_cannot_be_reduced_says_so(body, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("BatchReduction", f"batch_reduction_param {{ {body} }}", [np.zeros((4, 5))])


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
