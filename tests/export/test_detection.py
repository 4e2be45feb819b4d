"""Nets that find objects, taken out of Caffe: standard ONNX operators, and torch's own."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.laws import normal
from support.net_text import input_layer, net_of, run_layer
from support.small_detectors import POOLINGS, regions, ssd

import caffe
from caffe.export import onnx as onnx_export
from caffe.export import torch_file
from caffe.layer_types.contrib import traced_rois

FORMATS = {"onnx": onnx_export.export, "pt2": torch_file.export}


LONG = pytest.mark.long


@pytest.mark.slow
@pytest.mark.long
def test_an_ssd_is_exported_for_any_size_and_batch(tmp_path):
    caffe.set_random_seed(3)
    net = net_of(ssd())
    for kind, export in FORMATS.items():
        found = export(net, tmp_path / f"net.{kind}", batch=True)
        assert list(found.differences) == [(1, 3, 32, 48), (2, 3, 64, 48), (3, 3, 45, 93)]
        assert found.open_axes == {"data": {0: "batch", 2: "height", 3: "width"}}
    model = onnx.load(tmp_path / "net.onnx")
    assert {node.domain for node in model.graph.node} == {""}
    assert "NonMaxSuppression" in {node.op_type for node in model.graph.node}
    said = {each.key: each.value for each in model.metadata_props}
    assert (said["opset"], said["dynamic_axes"]) == ("18", "data: batch, height, width")
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 3, "height", "width"]


@pytest.mark.long
def test_where_nothing_is_found_the_exported_net_says_so_too(tmp_path):
    net = net_of(ssd().replace("confidence_threshold: 0.3", "confidence_threshold: 0.999"))
    onnx_export.export(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (found,) = session.run(None, {"data": np.zeros((1, 3, 32, 48), np.float32)})
    assert found.tolist() == [[[[0, *[-1] * 6]]]]


@pytest.mark.parametrize(
    "pooling",
    [pytest.param(POOLINGS[0], id="roi"), pytest.param(POOLINGS[1], marks=LONG, id="psroi")],
)
def test_regions_are_exported_for_any_height_and_width(tmp_path, pooling):
    caffe.set_random_seed(3)
    net = net_of(regions(pooling))
    for kind, export in FORMATS.items():
        found = export(net, tmp_path / f"net.{kind}")
        assert found.open_axes == {"data": {2: "height", 3: "width"}, "im_info": {}}
        assert ("OpenCV" in found.refusals) <= ("PSROI" not in pooling)
    with pytest.raises(caffe.CaffeError, match=r"layer 'rois' .Proposal.*first axis closed"):
        torch_file.export(net, tmp_path / "open.pt2", batch=True)
    nodes = onnx.load(tmp_path / "net.onnx").graph.node
    assert {node.domain for node in nodes} == {""}
    assert ("MaxRoiPool" in {node.op_type for node in nodes}) == ("PSROI" not in pooling)


@pytest.mark.slow
@pytest.mark.long
def test_a_threshold_that_falls_is_for_torch_alone(tmp_path):
    net = net_of(ssd().replace("nms_threshold: 0.45", "nms_threshold: 0.9 eta: 0.7"))
    with pytest.raises(caffe.CaffeError, match=r"'found' .DetectionOutput.*eta: 1"):
        onnx_export.export(net, tmp_path / "net.onnx")
    assert torch_file.export(net, tmp_path / "net.pt2").differences


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("pooling", POOLINGS, ids=("roi", "psroi"))
def test_traced_regions_are_those_of_the_layer(pooling, seed):
    """Small, upside down, outside of the map."""
    rng = np.random.RandomState(seed)
    x, rois = normal(seed, 2, 18, 5, 6), rng.uniform(-20, 70, (9, 5))
    rois[::2, 3:] = rois[::2, 1:3] + rng.uniform(0, 20, (5, 2))
    rois[:, 0] = rng.randint(0, 2, 9)
    kind, body = pooling.split('"')[1], pooling.split('"')[2]
    ours = run_layer(kind, body, [x, rois]).y[0]
    tensors = torch.from_numpy(x), torch.from_numpy(rois.astype(np.float32))
    if kind == "ROIPooling":
        theirs = traced_rois.maxima(*tensors, (3, 2), 0.125)
    else:
        theirs = traced_rois.means(*tensors, 3, 0.125)
    np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-6)


def test_a_crf_is_refused_with_the_reason(tmp_path):
    net = net_of(
        input_layer("u", 1, 2, 4, 5)
        + input_layer("image", 1, 3, 4, 5)
        + 'layer { name: "crf" type: "MultiStageMeanfield" bottom: "u" bottom: "u" bottom: "image" '
        'top: "y" multi_stage_meanfield_param { num_iterations: 1 theta_alpha: 3 theta_beta: 1 } }'
    )
    with pytest.raises(caffe.CaffeError, match=r"layer 'crf' .*lattice.*ONNX has no operator"):
        onnx_export.export(net, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_yolos_boxes_are_refused_with_the_reason(tmp_path):
    body = "yolo_detection_output_param { num_classes: 2 num_box: 1 biases: 1 biases: 2 }"
    net = net_of(
        input_layer("x", 1, 7, 4, 5)
        + f'layer {{ name: "y" type: "YoloDetectionOutput" bottom: "x" top: "y" {body} }}'
    )
    with pytest.raises(caffe.CaffeError, match=r"layer 'y' .*found by values; end the net before"):
        onnx_export.export(net, tmp_path / "net.onnx")
    with pytest.raises(caffe.CaffeError, match=r"layer 'y' .*looks at values; end the net"):
        torch_file.export(net, tmp_path / "net.pt2")
