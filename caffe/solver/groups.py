"""Structured sparsity learning (Wen et al. 2016): groups of weights decay together, or stay 0.

A parameter is seen as a matrix: a row for each output, a column for each of its inputs.
"""

import torch

from ..core.errors import CaffeError
from ..graph.build import Parameter
from ..proto import caffe_pb2

MODES = caffe_pb2.LayerParameter


def counts(p: Parameter, param: caffe_pb2.SolverParameter) -> bool:
    """Whether anything here is done to this parameter."""
    return _decays(p, param) or p.connectivity != MODES.CONNECTED


def _decays(p: Parameter, param: caffe_pb2.SolverParameter) -> bool:
    """Whether a group of it decays."""
    return bool(
        param.breadth_decay * p.spec.breadth_decay_mult
        or param.kernel_shape_decay * p.spec.kernel_shape_decay_mult
        or (param.block_group_decay and p.spec.block_group_lasso)
    )


def regularise(
    gradient: torch.Tensor, weights: torch.Tensor, p: Parameter, param: caffe_pb2.SolverParameter
) -> None:
    """Add the gradient of the groups' lengths (group lasso), each times its decay.

    breadth_decay counts for rows, kernel_shape_decay for columns, those of each of a convolution's
    groups apart, block_group_decay for blocks of ydimen rows and xdimen columns.
    """
    if not _decays(p, param):
        return
    rows = _rows(weights)
    matrix = weights.reshape(rows, -1)
    into = gradient.view(rows, -1)
    parts = matrix.reshape(p.groups if rows % p.groups == 0 else 1, -1, matrix.shape[1])
    by_column = param.kernel_shape_decay * p.spec.kernel_shape_decay_mult
    into.add_(_directions(parts, (1,)).reshape(matrix.shape), alpha=by_column)
    into.add_(_directions(matrix, (1,)), alpha=param.breadth_decay * p.spec.breadth_decay_mult)
    for block in p.spec.block_group_lasso if param.block_group_decay else ():
        if not (block.xdimen and block.ydimen) or any(
            size % part
            for size, part in zip(matrix.shape, (block.ydimen, block.xdimen), strict=True)
        ):
            raise CaffeError(
                f"parameter {p.name}: block_group_lasso divides its {matrix.shape[0]} rows and "
                f"{matrix.shape[1]} columns into ydimen and xdimen; found {block.ydimen} and "
                f"{block.xdimen}"
            )
        blocks = matrix.unflatten(1, (-1, block.xdimen)).unflatten(0, (-1, block.ydimen))
        decay = param.block_group_decay * block.block_decay_mult
        into.add_(_directions(blocks, (1, 3)).reshape(matrix.shape), alpha=decay)


def _rows(weights: torch.Tensor) -> int:
    return weights.shape[0] if weights.dim() else 1


def _directions(groups: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """Groups along these axes divided by their lengths; 0 where the length is."""
    lengths = torch.linalg.vector_norm(groups, dim=axes, keepdim=True)
    return (groups / lengths).where(lengths > 0, 0)


def keep_zeros(update: torch.Tensor, weights: torch.Tensor, p: Parameter) -> None:
    """Take out of an update, in place, what would make weights of 0 anything else.

    DISCONNECTED_ELTWISE: all of them. DISCONNECTED_GRPWISE: those of rows and of columns that are 0
    altogether, in each of a convolution's groups.
    """
    if p.connectivity == MODES.CONNECTED:
        return
    alive = weights.ne(0)
    if p.connectivity == MODES.DISCONNECTED_GRPWISE:
        parts = alive.reshape(p.groups, _rows(weights) // p.groups, -1)
        alive = (parts.any(1, keepdim=True) & parts.any(2, keepdim=True)).reshape(weights.shape)
    update.mul_(alive)
