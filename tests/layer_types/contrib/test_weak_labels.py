"""BiasChannel, AdaptiveBiasChannel, UniqueLabel, in a net of DeepLab's weak supervision too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.layer_text import v1_layer
from support.net_text import net_of, run_layer

import caffe


@law("BiasChannel")
@drawn()
@given(SEED, SMALL)
def test_a_bias_for_each_label_of_an_image(seed, n):
    rng = np.random.RandomState(seed)
    x, labels = normal(seed, n, 4, 2, 3), rng.randint(-1, 4, (n, 3, 1, 1))
    dy = normal(seed + 1, n, 4, 2, 3)
    body = "bias_channel_param { bg_bias: 0.5 fg_bias: 2 ignore_label: 3 }"
    found = run_layer("BiasChannel", body, [x, labels], diffs=[dy])
    expected = x.astype(np.float64)
    for i, j in np.ndindex(n, 3):
        label = labels[i, j, 0, 0]
        if label in (0, 1, 2):
            expected[i, label] += 2 if label else 0.5
    agree(found.y[0], expected)
    agree(found.dx[0], dy)


def biased(x, labels, rounds, portions, margin):
    """Of an image, in float64; labels in the order of each round."""
    x = x.astype(np.float64)
    own = sorted(set(labels))
    if margin is not None:
        least = x[own].min(0)
        for c in set(range(len(x))) - set(own):
            x[c] = np.where(x[c] > least, least - margin, x[c])
    highest = x[own].max(0)
    before, count = highest.mean(), highest.size
    for _ in range(rounds):
        for label in own:
            apart = np.sort((highest - x[label]).ravel())
            x[label] += apart[min(int(portions[int(label > 0)] * count), count - 1)]
            highest = np.maximum(highest, x[label])
    return x + before - highest.mean()


@law("AdaptiveBiasChannel")
@drawn()
@given(SEED, st.lists(st.sampled_from([-1, 0, 2]), min_size=2, max_size=2), st.booleans())
def test_each_label_wins_a_part_of_the_image(seed, labels, suppress):
    x = normal(seed, 1, 4, 5, 6)
    body = (
        "bg_portion: 0.4 fg_portion: 0.2 num_iter: 3 "
        f"suppress_others: {str(suppress).lower()} margin_others: 0.1"
    )
    found = run_layer(
        "AdaptiveBiasChannel",
        f"adaptive_bias_channel_param {{ {body} }}",
        [x, np.reshape(labels, (1, 2, 1, 1))],
    ).y[0]
    present = [label for label in labels if label != -1]
    margin = np.float32(0.1) if suppress else None
    portions = np.float32([0.4, 0.2])
    expected = biased(x[0], present, 3, portions, margin) if present else x[0]
    agree(found[0], expected, 1e-4, 1e-4)
    if len(set(present)) == 2 and suppress:
        wins = (found[0].argmax(0) == 2).mean()
        assert wins >= 0.2 - 1 / 30


def test_the_order_of_labels_is_drawn():
    x, labels = normal(0, 1, 6, 7, 7), np.arange(6).reshape(1, 6, 1, 1)
    body = "adaptive_bias_channel_param { bg_portion: 0.1 fg_portion: 0.3 }"
    tops = []
    for seed in (1, 1, 2, 3):
        caffe.set_random_seed(seed)
        tops.append(run_layer("AdaptiveBiasChannel", body, [x, labels]).y[0])
    np.testing.assert_array_equal(tops[0], tops[1])
    assert any(not np.array_equal(tops[0], top) for top in tops[2:])


@law("UniqueLabel")
@drawn()
@given(SEED, SMALL)
def test_the_labels_of_a_map(seed, n):
    x = np.random.RandomState(seed).choice([0, 3, 7, 255], (n, 1, 2, 3))
    body = "unique_label_param { max_labels: 5 ignore_label: 255 force_label: 0 force_label: 4 }"
    found = run_layer("UniqueLabel", body, [x]).y[0]
    assert found.shape == (n, 5, 1, 1)
    for i in range(n):
        held = sorted((set(x[i].ravel().tolist()) - {255}) | {0, 4})
        agree(found[i].ravel(), held + [-1] * (5 - len(held)))


def test_a_net_of_weak_supervision_trains():
    text = 'input: "data" input_dim: 2 input_dim: 2 input_dim: 6 input_dim: 5\n'
    text += 'input: "map" input_dim: 2 input_dim: 1 input_dim: 6 input_dim: 5\n'
    text += v1_layer(
        "weak", "UNIQUE_LABEL", "map", "unique_label_param { max_labels: 4 ignore_label: 255 }"
    )
    text += v1_layer(
        "fc8",
        "CONVOLUTION",
        "data",
        "strict_dim: false convolution_param { num_output: 4 kernel_size: 1 "
        'weight_filler { type: "gaussian" std: 0.5 } }',
    )
    text += v1_layer(
        "biased",
        "ADAPTIVE_BIAS_CHANNEL",
        "fc8 weak",
        "adaptive_bias_channel_param { bg_portion: 0.4 fg_portion: 0.2 num_iter: 5 "
        "suppress_others: true margin_others: 1e-5 }",
    )
    text += v1_layer("estep", "ARGMAX", "biased", "argmax_param { out_max_val: false top_k: 1 }")
    net = net_of(text + v1_layer("plus", "BIAS_CHANNEL", "fc8 weak"))
    net.blobs["map"].data[...] = np.random.RandomState(0).choice([0, 2, 255], (2, 1, 6, 5))
    net.blobs["data"].data[...] = normal(0, 2, 2, 6, 5)
    net.forward()
    agree(net.blobs["weak"].data[0].ravel(), [0, 2, -1, -1])
    assert net.blobs["biased"].shape == (2, 4, 6, 5)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("BiasChannel", "bias_channel_param { bg_bias: -1 }", [(1, 2, 1, 1), (1, 1)], "found -1"),
        ("BiasChannel", "", [(1, 2, 1, 1), (2, 1)], "needs scores N x C x H x W and labels N x L"),
        (
            "AdaptiveBiasChannel",
            "adaptive_bias_channel_param { fg_portion: 2 }",
            [(1, 2, 1, 1), (1, 1)],
            "lie in 0 to 1",
        ),
        ("UniqueLabel", "", [(1, 1, 1, 1)], "max_labels must exceed"),
        ("UniqueLabel", "unique_label_param { max_labels: 1 }", [(1, 2, 1, 1)], "N x 1 x H x W"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


def test_labels_that_there_are_not_say_so():
    with pytest.raises(caffe.CaffeError, match=r"'x1' holds \[5\]; expected 0 to 1"):
        run_layer("BiasChannel", "", [np.zeros((1, 2, 1, 1)), [[5]]])
    with pytest.raises(caffe.CaffeError, match=r"'x1' holds .*; expected 0 to 1"):
        run_layer("BiasChannel", "", [np.zeros((1, 2, 1, 1)), [[np.nan]]])
    with pytest.raises(caffe.CaffeError, match="image 0 has 2 labels; raise max_labels, 1"):
        run_layer("UniqueLabel", "unique_label_param { max_labels: 1 }", [[[[[0, 1]]]]])
