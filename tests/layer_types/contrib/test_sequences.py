"""ContinuationIndicator, Convert, ReverseTime, CTCGreedyDecoder, LabelsequenceAccuracy."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.layer_types.contrib.sequences import distance


@law("ContinuationIndicator")
def test_sequences_start_at_the_first_step():
    body = "continuation_indicator_param { time_step: 3 batch_size: 2 }"
    found = run_layer("ContinuationIndicator", body, []).y[0]
    assert found.tolist() == [[0, 0], [1, 1], [1, 1]]
    with pytest.raises(caffe.CaffeError, match=r"must be positive; found \(0, 0\)"):
        run_layer("ContinuationIndicator", "", [])


def test_a_bottom_says_how_many_sequences_there_are_and_has_no_gradient():
    """As crnn.prototxt of DeepDetect, whose recurrent layers come behind what is learnt."""
    text = (
        input_layer("data", 4, 2, 3)
        + 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "x" '
        'inner_product_param { num_output: 5 axis: 2 weight_filler { type: "xavier" } } } '
        'layer { name: "i" type: "ContinuationIndicator" bottom: "x" top: "cont" '
        "continuation_indicator_param { time_step: 4 axis: 1 } } "
        'layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "y" '
        'recurrent_param { num_output: 2 weight_filler { type: "xavier" } } } '
        'layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }'
    )
    net = net_of(text, caffe.TRAIN)
    net.blobs["data"].data[...] = normal(0, 4, 2, 3)
    net.forward()
    np.testing.assert_array_equal(net.blobs["cont"].data, [[0, 0], [1, 1], [1, 1], [1, 1]])
    net.backward()
    assert np.abs(net.params["ip"][0].diff).sum() > 0


@law("Convert")
@drawn()
@given(SEED, SMALL, SMALL, SMALL, st.booleans())
def test_columns_become_the_steps_that_lstm_reads(seed, count, channels, steps, flat):
    x, dy = normal(seed, count, channels, 1, steps), normal(seed, steps, count, channels)
    bottom = x[:, :, 0] if flat else x
    found = run_layer("Convert", "", [bottom], diffs=[dy, np.ones((steps, count))], tops=2)
    np.testing.assert_array_equal(found.y[0], x[:, :, 0].transpose(2, 0, 1))
    np.testing.assert_array_equal(
        found.y[1], np.repeat(np.arange(steps) > 0, count).reshape(steps, -1)
    )
    np.testing.assert_array_equal(found.dx[0], dy.transpose(1, 2, 0).reshape(bottom.shape))
    with pytest.raises(caffe.CaffeError, match="needs N x C x 1 x T"):
        run_layer("Convert", "", [np.zeros((2, 3, 2, 4))], tops=2)


@law("ReverseTime")
@drawn()
@given(SEED, st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_each_sequence_runs_backwards_from_its_own_end(seed, steps, many, copies):
    rng = np.random.RandomState(seed)
    x, dy = normal(seed, steps, many, 2), normal(seed + 1, steps, many, 2)
    lengths = rng.randint(0, steps + 1, many)
    body = "" if copies else "reverse_time_param { copy_remaining: false }"
    found = run_layer("ReverseTime", body, [x, lengths], diffs=[dy])
    y, dx = (x, dy) if copies else (0 * x, 0 * dy)
    y, dx = y.copy(), dx.copy()
    for i, length in enumerate(lengths):
        y[:length, i], dx[:length, i] = x[:length, i][::-1], dy[:length, i][::-1]
    agree(found.y[0], y)
    agree(found.dx[0], dx)


def test_lengths_of_no_sequence_are_an_error():
    x = np.zeros((3, 2, 4))
    with pytest.raises(caffe.CaffeError, match=r"'x1' holds lengths \[1, 4\]; expected 0 to 3"):
        run_layer("ReverseTime", "", [x, np.float32([1, 4])])
    with pytest.raises(caffe.CaffeError, match="needs T x N x"):
        run_layer("ReverseTime", "", [x, np.zeros(3)])


def best_path(scores, blank, merges=True):
    """Of T x C: the mapping B of Graves et al. 2006, section 3.1."""
    path = scores.argmax(1).tolist()
    if merges:
        path = [label for label, _ in itertools.groupby(path)]
    return [label for label in path if label != blank]


def edits(one, other):
    """By definition: the least over what is done with the last labels."""
    if not one or not other:
        return len(one) + len(other)
    return min(
        edits(one[:-1], other) + 1,
        edits(one, other[:-1]) + 1,
        edits(one[:-1], other[:-1]) + (one[-1] != other[-1]),
    )


LABELS = st.lists(st.integers(0, 2), max_size=5)


@given(LABELS, LABELS)
def test_the_edit_distance_is_the_least_number_of_edits(one, other):
    assert distance(one, other) == edits(one, other)


@law("CTCGreedyDecoder")
@drawn()
@given(SEED, st.sampled_from([None, 0, 1]), st.booleans())
def test_the_greedy_decoder_takes_the_best_class_of_each_step(seed, blank, merges):
    rng = np.random.RandomState(seed)
    scores, lengths = normal(seed, 6, 3, 3), rng.randint(1, 7, 3)
    goes_on = (np.arange(6)[:, None] < lengths) & (np.arange(6)[:, None] > 0)
    labels = np.where(np.arange(6)[:, None] < rng.randint(0, 4, 3), rng.randint(0, 3, (6, 3)), -1)
    body = f"ctc_merge_repeated: {str(merges).lower()}"
    body += "" if blank is None else f" blank_index: {blank}"
    body = f"ctc_decoder_param {{ {body} }}"
    decoder = "CTCGreedyDecoder"
    sequences, sums, accuracy = run_layer(decoder, body, [scores, goes_on, labels], tops=3).y
    apart = []
    for n, length in enumerate(lengths):
        path = best_path(scores[:length, n], 2 if blank is None else blank, merges)
        assert sequences[n, :, 0, 0].tolist() == path + [-1] * (6 - len(path))
        agree(sums[n, 0, 0, 0], -scores[:length, n].max(1).sum())
        target = [label for label in labels[:, n].tolist() if label >= 0]
        apart.append(edits(path, target) / max(1, len(path), len(target)))
    agree(accuracy.ravel(), [1 - np.mean(apart)], floor=1e-5)
    for inputs, other in (([scores, goes_on, labels], accuracy), ([scores, goes_on], sums)):
        found = run_layer(decoder, body, inputs, tops=2).y
        assert np.array_equal(found[0], sequences)
        assert np.array_equal(found[1], other)


@law("CTCGreedyDecoder", "LabelsequenceAccuracy")
@drawn()
@given(SEED)
def test_the_share_of_sequences_that_are_right(seed):
    scores = normal(seed, 5, 4, 3)
    paths = [best_path(scores[:, n], 0) for n in range(4)]
    labels = np.zeros((4, 6))
    for row, path in zip(labels, paths, strict=True):
        row[1 : 1 + len(path)] = path
    labels[1, 5], labels[2, 0] = 1, 1  # one label more
    agree(run_layer("CTCGreedyDecoder", "", [scores, labels]).y[0], 0.5)
    kind = "LabelsequenceAccuracy"
    agree(run_layer(kind, "", [scores.transpose(1, 0, 2), labels]).y[0], 0.5)
    body = "labelsequence_accuracy_param { blank_label: 2 }"
    turned = (scores.transpose(1, 0, 2)[:, :, [2, 1, 0]], (2 - labels) % 3)
    agree(run_layer(kind, body, turned).y[0], 0.5)


@pytest.mark.parametrize(
    ("kind", "shapes", "tops", "message"),
    [
        ("CTCGreedyDecoder", [(3, 2), (3, 2)], 1, "needs scores T x N x C"),
        ("CTCGreedyDecoder", [(3, 2, 2), (4, 2)], 1, "needs values T x N, 3 x 2"),
        ("CTCGreedyDecoder", [(3, 2, 2), (3, 2)], 3, "has 2 tops at most here"),
        ("LabelsequenceAccuracy", [(3, 2, 2), (2, 2)], 1, "needs scores N x T x C and labels"),
    ],
)
def test_what_does_not_fit_says_so(kind, shapes, tops, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, "", [np.zeros(shape) for shape in shapes], tops=tops)
