"""The solver's loop: learning-rate policies, what comes before the rule, test nets, log lines."""

import logging
import math
import re
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

import caffe
from caffe.proto import caffe_pb2
from caffe.solver.lr_policy import learning_rate

# loss = sum over items and outputs of w x + b, so the gradient by w is the sum of x, by b is 2.
NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "loss" loss_weight: 1
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  inner_product_param { num_output: 1 weight_filler { type: "uniform" min: -1 max: 1 }
                        bias_filler { value: 0.5 } } }
"""
X = np.array([[1, 2, 3], [3, 2, 1]], np.float32)


def make(folder: Path, text: str = 'lr_policy: "fixed"', net: str = NET, field: str = "net"):
    """A solver of `text`, with base_lr 0.1 if it says nothing else, and `net` in a file."""
    (folder / "net.prototxt").write_text(net)
    source = f'{field}: "{folder}/net.prototxt" ' if field else ""
    rate = "" if "base_lr" in text else "base_lr: 0.1 "
    (folder / "solver.prototxt").write_text(source + rate + text)
    solver = caffe.get_solver(str(folder / "solver.prototxt"))
    if "x" in solver.net.blobs:
        solver.net.blobs["x"].data[...] = X
    return solver


def weights(solver):
    return [np.float64(blob.data) for blob in solver.net.params["ip"]]


# Learning rates.

POLICIES = {
    "fixed": lambda i, base, gamma, power, step, most: base,
    "step": lambda i, base, gamma, power, step, most: base * gamma ** math.floor(i / step),
    "exp": lambda i, base, gamma, power, step, most: base * gamma**i,
    "inv": lambda i, base, gamma, power, step, most: base * (1 + gamma * i) ** (-power),
    "poly": lambda i, base, gamma, power, step, most: base * (1 - i / most) ** power,
    "sigmoid": lambda i, base, gamma, power, step, most: (
        base * (1 / (1 + np.exp(-gamma * (i - step))))
    ),
}


@pytest.mark.parametrize("policy", POLICIES)
@settings(deadline=None)
@given(st.integers(0, 100), st.floats(0.01, 0.99), st.floats(0.1, 3), st.integers(1, 50))
def test_every_lr_policy_is_its_formula(policy, iteration, gamma, power, step):
    param = caffe_pb2.SolverParameter(
        lr_policy=policy, base_lr=0.1, gamma=gamma, power=power, stepsize=step, max_iter=100
    )
    expected = POLICIES[policy](
        iteration, param.base_lr, param.gamma, param.power, step, param.max_iter
    )
    assert learning_rate(param, iteration) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_the_sigmoid_policy_goes_to_zero_without_overflow():
    param = caffe_pb2.SolverParameter(lr_policy="sigmoid", base_lr=1, gamma=5, stepsize=10**6)
    assert learning_rate(param, 0) == pytest.approx(0)
    assert learning_rate(param, 2 * 10**6) == pytest.approx(1)


def test_a_rate_too_large_for_a_float_is_infinite():
    param = caffe_pb2.SolverParameter(lr_policy="exp", base_lr=1, gamma=10)
    assert learning_rate(param, 10**6) == math.inf


def test_multistep_multiplies_by_gamma_from_each_stepvalue_on_one_each_iteration(tmp_path):
    """Two equal stepvalues are passed in two iterations, as in Caffe."""
    text = 'lr_policy: "multistep" base_lr: 1 gamma: 0.1 stepvalue: 2 stepvalue: 4 stepvalue: 4'
    solver = make(tmp_path, text)
    rates = []
    for _ in range(7):
        rates.append(solver.lr)
        before = weights(solver)[0]
        solver.step(1)
        np.testing.assert_allclose(before - weights(solver)[0], rates[-1] * X.sum(0)[None], 1e-4)
    np.testing.assert_allclose(rates, [1, 1, 0.1, 0.1, 0.01, 0.001, 0.001], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lr_policy: "magic"', r"solver\.prototxt: unknown lr_policy 'magic'; there are fixed"),
        ('lr_policy: "step"', "step needs a stepsize above 0; found 0"),
        ('lr_policy: "sigmoid"', "sigmoid needs a stepsize above 0; found 0"),
        *(
            (f'lr_policy: "{policy}" gamma: -1', f"{policy} needs a gamma of at least 0; found -1")
            for policy in ("step", "exp", "inv", "multistep", "sigmoid")
        ),
        ('lr_policy: "fixed" type: "Magic"', "unknown solver type 'Magic'; there are SGD"),
        ('lr_policy: "fixed" type: "AdaGrad" momentum: 0.9', "cannot be used with AdaGrad"),
        ('lr_policy: "fixed" type: "RMSProp" momentum: 0.9', "cannot be used with RMSProp"),
        ('lr_policy: "fixed" type: "RMSProp" rms_decay: 1', "rms_decay.*found 1"),
        ('lr_policy: "fixed" type: "RMSProp" rms_decay: -0.5', "rms_decay.*found -0.5"),
        ('lr_policy: "fixed" type: "Adam" momentum2: 1', "between -1 and 1; found 0 and 1"),
        ('lr_policy: "fixed" average_loss: 0', "average_loss must be at least 1; found 0"),
        ('lr_policy: "fixed" iter_size: 0', "iter_size must be at least 1; found 0"),
        (
            'lr_policy: "fixed" snapshot: 5 snapshot_prefix: "/no/such/folder/s"',
            "Cannot write to snapshot prefix '/no/such/folder/s'.*exists and is writable",
        ),
        ('lr_policy: "fixed" type: "SGD" solver_type: SGD', "not both"),
        ('lr_policy: "fixed" train_net: "x"', "training net as one of"),
        ('lr_policy: "fixed" test_iter: 1', "needs a test_interval"),
        ('lr_policy: "fixed" test_net: "x"', "test_iter needs a value for each of 1 test nets"),
        ('lr_policy: "fixed" test_iter: 1 test_state { } test_state { }', "test_state"),
    ],
)
def test_a_solver_that_caffe_refuses_is_an_error_that_names_its_file(tmp_path, text, message):
    with pytest.raises(caffe.CaffeError, match=message) as error:
        make(tmp_path, text)
    assert "solver.prototxt" in str(error.value)


def test_poly_ends_at_max_iter(tmp_path):
    solver = make(tmp_path, 'lr_policy: "poly" power: 0.9 max_iter: 2')
    solver.step(2)
    assert solver.lr == 0
    with pytest.raises(caffe.CaffeError, match="ends at max_iter 2"):
        solver.step(2)


def test_an_unknown_regularization_type_is_an_error(tmp_path):
    solver = make(tmp_path, 'lr_policy: "fixed" weight_decay: 1')
    solver.param.regularization_type = "L3"
    with pytest.raises(caffe.CaffeError, match="'L3'; there are L1 and L2"):
        solver.step(1)


# The update.


def test_the_learning_rate_is_inside_the_momentum(tmp_path):
    """When the rate falls to 0, the weights still move by what the history holds."""
    solver = make(
        tmp_path, 'lr_policy: "multistep" gamma: 0 stepvalue: 1 base_lr: 0.5 momentum: 0.5'
    )
    before = weights(solver)[0]
    solver.step(1)
    first = before - weights(solver)[0]
    np.testing.assert_allclose(first, 0.5 * X.sum(0)[None], rtol=1e-5)
    before = weights(solver)[0]
    solver.step(1)
    np.testing.assert_allclose(before - weights(solver)[0], 0.5 * first, rtol=1e-4)


def test_a_frozen_parameter_stays_and_a_shared_one_is_updated_once(tmp_path):
    net = """
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" loss_weight: 1 param { name: "w" }
      inner_product_param { num_output: 1 bias_term: false } }
    layer { name: "b" type: "InnerProduct" bottom: "x" top: "b" loss_weight: 1 param { name: "w" }
      inner_product_param { num_output: 1 bias_term: false } }
    layer { name: "c" type: "InnerProduct" bottom: "x" top: "c" loss_weight: 1 param { lr_mult: 0 }
      inner_product_param { num_output: 1 bias_term: false weight_filler { value: 3 } } }
    """
    solver = make(tmp_path, 'lr_policy: "fixed" base_lr: 1 weight_decay: 1', net)
    solver.step(1)
    np.testing.assert_allclose(solver.net.params["a"][0].data, -2 * X.sum(0)[None], rtol=1e-6)
    assert np.array_equal(solver.net.params["a"][0].data, solver.net.params["b"][0].data)
    assert np.all(solver.net.params["c"][0].data == 3)


def test_a_script_may_write_gradients_itself_and_apply_the_update(tmp_path):
    solver = make(tmp_path, 'lr_policy: "fixed" base_lr: 1 momentum: 0.9')
    before = weights(solver)[0]
    solver.net.clear_param_diffs()
    solver.net.params["ip"][0].diff[...] = 2
    solver.apply_update()
    np.testing.assert_allclose(before - weights(solver)[0], 2, rtol=1e-6)
    assert solver.iter == 1


# Running.


def test_callbacks_run_in_order_before_the_passes_and_before_the_update(tmp_path):
    solver = make(tmp_path)
    events = []

    def note(name):
        diff = float(np.abs(solver.net.params["ip"][0].diff).sum())
        events.append((name, solver.iter, diff > 0))

    solver.add_callback(lambda: note("start 1"), lambda: note("ready 1"))
    solver.add_callback(lambda: note("start 2"), lambda: note("ready 2"))
    before = weights(solver)[0]
    solver.step(1)
    assert events == [
        ("start 1", 0, False),
        ("start 2", 0, False),
        ("ready 1", 0, True),
        ("ready 2", 0, True),
    ]
    assert not np.array_equal(before, weights(solver)[0])
    solver.step(2)
    assert [i for name, i, _ in events if name == "start 1"] == [0, 1, 2]


def test_a_callback_may_change_the_gradient_and_the_rate(tmp_path):
    solver = make(tmp_path, 'lr_policy: "fixed" base_lr: 1')

    def ready():
        solver.net.params["ip"][0].diff[...] = 1
        solver.param.base_lr = 0.25

    solver.add_callback(lambda: None, ready)
    before = weights(solver)[0]
    solver.step(1)
    np.testing.assert_allclose(before - weights(solver)[0], 0.25, rtol=1e-5)


def test_average_loss_is_the_mean_of_the_last_iterations_of_this_step(tmp_path):
    solver = make(tmp_path, 'lr_policy: "fixed" average_loss: 3')
    losses = []
    solver.add_callback(
        lambda: None, lambda: losses.append(float(solver.net.blobs["loss"].data.sum()))
    )
    for count in (1, 4):
        del losses[:]
        solver.step(count)
        assert solver.smoothed_loss == pytest.approx(np.mean(losses[-3:]), rel=1e-5)


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "caffe")
    return lambda: [record.getMessage() for record in caplog.records]


TWO_PHASES = NET + (
    'layer { name: "seen" type: "Input" top: "seen" include { phase: TEST } '
    "input_param { shape { dim: 2 } } }"
    'layer { name: "staged" type: "Input" top: "staged" include { stage: "more" } '
    "input_param { shape { dim: 1 } } }"
)


def test_test_nets_share_the_weights_and_run_at_the_interval_and_at_the_start(tmp_path, lines):
    text = (
        'lr_policy: "fixed" test_iter: 2 test_iter: 3 test_interval: 2 test_compute_loss: true '
        'test_state { } test_state { stage: "more" }'
    )
    solver = make(tmp_path, text, TWO_PHASES)
    assert [list(net.blobs) for net in solver.test_nets] == [
        ["x", "loss", "seen"],
        ["x", "loss", "seen", "staged"],
    ]
    assert "seen" not in solver.net.blobs
    net = solver.test_nets[0]
    net.blobs["x"].data[...] = X
    net.blobs["seen"].data[...] = (4, 6)
    w, b = weights(solver)
    solver.step(5)
    said = lines()
    tests = [line for line in said if "Testing net" in line]
    assert tests == [f"Iteration {i}, Testing net (#{n})" for i in (0, 2, 4) for n in (0, 1)]
    loss = X @ w[0] + b
    at = said.index(tests[0])
    assert said[at + 1] == f"Test loss: {loss.sum():g}"
    outputs = [line.split() for line in said[at + 2 : at + 6]]
    assert [words[:6] for words in outputs] == [
        ["Test", "net", "output", f"#{i}:", name, "="]
        for i, name in enumerate(["loss", "loss", "seen", "seen"])
    ]
    values = [float(words[6]) for words in outputs]
    np.testing.assert_allclose(values, [*loss, 4, 6], rtol=1e-4)
    assert np.array_equal(net.params["ip"][0].data, solver.net.params["ip"][0].data)


def test_no_test_at_the_start_without_test_initialization(tmp_path, lines):
    text = 'lr_policy: "fixed" test_iter: 1 test_interval: 2 test_initialization: false'
    make(tmp_path, text).step(3)
    assert [line for line in lines() if "Testing" in line] == ["Iteration 2, Testing net (#0)"]


def test_states_of_net_and_solver_add_up_and_the_solvers_counts_more(tmp_path):
    net = 'state { stage: "own" level: 1 } ' + "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" include {{ {rule} }} '
        "input_param { shape { dim: 1 } } }"
        for name, rule in (
            ("train", "phase: TRAIN"),
            ("both", 'stage: "own" stage: "given"'),
            ("high", "min_level: 5"),
        )
    )
    solver = make(tmp_path, 'lr_policy: "fixed" train_state { stage: "given" level: 5 }', net)
    assert list(solver.net.blobs) == ["train", "both", "high"]


def test_display_logs_the_smoothed_loss_the_outputs_and_the_rate(tmp_path, lines):
    solver = make(tmp_path, 'lr_policy: "fixed" display: 2')
    w, b = weights(solver)
    solver.step(3)
    said = lines()[lines().index("Solver scaffolding done.") + 1 :]
    assert [line for line in said if "lr =" in line] == [f"Iteration {i}, lr = 0.1" for i in (0, 2)]
    loss = X @ w[0] + b
    number = r"\d+(\.\d+)?(e[-+]\d+)?"
    timing = rf"\({number} iter/s, {number}s/2 iters\)"
    assert re.fullmatch(rf"Iteration 0 {timing}, loss = {loss.sum():g}", said[0])
    assert re.fullmatch(rf"Iteration 2 {timing}, loss = \S+", said[4])
    for i in (0, 1):
        line = f"    Train net output #{i}: loss = {loss[i]:g} (* 1 = {loss[i]:g} loss)"
        assert said[1 + i] == line


def test_the_lines_of_a_run_are_caffes_in_caffes_order(tmp_path, lines):
    text = (
        'lr_policy: "multistep" gamma: 0.5 stepvalue: 1 max_iter: 2 clip_gradients: 1e-3 '
        f'display: 1 test_iter: 1 test_interval: 2 snapshot: 2 snapshot_prefix: "{tmp_path}/s"'
    )
    net = NET.replace("num_output: 1", "num_output: 1 bias_term: false").replace(
        "param { lr_mult: 2 decay_mult: 0 }", ""
    )
    solver = make(tmp_path, text, 'name: "small" ' + net)
    solver.solve()
    said = [line for line in lines() if "output #" not in line]
    at = said.index("Solving small")
    assert said[at - 3 : at] == [
        f"Creating training net from net file: {tmp_path}/net.prototxt",
        f"Creating test net (#0) specified by net file: {tmp_path}/net.prototxt",
        "Solver scaffolding done.",
    ]
    norm, scale = (
        f"{np.linalg.norm(X.sum(0)):g}",
        f"{np.float32(1e-3) / np.linalg.norm(X.sum(0)):g}",
    )
    clip = (
        f"Gradient clipping: scaling down gradients (L2 norm {norm} > 0.001) "
        f"by scale factor {scale}"
    )
    expected = [
        "Solving small",
        "Learning Rate Policy: multistep",
        "Iteration 0, Testing net (#0)",
        "Iteration 0 (",
        "Iteration 0, lr = 0.1",
        clip,
        "Iteration 1 (",
        "MultiStep Status: Iteration 1, step = 1",
        "Iteration 1, lr = 0.05",
        clip,
        f"Snapshotting to binary proto file {tmp_path}/s_iter_2.caffemodel",
        f"Snapshotting solver state to binary proto file {tmp_path}/s_iter_2.solverstate",
        "Iteration 2, loss = ",
        "Iteration 2, Testing net (#0)",
        "Optimization Done.",
    ]
    assert len(said[at:]) == len(expected)
    for line, start in zip(said[at:], expected, strict=True):
        assert line.startswith(start)


def test_debug_info_is_of_the_iterations_displayed_and_of_the_test_nets(tmp_path, lines):
    text = (
        'lr_policy: "fixed" debug_info: true display: 2 test_iter: 1 test_interval: 9 '
        "test_initialization: false"
    )
    solver = make(tmp_path, text)
    solver.step(1)

    def passes():
        return sum("[Forward] Layer ip, top" in line for line in lines())

    assert passes() == 1
    assert any("[Backward] Layer ip" in line for line in lines())
    solver.step(1)
    assert passes() == 1
    solver.test_all()
    assert passes() == 2


# Stopping.


def test_an_action_is_asked_for_after_each_update_and_before_each_test_pass(tmp_path, lines):
    text = 'lr_policy: "fixed" test_iter: 2 test_interval: 2 max_iter: 5'
    solver = make(tmp_path, text)
    asked = []
    solver.set_action_function(lambda: asked.append(solver.iter))
    solver.step(3)
    assert asked == [0, 0, 1, 2, 2, 2, 3]
    assert not solver.requested_early_exit


def test_stop_ends_after_the_iteration_with_a_snapshot(tmp_path, lines):
    text = f'lr_policy: "fixed" max_iter: 5 display: 1 snapshot_prefix: "{tmp_path}/s"'
    solver = make(tmp_path, text)
    solver.set_action_function(lambda: "stop" if solver.iter == 2 else None)
    solver.solve()
    assert solver.iter == 2
    assert solver.requested_early_exit
    assert lines()[-1] == "Optimization stopped early."
    assert [path.name for path in tmp_path.glob("*.solverstate")] == ["s_iter_2.solverstate"]
    solver.set_action_function(lambda: None)
    solver.solve()
    assert solver.iter == 5
    assert lines()[-1] == "Optimization Done."


def test_stop_in_a_test_ends_it_without_scores(tmp_path, lines):
    text = f'lr_policy: "fixed" test_iter: 3 test_interval: 1 snapshot_prefix: "{tmp_path}/s"'
    solver = make(tmp_path, text + " max_iter: 5")
    actions = iter([None, "stop"])
    solver.set_action_function(lambda: next(actions, None))
    before = weights(solver)[0]
    solver.solve()
    assert solver.iter == 0
    assert np.array_equal(weights(solver)[0], before)
    said = lines()
    assert "Test interrupted." in said
    assert not any("Test net output" in line for line in said)
    assert said[-1] == "Optimization stopped early."


def test_a_snapshot_that_is_asked_for_does_not_stop_the_run(tmp_path):
    text = f'lr_policy: "fixed" test_iter: 1 test_interval: 3 snapshot_prefix: "{tmp_path}/s"'
    solver = make(tmp_path, text)
    wanted = {0, 2, 4}
    solver.set_action_function(
        lambda: "snapshot" if solver.iter in wanted and not wanted.remove(solver.iter) else None
    )
    solver.step(5)
    assert solver.iter == 5
    assert {path.name for path in tmp_path.glob("*.solverstate")} == {
        f"s_iter_{i}.solverstate" for i in (0, 2, 4)
    }


# Snapshots.


def test_solve_goes_to_max_iter_and_snapshots_at_the_interval_and_the_end(tmp_path):
    text = f'lr_policy: "fixed" max_iter: 5 snapshot: 2 snapshot_prefix: "{tmp_path}/s"'
    solver = make(tmp_path, text)
    solver.solve()
    assert solver.iter == 5
    assert sorted(path.name for path in tmp_path.glob("s_*")) == sorted(
        f"s_iter_{i}.{kind}" for i in (2, 4, 5) for kind in ("caffemodel", "solverstate")
    )


def test_solve_writes_no_second_snapshot_and_none_at_the_end_if_told_so(tmp_path):
    for text, expected in (
        ("max_iter: 4 snapshot: 2", [2, 4]),
        ("max_iter: 3 snapshot_after_train: false", []),
    ):
        folder = tmp_path / str(len(expected))
        folder.mkdir()
        make(folder, f'lr_policy: "fixed" {text} snapshot_prefix: "{folder}/s"').solve()
        assert sorted(folder.glob("*.solverstate")) == [
            folder / f"s_iter_{i}.solverstate" for i in expected
        ]


def test_solve_tests_and_shows_the_final_loss_at_the_end_if_due(tmp_path, lines):
    text = (
        'lr_policy: "fixed" max_iter: 4 test_iter: 1 test_interval: 2 display: 4 '
        "snapshot_after_train: false"
    )
    solver = make(tmp_path, text)
    solver.solve()
    said = lines()
    assert "Iteration 4, Testing net (#0)" in said
    w, b = weights(solver)
    assert f"Iteration 4, loss = {(X @ w[0] + b).sum():g}" in said
    assert said[-1] == "Optimization Done."


def test_a_solver_without_a_prefix_writes_beside_its_prototxt_and_a_folder_takes_its_name(tmp_path):
    assert make(tmp_path).snapshot() == str(tmp_path / "solver_iter_0.solverstate")
    (tmp_path / "out").mkdir()
    solver = make(tmp_path, f'lr_policy: "fixed" snapshot_prefix: "{tmp_path}/out"')
    assert solver.snapshot() == str(tmp_path / "out" / "solver_iter_0.solverstate")


MOMENTUM = 'lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 5 momentum: 0.9'


def test_restoring_continues_as_if_never_stopped(tmp_path):
    straight = make(tmp_path, MOMENTUM)
    straight.step(3)
    state = straight.snapshot()
    straight.step(4)
    resumed = make(tmp_path, MOMENTUM)
    resumed.restore(state)
    assert resumed.iter == 3
    resumed.step(4)
    for ours, theirs in zip(weights(resumed), weights(straight), strict=True):
        assert np.array_equal(ours, theirs)
    assert resumed.lr == straight.lr
    solved = make(tmp_path, MOMENTUM + " max_iter: 7 snapshot_after_train: false")
    solved.solve(state)
    assert np.array_equal(weights(solved)[0], weights(straight)[0])


def test_a_solverstate_finds_its_caffemodel_beside_it_after_both_moved(tmp_path):
    solver = make(tmp_path, MOMENTUM)
    solver.step(1)
    state = Path(solver.snapshot())
    (tmp_path / "moved").mkdir()
    for path in (state, state.with_suffix(".caffemodel")):
        path.rename(tmp_path / "moved" / path.name)
    resumed = make(tmp_path, MOMENTUM)
    resumed.restore(str(tmp_path / "moved" / state.name))
    assert np.array_equal(weights(resumed)[0], weights(solver)[0])


def test_a_solverstate_of_another_net_changes_nothing(tmp_path):
    solver = make(tmp_path, MOMENTUM)
    solver.step(1)
    state = solver.snapshot()
    others = {
        "history blobs": NET.replace("num_output: 1", "num_output: 1 bias_term: false").replace(
            "param { lr_mult: 2 decay_mult: 0 }", ""
        ),
        r"ip\[0\].*\(1, 3\).*\(2, 3\)": NET.replace("num_output: 1", "num_output: 2"),
    }
    for i, (message, net) in enumerate(others.items()):
        (tmp_path / str(i)).mkdir()
        other = make(tmp_path / str(i), MOMENTUM, net)
        before = weights(other)
        with pytest.raises(caffe.CaffeError, match=message):
            other.restore(state)
        assert other.iter == 0
        for now, then in zip(weights(other), before, strict=True):
            assert np.array_equal(now, then)


TESTED = MOMENTUM + " test_iter: 1 test_interval: 100 test_initialization: false"


@pytest.mark.parametrize("ending", ["", " snapshot_format: HDF5"])
def test_the_test_nets_have_the_weights_restored(tmp_path, ending):
    """At once, not when a test runs; and what is learned then, as after a test."""
    solver = make(tmp_path, TESTED + ending)
    solver.step(2)
    state = solver.snapshot()
    resumed = make(tmp_path, TESTED + ending)
    net = resumed.test_nets[0]
    net.blobs["x"].data[...] = X
    net.forward()
    resumed.restore(state)
    for i, blob in enumerate(net.params["ip"]):
        assert np.array_equal(blob.data, solver.net.params["ip"][i].data)
    w, b = weights(solver)
    np.testing.assert_allclose(net.forward()["loss"], X @ w.T + b, rtol=1e-5)
    resumed.step(1)
    assert np.array_equal(net.params["ip"][0].data, resumed.net.params["ip"][0].data)


def test_until_a_test_or_a_restore_test_nets_have_weights_of_their_own_as_in_caffe(tmp_path):
    """What a script loads into one is not loaded into the other."""
    solver = make(tmp_path, TESTED)
    other = make(tmp_path)
    other.net.save(str(tmp_path / "w.caffemodel"))
    (test,) = solver.test_nets
    first = test.params["ip"][0].data.copy()
    assert not np.array_equal(first, weights(solver)[0])
    solver.net.copy_from(str(tmp_path / "w.caffemodel"))
    assert np.array_equal(test.params["ip"][0].data, first)
    solver.step(1)
    learned = weights(solver)[0]
    test.copy_from(str(tmp_path / "w.caffemodel"))
    assert np.array_equal(weights(solver)[0], learned)
    solver.test_all()
    assert np.array_equal(test.params["ip"][0].data, learned)


def test_a_test_net_that_cannot_share_is_an_error_of_its_test_not_of_the_restore(tmp_path):
    (tmp_path / "test.prototxt").write_text(NET.replace("num_output: 1", "num_output: 2"))
    text = f'{TESTED} train_net: "{tmp_path}/net.prototxt" test_net: "{tmp_path}/test.prototxt"'
    solver = make(tmp_path, text, field="")
    solver.step(1)
    resumed = make(tmp_path, text, field="")
    resumed.restore(solver.snapshot())
    assert resumed.iter == 1
    assert resumed.test_nets[0].params["ip"][0].shape == (2, 3)
    with pytest.raises(caffe.CaffeError, match="cannot share"):
        resumed.test_all()


def test_a_solverstate_whose_caffemodel_is_gone_changes_nothing(tmp_path):
    solver = make(tmp_path, MOMENTUM)
    solver.step(1)
    state = Path(solver.snapshot())
    state.with_suffix(".caffemodel").unlink()
    other = make(tmp_path, MOMENTUM)
    message = r"iter_1\.solverstate: its caffemodel is not there \(looked for .*1\.caffemodel\)"
    with pytest.raises(caffe.CaffeError, match=message):
        other.restore(str(state))
    assert other.iter == 0


# Ways to describe a solver.


def test_the_net_may_stand_in_the_solver_or_be_two_files(tmp_path):
    test = 'lr_policy: "fixed" test_iter: 1 test_interval: 9 '
    inline = make(tmp_path, f"net_param {{ {NET} }} {test}", field="")
    files = make(tmp_path, f'test_net: "{tmp_path}/net.prototxt" {test}', field="train_net")
    for solver in (inline, files):
        assert [list(net.params) for net in (solver.net, *solver.test_nets)] == [["ip"], ["ip"]]


def test_an_error_in_the_net_names_the_solvers_file_and_the_nets(tmp_path):
    with pytest.raises(caffe.CaffeError, match=r"solver\.prototxt: .*net\.prototxt: layer 'ip'"):
        make(tmp_path, net=NET.replace('bottom: "x"', 'bottom: "y"'))


def test_the_older_solver_type_is_a_type(tmp_path):
    for old, kind in (("SGD", "SGD"), ("ADAM", "Adam"), ("RMSPROP", "RMSProp")):
        solver = make(tmp_path, f'lr_policy: "fixed" solver_type: {old}')
        assert (solver.type, type(solver).__name__) == (kind, f"{kind}Solver")


def test_a_solver_may_be_a_message(tmp_path):
    text = f'net_param {{ {NET} }} base_lr: 1 lr_policy: "fixed" solver_type: ADAGRAD'
    param = text_format.Parse(text, caffe_pb2.SolverParameter())
    solver = caffe.get_solver(param)
    assert type(solver) is caffe.AdaGradSolver
    solver.param.base_lr = 0.5
    assert param.base_lr == 1
    assert param.HasField("solver_type")
    with pytest.raises(caffe.CaffeError, match="snapshot is specified but snapshot_prefix is not"):
        caffe.SGDSolver(caffe_pb2.SolverParameter(snapshot=5, lr_policy="fixed"))


def test_weights_may_be_shared_with_another_net(tmp_path):
    solver = make(tmp_path)
    other = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    solver.share_weights(other)
    solver.step(1)
    assert np.array_equal(other.params["ip"][0].data, weights(solver)[0])


def test_weights_of_the_solver_are_loaded_into_all_its_nets(tmp_path):
    source = make(tmp_path)
    source.net.save(str(tmp_path / "w.caffemodel"))
    text = f'lr_policy: "fixed" test_iter: 1 test_interval: 9 weights: "{tmp_path}/w.caffemodel"'
    solver = make(tmp_path, text)
    for net in (solver.net, *solver.test_nets):
        assert np.array_equal(net.params["ip"][0].data, weights(source)[0])


def test_of_several_weights_the_last_counts(tmp_path):
    source = make(tmp_path)
    for value in (1, 2, 3):
        source.net.params["ip"][0].data[...] = value
        source.net.save(str(tmp_path / f"{value}.caffemodel"))
    a, b, c = (f"{tmp_path}/{value}.caffemodel" for value in (1, 2, 3))
    for files, expected in ((f'weights: "{a}, {b}"', 2), (f'weights: "{b},{a}" weights: "{c}"', 3)):
        solver = make(tmp_path, f'lr_policy: "fixed" {files}')
        assert np.all(solver.net.params["ip"][0].data == expected)


def test_random_seed_decides_the_first_weights(tmp_path):
    first, second, other = (
        weights(make(tmp_path, f'lr_policy: "fixed" random_seed: {seed}'))[0] for seed in (5, 5, 6)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
