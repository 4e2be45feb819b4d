"""Normalize, PriorBox and DetectionOutput of SSD."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe
from caffe.layer_types.contrib import boxes

CODES = ("CORNER", "CENTER_SIZE", "CORNER_SIZE")


@law("Normalize")
@drawn()
@given(SEED, SMALL, SMALL, st.booleans(), st.booleans())
def test_normalize_divides_by_the_norm_of_a_place_or_an_item(seed, n, c, across, shared):
    x = normal(seed, n, c, 2, 3)
    scale = normal(seed + 1) if shared else normal(seed + 1, c)
    body = (
        f"norm_param {{ across_spatial: {str(across).lower()} "
        f"channel_shared: {str(shared).lower()} eps: 1e-3 }}"
    )
    found = run_layer("Normalize", body, [x], params=[scale])
    squares = x.astype(np.float64) ** 2
    norm = np.sqrt(squares.sum((1, 2, 3) if across else 1, keepdims=True) + 1e-3)
    agree(found.y[0], x / norm * np.reshape(scale, (-1, 1, 1)), 1e-4)
    assert (run_layer("Normalize", body, [x]).params[0] == 1).all()


def test_a_scale_is_learnt_whatever_fix_scale_says():
    x = normal(0, 2, 3)
    found = run_layer("Normalize", "norm_param { across_spatial: false fix_scale: true }", [x])
    assert [param.lr_mult for param in found.net._graph.params] == [1]
    agree(found.y[0], x / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True), 1e-4)


def priors(height, width, image, param):
    """The boxes of SSD's rule, one after the other."""
    found = []
    step = param.get("step") or (image[0] / height, image[1] / width)
    for i, j in np.ndindex(height, width):
        y, x = (i + param["offset"]) * step[0], (j + param["offset"]) * step[1]
        for k, size in enumerate(param["min_size"]):
            sides = [(size, size)]
            if param["max_size"]:
                sides.append((math.sqrt(size * param["max_size"][k]),) * 2)
            for ratio in param["ratios"]:
                sides.append((size * math.sqrt(ratio), size / math.sqrt(ratio)))
            found += [
                [
                    (x - w / 2) / image[1],
                    (y - h / 2) / image[0],
                    (x + w / 2) / image[1],
                    (y + h / 2) / image[0],
                ]
                for w, h in sides
            ]
    return np.array(found)


@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from(["L1", "L2"]), st.booleans(), st.booleans())
def test_normfaces_normalize_has_no_scale(seed, n, c, kind, fixed, back):
    x, dy, dn = normal(seed, n, c, 2, 1), normal(seed + 1, n, c, 2, 1), normal(seed + 2, n, 1, 2, 1)
    body = (
        f'normalize_param {{ normalize_type: "{kind}" fix_gradient: {str(fixed).lower()} '
        f"bp_norm: {str(back).lower()} }}"
    )
    found = run_layer("Normalize", body, [x], tops=2, diffs=[dy, dn])
    assert not found.params
    norm = np.linalg.norm(x.astype(np.float64), int(kind[1]), axis=1, keepdims=True)
    agree(found.y[0], x / norm, 1e-4)
    agree(found.y[1], norm, 1e-4)
    slope = np.sign(x) if kind == "L1" else x / norm
    along = 0 if fixed else (dy * x).sum(1, keepdims=True) / norm**2 * slope
    agree(found.dx[0], dy / norm - along + (dn * slope if back else 0), 1e-2, 1e-2)


def test_normfaces_normalize_is_told_by_items_without_places():
    x = normal(0, 2, 3)
    assert not run_layer("Normalize", "", [x]).params
    assert run_layer("Normalize", "norm_param { }", [x]).params


