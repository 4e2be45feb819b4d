"""K1_EuclideanLoss and K2_EuclideanLoss of SSDH, ScaleTanH, PairwiseLoss, QuantizationLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("K1_EuclideanLoss", "K2_EuclideanLoss")
@drawn(20)
@given(SEED, SMALL, SMALL)
def test_values_are_away_from_the_middle_and_half_of_them_are_1(seed, n, c):
    x = normal(seed, n, c)
    wide = x.astype(np.float64)
    agree(run_layer("K1_EuclideanLoss", "", [x, x]).y[0], -((wide - 0.5) ** 2).mean() / (2 * n))
    agree(run_layer("K2_EuclideanLoss", "", [x, x]).y[0], (wide.mean() - 0.5) ** 2 / (2 * n))


def test_codes_of_two_shapes_are_refused():
    with pytest.raises(caffe.CaffeError, match="needs bottoms of one shape"):
        run_layer("K1_EuclideanLoss", "", [np.zeros((2, 3)), np.zeros((2, 4))])


@law("ScaleTanH")
def test_the_tanh_becomes_steeper_every_so_many_passes():
    x, dy = normal(0, 2, 3), normal(1, 2, 3)
    body = "scale_tanh_param { init_scale: 0.5 step_size: 3 gamma: 2 power: 0.5 }"
    net = run_layer("ScaleTanH", body, [x], phase=caffe.TRAIN).net
    for count in range(3, 9):  # setting up was the first, run_layer's pass the second
        net.forward()
        net.blobs["y0"].diff[...] = dy
        net.backward()
        scale = 0.5 * (1 + 2 * (count // 3 * 3)) ** 0.5
        y = np.tanh(scale * x.astype(np.float64))
        agree(net.blobs["y0"].data, y)
        agree(net.blobs["x0"].diff, scale * dy * (1 - y**2), 1e-4)
    assert net.layer_dict["l"].state_dict() == {"iteration": 7}
    with pytest.raises(caffe.CaffeError, match="step_size must be positive"):
        run_layer("ScaleTanH", "scale_tanh_param { step_size: 0 }", [x])


@law("PairwiseLoss")
@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([0.4, 15.0]), st.booleans())
def test_codes_of_pairs_are_alike_where_their_labels_are(seed, n, bits, threshold, continuous):
    rng = np.random.RandomState(seed)
    codes = [normal(seed + i, n, bits) for i in range(2)]
    labels = [rng.randint(0, 2, (n, 3)) * rng.choice([1, 1, -1], (n, 1)) for _ in range(2)]
    body = f"pairwise_param {{ l_threshold: {threshold} l_lambda: 0.5 class_num: 3 "
    body += f"sigmoid_param: 0.7 continous_similarity: {str(continuous).lower()} }}"
    inputs = [codes[0], labels[0], codes[1], labels[1]]
    found = run_layer("PairwiseLoss", body, inputs, diffs=[np.float32(1)])
    wide = [code.astype(np.float64) for code in codes]
    total, count, slopes = 0.0, 0.0, np.zeros((n, n))
    for i, j in np.ndindex(n, n):
        shared = int(labels[0][i] @ labels[1][j])
        if not 0 <= shared < 3:
            continue
        alike, weight = shared > 0, 3 if shared > 0 else 1
        p = 0.7 * wide[0][i] @ wide[1][j]
        total += weight * (p * (1 - alike) if p >= threshold else np.log1p(np.exp(p)) - alike * p)
        count += weight
        slopes[i, j] = weight * 2 * (1 / (1 + np.exp(-p)) - alike)
        if continuous:
            lengths = [max(1, (each**2).sum()) for each in (labels[0][i], labels[1][j])]
            slopes[i, j] *= 4 * (shared**2 / np.prod(lengths) or 0.25)
    agree(found.y[0], total / max(1, count), 1e-4)
    slopes *= 0.5 / max(1, count)
    for at, expected in ((0, slopes @ wide[1]), (2, slopes.T @ wide[0])):
        expected.reshape(-1)[:n] *= 0.7  # the fork's factor, of so many values alone
        agree(found.dx[at], expected, 1e-4, 1e-5)
    assert not found.dx[1].any()


@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([0.4, 15.0]), st.sampled_from([0, 0.3]))
def test_codes_of_a_batch_are_paired_with_each_other(seed, n, bits, threshold, gamma):
    code, label = normal(seed, n, bits), np.random.RandomState(seed).randint(0, 2, (n, 3))
    body = f"pairwise_param {{ q_threshold: {threshold} q_gamma: {gamma} l_lambda: 0.5 }}"
    found = run_layer("PairwiseLoss", body, [code, label], diffs=[np.float32(1)])
    twice = run_layer("PairwiseLoss", body, [code, label] * 2, diffs=[np.float32(1)])
    wide = code.astype(np.float64)
    apart = np.abs(wide) - 1
    far = np.where(apart > threshold, apart - np.log(2), np.log(np.cosh(apart)))
    agree(found.y[0], twice.y[0] + np.abs(far).mean() * (gamma > 0), 1e-4)
    slopes = np.sign(wide) * np.tanh(apart) * gamma / n
    agree(found.dx[0], twice.dx[0] + slopes, 1e-4, 1e-5)


def test_the_threshold_of_pairs_has_an_older_name():
    code, label = 3 * normal(1, 4, 5), np.random.RandomState(1).randint(0, 2, (4, 3))
    for value in (0.4, 15):
        new, old = (
            run_layer("PairwiseLoss", f"pairwise_param {{ {name}: {value} }}", [code, label]).y[0]
            for name in ("l_threshold", "threshold")
        )
        assert new == old


@law("QuantizationLoss")
@drawn(20)
@given(SEED, SMALL, SMALL, st.sampled_from([0, 0.4, 15.0]))
def test_values_of_codes_are_to_be_near_1_or_minus_1(seed, n, bits, threshold):
    code = 3 * normal(seed, n, bits)
    body = f"quantization_param {{ threshold: {threshold} }}" if threshold else ""
    found = run_layer("QuantizationLoss", body, [code], diffs=[np.float32(0.5)])
    wide = code.astype(np.float64)
    apart = np.abs(wide) - 1
    losses = np.log(np.cosh(apart))
    if threshold:
        losses = np.where(apart > threshold, apart - np.log(2), losses)
    agree(found.y[0], np.abs(losses).mean(), 1e-4)
    agree(found.dx[0], 0.5 * np.sign(wide) * np.tanh(apart) / n, 1e-4, 1e-5)


def test_one_value_is_no_code():
    with pytest.raises(caffe.CaffeError, match="needs a code for each item"):
        run_layer("QuantizationLoss", "", [np.float32(1)])


def test_pairs_of_two_shapes_are_refused():
    for count in (3, 4):
        bottoms = [np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 4)), np.zeros((2, 4))]
        with pytest.raises(caffe.CaffeError, match="needs codes and labels, a label of each"):
            run_layer("PairwiseLoss", "", bottoms[:count])


def test_labels_that_are_a_class_each_are_refused():
    codes, labels = np.zeros((2, 3)), np.zeros(2)
    with pytest.raises(caffe.CaffeError, match="a label of each item for every class"):
        run_layer("PairwiseLoss", "", [codes, labels, codes, labels])
