"""Fields of forks' solvers: rates, spellings, and what is refused where strict."""

import math

import numpy as np
import pytest

import caffe
from caffe.proto import caffe_pb2
from caffe.proto.upgrade import read_solver
from caffe.solver.lr_policy import Plateau, learning_rate, plateau_at

NET = """
layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 3 }
  data_filler { type: "constant" value: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "loss" loss_weight: 1
  inner_product_param { num_output: 1 weight_filler { type: "constant" value: 1 } } }
"""


def param(**fields):
    return caffe_pb2.SolverParameter(base_lr=2, max_iter=100, **fields)


def rates(found, iterations):
    return [learning_rate(found, i) for i in iterations]


def test_cosine_falls_as_half_a_wave():
    found = rates(param(lr_policy="cosine", min_lr=1), (0, 25, 50, 100))
    assert found == pytest.approx([2, 1.5 + math.sqrt(2) / 4, 1.5, 1])


def test_nvidias_poly_ends_at_its_lowest_rate():
    assert rates(param(lr_policy="poly", power=2, min_lr=1), (0, 50, 100)) == [2, 1.25, 1]


def test_multifixed_has_a_rate_for_each_stage():
    found = param(lr_policy="multifixed", stagelr=[3, 2, 1], stageiter=[10, 20, 30])
    assert rates(found, (0, 10, 11, 20, 21, 31, 90)) == [3, 3, 2, 2, 1, 1, 1]


@pytest.mark.parametrize(
    "fields",
    [dict(warmup_iter=10, warmup_start_lr=1), dict(rampup_interval=10, rampup_lr=1)],
)
def test_a_warm_up_rises_to_the_base_rate_whatever_the_policy(fields):
    found = param(lr_policy="step", stepsize=15, gamma=0.5, **fields)
    assert rates(found, (0, 5, 9, 10, 14, 15)) == [1, 1.5, 1.9, 2, 2, 1]


def test_a_plateau_of_the_loss_lowers_the_rate():
    """The rule, iteration by iteration: a lower loss or a step begins to count anew."""
    solver = param(lr_policy="plateau", gamma=0.5, plateau_winsize=[3, 2])
    losses = [9, 8, 8, 8, 8, 7, 7, 7, 7, 7]
    step, plateau, found = 0, Plateau(), []
    for i, loss in enumerate(losses):
        step, plateau = plateau_at(solver, i, step, plateau, loss)
        found.append(learning_rate(solver, i, step))
    assert found == [2, 2, 2, 2, 1, 1, 1, 0.5, 0.5, 0.5]


@pytest.fixture
def solver(tmp_path):
    def make(text):
        (tmp_path / "net.prototxt").write_text(NET)
        (tmp_path / "s.prototxt").write_text(
            f'net: "{tmp_path}/net.prototxt" base_lr: 0 max_iter: 8 '
            f'snapshot_prefix: "{tmp_path}/s" {text}'
        )
        return caffe.get_solver(tmp_path / "s.prototxt")

    return make


def test_a_plateau_is_kept_in_a_snapshot(solver):
    text = 'lr_policy: "plateau" gamma: 0.5 plateau_winsize: 3 plateau_winsize: 3'
    whole = solver(text)
    whole.step(8)
    assert whole.current_step == 2
    first = solver(text)
    first.step(2)
    state = first.snapshot()
    second = solver(text)
    second.restore(state)
    assert second._plateau == first._plateau
    second.step(6)
    assert (second.current_step, second._plateau) == (whole.current_step, whole._plateau)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('type: "adam"', caffe.AdamSolver),
        ('type: "NESTEROV"', caffe.NesterovSolver),
        ("type: rmsprop rms_decay: 0.5", caffe.RMSPropSolver),
        ("type: AdaGrad", caffe.AdaGradSolver),
        ("", caffe.SGDSolver),
    ],
)
def test_a_solvers_type_is_spelled_anyhow(solver, text, kind):
    assert type(solver(f"lr_policy: fixed regularization_type: l1 {text}")) is kind


def test_missing_quotes_keep_the_place_of_an_error(tmp_path):
    path = tmp_path / "s.prototxt"
    path.write_text("type: SGD\nbase_lrr: 1")
    with pytest.raises(caffe.CaffeError, match=r":2:1: .*base_lrr"):
        read_solver(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lr_policy: "cosine"', "unknown lr_policy 'cosine'; there are fixed, .*sigmoid"),
        ("warmup_iter: 3", "several forks, not of Caffe 1.0; .*set_strict"),
        ('lr_policy: "fixed" type: "adam"', "unknown solver type 'adam'"),
        ("type: SGD", "Expected string"),
    ],
)
def test_strict_solvers_are_bvlcs(strict, solver, text, message):
    with pytest.raises(caffe.CaffeError, match=message):
        solver(text)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (dict(lr_policy="multifixed", stagelr=[1]), "a stageiter for each stagelr; found 0 and 1"),
        (dict(lr_policy="multifixed"), "a stageiter for each"),
        (dict(lr_policy="cosiine"), "there are fixed, .*cosine"),
    ],
)
def test_a_policy_that_cannot_work_says_why(fields, message):
    with pytest.raises(caffe.CaffeError, match=message):
        learning_rate(param(**fields), 0)


def test_an_iteration_behind_the_end_of_a_cosine_is_refused():
    with pytest.raises(caffe.CaffeError, match="lr_policy cosine ends at max_iter 100"):
        learning_rate(param(lr_policy="cosine"), 101)


def test_a_warm_up_trains_with_its_rates(solver):
    found = solver('lr_policy: "fixed" warmup_iter: 2 warmup_start_lr: 0.5')
    found.step(3)
    np.testing.assert_allclose(found.net.params["ip"][0].data, 1 - 4 * (0.5 + 0.25 + 0))
