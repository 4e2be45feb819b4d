"""Structured sparsity learning in a solver: groups of weights decay together, zeros stay."""

import numpy as np
import pytest
from support.laws import agree, normal

import caffe

RATE, MOMENTUM = 0.5, 0.5
WEIGHTS = normal(0, 4, 3, 2, 1)
WEIGHTS[1] = 0


def solver_of(tmp_path, spec="", layer="", more="", group=1):
    """A solver of a convolution of 4 rows whose gradient is 0."""
    path = tmp_path / "solver.prototxt"
    net = (
        f'layer {{ name: "x" type: "DummyData" top: "x" dummy_data_param {{ '
        f"shape {{ dim: 1 dim: {3 * group} dim: 2 dim: 1 }} }} }} "
        f'layer {{ name: "conv" type: "Convolution" bottom: "x" top: "loss" loss_weight: 1 {layer} '
        f"param {{ {spec} }} convolution_param {{ num_output: 4 group: {group} bias_term: false "
        "kernel_h: 2 kernel_w: 1 } }"
    )
    rates = f'base_lr: {RATE} lr_policy: "fixed" momentum: {MOMENTUM}'
    path.write_text(f"{rates} {more} train_net_param {{ {net} }}")
    solver = caffe.get_solver(path)
    solver.net.params["conv"][0].data[...] = WEIGHTS
    return solver


def stepped(solver):
    solver.step(1)
    return solver.net.params["conv"][0].data.copy()


def unit(x, axes):
    lengths = np.sqrt((x.astype(np.float64) ** 2).sum(axes, keepdims=True))
    return np.divide(x, lengths, out=np.zeros(x.shape), where=lengths > 0)


def test_rows_and_columns_decay_by_their_lengths(tmp_path):
    matrix = WEIGHTS.reshape(4, 6)
    spec = "breadth_decay_mult: 2 kernel_shape_decay_mult: 0.5"
    found = stepped(solver_of(tmp_path, spec, more="breadth_decay: 0.1 kernel_shape_decay: 0.2"))
    slope = 0.2 * unit(matrix, 1) + 0.1 * unit(matrix, 0)
    agree(found.reshape(4, 6), matrix - RATE * slope)


def test_the_columns_of_a_convolutions_groups_are_apart(tmp_path):
    found = stepped(solver_of(tmp_path, more="kernel_shape_decay: 0.2", group=2))
    groups = WEIGHTS.reshape(2, 2, 6)
    agree(found.reshape(2, 2, 6), groups - RATE * 0.2 * unit(groups, 1))


def test_blocks_decay_by_their_lengths(tmp_path):
    spec = "block_group_lasso { xdimen: 3 ydimen: 2 block_decay_mult: 4 }"
    found = stepped(solver_of(tmp_path, spec, more="block_group_decay: 0.1"))
    expected = WEIGHTS.reshape(4, 6).copy()
    for row in (0, 2):
        for column in (0, 3):
            block = expected[row : row + 2, column : column + 3]
            block -= RATE * 0.4 * unit(block, (0, 1))
    agree(found.reshape(4, 6), expected)
    bad = solver_of(
        tmp_path, "block_group_lasso { xdimen: 4 ydimen: 2 }", "", "block_group_decay: 1"
    )
    with pytest.raises(caffe.CaffeError, match=r"conv\[0\].*4 rows and 6 columns.*found 2 and 4"):
        bad.step(1)


def test_without_a_decay_of_the_solvers_nothing_decays(tmp_path):
    spec = "breadth_decay_mult: 2 block_group_lasso { xdimen: 3 ydimen: 2 }"
    agree(stepped(solver_of(tmp_path, spec)), WEIGHTS)


def test_a_parameter_may_have_its_own_kind_of_decay(tmp_path):
    for spelled in ("L1", "l1"):
        spec = f'regularization_type: "{spelled}"'
        found = stepped(solver_of(tmp_path, spec, more="weight_decay: 0.1"))
        agree(found, WEIGHTS - RATE * 0.1 * np.sign(WEIGHTS))
    bad = solver_of(tmp_path, 'regularization_type: "L3"', more="weight_decay: 0.1")
    with pytest.raises(caffe.CaffeError, match=r"parameter conv\[0\]: unknown .* 'L3'"):
        bad.step(1)


@pytest.mark.parametrize("mode", ["ELTWISE", "GRPWISE"])
def test_zeros_stay_where_a_layer_says_so(tmp_path, mode):
    solver = solver_of(tmp_path, layer=f"connectivity_mode: DISCONNECTED_{mode}")
    weights = WEIGHTS.copy()
    weights[:, 2, 1] = 0  # a column
    weights[0, 0, 0] = 0  # alone
    solver.net.params["conv"][0].data[...] = weights
    solver.net.forward()
    solver.net.params["conv"][0].diff[...] = 1
    solver.apply_update()
    found = solver.net.params["conv"][0].data
    still = weights == 0
    if mode == "GRPWISE":
        still[0, 0, 0] = False
    agree(found, np.where(still, 0, weights - RATE))
