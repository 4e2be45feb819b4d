"""WassersteinLoss."""

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.gradients import layer_of
from support.laws import FLT_MIN, SEED, SMALL, agree, law
from support.net_text import run_layer
from torch.utils._python_dispatch import TorchDispatchMode

import caffe

BODY = 'wasserstein_param { ground_metric: "%s" lambda: 2 scaling_iter: %d shift_gradient: %s }'


def written(folder, costs):
    with h5py.File(folder / "metric.h5", "w") as file:
        file["data"] = costs
    return folder / "metric.h5"


@law("WassersteinLoss")
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(SEED, SMALL, st.sampled_from(["true", "false"]), st.booleans(), st.integers(1, 2))
def test_what_is_carried_costs_its_way(tmp_path, seed, n, shifts, of_classes, axes):
    rng = np.random.RandomState(seed)
    costs = np.abs(np.subtract.outer(np.arange(3), np.arange(3))) / 3
    p = rng.dirichlet(np.ones(3), n).astype(np.float32)
    label = rng.randint(0, 3, n)
    target = np.eye(3)[label] if of_classes else rng.dirichlet(np.ones(3), n)
    body = BODY % (written(tmp_path, costs), 60, shifts)
    given_target = label.reshape((n, 1)[:axes]) if of_classes else target
    found = run_layer("WassersteinLoss", body, [p, given_target], diffs=[np.float32(1)])
    kernel, u = np.exp(-2 * costs - 1), np.ones((n, 3))
    for _ in range(60):
        v = target / (u @ kernel)
        u = p.astype(np.float64) / (v @ kernel.T)
    plans = u[:, :, None] * kernel * v[:, None]
    agree(plans.sum(1), target, 1e-3, 1e-3)  # what the iterations are for
    agree(plans.sum(2), p, 1e-3, 1e-3)
    inside = np.where(plans > 0, plans, 1)
    loss = (plans * costs).sum() + (inside * np.log(inside)).sum() / 2
    agree(found.y[0], loss / n, 1e-3, 1e-4)
    slope = np.log(u) / 2 / n
    agree(found.dx[0], slope - slope.mean(1, keepdims=True) * (shifts == "true"), 1e-3, 1e-4)


def test_no_tensor_has_an_items_values_for_each_pair_of_classes(tmp_path):
    path, most = written(tmp_path, np.ones((30, 30)) - np.eye(30)), 0
    shapes = [(9, 30), (9, 30)]
    layer = layer_of("WassersteinLoss", BODY % (path, 3, "false"), shapes, 1, caffe.TRAIN)

    class Sizes(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal most
            top = func(*args, **(kwargs or {}))
            most = max(most, top.numel() if isinstance(top, torch.Tensor) else 0)
            return top

    with Sizes():
        layer.expression([torch.full(shape, 1 / 30) for shape in shapes], [])
    assert most == 30 * 30


def test_a_class_that_nothing_comes_from_costs_nothing(tmp_path):
    p, target = np.float32([[0, 0.25, 0.75]]), np.float32([[0.5, 0.5, 0]])
    costs = np.abs(np.subtract.outer(np.arange(3), np.arange(3))) / 3
    body = BODY % (written(tmp_path, costs), 60, "false")
    kernel, u = np.exp(-2 * costs - 1), np.ones((1, 3))
    for _ in range(60):
        v = target / (u @ kernel)
        u = p.astype(np.float64) / (v @ kernel.T)
    plan = (u[:, :, None] * kernel * v[:, None])[0]
    inside = np.where(plan > 0, plan, 1)
    loss = (plan * costs).sum() + (inside * np.log(inside)).sum() / 2
    found = run_layer("WassersteinLoss", body, [p, target], diffs=[np.float32(1)])
    agree(found.y[0], loss, 1e-4, 1e-5)
    agree(found.dx[0], np.log(np.maximum(u, FLT_MIN)) / 2, 1e-4, 1e-4)


def test_the_costs_are_of_the_classes(tmp_path):
    path = written(tmp_path, np.zeros((2, 2)))
    inputs = [np.full((2, 3), 1 / 3), np.zeros(2)]
    for body, message in (
        ("", "needs lambda and scaling_iter above 0"),
        (BODY % ("", 3, "true"), "needs ground_metric"),
        (BODY % (path, 3, "true"), r"must be 3 x 3; found shape \(2, 2\)"),
        (BODY % (tmp_path / "none", 3, "true"), "none"),
    ):
        with pytest.raises((caffe.CaffeError, OSError), match=message):
            run_layer("WassersteinLoss", body, inputs)
