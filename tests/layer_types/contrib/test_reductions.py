"""ReduceSum, ReduceMean, ... of Synopsys' Caffe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx

RULES = {
    "ReduceSum": (np.sum, "axis"),
    "ReduceMean": (np.mean, "axis"),
    "ReduceMax": (np.max, "axis"),
    "ReduceMin": (np.min, "axis"),
    "ReduceProd": (np.prod, "axis"),
    "ReduceLogsumexp": (lambda x, **how: np.log(np.exp(x).sum(**how)), "axis"),
    "ReduceL1": (lambda x, **how: np.abs(x).sum(**how), "axes"),
    "ReduceL2": (lambda x, **how: np.sqrt((x**2).sum(**how)), "axes"),
}
AXES = ([], [0], [-1], [2, 0], [1, -1], [0, 1, 2])


def named(kind):
    return kind.replace("Reduce", "reduce_").lower() + "_param"


@law(*RULES)
@drawn(60)
@given(SEED, st.sampled_from(sorted(RULES)), st.sampled_from(AXES), st.sampled_from([None, 0, 1]))
def test_axes_are_reduced(seed, kind, axes, keeps):
    x, (rule, name) = normal(seed, 2, 3, 4), RULES[kind]
    body = " ".join(f"{name}: {axis}" for axis in axes)
    said = keeps if name == "axes" else ("false", "true")[keeps or 0]
    body += f" keepdims: {said}" if keeps is not None else ""
    found = run_layer(kind, f"{named(kind)} {{ {body} }}", [x]).y[0]
    kept = bool(keeps) if keeps is not None else name == "axes"
    expected = rule(x.astype(np.float64), axis=tuple(axes) or None, keepdims=kept)
    agree(found, expected, 1e-4)


@pytest.mark.parametrize("axes", ["axes: 1", ""])
def test_the_gradient_of_a_length_of_0_is_0(axes):
    x, dy = np.zeros((2, 3)), 2 if axes else 0.5
    if axes:
        x[0] = [3, 0, 4]
    found = run_layer("ReduceL2", f"reduce_l2_param {{ {axes} }}", [x], diffs=[np.float32(dy)])
    agree(found.y[0], [[5], [0]] if axes else [[0]])
    agree(found.dx[0], dy * x / 5)


def test_a_length_is_written_as_onnx(tmp_path):
    text = input_layer("x", 2, 3)
    for i, body in enumerate(("axes: 1", "axes: 0 keepdims: 0", "")):
        text += (
            f'layer {{ name: "l{i}" type: "ReduceL2" bottom: "x" top: "y{i}" '
            f"reduce_l2_param {{ {body} }} }}"
        )
    net = net_of(text)
    net.blobs["x"].data[...] = [[3, 0, 4], [0, 0, 0]]
    net.forward()
    onnx.export(net, tmp_path / "net.onnx")


def test_an_axis_is_named_once():
    with pytest.raises(caffe.CaffeError, match=r"names an axis twice: \[1, -1\]"):
        run_layer("ReduceSum", "reduce_sum_param { axis: 1 axis: -1 }", [np.zeros((2, 3))])
    with pytest.raises(caffe.CaffeError, match="axis 2 is out of range"):
        run_layer("ReduceL2", "reduce_l2_param { axes: 2 }", [np.zeros((2, 3))])
