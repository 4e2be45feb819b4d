"""What TextBoxes++ predicts beside boxes: quadrilaterals, or rectangles that are turned."""

import torch

from ...proto import caffe_pb2

POLYGON, ROTATED = 8, 5  # values: four corners, or two and a height


def values_beside(param: caffe_pb2.DetectionOutputParameter) -> int:
    """How many values there are beside a box's four: 0 for all but TextBoxes++."""
    if not param.HasField("use_polygon"):
        return 0
    return POLYGON if param.use_polygon else ROTATED


def decoded(code: torch.Tensor, prior: torch.Tensor, variance: torch.Tensor | None) -> torch.Tensor:
    """Corners (..., 8), or two corners and a height (..., 5), from values relative to priors.

    Of a polygon the differences from the prior's corners, from upper left clockwise, in widths and
    heights of the prior (Liao et al. 2018, equation 2); of a turned rectangle the differences from
    the prior's centre, and the logarithm of the height's ratio. Without variance it is 1.
    """
    size = prior[..., 2:] - prior[..., :2]
    scale = size if variance is None else size * variance[..., :2]
    if code.shape[-1] == POLYGON:
        x1, y1, x2, y2 = prior.unbind(-1)
        corners = torch.stack([x1, y1, x2, y1, x2, y2, x1, y2], -1)
        return corners + code * torch.cat([scale] * 4, -1)
    centre = (prior[..., :2] + prior[..., 2:]) / 2
    ends = torch.cat([centre] * 2, -1) + code[..., :4] * torch.cat([scale] * 2, -1)
    height = code[..., 4:] if variance is None else code[..., 4:] * variance[..., 3:]
    return torch.cat([ends, height.exp() * size[..., 1:]], -1)
