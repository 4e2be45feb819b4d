"""A stage on two CPU processes: what it leaves, what it scores, and how it is taken up."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import caffe
import nets
from caffe.proto import caffe_pb2
from caffe.solver.snapshot_files import solverstates
from data import synthetic
from solvers import score
from solvers.keep import keep_best_and_last
from surgery.random_weights import draw

ROOT = Path(__file__).parents[2]
WIDTH = 1 / 32


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A VOC directory, and vgg16-fcn weights of the tiny width."""
    folder = tmp_path_factory.mktemp("world")
    synthetic.generate(folder / "data", train=5, val=3, size=(40, 56), seed=1)
    spec = nets.convolutional("vgg16", width=WIDTH)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    net.save(folder / "vgg16-fcn.caffemodel")
    return folder


def voc(world):
    return str(world / "data" / "pascal" / "VOC2011")


def started(world, out, *more):
    words = ["fcn32s", "--data", voc(world), "--weights", world / "vgg16-fcn.caffemodel"]
    words += ["--width", WIDTH, "--lr", "1e-9", "--iters", 6, "--snapshot", 2, "--out", out, *more]
    command = [sys.executable, "-m", "solvers.train_stage", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def metrics(folder):
    with open(folder / "metrics.csv") as file:
        return list(csv.DictReader(file))


@pytest.mark.long
@pytest.mark.slow
def test_a_stage_on_two_processes_broken_off_by_a_kill_ends_in_the_same_bits(world, tmp_path):
    whole = started(world, tmp_path / "whole", "--nproc", "2")
    errors = whole.communicate(timeout=500)[1]
    assert whole.returncode == 0, errors
    rows = metrics(tmp_path / "whole")
    assert [row["iteration"] for row in rows] == ["2", "4", "6"]
    # One process scores these weights alike
    weights = tmp_path / "whole" / "fcn32s.caffemodel"
    net = caffe.Net(str(tmp_path / "whole" / "val.prototxt"), caffe.TEST)
    net.copy_from(str(weights))
    alone = score.row(6, float("nan"), score.evaluate(net, 3))
    assert [*rows[-1].values()][2:] == alone[2:]
    # Broken off
    killed = started(
        world, tmp_path / "killed", "--nproc", "2", "--max-restarts", "1", "--keep", "1"
    )
    snapshot = tmp_path / "killed" / "snapshot" / "train_iter_2.solverstate"
    until = time.monotonic() + 300
    while not snapshot.exists():
        assert killed.poll() is None, killed.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)
    children = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
    errors = killed.communicate(timeout=500)[1]
    assert killed.returncode == 0, errors
    assert (tmp_path / "killed" / "fcn32s.caffemodel").read_bytes() == weights.read_bytes()
    left = solverstates(tmp_path / "killed" / "snapshot" / "train")
    assert left[0].name == "train_iter_6.solverstate"
    assert len(left) <= 2


def test_the_last_snapshots_stay_and_the_best(tmp_path):
    for i in (2, 4, 6, 8):
        for kind in ("caffemodel", "solverstate"):
            (tmp_path / f"train_iter_{i}.{kind}").touch()
    (tmp_path / "other_iter_2.solverstate").touch()
    (tmp_path / "metrics.csv").write_text("iteration,mean_iu\n2,0.1\n4,0.3\n6,0.2\n8,0.1\n")
    keep_best_and_last(tmp_path / "train", tmp_path / "metrics.csv", 2)
    assert sorted(path.name for path in tmp_path.glob("*_iter_*")) == [
        "other_iter_2.solverstate",
        "train_iter_4.caffemodel",
        "train_iter_4.solverstate",
        "train_iter_6.caffemodel",
        "train_iter_6.solverstate",
        "train_iter_8.caffemodel",
        "train_iter_8.solverstate",
    ]
