"""MultiBoxLoss of SSD."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe


def some_boxes(rng, count):
    low = rng.uniform(0, 0.6, (count, 2))
    return np.c_[low, low + rng.uniform(0.2, 0.4, (count, 2))]


def match(priors, objects, threshold):
    """For each prior its object or None, one pair after the other, by SSD's rule."""
    overlaps = {
        (p, g): o
        for p, prior in enumerate(priors)
        for g, box in enumerate(objects)
        if (o := jaccard(prior, box)) > 1e-6
    }
    found = {}
    while pairs := [
        pair for pair in overlaps if pair[0] not in found and pair[1] not in found.values()
    ]:
        p, g = max(pairs, key=lambda pair: overlaps[pair])  # the first of equal ones
        found[p] = g
    for p in range(len(priors)):
        mine = [g for g in range(len(objects)) if overlaps.get((p, g), 0) >= threshold]
        if p not in found and mine:
            found[p] = max(mine, key=lambda g: overlaps[p, g])
    best = [
        max((overlaps.get((p, g), 0) for g in range(len(objects))), default=0)
        for p in range(len(priors))
    ]
    return found, best


def encoded(box, prior, variance):
    w, h = prior[2] - prior[0], prior[3] - prior[1]
    x = (box[0] + box[2] - prior[0] - prior[2]) / 2 / w
    y = (box[1] + box[3] - prior[1] - prior[3]) / 2 / h
    code = [x, y, math.log((box[2] - box[0]) / w), math.log((box[3] - box[1]) / h)]
    return np.array(code) / variance


def class_loss(scores, label, logistic):
    if logistic:
        target = np.arange(len(scores)) == label
        return np.sum(np.log1p(np.exp(-np.abs(scores))) + np.maximum(scores, 0) - scores * target)
    return np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[label]


def multibox(loc, conf, prior, objects, param):
    """The two sums of the loss, and the number of matches."""
    places = kinds = 0.0
    count = 0
    for image in range(len(loc)):
        mine = [o for o in objects if o[0] == image and (param["difficult"] or not o[7])]
        found, best = match(prior[0], [o[3:7] for o in mine], param["threshold"])
        labels = [int(mine[found[p]][1]) if p in found else 0 for p in range(len(prior[0]))]
        losses = [
            class_loss(conf[image, p], labels[p], param["logistic"]) for p in range(len(labels))
        ]
        free = [p for p in range(len(labels)) if p not in found]
        if param["mined"]:
            free = [p for p in free if best[p] < 0.5]
            free = sorted(free, key=lambda p: -losses[p])[: int(len(found) * param["ratio"])]
        kinds += sum(losses[p] for p in [*found, *free])
        count += len(found)
        for p, g in found.items():
            d = np.abs(loc[image, p] - encoded(mine[g][3:7], prior[0, p], prior[1, p]))
            places += np.where(d < 1, d * d / 2, d - 0.5).sum()
    return places, kinds, count


@law("MultiBoxLoss")
@drawn(20)
@given(
    SEED,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.5, 3]),
    st.sampled_from([0.5, 0.2]),
)
def test_the_loss_is_ssds(seed, mined, logistic, difficult, ratio, threshold):
    rng = np.random.RandomState(seed)
    images, count, classes = 2, 8, 3
    prior = np.stack([some_boxes(rng, count), np.full((count, 4), 0.2)])
    objects = np.c_[
        rng.randint(0, images, 4),
        rng.randint(1, classes, 4),
        np.arange(4),
        some_boxes(rng, 4),
        rng.randint(0, 2, 4),
    ]
    objects[0, 0] = -1 if seed % 2 else objects[0, 0]
    loc, conf = rng.randn(images, count, 4), rng.randn(images, count, classes)
    param = dict(
        mined=mined, logistic=logistic, difficult=difficult, ratio=ratio, threshold=threshold
    )
    body = (
        f"multibox_loss_param {{ num_classes: {classes} code_type: CENTER_SIZE loc_weight: 2 "
        f"mining_type: {'MAX_NEGATIVE' if mined else 'NONE'} neg_pos_ratio: {ratio} "
        f"conf_loss_type: {'LOGISTIC' if logistic else 'SOFTMAX'} overlap_threshold: {threshold} "
        f"use_difficult_gt: {str(difficult).lower()} }} propagate_down: [true, true, false, false]"
    )
    inputs = [loc.reshape(images, -1), conf.reshape(images, -1), prior.reshape(1, 2, -1)]
    found = run_layer("MultiBoxLoss", body, [*inputs, objects.reshape(1, 1, -1, 8)])
    places, kinds, matches = multibox(loc, conf, prior, objects, param)
    agree(found.y[0], (2 * places + kinds) / max(matches, 1), 1e-3, 1e-3)


