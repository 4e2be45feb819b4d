"""Which caffemodel a solverstate takes: its own, which lies beside it, wherever both were moved."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

import caffe
from caffe.proto import caffe_pb2

FORMATS = {"BINARYPROTO": "", "HDF5": ".h5"}
NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "loss" loss_weight: 1
  inner_product_param { num_output: 1 } }
"""


def make(snapshot_format: str, prefix: str = "snapshot/s", value: float = 0) -> caffe.SGDSolver:
    text = f"""net_param {{ {NET} }} base_lr: 1 lr_policy: "fixed" snapshot_prefix: "{prefix}"
    snapshot_format: {snapshot_format}"""
    solver = caffe.get_solver(text_format.Parse(text, caffe_pb2.SolverParameter()))
    solver.net.params["ip"][0].data[...] = value
    return solver


def run(folder: str, snapshot_format: str, prefix: str, value: float) -> Path:
    """A snapshot of weights that are all `value`; its solverstate."""
    Path(folder).mkdir(exist_ok=True)
    return Path(make(snapshot_format, prefix, value).snapshot())


def restored(state, snapshot_format: str) -> float:
    solver = make(snapshot_format, "unused/s", -1)
    solver.restore(state)
    (value,) = np.unique(solver.net.params["ip"][0].data)
    return float(value)


@pytest.fixture(params=FORMATS)
def snapshot_format(request):
    return request.param


@pytest.fixture(params=["relative", "absolute"])
def prefix(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return "snapshot/s" if request.param == "relative" else f"{tmp_path}/snapshot/s"


def others(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if "takes the weights of" in r.getMessage()]


def test_a_run_that_was_moved_aside_keeps_its_weights_though_another_took_its_place(
    snapshot_format, prefix, caplog
):
    state = run("snapshot", snapshot_format, prefix, 1)
    Path("snapshot").rename("snapshot.1")
    run("snapshot", snapshot_format, prefix, 2)
    assert restored(Path("snapshot.1") / state.name, snapshot_format) == 1
    (line,) = others(caplog)
    model = state.name.replace("solverstate", "caffemodel")
    assert line == (
        f"snapshot.1/{state.name}: takes the weights of snapshot.1/{model}, which lies beside it; "
        f"{prefix}_iter_0.caffemodel{FORMATS[snapshot_format]}, where they were written, "
        "holds others"
    )
    assert restored(state, snapshot_format) == 2
    assert len(others(caplog)) == 1


def test_beside_it_may_be_the_folder_that_one_is_in(snapshot_format, prefix, monkeypatch):
    state = run("snapshot", snapshot_format, prefix, 1)
    Path("snapshot").rename("old")
    run("snapshot", snapshot_format, prefix, 2)
    monkeypatch.chdir("old")
    assert restored(state.name, snapshot_format) == 1
    assert restored(Path(state.name), snapshot_format) == 1


def test_nothing_is_said_of_a_copy(snapshot_format, prefix, caplog):
    state = run("snapshot", snapshot_format, prefix, 1)
    shutil.copytree("snapshot", "backup")
    assert restored(Path("backup") / state.name, snapshot_format) == 1
    assert not others(caplog)


def test_a_solverstate_alone_takes_the_weights_where_they_were_written(snapshot_format, prefix):
    state = run("snapshot", snapshot_format, prefix, 1)
    Path("alone").mkdir()
    moved = shutil.move(state, "alone")
    assert restored(moved, snapshot_format) == 1


def test_beside_a_link_is_beside_the_link_and_then_beside_the_file(snapshot_format, prefix):
    state = run("snapshot", snapshot_format, prefix, 1)
    Path("snapshot").rename("old")
    run("snapshot", snapshot_format, prefix, 2)
    Path("best").mkdir()
    link = Path("best") / state.name
    link.symlink_to(Path("..") / "old" / state.name)
    assert restored(link, snapshot_format) == 1
    third = run("third", snapshot_format, "third/s", 3)
    model = third.name.replace("solverstate", "caffemodel")
    shutil.copy(Path("third") / model, Path("best") / model)
    assert restored(link, snapshot_format) == 3


def test_where_there_is_none_the_error_names_both_places(snapshot_format, prefix):
    state = run("snapshot", snapshot_format, prefix, 1)
    model = state.with_name(state.name.replace("solverstate", "caffemodel"))
    model.unlink()
    Path("alone").mkdir()
    moved = shutil.move(state, "alone")
    with pytest.raises(caffe.CaffeError) as error:
        restored(moved, snapshot_format)
    beside = os.path.abspath(Path("alone") / model.name)
    assert f"looked for {beside} and {os.path.abspath(model)}" in str(error.value)
    assert str(moved) in str(error.value)


def test_a_damaged_one_beside_it_is_an_error_and_no_reason_to_take_another(snapshot_format, prefix):
    state = run("snapshot", snapshot_format, prefix, 1)
    shutil.copytree("snapshot", "moved")
    model = Path("moved") / state.name.replace("solverstate", "caffemodel")
    model.write_bytes(b"no weights")
    with pytest.raises(caffe.CaffeError, match="moved/s_iter_0"):
        restored(Path("moved") / state.name, snapshot_format)


def test_a_solverstate_that_names_none_restores_the_history_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = run("snapshot", "BINARYPROTO", "snapshot/s", 1)
    message = caffe_pb2.SolverState.FromString(state.read_bytes())
    message.ClearField("learned_net")
    state.write_bytes(message.SerializeToString())
    assert restored(state, "BINARYPROTO") == -1
