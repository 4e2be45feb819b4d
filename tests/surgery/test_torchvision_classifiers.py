"""torchvision's AlexNet and GoogLeNet give torchvision's own scores in Caffe."""

import numpy as np
import pytest
import torch
from support.torch_nets import VGG16, AlexNet, GoogLeNet, drawn
from torch import nn

import caffe
from data.weight_sources import TORCHVISION_CLASSIFIERS
from surgery.torchvision_classifiers import convert, main

WIDTH, CLASSES = 1 / 16, 9
NETS = {"alexnet": AlexNet, "googlenet": GoogLeNet}


def source(name, width=WIDTH, classes=CLASSES):
    """A net of torchvision's with weights and batch statistics drawn."""
    net = drawn(NETS[name](width, classes))
    generator = torch.Generator().manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
    return net


@pytest.mark.parametrize("name", NETS)
def test_each_net_gives_torchvisions_scores(name, tmp_path):
    net = source(name)
    torch.save(net.state_dict(), tmp_path / "a.pth")
    target, seen = tmp_path / "b.caffemodel", TORCHVISION_CLASSIFIERS[name][0].input
    mean = convert(name, target, tmp_path / "a.pth", seen, width=WIDTH)
    image = np.random.RandomState(0).randint(0, 256, (3, 224, 224))  # red, green, blue
    own = (image - np.reshape(mean[::-1], (3, 1, 1))) / np.reshape(seen.std[::-1], (3, 1, 1))
    with torch.no_grad():
        expected = net(torch.tensor(own[None], dtype=torch.float32)).numpy()
    ours = caffe.Net(str(target.with_suffix(".prototxt")), caffe.TEST, weights=str(target))
    ours.blobs["data"].data[0] = image[::-1] - np.reshape(mean, (3, 1, 1))
    (found,) = ours.forward().values()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * abs(expected).max())
    assert expected.std() > 0.01


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "vgg16"])
def test_the_stand_ins_have_torchvisions_names_and_compute_its_scores(name):
    """Where torchvision can be imported."""
    try:
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # another build of torch than it was made for
        pytest.skip(f"torchvision can't be imported: {error}")
    more = {"init_weights": False} if name == "googlenet" else {}
    theirs = getattr(models, name)(weights=None, **more).eval()
    ours = drawn(VGG16(1, 1000)) if name == "vgg16" else source(name, 1, 1000)
    state = {k: v for k, v in ours.state_dict().items() if not k.startswith("aux")}
    missing, surplus = theirs.load_state_dict(state, strict=False)
    assert not surplus
    assert all(key.startswith("aux") for key in missing)
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_another_nets_file_is_refused(tmp_path, capsys):
    torch.save(source("alexnet").state_dict(), tmp_path / "a.pth")
    target = tmp_path / "b.caffemodel"
    words = ["googlenet", str(target), "--file", str(tmp_path / "a.pth"), "--source", "torchvision"]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "a.pth: not torchvision's googlenet: layers missing: conv1.conv, conv1.bn, " in error
    assert "left over: features.0, features.3" in error
    assert not target.exists()
