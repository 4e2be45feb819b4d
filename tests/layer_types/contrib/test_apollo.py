"""RPNProposalSSD and RCNNProposal of Apollo's traffic lights."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx

SIZES = [(9, 27), (16, 16), (28, 9)]  # width and height of anchors
REG = (
    "bbox_reg_param { bbox_mean: 0.1 bbox_mean: 0 bbox_mean: -0.1 bbox_mean: 0.05 "
    "bbox_std: 0.2 bbox_std: 0.1 bbox_std: 0.3 bbox_std: 0.2 }"
)
MEAN, STD = (0.1, 0, -0.1, 0.05), (0.2, 0.1, 0.3, 0.2)
NMS = "nms_param {{ overlap_ratio: 0.5 top_n: {} max_candidate_n: {} voting: true vote_iou: 0.7 }}"
CHOICE = "min_size_h: 9 min_size_w: 12 refine_out_of_map_bbox: true "
IMAGE = np.float32([[50, 40, 1, 1, 0, 0]])  # width and height


def decoded(box, shift, pixel=1):
    """A box by its shift, in float64, cut off at the image's ends."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1 + pixel, y2 - y1 + pixel
    dx, dy, dw, dh = (float(v) * s + m for v, s, m in zip(shift, STD, MEAN, strict=True))
    x, y = dx * w + x1 + (w - pixel) / 2, dy * h + y1 + (h - pixel) / 2
    w, h = math.exp(dw) * w - pixel, math.exp(dh) * h - pixel
    corners = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return [min(max(c, 0), end - 1) for c, end in zip(corners, (50, 40, 50, 40), strict=True)]


def jaccard(a, b, pixel=1):
    spans = [min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in range(2)]
    if min(spans) < 0:
        return 0
    common = math.prod(span + pixel for span in spans)
    areas = [area(c, pixel) for c in (a, b)]
    return common / (sum(areas) - common)


def area(box, pixel=1):
    return (box[2] - box[0] + pixel) * (box[3] - box[1] + pixel)


def chosen(candidates, either, most, room, pixel=1):
    """Rows of (score, box, more), the best first, of those that are large enough."""

    def large(box):
        fits = box[2] - box[0] + pixel >= 12, box[3] - box[1] + pixel >= 9
        return any(fits) if either else all(fits)

    ranked = sorted((c for c in candidates if large(c[1])), key=lambda c: -c[0])[:most]
    kept = []
    for _, box, more in ranked:
        if all(jaccard(box, other[1:5], pixel) <= 0.5 for other in kept):
            kept.append([0, *box, *more])
    return kept[:room] or [[0] * len([0, *candidates[0][1], *candidates[0][2]])]


def mode_of(either):
    return f"min_size_mode: {'HEIGHT_OR_WIDTH' if either else 'HEIGHT_AND_WIDTH'}"


