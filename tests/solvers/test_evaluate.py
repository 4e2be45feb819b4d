"""Weights scored on a dataset through the command line, where they were trained or elsewhere."""

import csv
import dataclasses
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io
from onnx import load as load_onnx
from onnx import save as save_onnx

import caffe
import nets
import tables.__main__
from caffe.export import onnx
from caffe.proto import caffe_pb2
from data import synthetic
from data.custom import find
from data.meaning import write_meaning
from seg_labels import SCENES
from solvers import compare_precision, evaluate
from surgery.random_weights import draw

WIDTH = 1 / 32


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """SIFT Flow's synthetic twin, and drawn weights of its FCN-32s."""
    folder = tmp_path_factory.mktemp("world")
    synthetic.generate(folder / "data", train=1, val=2, size=(40, 48), seed=1, dataset="siftflow")
    spec = nets.net_for("siftflow", "fcn32s", "deploy", width=WIDTH)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    net.save(folder / "fcn32s.caffemodel")
    return folder


def arguments(world, out, net="fcn32s"):
    return [
        *(net, "--dataset", "synthetic-siftflow", "--data", str(world / "data"), "--gpu", "cpu"),
        *("--weights", str(world / "fcn32s.caffemodel"), "--out", str(out), "--width", str(WIDTH)),
    ]


def test_scores_of_both_heads_stand_in_the_folder_and_in_the_tables(world, tmp_path, capsys):
    runs = tmp_path / "runs"
    out = runs / "siftflow-fcn32s"
    assert evaluate.main(arguments(world, out)) == 0
    assert "geo" in capsys.readouterr().out
    with open(out / "metrics.csv", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert (line["iteration"], line["loss"]) == ("0", "")
    assert float(line["val_loss"]) > 0
    for name in ("overall_accuracy", "geo_overall_accuracy", "mean_iu_present"):
        assert 0 <= float(line[name]) <= 1
    assert float(line["mean_iu"]) <= float(line["mean_iu_present"])
    assert tables.__main__.main(["--runs", str(runs)]) == 0
    with open(runs / "tables" / "tables.csv", encoding="utf-8") as file:
        cells = {
            row["column"]: row["ours"]
            for row in csv.DictReader(file)
            if row["table"].startswith("Table 5") and row["row"] == "FCN-32s"
        }
    expected = 100 * float(line["geo_overall_accuracy"])
    assert float(cells["geom. acc."]) == pytest.approx(expected, abs=0.05 + 1e-4)


@pytest.mark.slow
def test_two_processes_write_what_one_writes(world, tmp_path, capfd):
    assert evaluate.main(arguments(world, tmp_path / "one")) == 0
    alone = capfd.readouterr().out
    two = [*arguments(world, tmp_path / "two"), "--nproc", "2"]
    assert evaluate.main(two) == 0
    assert capfd.readouterr().out == alone.replace("/one", "/two")
    scores = [(tmp_path / name / "metrics.csv").read_bytes() for name in ("one", "two")]
    assert scores[0] == scores[1]
    assert evaluate.main(two) == 1
    errors = re.findall("^error: .*", capfd.readouterr().err, re.MULTILINE)
    assert len(errors) == 1
    assert re.match(r"error: rank [01]: .*/metrics.csv is there already", errors[0])


def test_a_folder_of_ones_own_is_scored_too(tmp_path, capsys):
    folder = tmp_path / "photos"
    synthetic.generate(folder, train=1, val=1, size=(40, 48), seed=1, dataset="mine")
    spec = nets.net_for(find("mine", folder), "fcn32s", "deploy", width=WIDTH)
    caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST)).save(tmp_path / "w.caffemodel")
    own = ["--dataset", "mine", "--data", str(folder), "--weights", str(tmp_path / "w.caffemodel")]
    args = ["fcn32s", *own, "--gpu", "cpu", "--width", str(WIDTH), "--out", str(tmp_path / "out")]
    assert evaluate.main(args) == 0
    assert "iu_floor" in (tmp_path / "out/metrics.csv").read_text()
    args[2] = "mein"
    assert evaluate.main(args) == 1
    assert "there is no dataset 'mein'" in capsys.readouterr().err


