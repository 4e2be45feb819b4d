"""DenseCRF."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe
from caffe.layer_types.contrib import permutohedral

BODY = (
    "max_iter: {} pos_w: 3 pos_xy_std: 2 bi_w: 4 bi_xy_std: 5 bi_rgb_std: 1.5 "
    "pos_w: 1 pos_xy_std: 4"
)


def softmax(x):
    e = np.exp(x - x.max(0))
    return e / e.sum(0)


def gaussian(features):
    """What sums over all pixels, weighted by a Gaussian of the distance."""
    return np.exp(-((features[:, None] - features) ** 2).sum(2) / 2)


def on_lattice(features):
    """The same as the lattice has it, whose law is in test_meanfield.py."""
    features = torch.tensor(features)
    ones = torch.eye(len(features), dtype=torch.float64)
    return permutohedral.filtered(permutohedral.lattice(features), ones).numpy()


def inferred(scores, image, iterations, kernel):
    """Krähenbühl and Koltun 2011, algorithm 1: C x H x W."""
    classes, height, width = scores.shape
    y, x = np.indices((height, width)).reshape(2, -1).astype(np.float64)
    places = np.stack([x, y], 1)
    features = [(3, places / 2), (1, places / 4)]
    if image is not None:
        colours = image.reshape(3, -1).T.astype(np.float64)
        features.append((4, np.concatenate([places / 5, colours / 1.5], 1)))
    flat = scores.reshape(classes, -1).astype(np.float64)
    q = softmax(flat)
    for _ in range(iterations):
        total = flat.copy()
        for weight, f in features:
            sums = kernel(f)
            total += weight * (sums @ q.T / sums.sum(1, keepdims=True)).T
        q = softmax(total)
    return q.reshape(scores.shape)


def picture(h, w):
    y, x = np.indices((h, w)).astype(np.float32)
    return np.stack([np.sin(x / 8) * 2, y / 10, np.cos((x + y) / 12)])


@law("DenseCRF")
@drawn(4)
@given(SEED, st.booleans(), st.integers(0, 3))
def test_it_is_the_papers_mean_field(seed, has_image, iterations):
    scores = normal(seed, 2, 3, 12, 14)
    sizes, images = np.float32([[12, 14], [9, 10]]), np.stack([picture(12, 14)] * 2)
    inputs = [scores, sizes.reshape(2, 1, 1, 2), images][: 2 + has_image]
    body = f"dense_crf_param {{ {BODY.format(iterations)} }}"
    found = run_layer("DenseCRF", body, inputs, diffs=[scores])
    for i, (h, w) in enumerate([(12, 14), (9, 10)]):
        image = images[i, :, :h, :w] if has_image else None
        part = scores[i, :, :h, :w]
        agree(found.y[0][i, :, :h, :w], inferred(part, image, iterations, on_lattice), 1e-2, 1e-3)
        # The lattice is close to the Gaussian's sum, no more.
        expected = inferred(part, image, iterations, gaussian)
        assert np.abs(found.y[0][i, :, :h, :w] - expected).mean() < 0.05
    assert not found.y[0][1, :, 9:].any()
    assert not found.y[0][1, :, :, 10:].any()
    assert not any(dx.any() for dx in found.dx)


def test_a_cropped_image_counts_whole_and_logarithms_may_be_had():
    scores = normal(0, 1, 3, 5, 6)
    body = "dense_crf_param {{ max_iter: 2 pos_w: 1 pos_xy_std: 2 output_probability: {} }}"
    found, logs = (
        run_layer("DenseCRF", body.format(p), [scores, [[7, 9]]]).y[0] for p in ("true", "false")
    )
    agree(found.sum(1), np.ones((1, 5, 6)))
    agree(logs, np.log(found), 1e-4, 1e-5)


NINE = (
    "x_gauss: 2 y_gauss: 3 wt_gauss: 3 x_bilateral: 5 y_bilateral: 4 wt_bilateral: 4 "
    "r_bilateral: 10 g_bilateral: 20 b_bilateral: 30"
)


@drawn(4)
@given(SEED)
def test_classes_of_constrained_cnns(seed):
    height, width = 9, 11
    scores = normal(seed, 1, 4, height, width)
    image = np.random.RandomState(seed).uniform(0, 255, (3, height // 3, width // 3 + 1))
    image = image.repeat(3, 1).repeat(3, 2)[None, :, :, :width].astype(np.float32)
    found = run_layer(
        "DenseCRF", f"densecrf_param {{ {NINE} }}", [scores, image], diffs=[scores[:, :1]]
    )
    y, x = np.indices((height, width)).reshape(2, -1).astype(np.float64)
    colours = np.floor(image[0].reshape(3, -1).T.astype(np.float64)) / [30, 20, 10]  # BGR
    features = [
        (3, np.stack([x / 2, y / 3], 1)),
        (4, np.concatenate([np.stack([x / 5, y / 4], 1), colours], 1)),
    ]
    flat = scores[0].reshape(4, -1).astype(np.float64)
    q = softmax(flat)
    for _ in range(10):
        total = flat.copy()
        for weight, f in features:
            sums = on_lattice(f)
            total += weight * (sums @ q.T / sums.sum(1, keepdims=True)).T
        q = softmax(total)
    assert found.y[0].shape == (1, 1, height, width)
    sure = np.diff(np.sort(q, 0)[-2:], axis=0)[0] > 1e-3  # else either class may win
    assert np.array_equal(found.y[0].flatten()[sure], q.argmax(0)[sure])
    assert not any(dx.any() for dx in found.dx)


@pytest.mark.parametrize(
    ("body", "shapes", "message"),
    [
        (NINE.replace("x_gauss: 2", ""), [(1, 3, 4, 4)] * 2, "needs all nine fields"),
        (NINE.replace("x_gauss: 2", "x_gauss: 0"), [(1, 3, 4, 4)] * 2, "deviations are positive"),
        (NINE, [(1, 3, 4, 4), (1, 3, 4, 5)], "and images N x 3 x H x W; found"),
        (NINE, [(1, 2, 4, 4), (1, 3, 4, 4)], "of at least 3 classes"),
        (NINE, [(1, 3, 4, 4)] * 3, "and images N x 3 x H x W; found"),
    ],
)
def test_classes_need_all_that_says_how(body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("DenseCRF", f"densecrf_param {{ {body} }}", [np.zeros(s) for s in shapes])


@pytest.mark.parametrize(
    ("body", "shapes", "message"),
    [
        ("pos_w: 1", [(1, 2, 3, 3), (1, 2)], "a pos_xy_std for each pos_w"),
        ("bi_w: 1 bi_xy_std: 1", [(1, 2, 3, 3), (1, 2)], "a bi_rgb_std for each bi_w"),
        ("pos_w: 1 pos_xy_std: 0", [(1, 2, 3, 3), (1, 2)], "deviations are positive"),
        ("", [(1, 2, 3, 3), (1, 3)], "N x 2 numbers"),
        ("", [(1, 2, 3, 3), (1, 2), (1, 3, 3, 4)], "images N x 3 x H x W or none"),
    ],
)
def test_what_does_not_fit_says_so(body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("DenseCRF", f"dense_crf_param {{ {body} }}", [np.zeros(s) for s in shapes])