@law("RPNProposalSSD")
@drawn(15)
@given(SEED, st.booleans(), st.sampled_from([(3, 4), (3, 40), (30, 40)]), st.integers(0, 1))
def test_regions_are_the_best_anchors_that_overlap_no_better_one(seed, either, counts, pixel):
    (room, most), rng = counts, np.random.RandomState(seed)
    # Few scores, so that equal ones show their order, and the threshold itself.
    scores = np.float32(rng.choice([0.1, 0.3, 0.5, 0.9], (1, 6, 4, 5)))
    shifts = rng.standard_normal((1, 12, 4, 5)).astype(np.float32)
    anchors = "".join(f"anchor_width: {w} anchor_height: {h} " for w, h in SIZES)
    body = (
        f"{REG} detection_output_ssd_param {{ heat_map_a: 8 heat_map_b: 2 {CHOICE} "
        f"{mode_of(either)} rpn_proposal_output_score: true bbox_size_add_one: "
        f"{str(bool(pixel)).lower()} "
        f"threshold_objectness: 0.3 gen_anchor_param {{ {anchors} }} {NMS.format(room, most)} }}"
    )
    found = run_layer("RPNProposalSSD", body, [scores, shifts, IMAGE]).y[0]
    candidates = []
    for k, i, j in np.ndindex(3, 4, 5):
        w, h = (side - pixel for side in SIZES[k])
        x, y, score = 8 * j + 2, 8 * i + 2, scores[0, 3 + k, i, j]
        if score >= np.float32(0.3):
            box = decoded(
                (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
                shifts[0, 4 * k : 4 * k + 4, i, j],
                pixel,
            )
            candidates.append((score, box, [score]))
    agree(found[:, :, 0, 0], chosen(candidates, either, most, room, pixel), 1e-4, 1e-3)


@law("RCNNProposal")
@drawn(15)
@given(SEED, st.booleans(), st.booleans(), st.booleans())
def test_objects_are_of_the_class_that_is_the_most_above_its_threshold(seed, either, says, shared):
    rng = np.random.RandomState(seed)
    scores = rng.dirichlet(np.ones(3), 20).astype(np.float32)
    shifts = rng.standard_normal((20, 8 if shared else 12)).astype(np.float32)
    corners = rng.uniform(0, 30, (20, 2))
    regions = np.c_[np.repeat([0, 2], 10), corners, corners + rng.uniform(5, 20, (20, 2))]
    regions[17:] = -1
    regions = regions.astype(np.float32)
    body = (
        f"{REG} detection_output_ssd_param {{ num_class: 2 {CHOICE} {mode_of(either)} "
        f"{'' if shared else 'regress_agnostic: false'} "
        f"threshold_objectness: 0.2 threshold: 0.4 threshold: 0.1 "
        f"rpn_proposal_output_score: {str(says).lower()} {NMS.format(6, 12)} }}"
    )
    found = run_layer("RCNNProposal", body, [scores, shifts, regions, IMAGE]).y[0]
    expected = []
    for image in (0, 2):
        candidates = []
        for n in np.flatnonzero(regions[:, 0] == image):
            above = scores[n, 1:] - np.float32([0.4, 0.1])
            kind = 1 + int(above[1] > above[0])
            if 1 - scores[n, 0] >= np.float32(0.2) and above.max() >= 0:
                at = 4 if shared else 4 * kind
                box = decoded(regions[n, 1:].astype(np.float64), shifts[n, at : at + 4])
                candidates.append((scores[n, kind], box, list(scores[n]) if says else []))
        rows = chosen(candidates, either, 12, 6) if candidates else []
        expected += [[image, *row[1:]] for row in rows if any(row)]
    expected = expected or [[0] * (8 if says else 5)]
    agree(found[:, :, 0, 0], expected, 1e-4, 1e-3)


ONE = "gen_anchor_param { anchor_width: 9 anchor_height: 9 }"


def proposals(text, scores, shifts=None, tops=1):
    n, height, width = scores.shape
    bottoms = [np.concatenate([1 - scores, scores])[None], np.zeros((1, 4 * n, height, width))]
    bottoms = [*bottoms, IMAGE] if shifts is None else [bottoms[0], shifts, IMAGE]
    body = f"detection_output_ssd_param {{ heat_map_a: 8 {text} }}"
    return run_layer("RPNProposalSSD", body, bottoms, tops=tops).y


def test_where_there_is_no_region_there_is_a_row_of_zeros():
    (found,) = proposals(ONE, np.zeros((1, 2, 2)))
    np.testing.assert_array_equal(found, np.zeros((1, 5, 1, 1)))


@pytest.mark.long
def test_the_row_of_zeros_is_exported(tmp_path):
    shapes = {"scores": (1, 2, 3, 4), "shifts": (1, 4, 3, 4), "image": (1, 6)}
    inputs = " ".join(input_layer(name, *shape) for name, shape in shapes.items())
    bottoms = " ".join(f'bottom: "{name}"' for name in shapes)
    body = f"heat_map_a: 8 allow_border: 9 threshold_objectness: 99 {ONE}"
    text = f'{inputs} layer {{ name: "l" type: "RPNProposalSSD" {bottoms} top: "y" '
    net = net_of(f"{text} detection_output_ssd_param {{ {body} }} }}")
    onnx.export(net, tmp_path / "net.onnx")  # which runs it beside the net


def test_each_top_has_the_regions_of_its_sizes():
    sizes = "gen_anchor_param { anchor_width: 9 anchor_height: 4 anchor_width: 5 anchor_height: 7 }"
    text = (
        f"{sizes} proposal_min_sqrt_area: 0 proposal_min_sqrt_area: 5.95 proposal_max_sqrt_area: "
    )
    scores = np.reshape([0.3, 0.9], (2, 1, 1))
    small, large = proposals(f"{text} 5.95 proposal_max_sqrt_area: 9", scores, tops=2)
    np.testing.assert_allclose(small.ravel(), [0, -2, -3, 2, 3])
    np.testing.assert_allclose(large.ravel(), [0, -4, -1.5, 4, 1.5])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ratios: 1 scales: 0.5", [4, 4, 11, 11]),
        ("anchor_x1: 1 anchor_y1: 2 anchor_x2: 4 anchor_y2: 8", [1, 2, 4, 8]),
        ("anchor_width: 4 anchor_height: 6 zero_anchor_center: false", [0, 0, 3, 5]),
        ("anchor_width: 4 anchor_height: 6", [-1.5, -2.5, 1.5, 2.5]),
    ],
)
def test_anchors_are_given_in_three_ways(text, expected):
    (found,) = proposals(f"gen_anchor_param {{ {text} }}", np.full((1, 1, 1), 0.5))
    np.testing.assert_allclose(found[0, 1:, 0, 0], expected)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 4),
        ("allow_border: 0", 1),
        ("allow_border: 4", 4),
        ("allow_border_ratio: 0", 1),
        ("allow_border_ratio: 0.5", 3),
        ("allow_border_ratio: 0.75", 4),
    ],
)
def test_anchors_may_have_to_lie_in_the_image(text, count):
    (found,) = proposals(f"{ONE} {text}", np.full((1, 2, 2), 0.5))
    assert len(found) == count  # around (0, 0), (8, 0), (0, 8) and (8, 8)


