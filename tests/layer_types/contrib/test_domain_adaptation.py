"""MMDLoss, JMMDLoss, EntropyLoss, OuterProduct of deep adaptation networks, CORALLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def gaussians(apart, count, widths):
    return sum(np.exp(-apart / widths(i - count // 2)) for i in range(count))


def squared(items):
    return ((items[:, None] - items[None]) ** 2).sum(-1)


def expected_discrepancy(source, target, count, multiple, also=1.0):
    """The mean over all pairs of two different items, an item and the next one counting twice."""
    items = np.concatenate([source, target]).astype(np.float64)
    apart, total, first = squared(items), len(items), len(source)
    width = apart.sum() / (total * total - total)
    kernel = gaussians(apart, count, lambda i: width / multiple**i) * also
    own = [kernel[:first, :first], kernel[first:, first:]]
    within = [(k * (1 - np.eye(len(k)) + np.roll(np.eye(len(k)), 1, axis=1))).mean() for k in own]
    return sum(within) - 2 * kernel[:first, first:].mean()


@law("MMDLoss")
def test_two_items_of_a_bottom_have_one_discrepancy():
    # Of two items each, all draws are alike but for what meets what across the bottoms.
    source, target = np.float32([[0, 1], [1, 0]]), np.float32([[2, 2], [2, 2]])
    body = "mmd_param { kernel_num: 4 kernel_mul: 1.5 }"
    found = run_layer("MMDLoss", body, [source, target], diffs=[np.float32(1)])
    agree(found.y[0], 2 * expected_discrepancy(source, target, 4, 1.5), 1e-4)
    assert found.dx[0].any()
    agree(found.dx[0].sum(0) + found.dx[1].sum(0), [0, 0], 1e-4, 1e-5)


def test_the_mean_over_draws_approaches_that_over_all_pairs():
    source, target = normal(0, 6, 3), normal(1, 9, 3) + 1
    caffe.set_random_seed(0)
    net = run_layer("MMDLoss", "", [source, target]).net
    draws = np.array([float(net.forward()["y0"]) for _ in range(2000)]) / 9
    apart = abs(draws.mean() - expected_discrepancy(source, target, 5, 2))
    assert apart < 4 * draws.std() / len(draws) ** 0.5 < 0.06


def test_the_gradient_is_of_the_mean_over_the_draws():
    source, target = normal(0, 40, 2), normal(1, 40, 2) + 1
    caffe.set_random_seed(3)
    found = run_layer("MMDLoss", "mmd_param { fix_gamma: true }", [source, target])
    net, step, total = found.net, 1e-2, 0.0
    net.blobs["y0"].diff[...] = 1
    net.backward()
    direction = net.blobs["x0"].diff.copy()
    for sign in (1, -1):
        net.blobs["x0"].data[...] = source + sign * step * direction / np.linalg.norm(direction)
        caffe.set_random_seed(3)
        total += sign * float(net.forward()["y0"]) / 40
    assert abs(total / (2 * step) - np.linalg.norm(direction)) < 0.02 * np.linalg.norm(direction)


def test_one_item_alone_has_no_discrepancy():
    found = run_layer("MMDLoss", "", [normal(0, 1, 3), normal(1, 4, 3)], diffs=[np.float32(1)])
    assert found.y[0] == 0
    assert not found.dx[0].any()


@law("JMMDLoss")
def test_the_labels_kernel_multiplies_and_the_loss_shows_nothing():
    source, target = np.float32([[0, 1], [1, 0]]), np.float32([[2, 2], [2, 2]])
    labels = [np.float32([[0.4, 0.6]] * 2), np.float32([[0.9, 0.1]] * 2)]
    plain = run_layer("MMDLoss", "", [source, target], diffs=[np.float32(1)])
    alone = run_layer("JMMDLoss", "", [source, target], diffs=[np.float32(1)])
    found = run_layer("JMMDLoss", "", [source, target, *labels], diffs=[np.float32(1)])
    assert found.y[0] == alone.y[0] == 0
    agree(np.abs(alone.dx[1]).sum(), np.abs(plain.dx[1]).sum(), 1e-4)
    factor = np.exp(-(0.5**2 + 0.5**2) / 1.68)  # of pairs across; target items are in one place
    agree(found.dx[1], factor * alone.dx[1], 1e-4, 1e-5)
    assert not found.dx[2].any()


@law("EntropyLoss")
@drawn()
@given(SEED, SMALL, st.sampled_from([1.0, 2.0]))
def test_the_entropy_is_shown_with_its_sign_turned(seed, n, power):
    prob = np.random.RandomState(seed).dirichlet([0.5] * 4, n).astype(np.float32)
    prob[0, 0] = 1e-6
    body = f"entropy_param {{ threshold: 0.01 prob_pow: {power} }}"
    labels = np.zeros((n, 2), np.float32)  # as the authors' nets have them
    found = run_layer("EntropyLoss", body, [prob, labels], diffs=[np.float32(1)])
    alone = run_layer("EntropyLoss", body, [prob], diffs=[np.float32(1)])
    assert alone.y[0] == found.y[0]
    p = prob.astype(np.float64).clip(1e-30)
    shown = np.where(p >= 1e-5, p**power * np.log(p), 0)
    agree(found.y[0], shown.sum(), 1e-4)
    slope = -(p ** (power - 1)) * (1 + power * np.log(p))
    agree(found.dx[0], np.where(p >= 0.01, slope, 0) / n, 1e-4)


def test_the_first_passes_have_no_entropy():
    prob = np.float32([[0.3, 0.7]])
    body = "entropy_param { iterations_num: 2 }"
    net = run_layer("EntropyLoss", body, [prob], phase=caffe.TRAIN).net
    shown = [float(net.forward()["y0"]) for _ in range(2)]
    assert shown[0] == 0 > shown[1]
    assert net.layer_dict["l"].state_dict() == {"iteration": 3}


@law("OuterProduct")
@drawn()
@given(SEED, SMALL, SMALL, SMALL)
def test_all_products_of_two_items_values(seed, n, c, d):
    x, y, dz = normal(seed, n, c), normal(seed + 1, n, d, 1, 1), normal(seed + 2, n, 1, c, d)
    found = run_layer("OuterProduct", "", [x, y], diffs=[dz])
    flat = y.reshape(n, -1)
    agree(found.y[0], np.einsum("ni,nj->nij", x.astype(np.float64), flat)[:, None])
    agree(found.dx[0], np.einsum("nkij,nj->ni", dz.astype(np.float64), flat), 1e-4)
    agree(found.dx[1].reshape(n, -1), np.einsum("nkij,ni->nj", dz.astype(np.float64), x), 1e-4)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("MMDLoss", "", [(2, 3), (2, 4)], "items of one size"),
        ("JMMDLoss", "", [(2, 3)] * 3, "probabilities of both bottoms, or of none"),
        ("JMMDLoss", "", [(2, 3), (2, 3), (2, 3), (1, 3)], "as many probabilities as items"),
        ("JMMDLoss", "jmmd_param { auto_sigma: true }", [(2, 3)] * 2, "auto_sigma: false"),
        ("EntropyLoss", "", [(2,)], "items of probabilities"),
        ("OuterProduct", "", [(2, 3), (3, 3)], "of equal N"),
        ("OuterProduct", "", [(2, 3), (2, 3, 1, 2)], "N x C .x 1 x 1."),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


@law("CORALLoss")
@drawn()
@given(SEED, st.integers(2, 5), SMALL, st.sampled_from([(), (2, 1)]))
def test_covariances_of_two_domains_are_to_be_alike(seed, n, size, more):
    items = [normal(seed + i, n, size, *more) for i in range(2)]
    first, second = (np.atleast_2d(np.cov(x.reshape(n, -1).astype(np.float64).T)) for x in items)
    agree(run_layer("CORALLoss", "", items).y[0], ((first - second) ** 2).mean() / 4, 1e-4)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(1, 3), (1, 3)], "2 items or more, for a covariance"),
        ([(2, 3), (2, 4)], "as many items of one size"),
        ([(2, 3), (3, 3)], "as many items of one size"),
    ],
)
def test_domains_without_covariances_of_one_size_are_refused(shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .CORALLoss.: needs {message}"):
        run_layer("CORALLoss", "", [np.zeros(shape) for shape in shapes])
