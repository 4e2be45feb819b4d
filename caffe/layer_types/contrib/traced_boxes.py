"""Choosing among boxes as functions of tensors alone, for nets that are traced or exported."""

import torch

from .. import exporting


def taken(boxes: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The boxes (B, K, V) at these places (B, K) of boxes (B, P, V)."""
    return boxes.gather(1, at[..., None].expand(*at.shape, boxes.shape[-1]))


def overlap(one: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """As core.rectangles.overlap, of boxes (B, 1, 4) and (B, K, 4)."""
    low = torch.maximum(one[..., :2], others[..., :2])
    sides = torch.minimum(one[..., 2:], others[..., 2:]) - low
    common = sides[..., 0] * sides[..., 1]
    union = _area(one) + _area(others) - common
    apart = (sides <= 0).any(-1)
    return torch.where(apart, 0, common / torch.where(apart, 1, union))


def _area(box: torch.Tensor) -> torch.Tensor:
    sides = box[..., 2:] - box[..., :2]
    return torch.where((sides < 0).any(-1), 0, sides[..., 0] * sides[..., 1])


def greedy(
    boxes: torch.Tensor, scores: torch.Tensor, counts: torch.Tensor, threshold: float, eta: float
) -> torch.Tensor:
    """Which of boxes (B, K, 4), the best first, overlap none before them that is kept: (B, K).

    scores (B, K) are in falling order; counts (B, K) says which boxes take part, in each row those
    before the others. threshold is what an overlap may be at most; while it is above 0.5, each kept
    box multiplies it by eta.
    """
    if exporting.into_onnx():  # eta is 1 there
        from .. import onnx_operators

        # Ends before beginnings mean no overlap, not what ONNX reads as a box upside down.
        ends = torch.maximum(boxes[..., :2], boxes[..., 2:])
        flat = (ends <= boxes[..., :2]).any(-1)  # and so overlaps none
        boxes = torch.cat([boxes[..., :2], ends], -1)
        # The order alone counts. OpenCV 5.0 knows boxes of a score above 0 and with an area only.
        ranks = torch.arange(scores.shape[1], 0, -1, device=boxes.device).to(boxes)
        kept = onnx_operators.not_suppressed(boxes, ranks.expand_as(scores), threshold) > 0
        return (kept | flat) & counts
    places = torch.arange(boxes.shape[1], device=boxes.device)
    most = counts.sum(1).amax()

    def step(
        i: torch.Tensor, kept: torch.Tensor, limit: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        here = places == i
        one = boxes.index_select(1, i.reshape(1))
        clash = (overlap(one, boxes) > limit) & kept
        takes = (counts & here).any(1, keepdim=True) & ~clash.any(1, keepdim=True)
        lower = torch.where(takes & (limit > 0.5), limit * eta, limit)
        return i + 1, kept | (takes & here), lower

    state = (
        torch.zeros((), dtype=torch.int64, device=boxes.device),
        torch.zeros_like(counts),
        torch.full_like(scores.narrow(1, 0, 1), threshold),
    )
    return torch.while_loop(lambda i, kept, limit: i < most, step, state)[1]