ONE = dict(prior=[[[0, 0, 0.5, 0.5]], [[0.1] * 4]], objects=[[0, 1, 0, 0, 0, 0.5, 0.5, 0]])


def loss_of(fields, objects=ONE["objects"], more=""):
    inputs = [np.zeros((1, 4)), np.zeros((1, 3)), np.reshape(ONE["prior"], (1, 2, -1))]
    body = f"multibox_loss_param {{ num_classes: 3 {fields} }} {more}"
    return run_layer("MultiBoxLoss", body, [*inputs, np.reshape(objects, (1, 1, -1, 8))])


@law("MultiBoxFocalLoss")
@drawn(10)
@given(SEED, st.sampled_from(["", "alpha: 0.6 gamma: 3"]))
def test_the_focal_loss_of_classes_counts_what_is_predicted_well_for_little(seed, fields):
    rng = np.random.RandomState(seed)
    alpha, gamma = (0.6, 3) if fields else (0.25, 2)
    count, classes = 6, 3
    prior = np.stack([some_boxes(rng, count), np.full((count, 4), 0.2)])
    conf = rng.standard_normal((1, count, classes))
    box = prior[0, 2]
    objects = np.reshape([0, 1, 0, *box, 0], (1, 1, 1, 8))
    body = "multibox_loss_param { num_classes: 3 mining_type: NONE loc_weight: 0 } "
    found = run_layer(
        "MultiBoxFocalLoss",
        body + f"focal_loss_param {{ {fields} }}",
        [np.zeros((1, 4 * count)), conf.reshape(1, -1), prior.reshape(1, 2, -1), objects],
        diffs=[np.float32(1)],
    )
    matches, _ = match(prior[0], [box], 0.5)
    prob = np.exp(conf[0]) / np.exp(conf[0]).sum(1, keepdims=True)
    total, slopes = 0.0, np.zeros((count, classes))
    for i in range(count):
        label = 1 if i in matches else 0
        p = prob[i, label]
        total -= alpha * (1 - p) ** gamma * np.log(p)
        more = (1 - p) ** gamma - gamma * (1 - p) ** (gamma - 1) * p * np.log(p)
        slopes[i] = (1 - alpha) * prob[i] * more
        slopes[i, label] = alpha * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)
    agree(found.y[0], total / len(matches), 1e-4)
    agree(found.dx[1].reshape(count, classes), slopes / len(matches), 1e-4)
    plain = [
        run_layer(
            kind,
            body.replace("NONE", "NONE conf_loss_type: LOGISTIC"),
            [np.zeros((1, 4 * count)), conf.reshape(1, -1), prior.reshape(1, 2, -1), objects],
        ).y[0]
        for kind in ("MultiBoxLoss", "MultiBoxFocalLoss")
    ]
    assert plain[0] == plain[1]
    with pytest.raises(caffe.CaffeError, match="alpha needs one value; found 2"):
        run_layer(
            "MultiBoxFocalLoss",
            body + "focal_loss_param { alpha: 1 alpha: 2 }",
            [np.zeros((1, 4 * count)), conf.reshape(1, -1), prior.reshape(1, 2, -1), objects],
        )


def test_a_bottom_of_labels_has_no_gradient_and_predictions_have():
    more = "propagate_down: [true, true, false, false]"
    found = loss_of("", more=more)
    agree(found.y[0], math.log(3))
    found = loss_of("do_neg_mining: false loc_loss_type: L2 match_type: BIPARTITE", more=more)
    agree(found.y[0], math.log(3))
    agree(loss_of("map_object_to_agnostic: true", more=more).y[0], math.log(3))


# The rest of what SSD's layer can do.


def decoded(code, prior):
    w, h = prior[2] - prior[0], prior[3] - prior[1]
    x = (prior[0] + prior[2]) / 2 + code[0] * w
    y = (prior[1] + prior[3]) / 2 + code[1] * h
    w, h = math.exp(code[2]) * w, math.exp(code[3]) * h
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def beyond(box):
    return any(corner < 0 or corner > 1 for corner in box)


def suppressed(order, found, threshold):
    kept = []
    for p in order:
        if all(jaccard(found[p], found[q]) <= threshold for q in kept):
            kept.append(p)
    return kept


