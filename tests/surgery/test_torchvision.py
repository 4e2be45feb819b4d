"""torchvision's segmentation nets, with its weights, give its output in Caffe."""

import numpy as np
import pytest
import torch
from support.torchvision_nets import torchvision_net

import caffe
import nets
from caffe.proto import caffe_pb2
from surgery.torchvision import convert, fill, main, names_of

# Of RGB from 0 to 1, as torchvision has them
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def build(name: str, **options: int) -> caffe.Net:
    spec = nets.torchvision(name, **options)
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


def in_bgr(images: torch.Tensor) -> np.ndarray:
    """What Caffe's data layers make of the images that torchvision's transform gave."""
    rgb = images.numpy() * np.reshape(DEVIATION, (3, 1, 1)) + np.reshape(MEAN, (3, 1, 1))
    return 255 * rgb[:, ::-1] - np.reshape(nets.BGR_MEAN, (3, 1, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", nets.TORCHVISION)
def test_each_net_gives_torchvisions_output(name):
    """At any multiple of 8: where a side is none, torch stretches the scores by less than one."""
    images = torch.randn(1, 3, 64, 104, generator=torch.Generator().manual_seed(2))
    model, net = torchvision_net(name), build(name)
    fill(net, model.state_dict())
    with torch.no_grad():
        expected = model(images).numpy()
    net.blobs["data"].reshape(*images.shape)
    net.blobs["data"].data[...] = in_bgr(images)
    np.testing.assert_allclose(net.forward()["score"], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", nets.TORCHVISION)
def test_the_stand_in_has_the_names_of_torchvision(name):
    """Where torchvision can be imported: the tests' own nets are called, and compute, as its."""
    try:
        from torchvision.models import segmentation
    except (ImportError, RuntimeError) as error:  # another build of torch than it was made for
        pytest.skip(f"torchvision can't be imported: {error}")
    theirs = getattr(segmentation, name.replace("-", "_"))(
        weights=None, weights_backbone=None, num_classes=21
    ).eval()
    images = torch.randn(2, 3, 65, 80)
    ours = torchvision_net(name)
    theirs.load_state_dict(ours.state_dict())  # strict: the same names and shapes
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images)["out"], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_command_makes_a_caffemodel_of_the_file_with_its_auxiliary_head(tmp_path, capsys):
    model = torchvision_net("fcn-resnet50", classes=3)
    state = model.state_dict() | {"aux_classifier.0.weight": torch.zeros(256, 1024, 3, 3)}
    torch.save(state, tmp_path / "weights.pth")
    target = tmp_path / "fcn.caffemodel"
    assert main(["fcn-resnet50", str(tmp_path / "weights.pth"), str(target)]) == 0
    assert capsys.readouterr().out == f"written: {target}\n"
    net = build("fcn-resnet50", classes=3)
    net.copy_from(str(target))
    bias = net.params["classifier.4"][1].data
    np.testing.assert_array_equal(bias, state["classifier.4.bias"])


def test_a_file_that_is_no_state_dict_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"nothing of torch's")
    with pytest.raises(ValueError, match=r"weights\.pth: not of tensors alone"):
        convert("fcn-resnet50", path)
    torch.save({"model": {"a": torch.zeros(1)}}, path)
    with pytest.raises(ValueError, match=r"weights\.pth: holds model; expected tensors by name"):
        convert("fcn-resnet50", path)


def test_what_does_not_fit_names_the_file_the_net_and_the_first_five_of_each_kind(tmp_path):
    path = tmp_path / "weights.pth"
    net = build("fcn-resnet50", classes=21)
    state = {}
    for module, layers in names_of(net).items():
        if len(layers) == 2:
            of = zip(("running_mean", "running_var"), net.params[layers[0]], strict=False)
            state |= {f"{module}.{name}": torch.tensor(blob.data) for name, blob in of}
        if layers:
            of = zip(("weight", "bias"), net.params[layers[-1]], strict=False)
            state |= {f"{module}.{name}": torch.tensor(blob.data) for name, blob in of}
    torch.save({**state, "head.weight": torch.zeros(1)}, path)
    with pytest.raises(
        ValueError, match=r"weights\.pth: not torchvision's fcn-resnet50: .*not in the table: head$"
    ):
        convert("fcn-resnet50", path)
    torch.save({**state, "backbone.conv1.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(
        ValueError, match=r"of another shape: backbone\.conv1 64x3x3x3 for 64x3x7x7$"
    ):
        convert("fcn-resnet50", path)
