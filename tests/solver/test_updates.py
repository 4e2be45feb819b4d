"""The six update rules, each against Caffe's sequence of operations in float64."""

import math

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

import caffe
from caffe.proto import caffe_pb2

NET = """
net_param {
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "loss" loss_weight: 1
    param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
    inner_product_param { num_output: 2 weight_filler { type: "uniform" min: -1 max: 1 } } }
  layer { name: "frozen" type: "InnerProduct" bottom: "x" top: "y" param { lr_mult: 0 }
    inner_product_param { num_output: 2 bias_term: false weight_filler { value: 0.5 } } }
}
"""
MULTS = ((1, 1), (2, 0), (0, 1))


def make(text):
    solver = caffe.get_solver(text_format.Parse(NET + text, caffe_pb2.SolverParameter()))
    return solver, [p.blob for p in solver.net._graph.params]


# Each: parameter's gradient g (normalised, regularised), its history h, local rate -> the update.


def sgd(p, g, h, rate, t):
    h[0] = p.momentum * h[0] + rate * g
    return h[0]


def nesterov(p, g, h, rate, t):
    old = h[0]
    h[0] = p.momentum * h[0] + rate * g
    return (1 + p.momentum) * h[0] - p.momentum * old


def adagrad(p, g, h, rate, t):
    h[0] = h[0] + g**2
    return rate * g / (np.sqrt(h[0]) + p.delta)


def rmsprop(p, g, h, rate, t):
    h[0] = (1 - p.rms_decay) * g**2 + p.rms_decay * h[0]
    return rate * g / (np.sqrt(h[0]) + p.delta)


def adadelta(p, g, h, rate, t):
    h[0] = (1 - p.momentum) * g**2 + p.momentum * h[0]
    update = g * np.sqrt((p.delta + h[1]) / (p.delta + h[0]))
    h[1] = (1 - p.momentum) * update**2 + p.momentum * h[1]
    return rate * update


def adam(p, g, h, rate, t):
    h[0] = p.momentum * h[0] + (1 - p.momentum) * g
    h[1] = p.momentum2 * h[1] + (1 - p.momentum2) * g**2
    correction = math.sqrt(1 - p.momentum2**t) / (1 - p.momentum**t)
    return rate * correction * h[0] / (np.sqrt(h[1]) + p.delta)


# rule, history blobs of a parameter, and whether it takes a momentum
RULES = {
    "SGD": (sgd, 1, True),
    "Nesterov": (nesterov, 1, True),
    "AdaGrad": (adagrad, 1, False),
    "RMSProp": (rmsprop, 1, False),
    "AdaDelta": (adadelta, 2, True),
    "Adam": (adam, 2, True),
}


@pytest.mark.parametrize("kind", RULES)
@settings(max_examples=20, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "momentum": st.floats(0, 0.99),
            "momentum2": st.floats(0.5, 0.999),
            "rms_decay": st.floats(0, 0.99),
            "delta": st.sampled_from([1e-8, 1e-6, 0.1]),
            "weight_decay": st.sampled_from([0, 0.1]),
            "regularization_type": st.sampled_from(['"L1"', '"L2"']),
            "clip_gradients": st.sampled_from([-1, 0.5, 4]),
            "iter_size": st.integers(1, 3),
        }
    ),
    st.integers(0, 2**16),
)
def test_the_update_rule(kind, values, seed):
    """Clip all diffs by their joint norm, divide by iter_size, add the decay, then the rule.

    The weights, the history blobs (all first ones, then all second ones) and what is left in the
    diffs, over several iterations with a falling rate.
    """
    rule, histories, has_momentum = RULES[kind]
    if not has_momentum:
        values = {**values, "momentum": 0}
    text = " ".join(f"{key}: {value}" for key, value in values.items())
    caffe.set_random_seed(seed)
    solver, blobs = make(f'type: "{kind}" lr_policy: "exp" gamma: 0.5 base_lr: 0.1 {text}')
    param = solver.param
    rng = np.random.RandomState(seed)
    weights = [np.float64(blob.data) for blob in blobs]
    history = [[np.zeros_like(w) for _ in range(histories)] for w in weights]
    for t in range(1, 5):
        rate = 0.1 * 0.5 ** (t - 1)
        raw = [rng.standard_normal(w.shape).astype(np.float32) for w in weights]
        raw[2][...] = 0  # as the net leaves it where lr_mult is 0
        norm = math.sqrt(sum((np.float64(g) ** 2).sum() for g in raw))
        clip = param.clip_gradients
        scale = clip / norm if 0 <= clip < norm else 1
        solver.net.clear_param_diffs()
        for i in (0, 1):
            blobs[i].diff[...] = raw[i]
        solver.apply_update()
        for i, (lr_mult, decay_mult) in enumerate(MULTS):
            penalty = weights[i] if param.regularization_type == "L2" else np.sign(weights[i])
            gradient = raw[i] * scale / param.iter_size
            gradient = gradient + param.weight_decay * decay_mult * penalty
            update = rule(param, gradient, history[i], rate * lr_mult, t)
            weights[i] = weights[i] - update
            np.testing.assert_allclose(blobs[i].diff, update, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(blobs[i].data, weights[i], rtol=1e-4, atol=1e-5)
            for j in range(histories):
                ours = solver.history[i + j * len(blobs)].data
                np.testing.assert_allclose(ours, history[i][j], rtol=1e-4, atol=1e-6)
    assert len(solver.history) == histories * len(blobs)
    assert solver.iter == 4


@pytest.mark.parametrize("kind", RULES)
def test_a_script_that_holds_weights_and_diff_sees_each_update(kind):
    """The arrays are views for ever, as in Caffe, where the memory never moves."""
    solver, blobs = make(f'type: "{kind}" lr_policy: "fixed" base_lr: 0.1 delta: 1e-6')
    data, diff = blobs[0].data, blobs[0].diff
    for value in (1, 2):
        before = data.copy()
        diff[...] = value
        solver.apply_update()
        assert np.all(data < before)
        np.testing.assert_allclose(before - data, diff, rtol=1e-4, atol=1e-6)
        assert blobs[0].data is data or np.shares_memory(blobs[0].data, data)


@pytest.mark.parametrize("kind", ["SGD", "Nesterov"])
def test_a_frozen_parameter_takes_no_memory_for_its_history(kind):
    solver, _ = make(f'type: "{kind}" lr_policy: "fixed" base_lr: 1 weight_decay: 1')
    solver.step(2)
    assert solver.history[2]._data.untouched
    assert not solver.history[0]._data.untouched
