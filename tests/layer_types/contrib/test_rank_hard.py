"""RankHardLoss: pairs, and what they are held against."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def expected(x, label, size, margin, neg_num):
    """With no more negatives than neg_num: all of them."""
    x = x.astype(np.float64)
    apart, total = -(x @ x.T), 0.0
    for a in range(0, len(x), size):
        own = apart[a, a + 1] + margin
        for n in range(len(x)):
            if label[n] != label[a] and own - apart[a, n] > 0:
                total += own - apart[a, n] + max(0, own - apart[a + 1, n])
    return total / (neg_num * len(x) // size * 2)


@law("RankHardLoss")
@drawn()
@given(SEED, st.integers(2, 3))
def test_all_negatives_count_where_there_are_few(seed, size):
    x = normal(seed, 2 * size, 4)
    label = np.repeat([0, 1], size).astype(np.float32)
    body = f"rank_param {{ neg_num: 4 pair_size: {size} margin: 0.5 }}"
    found = run_layer("RankHardLoss", body, [x, label])
    agree(found.y[0], expected(x, label, size, 0.5, 4), 1e-4)


def test_of_many_some_of_the_nearest_and_some_others_are_drawn():
    x = np.ones((12, 2), np.float32)
    label = np.repeat(np.arange(6), 2).astype(np.float32)
    body = "rank_param { neg_num: 4 hard_ratio: 0.5 rand_ratio: 0.25 margin: 1 }"
    found = run_layer("RankHardLoss", body, [x, label])
    # All are as near: of each pair 2 and 1 are drawn, each of two terms of 1.
    agree(found.y[0], 6 * 3 * 2 / (4 * 6 * 2))


def test_the_nearest_are_those_that_are_drawn():
    x = np.zeros((8, 1), np.float32)
    x[:, 0] = [1, 1, 5, 5, 1, 1, 0.5, 0.5]
    label = np.repeat(np.arange(4), 2).astype(np.float32)
    body = "rank_param { neg_num: 2 hard_ratio: 1 rand_ratio: 0 margin: 9 }"
    net = run_layer("RankHardLoss", body, [x, label], diffs=[np.float32(1)])
    apart = -(x @ x.T)
    total = 0
    for a in range(0, 8, 2):
        own = apart[a, a + 1] + 9
        negatives = [n for n in range(8) if n // 2 != a // 2 and own > apart[a, n]]
        negatives = sorted(negatives, key=lambda n: apart[a, n])[:2]
        total += sum(2 * (own - apart[a, n]) for n in negatives)
    agree(net.y[0], total / (2 * 4 * 2), 1e-5)


def test_its_gradient_is_the_derivative():
    body = "rank_param { neg_num: 4 margin: 2 }"
    given_ = {1: lambda rng: np.float64([0, 0, 1, 1])}
    check_gradient("RankHardLoss", body, [(4, 3), (4,)], 3, given=given_)


@pytest.mark.parametrize(
    ("more", "shapes", "message"),
    [
        ("pair_size: 3", [(4, 3), (4,)], "must divide the 4 items; found 3"),
        ("pair_size: 1", [(4, 3), (4,)], "2 or more"),
        ("neg_num: 0", [(4, 3), (4,)], "neg_num must be positive"),
        ("", [(4, 3), (3,)], "a label for each"),
    ],
)
def test_what_does_not_fit_says_so(more, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .RankHardLoss.: .*{message}"):
        run_layer("RankHardLoss", f"rank_param {{ {more} }}", [np.zeros(s) for s in shapes])
