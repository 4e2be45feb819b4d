"""StageBridge of MNC."""

import math

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("StageBridge")
@drawn(20)
@given(SEED)
def test_each_region_is_moved_as_its_best_class_says(seed):
    rng = np.random.RandomState(seed)
    start = rng.randint(0, 40, (6, 2))
    regions = np.c_[np.zeros(6), start, start + rng.randint(0, 30, (6, 2))].astype(np.float32)
    shifts, scores = normal(seed, 6, 12), normal(seed + 1, 6, 3)
    scores[0] = 1  # all equal: the first
    found = run_layer("StageBridge", "", [regions, shifts, scores, [[50, 60, 1.5]]]).y[0]
    expected = []
    for (_, x1, y1, x2, y2), own, said in zip(regions.astype(float), shifts, scores, strict=True):
        c = int(np.argmax(said))
        dx, dy, dw, dh = own[4 * c : 4 * c + 4].astype(float)
        w, h = x2 - x1 + 1, y2 - y1 + 1
        x, y, w, h = (
            *(x1 + w / 2 + dx * w, y1 + h / 2 + dy * h),
            *(w * math.exp(dw), h * math.exp(dh)),
        )
        ends = zip((x - w / 2, y - h / 2, x + w / 2, y + h / 2), (60, 50) * 2, strict=True)
        expected.append([0, *(min(max(end, 0), length - 1) for end, length in ends)])
    agree(found, expected, 1e-4, 1e-3)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 4), (2, 12), (2, 3), (1, 3)],
        [(2, 5), (2, 12), (2, 4), (1, 3)],
        [(2, 5), (3, 12), (3, 3), (1, 3)],
        [(2, 5), (2, 12), (2, 3), (1, 2)],
    ],
)
def test_what_does_not_fit_says_so(shapes):
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .StageBridge.: needs regions R x 5"):
        run_layer("StageBridge", "", [np.zeros(shape) for shape in shapes])
