"""Laws of surgery/weights.py: published FCNs by name, as a caffemodel with its NET.json."""

import numpy as np
import pytest
import torch
from support.filled_nets import build
from support.torch_nets import FCN, drawn

import nets
from data.datasets import DATASETS
from data.meaning import meaning_of
from data.weight_sources import WEIGHTS, Input, WeightSource
from surgery import weights

WIDTH = 1 / 64


@pytest.fixture
def published(tmp_path, monkeypatch, file_server):
    """FCN-8s as pytorch-fcn has it, narrow, on our server as the second source."""
    net = drawn(FCN(WIDTH, 21, (1, 1)))
    torch.save(net.state_dict(), tmp_path / "fcn8s.pth")
    file_server.files = {"/fcn8s.pth": (tmp_path / "fcn8s.pth").read_bytes()}
    sources = (
        WeightSource("caffe", "a.caffemodel", ("http://127.0.0.1:9/a",), None),
        WeightSource("pytorch-fcn", "b.pth", (file_server.url("/fcn8s.pth"),), None, Input("bgr")),
    )
    monkeypatch.setitem(WEIGHTS, "fcn8s-voc", sources)
    monkeypatch.setattr(weights, "ROOT", tmp_path / "data")
    monkeypatch.setattr(weights, "WIDTH", WIDTH)
    return net


def test_a_name_gives_the_caffemodel_and_what_its_outputs_mean(published, tmp_path, capsys):
    assert weights.main(["fcn8s-voc"]) == 0
    path = tmp_path / "data/weights/fcn8s-voc.caffemodel"
    assert f"written: {path}" in capsys.readouterr().out
    net = build(nets.net_for("voc", "fcn8s", "deploy", width=WIDTH))
    net.copy_from(path)
    for name, module in published.named_children():
        np.testing.assert_array_equal(net.params[name][0].data, module.weight.detach())
    meaning = meaning_of(path)[1]
    assert (meaning.dataset, meaning.classes) == ("voc", DATASETS["voc"].classes)
    assert meaning.mean == DATASETS["voc"].mean


def test_what_is_there_is_not_fetched_again_but_a_file_replaces_it(
    published, tmp_path, file_server
):
    path = weights.weights_of("fcn8s-voc")
    asked = len(file_server.asked)
    assert weights.weights_of("fcn8s-voc") == path
    assert len(file_server.asked) == asked
    with torch.no_grad():
        published.score_fr.bias += 1
    torch.save(published.state_dict(), tmp_path / "mine.pth")
    # its filters are of no known net: only the source tells what they see
    with pytest.raises(ValueError, match="nothing tells whether conv1_1 sees"):
        weights.weights_of("fcn8s-voc", file=tmp_path / "mine.pth")
    weights.weights_of("fcn8s-voc", "pytorch-fcn", tmp_path / "mine.pth")
    net = build(nets.net_for("voc", "fcn8s", "deploy", width=WIDTH))
    net.copy_from(path)
    np.testing.assert_array_equal(net.params["score_fr"][1].data, published.score_fr.bias.detach())


def test_another_nets_file_is_refused_and_nothing_is_written(published, tmp_path):
    torch.save(drawn(FCN(WIDTH, 21, (1,))).state_dict(), tmp_path / "fcn16s.pth")
    message = (
        r"fcn16s\.pth: not the weights of fcn8s-voc: layers missing: score_pool3; left over: "
        "upscore16;"
    )
    with pytest.raises(ValueError, match=message):
        weights.weights_of("fcn8s-voc", "pytorch-fcn", tmp_path / "fcn16s.pth")
    assert not (tmp_path / "data/weights/fcn8s-voc.caffemodel").exists()


def test_a_name_that_there_is_none_of_is_an_error(capsys):
    assert weights.main(["fcn8s-kitti"]) == 1
    assert "no published weights 'fcn8s-kitti'; choose from fcn32s-voc" in capsys.readouterr().err


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_name_is_a_net_of_a_dataset(name):
    kind, _, dataset = name.rpartition("-")
    assert nets.net_for(dataset, kind, "deploy", width=WIDTH).name == kind
