"""What all runtimes take: nodes in one spelling, and what is told of a runtime that refuses."""

import importlib
from importlib.util import find_spec

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import parser
from support.layer_text import layer, max_pool
from support.net_text import input_layer, net_of

import caffe
from caffe.export import agreement
from caffe.export import onnx as onnx_export
from caffe.export.agreement import Made
from caffe.export.common_nodes import respell
from caffe.export.sizes import own_shapes
from caffe.layer_types.contrib import boxes, traced_boxes
from caffe.layer_types.exporting import is_traced

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
    "over three axes": (
        "f = Cast<to = 1>(n) s = Constant<value = int64[4] {1, 3, 1, 1}>() x = Reshape(f, s) "
        "a = Constant<value = int64[3] {0, 2, 3}>() y = ReduceMean<keepdims = 0>(x, a)",
        ["Cast", "Constant", "Reshape", "Constant", *["Constant", "ReduceMean"] * 2, "Squeeze"],
        [1, 4, 9],
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


def test_a_smaller_size_is_tried_too_and_closes_sizes_where_numbers_are_wrong(tmp_path):
    """Where it is refused no number is wrong: that is told."""
    net = net_of(input_layer("data", 3, 2, 8, 9) + layer("y", "Sigmoid", "data"))

    def runs(small):
        def run(inputs):
            x = inputs["data"]
            return {"y": small(x) if x.shape[2] < 8 else 1 / (1 + np.exp(-x))}

        return lambda *_: Made(b"file", {"A": run})

    def refused(x):
        raise RuntimeError(f"no size of {x.shape}")

    _, found = agreement.made(net, True, False, runs(lambda x: 1 / (1 + np.exp(-x))))
    sizes = [(3, 2, 8, 9), (4, 2, 40, 9), (5, 2, 21, 54), (2, 2, 4, 6)]
    assert list(found.differences) == sizes
    _, found = agreement.made(net, True, False, runs(refused))
    assert list(found.differences) == sizes[:3]
    assert "A at (2, 2, 4, 6) does not take it: net '': A does not run it: no size" in "".join(
        found.report()
    )
    _, found = agreement.made(net, True, False, runs(lambda x: x))
    assert found.open_axes == {"data": {0: "batch"}}
    squeezed = net_of(input_layer("data", 2, 1, 3) + layer("y", "Squeeze", "data"))
    with pytest.raises(caffe.CaffeError, match=r"\(1, 3\) in onnxr.* \(3,\) in the.* \(no -batch"):
        onnx_export.export(squeezed, tmp_path / "net.onnx", batch=True)


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


RUNTIMES = {"onnxruntime": "onnxruntime", "openvino": "OpenVINO", "cv2": "OpenCV"}


def installed():
    """Names of the runtimes that are here, by their packages; OpenCV before 5 is not tried."""
    found = {package: name for package, name in RUNTIMES.items() if find_spec(package)}
    if "cv2" in found and int(importlib.import_module("cv2").__version__.split(".")[0]) < 5:
        del found["cv2"]
    return found


def is_taken(exported):
    """Whether all of them take a file, by what its export has found."""
    return set(installed().values()) <= set(exported.runtimes) - set(exported.refusals)


def test_what_is_made_larger_is_the_same_everywhere(resized):
    assert resized.open_axes == {"data": {2: "height", 3: "width"}, "row": {}}
    assert is_taken(resized)


@pytest.mark.parametrize("kind", ["Sum", "Mean", "Max", "L2"])
def test_constants_behind_a_reduction_of_three_axes_are_the_same_everywhere(tmp_path, kind):
    """OpenVINO 2026.4 adds one of a channel to the wrong places where the batch is no 1."""
    axes = "axes" if kind == "L2" else "axis"
    filled = 'bias_param { filler { type: "uniform" min: 1 max: 2 } num_axes: %d }'
    text = input_layer("data", 2, 3, 5)
    for axis in range(3):
        for keeps in range(2):
            name = f"{'kept' if keeps else 'left'}{axis}"
            param = f"reduce_{kind.lower()}_param {{ {axes}: {axis} keepdims: {keeps} }}"
            text += layer(name, f"Reduce{kind}", "data", param)
            text += layer(f"y{name}", "Bias", name, filled % 1)
    assert is_taken(onnx_export.export(net_of(text), tmp_path / "net.onnx", batch=True))


def test_a_batchs_statistics_are_the_same_everywhere(tmp_path):
    net = net_of(
        input_layer("data", 3, 2, 4, 5)
        + layer("bn", "BN", "data")
        + layer("norm", "BatchNorm", "data", "batch_norm_param { use_global_stats: false }")
    )
    assert is_taken(onnx_export.export(net, tmp_path / "net.onnx", batch=True))


def test_what_is_added_to_sums_is_the_same_everywhere(tmp_path):
    distance = "inner_distance_param { num_output: 3 bias_term: true }"
    net = net_of(
        input_layer("data", 2, 3, 4)
        + layer("sums", "Reduction", "data", "reduction_param { axis: 2 }")
        + layer("scale", "Scale", "sums", "scale_param { bias_term: true }")
        + layer("apart", "InnerDistance", "data", distance)
    )
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = np.random.RandomState(blob.count).uniform(0.5, 1.5, blob.shape)
    assert is_taken(onnx_export.export(net, tmp_path / "net.onnx", batch=True))


def test_an_input_of_which_the_size_alone_counts_is_fed_or_left_out(tmp_path):
    text = layer("crop", "Crop", "data like", "crop_param { axis: 1 offset: 1 }")
    net = net_of(input_layer("data", 2, 3, 4) + input_layer("like", 2, 1, 2) + text)
    assert is_taken(onnx_export.export(net, tmp_path / "net.onnx"))


@pytest.mark.usefixtures("no_type_stays")
@pytest.mark.parametrize("above", [20, -20])
def test_suppression_is_the_same_everywhere(tmp_path, above):
    """Of boxes with scores on either side of 0, three in four of them without an area."""

    @caffe.register_layer("Kept")
    class Kept:
        def top_shapes(self, shapes):
            return [shapes[0][:2]]

        def expression(self, bottoms, params):
            (x,) = bottoms
            scores = (above - torch.arange(x.shape[1])).to(x).expand(x.shape[:2])
            if is_traced():
                counts = torch.ones_like(scores, dtype=torch.bool)
                return traced_boxes.greedy(x, scores, counts, 0.1, 1).to(x)
            kept = torch.zeros_like(scores)
            for item, found in zip(kept, x, strict=True):
                item[boxes.suppressed(found.numpy(), scores[0].numpy(), None, 0.1, 1, -1)] = 1
            return kept

    net = net_of(input_layer("data", 2, 30, 4) + layer("kept", "Kept", "data"))
    kept = agreement.outputs(net, agreement.examples(net, own_shapes(net)))["kept"]
    assert 0 < kept.sum() < kept.size
    assert is_taken(onnx_export.export(net, tmp_path / "net.onnx", batch=True))


def with_regions(kind, channels, body, *more):
    """A layer that pools regions, of maps of so many channels."""
    shapes = {"x": (1, channels, 4, 5), "rois": (3, 5), **{f"m{i}": s for i, s in enumerate(more)}}
    inputs = "".join(input_layer(name, *shape) for name, shape in shapes.items())
    return inputs + layer("y", kind, " ".join(shapes), body)


PARTS = "spatial_scale: 0.9 output_dim: 2 group_size: 2"
PRODUCTS = {
    "PSROIAlign": with_regions("PSROIAlign", 8, f"psroi_align_param {{ {PARTS} }}"),
    "DeformablePSROIPooling": with_regions(
        "DeformablePSROIPooling",
        *(8, f"deformable_psroi_pooling_param {{ {PARTS} sample_per_part: 2 trans_std: 0.1 }}"),
        (3, 4, 2, 2),
    ),
    "Local": input_layer("x", 1, 2, 3, 4)
    + layer("y", "Local", "x", "local_param { num_output: 2 kernel_size: 2 }"),
    "GateRecurrent": input_layer("x", 1, 2, 2, 3)
    + input_layer("gate", 1, 2, 2, 3)
    + layer("y", "GateRecurrent", "x gate", "gaterecurrent_param { num_output: 2 }"),
}


@pytest.mark.parametrize(
    "kind", [*list(PRODUCTS)[:3], pytest.param("GateRecurrent", marks=pytest.mark.long)]
)
def test_products_over_several_axes_are_the_same_everywhere_at_any_size(tmp_path, kind):
    """Of an Einsum OpenVINO 2026.4 and OpenCV 5.0 have wrong values behind the first size."""
    caffe.set_random_seed(0)
    net = net_of(PRODUCTS[kind])
    for blobs in net.params.values():
        blobs[0].data[...] = np.random.RandomState(0).uniform(0.5, 1.5, blobs[0].shape)
    found = onnx_export.export(net, tmp_path / "net.onnx", batch=True)
    assert is_taken(found)
    assert "Einsum" not in {node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node}
    content = (tmp_path / "net.onnx").read_bytes()
    for package, name in installed().items():
        runs = getattr(onnx_export, f"in_{'opencv' if package == 'cv2' else package}")(net, content)
        for by in (1, 3):  # a size that is none of export's is the first
            shapes = {key: (shape[0] + by, *shape[1:]) for key, shape in own_shapes(net).items()}
            assert agreement.difference(net, shapes, runs, name) < 1e-5


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


def test_many_poolings_behind_each_other_are_exported_in_seconds(tmp_path):
    """Each took the time of all before it several times over, in torch's sizes that are open."""
    text, before = input_layer("data", 1, 2, 70, 90), "data"
    for i, pads in enumerate(("", "pad: 1", "pad: 1", "")):
        text += (
            f'layer {{ name: "p{i}" type: "Pooling" bottom: "{before}" top: "p{i}" '
            f"pooling_param {{ pool: AVE kernel_size: 3 stride: 2 {pads} }} }}"
        )
        before = f"p{i}"
    found = onnx_export.export(net_of(text), tmp_path / "net.onnx")
    assert found.open_axes == {"data": {2: "height", 3: "width"}}
