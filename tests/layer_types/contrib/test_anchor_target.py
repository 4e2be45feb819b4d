"""AnchorTarget of Faster R-CNN."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe
from caffe.layer_types.contrib.proposal import anchors

SIZE = (72, 88)  # of the image
SHAPE = (6, 7)  # of the map, whose stride of 12 leaves a part of the image out
RATIOS, SCALES = (0.5, 1), (1, 2)


def body(**param):
    param = {"feat_stride": 12, "ratio": RATIOS, "scale": SCALES} | param
    fields = [
        f"{name}: {value}"
        for name, values in param.items()
        for value in (values if isinstance(values, tuple) else (values,))
    ]
    return f"anchor_target_param {{ {' '.join(fields)} }}"


def exactly(a, b):
    """Of corners whose last pixels are inside."""
    return jaccard(*([Fraction(float(c)) for c in corners] for corners in (a, b)), pixel=1)


def objects_of(rng, count):
    start = rng.randint(0, 50, (count, 2))
    return np.c_[start, start + rng.randint(8, 36, (count, 2)), rng.randint(1, 9, count)]


def expected(objects, border, high, low):
    """The tops where nothing is drawn, by definition: anchor by anchor."""
    count = len(RATIOS) * len(SCALES)
    height, width = SHAPE
    base = anchors(16, RATIOS, SCALES)
    high, low = (Fraction(str(threshold)) for threshold in (high, low))
    label = np.full((1, 1, count * height, width), -1.0)
    shifts, weights, each = (np.zeros((1, 4 * count, height, width)) for _ in range(3))
    shared = {}
    for a, i, j in np.ndindex(count, height, width):
        box = base[a] + 12 * np.array([j, i, j, i])
        if min(box[:2]) >= -border and box[2] < SIZE[1] + border and box[3] < SIZE[0] + border:
            shared[a, i, j] = box, [exactly(box, o[:4]) for o in objects]
    best = [max(of[g] for _, of in shared.values()) for g in range(len(objects))]
    for (a, i, j), (box, of) in shared.items():
        if max(of) >= high or any(one == most for one, most in zip(of, best, strict=True)):
            label[0, 0, a * height + i, j] = 1
        elif max(of) < low:
            label[0, 0, a * height + i, j] = 0
        x1, y1, x2, y2 = objects[of.index(max(of))][:4]
        w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
        gw, gh = x2 - x1 + 1, y2 - y1 + 1
        shifts[0, 4 * a : 4 * a + 4, i, j] = [
            (x1 + gw / 2 - box[0] - w / 2) / w,
            (y1 + gh / 2 - box[1] - h / 2) / h,
            math.log(gw / w),
            math.log(gh / h),
        ]
        weights[0, 4 * a : 4 * a + 4, i, j] = label[0, 0, a * height + i, j] == 1
        each[0, 4 * a : 4 * a + 4, i, j] = label[0, 0, a * height + i, j] >= 0
    return label, shifts, weights, each / (label >= 0).sum()


def targets(objects, more="", size=SIZE, seed=0, scores=None, **param):
    caffe.set_random_seed(seed)
    count = len(RATIOS) * len(SCALES)
    inputs = [np.zeros((1, 2 * count, *SHAPE)) if scores is None else scores, objects]
    return run_layer("AnchorTarget", body(**param), [*inputs, [[*size, 1]]], tops=4).y


@law("AnchorTarget")
@drawn(25)
@example(630, 4, (0.5, 0.4), 0)  # overlaps of exactly 0.4
@given(SEED, st.integers(1, 4), st.sampled_from([(0.7, 0.3), (0.5, 0.4)]), st.sampled_from([0, 9]))
def test_the_targets_are_the_papers(seed, count, overlaps, border):
    objects = objects_of(np.random.RandomState(seed), count)
    found = targets(
        objects,
        allowed_border=border,
        batch_size=1000,
        positive_overlap=overlaps[0],
        negative_overlap=overlaps[1],
    )
    for ours, theirs in zip(found, expected(objects, border, *overlaps), strict=True):
        agree(ours, theirs)


def test_an_overlap_at_a_threshold_is_an_object_and_no_background():
    base = anchors(16, (1,), (2,))[0]
    near = [base[0] + 16, base[1], base[2] + 16, base[3], 1]  # the second of three anchors
    shared = float(exactly(base, near))
    for name, label in (("positive_overlap", 1), ("negative_overlap", -1)):
        other = {"positive_overlap": 0.9, "negative_overlap": 0.1} | {name: shared}
        fields = " ".join(f"{key}: {value!r}" for key, value in other.items())
        found = run_layer(
            "AnchorTarget",
            f"anchor_target_param {{ ratio: 1 scale: 2 allowed_border: 9 {fields} }}",
            [np.zeros((1, 2, 1, 3)), [near], [[100, 100, 1]]],
            tops=4,
        ).y[0]
        assert found.ravel().tolist() == [label, 1, label]


def test_what_is_too_much_is_drawn_by_the_seed():
    objects = objects_of(np.random.RandomState(3), 6)
    every = targets(objects, batch_size=1000, positive_overlap=0.4)[0].ravel()
    assert (every == 1).sum() > 4
    some = [
        targets(objects, seed=seed, batch_size=10, fg_fraction=0.4, positive_overlap=0.4)
        for seed in (1, 1, 2)
    ]
    for label, _, weights, each in some:
        assert [(label == kind).sum() for kind in (1, 0)] == [4, 6]
        assert (every[label.ravel() != -1] == label.ravel()[label.ravel() != -1]).all()
        assert weights.sum() == 4 * 4
        agree(np.unique(each), [0, 0.1])
    np.testing.assert_array_equal(some[0][0], some[1][0])
    assert (some[0][0] != some[2][0]).any()


def test_background_fills_up_what_objects_leave():
    label = targets(objects_of(np.random.RandomState(0), 1), batch_size=20)[0]
    assert (label == 1).sum() < 10
    assert (label >= 0).sum() == 20


def test_an_image_without_anchors_inside_or_without_objects_has_no_objects():
    label, shifts, *weights = targets([[1, 1, 9, 9, 1]], size=(10, 10))
    assert (label == -1).all()
    assert not any(top.any() for top in (shifts, *weights))
    label, *_ = targets(np.zeros((0, 5)), batch_size=1000)
    assert set(np.unique(label)) == {-1, 0}


@pytest.mark.parametrize(
    ("scores", "objects", "param", "message"),
    [
        ((1, 6, 6, 7), (1, 5), {}, r"4 anchors need scores 1 x 8 x H x W, of one image; found"),
        ((2, 8, 6, 7), (1, 5), {}, r"of one image; found shape \(2, 8, 6, 7\)"),
        ((1, 8, 6, 7), (1, 4), {}, r"needs objects G x 5 or more, .*found shapes \(1, 4\)"),
        ((1, 8, 6, 7), (1, 5), {"feat_stride": 0}, "feat_stride must be positive; found 0"),
        ((1, 8, 6, 7), (1, 5), {"base_size": 0}, "base_size must be positive; found 0"),
        ((1, 8, 6, 7), (1, 5), {"batch_size": 0}, "batch_size must be positive; found 0"),
    ],
)
def test_what_does_not_fit_says_so(scores, objects, param, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .AnchorTarget.: .*{message}"):
        targets(np.zeros(objects), scores=np.zeros(scores), **param)


def mined(objects, scores, size=SIZE, **param):
    """The labels that SSH mines, by scores of all anchors as objects, and those of all."""
    count = len(RATIOS) * len(SCALES)
    both = np.concatenate([1 - scores, scores], 1)
    inputs = [np.zeros((1, 2 * count, *SHAPE)), objects, [[*size, 1]], np.zeros((1, 3, 9, 9)), both]
    few, every = (
        run_layer("AnchorTarget", body(**param, batch_size=n), inputs, tops=4).y[0].ravel()
        for n in (param.pop("batch_size", 10), 1000)
    )
    return few, every


def test_of_mined_anchors_those_that_are_told_worst_are_kept():
    rng = np.random.RandomState(3)
    scores = rng.permutation(4 * SHAPE[0] * SHAPE[1]).reshape(1, 4, *SHAPE) / 1000
    few, every = mined(objects_of(rng, 6), scores, fg_fraction=0.4, positive_overlap=0.4)
    said = scores.ravel()  # as the labels lie
    for kind, count, worst in ((1, 4, np.min), (0, 6, np.max)):
        kept, left = said[few == kind], said[(every == kind) & (few == -1)]
        assert len(kept) == count
        assert (worst([*kept, *left]) == kept).any()
        assert (kept.max() < left.min()) if kind else (kept.min() > left.max())


def test_mined_anchors_may_all_lie_outside():
    scores = np.zeros((1, 4, *SHAPE))
    few, _ = mined([[1, 1, 9, 9, 1]], scores, size=(10, 10), batch_size=7)
    assert (few >= 0).sum() == 7


def test_an_object_need_not_have_an_anchor():
    objects = [[0, 0, 3, 3, 1]]  # a quarter of an anchor at most
    assert (targets(objects, batch_size=1000)[0] == 1).any()
    found = targets(objects, batch_size=1000, force_fg_for_each_gt="false")[0]
    assert not (found == 1).any()


def test_scores_to_mine_by_are_those_of_the_anchors():
    inputs = [np.zeros((1, 8, 6, 7)), np.zeros((1, 5)), np.zeros((1, 3))]
    with pytest.raises(caffe.CaffeError, match=r"to mine by of shape \(1, 8, 6, 7\); found"):
        run_layer("AnchorTarget", body(), [*inputs, np.zeros(3), np.zeros((1, 8, 6, 6))], tops=4)
