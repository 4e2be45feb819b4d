"""The short regime beside the heavy one, each for two iterations."""

import dataclasses

import pytest
from PIL import Image

import caffe
import nets
from caffe.proto import caffe_pb2
from data import synthetic
from data.datasets import DATASETS
from solvers import compare_regimes, demo
from surgery.random_weights import draw

WIDTH = 1 / 32


def test_both_regimes_train_as_long_and_are_drawn(tmp_path, monkeypatch, blank_pictures):
    monkeypatch.setattr(demo, "WIDTH", WIDTH)
    monkeypatch.setattr(compare_regimes, "ITERATIONS", 2)
    monkeypatch.setattr(compare_regimes, "SCORED", 1)
    synthetic.generate(tmp_path / "data", train=2, val=1, size=(32, 44), seed=1)
    dataset = dataclasses.replace(DATASETS["synthetic"], home=tmp_path / "data")
    spec = nets.convolutional("vgg16", width=WIDTH)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    weights = tmp_path / "vgg16-fcn.caffemodel"
    net.save(weights)
    runs = [
        compare_regimes.trained(dataset, regime, weights, tmp_path) for regime in ("short", "heavy")
    ]
    for run, rate, kind in zip(runs, (1e-4 / WIDTH**0.5, 5e-9), ("Adam", "SGD"), strict=True):
        solver = caffe_pb2.SolverParameter()
        path = tmp_path / f"synthetic-{run.regime}" / "solver.prototxt"
        caffe.proto.text.read_prototxt(path, solver)
        assert (solver.type, solver.max_iter) == (kind, 2)
        assert solver.base_lr == pytest.approx(rate)
        assert run.minutes == pytest.approx([run.minutes[1] / 2, run.minutes[1]])
        assert len(run.mean_iu) == 2
        assert min(run.mean_iu) >= 0
    blank_pictures.undo()
    compare_regimes.draw({"one": runs, "other": runs}, tmp_path / "regimes.png")
    assert min(Image.open(tmp_path / "regimes.png").size) > 100
