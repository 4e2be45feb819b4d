"""LiftedStructSimilaritySoftmaxLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

KIND = "LiftedStructSimilaritySoftmaxLoss"


@law(KIND)
@drawn()
@given(SEED, st.sampled_from([0.2, 1, 3]))
def test_pairs_are_held_against_all_others_of_either(seed, margin):
    x, labels = normal(seed, 6, 4), np.random.RandomState(seed).randint(0, 3, 6)
    body = f"lifted_struct_sim_softmax_loss_param {{ margin: {margin} }}"
    found = run_layer(KIND, body, [x, labels]).y[0]
    apart = np.linalg.norm(x[:, None].astype(np.float64) - x, axis=2)
    losses = []
    for i in range(6):
        for j in range(i + 1, 6):
            if labels[i] != labels[j]:
                continue
            others = [
                np.exp(margin - apart[one, k])
                for one in (i, j)
                for k in range(6)
                if labels[k] != labels[i]
            ]
            loss = np.log(sum(others)) + apart[i, j] if others else 0
            losses.append(max(0, loss) ** 2)
    agree(found, sum(losses) / (2 * len(losses)) if losses else 0, 1e-4)


@pytest.mark.parametrize("labels", [[0, 1], [1, 1]])
def test_without_pairs_or_without_others_nothing_is_learnt(labels):
    found = run_layer(KIND, "", [np.ones((2, 3)), labels], diffs=[1])
    assert found.y[0] == 0
    assert not found.dx[0].any()


def test_each_item_needs_a_label():
    with pytest.raises(caffe.CaffeError, match="needs a label for each of 2 items"):
        run_layer(KIND, "", [np.zeros((2, 3)), np.zeros((2, 2))])
