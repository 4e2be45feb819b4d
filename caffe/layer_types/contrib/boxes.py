"""Boxes: corners x1, y1, x2, y2, as parts of an image or in pixels."""

from collections.abc import Callable

import numpy as np
import torch

from ...core.rectangles import overlap
from ...proto import caffe_pb2

CODES = caffe_pb2.PriorBoxParameter


def decoded(
    code: torch.Tensor, prior: torch.Tensor, variance: torch.Tensor | None, kind: int
) -> torch.Tensor:
    """Boxes (..., 4) from what was predicted relative to priors; without variance it is 1.

    kind: CORNER, differences of the corners; CORNER_SIZE, these in widths and heights of the prior;
    CENTER_SIZE, the centre's difference in them, and the logarithm of the size's ratio.
    """
    if variance is not None:
        code = code * variance
    if kind == CODES.CORNER:
        return prior + code
    size = prior[..., 2:] - prior[..., :2]
    if kind == CODES.CORNER_SIZE:
        return prior + code * torch.cat([size, size], -1)
    centre = (prior[..., :2] + prior[..., 2:]) / 2 + code[..., :2] * size
    half = code[..., 2:].exp() * size / 2
    return torch.cat([centre - half, centre + half], -1)


def encoded(
    box: torch.Tensor, prior: torch.Tensor, variance: torch.Tensor | None, kind: int
) -> torch.Tensor:
    """What `decoded` makes the boxes (..., 4) of."""
    size = prior[..., 2:] - prior[..., :2]
    if kind == CODES.CORNER:
        code = box - prior
    elif kind == CODES.CORNER_SIZE:
        code = (box - prior) / torch.cat([size, size], -1)
    else:
        middle = (box[..., :2] + box[..., 2:] - prior[..., :2] - prior[..., 2:]) / 2
        ratio = (box[..., 2:] - box[..., :2]) / size
        code = torch.cat([middle / size, ratio.log()], -1)
    return code if variance is None else code / variance


def greedy(
    found: np.ndarray, clash: Callable[[np.ndarray, np.ndarray], np.ndarray], most: int
) -> np.ndarray:
    """Indices of boxes (P, 4), the best first: those that clash with none that is taken before.

    clash(one, others) says with which (K) of others (K, 4) a box (4) clashes; most: how many are
    taken.
    """
    left = np.arange(len(found))
    taken: list[int] = []
    while len(left) and len(taken) < most:
        first, left = left[0], left[1:]
        taken.append(int(first))
        left = left[~clash(found[first], found[left])]
    return np.array(taken, int)


def suppressed(
    found: np.ndarray,
    scores: np.ndarray,
    confidence: float | None,
    threshold: float,
    eta: float,
    top_k: int,
) -> list[int]:
    """Indices of boxes (P, 4) by falling score, without those that overlap a better one.

    Only scores above `confidence` count, and of them the top_k highest (-1: all); of equal ones the
    first comes first. threshold is what an overlap may be at most; while it is above 0.5, each kept
    box multiplies it by eta.
    """
    order = np.argsort(-scores, kind="stable")
    if confidence is not None:
        order = order[scores[order] > confidence]
    if top_k > -1:
        order = order[:top_k]
    kept: list[int] = []
    for index in order.tolist():
        if kept and (overlap(found[index], found[kept]) > threshold).any():
            continue
        kept.append(index)
        if eta < 1 and threshold > 0.5:
            threshold *= eta
    return kept