def described(world, tmp_path, **changes):
    """SIFT Flow's weights with the JSON file of a net trained on this dataset."""
    path = tmp_path / "w.caffemodel"
    shutil.copy(world / "fcn32s.caffemodel", path)
    dataset = dataclasses.replace(find("synthetic-siftflow", world / "data"), **changes)
    write_meaning(path.with_suffix(".json"), dataset)
    return path


def with_weights(words, path):
    words[words.index("--weights") + 1] = str(path)
    return words


def test_the_dataset_is_that_which_the_weights_were_trained_on(world, tmp_path, capsys):
    words = with_weights(arguments(world, tmp_path / "out"), described(world, tmp_path))
    at = words.index("--dataset")
    unnamed = [*words[:at], *words[at + 2 :]]
    assert evaluate.main(unnamed) == 0
    assert "geo" in capsys.readouterr().out
    words = arguments(world, tmp_path / "other")
    assert evaluate.main([*words[:at], *words[at + 2 :]]) == 1
    assert "no fcn32s.json beside it says what it was trained on" in capsys.readouterr().err


def test_as_many_classes_are_not_the_same_classes(world, tmp_path, capsys):
    names = tuple(f"thing {i}" for i in range(33))
    path = described(world, tmp_path, name="mine", classes=names)
    assert evaluate.main(with_weights(arguments(world, tmp_path / "out"), path)) == 1
    error = capsys.readouterr().err
    assert "w.caffemodel: was trained on mine, with the classes thing 0, thing 1" in error
    assert "has awning, balcony" in error
    assert not (tmp_path / "out").exists()


