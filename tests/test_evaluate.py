"""Weights scored on a dataset through the command line, where they were trained or elsewhere."""

import csv

import pytest

import caffe
import nets
import tables.__main__
from caffe.proto import caffe_pb2
from data import synthetic
from data.mine import find
from solvers import evaluate
from surgery.draw import draw

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


def test_weights_that_lack_layers_are_refused(world, tmp_path, capsys):
    assert evaluate.main(arguments(world, tmp_path / "out", net="fcn16s")) == 1
    assert "has no weights for" in capsys.readouterr().err
    assert not (tmp_path / "out" / "metrics.csv").exists()


def test_scores_that_are_there_stay(world, tmp_path, capsys):
    (tmp_path / "metrics.csv").write_text("mine")
    assert evaluate.main(arguments(world, tmp_path)) == 1
    assert "there already" in capsys.readouterr().err
    assert (tmp_path / "metrics.csv").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]
