"""CTCLoss, against the sum over all alignments."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

T, C = 4, 3


def losses(scores, labels, blank):
    """-log of the probability of all paths that read as the labels; inf where none does."""
    prob = np.exp(scores.astype(np.float64))
    prob /= prob.sum(1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(C), repeat=len(scores)):
        read = [key for key, _ in itertools.groupby(path) if key != blank]
        if read == list(labels):
            total += np.prod([p[c] for p, c in zip(prob, path, strict=True)])
    return -np.log(total) if total else np.inf


def expected(scores, labels, blank, steps=None):
    found = [
        losses(scores[: steps[n] if steps else T, n], each, blank) for n, each in enumerate(labels)
    ]
    fit = [loss for loss in found if np.isfinite(loss)]
    return sum(fit) / max(1, len(fit))


LABELS = st.lists(st.lists(st.integers(1, 2), min_size=1, max_size=3), min_size=1, max_size=3)


@law("CTCLoss", "CtcLoss", "WarpCTC", "WarpCTCLoss")
@drawn()
@given(SEED, LABELS)
def test_labels_are_read_off_all_alignments(seed, labels):
    scores = normal(seed, T, len(labels), C)
    padded = [each + [0] * (3 - len(each)) for each in labels]
    body = f"ctc_loss_param {{ alphabet_size: {C} time_step: {T} blank_label: 0 }}"
    for kind in ("CtcLoss", "WarpCTCLoss"):
        agree(run_layer(kind, body, [scores, padded]).y[0], expected(scores, labels, 0), 1e-4)


@drawn()
@given(SEED, LABELS, st.integers(1, T))
def test_lengths_may_be_given(seed, labels, steps):
    labels = [[label - 1 for label in each] for each in labels]  # the last class is the blank one
    scores, n = normal(seed, T, len(labels), C), len(labels)
    padded = np.array([each + [0] * (3 - len(each)) for each in labels]).T
    bottoms = [scores, [steps] * n, [len(each) for each in labels], padded]
    found = run_layer("CTCLoss", "", bottoms)
    agree(found.y[0], expected(scores, labels, C - 1, [steps] * n), 1e-4)


@pytest.mark.parametrize("blank", [0, -1])
def test_sequences_may_say_where_they_start(blank):
    scores = normal(0, T, 2, C)
    starts = [[0, 0], [1, 1], [1, 1], [1, 0]]  # the second one has 3 steps
    labels = [[0, 1], [1, -1], [-1, -1], [-1, -1]]
    found = run_layer(
        "CTCLoss", f"ctc_loss_param {{ blank_index: {blank} }}", [scores, starts, labels]
    )
    shift = 1 if blank == 0 else 0
    given = [[0 + shift, 1 + shift], [1 + shift]]
    agree(found.y[0], expected(scores, given, blank % C, [4, 3]), 1e-4)


@pytest.mark.parametrize(
    ("body", "inputs", "message"),
    [
        ("", [np.zeros((T, 2)), np.zeros((2, 1))], "needs scores T x N x C"),
        ("", [np.zeros((T, 2, C)), np.zeros((3, 1))], "needs labels of 2 sequences"),
        ("", [np.zeros((T, 1, C)), [[C]]], "holds 3; expected 0 to 2"),
        ("ctc_loss_param { blank_label: 7 }", [np.zeros((T, 1, C)), [[1]]], "label 7 is none"),
        ("", [np.zeros((T, 1, C)), [[1]], [[1]]], "needs one value for each"),
        ("", [np.zeros((T, 1, C)), [1, 1], [1], [[1]]], "needs 1 lengths"),
    ],
)
def test_what_does_not_fit_says_so(body, inputs, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .CTCLoss.: .*{message}"):
        run_layer("CTCLoss", body, inputs)
