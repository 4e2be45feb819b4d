"""Every field of a solver at 0, below it and absent: what Caffe does then, from a file to the end.

Caffe refuses few of them (CHECKs in solver.cpp and sgd_solver.cpp); the others mean what its
arithmetic makes of them: no tests, no iterations, no update.
"""

import logging
from pathlib import Path

import numpy as np
import pytest

import caffe

# loss = sum of w x + b over the items.
NET = """
layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 3 }
  data_filler { type: "constant" value: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "loss" loss_weight: 1
  inner_product_param { num_output: 1 weight_filler { type: "constant" value: 1 } } }
"""
GRADIENT = 4.0  # of each weight: 2 items of 2
BASE = dict(base_lr="0.5", lr_policy='"fixed"', max_iter="3", snapshot_after_train="false")


@pytest.fixture
def solve(tmp_path, caplog):
    """Solve with fields changed, or absent (None); returns the solver and the lines it logs."""
    caplog.set_level(logging.INFO, "caffe")

    def run(**changes: str | None) -> tuple[caffe.SGDSolver, list[str]]:
        (tmp_path / "net.prototxt").write_text(NET)
        fields = {"net": f'"{tmp_path}/net.prototxt"', **BASE, **changes}
        (tmp_path / "solver.prototxt").write_text(
            "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)
        )
        solver = caffe.get_solver(str(tmp_path / "solver.prototxt"))
        caplog.clear()
        solver.solve()
        return solver, [record.getMessage() for record in caplog.records]

    return run


def weight(solver) -> float:
    (value,) = np.unique(solver.net.params["ip"][0].data)
    return float(value)


def states(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.solverstate")}


TRAINED = 1 - 3 * 0.5 * GRADIENT


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"base_lr": None}, 1),
        ({"base_lr": "0"}, 1),
        ({"base_lr": "-0.5"}, 2 - TRAINED),
        ({"average_loss": None}, TRAINED),
        ({"iter_size": None}, TRAINED),
        ({"display": "0"}, TRAINED),
        ({"display": "-2"}, TRAINED),
        ({"test_interval": "0"}, TRAINED),
        ({"test_interval": "-1"}, TRAINED),  # without test nets
        ({"momentum": "0"}, TRAINED),
        ({"momentum": "-1"}, 1 - 0.5 * GRADIENT * (1 + 0 + 1)),
        ({"weight_decay": "0"}, TRAINED),
        ({"weight_decay": "0", "regularization_type": '"L3"'}, TRAINED),  # nobody asks then
        ({"weight_decay": "-1", "max_iter": "1"}, 1 - 0.5 * (GRADIENT - 1)),
        ({"clip_gradients": "0"}, 1),
        ({"clip_gradients": "-3"}, TRAINED),
        ({"random_seed": "0"}, TRAINED),
        ({"random_seed": "-7"}, TRAINED),
        ({"random_seed": "4294967301"}, TRAINED),
        ({"device_id": "-1"}, TRAINED),  # scripts choose the device
        ({"solver_mode": None, "device_id": None}, TRAINED),
        ({"gamma": "-1"}, TRAINED),  # the policy fixed has none
        ({"stepsize": "0"}, TRAINED),
        ({"power": "-1"}, TRAINED),
        ({"snapshot": "0"}, TRAINED),
        ({"test_initialization": "false"}, TRAINED),
        ({"lr_policy": '"step"', "stepsize": "1", "gamma": None}, 1 - 0.5 * GRADIENT),
        ({"lr_policy": '"step"', "stepsize": "1", "gamma": "0"}, 1 - 0.5 * GRADIENT),
        ({"lr_policy": '"exp"', "gamma": None}, 1 - 0.5 * GRADIENT),
        ({"lr_policy": '"inv"', "gamma": "0", "power": "-2"}, TRAINED),
        ({"lr_policy": '"inv"', "gamma": "1", "power": None}, TRAINED),
        ({"lr_policy": '"multistep"', "gamma": "0"}, TRAINED),  # no stepvalue
        ({"lr_policy": '"multistep"', "gamma": "0", "stepvalue": "0"}, 1),
        ({"lr_policy": '"multistep"', "gamma": "0", "stepvalue": "-4"}, 1),
        ({"lr_policy": '"poly"', "power": None}, TRAINED),
        ({"lr_policy": '"poly"', "power": "0"}, TRAINED),
        ({"lr_policy": '"poly"', "power": "-1"}, 1 - 0.5 * GRADIENT * (1 + 3 / 2 + 3)),
        ({"lr_policy": '"sigmoid"', "gamma": "0", "stepsize": "1"}, 1 - 3 * 0.25 * GRADIENT),
    ],
    ids=str,
)
def test_what_caffe_takes(solve, changes, expected):
    solver, _ = solve(**changes)
    np.testing.assert_allclose(weight(solver), expected, rtol=1e-5)


@pytest.mark.parametrize("policy", ["fixed", "poly"])
@pytest.mark.parametrize("max_iter", [None, "0", "-3"])
def test_without_iterations_solve_writes_a_snapshot(solve, tmp_path, policy, max_iter):
    solver, said = solve(
        max_iter=max_iter, lr_policy=f'"{policy}"', snapshot_after_train="true", display="1"
    )
    assert (solver.iter, weight(solver)) == (0, 1)
    assert states(tmp_path) == {"solver_iter_0.solverstate"}  # beside its file: no snapshot_prefix
    assert "Iteration 0, loss = 12" in said
    assert said[-1] == "Optimization Done."
    solver.restore(str(tmp_path / "solver_iter_0.solverstate"))


