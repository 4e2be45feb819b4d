"""SmoothL1Loss, OrientationSmoothL1Loss, L1Loss, CenterLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("SmoothL1Loss")
@drawn()
@given(SEED, SMALL, SMALL, st.integers(2, 4), st.sampled_from([0.5, 1.0, 3.0]))
def test_smooth_l1_is_a_square_near_0(seed, n, c, bottoms, sigma):
    inputs = [normal(seed + i, n, c, 2, 1) for i in range(bottoms)]
    found = run_layer("SmoothL1Loss", f"smooth_l1_loss_param {{ sigma: {sigma} }}", inputs)
    x, t, *weights = (each.astype(np.float64) for each in inputs)
    d = np.abs((x - t) * (weights[0] if weights else 1))
    losses = np.where(d < 1 / sigma**2, 0.5 * (sigma * d) ** 2, d - 0.5 / sigma**2)
    expected = (losses * (weights[1] if bottoms == 4 else 1)).sum() / n
    agree(found.y[0], expected, 1e-4, 1e-4)


def test_what_weighs_a_smooth_l1_has_a_gradient_of_0_where_one_is_asked_for():
    inputs = [normal(i, 2, 3) for i in range(4)]
    found = run_layer("SmoothL1Loss", "", inputs, diffs=[np.float32(1)])
    assert found.dx[0].any()
    assert found.dx[1].any()
    assert not found.dx[2].any()
    assert not found.dx[3].any()


@law("OrientationSmoothL1Loss")
@drawn()
@given(SEED, SMALL, st.sampled_from([0.5, 1.0, 3.0]))
def test_an_angle_beyond_pi_is_held_against_the_opposite_target(seed, n, sigma):
    x, t, mask = (normal(seed + i, n, 1, 3, 4) for i in range(3))
    x, mask = 3 * x, (mask > 0).astype(np.float32)
    body = f"smooth_l1_loss_param {{ sigma: {sigma} }}"
    found = run_layer("OrientationSmoothL1Loss", body, [x, t, mask], diffs=[2])
    a, b = x.astype(np.float64), t.astype(np.float64)
    beyond = (np.abs(a) > np.pi) & (np.sign(a) == np.sign(b))
    apart = mask * np.where(beyond, a + b, a - b)
    near = np.abs(apart) < 1 / sigma**2
    losses = np.where(near, (sigma * apart) ** 2 / 2, np.abs(apart) - 0.5 / sigma**2)
    agree(found.y[0], losses.sum() / n, 1e-4)
    agree(found.dx[0], 2 * mask * np.where(near, sigma**2 * apart, np.sign(apart)) / n, 1e-4)


@law("L1Loss")
@drawn()
@given(SEED, SMALL, SMALL)
def test_l1_is_the_distance_of_an_item(seed, n, c):
    x, t = normal(seed, n, c, 2), normal(seed + 1, n, c, 2)
    t[0, 0, 0] = x[0, 0, 0]
    found = run_layer("L1Loss", "", [x, t], diffs=[np.float32(1)])
    agree(found.y[0], np.abs(x.astype(np.float64) - t).sum() / n)
    agree(found.dx[0], np.sign(x - t) / n)


@drawn()
@given(SEED, st.booleans(), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.8]))
def test_flownets_l1_may_take_the_length_at_each_place(seed, length, mean, known, plateau):
    x, t = normal(seed, 2, 3, 2, 2), normal(seed + 1, 2, 3, 2, 2)
    t[0, :, 0, 1] = np.nan
    body = (
        f"l2_per_location: {str(length).lower()} l2_prescale_by_channels: {str(mean).lower()} "
        f"normalize_by_num_entries: {str(known).lower()} plateau: {plateau} epsilon: 0.01"
    )
    found = run_layer("L1Loss", f"l1_loss_param {{ {body} }}", [x, t], diffs=[np.float32(1)])
    apart = np.nan_to_num(x.astype(np.float64) - t)
    if length:
        squares = (apart**2).mean(1) if mean else (apart**2).sum(1)
        losses = np.sqrt(np.where(squares < plateau**2, 0, squares) + 0.01)
    else:
        losses = np.where(np.abs(apart) < plateau, 0, np.abs(apart))
    agree(found.y[0], losses.sum() / (7 if known else 2), 1e-4)
    assert np.isfinite(found.dx[0]).all()
    alone = run_layer("L1Loss", f"l1_loss_param {{ {body} }}", [x - t])
    agree(alone.y[0], found.y[0], 1e-4)


@law("WeightedSoftmaxWithLoss")
@drawn()
@given(SEED, SMALL, st.sampled_from(["", "normalization: BATCH_SIZE"]))
def test_predictions_are_weighed(seed, n, mode):
    x, labels = normal(seed, n, 3, 2), np.random.RandomState(seed).randint(0, 4, (n, 2))
    weights = np.abs(normal(seed + 1, n, 2)) * 3
    body = f"loss_param {{ ignore_label: 3 {mode} }}"
    found = run_layer("WeightedSoftmaxWithLoss", body, [x, labels, weights])
    agree(found.y[0], weighed(x, labels, weights, n if mode else 0), 1e-4)


@drawn()
@given(SEED, SMALL, st.sampled_from(["", "normalization: BATCH_SIZE"]))
def test_items_are_weighed_and_those_of_0_do_not_count(seed, n, mode):
    x, labels = normal(seed, n, 3, 2), np.random.RandomState(seed).randint(0, 4, (n, 2))
    weights = np.abs(normal(seed + 1, n)) * np.random.RandomState(seed).randint(0, 2, n)
    body = f"loss_param {{ ignore_label: 3 {mode} }}"
    found = run_layer("WeightedSoftmaxWithLoss", body, [x, labels, weights])
    counted = ((labels != 3) & (weights > 0)[:, None]).sum()
    each = np.repeat(weights[:, None], 2, 1)
    agree(found.y[0], weighed(x, labels, each, n if mode else max(1, counted)), 1e-4)


@drawn()
@given(SEED, SMALL, st.sampled_from([0.3, 2.0]), st.sampled_from(["", "normalization: FULL"]))
def test_labels_of_a_class_are_weighed(seed, n, weight, mode):
    x, labels = normal(seed, n, 3, 2), np.random.RandomState(seed).randint(0, 4, (n, 2))
    fields = {
        f"pos_mult: {weight}": {1: weight},
        f"pos_cid: 2 pos_mult: {weight}": {2: weight},
        f"pos_cid: 0 pos_mult: {weight} pos_cid: 1 pos_mult: 3": {0: weight, 1: 3.0},
        "pos_cid: 2": {},
    }
    for said, of_class in fields.items():
        weights = np.vectorize(lambda label, known=of_class: known.get(label, 1.0))(labels)
        body = f"loss_param {{ ignore_label: 3 {mode} }} softmax_param {{ {said} }}"
        found = run_layer("WeightedSoftmaxWithLoss", body, [x, labels])
        agree(found.y[0], weighed(x, labels, weights, 2 * n if mode else 0), 1e-4)


def weighed(x, labels, weights, over=0):
    """The loss of labels that are not 3, over this many, or over their number."""
    prob = np.exp(x.astype(np.float64))
    prob /= prob.sum(1, keepdims=True)
    counts = [(i, j) for i in range(len(x)) for j in range(2) if labels[i, j] != 3]
    total = -sum(weights[i, j] * np.log(prob[i, labels[i, j], j]) for i, j in counts)
    return total / max(1, over or len(counts))


@law("CenterLoss")
@drawn()
@given(SEED, st.integers(1, 6), SMALL, st.sampled_from([1.0, 0.3]))
def test_the_center_loss_draws_items_and_centres_together(seed, n, size, weight):
    x, labels = normal(seed, n, size), np.random.RandomState(seed).randint(0, 3, n)
    centres = normal(seed + 1, 3, size)
    body = "center_loss_param { num_output: 3 }"
    found = run_layer("CenterLoss", body, [x, labels], params=[centres], diffs=[np.float32(weight)])
    apart = x.astype(np.float64) - centres[labels]
    agree(found.y[0], (apart**2).sum() / n / 2, 1e-4)
    agree(found.dx[0], weight * apart / n, 1e-4, 1e-5)
    for k in range(3):  # equation 4 of the paper, whatever the loss weighs
        mine = labels == k
        expected = -apart[mine].sum(0) / (1 + mine.sum())
        agree(found.dparams[0][k], expected, 1e-4, 1e-5)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("SmoothL1Loss", "", [(2, 3), (2, 2)], "bottoms of one size"),
        ("L1Loss", "", [(2, 3), (2, 2)], "must have one size"),
        ("WeightedSoftmaxWithLoss", "", [(2, 3), (2,), (3,)], "a weight for each label"),
        (
            "WeightedSoftmaxWithLoss",
            "softmax_param { pos_cid: 0 pos_cid: 1 pos_mult: 2 }",
            [(2, 3), (2,)],
            r"a pos_mult for each pos_cid; found \[2.0\] for \[0, 1\]",
        ),
        ("CenterLoss", "", [(2, 3), (2,)], "num_output, the number of classes, is missing"),
        ("CenterLoss", "center_loss_param { num_output: 2 }", [(2, 3), (2, 2)], "a label for each"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


def test_a_label_that_is_no_class_is_named():
    with pytest.raises(caffe.CaffeError, match="label blob 'x1' holds 2"):
        run_layer("CenterLoss", "center_loss_param { num_output: 2 }", [np.zeros((1, 3)), [2]])


@law("SoftmaxCrossEntropyLoss")
@drawn()
@given(SEED, st.sampled_from(["VALID", "FULL", "BATCH_SIZE", "NONE"]))
def test_softmax_cross_entropy_takes_a_target_for_each_score(seed, mode):
    x, target = normal(seed, 3, 4, 2), np.abs(normal(seed + 1, 3, 4, 2))
    e = np.exp(x.astype(np.float64))
    p = e / e.sum(1, keepdims=True)
    divisor = {"VALID": 6, "FULL": 6, "BATCH_SIZE": 3, "NONE": 1}[mode]
    found = run_layer(
        "SoftmaxCrossEntropyLoss",
        f"loss_param {{ normalization: {mode} }}",
        [x, target],
        tops=2,
        diffs=[1, np.zeros_like(x)],
    )
    agree(found.y[0], -(target * np.log(p)).sum() / divisor, 1e-4)
    agree(found.y[1], p)
    agree(found.dx[0], (p - target) / divisor, 1e-4)


def test_softmax_cross_entropy_needs_a_target_for_each_score():
    with pytest.raises(caffe.CaffeError, match="needs a target for each score"):
        run_layer("SoftmaxCrossEntropyLoss", "", [np.zeros((2, 3)), np.zeros(2)])


@law("SVRLoss")
@drawn()
@given(SEED, SMALL, SMALL)
def test_the_distance_of_support_vectors(seed, n, c):
    x, t = normal(seed, n, c, 2), normal(seed + 1, n, c * 2)
    found = run_layer("SVRLoss", "", [x, t], diffs=[np.float32(1)])
    apart = x.astype(np.float64) - t.reshape(x.shape)
    agree(found.y[0], np.abs(apart).sum() / n, 1e-4)
    agree(found.dx[0], np.sign(apart) / n, 1e-4)
    assert not found.dx[1].any()


def test_an_item_of_one_value_has_its_loss():
    x, target = np.float32([0, 0.5, -2, 3]), np.zeros(4)
    found = run_layer("SmoothL1Loss", "", [x, target], tops=2, diffs=[np.float32(1)])
    agree(found.y[1], np.reshape([0, 0.125, 1.5, 2.5], (4, 1, 1, 1)))
    agree(found.dx[0], np.array([0, 0.5, -1, 1]) / 4)


@law("XCovLoss")
@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([(), (3,)]))
def test_values_of_two_bottoms_shall_not_go_together(seed, n, c, size):
    x, y = normal(seed, n, c, 2), normal(seed + 1, n, *size)
    found = run_layer("XCovLoss", "", [x, y], diffs=[np.ones((1, 1, 1, 1))])
    one, other = (part.astype(np.float64).reshape(n, -1) for part in (x, y))
    one, other = one - one.mean(0), other - other.mean(0)
    covariances = one.T @ other / n
    agree(found.y[0].item(), (covariances**2).sum() / 2, 1e-4)
    agree(found.dx[0].reshape(n, -1), other @ covariances.T / n, 1e-3, 1e-4)
    agree(found.dx[1].reshape(n, -1), one @ covariances / n, 1e-3, 1e-4)
