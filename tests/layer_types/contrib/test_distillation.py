"""KnowledgeDistillation: the divergence of two nets' softer probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def body(temperature, more=""):
    return f"knowledge_distillation_param {{ temperature: {temperature} }} {more}"


def softmax(x):
    exponents = np.exp(x - x.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


@law("KnowledgeDistillation")
@drawn()
@given(
    SEED,
    SMALL,
    SMALL,
    st.sampled_from([(), (3,), (2, 3)]),
    st.sampled_from([1.0, 4.0]),
    st.sampled_from(["", "FULL", "VALID", "BATCH_SIZE", "NONE"]),
    st.booleans(),
)
def test_a_net_learns_the_soft_probabilities_of_another(
    seed, n, classes, more, temperature, normalization, ignores
):
    ours, theirs = (3 * normal(seed + i, n, classes, *more) for i in range(2))
    label = np.random.RandomState(seed).randint(0, 3, (n, *more))
    loss = f"normalization: {normalization}" if normalization else ""
    loss += " ignore_label: 1" if ignores else ""
    bottoms = [ours, theirs, label] if ignores else [ours, theirs]
    given_body = body(temperature, f"loss_param {{ {loss} }}")
    found = run_layer("KnowledgeDistillation", given_body, bottoms, diffs=[np.float32(0.5)])
    p, q = (softmax(x.astype(np.float64) / temperature) for x in (ours, theirs))
    counts = np.where(ignores & (label == 1), 0, 1)[:, None]
    sizes = {"FULL": label.size, "BATCH_SIZE": n, "NONE": 1}
    divisor = max(1, sizes.get(normalization, counts.sum()))
    agree(found.y[0], (counts * q * np.log(q / p)).sum() / divisor, 1e-4)
    agree(found.dx[0], 0.5 * temperature * counts * (p - q) / divisor, 1e-4, 1e-5)
    assert not any(each.any() for each in found.dx[1:])


@pytest.mark.parametrize(
    ("given_body", "shapes", "message"),
    [
        ("", [(2, 3), (2, 3)], "needs a temperature; found 0"),
        (body(2), [(2, 3), (2, 4)], "scores of one shape"),
        (body(2), [(2, 3), (2, 3), (2,)], "where there is an ignore_label"),
        (body(2, "loss_param { ignore_label: 1 }"), [(2, 3), (2, 3)], "where there is an ignore"),
        (
            body(2, "loss_param { ignore_label: 1 }"),
            [(2, 3), (2, 3), (3,)],
            "a label for each place",
        ),
    ],
)
def test_what_does_not_fit_says_so(given_body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .KnowledgeDistillation.: .*{message}"):
        run_layer("KnowledgeDistillation", given_body, [np.zeros(shape) for shape in shapes])
