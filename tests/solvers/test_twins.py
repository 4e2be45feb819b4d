"""Every dataset's stages through the command line, in small, on its synthetic twin."""

import csv
import os

import pytest
from PIL import Image

import caffe
import nets
from caffe.proto import caffe_pb2
from data import synthetic
from data.datasets import DATASETS
from solvers import score, train_stage
from surgery.random_weights import draw
from tables.__main__ import main as tables

pytestmark = pytest.mark.usefixtures("blank_pictures")

WIDTH = 1 / 64
TWINS = ("nyud", "siftflow", "context", "cityscapes", "mine")
SKIPS = ("fcn32s", "fcn16s", "fcn8s")
# dataset: its stages, the twin that it reads
RUNS = {
    "synthetic-nyud": (nets.RGBD_NETS, "nyud"),
    "synthetic-siftflow": (SKIPS, "siftflow"),
    "synthetic-context": (SKIPS, "context"),
    "synthetic-context33": (SKIPS, "context"),
    "synthetic-cityscapes": (SKIPS, "cityscapes"),
    "synthetic-cityscapes-half": (SKIPS, "cityscapes"),
    "synthetic-cityscapes-cuts": (SKIPS, "cityscapes"),
    "mine": (SKIPS, "mine"),
}
ALIKE = ("synthetic-context33", "synthetic-cityscapes", "synthetic-cityscapes-half")  # to others