def whole_multibox(loc, conf, prior, objects, param):
    """The two sums and the number of matches, of an image; loc (P, slots, 4)."""
    count, slots = loc.shape[:2]
    corners, variance = prior
    matches = {}
    for slot in range(slots):
        if slots > 1 and slot == 0:
            continue
        code = [loc[p, slot] * (1 if param["in_target"] else variance[p]) for p in range(count)]
        predicted = [decoded(code[p], corners[p]) for p in range(count)]
        seen = corners if param["by_prior"] else predicted
        inside = [p for p in range(count) if not (param["inside"] and beyond(seen[p]))]
        which = [
            g for g, o in enumerate(objects) if slots == 1 or param["by_prior"] or o[1] == slot
        ]
        found, best = match([seen[p] for p in inside], [objects[g][3:7] for g in which], 0.4)
        found = {inside[p]: which[g] for p, g in found.items()}
        if slots > 1 and param["by_prior"]:
            found = {p: g for p, g in found.items() if objects[g][1] == slot}
        matches[slot] = found, dict(zip(inside, best, strict=True)), seen, predicted
    labels = [0] * count
    for found, *_ in matches.values():
        for p, g in found.items():
            labels[p] = int(objects[g][1])
    kinds = [class_loss(conf[p], labels[p], False) for p in range(count)]

    def place_loss(slot, p):
        found, _, seen, _ = matches[slot]
        wanted = encoded(objects[found[p]][3:7], corners[p], variance[p])
        got = loc[p, slot] / (variance[p] if param["in_target"] else 1)
        d = np.abs(got - wanted)
        if param["bp_inside"]:
            d = np.where([c < 0 or c > 1 for c in seen[p]], 0, d)
        return np.where(d < 1, d * d / 2, d - 0.5).sum()

    chosen = range(count)
    if param["mining"] != "NONE":
        found, best, _, predicted = matches[0]
        losses = list(kinds)
        if param["mining"] == "HARD_EXAMPLE":
            eligible, most = list(range(count)), 4
            for p in found:
                losses[p] += place_loss(0, p)
        else:
            eligible = [p for p in best if p not in found and best[p] < 0.5]
            most = 2 * len(found)
        order = sorted(eligible, key=lambda p: -losses[p])
        if param["nms"]:
            boxes = corners if param["nms"] == "prior" else predicted
            order = suppressed(order, boxes, 0.3)
        chosen = order[:most] if objects else []
        if param["mining"] == "HARD_EXAMPLE":
            matches[0] = {p: g for p, g in found.items() if p in chosen}, best, *matches[0][2:]
        chosen = [*matches[0][0], *(p for p in chosen if p in best and p not in found)]
    places = sum(place_loss(slot, p) for slot, each in matches.items() for p in each[0])
    return places, sum(kinds[p] for p in chosen), sum(len(each[0]) for each in matches.values())


@drawn(40)
@given(
    SEED,
    st.sampled_from(["NONE", "MAX_NEGATIVE", "HARD_EXAMPLE"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "prior", "predicted"]),
)
def test_the_loss_is_ssds_whatever_it_is_set_to(
    seed, mining, by_prior, in_target, inside, bp_inside, share, nms
):
    rng = np.random.RandomState(seed)
    images, count, classes = 2, 9, 3
    share = share or mining != "NONE"
    slots = 1 if share else classes
    corners = some_boxes(rng, count) * 1.3 - 0.15  # some of them reach beyond the image
    prior = np.stack([corners, rng.uniform(0.1, 0.3, (count, 4))]).astype(np.float32)
    objects = np.c_[
        rng.randint(0, images, 4), rng.randint(1, classes, 4), np.arange(4), some_boxes(rng, 4)
    ]
    objects = np.c_[objects, np.zeros(4)].astype(np.float32)
    loc = (rng.randn(images, count, slots, 4) * 0.5).astype(np.float32)
    conf = rng.randn(images, count, classes).astype(np.float32)
    param = dict(mining=mining, by_prior=by_prior, in_target=in_target, inside=inside)
    param |= dict(bp_inside=bp_inside, nms=nms)
    flags = {
        "use_prior_for_matching": by_prior,
        "encode_variance_in_target": in_target,
        "ignore_cross_boundary_bbox": inside,
        "bp_inside": bp_inside,
        "share_location": share,
        "use_prior_for_nms": nms == "prior",
    }
    body = (
        f"multibox_loss_param {{ num_classes: {classes} code_type: CENTER_SIZE mining_type: "
        f"{mining} neg_pos_ratio: 2 sample_size: 4 overlap_threshold: 0.4 "
        + " ".join(f"{name}: {str(on).lower()}" for name, on in flags.items())
        + (" nms_param { nms_threshold: 0.3 top_k: 100 }" if nms else "")
        + " } propagate_down: [true, true, false, false]"
    )
    inputs = [loc.reshape(images, -1), conf.reshape(images, -1), prior.reshape(1, 2, -1)]
    found = run_layer("MultiBoxLoss", body, [*inputs, objects.reshape(1, 1, -1, 8)])
    sums = np.sum(
        [
            whole_multibox(
                loc[i].astype(float),
                conf[i].astype(float),
                prior.astype(float),
                [o for o in objects.tolist() if o[0] == i],
                param,
            )
            for i in range(images)
        ],
        0,
    )
    agree(found.y[0], (sums[0] + sums[1]) / max(sums[2], 1), 1e-3, 1e-3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("share_location: false", "with share_location: false needs mining_type: NONE"),
        ("sample_size: 0", "sample_size must be positive; found 0"),
        ("num_classes: 4", "1 priors need 4 locations, 4 confidences"),
        ("share_location: false mining_type: NONE", "1 priors need 12 locations"),
    ],
)
def test_what_does_not_fit_says_so(fields, message):
    fields = fields if "num_classes" in fields else f"num_classes: 3 {fields}"
    inputs = [np.zeros((1, 4)), np.zeros((1, 3)), np.zeros((1, 2, 4)), np.zeros((1, 1, 1, 8))]
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .MultiBoxLoss.: .*{message}"):
        run_layer("MultiBoxLoss", f"multibox_loss_param {{ {fields} }}", inputs)