def test_scores_that_say_nothing_are_warned_of(world, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(world / "data", data)
    for mat in (data / "sift-flow/SemanticLabels" / SCENES).iterdir():
        shape = scipy.io.loadmat(mat)["S"].shape
        scipy.io.savemat(mat, {"S": np.full(shape, 3)})
    words = arguments(world, tmp_path / "out")
    words[words.index("--data") + 1] = str(data)
    assert evaluate.main(words) == 0
    assert re.search(
        r"warning: sem of test: no class but bird \(2\) was there to score, so these scores say "
        r"nothing: class indices are 0, 1, 2",
        capsys.readouterr().err,
    )


def test_weights_that_lack_layers_are_refused(world, tmp_path, capsys):
    assert evaluate.main(arguments(world, tmp_path / "out", net="fcn16s")) == 1
    assert "has no weights for" in capsys.readouterr().err
    assert not (tmp_path / "out" / "metrics.csv").exists()


def test_weights_of_another_width_name_the_cure(world, tmp_path, capsys):
    words = arguments(world, tmp_path / "out")
    words[words.index("--width") + 1] = "0.125"
    assert evaluate.main(words) == 1
    error = capsys.readouterr().err
    assert re.search(r"fcn32s\.caffemodel: conv1_1 has shape .* of fcn32s at width 0\.125: ", error)
    assert "give the width (WIDTH=, --width)" in error


def test_scores_that_are_there_stay(world, tmp_path, capsys):
    (tmp_path / "metrics.csv").write_text("mine")
    assert evaluate.main(arguments(world, tmp_path)) == 1
    assert "there already" in capsys.readouterr().err
    assert (tmp_path / "metrics.csv").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_precisions_are_compared_on_the_same_images(world, tmp_path, capsys):
    words = [*arguments(world, tmp_path / "out"), "--precision", "bf16"]
    assert evaluate.main([*words, "--compare-precision"]) == 0
    printed = capsys.readouterr().out
    with open(tmp_path / "out" / "precision.csv", encoding="utf-8") as file:
        lines = {line["head"]: line for line in csv.DictReader(file)}
    assert list(lines) == ["sem", "geo"]
    metrics = {}
    for name in ("fp32", "bf16"):
        out = tmp_path / name
        assert evaluate.main([*arguments(world, out), "--precision", name]) == 0
        with open(out / "metrics.csv", encoding="utf-8") as file:
            (metrics[name],) = csv.DictReader(file)
    for head, column in (("sem", "mean_iu"), ("geo", "geo_mean_iu")):
        line = {key: float(value) for key, value in list(lines[head].items())[2:]}
        assert (
            f"{head}: scores in bf16 differ from fp32's by {line['mean_difference']:.2g}" in printed
        )
        assert line["mean_iu_fp32"] == pytest.approx(float(metrics["fp32"][column]), rel=1e-5)
        assert line["mean_iu"] == pytest.approx(float(metrics["bf16"][column]), rel=1e-5)
        assert 0 < line["mean_difference"] < line["largest_difference"]
        assert line["mean_difference"] < 0.02 * line["mean_score"]


@pytest.fixture(scope="module")
def exported(world):
    """The net of `world` as ONNX."""
    spec = nets.net_for("siftflow", "fcn32s", "deploy", width=WIDTH)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    net.copy_from(str(world / "fcn32s.caffemodel"))
    net.blobs["data"].reshape(1, 3, 40, 48)  # as the images are: sooner compared than 500 x 500
    net.reshape()
    onnx.export(net, world / "fcn32s.onnx")
    return world / "fcn32s.onnx"


def test_an_onnx_file_is_held_against_the_net_on_the_same_images(world, exported, tmp_path, capsys):
    words = arguments(world, tmp_path / "out")
    assert evaluate.main([*words, "--compare-onnx", str(exported)]) == 0
    assert f"sem: scores in {exported} differ from fp32's by" in capsys.readouterr().out
    with open(tmp_path / "out" / "precision.csv", encoding="utf-8") as file:
        lines = {line["head"]: line for line in csv.DictReader(file)}
    assert list(lines) == ["sem", "geo"]
    for line in lines.values():
        assert line["precision"] == str(exported)
        assert float(line["largest_difference"]) < 1e-4 * float(line["mean_score"]) + 1e-5
        assert line["mean_iu"] == line["mean_iu_fp32"]


def test_an_onnx_file_of_another_net_is_named(world, exported, tmp_path, capsys):
    (tmp_path / "damaged.onnx").write_bytes(exported.read_bytes()[:999])
    damaged = ["--compare-onnx", str(tmp_path / "damaged.onnx")]
    assert evaluate.main([*arguments(world, tmp_path / "out"), *damaged]) == 1
    assert "damaged.onnx: onnxruntime does not take it: " in capsys.readouterr().err
    model = load_onnx(exported)
    model.graph.output[0].name = model.graph.node[-1].output[0] = "other"
    save_onnx(model, tmp_path / "other.onnx")
    other = ["--compare-onnx", str(tmp_path / "other.onnx")]
    assert evaluate.main([*arguments(world, tmp_path / "out"), *other]) == 1
    error = capsys.readouterr().err
    assert "expected score_sem, score_geo of blobs of net" in error
    assert not (tmp_path / "out" / "precision.csv").exists()


def test_the_difference_of_precisions_by_hand(monkeypatch):
    """Two passes, of 1 x 2 and of 1 x 1 pixels; the second class's scores differ."""
    scores = iter([[[1, 1], [0, 2]], [[1, 1], [0.5, 0.5]], [[-1], [3]], [[-1], [3]]])

    class Fake:
        blobs = {name: SimpleNamespace(data=None) for name in ("label", "score")}
        bottom_names = {"data": [], "rest": ["data"]}

        def forward(self, start=None):
            values = np.array(next(scores), np.float32)
            self.blobs["score"].data = values.reshape(1, 2, 1, -1)
            if start is None:
                self.blobs["label"].data = np.ones((1, 1, 1, values.shape[1]), np.float32)
            else:
                assert start == "rest"

    monkeypatch.setattr(caffe, "set_precision", lambda name: None)
    (found,) = compare_precision.compare(Fake(), 2, compare_precision.in_precision("tf32")).values()
    assert found == compare_precision.Comparison(
        1.5, 2 / 6, 8 / 6, 1 / 3, (0 + 2 / 3) / 2, (0 + 1 / 3) / 2
    )


def test_comparing_needs_another_precision_and_a_place_of_its_own(world, tmp_path, capsys):
    words = [*arguments(world, tmp_path), "--compare-precision"]
    assert evaluate.main(words) == 1
    assert "give bf16 or tf32" in capsys.readouterr().err
    (tmp_path / "precision.csv").write_text("mine")
    assert evaluate.main([*words, "--precision", "tf32"]) == 1
    assert "precision.csv is there already" in capsys.readouterr().err
    assert evaluate.main([*words, "--precision", "16"]) == 1
    assert "unknown precision '16'" in capsys.readouterr().err
