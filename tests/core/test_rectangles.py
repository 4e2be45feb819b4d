"""How boxes lie to each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.laws import agree, drawn

from caffe.core.rectangles import area, coverage, overlap

BOX = st.lists(st.integers(0, 8), min_size=4, max_size=4)


def cells(box, last_inside):
    """The unit squares that a box of whole corners covers."""
    return {
        (x, y)
        for x in range(box[0], box[2] + last_inside)
        for y in range(box[1], box[3] + last_inside)
    }


@drawn(200)
@given(BOX, BOX)
def test_boxes_share_the_squares_that_lie_in_both(one, other):
    one, other = ([*np.minimum(b[:2], b[2:]), *np.maximum(b[:2], b[2:])] for b in (one, other))
    for pixel in (0, 1):
        a, b = cells(one, pixel), cells(other, pixel)
        assert area(np.array(one), pixel) == len(a)
        agree(overlap(np.array(one), np.array([other]), pixel), [len(a & b) / max(len(a | b), 1)])
    a, b = cells(one, 0), cells(other, 0)
    agree(coverage(np.array(one), np.array([other])), [len(a & b) / max(len(a), 1)])


def test_a_box_that_ends_before_it_begins_has_no_area():
    boxes = np.array([[3, 0, 2, 4], [0, 0, 2, 2]])
    assert area(boxes).tolist() == [0, 4]
    assert overlap(boxes[0], boxes).tolist() == [0, 0]
