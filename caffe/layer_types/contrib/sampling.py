"""Values of maps between their pixels."""

import torch


def sampled(maps: torch.Tensor, y: torch.Tensor, x: torch.Tensor, outside: float) -> torch.Tensor:
    """The bilinear values of maps (N, C, H, W) at places y, x, (N, P) each: (N, C, P).

    Between the last pixel and one further the last one counts; `outside`: what lies behind that,
    or before the first.
    """
    height, width = maps.shape[2:]
    inside = (y >= 0) & (x >= 0) & (y < height) & (x < width)
    y, x = y.where(inside, 0), x.where(inside, 0)
    above, left = y.detach().floor().long(), x.detach().floor().long()
    below, right = (above + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, across = (y - above).unsqueeze(1), (x - left).unsqueeze(1)
    flat = maps.flatten(2)

    def at(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        places = (rows * width + columns).unsqueeze(1).expand(-1, flat.shape[1], -1)
        return flat.gather(2, places)

    upper = torch.lerp(at(above, left), at(above, right), across)
    lower = torch.lerp(at(below, left), at(below, right), across)
    return torch.lerp(upper, lower, down).where(inside.unsqueeze(1), outside)
