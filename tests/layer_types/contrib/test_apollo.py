"""RPNProposalSSD and RCNNProposal of Apollo's traffic lights."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer

import caffe

SIZES = [(9, 27), (16, 16), (28, 9)]  # width and height of anchors
REG = (
    "bbox_reg_param { bbox_mean: 0.1 bbox_mean: 0 bbox_mean: -0.1 bbox_mean: 0.05 "
    "bbox_std: 0.2 bbox_std: 0.1 bbox_std: 0.3 bbox_std: 0.2 }"
)
MEAN, STD = (0.1, 0, -0.1, 0.05), (0.2, 0.1, 0.3, 0.2)
NMS = "nms_param {{ overlap_ratio: 0.5 top_n: {} max_candidate_n: {} voting: false vote_iou: 0.7 }}"
CHOICE = "min_size_h: 9 min_size_w: 12 refine_out_of_map_bbox: true "
IMAGE = np.float32([[40, 50, 1, 1, 0, 0]])  # height and width


def decoded(box, shift):
    """A box by its shift, in float64, cut off at the image's ends."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1 + 1, y2 - y1 + 1
    dx, dy, dw, dh = (float(v) * s + m for v, s, m in zip(shift, STD, MEAN, strict=True))
    x, y = dx * w + x1 + (w - 1) / 2, dy * h + y1 + (h - 1) / 2
    w, h = math.exp(dw) * w, math.exp(dh) * h
    corners = x - (w - 1) / 2, y - (h - 1) / 2, x + (w - 1) / 2, y + (h - 1) / 2
    return [min(max(c, 0), end - 1) for c, end in zip(corners, (50, 40, 50, 40), strict=True)]


def jaccard(a, b):
    w, h = (max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1, 0) for i in range(2))
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return w * h / (sum(areas) - w * h)


def chosen(candidates, either, most, room):
    """Rows of (score, box, more), the best first, of those that are large enough."""

    def large(box):
        fits = box[2] - box[0] + 1 >= 12, box[3] - box[1] + 1 >= 9
        return any(fits) if either else all(fits)

    ranked = sorted((c for c in candidates if large(c[1])), key=lambda c: -c[0])[:most]
    kept = []
    for _, box, more in ranked:
        if all(jaccard(box, other[1:5]) <= 0.5 for other in kept):
            kept.append([0, *box, *more])
    width = 5 + len(candidates[0][2])
    return [*kept[:room], *[[-1] * width] * (room - len(kept[:room]))]


@law("RPNProposalSSD")
@drawn(15)
@given(SEED, st.booleans(), st.sampled_from([3, 30]), st.sampled_from([4, 40]))
def test_regions_are_the_best_anchors_that_overlap_no_better_one(seed, either, room, most):
    rng = np.random.RandomState(seed)
    scores = rng.uniform(0, 1, (1, 6, 4, 5)).astype(np.float32)
    shifts = rng.standard_normal((1, 12, 4, 5)).astype(np.float32)
    mode = "HEIGHT_OR_WIDTH" if either else "HEIGHT_AND_WIDTH"
    anchors = "".join(f"anchor_width: {w} anchor_height: {h} " for w, h in SIZES)
    body = (
        f"{REG} detection_output_ssd_param {{ heat_map_a: 8 {CHOICE} min_size_mode: {mode} "
        f"threshold_objectness: 0.3 gen_anchor_param {{ {anchors} }} {NMS.format(room, most)} }}"
    )
    found = run_layer("RPNProposalSSD", body, [scores, shifts, IMAGE]).y[0]
    candidates = []
    for i, j, k in np.ndindex(4, 5, 3):
        w, h = SIZES[k]
        box = 8 * j - (w - 1) / 2, 8 * i - (h - 1) / 2, 8 * j + (w - 1) / 2, 8 * i + (h - 1) / 2
        if scores[0, 3 + k, i, j] > np.float32(0.3):
            shift = shifts[0, 4 * k : 4 * k + 4, i, j]
            candidates.append((scores[0, 3 + k, i, j], decoded(box, shift), []))
    agree(found[:, :, 0, 0], chosen(candidates, either, most, room), 1e-4, 1e-3)


@law("RCNNProposal")
@drawn(15)
@given(SEED, st.booleans(), st.booleans())
def test_objects_are_of_the_class_that_is_the_most_above_its_threshold(seed, either, says):
    rng = np.random.RandomState(seed)
    scores = rng.dirichlet(np.ones(3), 20).astype(np.float32)
    shifts = rng.standard_normal((20, 12)).astype(np.float32)
    corners = rng.uniform(0, 30, (20, 2))
    regions = np.c_[np.zeros(20), corners, corners + rng.uniform(5, 20, (20, 2))]
    regions[15:] = -1
    regions = regions.astype(np.float32)
    mode = "HEIGHT_OR_WIDTH" if either else "HEIGHT_AND_WIDTH"
    body = (
        f"{REG} detection_output_ssd_param {{ num_class: 2 {CHOICE} min_size_mode: {mode} "
        f"threshold_objectness: 0.2 threshold: 0.4 threshold: 0.1 "
        f"rpn_proposal_output_score: {str(says).lower()} {NMS.format(6, 12)} }}"
    )
    found = run_layer("RCNNProposal", body, [scores, shifts, regions, IMAGE])
    candidates = []
    for n in range(15):
        above = scores[n, 1:] - np.float32([0.4, 0.1])
        kind = 1 + int(above[1] > above[0])
        if 1 - scores[n, 0] >= np.float32(0.2) and above.max() >= 0:
            box = decoded(regions[n, 1:].astype(np.float64), shifts[n, 4 * kind : 4 * kind + 4])
            candidates.append((scores[n, kind], box, list(scores[n]) if says else []))
    expected = chosen(candidates or [(0, [0] * 4, [0] * 3 * says)], either, 12, 6)
    agree(found.y[0][:, :, 0, 0], expected, 1e-4, 1e-3)


def test_what_they_ask_for_is_named():
    scores, shifts = np.zeros((1, 2, 2, 2)), np.zeros((1, 4, 2, 2))
    anchor = "gen_anchor_param { anchor_width: 9 anchor_height: 9 }"
    whole = f"heat_map_a: 8 threshold_objectness: 0.1 {CHOICE} {anchor} {NMS.format(3, 9)}"

    def run(text, bottoms):
        run_layer("RPNProposalSSD", f"detection_output_ssd_param {{ {text} }}", bottoms)

    run(whole, [scores, shifts, IMAGE])
    for text, bottoms, said in (
        (
            anchor,
            [scores, shifts, IMAGE],
            r"has no heat_map_a, min_size_h, .*top_n, max_candidate_n",
        ),
        (whole.replace("voting: false", "voting: true"), [scores, shifts, IMAGE], "voting are not"),
        (whole, [scores, shifts[:, :3], IMAGE], r"1 anchors need scores 1 x 2 x H x W"),
        (whole, [scores, shifts, IMAGE[:, :3]], r"its 6 values.*\(1, 3\)"),
    ):
        with pytest.raises(caffe.CaffeError, match=said):
            run(text, bottoms)
