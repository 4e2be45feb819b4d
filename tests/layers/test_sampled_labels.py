"""The layer that samples the loss: which cells it keeps, and how often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.net_text import input_layer, net_of

import caffe

VOID = 255


def sampler(shape, **params):
    text = input_layer("label", *shape) + (
        'layer { name: "sampled" type: "Python" bottom: "label" top: "sampled" python_param { '
        f'module: "sampled_labels" layer: "SampledLabels" param_str: "{params}" }} }}'
    )
    return net_of(text)


def run(net, label):
    return net.forward(label=label)["sampled"].copy()


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 17),
    st.floats(0.01, 1),
    st.integers(0, 2**32 - 1),
)
def test_a_cell_keeps_all_of_its_labels_or_none(height, width, cell, p, seed):
    label = np.arange(height * width, dtype=np.float32).reshape(1, 1, height, width) % 20
    sampled = run(sampler(label.shape, p=p, cell=cell, seed=seed), label)
    kept = sampled == label
    assert (sampled[~kept] == VOID).all()
    for row in range(0, height, cell):
        for column in range(0, width, cell):
            assert len(set(kept[0, 0, row : row + cell, column : column + cell].flat)) == 1


def test_all_is_kept_at_p_1():
    label = np.random.RandomState(0).randint(0, 20, (2, 1, 33, 50)).astype(np.float32)
    np.testing.assert_array_equal(run(sampler(label.shape, p=1, cell=32, seed=0), label), label)


@pytest.mark.parametrize("cell", [1, 8])
@pytest.mark.parametrize("p", [0.5, 0.25])
def test_each_cell_is_kept_with_probability_p_on_its_own(p, cell):
    net = sampler((1, 1, 20 * cell, 20 * cell), p=p, cell=cell, seed=3)
    label = np.zeros((1, 1, 20 * cell, 20 * cell), np.float32)
    kept = np.stack([run(net, label)[0, 0, ::cell, ::cell] == 0 for _ in range(400)])
    spread = np.sqrt(p * (1 - p) / len(kept))
    assert abs(kept.mean(0) - p).max() < 5 * spread  # at each cell
    assert abs(kept.mean() - p) < 5 * spread / 20
    neighbours = (kept[:, :, 1:] & kept[:, :, :-1]).mean()
    assert neighbours == pytest.approx(p**2, abs=0.01)


def test_images_of_a_batch_and_passes_are_drawn_anew_and_the_seed_repeats_them():
    label = np.zeros((2, 1, 64, 64), np.float32)
    one, other = (sampler(label.shape, p=0.5, cell=4, seed=9) for _ in range(2))
    first, second = run(one, label), run(one, label)
    assert (first[0] != first[1]).any()
    assert (first != second).any()
    np.testing.assert_array_equal(run(other, label), first)
    np.testing.assert_array_equal(run(other, label), second)
    assert (run(sampler(label.shape, p=0.5, cell=4, seed=10), label) != first).any()


def test_a_resumed_run_draws_on():
    label = np.zeros((1, 1, 64, 64), np.float32)
    one, other = (sampler(label.shape, p=0.5, cell=4, seed=seed) for seed in (9, 8))
    run(one, label)
    other.layer_dict["sampled"].load_state_dict(one.layer_dict["sampled"].state_dict())
    np.testing.assert_array_equal(run(other, label), run(one, label))


def test_a_loss_gets_the_gradient_of_what_is_kept():
    text = input_layer("score", 1, 3, 8, 8) + input_layer("label", 1, 1, 8, 8)
    text += (
        'layer { name: "sampled" type: "Python" bottom: "label" top: "sampled" python_param { '
        'module: "sampled_labels" layer: "SampledLabels" '
        "param_str: \"{'p': 0.5, 'cell': 4, 'seed': 1}\" } }"
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "sampled" '
        'top: "loss" loss_param { ignore_label: 255 normalize: false } }'
    )
    net = net_of("force_backward: true " + text, caffe.TRAIN)
    net.forward()
    net.backward()
    kept = net.blobs["sampled"].data[0, 0] != VOID
    assert 0 < kept.sum() < kept.size
    np.testing.assert_array_equal(net.blobs["score"].diff[0].any(0), kept)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (dict(p=0, cell=32, seed=1), "p=0; expected the probability"),
        (dict(p=1.01, cell=32, seed=1), "above 0 and at most 1"),
        (dict(p="half", cell=32, seed=1), "p='half'"),
        (dict(p=0.5, cell=0, seed=1), "cell=0; expected a whole number"),
        (dict(p=0.5, cell=32, seed=-1), "seed=-1"),
        (dict(p=0.5, cell=32), "expected \"{'p': 0.5"),
    ],
)
def test_a_param_str_that_says_something_else_is_told(params, words):
    with pytest.raises(Exception, match="SampledLabels") as caught:
        sampler((1, 1, 8, 8), **params)
    assert words in str(caught.value)
