"""Proposal of Faster R-CNN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.layer_types.contrib.proposal import RATIOS, SCALES, anchors

PUBLISHED = [  # what generate_anchors.py prints, as its comment has it
    [-83, -39, 100, 56],
    [-175, -87, 192, 104],
    [-359, -183, 376, 200],
    [-55, -55, 72, 72],
    [-119, -119, 136, 136],
    [-247, -247, 264, 264],
    [-35, -79, 52, 96],
    [-79, -167, 96, 184],
    [-167, -343, 184, 360],
]


def test_the_anchors_are_faster_rcnns():
    # The comment counts pixels from 1, as Matlab does.
    np.testing.assert_array_equal(anchors(16, RATIOS, SCALES) + 1, PUBLISHED)


def test_halves_of_a_side_are_rounded_up():
    (box,) = anchors(15, [0.5], [1])  # 21.2 wide, then 10.5 high
    assert box.tolist() == [7 - 10, 7 - 5, 7 + 10, 7 + 5]


def shifted(anchor, shift, size):
    """One region, by the paper's equation 2, with sides that count their last pixel."""
    w, h = anchor[2] - anchor[0] + 1, anchor[3] - anchor[1] + 1
    x, y = anchor[0] + w / 2 + shift[0] * w, anchor[1] + h / 2 + shift[1] * h
    w, h = math.exp(shift[2]) * w, math.exp(shift[3]) * h
    corners = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return [min(max(c, 0), size[1 - i % 2] - 1) for i, c in enumerate(corners)]


def jaccard(a, b):
    w, h = (max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1, 0) for i in range(2))
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return w * h / (sum(areas) - w * h)


def proposed(scores, shifts, size, ratios, scales, param):
    """The regions of an image and their scores, one after the other, in float64."""
    base = anchors(param["base"], ratios, scales)
    height, width = scores.shape[1:]
    found = []
    for i, j, k in np.ndindex(height, width, len(base)):
        anchor = base[k] + np.array([j, i, j, i]) * param["stride"]
        box = shifted(anchor, shifts[4 * k : 4 * k + 4, i, j].tolist(), size)
        tall, wide = (param["least"] * s for s in (size[2], size[-1] if len(size) > 3 else size[2]))
        big = box[2] - box[0] + 1 >= wide and box[3] - box[1] + 1 >= tall
        found.append((float(scores[len(base) + k, i, j]) if big else 0.0, box))
    found.sort(key=lambda each: -each[0])  # Python's keeps equal ones in order
    kept = []
    for score, box in found[: param["before"]]:
        if all(jaccard(box, other) <= param["threshold"] for _, other in kept):
            kept.append((score, box))
    return kept[: param["after"]]


@law("Proposal")
@drawn(20)
@given(
    SEED,
    st.sampled_from([(20, 1000), (12, 5)]),
    st.sampled_from([0.3, 0.7]),
    st.sampled_from([[60.0, 80.0, 1.5], [60.0, 80.0, 1.5, 0.5]]),
    st.sampled_from([([0.5, 1, 2], [2, 3]), ([1], [4])]),
)
def test_the_regions_are_faster_rcnns(seed, most, threshold, size, boxes):
    rng = np.random.RandomState(seed)
    ratios, scales = boxes
    count = len(ratios) * len(scales)
    scores = rng.permutation(2 * count * 12).reshape(1, 2 * count, 3, 4) / 300  # no ties
    shifts = (rng.randn(1, 4 * count, 3, 4) * 0.4).astype(np.float32)
    param = dict(base=8, stride=16, least=8, before=most[0], after=most[1], threshold=threshold)
    body = (
        f"proposal_param {{ feat_stride: 16 base_size: 8 min_size: 8 ratio: {ratios} "
        f"scale: {scales} pre_nms_topn: {most[0]} post_nms_topn: {most[1]} "
        f"nms_thresh: {threshold} }}"
    )
    inputs = [scores, shifts, np.array([size])]
    found = run_layer("Proposal", body, inputs, tops=2)
    expected = proposed(scores[0], shifts[0], size, ratios, scales, param)
    agree(found.y[0], [[0, *box] for _, box in expected], 1e-4, 1e-3)
    agree(found.y[1], [score for score, _ in expected])