def save_pretrained(folder, classifier):
    net = caffe.Net.from_proto(
        nets.convolutional(classifier, width=WIDTH), caffe_pb2.NetState(phase=caffe.TEST)
    )
    draw(net)
    net.save(folder / f"{classifier}-fcn.caffemodel")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The twins, weights to start from, and the folder where runs/ will be."""
    folder = tmp_path_factory.mktemp("world")
    for name in TWINS:
        synthetic.generate(folder / name, train=2, val=2, size=(32, 44), seed=1, dataset=name)
    synthetic.generate(folder / "voc", train=2, val=1, size=(32, 44), seed=1)
    for classifier in ("vgg16", "caffenet", "googlenet"):
        save_pretrained(folder, classifier)
    return folder


def run(world, dataset, net, twin, *more):
    data = world / twin / ("pascal/VOC2011" if twin == "voc" else "")
    args = [net, "--dataset", dataset, "--data", str(data), "--width", str(WIDTH), "--gpu", "cpu"]
    return train_stage.main([*args, "--iters", "1", "--lr", "1e-9", *more])


@pytest.mark.slow
@pytest.mark.parametrize(
    "dataset",
    [pytest.param(name, marks=pytest.mark.long) if name in ALIKE else name for name in RUNS],
)
def test_each_stage_starts_where_the_one_before_left_its_weights(
    world, monkeypatch, capsys, dataset, blank_pictures
):
    monkeypatch.chdir(world)
    order, twin = RUNS[dataset]
    for net in order:
        starts = net.startswith("fcn32s") and net != "fcn32s-color-hha"
        weights = ("--weights", str(world / "vgg16-fcn.caffemodel")) if starts else ()
        if (dataset, net) == ("synthetic-siftflow", "fcn8s"):
            blank_pictures.undo()  # one net's are drawn, of two heads
        assert run(world, dataset, net, twin, *weights) == 0, capsys.readouterr().err
        out = world / "runs" / f"{dataset}-{net}"
        found = nets.net_of_shapes(caffe.storage.caffemodel.blob_shapes(out / f"{net}.caffemodel"))[
            0
        ]
        assert nets.same_weights(found, net)
        assert "mean IU" in capsys.readouterr().out
        of = train_stage.dataset_at(dataset, world / twin)
        heads = dict.fromkeys(list(of.labels)[1:])
        with open(out / "metrics.csv") as file:
            (row,) = csv.DictReader(file)
        assert list(row) == score.header(of.classes, heads)
        names = nets.file_names(of).values()
        pictures = {"curve.png", "grid.png", *(f"grid-{head}.png" for head in heads)}
        others = {
            "log.txt",
            "metrics.csv",
            "report",
            "report.html",
            "snapshot",
            "solver.prototxt",
            f"{net}.caffemodel",
            f"{net}.json",
        }
        assert set(os.listdir(out)) == {*names, *pictures, *others}
        for picture in pictures:
            assert min(Image.open(out / picture).size) > 100


def test_siftflows_geometric_head_is_scored_and_stands_in_the_tables(world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    if not (world / "runs/synthetic-siftflow-fcn16s").exists():
        for net in SKIPS[:2]:
            weights = ("--weights", str(world / "vgg16-fcn.caffemodel")) if net == "fcn32s" else ()
            assert run(world, "synthetic-siftflow", net, "siftflow", *weights) == 0
    with open(world / "runs/synthetic-siftflow-fcn16s/metrics.csv") as file:
        (row,) = csv.DictReader(file)
    accuracy = float(row["geo_overall_accuracy"])
    assert 0 <= accuracy <= 1
    capsys.readouterr()
    assert tables([]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if "synthetic-siftflow-fcn16s" in x)
    assert f"{100 * accuracy:.1f}" in line


NETS = {
    "fcn-alexnet": "caffenet",
    "fcn32s-fixed": "vgg16",
    "fcn8s-atonce": "vgg16",
    "fcn-googlenet": "googlenet",
    "fcn-googlenet-16s": "fcn-googlenet",
    "fcn-googlenet-8s": "fcn-googlenet-16s",
}


@pytest.mark.slow
@pytest.mark.long
def test_the_other_nets_of_voc_are_trained_too(world, tmp_path):
    """AlexNet and GoogLeNet accumulate gradients, as published."""
    paths = {name: world / f"{name}-fcn.caffemodel" for name in ("vgg16", "caffenet", "googlenet")}
    for net, before in NETS.items():
        out = tmp_path / net
        more = ("--weights", str(paths[before]), "--out", str(out))
        assert run(world, "voc", net, "voc", *more) == 0
        paths[net] = out / f"{net}.caffemodel"
        assert f"Starting from {paths[before]}" in (out / "log.txt").read_text()
        accumulates = "iter_size: 20" in (out / "solver.prototxt").read_text()
        assert accumulates == (NETS[net] != "vgg16")


def test_only_the_scores_of_the_fixed_net_change(world, tmp_path):
    more = ("--weights", str(world / "vgg16-fcn.caffemodel"), "--out", str(tmp_path))
    assert run(world, "voc", "fcn32s-fixed", "voc", *more) == 0
    before = caffe.storage.caffemodel.read_weights(world / "vgg16-fcn.caffemodel")
    after = caffe.storage.caffemodel.read_weights(tmp_path / "fcn32s-fixed.caffemodel")
    for name, blobs in before.items():
        for number, blob in enumerate(blobs):
            assert (blob.values == after[name][number].values).all(), name
    assert (after["score_fr"][0].values != 0).any()


def test_regimes_change_solver_and_loss(world, tmp_path, capsys):
    weights = ("--weights", str(world / "vgg16-fcn.caffemodel"))
    more = (*weights, "--regime", "accumulate", "--out", str(tmp_path))
    assert run(world, "mine", "fcn32s", "mine", *more) == 0
    assert "normalize: true" in (tmp_path / "train.prototxt").read_text()
    solver = (tmp_path / "solver.prototxt").read_text()
    assert "iter_size: 20" in solver
    assert "momentum: 0.9\n" in solver
    heavy = (*weights, "--regime", "heavy", "--out", str(tmp_path))
    assert run(world, "mine", "fcn32s", "mine", *heavy) == 1
    assert "of another net, dataset or regime" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("dataset", "net", "twin", "more", "message"),
    [
        ("context", "fcn32s-hha", "context", (), "sees hha; context has color only"),
        ("nyud", "fcn32s-color-hha", "nyud", ("--weights", "a"), "1 caffemodel(s) are given"),
        ("siftflow", "fcn32s", "siftflow", ("--weights", "a,b"), "2 caffemodel(s) are given"),
        ("siftflow", "fcn16s", "siftflow", (), "`make fcn32s-siftflow` makes them"),
        ("siftflow", "fcn32s", "nyud", (), "sift-flow: all of https://"),
    ],
)
def test_what_does_not_fit_is_one_message(
    world, tmp_path, monkeypatch, capsys, dataset, net, twin, more, message
):
    monkeypatch.chdir(tmp_path)
    if not more and net.startswith("fcn32s"):
        more = ("--weights", str(world / "vgg16-fcn.caffemodel"))
    assert run(world, dataset, net, twin, *more) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_mine_without_a_folder_says_what_it_needs(capsys):
    assert train_stage.main(["fcn32s", "--dataset", "mine", "--gpu", "cpu"]) == 1
    assert "needs a folder (--data, DATA=)" in capsys.readouterr().err


def test_every_dataset_is_run():
    """VOC's stages are the demo's and test_train_stage's, the zoo's are test_zoo's."""
    published = {dataset.name for dataset in DATASETS.values() if dataset.published}
    assert {DATASETS[name].twin_of for name in RUNS if name != "mine"} == published - {"voc", "idd"}
