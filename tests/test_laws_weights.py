"""Layers with parameters: their laws, against float64 references written here."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from laws import SEED, agree, drawn, law, normal
from net_text import run_layer


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
