"""naibaf7's layers for segments whose borders are learnt: Affinity, ConnectedComponent, MalisLoss.

Turaga et al. 2009, "Maximin affinity learning of image segmentation".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import Loss


@layer_type("Affinity", "naibaf7's Caffe")
class Affinity(LayerType):
    """Of each bottom, 1 x C x H x W, how much a pixel is one with that below, and on the right.

    A top for each bottom, 1 x 2 x H x W: the smaller of the two values, in the channel that its
    `offset` names, 0 by default. The last row and the last column are 0. The gradient is of the
    smaller one, of two equal ones of the other pixel; where there are two channels, the other
    one has its opposite.
    """

    bottoms = (1, None)
    tops = (1, None)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        offsets = self._offsets(len(shapes))
        for offset, shape in zip(offsets, shapes, strict=True):
            self.check(
                len(shape) == 4 and shape[0] == 1 and 0 <= offset < shape[1],
                f"needs 1 x C x H x W, and an offset of 0 to C - 1; found shape {shape} "
                f"and {offset}",
            )
        self.check(len(self.spec.top) == len(shapes), "needs a top for each bottom")
        return [(1, 2, *shape[2:]) for shape in shapes]

    def _offsets(self, bottoms: int) -> list[int]:
        given = list(self.spec.affinity_param.offset)[:bottoms]
        return given + [0] * (bottoms - len(given))

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        offsets = self._offsets(len(bottoms))
        return [self._edges(x, offset) for x, offset in zip(bottoms, offsets, strict=True)]

    @staticmethod
    def _edges(x: torch.Tensor, offset: int) -> torch.Tensor:
        part = x[:, offset]
        if x.shape[1] == 2:  # opposite gradients, and the value of the first
            other = x[:, 1 - offset]
            part = part - (other - other.detach())
        here = part[:, :-1, :-1]
        tops = x.new_zeros(1, 2, *x.shape[2:])
        for edge, there in enumerate((part[:, 1:, :-1], part[:, :-1, 1:])):
            tops[:, edge, :-1, :-1] = here.where(here < there, there)
        return tops


@layer_type("ConnectedComponent", "naibaf7's Caffe")
class ConnectedComponent(LayerType):
    """The areas of one label each, of pixels that touch at an edge; 0 stays 0.

    They are numbered as their first pixels follow, row by row, from the map's largest label + 1
    on, in each map of N x C x H x W.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].detach()
        maps = x.trunc().flatten(0, 1)
        return torch.stack([_areas(each) for each in maps]).reshape(x.shape)