def test_each_image_has_its_regions_and_its_size():
    scores, shifts = np.zeros((2, 2, 1, 1)), np.zeros((2, 4, 1, 1))
    scores[:, 1] = [[[0.5]], [[0.25]]]
    body = "proposal_param { ratio: 1 scale: 1 base_size: 16 min_size: 1 }"
    sizes = np.array([[9, 12, 1], [16, 16, 1]])
    found = run_layer("Proposal", body, [scores, shifts, sizes], tops=2)
    # An anchor of 16 pixels, 0 to 15, becomes 0 to 16: sides are added to it whole.
    assert found.y[0].tolist() == [[0, 0, 0, 11, 8], [1, 0, 0, 15, 15]]
    assert found.y[1].tolist() == [0.5, 0.25]
    alike = run_layer("Proposal", body, [scores, shifts, sizes[:1]])
    assert alike.y[0].tolist() == [[0, 0, 0, 11, 8], [1, 0, 0, 11, 8]]


def test_small_regions_score_0_and_come_last_in_their_order():
    scores = np.zeros((1, 4, 1, 2))
    scores[0, 2:] = [[[0.25, 0.5]], [[0.75, 1]]]
    body = "proposal_param { ratio: 1 scale: 1 scale: 4 base_size: 8 min_size: 20 feat_stride: 50 }"
    inputs = [scores, np.zeros((1, 8, 1, 2)), np.array([[100, 100, 1]])]
    found = run_layer("Proposal", body, inputs, tops=2)
    assert found.y[1].tolist() == [1, 0.75, 0, 0]
    assert found.y[0][2:, 1].tolist() == [0, 50]
    (unchanged,) = (found.net.blobs["x0"].data,)
    np.testing.assert_array_equal(unchanged, scores)


def test_of_equal_scores_the_first_place_comes_first():
    body = "proposal_param { ratio: 1 scale: 1 min_size: 1 feat_stride: 40 post_nms_topn: 1 }"
    inputs = [np.ones((1, 2, 2, 2)), np.zeros((1, 4, 2, 2)), np.array([[100, 100, 1]])]
    assert run_layer("Proposal", body, inputs).y[0].tolist() == [[0, 0, 0, 16, 16]]


def test_the_threshold_has_another_name_too():
    scores = np.zeros((1, 2, 1, 2)) + 0.5
    inputs = [scores, np.zeros((1, 4, 1, 2)), np.array([[100, 100, 1]])]
    body = "proposal_param {{ ratio: 1 scale: 1 min_size: 1 feat_stride: 8 {} }}"
    assert len(run_layer("Proposal", body.format(""), inputs).y[0]) == 2
    assert len(run_layer("Proposal", body.format("iou_threshold: 0.2"), inputs).y[0]) == 1


def test_what_follows_takes_as_many_regions_as_there_are():
    net = net_of(
        input_layer("scores", 1, 18, 3, 3)
        + input_layer("shifts", 1, 36, 3, 3)
        + input_layer("size", 1, 3)
        + input_layer("map", 1, 2, 3, 3)
        + 'layer { name: "p" type: "Proposal" bottom: "scores" bottom: "shifts" bottom: "size" '
        'top: "rois" proposal_param { post_nms_topn: 20 } } '
        'layer { name: "pool" type: "ROIPooling" bottom: "map" bottom: "rois" top: "pool" '
        "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.0625 } }"
    )
    assert net.blobs["pool"].shape[0] == 20
    rng = np.random.RandomState(0)
    for name in ("scores", "shifts", "map"):
        net.blobs[name].data[...] = rng.rand(*net.blobs[name].shape)
    counts = set()
    for size in ([48, 48, 1], [20, 20, 1]):
        net.blobs["size"].data[...] = size
        pooled = net.forward()["pool"]
        counts.add(len(pooled))
        assert len(pooled) == net.blobs["rois"].shape[0]
    assert len(counts) == 2


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ("", [(1, 6, 2, 2), (1, 36, 2, 2), (1, 3)], "9 anchors need scores N x 18 x H x W"),
        ("", [(1, 18, 2, 2), (1, 36, 2, 3), (1, 3)], "found shapes .1, 18, 2, 2. and .1, 36, 2, 3"),
        ("", [(1, 18, 2, 2), (1, 36, 2, 2), (1, 2)], "height, width and scale of each image"),
        ("", [(3, 18, 2, 2), (3, 36, 2, 2), (2, 3)], "of 'x2' for 3 images"),
        ("ratio: 0", [(1, 18, 2, 2), (1, 36, 2, 2), (1, 3)], "ratio must be positive; found 0"),
        ("feat_stride: -1", [(1, 18, 2, 2), (1, 36, 2, 2), (1, 3)], "found -1"),
    ],
)
def test_what_does_not_fit_says_so(fields, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .Proposal.: .*{message}"):
        run_layer("Proposal", f"proposal_param {{ {fields} }}", [np.zeros(s) for s in shapes])
