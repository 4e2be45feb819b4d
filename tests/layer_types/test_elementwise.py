"""Arithmetic value by value: its laws, against float64 references written here."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_in_place, run_layer

import caffe

pytestmark = pytest.mark.smoke


@law("Dropout")
@pytest.mark.parametrize("ratio", [0, 0.2, 0.5, 0.9])
def test_dropout_drops_the_ratio_scales_the_rest_and_keeps_the_mean(ratio):
    caffe.set_random_seed(1)
    x = np.ones((100, 1000), np.float32)
    body = f"dropout_param {{ dropout_ratio: {ratio} }}"
    ran = run_layer("Dropout", body, [x], phase=caffe.TRAIN, diffs=[2 * x])
    kept = ran.y[0] != 0
    assert abs(1 - kept.mean() - ratio) < 5 * math.sqrt(0.25 / x.size)
    agree(ran.y[0][kept], 1 / (1 - np.float32(ratio)) * np.ones(kept.sum()))
    agree(ran.dx[0], 2 * ran.y[0])  # by the same mask


@law("Dropout")
def test_dropout_passes_everything_in_test():
    x = normal(0, 3, 4)
    assert np.array_equal(run_layer("Dropout", "", [x]).y[0], x)


@pytest.mark.parametrize("operation", ["SUM", "PROD", "MAX"])
@pytest.mark.parametrize("shapes", itertools.permutations([(2, 3), (2, 3, 1, 1), (2, 3, 1)]))
def test_axes_of_1_at_the_end_make_no_difference_as_in_caffe_of_2014(operation, shapes):
    xs = [normal(i, *shape) for i, shape in enumerate(shapes)]
    body = f"eltwise_param {{ operation: {operation} }}"
    found = run_layer("Eltwise", body, xs, diffs=[np.ones(shapes[0])])
    alike = run_layer("Eltwise", body, [x.reshape(2, 3) for x in xs], diffs=[np.ones((2, 3))])
    agree(found.y[0], alike.y[0].reshape(shapes[0]))
    for x, ours, theirs in zip(xs, found.dx, alike.dx, strict=True):
        agree(ours, theirs.reshape(x.shape))
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match="one shape: 'x0' is"):
            run_layer("Eltwise", body, xs)
    finally:
        caffe.set_strict(False)


@law("Eltwise")
@drawn()
@given(SEED, st.integers(2, 4), st.booleans())
def test_eltwise_sum_weighs_its_bottoms(seed, count, weighted):
    xs = [normal(seed + i, 2, 3) for i in range(count)]
    coeff = [1.0, -2.0, 0.5, 3.0][:count] if weighted else [1.0] * count
    text = " ".join(f"coeff: {c}" for c in coeff) if weighted else ""
    dy = normal(seed + 9, 2, 3)
    ran = run_layer("Eltwise", f"eltwise_param {{ {text} }}", xs, diffs=[dy])
    agree(ran.y[0], sum(c * np.float64(x) for c, x in zip(coeff, xs, strict=True)))
    for c, dx in zip(coeff, ran.dx, strict=True):
        agree(dx, c * dy)


@law("Eltwise")
@drawn()
@given(SEED, st.integers(2, 4))
def test_eltwise_prod_gives_each_bottom_the_product_of_the_others_even_at_zero(seed, count):
    xs = [normal(seed + i, 2, 3) for i in range(count)]
    xs[0][0] = 0
    ran = run_layer("Eltwise", "eltwise_param { operation: PROD }", xs, diffs=[np.ones((2, 3))])
    agree(ran.y[0], np.prod(np.float64(xs), 0))
    for i, dx in enumerate(ran.dx):
        agree(dx, np.prod(np.float64(xs[:i] + xs[i + 1 :]), 0))


@law("Eltwise")
@drawn()
@given(st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=2, max_size=4))
def test_eltwise_max_gives_a_tie_to_the_second_of_two_but_never_to_a_later_bottom(rows):
    xs = [np.array(row, np.float32) for row in rows]
    ran = run_layer("Eltwise", "eltwise_param { operation: MAX }", xs, diffs=[np.ones(6)])
    agree(ran.y[0], np.max(rows, 0))
    for j in range(6):
        winner = 0 if rows[0][j] > rows[1][j] else 1
        for i in range(2, len(rows)):
            winner = i if rows[i][j] > rows[winner][j] else winner
        assert [dx[j] for dx in ran.dx] == [float(i == winner) for i in range(len(rows))]


@law("Clip")
@drawn()
@given(SEED)
def test_clip_passes_values_and_gradients_between_its_bounds_with_the_bounds(seed):
    x = np.concatenate([normal(seed, 20), np.float32([-0.5, 0.75, -np.inf, np.inf])])
    dy = normal(seed + 1, 24)
    ran = run_layer("Clip", "clip_param { min: -0.5 max: 0.75 }", [x], diffs=[dy])
    agree(ran.y[0], np.clip(x, -0.5, 0.75))
    agree(ran.dx[0], dy * ((x >= -0.5) & (x <= 0.75)))


@law("Clip")
def test_clip_gives_min_where_min_exceeds_max():
    x = np.array([-2, 0, 2], np.float32)
    ran = run_layer("Clip", "clip_param { min: 1 max: -1 }", [x], diffs=[np.ones(3)])
    agree(ran.y[0], [1, 1, 1])
    agree(ran.dx[0], [0, 0, 0])


SCALES = st.sampled_from([1.0, -0.7, 0.25])
SHIFTS = st.sampled_from([0.0, 0.2, -1.5])


@law("Exp")
@drawn(40)
@given(SEED, st.sampled_from([-1, 2, 0.5, 10]), SCALES, SHIFTS)
def test_exp_is_base_to_the_shift_plus_scale_x(seed, base, scale, shift):
    """Base -1 stands for e."""
    x, dy = normal(seed, 2, 5), normal(seed + 1, 2, 5)
    body = f"exp_param {{ base: {base} scale: {scale} shift: {shift} }}"
    ran = run_layer("Exp", body, [x], diffs=[dy])
    base = math.e if base == -1 else base
    y = base ** (shift + scale * np.float64(x))
    agree(ran.y[0], y)
    agree(ran.dx[0], dy * y * scale * math.log(base))


@law("Exp")
def test_exp_overflows_to_infinity():
    """Caffe multiplies base^shift and base^(scale x): the first alone may be too large."""
    ran = run_layer("Exp", "exp_param { shift: 1000 }", [np.float32([-990, 0])])
    assert np.isnan(ran.y[0][0])  # infinity times zero
    assert ran.y[0][1] == np.inf


@law("Log")
@drawn(40)
@given(SEED, st.sampled_from([-1, 2, 0.5, 10]), SCALES, SHIFTS)
def test_log_is_the_logarithm_to_base_of_shift_plus_scale_x(seed, base, scale, shift):
    """Base -1 stands for e."""
    inner = 0.1 + np.abs(normal(seed, 2, 5))
    x, dy = ((inner - shift) / scale).astype(np.float32), normal(seed + 1, 2, 5)
    body = f"log_param {{ base: {base} scale: {scale} shift: {shift} }}"
    ran = run_layer("Log", body, [x], diffs=[dy])
    inner = shift + scale * np.float64(x)
    log_base = 1 if base == -1 else math.log(base)
    agree(ran.y[0], np.log(inner) / log_base, floor=2e-5)
    agree(ran.dx[0], dy * scale / inner / log_base, relative=1e-4)


@law("Power")
@drawn(40)
@given(SEED, st.sampled_from([1, 2, 3, -1, 0.5, 1.7]), SCALES, SHIFTS)
def test_power_is_shift_plus_scale_x_to_the_power(seed, power, scale, shift):
    inner = 0.1 + np.abs(normal(seed, 2, 5))
    if power in (1, 2, 3):  # negative values have such powers too
        inner *= np.sign(normal(seed + 1, 2, 5))
    x, dy = ((inner - shift) / scale).astype(np.float32), normal(seed + 2, 2, 5)
    body = f"power_param {{ power: {power} scale: {scale} shift: {shift} }}"
    ran = run_layer("Power", body, [x], diffs=[dy])
    inner = shift + scale * np.float64(x)
    agree(ran.y[0], inner**power, relative=1e-4)
    agree(ran.dx[0], dy * power * scale * inner ** (power - 1), relative=1e-4)


@law("Power")
@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("power: 0", 1),
        ("power: 0 shift: -3", 1),
        ("power: 2 scale: 0 shift: 3", 9),
        ("power: 0.5 scale: 0 shift: -3", math.nan),
        ("power: -1 scale: 0", math.inf),
    ],
)
def test_power_ignores_the_bottom_where_scale_or_power_is_zero(body, value):
    x = np.float32([-1, 0, np.nan, np.inf])
    ran = run_layer("Power", f"power_param {{ {body} }}", [x], diffs=[np.ones(4)])
    agree(ran.y[0], [value] * 4)
    agree(ran.dx[0], [0] * 4)


@law("Power")
def test_the_gradient_of_a_power_of_zero_is_the_derivative():
    """Caffe takes top over bottom, which is no number here."""
    ran = run_layer("Power", "power_param { power: 3 }", [np.zeros(2)], diffs=[np.ones(2)])
    agree(ran.dx[0], [0, 0])


@law("Clip", "Exp", "Log", "Power")
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Clip", "clip_param { min: 0.5 max: 1 }"),
        ("Exp", "exp_param { base: 2 }"),
        ("Log", "log_param { base: 2 }"),
        ("Power", "power_param { power: 3 shift: 1 }"),
    ],
)
def test_in_place_gives_the_same_numbers(kind, body):
    x, dy = np.abs(normal(0, 3, 4)) + 0.1, normal(1, 3, 4)
    apart = run_layer(kind, body, [x], diffs=[dy])
    for hold in (False, True):
        y, dx = run_in_place(kind, body, x, dy, hold)
        agree(y, apart.y[0])
        agree(dx, apart.dx[0])


@law("Exp", "Log")
@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("Exp", "exp_param { base: 0 }", "base must be positive.*found 0"),
        ("Exp", "exp_param { base: inf }", "base must be positive and finite.*found inf"),
        ("Log", "log_param { base: -2 }", "base must be positive.*found -2"),
        ("Log", "log_param { base: 1 }", "base of 1"),
    ],
)
def test_a_base_without_a_logarithm_is_refused(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, body, [np.ones(2)])


def test_a_sum_of_one_bottom_is_flownets():
    body = "eltwise_param { coeff: 0.5 }"
    agree(run_layer("Eltwise", body, [np.float32([[1, -2]])]).y[0], [[0.5, -1]])
    with pytest.raises(caffe.CaffeError, match="takes 2 to any number bottom"):
        run_layer("Eltwise", "eltwise_param { operation: PROD }", [np.zeros((1, 2))])


def test_a_sum_of_one_bottom_is_refused_where_nets_are_strict(strict):
    with pytest.raises(caffe.CaffeError, match="takes 2 to any number bottom"):
        run_layer("Eltwise", "eltwise_param { coeff: 0.5 }", [np.zeros((1, 2))])
