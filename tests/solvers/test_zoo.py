"""The driving-scene zoo through the command line, in small, on synthetic streets."""

import ast
import csv

import numpy as np
import pytest

import caffe
import nets
from caffe.proto import caffe_pb2
from caffe.proto.text import read_prototxt
from data import synthetic
from data.datasets import DATASETS
from data.statistics import label_counts
from solvers import evaluate, recipes, solver_prototxt, train_stage
from solvers.loss_weights import loss_weights
from surgery.random_weights import draw

pytestmark = pytest.mark.usefixtures("blank_pictures")

WIDTH = 1 / 32


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets") / "twin"
    synthetic.generate(folder, train=5, val=2, size=(64, 96), seed=1, dataset="idd")
    return folder


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """A caffemodel of DeepLabv3, its statistics 0 and 1."""
    spec = nets.torchvision("deeplabv3-resnet101", width=WIDTH)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    for layer, blobs in net.params.items():
        if net.layer_dict[layer].type == "BatchNorm":
            for blob, value in zip(blobs, (0, 1, 1), strict=True):
                blob.data[...] = value
    path = tmp_path_factory.mktemp("weights") / "deeplabv3-resnet101.caffemodel"
    net.save(path)
    return path


def run(streets, net, out, *more):
    args = [net, "--dataset", "synthetic-idd", "--data", str(streets), "--width", str(WIDTH)]
    return train_stage.main([*args, "--gpu", "cpu", "--out", str(out), *more])


def read(path, message):
    return read_prototxt(path, message())


def data_of(out):
    net = read(out / "train.prototxt", caffe_pb2.NetParameter)
    return ast.literal_eval(net.layer[0].python_param.param_str)


