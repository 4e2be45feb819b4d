"""Ranks that torchrun starts: `caffe train` and stages on several processes, killed and stopped."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.small_nets import digits, lenet_solver

from caffe import CaffeError
from caffe.__main__ import main
from caffe.solver.snapshot_files import solverstates
from caffe.tools import flags
from solvers.choose_device import gpu_ids

ROOT = Path(__file__).parents[2]
TRAIN = [sys.executable, "-m", "caffe", "train"]


@pytest.fixture
def solver(tmp_path):
    """A solver of LeNet whose training takes a while, in a file."""
    more = "snapshot: 10 test_iter: 2 test_interval: 20"
    text = lenet_solver(digits(tmp_path), tmp_path / "s", more=more)
    path = tmp_path / "solver.prototxt"
    path.write_text(text.replace("max_iter: 20", "max_iter: 60"))
    return path


def started(*words):
    return subprocess.Popen(
        [str(word) for word in words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )


def await_snapshot(folder, process, iteration):
    until = time.monotonic() + 300
    while not (folder / f"s_iter_{iteration}.solverstate").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)


def children(pid):
    """The ranks of a launcher: its processes, in the order of their start."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split() if b"caffe" in _command(word)]


def _command(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.slow
def test_a_killed_rank_is_named_and_all_go_on_from_the_last_snapshot(solver, tmp_path):
    words = [*TRAIN, "-solver", solver, "-nproc", "2"]
    whole = started(*words)
    assert whole.communicate(timeout=400)[0] is None
    assert whole.returncode == 0
    expected = (tmp_path / "s_iter_60.caffemodel").read_bytes()
    for path in solverstates(tmp_path / "s")[:-1]:
        path.unlink()  # an older run's first snapshot stays, which is not to be taken up
    process = started(*words, "-max_restarts", "1")
    await_snapshot(tmp_path, process, 20)
    os.kill(children(process.pid)[1], signal.SIGKILL)
    errors = process.communicate(timeout=400)[1]
    assert process.returncode == 0
    assert re.search(r"^error: rank 1 \(process \d+ on .+\) has died", errors, re.MULTILINE)
    assert errors.count("error: rank") == 1
    assert re.search(r"Resuming from .*s_iter_[2345]0\.solverstate", errors)
    assert (tmp_path / "s_iter_60.caffemodel").read_bytes() == expected


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_sigterm_writes_a_snapshot_and_the_status_says_start_again(solver, tmp_path, count):
    # However late the signal comes, it trains
    solver.write_text(solver.read_text().replace("max_iter: 60", "max_iter: 1000000"))
    process = started(*TRAIN, "-solver", solver, "-nproc", count)
    await_snapshot(tmp_path, process, 10)
    process.terminate()
    errors = process.communicate(timeout=100)[1]
    assert process.returncode == 75, errors
    assert "Optimization stopped early" in errors
    newest = solverstates(tmp_path / "s")[0]
    assert f"Snapshotting solver state to binary proto file {newest}" in errors
    assert "error" not in errors


# What cannot be.


def test_gpus_that_are_not_there_are_refused_before_anything_starts(solver, capsys):
    assert main(["train", "-solver", str(solver), "-gpu", "97,98"]) == 1
    assert "error: GPU 97 was asked for, but torch sees" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0,0", "1,0,1"])
def test_a_gpu_named_twice_is_refused(text):
    with pytest.raises(CaffeError, match=r"names GPU [01] more than once"):
        flags.gpu_ids(text)
    with pytest.raises(ValueError, match="names a GPU more than once"):
        gpu_ids(text)


def test_more_ranks_than_gpus_are_refused(solver, capsys, monkeypatch):
    for name, value in (("RANK", "2"), ("WORLD_SIZE", "3"), ("LOCAL_RANK", "2")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    assert main(["train", "-solver", str(solver), "-gpu", "0,1"]) == 1
    said = capsys.readouterr().err
    assert "a rank is number 2 on this machine, counted from 0, but there are 2 GPU(s)" in said
