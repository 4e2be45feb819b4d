"""The losses on targets: their laws, against float64 references written here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

TWO = np.float32(2)  # the diff of the loss


@law("EuclideanLoss")
@drawn()
@given(SEED, SMALL, st.sampled_from([((6,), (2, 3)), ((2, 3), (2, 3)), ((), ()), ((), (1, 1))]))
def test_euclidean_loss_is_half_the_mean_squared_distance_and_has_both_gradients(
    seed, items, shapes
):
    """Shapes may differ behind axis 0, if the sizes do not."""
    x, target = (normal(seed + i, items, *shape) for i, shape in enumerate(shapes))
    ran = run_layer("EuclideanLoss", "", [x, target], diffs=[TWO])
    difference = np.float64(x) - target.reshape(x.shape)
    agree(ran.y[0], (difference**2).sum() / items / 2)
    agree(ran.dx[0], 2 * difference / items)
    agree(ran.dx[1], -2 * difference.reshape(target.shape) / items)


def contrastive(a, b, similar, margin, legacy):
    """Loss, and gradient by a: Caffe divides by distance + 1e-4 where the derivative does not."""
    difference = np.float64(a) - b
    square = (difference**2).sum(1)
    if legacy:
        apart = np.maximum(margin - square, 0)
        slope = -(apart > 0).astype(float)
    else:
        reach = np.maximum(margin - np.sqrt(square), 0)
        apart, slope = reach**2, -reach / (np.sqrt(square) + 1e-4)
    loss = np.where(similar, square, apart).sum() / len(a) / 2
    return loss, np.where(similar, 1, slope)[:, None] * difference / len(a)


@law("ContrastiveLoss")
@drawn(40)
@given(SEED, st.booleans(), st.sampled_from([0.5, 1.3, 4]), st.sampled_from([(), (1,), (1, 1)]))
def test_contrastive_loss_draws_similar_pairs_together_and_pushes_others_to_the_margin(
    seed, legacy, margin, ones
):
    a, b = normal(seed, 6, 3), normal(seed + 1, 6, 3)
    b[0] = a[0]  # no distance: no direction, and no nan
    b[1] = a[1] + np.float32([1e-4, 0, 0])
    similar = np.random.RandomState(seed).choice([0, 0.9, 1, -1, 2], 6)  # cut to an integer
    similar[0] = 0
    body = f"contrastive_loss_param {{ margin: {margin} legacy_version: {str(legacy).lower()} }}"
    inputs = [a.reshape(6, 3, *ones), b.reshape(6, 3, *ones), similar.reshape(6, *ones)]
    ran = run_layer("ContrastiveLoss", body, inputs, diffs=[TWO])
    loss, grad = contrastive(a, b, np.trunc(similar) != 0, margin, legacy)
    agree(ran.y[0], loss)
    agree(ran.dx[0].reshape(6, 3), 2 * grad, relative=1e-4)
    assert np.array_equal(ran.dx[0], -ran.dx[1])
    assert not ran.dx[2].any()


@law("ContrastiveLoss")
@pytest.mark.parametrize("legacy", ["true", "false"])
def test_contrastive_loss_has_no_gradient_at_the_margin(legacy):
    body = f"contrastive_loss_param {{ margin: 4 legacy_version: {legacy} }}"
    at = 2 if legacy == "true" else 4
    ran = run_layer("ContrastiveLoss", body, [[[at]], [[0]], [0]], diffs=[TWO])
    assert ran.y[0] == 0
    assert not ran.dx[0].any()


@drawn()
@given(SEED, st.sampled_from([0.5, 4]))
def test_contrastive_loss_may_be_told_the_labels_of_both_sides(seed, margin):
    a, b = normal(seed, 6, 3), normal(seed + 1, 6, 3)
    labels = np.random.RandomState(seed).randint(0, 3, (2, 6))
    body = f"contrastive_loss_param {{ margin: {margin} }}"
    ran = run_layer("ContrastiveLoss", body, [a, b, *labels], diffs=[TWO])
    loss, grad = contrastive(a, b, labels[0] == labels[1], margin, True)
    agree(ran.y[0], loss)
    agree(ran.dx[0], 2 * grad, relative=1e-4)
    assert not ran.dx[2].any()
    assert not ran.dx[3].any()
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match="takes 3 bottom"):
            run_layer("ContrastiveLoss", body, [a, b, *labels])
    finally:
        caffe.set_strict(False)


NORMALISERS = {
    "normalization: FULL": lambda outer, count, valid: count,
    "normalization: VALID": lambda outer, count, valid: valid,
    "normalization: BATCH_SIZE": lambda outer, count, valid: outer,
    "normalization: NONE": lambda outer, count, valid: 1,
    "": lambda outer, count, valid: outer,
    "normalize: true": lambda outer, count, valid: valid,
    "normalize: false": lambda outer, count, valid: outer,
    "normalize: true normalization: NONE": lambda outer, count, valid: 1,
}


@pytest.mark.parametrize("none", [False, True])
def test_mncs_sigmoid_loss_is_the_mean_of_values_that_are_weighed(none):
    x, target = normal(0, 3, 4), np.random.RandomState(1).randint(0, 2, (3, 4))
    weights = np.abs(normal(2, 3, 4)) * (not none)
    found = run_layer("SigmoidCrossEntropyLoss", "", [x, target, weights], diffs=[TWO])
    probability = 1 / (1 + np.exp(-x.astype(np.float64)))
    losses = -np.log(np.where(target, probability, 1 - probability))
    total = weights.sum() or np.inf
    agree(found.y[0], (losses * weights).sum() / total)
    agree(found.dx[0], 2 * (probability - target) * weights / total)
    assert not found.dx[2].any()
    with pytest.raises(caffe.CaffeError, match="needs a weight for each value"):
        run_layer("SigmoidCrossEntropyLoss", "", [x, target, weights[:, :2]])


@law("SigmoidCrossEntropyLoss")
@drawn(80)
@given(SEED, st.sampled_from(sorted(NORMALISERS)), st.sampled_from([None, -1, 0, 255]), SMALL)
def test_sigmoid_cross_entropy_sums_over_targets_not_ignored_and_normalises(
    seed, normalisation, ignore, width
):
    """A target is ignored when its integer part is the ignored label: with 0 also 0.4 and -0.9."""
    rng = np.random.RandomState(seed)
    x = 3 * normal(seed, 3, 2, width)
    target = rng.choice([0, 1, 0.4, 0.75, -0.9, -1, 255], (3, 2 * width)).astype(np.float32)
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    body = f"loss_param {{ {normalisation} {text} }}"
    ran = run_layer("SigmoidCrossEntropyLoss", body, [x, target], diffs=[TWO])
    t = np.float64(target.reshape(x.shape))
    valid = np.trunc(t) != ignore if ignore is not None else np.ones(t.shape, bool)
    n = max(1, NORMALISERS[normalisation](3, x.size, valid.sum()))
    p = 1 / (1 + np.exp(-np.float64(x)))
    losses = -(t * np.log(p) + (1 - t) * np.log(1 - p))[valid]
    agree(ran.y[0], losses.sum() / n, floor=1e-5 + 1e-6 * np.abs(losses).sum() / n)
    agree(ran.dx[0], 2 / n * np.where(valid, p - t, 0))
    assert not ran.dx[1].any()


@law("SigmoidCrossEntropyLoss")
def test_sigmoid_cross_entropy_is_finite_for_any_score():
    x = np.array([[1e4, -1e4, 0, 1e4, -1e4]], np.float32)
    ran = run_layer("SigmoidCrossEntropyLoss", "", [x, [[1, 0, 0, 0, 1]]], diffs=[TWO])
    agree(ran.y[0], 2e4 + np.log(2))
    agree(ran.dx[0], [[0, 0, 1, 2, -2]])


def test_a_learnt_target_is_refused_by_sigmoid_cross_entropy_and_learnt_by_euclidean_loss():
    def net(kind: str) -> caffe.Net:
        return net_of(
            input_layer("x", 2, 3)
            + 'layer { name: "s" type: "Scale" bottom: "x" top: "t" }'
            + f'layer {{ name: "l" type: "{kind}" bottom: "x" bottom: "t" }}'
        )

    refused, learnt = net("SigmoidCrossEntropyLoss"), net("EuclideanLoss")
    for built in (refused, learnt):
        built.blobs["x"].data[...] = 2
        built.params["s"][0].data[...] = 3
        built.forward()
    learnt.backward()
    assert np.array_equal(learnt.params["s"][0].diff, [8, 8, 8])
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .*no gradient for bottom 1"):
        refused.backward()


@pytest.mark.parametrize(
    ("kind", "shapes", "message"),
    [
        ("EuclideanLoss", [(2, 3), (3, 2)], r"as many items in 'x1' as in 'x0'.*\(3, 2\) and"),
        ("EuclideanLoss", [(2, 3), (2, 2)], r"one size: 'x0' is \(2, 3\), 'x1' is \(2, 2\)"),
        ("EuclideanLoss", [(), ()], r"as many items.*\(\) and \(\)"),
        ("ContrastiveLoss", [(2, 3, 1, 2), (2, 3), (2,)], r"'x0' must be N x C x 1 x 1"),
        ("ContrastiveLoss", [(2, 3), (2, 3, 2), (2,)], r"'x1' must be N x C.*\(2, 3, 2\)"),
        ("ContrastiveLoss", [(2, 3), (2, 3), (2, 3)], r"'x2' must be N x 1 x 1 x 1.*\(2, 3\)"),
        ("ContrastiveLoss", [(2, 3), (2, 4), (2,)], r"channels: found.*\(2, 3\) and \(2, 4\)"),
        ("ContrastiveLoss", [(2, 3), (2, 3), (3,)], r"'x2' for each of 2 pairs.*\(3,\)"),
        ("SigmoidCrossEntropyLoss", [(2, 3), (2,)], r"'x0' is \(2, 3\), 'x1' is \(2,\)"),
        ("SigmoidCrossEntropyLoss", [(2, 3), (3, 2)], "as many items"),
    ],
)
def test_bottoms_that_do_not_fit_each_other_are_refused(kind, shapes, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, "", [np.zeros(shape) for shape in shapes])