@law("PriorBox")
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ("min_size: 30", {}),
        ("min_size: 30.7 max_size: 60", {"max_size": [60]}),
        ("min_size: 30 aspect_ratio: 2 aspect_ratio: 1 aspect_ratio: 2", {"ratios": [2, 1 / 2]}),
        ("min_size: 30 aspect_ratio: 3 flip: false", {"ratios": [3]}),
        (
            "min_size: 30 min_size: 10 max_size: 60 max_size: 20 aspect_ratio: 2",
            {"min_size": [30, 10], "max_size": [60, 20], "ratios": [2, 0.5]},
        ),
        ("min_size: 30 step: 8 offset: 0", {"step": (8, 8), "offset": 0}),
        ("min_size: 30 step_h: 8 step_w: 16", {"step": (8, 16)}),
        ("min_size: 30 img_size: 200", {"image": (200, 200)}),
        ("min_size: 30 img_h: 100 img_w: 200", {"image": (100, 200)}),
    ],
)
def test_prior_boxes_lie_around_their_places(fields, param):
    param = {"min_size": [30], "max_size": [], "ratios": [], "offset": 0.5, **param}
    inputs = [np.zeros((2, 1, 3, 2)), np.zeros((2, 3, 90, 80))]
    found = run_layer("PriorBox", f"prior_box_param {{ {fields} }}", inputs).y[0]
    expected = priors(3, 2, param.get("image", (90, 80)), param)
    agree(found[0, 0].reshape(-1, 4), expected, floor=1e-6)
    assert (found[0, 1] == np.float32(0.1)).all()


@law("PriorBoxClustered")
def test_clustered_prior_boxes_have_widths_and_heights():
    inputs = [np.zeros((2, 1, 2, 3)), np.zeros((2, 3, 40, 60))]
    body = "width: 10 height: 30 width: 5.5 height: 8 step: 16 variance: [0.1, 0.1, 0.2, 0.2]"
    found = run_layer("PriorBoxClustered", f"prior_box_param {{ {body} }}", inputs).y[0]
    expected = [
        [(x - w / 2) / 60, (y - h / 2) / 40, (x + w / 2) / 60, (y + h / 2) / 40]
        for y in (8, 24)
        for x in (8, 24, 40)
        for w, h in ((10, 30), (5.5, 8))
    ]
    agree(found[0, 0].reshape(-1, 4), expected, floor=1e-6)
    assert (found[0, 1].reshape(-1, 4) == np.float32([0.1, 0.1, 0.2, 0.2])).all()
    with pytest.raises(caffe.CaffeError, match="as many positive widths as heights"):
        run_layer("PriorBoxClustered", "prior_box_param { width: 1 }", inputs)


def test_prior_boxes_may_be_clipped_and_have_variances():
    inputs = [np.zeros((1, 1, 3, 2)), np.zeros((1, 3, 90, 80))]
    body = "prior_box_param { min_size: 70 clip: true variance: [0.1, 0.2, 0.3, 0.4] }"
    found = run_layer("PriorBox", body, inputs).y[0]
    assert (found[0, 0].min(), found[0, 0].max()) == (0, 1)
    assert (found[0, 1].reshape(-1, 4) == np.float32([0.1, 0.2, 0.3, 0.4])).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "min_size is missing"),
        ("min_size: 0", "min_size must be positive"),
        ("min_size: inf", "min_size must be positive; found .inf"),
        ("min_size: 3 max_size: 2", "needs a larger max_size"),
        ("min_size: 3 min_size: 4 max_size: 6", "a larger max_size for each"),
        ("min_size: 3 variance: [1, 2]", "1 or 4 positive values of variance"),
        ("min_size: 3 step: 1 step_h: 2", "either step or step_h and step_w"),
        ("min_size: 3 img_h: 2", "img_size must be positive"),
    ],
)
def test_a_prior_box_without_a_size_says_so(fields, message):
    inputs = [np.zeros((1, 1, 3, 2)), np.zeros((1, 3, 90, 80))]
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .PriorBox.: .*{message}"):
        run_layer("PriorBox", f"prior_box_param {{ {fields} }}", inputs)


# Boxes.


def some_boxes(rng, count):
    low = rng.uniform(0, 0.7, (count, 2))
    return np.c_[low, low + rng.uniform(0.1, 0.3, (count, 2))]


@given(SEED, st.sampled_from(CODES), st.booleans())
@drawn(10)
def test_what_is_encoded_is_decoded_again(seed, code, varied):
    rng = np.random.RandomState(seed)
    box, prior = (torch.tensor(some_boxes(rng, 5)) for _ in range(2))
    variance = torch.tensor(rng.uniform(0.1, 0.3, (5, 4))) if varied else None
    kind = getattr(boxes.CODES, code)
    encoded = boxes.encoded(box, prior, variance, kind)
    agree(boxes.decoded(encoded, prior, variance, kind), box, 1e-9, 1e-9)