@pytest.mark.slow
@pytest.mark.parametrize("net", nets.ZOO)
def test_each_net_trains_and_is_scored_once_an_epoch(streets, resnet, tmp_path, capsys, net):
    weights = ("--weights", str(resnet)) if net == "transfer" else ()
    assert run(streets, net, tmp_path, "--epochs", "2", *weights) == 0, capsys.readouterr().err
    with open(tmp_path / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    of = nets.experiment(net)
    steps = -(-5 * max(1, len(of.views)) // of.batch)
    assert [int(row["iteration"]) for row in rows] == [steps, 2 * steps]
    assert all(np.isfinite(float(row[key])) for row in rows for key in ("loss", "val_loss"))
    assert "iu_billboard" in rows[0]
    assert (tmp_path / f"{net}.caffemodel").exists()
    told = data_of(tmp_path)
    assert told.get("batch", 1) == of.batch
    assert told.get("views", ()) == of.views


@pytest.mark.slow
def test_what_is_frozen_stays_and_the_rest_moves(streets, resnet, tmp_path):
    assert run(streets, "transfer", tmp_path, "--iters", "1", "--weights", str(resnet)) == 0
    before = caffe.storage.caffemodel.read_weights(resnet)
    after = caffe.storage.caffemodel.read_weights(tmp_path / "transfer.caffemodel")
    frozen = [layer for layer in after if layer.startswith("backbone.") and after[layer]]
    assert len(frozen) > 300
    for layer in frozen:
        for old, new in zip(before[layer], after[layer], strict=True):
            np.testing.assert_array_equal(old.values, new.values, err_msg=layer)
    assert not [layer for layer in after if layer.startswith("classifier.")]
    meaning = (tmp_path / "transfer.json").read_text()
    assert f'"mean": {list(nets.BGR_MEAN)}' in meaning
    assert data_of(tmp_path)["mean"] == nets.BGR_MEAN


def test_a_weighted_loss_has_one_weight_a_class_counted_in_all_labels(streets, tmp_path):
    assert run(streets, "weighted", tmp_path, "--iters", "1") == 0
    net = read(tmp_path / "train.prototxt", caffe_pb2.NetParameter)
    source = net.layer[-1].infogain_loss_param.source
    blob = caffe.io.blobproto_to_array(
        caffe_pb2.BlobProto.FromString((tmp_path / "loss_weights.binaryproto").read_bytes())
    )
    assert source == str(tmp_path / "loss_weights.binaryproto")
    dataset = train_stage.dataset_at("synthetic-idd", streets)
    (pixels,) = label_counts(dataset, "train", whole=True).values()
    expected = 1 - pixels[:-1] / pixels[:-1].sum()
    np.testing.assert_allclose(blob, np.diag(expected), rtol=1e-6)
    # A run that begins again counts again; one that continues keeps what it began with.
    path = tmp_path / "loss_weights.binaryproto"
    written = path.read_bytes()
    path.write_bytes(caffe.io.array_to_blobproto(np.eye(26)).SerializeToString())
    changed = path.read_bytes()
    assert run(streets, "weighted", tmp_path, "--iters", "2") == 0
    assert path.read_bytes() == changed
    assert run(streets, "weighted", tmp_path, "--iters", "1", "--restart") == 0
    assert path.read_bytes() == written


def test_weights_are_the_reports():
    np.testing.assert_allclose(loss_weights(np.array([6, 3, 1, 0])), [0.4, 0.7, 0.9, 1])


def test_copies_alone_are_trained_with_a_warning(streets, tmp_path, capsys):
    assert run(streets, "flip-alone", tmp_path / "alone", "--iters", "1") == 0
    assert "warning: flip-alone is trained on mirrored images alone" in capsys.readouterr().err
    assert run(streets, "flip", tmp_path / "flip", "--iters", "1") == 0
    assert "warning: flip" not in capsys.readouterr().err


def test_crops_are_made_to_fit_the_images_and_that_is_said(streets, tmp_path, capsys):
    assert run(streets, "rrcnn", tmp_path, "--iters", "1") == 0
    assert data_of(tmp_path)["crop"] == (64, 96)
    said = "rrcnn is trained on crops of 64 x 96, not 256 x 256: images are 64 x 96"
    assert said in capsys.readouterr().err


def test_images_too_small_for_any_crop_are_refused(tmp_path, capsys):
    synthetic.generate(tmp_path / "s", train=1, val=1, size=(32, 40), seed=1, dataset="idd")
    dataset = train_stage.dataset_at("synthetic-idd", tmp_path / "s")
    for path in (dataset.home / "idd").rglob("*.png"):
        path.unlink()  # so small as none can be made
    assert run(tmp_path / "s", "rrcnn", tmp_path / "out") == 1
    assert "error: " in capsys.readouterr().err


def test_solvers_of_the_zoo_are_adam_and_for_unet_sgd(streets):
    dataset = train_stage.dataset_at("synthetic-idd", streets)
    for net in nets.ZOO:
        param = solver_prototxt.of_zoo(dataset, net, test_iter=2, epochs=3)
        assert param.type == ("SGD" if net == "unet" else "Adam")
        assert param.max_iter == 3 * param.snapshot
        assert (param.lr_policy, param.iter_size) == ("poly", 1)
    flip, baseline = (
        solver_prototxt.of_zoo(dataset, net, test_iter=2).max_iter for net in ("flip", "baseline")
    )
    assert (flip, baseline) == (10 * 3, 10 * 2)  # 10 and 5 images, 4 a step


@pytest.mark.parametrize(
    ("net", "more", "message"),
    [
        ("baseline", ("--regime", "heavy"), "baseline is trained by Adam or SGD"),
        ("transfer", (), "`make deeplabv3-resnet101 FILE=its.pth` makes them"),
        ("baseline", ("--weights", "a"), "baseline starts from nothing, but 1 caffemodel"),
    ],
)
def test_what_does_not_fit_is_one_message(
    streets, tmp_path, monkeypatch, capsys, net, more, message
):
    monkeypatch.setattr(recipes.torchvision, "converted", tmp_path.joinpath)
    assert run(streets, net, tmp_path / "out", *more) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_epochs_are_for_the_zoo_alone(streets, tmp_path, capsys):
    args = ["fcn32s", "--dataset", "synthetic-idd", "--data", str(streets), "--weights", "a"]
    (tmp_path / "a").touch()
    assert train_stage.main([*args, "--epochs", "2", "--gpu", "cpu"]) == 1
    assert "error: " in capsys.readouterr().err


def test_a_trained_net_is_scored_again_as_it_was(streets, tmp_path, capsys):
    assert run(streets, "baseline", tmp_path / "run", "--iters", "2") == 0
    weights = tmp_path / "run/baseline.caffemodel"
    again = tmp_path / "again"
    args = ["baseline", "--data", str(streets), "--weights", str(weights), "--width", str(WIDTH)]
    assert evaluate.main([*args, "--gpu", "cpu", "--out", str(again)]) == 0
    lines = [
        list(csv.DictReader((folder / "metrics.csv").open())) for folder in (weights.parent, again)
    ]
    assert lines[0][-1]["mean_iu"] == lines[1][-1]["mean_iu"]


def test_a_net_with_one_head_is_not_for_two():
    with pytest.raises(ValueError, match="baseline has one head; siftflow has sem and geo"):
        nets.net_for(DATASETS["siftflow"], "baseline", "val")
