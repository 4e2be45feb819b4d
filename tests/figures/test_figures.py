"""Laws of the paper's figures, drawn of our own nets."""

import os

import numpy as np
import pytest
from PIL import Image
from support import tiny_fcn

import nets
from data import synthetic
from data.datasets import DATASETS
from data.meaning import write_meaning
from figures import __main__ as figures
from figures.architecture import figure, levels

VOC = DATASETS["voc"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tiny_fcn.write_weights(tmp_path_factory.mktemp("nets"), "fcn8s-squeezenet", 21)
    write_meaning(path.with_suffix(".json"), VOC)
    return path


def test_the_levels_of_vgg16_are_its_poolings_with_the_convolutions_before_the_next():
    found = levels(nets.fcn("fcn8s", "deploy", classes=5, data=None, width=1 / 32))
    names = ["data", "pool1", "pool2", "pool3", "pool4", "pool5"]
    assert [level.blob for level in found] == names
    assert [level.stride for level in found] == [1, 2, 4, 8, 16, 32]
    assert [level.convolutions for level in found] == [2, 2, 3, 3, 3, 2]


@pytest.mark.parametrize("net", nets.NETS)
def test_every_net_has_its_figure(net):
    drawn = figure(nets.fcn(net, "deploy", classes=5, data=None, width=1 / 32), net)
    texts = [text.get_text() for text in drawn.axes[0].texts]
    assert "32x upsampled prediction" in texts
    assert "stride 1" in texts


@pytest.mark.smoke
def test_figures_of_samples_need_no_truth(weights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(figures, "RUNS", tmp_path)
    arguments = ["--weights", str(weights), "--out", str(tmp_path / "out")]
    assert figures.main(arguments) == 0
    printed = capsys.readouterr()
    assert [line.split("/")[-1] for line in printed.out.split()] == [
        *("figure-3.png", "figure-4.png", "figure-6.png")
    ]
    assert "make study-patches" in printed.err
    for path in (tmp_path / "out").iterdir():
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("L")).std() > 5


def test_figures_of_a_dataset_have_its_truth_and_the_study_its_place(
    weights, tmp_path, capsys, monkeypatch
):
    shown = []
    monkeypatch.setattr(
        "figures.pictures.picture_grid.grid",
        lambda rows, columns, png, entries: shown.append((columns, [len(row) for row in rows])),
    )
    monkeypatch.setattr(figures, "RUNS", tmp_path)
    for time, dataset in enumerate(("voc", "synthetic")):  # the last one counts
        path = tmp_path / f"studies-{dataset}/patches.png"
        path.parent.mkdir()
        Image.new("RGB", (9 + time, 9)).save(path)
        os.utime(path, (time, time))
    synthetic.generate(tmp_path / "voc", train=2, val=2, size=(48, 64), seed=1)
    arguments = ["--weights", str(weights), "--weights", str(weights), "--out", str(tmp_path / "o")]
    voc = tmp_path / "voc/pascal/VOC2011"
    assert figures.main([*arguments, "--data", str(voc)]) == 0
    stem = weights.stem
    assert shown == [
        (["image", "32s", "16s", "8s", "truth"], [5, 5]),
        (["image", stem, stem, "truth"], [4, 4]),
    ]
    assert "figure-5.png" in capsys.readouterr().out
    assert Image.open(tmp_path / "o/figure-5.png").size == (10, 9)


def test_weights_that_nothing_says_the_classes_of_are_an_error(tmp_path, capsys):
    path = tiny_fcn.write_weights(tmp_path, "fcn32s", 21)
    assert figures.main(["--weights", str(path)]) == 1
    assert "says what its classes are" in capsys.readouterr().err


def test_weights_of_different_classes_are_not_compared(weights, tmp_path, capsys):
    path = tiny_fcn.write_weights(tmp_path, "fcn32s", 11)
    write_meaning(path.with_suffix(".json"), DATASETS["camvid"])
    assert figures.main(["--weights", str(weights), "--weights", str(path)]) == 1
    assert "compare nets of the same classes" in capsys.readouterr().err