def decoded(code, prior, variance, kind):
    """One box, by SSD's rules."""
    w, h = prior[2] - prior[0], prior[3] - prior[1]
    code = [c * v for c, v in zip(code, variance, strict=True)]
    if kind == "CORNER":
        return [p + c for p, c in zip(prior, code, strict=True)]
    if kind == "CORNER_SIZE":
        return [p + c * s for p, c, s in zip(prior, code, (w, h, w, h), strict=True)]
    x = (prior[0] + prior[2]) / 2 + code[0] * w
    y = (prior[1] + prior[3]) / 2 + code[1] * h
    w, h = math.exp(code[2]) * w, math.exp(code[3]) * h
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def jaccard(a, b):
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in range(2))
    if w <= 0 or h <= 0:
        return 0
    sizes = [0 if c[2] < c[0] or c[3] < c[1] else (c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return w * h / (sum(sizes) - w * h)


def detected(loc, conf, prior, param):
    """SSD's rows, class by class, one box after the other; priors (2, P, 4)."""
    rows = []
    for image in range(len(loc)):
        kept = []
        for label in range(conf.shape[2]):
            if label == param["background"]:
                continue
            own = 0 if loc.shape[2] == 1 else label
            found = [
                decoded(loc[image, p, own], prior[0, p], prior[1, p], param["code"])
                for p in range(len(prior[0]))
            ]
            scores = conf[image, :, label]
            order = sorted(range(len(found)), key=lambda p: -scores[p])
            order = [p for p in order if scores[p] > param["confidence"]][: param["top_k"]]
            threshold, mine = param["nms"], []
            for p in order:
                if all(jaccard(found[p], found[q]) <= threshold for q in mine):
                    mine.append(p)
                    if param["eta"] < 1 and threshold > 0.5:
                        threshold *= param["eta"]
            kept += [(scores[p], label, found[p]) for p in mine]
        if len(kept) > param["keep"]:
            kept = sorted(kept, key=lambda each: -each[0])[: param["keep"]]
            kept.sort(key=lambda each: each[1])
        rows += [[image, label, score, *box] for score, label, box in kept]
    return rows or [[image, *[-1] * 6] for image in range(len(loc))]


@law("DetectionOutput")
@drawn(20)
@given(
    SEED,
    st.sampled_from(CODES),
    st.booleans(),
    st.sampled_from([0, 2, -1]),
    st.sampled_from([(0.3, 1), (0.45, 1), (0.9, 0.8)]),
    st.sampled_from([2, 100]),
    st.sampled_from([3, 100]),
)
def test_detections_are_ssds(seed, code, share, background, nms, top_k, keep):
    rng = np.random.RandomState(seed)
    classes, count, images = 3, 8, 2
    prior = np.stack([some_boxes(rng, count), np.full((count, 4), 0.2)])
    loc = rng.randn(images, count, 1 if share else classes, 4)
    conf = rng.choice(101, (images, count, classes), replace=True) / 100
    conf += np.arange(images * count * classes).reshape(conf.shape) * 1e-5  # no ties
    param = dict(
        code=code,
        background=background,
        nms=nms[0],
        eta=nms[1],
        confidence=0.2,
        top_k=top_k,
        keep=keep,
    )
    body = (
        f"detection_output_param {{ num_classes: {classes} share_location: {str(share).lower()} "
        f"background_label_id: {background} nms_param {{ nms_threshold: {nms[0]} eta: {nms[1]} "
        f"top_k: {top_k} }} code_type: {code} keep_top_k: {keep} confidence_threshold: 0.2 }}"
    )
    inputs = [loc.reshape(images, -1), conf.reshape(images, -1), prior.reshape(1, 2, -1)]
    found = run_layer("DetectionOutput", body, inputs).y[0]
    expected = detected(loc, conf, prior, param)
    agree(found[0, 0], expected, 1e-4, 1e-4)


def output(loc, conf, prior, fields):
    body = f"detection_output_param {{ num_classes: 2 {fields} }}"
    inputs = [
        np.reshape(a, (shape[0], -1)) for a, shape in ((loc, np.shape(loc)), (conf, np.shape(conf)))
    ]
    return run_layer("DetectionOutput", body, [*inputs, np.reshape(prior, (1, 2, -1))]).y[0]


def test_of_equal_confidences_the_first_prior_comes_first():
    prior = [[[0, 0, 0.1, 0.1], [0.5, 0.5, 0.6, 0.6]], [[0.1] * 4] * 2]
    found = output(np.zeros((1, 8)), [[0, 0.5, 0, 0.5]], prior, "keep_top_k: 1")
    agree(found, [[[[0, 1, 0.5, 0, 0, 0.1, 0.1]]]], floor=1e-6)


def test_where_nothing_is_found_each_image_has_a_row():
    prior = [[[0, 0, 0.1, 0.1]], [[0.1] * 4]]
    found = output(np.zeros((2, 4)), np.zeros((2, 2)), prior, "confidence_threshold: 0.5")
    assert found.tolist() == [[[[0, *[-1] * 6], [1, *[-1] * 6]]]]


def test_with_the_variance_in_the_target_it_is_not_taken():
    prior = [[[0.2, 0.2, 0.4, 0.4]], [[0.1] * 4]]
    for fields, moved in (("", 0.1), ("variance_encoded_in_target: true", 1)):
        found = output([[1, 1, 1, 1]], [[0, 1]], prior, fields)
        agree(found[0, 0, 0, 3:], np.float32([0.2, 0.2, 0.4, 0.4]) + np.float32(moved))


def test_the_number_of_detections_changes_from_pass_to_pass():
    prior = [[[0, 0, 0.1, 0.1], [0.5, 0.5, 0.6, 0.6]], [[0.1] * 4] * 2]
    body = "detection_output_param { num_classes: 2 confidence_threshold: 0.3 }"
    inputs = [np.zeros((1, 8)), np.float32([[0, 0.5, 0, 0.5]]), np.reshape(prior, (1, 2, -1))]
    net = run_layer("DetectionOutput", body, inputs).net
    assert net.blobs["y0"].shape == (1, 1, 2, 7)
    net.blobs["x1"].data[...] = [[0, 0.1, 0, 0.5]]
    assert net.forward()["y0"].shape == (1, 1, 1, 7)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("num_classes: 0", "num_classes is missing"),
        ("num_classes: 2 nms_param { eta: 0 }", r"eta in \(0, 1\]"),
        ("num_classes: 3", "1 priors need 4 locations and 3 confidences"),
        ("num_classes: 2 share_location: false", "1 priors need 8 locations"),
    ],
)
def test_detections_that_do_not_fit_say_so(fields, message):
    inputs = [np.zeros((1, 4)), np.zeros((1, 2)), np.zeros((1, 2, 4))]
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("DetectionOutput", f"detection_output_param {{ {fields} }}", inputs)


