"""What FlowNet's coefficients do to a batch of images, in torch: place, colours, effects."""

from collections.abc import Mapping, Sequence

import torch

from ...core.rng import generator

Columns = Mapping[str, torch.Tensor]  # a coefficient of all images, (N, 1, 1)


def sampled(x: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Images (N, C, H, W) between pixels, at places (N, 2, h, w), x and y, within 0.05 of the last.

    at: beyond the image the nearest place in it counts.
    """
    count, channels, height, width = x.shape
    zero = at.new_zeros(())
    column = torch.fmax(zero, torch.fmin(at[:, 0], zero + (width - 1.05)))
    row = torch.fmax(zero, torch.fmin(at[:, 1], zero + (height - 1.05)))
    left, top = column.floor(), row.floor()
    dx, dy = (column - left)[:, None], (row - top)[:, None]
    first = (top * width + left).long().reshape(count, 1, -1).expand(-1, channels, -1)
    flat = x.flatten(2)

    def corner(offset: int) -> torch.Tensor:
        return flat.gather(2, first + offset).reshape(count, channels, *at.shape[2:])

    above = corner(0) * (1 - dx) + corner(1) * dx
    below = corner(width) * (1 - dx) + corner(width + 1) * dx
    return above * (1 - dy) + below * dy


def recoloured(x: torch.Tensor, c: Columns, largest: float) -> torch.Tensor:
    """Of 3 channels 0 to 1: their shares, gamma, brightness and contrast; at most `largest`."""
    rgb = x * torch.stack([c["color1"], c["color2"], c["color3"]], 1)
    rgb = (rgb * (x.sum(1, keepdim=True) / (rgb.sum(1, keepdim=True) + 0.01))).clamp(0, 1)
    gamma, brightness, contrast = (c[name][:, None] for name in ("gamma", "brightness", "contrast"))
    return (0.5 + (rgb**gamma + brightness - 0.5) * contrast).clamp(0, largest)


def turned_colours(
    x: torch.Tensor, whole: torch.Tensor, c: Columns, vectors: Sequence[float], largest: float
) -> torch.Tensor:
    """Images x changed along three axes of colour, of which `vectors` has a row each.

    whole: the images that x is cut from; their mean and their farthest pixels are the measure.
    """
    axes = x.new_tensor(vectors).reshape(3, 3)

    def along(colours: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ij,nj...->ni...", axes, colours)

    mean = whole.mean((0, 2, 3))
    reach = along(whole).abs().amax((0, 2, 3))
    counts = (reach > 1e-2)[:, None, None]
    scale = torch.where(counts, reach[:, None, None], 1)
    mean_along = along(mean[None])[0][:, None, None] / scale

    def each(name: str) -> torch.Tensor:
        return torch.stack([c[f"{name}{i}"] for i in range(3)], 1)

    e = along(x - mean[:, None, None]) / scale
    changed = (_power(e, each("pow_nomean")) + each("add_nomean")) * each("mult_nomean")
    e = torch.where(counts, changed, e) + mean_along
    lightness = (_power(e[:, 0], c["pow_withmean0"]) + c["add_withmean0"]) * c["mult_withmean0"]
    lightness = torch.where(counts[0], lightness, e[:, 0])
    first, second = e[:, 1], e[:, 2]
    saturation = torch.hypot(first, second)
    wanted = (saturation ** c["pow_withmean1"] + c["add_withmean1"]).clamp(min=0)
    is_coloured = saturation > 1e-2
    factor = torch.where(is_coloured, wanted * c["mult_withmean1"] / saturation, 1)
    cosine, sine = c["col_angle"].cos(), c["col_angle"].sin()
    first, second = cosine * first - sine * second, sine * first + cosine * second
    e = torch.stack([lightness, first, second], 1) * scale
    length, longest = e.norm(dim=1), reach.norm()
    e = torch.stack([e[:, 0], e[:, 1] * factor, e[:, 2] * factor], 1)
    if longest > 1e-2:
        wanted = ((length / longest) ** c["lmult_pow"] + c["lmult_add"]).clamp(min=0)
        now = e.norm(dim=1)
        ratio = wanted * c["lmult_mult"] * longest / now
        lit = torch.minimum(e * ratio[:, None], reach[:, None, None])
        e = torch.where((now > 1e-2)[:, None], lit, e)
    return torch.einsum("ji,njhw->nihw", axes, e).clamp(0, largest)


def _power(x: torch.Tensor, exponent: torch.Tensor) -> torch.Tensor:
    return torch.copysign(x.abs() ** exponent, x)


def shaded(x: torch.Tensor, c: Columns, largest: float) -> torch.Tensor:
    """With a shadow on one side of a line, and noise."""
    height, width = x.shape[2:]
    across = torch.arange(width, device=x.device) - width // 2
    down = (torch.arange(height, device=x.device) - height // 2)[:, None]
    angle = c["shadow_angle"]
    lies = across * angle.cos() + down * angle.sin() - c["shadow_distance"] > 0
    x = (x - (lies * c["shadow_strength"])[:, None]).clamp(0, largest)
    noise = torch.randn(x.shape, generator=generator(x.device), device=x.device, dtype=x.dtype)
    return x + noise * c["noise"].clamp(min=0)[:, None]
