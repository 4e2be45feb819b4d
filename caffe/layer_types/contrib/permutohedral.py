"""Gaussian filtering over positions in a space of a few dimensions, on a permutohedral lattice.

A. Adams, J. Baek, M. Davis: Fast High-Dimensional Filtering Using the Permutohedral Lattice,
Eurographics 2010. The scale of the lattice and the blur of (1/2, 1, 1/2) along each of its axes are
those of P. Krähenbühl and V. Koltun's dense CRFs, which CRF-RNN took over.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

TINY = 1e-20  # what keeps a sum of weights from 0


class Lattice(NamedTuple):
    """The lattice that N positions lie in; vertices are numbered from 0, M stands for none."""

    vertices: torch.Tensor  # (N, D + 1) int64: those around each position
    weights: torch.Tensor  # (N, D + 1): its barycentric coordinates among them
    neighbours: torch.Tensor  # (D + 1, 2, M) int64: of each vertex along each axis

    @property
    def size(self) -> int:
        return self.neighbours.shape[2]


def lattice(positions: torch.Tensor) -> Lattice:
    """The lattice for positions (N, D), whose unit of length is the Gaussian's deviation."""
    d = positions.shape[1]
    steps = torch.arange(d + 1, device=positions.device)
    remainder_0, rank, elevated = _simplices(positions)

    # The key of a vertex: its first d coordinates, which sum to 0 with the last one.
    canonical = (steps[:, None] + steps > d) * -(d + 1) + steps[:, None]  # (remainder, rank)
    keys = remainder_0[:, None, :d] + canonical[:, rank[:, :d]].movedim(0, 1)
    packed, strides = _packed(keys)
    known, vertices = torch.unique(packed, return_inverse=True)

    offset = (elevated - remainder_0) / (d + 1)
    at = d - rank
    weights = positions.new_zeros(len(positions), d + 2)
    weights.scatter_add_(1, at, offset)
    weights.scatter_add_(1, at + 1, -offset)
    weights[:, 0] += 1 + weights[:, d + 1]
    return Lattice(vertices, weights[:, : d + 1], _neighbours(known, strides, d))


def places(size: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """Of the pixels of an image (height, width), rows first: x and y, (height * width, 2)."""
    rows, columns = torch.meshgrid(
        *(torch.arange(count, device=like.device) for count in size), indexing="ij"
    )
    return torch.stack([columns.flatten(), rows.flatten()], 1).to(like.dtype)


def per_pixel(on: Lattice, like: torch.Tensor) -> torch.Tensor:
    """What `filtered` makes of ones, to divide by: 1 over it, (N, 1)."""
    return 1 / (filtered(on, like.new_ones(len(on.vertices), 1)) + TINY)


def filtered(on: Lattice, values: torch.Tensor) -> torch.Tensor:
    """Values (N, C) summed over all positions, weighted by a Gaussian of the distance: (N, C)."""
    corners = on.weights.shape[1]
    at = values.new_zeros(on.size + 1, values.shape[1])
    for corner in range(corners):
        at = at.index_add(0, on.vertices[:, corner], values * on.weights[:, corner, None])
    beyond = values.new_zeros(1, values.shape[1])
    for before, behind in on.neighbours:
        at = torch.cat([at[:-1] + 0.5 * (at[before] + at[behind]), beyond])
    sliced = torch.zeros_like(values)
    for corner in range(corners):
        sliced = sliced + at[on.vertices[:, corner]] * on.weights[:, corner, None]
    return sliced / (1 + 2.0 ** -(corners - 1))


def _simplices(positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The nearest vertex of remainder 0, the coordinates' rank in its simplex, the coordinates.

    Each is (N, D + 1), on the plane where coordinates sum to 0.
    """
    n, d = positions.shape
    steps = torch.arange(1, d + 1, device=positions.device)
    scale = math.sqrt(2 / 3) * (d + 1) / (steps * (steps + 1)).to(positions.dtype).sqrt()
    scaled = positions * scale
    behind = scaled.flip(1).cumsum(1).flip(1)  # the sums from each coordinate on
    elevated = torch.cat([behind, behind.new_zeros(n, 1)], 1)
    elevated[:, 1:] -= steps * scaled
    nearest = (elevated / (d + 1)).round()
    total = nearest.sum(1, keepdim=True).long()
    nearest = nearest.long() * (d + 1)
    apart = elevated - nearest
    order = torch.sort(apart, dim=1, descending=True, stable=True).indices
    rank = order.argsort(1) + total
    low, high = rank < 0, rank > d
    turn = (low.long() - high.long()) * (d + 1)
    return nearest + turn, rank + turn, elevated


def _packed(keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each key (..., d) as one number, and what a step along each coordinate adds to it.

    There is room around the keys for their neighbours.
    """
    d = keys.shape[-1]
    flat = keys.reshape(-1, d)
    low, high = flat.min(0).values - d - 1, flat.max(0).values + d + 1
    extents = (high - low + 1).tolist()
    strides = [1]
    for extent in extents[:-1]:
        strides.append(strides[-1] * extent)
    if strides[-1] * extents[-1] >= 2**63:
        raise OverflowError("positions reach too far for a lattice")
    along = torch.tensor(strides, device=keys.device)
    return ((keys - low) * along).sum(-1), along


def _neighbours(known: torch.Tensor, strides: torch.Tensor, d: int) -> torch.Tensor:
    """The vertices before and behind each one along each of the d + 1 axes."""
    every = strides.sum()
    found = []
    for axis in range(d + 1):
        turn = (d + 1) * strides[axis] if axis < d else 0
        step = turn - every  # one back along all coordinates, d forward along the axis's own
        found.append(torch.stack([_places(known, known + step), _places(known, known - step)]))
    return torch.stack(found)


def _places(known: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Where the wanted numbers are among the known, which are sorted; their count for none."""
    at = torch.searchsorted(known, wanted)
    inside = at.clamp(max=len(known) - 1)
    return torch.where(known[inside] == wanted, inside, len(known))
