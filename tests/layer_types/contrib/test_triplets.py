"""TripletLoss, in its forks' forms."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def square(a, b):
    return ((a.astype(np.float64) - b) ** 2).sum()


@law("TripletLoss")
@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([0.2, 1.0, 5.0]), st.booleans())
def test_anchors_are_to_be_nearer_to_positives(seed, n, size, margin, weighted):
    items = [normal(seed + i, n, size, 1, 1) for i in range(3)]
    weights = np.abs(normal(seed + 3, n)) if weighted else np.ones(n)
    body = f"triplet_loss_param {{ margin: {margin} }}"
    found = run_layer("TripletLoss", body, [*items, weights][: 3 + weighted], diffs=[np.float32(1)])
    a, p, n_ = items
    losses = [square(a[i], p[i]) - square(a[i], n_[i]) + margin for i in range(n)]
    agree(found.y[0], np.maximum(losses, 0) @ weights.astype(np.float64) / n / 2, 1e-4)
    counts = (weights * (np.array(losses) > 0) / n).reshape(n, 1, 1, 1)
    agree(found.dx[1], counts * (p.astype(np.float64) - a), 1e-4, 1e-5)


@drawn()
@given(SEED, SMALL, SMALL)
def test_pairs_beside_triplets_are_to_be_near(seed, n, size):
    items = [normal(seed + i, n, size, 1, 1) for i in range(5)]
    label = np.arange(n)
    found = run_layer("TripletLoss", "", [*items, label], diffs=[np.float32(1)])
    alone = run_layer("TripletLoss", "", items[:3], diffs=[np.float32(1)])
    agree(found.y[0], alone.y[0] + square(*items[3:]) / n / 2, 1e-4)
    apart = (items[3].astype(np.float64) - items[4]) / n
    for at, expected in ((0, alone.dx[0]), (3, apart), (4, -apart)):
        agree(found.dx[at], expected, 1e-4, 1e-5)
    assert not found.dx[5].any()
    body = "triplet_loss_param { losstype: 2 margin: 0.5 }"
    near, far = (
        np.array([square(items[0][i], other[i]) for i in range(n)]) for other in items[1:3]
    )
    losses = np.maximum(0, 1 - far / (near + 0.5))
    found = run_layer("TripletLoss", body, [*items, label])
    agree(found.y[0], (losses.sum() + square(*items[3:])) / n / 2, 1e-4)


@drawn()
@given(
    SEED, st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.sampled_from(["", "1", "0"])
)
def test_of_a_set_the_first_is_held_against_all_others(seed, sets, negatives, form, use_pair):
    items, margin = normal(seed, sets * (2 + negatives), 3) / 2, 0.4
    name = "num_negatives" if use_pair else "num_triplets"
    body = f"losstype: {form} {name}: {negatives} margin: {margin}"
    body += f" use_pair: {use_pair}" if use_pair else ""
    expected = 0
    for anchor, positive, *others in items.reshape(sets, -1, 3):
        near = square(anchor, positive)
        expected += near * (use_pair != "0")
        for far in (square(anchor, other) for other in others):
            losses = [
                near + margin - far,
                1 - far / (near + margin),
                1 - np.exp(far) / (np.exp(near) + margin),
            ]
            expected += max(0, losses[form])
    found = run_layer(
        "TripletLoss", f"triplet_loss_param {{ {body} }}", [items, np.zeros(len(items))]
    )
    agree(found.y[0], expected / sets / 2, 1e-4)


def test_negatives_far_away_leave_no_loss():
    body = "triplet_loss_param { losstype: 2 num_negatives: 1 }"
    found = run_layer("TripletLoss", body, [[[0], [99], [100]], [0] * 3], diffs=[np.float32(1)])
    assert found.y[0] == 0
    assert not found.dx[0].any()


@drawn()
@given(SEED, st.integers(1, 3), st.integers(2, 4), st.sampled_from([1.0, 0.5]))
def test_of_a_group_the_hardest_count(seed, groups, size, scale):
    items = normal(seed, groups * size, 3)
    labels = np.random.RandomState(seed).randint(0, 2, groups * size)
    body = f"triplet_loss_param {{ margin: 0.7 group_size: {size} scale: {scale} }}"
    losses = []
    for start in range(0, groups * size, size):
        rest = range(start + 1, start + size)
        apart = {i: square(items[start], items[i]) * scale**2 for i in rest}
        same = [d for i, d in apart.items() if labels[i] == labels[start]]
        other = [d for i, d in apart.items() if labels[i] != labels[start]]
        if same and other:
            losses.append(max(0, max(same) - min(other) + 0.7))
    expected = sum(losses) / max(1, len(losses)) / 2
    agree(run_layer("TripletLoss", body, [items, labels]).y[0], expected, 1e-4)


@drawn()
@given(SEED, st.integers(1, 4), st.integers(0, 3))
def test_items_of_the_first_label_are_held_against_all_others(seed, first, others):
    items = normal(seed, first + others, 2)
    labels = [7] * first + list(range(others))
    losses = [
        max(0, square(items[a], items[p]) - square(items[a], items[n]) + 1)
        for a, p in itertools.combinations(range(first), 2)
        for n in range(first, first + others)
    ]
    found = run_layer("TripletLoss", "", [items, labels])
    agree(found.y[0], sum(losses) / max(1, len(losses)), 1e-4)


@drawn()
@given(SEED, st.integers(2, 5), SMALL)
def test_triplets_by_number_go_by_the_cosine(seed, items, triplets):
    x = normal(seed, items, 3)
    numbers = np.random.RandomState(seed).randint(0, items, (triplets, 3))
    found = run_layer("TripletLoss", "triplet_loss_param { margin: 0.3 }", [x, numbers])
    unit = x / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    losses = [max(0, 0.3 + unit[a] @ unit[n] - unit[a] @ unit[p]) for a, p, n in numbers]
    agree(found.y[0], sum(losses) / items, 1e-4)


@pytest.mark.parametrize(
    ("body", "inputs", "message"),
    [
        ("", [np.zeros((4, 2)), np.zeros(3)], "a label for each of 4 items"),
        ("", [np.zeros((4, 2)), np.zeros((4, 2)), np.zeros((4, 3))], "of one size"),
        ("", [np.zeros((4, 2))] * 5, "two of each pair and a label"),
        ("", [np.zeros((2, 2)), [[0, 1, 2]]], "names item 2; there are 2"),
        ("triplet_loss_param { group_size: 3 }", [np.zeros((4, 2)), np.zeros(4)], "must divide"),
        ("triplet_loss_param { num_triplets: 2 }", [np.zeros((4, 2)), np.zeros(4)], "a losstype"),
        (
            "triplet_loss_param { num_triplets: 3 losstype: 1 }",
            [np.zeros((4, 2)), np.zeros(4)],
            "sets of 5 items, .*; found 4 items",
        ),
    ],
)
def test_what_does_not_fit_says_so(body, inputs, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .TripletLoss.: .*{message}"):
        run_layer("TripletLoss", body, inputs)
