"""Nets that people have, as their forks' files describe them: built, run, trained, taken out."""

import numpy as np
import pytest
import torch
from support.plain_path import close
from support.published import catalogue, detection
from support.published.catalogue import (
    NARROW,
    NETS,
    SURE,
    TRAINED,
    fed,
    open_deploy,
    open_drawn,
)

import caffe
from caffe.export import agreement, onnx, torch_file
from caffe.export.sizes import own_shapes
from caffe.graph.canonical import unfilled
from caffe.proto import caffe_pb2
from caffe.proto.upgrade import read_net
from surgery.random_weights import with_statistics

NOT_EXPORTED = {"CRF-RNN"}  # a mean field is made of no standard operators
NOT_IN_OPENCV = {"Faster R-CNN"}  # it has no MaxRoiPool
# Their export takes most of a minute.
DEEP = {
    *("DeepLab v2", "Faster R-CNN", "HED", "MobileNet-SSD", "OpenPose"),
    *("PSPNet-50", "R-FCN", "SSD-300", "SSD of faces", "YOLOv2"),
}
# Of layers that other exports have too: of SegNet, of FCN-8s, of poolings and of computed sizes.
ALIKE = {"colorization", "DeepLab-LargeFOV"}


def written(folder, text):
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", NETS)
def test_a_published_net_has_as_many_parameters_as_its_caffemodel(tmp_path, name):
    spec = unfilled(read_net(written(tmp_path, NETS[name].full())))
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    counted = sum(param.blob.count for param in net._graph.params)  # what is shared once
    if name == "GOTURN":  # whose caffemodel holds its convolutions twice
        counted = sum(blob.count for blobs in net.params.values() for blob in blobs)
    assert counted == pytest.approx(NETS[name].parameters * 1e6, rel=2e-3)


@pytest.mark.parametrize(("name", "priors"), [("SSD-300", 8732), ("MobileNet-SSD", 1917)])
def test_a_single_shot_detector_looks_at_as_many_boxes_as_published(name, priors):
    net = open_drawn(NETS[name].deploy(NARROW))
    assert net.blobs["mbox_priorbox"].shape == (1, 2, 4 * priors)
    assert net.blobs["mbox_loc"].shape == (1, 4 * priors)


@pytest.mark.parametrize("name", NETS)
def test_a_published_net_gives_the_same_whole_and_layer_by_layer(name):
    net = open_deploy(name)
    whole = {key: value.copy() for key, value in net.forward().items()}
    plain = open_deploy(name)
    plain.after_forward(lambda i: None)
    for key, value in plain.forward().items():
        assert np.isfinite(value).all()
        close(whole[key], value)
    out = net.to_torch()(*(torch.tensor(net.blobs[key].data) for key in net.inputs))
    outputs = out if isinstance(out, tuple) else (out,)
    for key, value in zip(net.outputs, outputs, strict=True):
        close(whole[key], value.detach().numpy())


@pytest.mark.parametrize("make", [detection.faster_rcnn, detection.rfcn])
def test_a_detector_runs_on_a_proposal_layer_as_on_a_script(make):
    net = open_drawn(make(NARROW, 64, 80, "Proposal"))
    found = {key: value.copy() for key, value in fed(net).forward().items()}
    rois = net.blobs["rois"].data
    assert rois.shape[1:] == (5,)
    assert all(len(value) == len(rois) and np.isfinite(value).all() for value in found.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long) if name in DEEP | ALIKE else name
        for name in NETS
        if name not in NOT_EXPORTED
    ],
)
def test_a_published_net_leaves_as_onnx(tmp_path, name):
    net = open_deploy(name)
    found = onnx.export(net, tmp_path / "net.onnx")
    assert max(found.differences.values()) <= agreement.TOLERANCE
    assert "OpenCV" not in found.refusals or name in NOT_IN_OPENCV
    if name in SURE:  # the rows that were compared are of boxes
        of_noise = agreement.outputs(net, agreement.examples(net, own_shapes(net)))
        assert of_noise["detection_out"].shape[2] > 50


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "export"), [("SSD of faces", onnx.export), ("SSD-300", torch_file.export)]
)
def test_a_single_shot_detector_leaves_for_any_size_and_batch(tmp_path, name, export):
    """At one size a place of the faces' conv4_3 is zero in all channels; SSD-300's last map is one
    pixel at its own.
    """
    found = export(open_deploy(name), tmp_path / "net", batch=True)
    assert found.open_axes == {"data": {0: "batch", 2: "height", 3: "width"}}


@pytest.mark.parametrize("name", TRAINED)
def test_a_published_net_trains_for_a_step(tmp_path, name):
    net = written(tmp_path, catalogue.training_net(name, tmp_path))
    path = tmp_path / "solver.prototxt"
    path.write_text(f'net: "{net}" base_lr: 1e-3 lr_policy: "fixed" momentum: 0.9 random_seed: 1')
    solver = caffe.get_solver(path)
    with_statistics(solver.net)
    learned = [param.blob for param in solver.net._graph.params if param.lr_mult]
    before = [blob.data.copy() for blob in learned]
    solver.step(1)
    for output in solver.net.outputs:
        assert np.isfinite(solver.net.blobs[output].data).all(), output
    moved = [(a != b.data).any() for a, b in zip(before, learned, strict=True)]
    assert sum(moved) > len(moved) / 2
    assert all(np.isfinite(blob.data).all() for blob in learned)
