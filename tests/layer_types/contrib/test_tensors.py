"""Mul, Add, Sub, ..., MatMul, Gemm, Atan, ExpandDimsND, Stack and Unstack of Synopsys' Caffe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx

SHAPES = [
    ((2, 3), (2, 3)),
    ((2, 3, 4), (3, 1)),
    ((4,), (2, 3, 1)),
    ((2, 1, 4), (1, 3, 4)),
    ((2, 3), ()),
]
OPERATIONS = {
    "Mul": np.multiply,
    "Add": np.add,
    "Sub": np.subtract,
    "Div": np.divide,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}


@law(*OPERATIONS)
@drawn(40)
@given(SEED, st.sampled_from(list(OPERATIONS)), st.sampled_from(SHAPES), st.booleans())
def test_two_bottoms_meet_as_in_numpy(seed, kind, shapes, turned):
    one, other = (normal(seed + i, *shape) for i, shape in enumerate(shapes))
    one, other = (other, one) if turned else (one, other)
    expected = OPERATIONS[kind](np.float64(one), np.float64(other))
    agree(run_layer(kind, "", [one, other]).y[0], expected, 1e-4, 1e-4)


@law("Pow")
@drawn()
@given(SEED, st.sampled_from(SHAPES))
def test_a_bottom_is_the_power_of_the_other(seed, shapes):
    one, other = (normal(seed + i, *shape) for i, shape in enumerate(shapes))
    expected = np.abs(np.float64(one)) ** np.float64(other)
    agree(run_layer("Pow", "", [np.abs(one), other]).y[0], expected, 1e-3)


@law("Gemm")
@drawn(20)
@given(SEED, st.booleans(), st.booleans(), st.sampled_from([(2, 3), (2, 1), (1, 3), (1,)]))
def test_matrices_are_multiplied_and_another_is_added(seed, first, second, shape):
    one, other, more = normal(seed, 2, 4), normal(seed + 1, 4, 3), normal(seed + 2, *shape)
    body = f"gemm_param {{ alpha: 0.5 beta: 2 transA: {int(first)} transB: {int(second)} }}"
    bottoms = [one.T if first else one, other.T if second else other, more]
    expected = 0.5 * np.float64(one) @ np.float64(other) + 2 * np.float64(more)
    agree(run_layer("Gemm", body, bottoms).y[0], expected, 1e-4)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3), (3,), (1,)], "needs matrices A and B"),
        ([(2, 3), (2, 3), (1,)], "rows of 3 values cannot be multiplied with columns of 2"),
        ([(2, 3), (3, 4), (4, 2)], "needs C of 2 x 4, 2 x 1, 1 x 4 or one value"),
    ],
)
def test_matrices_must_fit_what_is_added(shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("Gemm", "", [np.zeros(shape) for shape in shapes])


@law("Mul")
def test_a_bottom_is_multiplied_with_a_parameter():
    x, weight = normal(0, 2, 3, 4), normal(1, 3, 1)
    found = run_layer("Mul", "mul_param { mul_shape: 3 mul_shape: 1 }", [x], params=[weight])
    agree(found.y[0], x * weight)


@law("Pow")
def test_a_bottom_is_the_power_of_a_parameter_of_its_shape():
    x, power, dy = np.abs(normal(0, 2, 3)) + 0.1, normal(1, 2, 3), normal(2, 2, 3)
    found = run_layer("Pow", "", [x], params=[power], diffs=[dy])
    wide = x.astype(np.float64)
    agree(found.y[0], wide**power, 1e-4)
    agree(found.dx[0], dy * power * wide ** (power - 1.0), 1e-4, 1e-4)


OF_CONSTANTS = [kind for kind in OPERATIONS if kind not in ("Mul", "Add")]


@pytest.mark.parametrize("kind", OF_CONSTANTS)
def test_a_constant_of_the_caffemodel_is_a_parameter_of_another_layer(tmp_path, kind):
    x, constant = normal(0, 2, 3), normal(1, 1, 3)
    with pytest.raises(caffe.CaffeError, match=r"blob 0 in the caffemodel: .* name 'l'"):
        run_layer(kind, "", [x])
    stored = caffe.proto.caffe_pb2.NetParameter()
    blob = stored.layer.add(name="l", type=kind).blobs.add(data=constant.flatten())
    blob.shape.dim.extend(constant.shape)
    (tmp_path / "net.caffemodel").write_bytes(stored.SerializeToString())
    net = net_of(
        input_layer("x", 2, 3) + 'layer { name: "l" type: "Parameter" top: "c" '
        "parameter_param { shape { dim: 1 dim: 3 } } }"
        f'layer {{ name: "of_c" type: "{kind}" bottom: "x" bottom: "c" top: "y" }}'
    )
    net.copy_from(str(tmp_path / "net.caffemodel"))
    net.blobs["x"].data[...] = x
    net.forward()
    agree(net.blobs["y"].data, OPERATIONS[kind](np.float64(x), np.float64(constant)), 1e-4, 1e-4)


@law("BroadcastMul")
@pytest.mark.parametrize("weights", [(2, 3), (2, 3, 1, 1)])
def test_maps_are_multiplied_with_a_weight_each(weights):
    x, weight = normal(0, 2, 3, 4, 5), normal(1, *weights)
    found = run_layer("BroadcastMul", "", [x, weight])
    agree(found.y[0], x * weight.reshape(2, 3, 1, 1))


@law("MatMul")
@drawn(20)
@given(SEED, st.sampled_from([(), (2,), (2, 3)]), st.booleans(), st.booleans())
def test_matrices_are_multiplied(seed, front, first, second):
    one, other = normal(seed, *front, 2, 4), normal(seed + 1, *front, 4, 3)
    bottoms = [
        np.swapaxes(x, -2, -1) if turned else x for x, turned in ((one, first), (other, second))
    ]
    body = f"transpose_a: {str(first).lower()} transpose_b: {str(second).lower()}"
    found = run_layer("MatMul", f"matmul_param {{ {body} }}", bottoms).y[0]
    agree(found, np.float64(one) @ np.float64(other), 1e-4, 1e-5)


@law("ExpandDimsND", "Stack", "Unstack", "Atan")
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_axes_come_and_go(axis):
    x, y = normal(0, 2, 3), normal(1, 2, 3)
    found = run_layer("ExpandDimsND", f"expand_dims_nd_param {{ axis: {axis} }}", [x]).y[0]
    np.testing.assert_array_equal(found, np.expand_dims(x, axis))
    found = run_layer("Stack", f"stack_param {{ axis: {axis} }}", [x, y]).y[0]
    np.testing.assert_array_equal(found, np.stack([x, y], axis))
    tops = run_layer("Unstack", f"unstack_param {{ axis: {axis} }}", [found], tops=2).y
    np.testing.assert_array_equal(tops, [x, y])
    agree(run_layer("Atan", "", [x]).y[0], np.arctan(np.float64(x)))


def test_they_are_written_as_onnx(tmp_path):
    text = input_layer("x", 2, 3) + input_layer("y", 3)
    for name, kind, bottoms, tops, body in (
        ("a", "Mul", "x y", "a", ""),
        ("b", "Maximum", "a y", "b", ""),
        ("c", "Stack", "a b", "c", "stack_param { axis: 1 }"),
        ("d", "MatMul", "c c", "d", "matmul_param { transpose_b: true }"),
        ("e", "Unstack", "d", "e f", "unstack_param { axis: -1 }"),
        ("g", "ExpandDimsND", "e", "g", "expand_dims_nd_param { axis: 1 }"),
        ("h", "Atan", "g", "h", ""),
    ):
        blobs = "".join(f' bottom: "{b}"' for b in bottoms.split())
        blobs += "".join(f' top: "{t}"' for t in tops.split())
        text += f'layer {{ name: "{name}" type: "{kind}" {blobs} {body} }}\n'
    net = net_of(text)
    net.blobs["x"].data[...] = normal(0, 2, 3)
    net.forward()
    onnx.export(net, tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("BroadcastMul", "", [(2, 3, 4, 4), (2, 1)], "needs maps N x C x H x W and weights"),
        ("Add", "", [(2, 3), (2,)], "axes must be alike, or 1"),
        ("MatMul", "", [(2, 3), (2, 3)], "rows of 3 values cannot .* columns of 2"),
        ("MatMul", "", [(2, 3), (1, 2, 3)], "needs matrices"),
        ("ExpandDimsND", "expand_dims_nd_param { axis: 3 }", [(2, 3)], "must lie in -3 to 2"),
        ("Stack", "", [(2, 3), (2, 4)], "bottoms must have one shape"),
        ("Unstack", "", [(2, 3)], "needs 2 tops"),
    ],
)
def test_what_does_not_fit_is_named(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])
