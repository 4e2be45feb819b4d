"""The solvers against runs that BVLC Caffe 1.0 recorded, and the snapshots it wrote itself."""

from pathlib import Path

import numpy as np
import pytest

import caffe
from caffe.solver.solver import SOLVERS
from caffe.storage import caffemodel

FOLDER = Path(__file__).parents[1] / "records" / "solvers"
RECORDS = sorted(FOLDER.glob("*.npz"))


def agree(ours, theirs, what):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=what)


def make_solver(record, folder):
    (folder / "net.prototxt").write_text(str(record["net"]))
    text = str(record["solver"]).replace('prefix: "snapshot', f'prefix: "{folder}')
    (folder / "solver.prototxt").write_text(f'net: "{folder}/net.prototxt"\n{text}')
    return caffe.get_solver(str(folder / "solver.prototxt"))


def snapshot(path):
    return FOLDER / "snapshot" / f"{path.stem}_iter_5.solverstate"


def weights_agree(net, record, prefix):
    names = [k for k in record.files if k.startswith(prefix)]
    assert names
    for name in names:
        layer, index = name[len(prefix) :].split("/")
        agree(net.params[layer][int(index)].data, record[name], name)


def step(solver, record, i):
    solver.net.blobs["data"].data[...] = record["data"][i]
    solver.net.blobs["label"].data[...] = record["label"][i]
    solver.step(1)
    return float(solver.net.blobs["loss"].data)


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: p.stem)
def test_trains_as_bvlc_caffe(path, tmp_path, mode):
    """Losses, weights and history at the snapshot, final weights; our snapshot goes on the same."""
    record = np.load(path)
    solver = make_solver(record, tmp_path)
    for name in (k for k in record.files if k.startswith("init/")):
        _, layer, index = name.split("/")
        solver.net.params[layer][int(index)].data[...] = record[name]
    losses = []
    for i in range(len(record["losses"])):
        losses.append(step(solver, record, i))
        if i + 1 == int(record["snap"]):
            weights_agree(solver.net, record, "snap/")
            state = solver.snapshot()
    agree(losses, record["losses"], "losses")
    weights_agree(solver.net, record, "final/")

    theirs = caffemodel.read_state(snapshot(path))
    ours = caffemodel.read_state(state)
    assert (ours.iter, ours.current_step) == (theirs.iter, theirs.current_step)
    for mine, their in zip(ours.history, theirs.history, strict=True):
        assert mine.shape == their.shape
        agree(mine.values, their.values, "history")

    resumed = make_solver(record, tmp_path)
    resumed.restore(state)
    assert resumed.iter == int(record["snap"])
    for i in range(resumed.iter, len(losses)):
        assert step(resumed, record, i) == losses[i], "resuming must not change a bit"


@pytest.mark.parametrize(
    "path",
    [pytest.param(RECORDS[0], marks=pytest.mark.smoke), *RECORDS[1:]],
    ids=[path.stem for path in RECORDS],
)
def test_continues_from_bvlc_caffes_own_snapshot(path, tmp_path, mode):
    record = np.load(path)
    solver = make_solver(record, tmp_path)
    solver.restore(str(snapshot(path)))
    weights_agree(solver.net, record, "snap/")
    for i in range(solver.iter, len(record["losses"])):
        step(solver, record, i)
    weights_agree(solver.net, record, "final/")


def test_there_are_records_of_every_solver(tmp_path):
    assert len(RECORDS) == 17
    assert {make_solver(np.load(path), tmp_path).type for path in RECORDS} == set(SOLVERS)
