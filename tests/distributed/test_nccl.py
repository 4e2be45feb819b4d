"""caffe.NCCL, as BVLC's python/train.py uses it: here on two CPU processes, by Gloo."""

import numpy as np
import pytest
from support import ranks
from support.ranks import trained
from support.small_nets import digits, lenet_solver

import caffe
from caffe.distributed import rendezvous


def timed(solver, nccl):
    """The function `time` of train.py: timers as hooks, NCCL among the callbacks."""
    fprop = [caffe.Timer() for _ in solver.net.layers]
    bprop = [caffe.Timer() for _ in solver.net.layers]
    total, allrd = caffe.Timer(), caffe.Timer()
    solver.net.before_forward(lambda layer: fprop[layer].start())
    solver.net.after_forward(lambda layer: fprop[layer].stop())
    solver.net.before_backward(lambda layer: bprop[layer].start())
    solver.net.after_backward(lambda layer: bprop[layer].stop())
    solver.add_callback(lambda: total.start(), lambda: (total.stop(), allrd.start()))
    solver.add_callback(nccl)
    solver.add_callback(lambda: "", lambda: allrd.stop())
    return allrd


def solve(rank, uid, text, snapshot, timing):
    """The function `solve` of train.py, in CPU mode."""
    caffe.set_mode_cpu()
    caffe.set_solver_count(2)
    caffe.set_solver_rank(rank)
    caffe.set_multiprocess(True)

    solver = ranks.solver_of(text)
    if snapshot and len(snapshot) != 0:
        solver.restore(snapshot)

    nccl = caffe.NCCL(solver, uid)
    nccl.bcast()

    if timing and rank == 0:
        assert timed(solver, nccl).ms >= 0
    else:
        solver.add_callback(nccl)

    if solver.param.layer_wise_reduce:
        solver.net.after_backward(nccl)
    solver.step(10)
    return ranks.parameters(solver)


def solved(text, snapshot="", timing=False):
    uid = caffe.NCCL.new_uid()
    return ranks.outcomes(*ranks.start(2, solve, uid, text, snapshot, timing))


@pytest.mark.parametrize(
    ("more", "timing"),
    [
        pytest.param("", True, marks=pytest.mark.long),
        pytest.param("layer_wise_reduce: false", False, marks=pytest.mark.long),
        ("iter_size: 2", False),
    ],
)
def test_train_py_averages_over_the_solvers(tmp_path, more, timing):
    database = digits(tmp_path)
    first, second = solved(lenet_solver(database, tmp_path / "s", more=more, batch=1), "", timing)
    size = 4 if "iter_size" in more else 2
    text = lenet_solver(database, tmp_path / "t", more=f"iter_size: {size}", batch=1)
    for mine, theirs, alone in zip(first, second, trained(None, text, 10), strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert np.abs(mine - alone).max() <= 1e-6 * np.abs(alone).max()


def test_the_root_alone_tests_and_takes_snapshots_and_all_go_on_from_one(tmp_path):
    database = digits(tmp_path)
    more = "snapshot: 5 test_iter: 2 test_interval: 5"
    whole, _ = solved(lenet_solver(database, tmp_path / "s", more=more))
    states = sorted(path.name for path in tmp_path.glob("s_iter_*.solverstate"))
    assert states == ["s_iter_10.solverstate", "s_iter_5.solverstate"]
    text = lenet_solver(database, tmp_path / "t", more=more)
    resumed, _ = solved(text, str(tmp_path / "s_iter_5.solverstate"))
    assert (tmp_path / "t_iter_15.solverstate").exists()
    assert len(resumed) == len(whole)


def test_a_uid_names_a_run():
    assert isinstance(caffe.NCCL.new_uid(), str)
    with pytest.raises(caffe.CaffeError, match=r"names no run: give what caffe.NCCL.new_uid\(\)"):
        rendezvous.of_uid("mine", 0, 2)
