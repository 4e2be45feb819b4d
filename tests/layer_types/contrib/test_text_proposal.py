"""TextProposal of CTPN."""

import math

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe
from caffe.layer_types.contrib.text_proposal import HEIGHTS, anchors

BODY = "proposal_param { feat_stride: 16 }"


def test_the_anchors_are_ctpns():
    found = anchors()
    assert found[:4].tolist() == [[0, 2, 15, 12], [0, 0, 15, 15], [0, -3, 15, 18], [0, -8, 15, 23]]
    # An odd height, and an even one from 16 on, is what is left when halves are cut off.
    sides = found[:, 3] - found[:, 1] + 1
    assert np.abs(sides - HEIGHTS).max() <= 1


@law("TextProposal")
@drawn(20)
@given(SEED)
def test_the_regions_are_ctpns(seed):
    height, width, size = 3, 4, (40, 60)
    scores, shifts = normal(seed, 1, 20, height, width), normal(seed + 1, 1, 20, height, width)
    found = run_layer("TextProposal", BODY, [scores, shifts, [[*size, 1.5]]], tops=2).y
    boxes, said = [], []
    for i, j, a in np.ndindex(height, width, 10):
        x1, y1, x2, y2 = anchors()[a] + 16 * np.array([j, i, j, i])
        side = y2 - y1 + 1
        tall = math.exp(shifts[0, 2 * a + 1, i, j]) * side
        top = (y1 + y2) / 2 + shifts[0, 2 * a, i, j] * side - tall / 2
        ends = zip((x1, top, x2, top + tall), size[::-1] * 2, strict=True)
        boxes.append([min(max(end, 0), length - 1) for end, length in ends])
        said.append([scores[0, 10 + a, i, j]])
    agree(found[0], boxes, 1e-4, 1e-4)
    agree(found[1], said)


@pytest.mark.parametrize(
    ("shapes", "body", "message"),
    [
        ([(1, 18, 2, 2), (1, 20, 2, 2), (1, 3)], BODY, "needs scores and shifts 1 x 20 x H x W"),
        ([(2, 20, 2, 2), (2, 20, 2, 2), (1, 3)], BODY, "of one image; found shapes"),
        ([(1, 20, 2, 2), (1, 20, 2, 2), (1, 2)], BODY, "found the shape .* of 'x2'"),
        ([(1, 20, 2, 2)] * 3, "proposal_param { feat_stride: 0 }", "must be positive; found 0"),
    ],
)
def test_what_does_not_fit_says_so(shapes, body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .TextProposal.: .*{message}"):
        run_layer("TextProposal", body, [np.zeros(shape) for shape in shapes], tops=2)