def test_an_overlap_of_1_keeps_all_in_their_order():
    scores = np.reshape([0.2, 0.9, 0.4], (1, 1, 3))
    (found,) = proposals(f"{ONE} nms_param {{ overlap_ratio: 1 top_n: 1 }}", scores)
    np.testing.assert_allclose(found[:, 1, 0, 0], [-4, 4, 12])


def test_boxes_that_lie_apart_by_less_than_a_pixel_do_not_overlap():
    text = "nms_param { overlap_ratio: 0 } gen_anchor_param { anchor_width: 8.5 anchor_height: 5 }"
    assert len(proposals(text, np.full((1, 1, 2), 0.5))[0]) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("heat_map_a: 8", "gen_anchor_param says no anchor"),
        (ONE, r"needs one heat_map_a and heat_map_b; found \[0, 1\]"),
        (f"{ONE} heat_map_a: 0", "heat_map_a must be positive"),
        (
            f"{ONE} heat_map_a: 8 num_class: 3 threshold: 1 threshold: 2",
            "threshold once or 3 times",
        ),
        (f"{ONE} heat_map_a: 8 nms_param {{ top_n: 9 max_candidate_n: 8 }}", "found 9, of 8"),
        (f"{ONE} heat_map_a: 8 nms_param {{ nms_gpu_max_n_per_time: 50 }}", "found 200, of 50"),
        (f"{ONE} heat_map_a: 8 allow_border_ratio: 2", "allow_border_ratio is 1 at most; found 2"),
        (f"{ONE} heat_map_a: 8 channel_per_scale: 4", "channel_per_scale is 5 at least; found 4"),
        (
            "heat_map_a: 8 gen_anchor_param { anchor_width: 9 }",
            r"each of an anchor's values; found \[1, 0\]",
        ),
    ],
)
def test_what_they_ask_for_is_named(text, said):
    bottoms = [np.zeros((1, 2, 2, 2)), np.zeros((1, 4, 2, 2)), IMAGE]
    with pytest.raises(caffe.CaffeError, match=said):
        run_layer("RPNProposalSSD", f"detection_output_ssd_param {{ {text} }}", bottoms)


def test_bottoms_of_other_shapes_are_named():
    scores, shifts = np.zeros((1, 2, 2, 2)), np.zeros((1, 4, 2, 2))
    body = f"detection_output_ssd_param {{ heat_map_a: 8 {ONE} }}"
    for bottoms, said in (
        ([scores, shifts[:, :3], IMAGE], r"1 anchors need scores 1 x 2 x H x W"),
        ([scores, shifts, IMAGE[:, :3]], r"6 values of an image.*\(1, 3\)"),
    ):
        with pytest.raises(caffe.CaffeError, match=said):
            run_layer("RPNProposalSSD", body, bottoms)
    bottoms = [np.zeros((3, 2)), np.zeros((3, 4)), np.zeros((3, 5)), IMAGE]
    with pytest.raises(caffe.CaffeError, match=r"shifts R x 8 .*regress_agnostic is true"):
        run_layer("RCNNProposal", "detection_output_ssd_param { num_class: 1 }", bottoms)