@pytest.mark.parametrize("iterations", [0, -2])
def test_a_step_of_no_iterations_does_nothing(solve, iterations):
    solver, _ = solve()
    solver.step(iterations)
    assert (solver.iter, weight(solver)) == (3, TRAINED)


@pytest.mark.parametrize("iterations", [1.5, 2.0, "2", None])
def test_a_step_of_no_integer_is_an_error(solve, iterations):
    solver, _ = solve()
    with pytest.raises(TypeError, match="a number of iterations is an integer; found"):
        solver.step(iterations)
    solver.step(np.int64(1))
    assert (type(solver.iter), solver.iter) == (int, 4)


@pytest.mark.parametrize("max_iter", [None, "0", "-3"])
def test_a_step_by_the_policy_poly_needs_a_last_iteration(solve, max_iter):
    """Caffe divides 0 by 0 and makes all weights NaN."""
    solver, _ = solve(max_iter=max_iter, lr_policy='"poly"', power="0.9")
    with pytest.raises(caffe.CaffeError, match="poly needs a max_iter above 0; found"):
        solver.step(1)
    assert weight(solver) == 1


@pytest.mark.parametrize("passes", ["0", "-1", "-2147483648"])
@pytest.mark.parametrize("compute_loss", ["false", "true"])
def test_a_test_of_no_passes_shows_no_scores(solve, passes, compute_loss):
    solver, said = solve(test_iter=passes, test_interval="2", test_compute_loss=compute_loss)
    assert weight(solver) == TRAINED
    assert [line for line in said if "Testing" in line] == [
        f"Iteration {i}, Testing net (#0)" for i in (0, 2)
    ]
    assert not any("Test net output" in line for line in said)
    losses = [line for line in said if line.startswith("Test loss")]
    mean = "nan" if passes == "0" else "-0"
    assert losses == ([f"Test loss: {mean}"] * 2 if compute_loss == "true" else [])
    (net,) = solver.test_nets
    assert np.array_equal(net.params["ip"][0].data, solver.net.params["ip"][0].data)


def test_of_two_test_nets_one_may_have_no_passes(solve):
    _, said = solve(test_iter="0\ntest_iter: 2", test_interval="3")
    assert sum("Testing net (#1)" in line for line in said) == 2
    outputs = [line for line in said if "Test net output" in line]
    assert [line.split("=")[0].split("#")[1] for line in outputs] == ["0: loss ", "1: loss "] * 2


def test_display_below_zero_counts_as_above(solve):
    _, said = solve(display="-2")
    shown = [line.split(" (")[0] for line in said if "iter/s" in line]
    assert shown == ["Iteration 0", "Iteration 2"]
    assert any("s/-2 iters)" in line for line in said)


def test_an_interval_of_snapshots_below_zero_counts_as_above(solve, tmp_path):
    solve(snapshot="-2", snapshot_prefix=f'"{tmp_path}/s"', snapshot_after_train="true")
    assert states(tmp_path) == {"s_iter_2.solverstate", "s_iter_3.solverstate"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"average_loss": "0"}, "average_loss must be at least 1; found 0"),
        ({"average_loss": "-1"}, "average_loss must be at least 1; found -1"),
        ({"iter_size": "0"}, "iter_size must be at least 1; found 0"),  # Caffe: NaN
        ({"iter_size": "-1"}, "iter_size must be at least 1; found -1"),
        ({"test_iter": "0"}, "needs a test_interval above 0; found 0"),
        ({"test_iter": "1", "test_interval": "-5"}, "needs a test_interval above 0; found -5"),
        ({"lr_policy": None}, "unknown lr_policy ''"),
        ({"lr_policy": '"step"', "stepsize": "0"}, "stepsize above 0; found 0"),
        ({"lr_policy": '"step"', "stepsize": "-1"}, "stepsize above 0; found -1"),
        ({"lr_policy": '"sigmoid"', "stepsize": None}, "stepsize above 0; found 0"),
        ({"lr_policy": '"exp"', "gamma": "-0.1"}, "gamma of at least 0; found -0.1"),
        ({"type": '""'}, "unknown solver type ''"),
        ({"net": None}, "the training net as one of"),
        ({"max_iter": "2147483648"}, "max_iter"),  # an int32
        ({"snapshot": "-1", "snapshot_prefix": '"no/such/s"'}, "Cannot write to snapshot prefix"),
        ({"weight_decay": "-1", "regularization_type": '""'}, "there are L1 and L2"),
        # Powers of these are 1, and more: Adam's corrections would divide by 0.
        ({"type": '"Adam"', "momentum": "1"}, "between -1 and 1; found 1 and 0.999"),
        ({"type": '"Adam"', "momentum": "-1"}, "between -1 and 1; found -1 and 0.999"),
        ({"type": '"Adam"', "momentum2": "-2"}, "between -1 and 1; found 0 and -2"),
    ],
    ids=str,
)
def test_what_is_refused(solve, changes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        solve(**changes)


def test_an_unknown_regularization_is_an_error_before_the_first_step(tmp_path):
    path = tmp_path / "solver.prototxt"
    fields = BASE | {"weight_decay": "1", "regularization_type": '"L3"'}
    lines = (f"{name}: {value}" for name, value in fields.items())
    path.write_text("\n".join([f"net_param {{ {NET} }}", *lines]))
    with pytest.raises(caffe.CaffeError, match="L3'; there are L1 and L2"):
        caffe.get_solver(str(path))
