"""RandBI, RandComp."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

RATES = "rand_comp_param { pad: %s compression_rate: 1 compression_rate: 2 compression_rate: 4 }"


def maps(seed):
    return [normal(seed + i, 2, i + 1, 8 // rate, 16 // rate) for i, rate in enumerate((1, 2, 4))]


def pixels(seed, pad):
    """As many rows and columns as all three maps have."""
    rng = np.random.RandomState(seed)
    rows, columns = rng.randint(0, 6 if pad else 5, 9), rng.randint(0, 14 if pad else 13, 9)
    return np.stack([rng.randint(0, 2, 9), rows, columns], 1).astype(np.float32)


def between(x, row, column):
    """x (C, H, W), whose first rows and columns are also what is beyond."""
    row, column = max(row, 0), max(column, 0)
    top, left = int(row), int(column)
    total = 0
    for i, down in enumerate((1 - row + top, row - top)):
        for j, along in enumerate((1 - column + left, column - left)):
            if down * along:
                total = total + down * along * x[:, top + i, left + j].astype(np.float64)
    return total


def nearest(x, row, column):
    return x[:, int(np.floor(row + 0.5)), int(np.floor(column + 0.5))]


@law("RandBI", "RandComp")
@drawn()
@given(SEED, st.booleans(), st.sampled_from([("RandBI", between), ("RandComp", nearest)]))
def test_pixels_have_what_the_maps_have_there(seed, pad, kind_and_value):
    kind, value = kind_and_value
    inputs, at = maps(seed), pixels(seed, pad)
    dy = normal(seed + 9, 9, 6)
    found = run_layer(kind, RATES % str(pad).lower(), [*inputs, at], diffs=[dy])
    expected = [
        np.concatenate(
            [
                value(x[int(n)], *((p - pad * (rate - 1) / 2) / rate for p in (row, column)))
                for x, rate in zip(inputs, (1, 2, 4), strict=True)
            ]
        )
        for n, row, column in at
    ]
    agree(found.y[0], expected, 1e-4)
    agree(sum(dx.sum() for dx in found.dx[:3]), dy.astype(np.float64).sum(), 1e-3, 1e-4)
    assert not found.dx[3].any()


@pytest.mark.parametrize("kind", ["RandBI", "RandComp"])
@pytest.mark.parametrize(
    ("body", "at", "message"),
    [
        (RATES % "true", [[0, 0, 0], [2, 1, 1]], r"pixel 1 of 'x3' needs \(2, .* of 'x0', which"),
        (RATES % "false", [[0, 7, 0]], r"pixel 0 of 'x3' needs \(0, 4, 0\) of 'x1'"),
        (RATES % "true", [[0, 0, 16]], r"needs \(0, 0, 16\) of 'x0'"),
        (RATES % "true", [[-1, 0, 0]], r"needs \(-1, 0, 0\) of 'x0'"),
        (RATES % "true", [[0, np.nan, 0]], r"needs \(0, nan, 0\) of 'x0'"),
        (RATES % "true", [[0, 0]], "pixels P x 3; found shapes"),
        ("rand_comp_param { compression_rate: [1, 2] }", [[0, 0, 0]], "each of 3 maps; found"),
        ("rand_comp_param { compression_rate: [1, 2, 0] }", [[0, 0, 0]], "needs a positive comp"),
        ("rand_comp_param { compression_rate: [1, 2, 4] }", [[0, 0, 0]], "needs pad: true or"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, at, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [*maps(0), at])
