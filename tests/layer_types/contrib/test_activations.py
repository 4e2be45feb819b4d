"""Activations of forks, and items of unit length."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer


def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


RULES = {
    "SELU": lambda x: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "Mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": lambda x: x * hard_sigmoid(x),
}
ALSO = {"SeLU": "SELU", "HSigmoid": "HardSigmoid", "HSwish": "HardSwish"}


@law(*RULES, *ALSO)
@drawn()
@given(SEED, SMALL)
def test_values_follow_the_rule(seed, n):
    x = 3 * normal(seed, n, 5)
    for kind in (*RULES, *ALSO):
        agree(run_layer(kind, "", [x]).y[0], RULES[ALSO.get(kind, kind)](x.astype(np.float64)))


@law("Normalization", "L2Normalization", "L2Normalize", "L2Norm")
@pytest.mark.parametrize("kind", ["Normalization", "L2Normalization", "L2Normalize", "L2Norm"])
def test_items_have_unit_length(kind):
    x, dy = normal(0, 3, 4, 1, 2), normal(1, 3, 4, 1, 2)
    x[1] = 0
    found = run_layer(kind, "", [x], diffs=[dy])
    length = np.linalg.norm(x.astype(np.float64).reshape(3, -1), axis=1).reshape(3, 1, 1, 1)
    y = x / np.where(length, length, 1)
    agree(found.y[0], y)
    along = (y * dy).sum((1, 2, 3), keepdims=True)
    agree(found.dx[0][::2], ((dy - along * y) / np.where(length, length, 1))[::2])
    assert np.isfinite(found.dx[0]).all()
