"""Boxes that follow their image."""

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn

import caffe
from caffe.feeding.annotations import (
    BOX,
    after_resize,
    extrapolated,
    mirrored,
    parse_annotated_datum,
    rows_of,
    seen_in,
)
from caffe.proto import caffe_pb2


def rows(*boxes):
    return np.array([[i + 1, i, *box, i % 2] for i, box in enumerate(boxes)], float)


def policy(text):
    return text_format.Parse(text, caffe_pb2.ResizeParameter())


def test_a_datum_has_a_row_for_each_object_of_its_groups():
    datum = text_format.Parse(
        """datum { } annotation_group { group_label: 3
             annotation { instance_id: 4 bbox { xmin: 0.25 ymin: 0.5 xmax: 0.75 ymax: 1 } }
             annotation { bbox { xmax: 1 ymax: 1 difficult: true } } }
           annotation_group { group_label: 2 annotation { bbox { xmax: 0.5 ymax: 0.5 } } }""",
        caffe_pb2.AnnotatedDatum(),
    )
    found = rows_of(parse_annotated_datum(memoryview(datum.SerializeToString()), "x"))
    assert found.tolist() == [
        [3, 4, 0.25, 0.5, 0.75, 1, 0],
        [3, 0, 0, 0, 1, 1, 1],
        [2, 0, 0, 0, 0.5, 0.5, 0],
    ]
    assert rows_of(caffe_pb2.AnnotatedDatum()).shape == (0, 7)


def test_bytes_that_are_no_datum_say_so():
    with pytest.raises(caffe.CaffeError, match=r"here: not an AnnotatedDatum .3 bytes"):
        parse_annotated_datum(b"\x0a\xff\xff", "here")
    plain = caffe_pb2.Datum(channels=1, height=1, width=1, data=b"x").SerializeToString()
    with pytest.raises(caffe.CaffeError, match=r"here: not an AnnotatedDatum, .* a Data layer"):
        parse_annotated_datum(plain, "here")


def test_a_window_shows_the_parts_of_boxes_that_lie_in_it():
    window = np.array([0.2, 0.4, 0.6, 1.0])
    found = seen_in(
        rows(
            [0.3, 0.5, 0.5, 0.7],  # inside
            [0, 0, 1, 1],  # around
            [0.5, 0.3, 0.9, 0.5],  # over a corner
            [0, 0, 0.2, 1],  # beside, touching
            [0.7, 0.5, 0.9, 0.7],  # beside
            [0.3, 0.5, 0.3, 0.7],  # without an area
        ),
        window,
        None,
    )
    assert found[:, 0].tolist() == [1, 2, 3]
    expected = [[0.25, 1 / 6, 0.75, 0.5], [0, 0, 1, 1], [0.75, 0, 1, 1 / 6]]
    agree(found[:, BOX], expected)


@pytest.mark.parametrize(
    ("constraint", "kept"),
    [
        ("", [1, 2]),  # the centre on the border too
        ("emit_type: CENTER", [1, 2]),
        ("emit_type: MIN_OVERLAP emit_overlap: 0.25", [1, 2, 3]),
        ("emit_type: MIN_OVERLAP emit_overlap: 0.5", [1]),  # more, not as much
    ],
)
def test_a_constraint_keeps_boxes_by_centre_or_by_what_is_seen(constraint, kept):
    boxes = rows([0.5, 0, 1, 1], [0.25, 0, 0.75, 1], [0.125, 0, 0.6875, 1], [0, 0, 0.5, 1])
    found = seen_in(
        boxes,
        np.array([0.5, 0, 1, 1]),
        text_format.Parse(constraint, caffe_pb2.EmitConstraint()),
    )
    assert found[:, 0].tolist() == kept


def test_mirroring_changes_left_and_right():
    agree(mirrored(rows([0.1, 0.2, 0.4, 0.8]))[:, BOX], [[0.6, 0.2, 0.9, 0.8]])


MODES = ("WARP", "FIT_SMALL_SIZE", "FIT_LARGE_SIZE_AND_PAD")


@drawn(40)
@given(SEED, st.sampled_from(MODES), st.integers(20, 200), st.integers(20, 200))
def test_a_box_covers_after_a_resize_what_it_covered(seed, mode, height, width):
    rng = np.random.RandomState(seed)
    low = rng.uniform(0, 0.5, 2)
    box = np.r_[low, low + rng.uniform(0.1, 0.5, 2)]
    found = after_resize(
        rows(box), policy(f"resize_mode: {mode} height: 60 width: 90"), (height, width)
    )
    found = found[0, BOX].reshape(2, 2)
    if mode == "FIT_LARGE_SIZE_AND_PAD":
        scale = min(90 / width, 60 / height)
        inner = np.array([width, height]) * scale
        pixels = (np.array([90, 60]) - inner) / 2 + box.reshape(2, 2) * inner
        agree(found, pixels / [90, 60], 1e-6)
    else:
        agree(found, box.reshape(2, 2), 1e-9)


def test_corners_may_count_in_another_size():
    wanted = policy(
        "resize_mode: FIT_SMALL_SIZE height: 50 width: 60 height_scale: 40 width_scale: 50"
    )
    window = np.array([0.1, 0, 0.9, 1])
    box = rows([0.5, 0.5, 1, 1])
    # 100 x 200 becomes 50 x 100, of which 50 x 80 are cut out.
    found = extrapolated(box, wanted, (100, 200), window)
    agree(found[:, BOX], [[0.8, 0.625, 1.6, 1.25]])
    assert extrapolated(box, policy("height: 5 width: 5"), (9, 9), window) is box
    with pytest.raises(caffe.CaffeError, match=r"\[50, 40\] are larger than the image is"):
        extrapolated(box, wanted, (100, 200), np.array([0, 0, 0.2, 1]))
