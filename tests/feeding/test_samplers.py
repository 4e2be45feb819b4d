"""SSD's batch samplers."""

import math

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, drawn

import caffe
from caffe.core.rectangles import coverage, overlap
from caffe.feeding.samplers import check_sampler, jittered, sampled
from caffe.feeding.transform import uniforms
from caffe.proto import caffe_pb2

OBJECTS = np.array([[0.1, 0.1, 0.5, 0.6], [0.5, 0.5, 0.9, 0.7]])
RANGES = "min_scale: 0.3 max_scale: 1 min_aspect_ratio: 0.5 max_aspect_ratio: 2"


def sampler(constraint="", more="max_sample: 1 max_trials: 50", ranges=RANGES):
    text = f"sampler {{ {ranges} }} sample_constraint {{ {constraint} }} {more}"
    return text_format.Parse(text, caffe_pb2.BatchSampler())


def window(*samplers, seed=0, objects=OBJECTS):
    return sampled(samplers, objects, uniforms(seed, 4, 0))


@drawn(50)
@given(SEED)
def test_windows_lie_inside_and_have_the_sides_of_their_ranges(seed):
    found = window(sampler(), seed=seed)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-9).all()
    w, h = found[2:] - found[:2]
    assert 0.3 - 1e-9 <= math.sqrt(w * h) <= 1
    assert 0.5 - 1e-9 <= w / h <= 2 + 1e-9


@drawn(30)
@given(SEED, st.sampled_from(["jaccard_overlap", "sample_coverage", "object_coverage"]))
def test_windows_meet_their_constraint(seed, kind):
    values = {
        "jaccard_overlap": lambda w: overlap(w, OBJECTS),
        "sample_coverage": lambda w: coverage(w, OBJECTS),
        "object_coverage": lambda w: coverage(OBJECTS, w),
    }[kind]
    found = window(sampler(f"min_{kind}: 0.3"), seed=seed)
    assert found is None or values(found).max() >= np.float32(0.3)
    found = window(sampler(f"min_{kind}: 0.1 max_{kind}: 0.4"), seed=seed)
    assert found is None or ((values(found) >= 0.1 - 1e-6) & (values(found) <= 0.4 + 1e-6)).any()


def test_of_several_kinds_of_constraints_the_first_counts():
    both = sampler("min_jaccard_overlap: 0.1 min_object_coverage: 2")  # which no window meets
    assert window(both) is not None
    assert window(sampler("min_object_coverage: 2")) is None


def test_what_cannot_be_met_is_given_up():
    assert window(sampler("min_jaccard_overlap: 0.99")) is None
    assert window(sampler("min_jaccard_overlap: 0.1"), objects=np.zeros((0, 4))) is None
    assert window(sampler(more="use_original_image: false")) is None
    assert window() is None


def test_one_of_what_all_samplers_find_is_taken():
    whole = sampler(more="max_sample: 1", ranges="")
    half = sampler(more="max_sample: 3", ranges="min_scale: 0.5 max_scale: 0.5")
    sides = [
        round(w[2] - w[0], 6)
        for seed in range(60)
        if (w := window(whole, half, seed=seed)) is not None
    ]
    assert set(sides) == {1, 0.5}
    assert sides.count(0.5) > sides.count(1)  # three of four


def test_without_a_number_all_trials_count():
    draws = iter(uniforms(0, 4, 0))
    used = []

    def counted():
        for value in draws:
            used.append(value)
            yield value

    sampled([sampler(more="max_trials: 7")], OBJECTS, counted())
    assert len(used) == 7 * 4 + 1


@drawn(30)
@given(SEED, st.sampled_from([0, 0.3, 0.9]))
def test_a_jitter_takes_away_some_of_each_side(seed, jitter):
    found = jittered(jitter, uniforms(seed, 4, 0))
    assert (found >= 0).all()
    assert (found <= 1 + 1e-9).all()
    assert (found[2:] - found[:2] >= 1 - jitter - 1e-9).all()


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ("min_scale: 0", "0 < min_scale <= max_scale <= 1; found 0 and 1"),
        ("min_scale: 0.5 max_scale: 0.4", "found 0.5 and 0.4"),
        ("max_scale: 2", "found 1 and 2"),
        ("min_aspect_ratio: 3", "min_aspect_ratio <= max_aspect_ratio; found 3 and 1"),
    ],
)
def test_ranges_that_are_none_say_so(ranges, message):
    with pytest.raises(caffe.CaffeError, match=message):
        check_sampler(text_format.Parse(ranges, caffe_pb2.Sampler()))


def test_draws_are_their_arguments_alone_and_differ_between_items():
    def first(*args):
        return [next(draws) for draws in [uniforms(*args)] for _ in range(40)]

    assert first(1, 4, 2) == first(1, 4, 2)
    values = first(1, 4, 2) + first(1, 4, 3) + first(1, 5, 2) + first(2, 4, 2)
    assert len(set(values)) == 160
    assert all(0 <= value < 1 for value in values)
