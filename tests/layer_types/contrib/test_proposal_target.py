"""ProposalTarget of MS-CNN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe
from caffe.layer_types.contrib.box_output import moved

MEAN, STD = (0, 0.1, 0, -0.1), (0.1, 0.1, 0.2, 0.2)
REG = " ".join([f"bbox_mean: {v}" for v in MEAN] + [f"bbox_std: {v}" for v in STD])


def body(reg=REG, **param):
    param = {"cls_num": 3, "img_width": 100, "img_height": 100, "num_img_per_batch": 2} | param
    fields = " ".join(f"{name}: {str(value).lower()}" for name, value in param.items())
    return f"proposal_target_param {{ {fields} }} bbox_reg_param {{ {reg} }}"


def regions_of(rng, count):
    start = rng.uniform(0, 30, (count, 2))
    ends = start + rng.uniform(8, 30, (count, 2))
    return np.c_[rng.randint(0, 2, count), start, ends].astype(np.float32)


def objects_of(rng, count):
    rows = np.c_[
        regions_of(rng, count), rng.randint(1, 3, count), rng.choice(2, count, p=[0.8, 0.2])
    ]
    return rows.astype(np.float32)


def nearest(region, objects):
    """The first object that a region overlaps most, and how much; None where there is none."""
    own = [(jaccard(region[1:], o[1:5], pixel=1), o) for o in objects if o[0] == region[0]]
    return max(own, key=lambda each: each[0], default=(0.0, None))


@law("ProposalTarget")
@drawn(20)
@given(SEED, st.booleans(), st.booleans(), st.sampled_from([0, 3]))
def test_of_all_regions_the_targets_are_the_papers(seed, aware, by_overlap, count):
    rng = np.random.RandomState(seed)
    regions, objects = regions_of(rng, 8), objects_of(rng, count)
    given = objects if count else np.float32([[-1, 0, 0, 1, 1, 1, 0]])
    text = body(
        f"{REG} cls_aware: {str(aware).lower()}",
        batch_size=-1,
        fg_thr=0.4,
        bg_thr_hg=0.4,
        bg_thr_lw=0.05 if count else 0,
        iou_weighted=by_overlap,
        bbox_thr_hg=0.9,
        pickup_discard=False,
    )
    found = [y[:, :, 0, 0] for y in run_layer("ProposalTarget", text, [regions, given], tops=7).y]
    fore, back = [], []
    for region in [*regions, *objects[:, :5]]:
        most, object = nearest(region.astype(float), objects.astype(float))
        if most >= 0.4:
            if not object[6]:
                fore.append((region, object, most))
        elif most >= 0.05 or not count:
            back.append(region)
    if not fore + back:
        return  # what is made up then has a test of its own
    agree(found[0], [each[0] for each in fore] + back)
    agree(found[1][:, 0], [each[1][5] for each in fore] + [0] * len(back))
    width = 4 * (3 if aware else 2)
    shifts, weights = np.zeros((len(fore + back), width)), np.zeros((len(fore + back), width))
    for n, (region, object, most) in enumerate(fore):
        at = 4 * (int(object[5]) if aware else 1)
        w, h = region[3] - region[1] + 1, region[4] - region[2] + 1
        gw, gh = object[3] - object[1] + 1, object[4] - object[2] + 1
        wanted = [
            (object[1] + gw / 2 - region[1] - w / 2) / w,
            (object[2] + gh / 2 - region[2] - h / 2) / h,
            math.log(gw / w),
            math.log(gh / h),
        ]
        shifts[n, at : at + 4] = [(v - m) / s for v, m, s in zip(wanted, MEAN, STD, strict=True)]
        weights[n, at : at + 4] = most <= 0.9
        agree(found[5][n], [object[5], *object[1:5], most], 1e-4, 1e-4)
    agree(found[2], shifts, 1e-3, 1e-3)
    assert not found[5][len(fore) :].any()
    for top in found[3:5]:
        agree(top, weights)
    total = found[6][: len(fore), 0].sum(), found[6].sum()
    if fore and back:
        agree(total[0] / total[1], 0.25)
        agree(total[1], len(fore + back), 1e-4)
    if fore and by_overlap:
        each = found[6][: len(fore), 0]
        agree(each / each.sum(), np.array([f[2] for f in fore]) / sum(f[2] for f in fore), 1e-4)


def test_objects_are_what_moved_makes_of_the_shifts():
    rng = np.random.RandomState(0)
    regions, objects = regions_of(rng, 20), objects_of(rng, 3)
    text = body("", batch_size=-1, fg_thr=0.3, bg_thr_hg=0.3, append_gtbox=False)
    found = run_layer("ProposalTarget", text, [regions, objects], tops=6).y
    import torch

    for region, label, shift, truth in zip(
        *(found[k][:, :, 0, 0] for k in (0, 1, 2, 5)), strict=True
    ):
        if label:
            own = torch.tensor(shift.reshape(3, 4)[int(label[0])])[None]
            agree(moved(own, torch.tensor(region[None, 1:]))[0], truth[1:5], 1e-4, 1e-3)


def test_a_batch_is_drawn_and_filled_up():
    objects = np.float32([[0, 0, 0, 39, 39, 2, 0]])
    near = np.float32([[0, 0, 0, 39, 39 - n % 3] for n in range(20)])
    low = np.float32([[0, 0, 0, 9, 20 + n] for n in range(10)])
    far = np.float32([[0, 50, 50, 60, 60 + n] for n in range(10)])
    text = body(batch_size=16, fg_thr=0.5, bg_thr_hg=0.5, bg_thr_lw=0.1)
    found = [
        run_layer("ProposalTarget", text, [np.concatenate(each), objects], tops=6).y
        for each in ((near, low, far), (near, low, far), (near, low[:3], far))
    ]
    for tops in found:
        assert (tops[1].ravel() == 2).sum() == 4  # a fourth
        assert len(tops[1]) == 16
    assert not np.array_equal(found[0][0], found[1][0])
    filled = found[2][0][4:, :, 0, 0]
    np.testing.assert_array_equal(filled, np.concatenate([low[:3], far[:9]]))
    less = run_layer(
        "ProposalTarget",
        body(batch_size=16, pickup_discard=False),
        [np.concatenate([near, low[:3], far]), objects],
        tops=6,
    ).y
    assert len(less[0]) < 16


def test_where_there_is_nothing_a_region_is_made_up():
    none = np.float32([[-1, 0, 0, 1, 1, 1, 0]])
    text = body(batch_size=-1, bg_thr_lw=0.1)
    for _ in range(5):
        found = run_layer("ProposalTarget", text, [np.float32([[0, 0, 0, 9, 9]]), none], tops=6).y
        image, x1, y1, x2, y2 = found[0].ravel()
        assert image in (0, 1)
        assert min(x1, y1) >= 0
        assert min(x2 - x1, y2 - y1) >= 31
        assert max(x2, y2) <= 100 + 31
        assert found[1].ravel() == [0]


@pytest.mark.parametrize(
    ("param", "objects", "message"),
    [
        ({"cls_num": 1}, [0, 0, 0, 9, 9, 1, 0], "cls_num of 2 or more; found 1"),
        ({"batch_size": 0}, [0, 0, 0, 9, 9, 1, 0], "batch_size is positive, or -1"),
        ({"fg_thr": 0.4}, [0, 0, 0, 9, 9, 1, 0], "fg_thr 0.4 is below bg_thr_hg 0.5"),
        ({"img_width": 32}, [0, 0, 0, 9, 9, 1, 0], "must be above 32; found 32"),
        ({}, [2, 0, 0, 9, 9, 1, 0], "num_img_per_batch is 2, but a region is of image 2"),
        ({}, [0, 0, 0, 9, 9, 0, 0], "'x1' holds an object of class 0"),
        ({}, [0, 0, 0, 9, 9], "needs regions R x 5 and objects G x 7"),
    ],
)
def test_what_does_not_fit_says_so(param, objects, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .ProposalTarget.: .*{message}"):
        run_layer(
            "ProposalTarget", body(**param), [np.zeros((1, 5)), np.float32([objects])], tops=6
        )