@drawn(10)
@given(SEED, st.booleans())
def test_the_second_step_of_refinedet_starts_from_the_first(seed, refined):
    rng = np.random.RandomState(seed)
    images, count = 2, 6
    prior = np.stack([some_boxes(rng, count), np.full((count, 4), 0.2)])
    loc, shift = rng.randn(images, count, 4), rng.randn(images, count, 4)
    conf, likely = rng.uniform(0, 1, (images, count, 3)), rng.uniform(0, 1, (images, count, 2))
    fields = "num_classes: 3 code_type: CENTER_SIZE confidence_threshold: 0.2"
    expected = []
    for image in range(images):
        own = [
            decoded(shift[image, p], prior[0, p], prior[1, p], "CENTER_SIZE")
            if refined
            else prior[0, p]
            for p in range(count)
        ]
        scores = np.where(likely[image, :, 1:] >= 0.5, conf[image], 0)
        inputs = [loc[image].reshape(1, -1), scores.reshape(1, -1)]
        inputs.append(np.stack([own, prior[1]]).reshape(1, 2, -1))
        rows = run_layer("DetectionOutput", f"detection_output_param {{ {fields} }}", inputs).y[0]
        expected += [[image, *row[1:]] for row in rows[0, 0] if row[1] >= 0]
    inputs = [loc.reshape(images, -1), conf.reshape(images, -1), prior.reshape(1, 2, -1)]
    inputs += [likely.reshape(images, -1)] + [shift.reshape(images, -1)] * refined
    body = f"detection_output_param {{ {fields} objectness_score: 0.5 }}"
    found = run_layer("DetectionOutput", body, inputs).y[0]
    expected = expected or [[image, *[-1] * 6] for image in range(images)]
    agree(found[0, 0], expected, 1e-4, 1e-5)


def test_a_second_step_that_does_not_fit_says_so():
    inputs = [np.zeros((1, 4)), np.zeros((1, 2)), np.zeros((1, 2, 4)), np.zeros((1, 3))]
    body = "detection_output_param { num_classes: 2 objectness_score: 0.1 }"
    with pytest.raises(caffe.CaffeError, match="1 priors need 2 values each of 'x3'"):
        run_layer("DetectionOutput", body, inputs)
