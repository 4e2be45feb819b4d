"""The solvers against runs that BVLC Caffe 1.0 recorded, and the snapshots it wrote itself."""

import numpy as np
import pytest

from bench.recorded import FLOOR, FOLDER, RELATIVE, SOLVERS, solver_of, step, weights
from caffe.solver import solver as solvers
from caffe.storage import caffemodel


def agree(ours, theirs, what):
    np.testing.assert_allclose(ours, theirs, rtol=RELATIVE, atol=FLOOR, err_msg=what)


def snapshot(path):
    return FOLDER / "solvers" / "snapshot" / f"{path.stem}_iter_5.solverstate"


def weights_agree(net, record, prefix):
    compared = list(weights(net, record, prefix))
    assert compared
    for what, ours, theirs in compared:
        agree(ours, theirs, what)


@pytest.mark.parametrize("path", SOLVERS, ids=lambda p: p.stem)
def test_trains_as_bvlc_caffe(path, tmp_path, mode):
    """Losses, weights and history at the snapshot, final weights; our snapshot goes on the same."""
    record = np.load(path)
    solver = solver_of(record, tmp_path)
    for _, ours, theirs in weights(solver.net, record, "init/"):
        ours[...] = theirs
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

    resumed = solver_of(record, tmp_path)
    resumed.restore(state)
    assert resumed.iter == int(record["snap"])
    for i in range(resumed.iter, len(losses)):
        assert step(resumed, record, i) == losses[i], "resuming must not change a bit"


@pytest.mark.parametrize(
    "path",
    [pytest.param(SOLVERS[0], marks=pytest.mark.smoke), *SOLVERS[1:]],
    ids=[path.stem for path in SOLVERS],
)
def test_continues_from_bvlc_caffes_own_snapshot(path, tmp_path, mode):
    record = np.load(path)
    solver = solver_of(record, tmp_path)
    solver.restore(str(snapshot(path)))
    weights_agree(solver.net, record, "snap/")
    for i in range(solver.iter, len(record["losses"])):
        step(solver, record, i)
    weights_agree(solver.net, record, "final/")


def test_there_are_records_of_every_solver(tmp_path):
    assert len(SOLVERS) == 17
    assert {solver_of(np.load(path), tmp_path).type for path in SOLVERS} == set(solvers.SOLVERS)
