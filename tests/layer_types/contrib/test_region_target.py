"""RegionTarget of Faster R-CNN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe

STD = (0.1, 0.1, 0.2, 0.2)
REG = "bbox_reg_param { " + " ".join(f"bbox_mean: 0 bbox_std: {v}" for v in STD) + " }"


def targets(regions, objects, seed=0, reg=REG, **param):
    caffe.set_random_seed(seed)
    fields = " ".join(f"{k}: {str(v).lower()}" for k, v in ({"num_classes": 4} | param).items())
    body = f"region_target_param {{ {fields} }} {reg}"
    inputs = [np.float32(regions), np.float32(objects)]
    return run_layer("RegionTarget", body, inputs, tops=inputs[1].shape[1]).y


def boxes_of(rng, count):
    start = rng.uniform(0, 30, (count, 2))
    return np.c_[start, start + rng.uniform(8, 30, (count, 2))].astype(np.float32)


@law("RegionTarget")
@drawn(25)
@given(SEED, st.booleans(), st.sampled_from([2, 4]), st.integers(1, 3))
def test_of_all_regions_the_targets_are_the_papers(seed, agnostic, axes, count):
    rng = np.random.RandomState(seed)
    regions = np.c_[np.zeros(9), boxes_of(rng, 9)].astype(np.float32)
    objects = np.c_[boxes_of(rng, count), rng.randint(1, 4, count)].astype(np.float32)
    found = targets(
        regions,
        objects,
        batch_size=-1,
        agnostic=agnostic,
        num_axes=axes,
        fg_thresh=0.4,
        bg_thresh_hi=0.4,
        bg_thresh_lo=0.05,
    )
    width = 8 if agnostic else 16
    fore, back = [], []
    for box in [*regions[:, 1:].astype(float), *objects[:, :4].astype(float)]:
        overlaps = [jaccard(box, o[:4].astype(float), pixel=1) for o in objects]
        most = max(overlaps)
        if most >= 0.4:
            fore.append((box, objects[overlaps.index(most)].astype(float)))
        elif most >= 0.05:
            back.append(box)
    rows = len(fore) + len(back)
    shapes = [(rows, 5), (rows,), *[(rows, width)] * 3]
    if axes == 4:
        shapes = [(rows, n, 1, 1) for n in (5, 1, width, width, width)]
    assert [top.shape for top in found] == shapes
    rois, labels, shifts, inside, outside = (top.reshape(rows, -1) for top in found)
    agree(rois, [[0, *box] for box in [*(f[0] for f in fore), *back]])
    agree(labels[:, 0], [f[1][4] for f in fore] + [0] * len(back))
    wanted, weights = np.zeros((rows, width)), np.zeros((rows, width))
    for row, (box, object) in enumerate(fore):
        w, h, gw, gh = box[2] - box[0] + 1, box[3] - box[1] + 1, *(object[2:4] - object[:2] + 1)
        at = 4 * (1 if agnostic else int(object[4]))
        shift = (
            (object[0] + gw / 2 - box[0] - w / 2) / w,
            (object[1] + gh / 2 - box[1] - h / 2) / h,
            math.log(gw / w),
            math.log(gh / h),
        )
        wanted[row, at : at + 4] = np.divide(shift, STD)
        weights[row, at : at + 4] = 1
    agree(shifts, wanted, 1e-4, 1e-4)
    agree(inside, weights)
    agree(outside, weights)


NEAR = np.float32([[0, 0, 0, 39, 39 - n % 3] for n in range(40)])
FAR = np.float32([[0, 50, 50, 60, 60 + n] for n in range(60)])
OBJECT = np.float32([[0, 0, 39, 39, 2]])


def test_a_fourth_of_a_batch_are_objects_by_the_seed():
    found = [targets([*NEAR, *FAR], OBJECT, seed, batch_size=32) for seed in (1, 1, 2)]
    for rois, labels, *_ in found:
        assert labels.tolist() == [2] * 8 + [0] * 24
        assert len(np.unique(rois[8:], axis=0)) == 24
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert (found[0][0] != found[2][0]).any()


def test_half_a_region_is_rounded_to_the_even_number():
    for size, objects in ((10, 2), (14, 4)):  # 2.5 and 3.5
        assert (targets([*NEAR, *FAR], OBJECT, batch_size=size)[1] == 2).sum() == objects


def test_background_fills_up_and_may_be_too_little():
    rois, labels, *_ = targets([*NEAR[:2], *FAR[:5]], OBJECT, batch_size=32)
    assert labels.tolist() == [2] * 3 + [0] * 5
    np.testing.assert_array_equal(rois[2], [0, 0, 0, 39, 39])  # the object itself
    assert len(targets([*NEAR, *FAR], OBJECT, batch_size=32, bg_thresh_lo=0.1)[1]) == 8


def test_an_overlap_at_a_threshold_counts():
    region = [[0, 0, 0, 9, 0]]  # a tenth of the object
    object = [[0, 0, 9, 9, 1]]
    assert targets(region, object, bg_thresh_lo=0.1)[1].tolist() == [1, 0]
    assert targets(region, object, bg_thresh_lo=0.11)[1].tolist() == [1]
    assert targets(region, object, fg_thresh=0.1, bg_thresh_hi=0.1)[1].tolist() == [1, 1]


def test_an_object_of_no_class_is_learnt_as_background():
    labels, shifts, weights = targets([[0, 0, 0, 9, 9]], [[0, 0, 9, 9, 0]])[1:4]
    assert labels.tolist() == [0, 0]
    assert not shifts.any()
    assert not weights.any()


def test_without_an_object_all_is_background():
    rois, labels, *_ = targets(NEAR, np.zeros((0, 5)), batch_size=-1)
    assert len(rois) == len(NEAR)
    assert not labels.any()


@pytest.mark.parametrize(
    ("param", "region", "object", "message"),
    [
        ({"num_classes": 1}, [0] * 5, [0] * 5, "num_classes of 2 or more; found 1"),
        ({"batch_size": 0}, [0] * 5, [0] * 5, "batch_size is positive, or -1"),
        ({}, [0] * 4, [0] * 5, r"needs regions R x 5 and objects G x 5 .*found shapes .*\(1, 4\)"),
        ({}, [1, 0, 0, 9, 9], [0] * 5, "'x0' has a region of image 1; expected 0"),
        ({}, [0] * 5, [0, 0, 9, 9, 4], "'x1' holds an object of class 4; expected at most 3"),
    ],
)
def test_what_does_not_fit_says_so(param, region, object, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .RegionTarget.: .*{message}"):
        targets([region], [object], **param)


def test_boxes_of_one_kind_are_of_any_class():
    labels, shifts, *_ = targets(NEAR, [[0, 0, 39, 39, 20]], num_classes=2, agnostic=True)[1:]
    assert labels[0] == 20
    assert shifts.shape[1] == 8


def test_people_have_a_second_label():
    person = [[0, 0, 39, 39, 1, 7], [50, 50, 60, 99, 1, -1]]
    found = targets([*NEAR[:1], *FAR[:2]], person, batch_size=-1, bg_aux_label=5532, num_axes=4)
    assert found[5].shape == (5, 1, 1, 1)
    assert found[5].ravel().tolist() == [7, 7, -1, 5532, 5532]