@pytest.mark.parametrize("label", [0, 3])
def test_an_object_of_no_class_is_named(label):
    with pytest.raises(caffe.CaffeError, match=r"'x3' holds class \[.\]; expected 0 to 2"):
        loss_of(
            "", [[0, label, 0, 0, 0, 0.5, 0.5, 0]], "propagate_down: [true, true, false, false]"
        )


# RefineDet's steps.


@drawn(15)
@given(SEED, st.booleans())
def test_the_second_step_of_refinedet_matches_and_mines_among_refined_boxes(seed, refined):
    rng = np.random.RandomState(seed)
    images, count, classes = 2, 8, 3
    prior = np.stack([some_boxes(rng, count), np.full((count, 4), 0.2)])
    objects = np.c_[
        rng.randint(0, images, 4), rng.randint(1, classes, 4), np.arange(4), some_boxes(rng, 4)
    ]
    objects = np.c_[objects, np.zeros(4)]
    loc, conf = rng.randn(images, count, 4), rng.randn(images, count, classes)
    shift, likely = rng.randn(images, count, 4), rng.uniform(0, 1, (images, count, 2))
    places = kinds = 0.0
    matched = 0
    for image in range(images):
        own = [
            decoded(shift[image, p] * prior[1, p], prior[0, p]) if refined else prior[0, p]
            for p in range(count)
        ]
        mine = [o for o in objects if o[0] == image]
        found, best = match(own, [o[3:7] for o in mine], 0.5)
        labels = [int(mine[found[p]][1]) if p in found else 0 for p in range(count)]
        losses = [class_loss(conf[image, p], labels[p], False) for p in range(count)]
        free = [p for p in range(count) if p not in found and best[p] < 0.5]
        free = [p for p in free if likely[image, p, 1] >= 0.4]
        free = sorted(free, key=lambda p: -losses[p])[: 3 * len(found)]
        kinds += sum(losses[p] for p in [*found, *free])
        matched += len(found)
        for p, g in found.items():
            d = np.abs(loc[image, p] - encoded(mine[g][3:7], own[p], prior[1, p]))
            places += np.where(d < 1, d * d / 2, d - 0.5).sum()
    body = (
        "multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE objectness_score: 0.4 } "
        f"propagate_down: [true, true, false, false, false{', false' * refined}]"
    )
    inputs = [loc.reshape(images, -1), conf.reshape(images, -1), prior.reshape(1, 2, -1)]
    inputs += [objects.reshape(1, 1, -1, 8), likely.reshape(images, -1)]
    inputs += [shift.reshape(images, -1)] * refined
    found = run_layer("MultiBoxLoss", body, inputs)
    agree(found.y[0], (places + kinds) / max(matched, 1), 1e-3, 1e-3)


def test_the_first_step_of_refinedet_knows_objects_alone():
    more = "propagate_down: [true, true, false, false]"
    inputs = [np.zeros((1, 4)), np.zeros((1, 2)), np.reshape(ONE["prior"], (1, 2, -1))]
    objects = np.reshape([0, 7, 0, 0, 0, 0.5, 0.5, 0], (1, 1, -1, 8))
    body = f"multibox_loss_param {{ num_classes: 2 objectness_score: 0.01 }} {more}"
    agree(run_layer("MultiBoxLoss", body, [*inputs, objects]).y[0], math.log(2))


@pytest.mark.parametrize("shapes", [[(1, 3)], [(1, 2), (1, 3)]])
def test_a_first_step_that_does_not_fit_says_so(shapes):
    inputs = [np.zeros((1, 4)), np.zeros((1, 3)), np.reshape(ONE["prior"], (1, 2, -1))]
    inputs += [np.reshape(ONE["objects"], (1, 1, -1, 8)), *map(np.zeros, shapes)]
    message = f"1 priors need .* values each of 'x{3 + len(shapes)}'; found shape .1, 3."
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("MultiBoxLoss", "multibox_loss_param { num_classes: 3 }", inputs)
