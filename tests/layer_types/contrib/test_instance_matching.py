"""LabeledMatching and UnlabeledMatching of person search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, run_layer

import caffe

CLASSES = 3


@law("LabeledMatching", "UnlabeledMatching")
@drawn(20)
@given(SEED, st.integers(1, 6))
def test_rows_follow_the_features_after_the_products_with_them(seed, n):
    x, diff = normal(seed, n, 4), normal(seed + 1, n, CLASSES)
    labels = np.random.RandomState(seed).randint(-1, CLASSES + 1, n).astype(np.float32)
    rows, unseen = normal(seed + 2, CLASSES, 4), np.float32([5, 6, 7])
    ran = run_layer(
        "LabeledMatching",
        f"labeled_matching_param {{ num_classes: {CLASSES} momentum: 0.3 }}",
        [x, labels],
        tops=2,
        params=[rows, unseen],
        diffs=[diff, 0 * labels],
        phase=caffe.TRAIN,
    )
    agree(ran.y[0], x @ rows.T, 1e-4, 1e-5)
    np.testing.assert_array_equal(ran.y[1], np.where(labels < CLASSES, labels, -1))
    agree(ran.dx[0], diff @ rows, 1e-4, 1e-5)
    after, passes = rows.astype(np.float64), unseen + 1
    for feature, label in zip(x, labels.astype(int), strict=True):
        if 0 <= label < CLASSES:
            after[label] = 0.3 * after[label] + 0.7 * feature
            passes[label] = 0
    agree(ran.params[0], after, 1e-4, 1e-5)
    agree(ran.params[1], passes)
    ran = run_layer(
        "UnlabeledMatching",
        f"unlabeled_matching_param {{ queue_size: {CLASSES} }}",
        [x, labels],
        params=[rows],
        diffs=[diff],
        phase=caffe.TRAIN,
    )
    agree(ran.y[0], x @ rows.T, 1e-4, 1e-5)
    agree(ran.dx[0], diff @ rows, 1e-4, 1e-5)
    after = rows.copy()
    for i, feature in enumerate(x[labels == -1]):
        after[i % CLASSES] = feature
    agree(ran.params[0], after)


@pytest.mark.parametrize(
    ("rate", "phase"), [("param { lr_mult: 0 }", caffe.TRAIN), ("", caffe.TEST)]
)
def test_rows_stay_in_a_test_and_without_a_rate(rate, phase):
    x, rows = normal(0, 2, 4), normal(1, CLASSES, 4)
    body = f"{rate} unlabeled_matching_param {{ queue_size: {CLASSES} }}"
    bottoms = [x, np.float32([-1, -1])]
    ran = run_layer("UnlabeledMatching", body, bottoms, params=[rows], phase=phase)
    agree(ran.params[0], rows)


def test_persons_are_told_apart_by_what_is_learnt_below(tmp_path):
    """As models/psdb/resnet50/train.prototxt of person search ends."""
    power = (
        'layer {{ name: "{0}2" type: "Power" bottom: "{0}" top: "{0}2" '
        "power_param {{ scale: 10 }} }} "
    )
    text = (
        input_layer("data", 6, 5)
        + input_layer("pid_label", 6)
        + 'layer { name: "low" type: "InnerProduct" bottom: "data" top: "low" '
        'inner_product_param { num_output: 4 weight_filler { type: "msra" } } } '
        'layer { name: "feat" type: "Normalize" bottom: "low" top: "feat" } '
        'layer { name: "labeled" type: "LabeledMatching" bottom: "feat" bottom: "pid_label" '
        'top: "a" top: "id_labels" param { lr_mult: 1 decay_mult: 0 } param { lr_mult: 1 '
        "decay_mult: 0 } labeled_matching_param { num_classes: 3 momentum: 0.5 } } "
        'layer { name: "unlabeled" type: "UnlabeledMatching" bottom: "feat" bottom: "pid_label" '
        'top: "b" param { lr_mult: 1 decay_mult: 0 } unlabeled_matching_param { queue_size: 2 } } '
        + power.format("a")
        + power.format("b")
        + 'layer { name: "concat" type: "Concat" bottom: "a2" bottom: "b2" top: "scores" } '
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "id_labels" '
        'top: "loss" propagate_down: 1 propagate_down: 0 loss_param { ignore_label: -1 '
        "normalize: true } }"
    )
    (tmp_path / "net.prototxt").write_text(text)
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 '
        f'weight_decay: 0.0005 random_seed: 1 snapshot_prefix: "{tmp_path}/s"'
    )
    solver = caffe.get_solver(str(tmp_path / "solver.prototxt"))
    rng = np.random.RandomState(0)
    persons, losses = rng.randn(4, 5), []
    for _ in range(60):
        who = np.array([0, 1, 2, 3, 0, 1])
        solver.net.blobs["data"].data[...] = persons[who] + 0.1 * rng.randn(6, 5)
        solver.net.blobs["pid_label"].data[...] = np.where(who == 3, -1, who)
        solver.step(1)
        losses.append(float(solver.net.blobs["loss"].data))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    norms = np.linalg.norm(solver.net.params["labeled"][0].data, axis=1)
    assert (norms > 0.5).all()


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("LabeledMatching", "", [(2, 3), (2,)], "needs some rows; found 0"),
        (
            "UnlabeledMatching",
            "unlabeled_matching_param { queue_size: 2 }",
            [(2, 3), (3,)],
            "needs features N x K and labels N",
        ),
    ],
)
def test_what_does_not_fit_is_named(kind, body, shapes, message):
    tops = 2 if kind == "LabeledMatching" else 1
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes], tops=tops)


@pytest.mark.parametrize(
    ("kind", "body", "tops"),
    [
        ("LabeledMatching", "labeled_matching_param { num_classes: 2 }", 2),
        ("UnlabeledMatching", "unlabeled_matching_param { queue_size: 2 }", 1),
    ],
)
def test_a_label_that_is_no_number_is_of_none(kind, body, tops):
    inputs = [np.ones((1, 3)), [np.nan]]
    found = run_layer(kind, body, inputs, tops=tops, phase=caffe.TRAIN)
    assert not found.params[0].any()
    assert tops == 1 or found.y[1] == [-1]