def _areas(labels: torch.Tensor) -> torch.Tensor:
    """The areas of a map (H, W)."""
    places = torch.arange(labels.numel(), device=labels.device).reshape(labels.shape)
    pairs = []
    for first, second in (
        ((slice(-1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(-1)), (slice(None), slice(1, None))),
    ):
        same = labels[first] == labels[second]
        pairs.append(torch.stack([places[first][same], places[second][same]]))
    one, other = torch.cat(pairs, 1)
    root = places.flatten()  # of each pixel the first one of its area, as far as it is known
    while True:
        ends = torch.stack([root[one], root[other]])
        least, most = ends.amin(0), ends.amax(0)
        if bool((least == most).all()):
            break
        root = root.scatter_reduce(0, most, least, "amin")
        while not torch.equal(root, root[root]):
            root = root[root]
    background = labels.flatten() == 0
    firsts = (root == places.flatten()) & ~background
    numbers = labels.max().clamp(min=0) + firsts.cumsum(0).to(labels.dtype)
    return numbers[root].where(~background, 0).reshape(labels.shape)


class Spread(NamedTuple):
    """What joining the pixels of an item costs, and how that falls as the edges' values grow."""

    loss: float
    fall: np.ndarray


@layer_type("MalisLoss", "naibaf7's Caffe")
class MalisLoss(Loss):
    """Half of what it costs that pixels of a segment are held apart, and that others are joined.

    Bottoms: edges' values of N x E x (Z x Y x) X, the true ones, segments N x 1 x ... or one map
    for what is apart and one for what is joined (N x 2 x ...), 0 for none; and, if that is no
    neighbour along each axis, how far away each edge's other pixel is, E x 3. The edges join pixels
    from the highest value on (of the smaller of value and truth for what is one segment, of the
    larger one for what is apart); a pair of pixels costs the square of 1 - value, or of the value,
    of the edge that joins it, the mean over all pairs. The gradient is the fork's: half of the
    derivative, not divided by N. A second top is bottom 0.
    """

    bottoms = (3, 4)
    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: index < 2)  # nothing: an Affinity gives both

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes[:2])
        values, truth, segments, *far = shapes
        self.check(
            3 <= len(values) <= 5
            and truth == values
            and segments[:1] + segments[2:] == values[:1] + values[2:]
            and segments[1] in (1, 2),
            "needs edges N x E x (Z x Y x) X, as many true ones, and segments N x 1 x ...; found "
            f"{shapes[:3]}",
        )
        edges = values[1]
        if far:
            self.check(int(np.prod(far[0])) == 3 * edges, f"needs {edges} x 3 ways; found {far[0]}")
        else:
            self.check(edges <= 3, f"needs a fourth bottom with the ways of {edges} edges")
        return [*tops, values][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, truth, segments = bottoms[0], bottoms[1].detach(), bottoms[2].detach()
        edges = x.shape[1]
        ways = np.eye(3, dtype=np.int64)[3 - edges :] if len(bottoms) == 3 else None
        if ways is None:
            ways = bottoms[3].detach().cpu().numpy().astype(np.int64).reshape(edges, 3)
        loss, slope = 0.0, np.zeros(tuple(x.shape))
        found, labels = x.detach(), segments.cpu().numpy().astype(np.int64)
        joined, apart = (
            pick(found, truth).cpu().numpy().astype(np.float64)
            for pick in (torch.minimum, torch.maximum)
        )
        for item in range(len(x)):
            for values, of_one, label in (
                (apart[item], False, labels[item, 0]),
                (joined[item], True, labels[item, -1]),
            ):
                spread = _spread(values, ways, label, of_one)
                loss += spread.loss / 2
                slope[item] -= spread.fall / 2
        own = torch.as_tensor(slope).to(x) * (x - x.detach())
        return [own.sum() + loss / len(x), x][: len(self.spec.top)]


def _spread(values: np.ndarray, ways: np.ndarray, labels: np.ndarray, of_one: bool) -> Spread:
    """The cost of pairs of one segment, or of two: of edges (E, ...) between labels (...)."""
    size = (1,) * (3 - labels.ndim) + labels.shape
    label = labels.reshape(-1)
    first, second, place = _edges(size, ways)
    value, fall = values.reshape(-1), np.zeros(values.size)
    order = np.argsort(-value[place], kind="stable")
    counts = np.unique(label[label != 0], return_counts=True)[1]
    in_one = int((counts * (counts - 1) // 2).sum())
    total = int(counts.sum())
    pairs = in_one if of_one else total * (total - 1) // 2 - in_one
    loss = 0.0
    root = list(range(label.size))
    held: list[dict[int, int]] = [{each: 1} if each else {} for each in label.tolist()]
    sizes = (label != 0).astype(np.int64).tolist()

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    for edge in order.tolist():
        one, other = find(first[edge]), find(second[edge])
        if one == other:
            continue
        if len(held[one]) < len(held[other]):
            one, other = other, one
        same = sum(count * held[one].get(each, 0) for each, count in held[other].items())
        count = same if of_one else sizes[one] * sizes[other] - same
        lacks = float(of_one) - value[place[edge]]
        loss += lacks * lacks * count
        fall[place[edge]] = lacks * count
        root[other] = one
        sizes[one] += sizes[other]
        for each, many in held[other].items():
            held[one][each] = held[one].get(each, 0) + many
        held[other] = {}
    return Spread(loss / max(pairs, 1), (fall / max(pairs, 1)).reshape(values.shape))


def _edges(size: Sequence[int], ways: np.ndarray) -> tuple[list[int], list[int], np.ndarray]:
    """Of all edges that end in the map: both pixels, and where their values are."""
    places = np.arange(int(np.prod(size))).reshape(size)
    firsts, seconds, of_value = [], [], []
    for edge, way in enumerate(ways):
        along = list(zip(way.tolist(), size, strict=True))
        here = tuple(slice(max(0, -step), max(0, n - max(0, step))) for step, n in along)
        there = tuple(slice(max(0, step), max(0, n + min(0, step))) for step, n in along)
        firsts.append(places[here].ravel())
        seconds.append(places[there].ravel())
        of_value.append(firsts[-1] + edge * places.size)
    return (
        np.concatenate(firsts).tolist(),
        np.concatenate(seconds).tolist(),
        np.concatenate(of_value),
    )
