"""GateRecurrent: what runs along rows or columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

ACTIVE = {
    "LINEAR": lambda v: v,
    "SIGMOID": lambda v: 1 / (1 + np.exp(-v)),
    "RELU": lambda v: np.maximum(v, 0),
    "TANH": np.tanh,
}


def expected(x, gate, weights, horizontal, reverse, active, scale):
    """Place by place, in float64; weights: of the input, of what came before, the bias, or None."""
    x, gate = (each.astype(np.float64) for each in (x, gate))
    (n, _, height, width), outputs = x.shape, gate.shape[1]
    input_weight, hidden_weight, bias = weights
    top = np.zeros((n, outputs, height, width))
    along, across = (width, height) if horizontal else (height, width)
    for item in range(n):
        for line in range(across):
            last = np.zeros(outputs)
            for step in range(along)[:: -1 if reverse else 1]:
                at = (item, slice(None), *((line, step) if horizontal else (step, line)))
                now = x[at] if input_weight is None else x[at] @ input_weight
                inner = -now + (last if hidden_weight is None else last @ hidden_weight)
                inner = inner if bias is None else inner + bias
                last = ACTIVE[active](min(scale, 1) * gate[at] * inner + scale * now)
                top[at] = last
    return top


def body(*more):
    return f"gaterecurrent_param {{ {' '.join(more)} }}"


def flag(name, on):
    return f"{name}: {str(bool(on)).lower()}"


@law("GateRecurrent")
@drawn(15)
@given(SEED, st.booleans(), st.booleans(), st.sampled_from(list(ACTIVE)), st.booleans())
def test_each_value_is_held_by_its_gate(seed, horizontal, reverse, active, weighed):
    x, gate = normal(seed, 2, 3, 3, 4), np.random.RandomState(seed).rand(2, 3, 3, 4)
    weights = [0.4 * normal(seed + i, *shape) for i, shape in enumerate(((3, 3), (3, 3), (3,)))]
    params = [each.reshape(1, 1, *each.shape[:-1] or (1,), 3) for each in weights]
    text = body(
        "num_output: 3 restrict_g: 0.9",
        f"active: {active}",
        *(flag(name, weighed) for name in ("use_wx", "use_wh", "use_bias")),
        *(flag(name, on) for name, on in (("horizontal", horizontal), ("reverse", reverse))),
    )
    found = run_layer("GateRecurrent", text, [x, gate.astype(np.float32)], params=params)
    given_ = weights if weighed else (None, None, None)
    exact = expected(x, gate.astype(np.float32), given_, horizontal, reverse, active, 0.9)
    agree(found.y[0], exact, 1e-4, 1e-4)


def test_without_weights_it_is_a_recursive_filter():
    x = np.zeros((1, 1, 1, 4), np.float32)
    x[..., 0] = 1
    text = body("num_output: 1 use_wx: false use_wh: false use_bias: false")
    found = run_layer("GateRecurrent", text, [x, np.full_like(x, 0.5)])
    agree(found.y[0], [[[[0.5, 0.25, 0.125, 0.0625]]]])


def test_weights_are_cut_and_filled_as_its_fork_does():
    x = normal(0, 1, 2, 2, 2)
    text = body(
        "num_output: 2 restrict_w: 0.5 weight_filler { value: 3 } bias_filler { value: 2 }",
    )
    found = run_layer("GateRecurrent", text, [x, x])
    weight, hidden, bias = (param.data for param in found.net.params["l"])
    assert (weight == 3).all()
    assert (hidden == 0.5).all()
    assert not bias.any()


def test_gradients_of_rectangular_maps():
    text = body("num_output: 3 horizontal: false reverse: true active: TANH")
    check_gradient("GateRecurrent", text, [(1, 2, 3, 2), (1, 3, 3, 2)], 4)


@pytest.mark.parametrize(
    ("more", "shapes", "message"),
    [
        (
            "num_output: 2 use_wx: false",
            [(1, 3, 2, 2), (1, 2, 2, 2)],
            "needs num_output 2 channels",
        ),
        ("num_output: 2", [(1, 3, 2, 2), (1, 3, 2, 2)], "gates N x 2 x H x W"),
        ("", [(1, 3, 2, 2)] * 2, "num_output must be positive"),
        ("num_output: 2", [(1, 3), (1, 3)], "needs 4 axes"),
    ],
)
def test_what_does_not_fit_says_so(more, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .GateRecurrent.: .*{message}"):
        run_layer("GateRecurrent", body(more), [np.zeros(shape) for shape in shapes])


def test_bounded_gradients_are_refused_in_training_alone():
    text = body("num_output: 2 bound_diff: 1")
    bottoms = [np.zeros((1, 2, 2, 2))] * 2
    run_layer("GateRecurrent", text, bottoms, phase=caffe.TEST)
    with pytest.raises(caffe.CaffeError, match="bound_diff is not here"):
        run_layer("GateRecurrent", text, bottoms, phase=caffe.TRAIN)
