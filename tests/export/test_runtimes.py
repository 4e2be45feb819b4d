"""What all runtimes take: nodes in one spelling, and what is told of a runtime that refuses."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser
from support.layer_text import layer, max_pool
from support.net_text import input_layer, net_of

import caffe
from caffe.export import agreement
from caffe.export import onnx as onnx_export
from caffe.export.agreement import Made
from caffe.export.common_nodes import respell

MODEL = """<ir_version: 10, opset_import: ["" : 18]>
lengths (int64[3] n) => (float[N] y) <int64 low = {2}, int64 high = {5}> { %s }"""
SPELLINGS = {  # nodes, what the first of them become, and y of n = 1, 4, 9
    "zeros": ("z = ConstantOfShape(n) y = ReduceSum<keepdims = 0>(z)", ["ConstantOfShape"], 0),
    "both": ("c = Clip(n, low, high) y = Cast<to = 1>(c)", ["Max", "Min"], [2, 4, 5]),
    "low": ("c = Clip(n, low) y = Cast<to = 1>(c)", ["Max", "Cast"], [2, 4, 9]),
    "high": ("c = Clip(n, , high) y = Cast<to = 1>(c)", ["Min", "Cast"], [1, 4, 5]),
    "booleans": (
        "at = Constant<value = int64[3, 1] {2, 0, 1}>() two = Constant<value = int64 {2}>() "
        "b = Greater(n, two) g = GatherND(b, at) y = Cast<to = 1>(g)",
        ["Constant", "Constant", "Greater", "Cast", "GatherND", "Cast"],
        [1, 0, 1],
    ),
    "of floats": ("f = Cast<to = 1>(n) y = Clip(f)", ["Cast", "Clip"], [1, 4, 9]),
}


@pytest.mark.parametrize("case", SPELLINGS)
def test_a_node_is_spelt_as_opencv_reads_it_and_computes_the_same(case):
    text, kinds, y = SPELLINGS[case]
    model = onnx.shape_inference.infer_shapes(parser.parse_model(MODEL % text))
    respell(model)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node][: len(kinds)] == kinds
    for node in model.graph.node:
        assert node.op_type != "ConstantOfShape" or node.attribute[0].name == "value"
    session = onnxruntime.InferenceSession(model.SerializeToString())
    np.testing.assert_array_equal(session.run(["y"], {"n": np.array([1, 4, 9])})[0], y)


def test_a_runtime_that_need_not_take_a_file_is_told_of():
    """One that computes other numbers, one that stops, one that agrees."""
    net = net_of(input_layer("data", 1, 2, 3, 4) + layer("y", "Sigmoid", "data"))

    def exact(inputs):
        return {"y": 1 / (1 + np.exp(-inputs["data"]))}

    def stops(inputs):
        raise RuntimeError("no such operator")

    others = {"A": lambda inputs: {"y": exact(inputs)["y"] * 0.9}, "B": stops, "C": exact}
    content, found = agreement.made(
        net, False, False, lambda *_: Made(b"file", {"D": exact}, {"E": "no Sigmoid"}, others)
    )
    assert content == b"file"
    assert found.runtimes == ("D", "C")
    assert max(found.differences.values()) < 1e-6
    said = "\n".join(found.report())
    assert "agrees with the net within" in said
    assert "in D and C" in said
    assert "A does not take it: net '': in A the outputs differ by 0.1 of the largest" in said
    assert "B does not take it: net '': B does not run it: no such operator" in said
    assert "E does not take it: no Sigmoid" in said
    with pytest.raises(caffe.CaffeError, match="in A the outputs differ"):
        agreement.made(net, False, False, lambda *_: Made(b"file", others))


@pytest.fixture(scope="module")
def resized(tmp_path_factory):
    """Maps made larger: by a mask, and from a single row."""
    net = net_of(
        input_layer("data", 1, 3, 12, 18)
        + max_pool("pool", "data", mask="mask")
        + layer("up", "Upsample", "pool mask", "upsample_param { scale: 2 }")
        + input_layer("row", 1, 2, 1, 5)
        + layer("large", "Interp", "row", "interp_param { height: 4 width: 9 }")
        + layer("long", "Interp", "row", "interp_param { height: 1 width: 9 }")
    )
    return onnx_export.export(net, tmp_path_factory.mktemp("resized") / "net.onnx")


@pytest.mark.parametrize(
    ("package", "name"),
    [("onnxruntime", "onnxruntime"), ("openvino", "OpenVINO"), ("cv2", "OpenCV")],
)
def test_what_is_made_larger_is_the_same_everywhere(resized, package, name):
    module = pytest.importorskip(package)
    if package == "cv2" and int(module.__version__.split(".")[0]) < 5:
        pytest.skip("OpenCV before 5 is not tried")
    assert resized.open_axes == {"data": {2: "height", 3: "width"}, "row": {}}
    assert name in resized.runtimes
    assert name not in resized.refusals


@pytest.mark.usefixtures("no_type_stays")
def test_a_tiny_number_that_is_added_counts_where_all_else_is_zero(tmp_path):
    """An eps of 1e-10, of an array and of a scalar: without it, 0 / 0."""

    @caffe.register_layer("Share")
    class Share:
        def top_shapes(self, shapes):
            return shapes

        def expression(self, bottoms, params):
            return bottoms[0] / (bottoms[0].norm() + 1e-10)

    norm = "norm_param { across_spatial: false channel_shared: false }"
    net = net_of(
        input_layer("data", 1, 3, 4, 5)
        + layer("dead", "Power", "data", "power_param { shift: 1e-9 power: -1 }")
        + layer("normal", "Normalize", "data", norm)
        + layer("share", "Share", "data")
    )
    onnx_export.export(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    data = np.zeros((1, 3, 4, 5), np.float32)
    ours = net.forward(data=data)
    for name, theirs in zip(net.outputs, session.run(net.outputs, {"data": data}), strict=True):
        np.testing.assert_array_equal(theirs, ours[name])
