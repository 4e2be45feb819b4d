"""Pooling of regions as functions of tensors alone, for nets that are traced or exported."""

import torch

from .. import exporting

FARTHEST = 12  # of maps of a size that is left open: up to 2^12 pixels wide


def maxima(
    x: torch.Tensor, regions: torch.Tensor, size: tuple[int, int], scale: float
) -> torch.Tensor:
    """ROIPooling's top, of maps (N, C, H, W) and regions of 5 values, (R, C, *size)."""
    regions = regions.detach().reshape(-1, 5)
    if exporting.into_onnx():
        from .. import onnx_operators

        return onnx_operators.max_roi_pool(x, regions, *size, scale)
    corners = rounded(regions[:, 1:] * scale)
    (columns, rows) = (
        _parts(corners[:, i], (corners[:, i + 2] - corners[:, i] + 1).clamp(min=1), count, length)
        for i, count, length in ((0, size[1], x.shape[3]), (1, size[0], x.shape[2]))
    )
    across = _column_maxima(x, regions[:, 0].long(), *columns)
    inside = _inside(*rows, x.shape[2])[:, :, None, None]
    parts = [torch.where(part, across, -torch.inf).amax(-1) for part in inside.unbind(1)]
    full = (rows[1] > rows[0])[:, :, None] & (columns[1] > columns[0])[:, None]
    return torch.where(full[:, None], torch.stack(parts, 1).permute(0, 3, 1, 2), 0)


def means(x: torch.Tensor, regions: torch.Tensor, group: int, scale: float) -> torch.Tensor:
    """PSROIPooling's top, of maps (N, D * group^2, H, W) and regions: (R, D, group, group)."""
    regions = regions.detach().reshape(-1, 5)
    start = rounded(regions[:, 1:3]) * scale
    extent = ((rounded(regions[:, 3:]) + 1) * scale - start).clamp(min=0.1)
    columns, rows = (
        _inside(*_spans(start[:, i], extent[:, i], group), x.shape[3 - i]).to(x) for i in (0, 1)
    )
    image = regions[:, 0, None] == torch.arange(x.shape[0], device=x.device)
    of_image = columns[:, :, None] * image[:, None, :, None]  # R x group x N x W
    parts = x.unflatten(1, (-1, group, group)).permute(3, 0, 5, 1, 2, 4)  # j n w, d i h
    across = of_image.flatten(2).transpose(0, 1) @ parts.flatten(3).flatten(1, 2)  # j r, d i h
    across = across.unflatten(2, parts.shape[3:]).permute(1, 3, 4, 2, 0)  # r i h d j
    total = (rows[:, :, None] @ across.flatten(3)).reshape(*rows.shape[:2], -1, group)  # r i d j
    total = total.transpose(1, 2)
    return total / (rows.sum(2)[:, :, None] * columns.sum(2)[:, None]).clamp(min=1)[:, None]


def at_corners(
    x: torch.Tensor, regions: torch.Tensor, parts: tuple[int, int], scale: float
) -> torch.Tensor:
    """Bilinear values of maps (N, C, H, W) at the corners of parts of regions: (R, C, 1 + parts).

    A pixel's value is in its middle. 0 outside of the map, and of regions without extent.
    """
    corners = regions[:, 1:] * scale - 0.5
    extent = corners[:, 2:] - corners[:, :2]
    (columns, rows) = (
        corners[:, i, None] + torch.arange(count + 1).to(x) * (extent[:, i, None] / count)
        for i, count in ((0, parts[1]), (1, parts[0]))
    )
    inside = [
        (at >= -0.5) & (at <= length - 0.5) & (extent > 0).all(1, keepdim=True)
        for at, length in ((rows, x.shape[2]), (columns, x.shape[3]))
    ]
    y, z = rows.clamp(0, x.shape[2] - 1), columns.clamp(0, x.shape[3] - 1)
    above, left = y.floor().long(), z.floor().long()
    below, right = (above + 1).clamp(max=x.shape[2] - 1), (left + 1).clamp(max=x.shape[3] - 1)
    maps, image = x.movedim(1, -1), regions[:, 0].long()[:, None, None]
    across = (z - left)[:, None, :, None]
    upper, lower = (
        torch.lerp(
            maps[image, at[:, :, None], left[:, None]],
            maps[image, at[:, :, None], right[:, None]],
            across,
        )
        for at in (above, below)
    )
    values = torch.lerp(upper, lower, (y - above)[:, :, None, None])
    full = (inside[0][:, :, None] & inside[1][:, None])[..., None]
    return values.where(full, 0).movedim(-1, 1)


def rounded(values: torch.Tensor) -> torch.Tensor:
    """To whole numbers, halves away from 0: C's round."""
    whole = values.abs().floor()  # a half added to what is just below one makes one
    return values.sign() * (whole + (values.abs() - whole >= 0.5))


def _spans(
    start: torch.Tensor, extent: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each of `count` equal parts begins and ends, out to whole pixels: (R, count)."""
    step = (extent / count)[:, None]
    at = torch.arange(count + 1, device=start.device).to(start) * step + start[:, None]
    return at[:, :-1].floor(), at[:, 1:].ceil()


def _parts(
    start: torch.Tensor, extent: torch.Tensor, count: int, length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `_spans`, counted from the region's start, and inside of the map."""
    low, high = _spans(torch.zeros_like(start), extent, count)
    low, high = ((each + start[:, None]).clamp(0, length).long() for each in (low, high))
    return low, high


def _inside(low: torch.Tensor, high: torch.Tensor, length: int) -> torch.Tensor:
    """Which of `length` pixels lie in each part: (R, count, length)."""
    at = torch.arange(length, device=low.device)
    return (at >= low[..., None]) & (at < high[..., None])


def _column_maxima(
    x: torch.Tensor, image: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> torch.Tensor:
    """Of each row of a region's map, (R, count, C, H), the maximum between columns.

    It is that of two ranges of a power of 2, which overlap: the maxima of all such are made first.
    """
    columns = x.permute(0, 3, 1, 2)  # N x W x C x H
    width = columns.shape[1]
    levels = width.bit_length() if isinstance(width, int) else FARTHEST
    at = torch.arange(width, device=x.device)
    tables = [columns]
    for level in range(levels - 1):
        behind = (at + 2**level).clamp(max=width - 1)
        tables.append(torch.maximum(tables[-1], tables[-1].index_select(1, behind)))
    length = (high - low).clamp(min=1)
    powers = 2 ** torch.arange(1, levels, device=x.device)
    of_part = (length[..., None] >= powers).sum(-1)
    stacked, which = torch.stack(tables), image[:, None]
    first = low.clamp(max=width - 1)
    second = (high - 2**of_part).clamp(min=0)
    return torch.maximum(stacked[of_part, which, first], stacked[of_part, which, second])
