"""Layer types that give maps another size: FlowNet's Resample and Downsample, Resize and others."""

import numpy as np
import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, layer_type
from .sampling import sampled

Param = caffe_pb2.ResampleParameter


class Sized(LayerType):
    """N x C x H x W to another height and width: the prototxt's, or those of a second bottom."""

    bottoms = (1, 2)
    reads_bottom = staticmethod(lambda index: index == 0)
    reads_values = False
    diff_bottoms = staticmethod(lambda index: index == 0)

    def given(self, shape: Shape) -> tuple[int, int]:
        """Height and width by the prototxt, for a bottom of this shape."""
        raise NotImplementedError

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        for shape in shapes:
            self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        size = shapes[1][2:] if len(shapes) == 2 else self.given(shapes[0])
        self.check(min(size) > 0, f"needs a height and a width, or a second bottom; found {size}")
        return [(*shapes[0][:2], *size)]

    def size(self, bottoms: list[torch.Tensor]) -> tuple[int, int]:
        *_, height, width = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])[0]
        return height, width


@layer_type("Resample", "FlowNet")
class Resample(Sized):
    """The bottom at the centres of the top's pixels: NEAREST, LINEAR or CUBIC.

    With antialias (the default) the filters are as wide as the top's pixels where these are larger;
    their weights sum up to 1 at the edges too. As in the fork, a column's centre goes by the rows'
    ratio of sizes, and a row's by that of the columns, which matters where the two differ.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(
            self.spec.resample_param.type != Param.AREA,
            "type AREA is of no fork; there are NEAREST, LINEAR and CUBIC",
        )

    def given(self, shape: Shape) -> tuple[int, int]:
        param = self.spec.resample_param
        if param.HasField("factor") and not param.HasField("height"):
            return int(shape[2] * param.factor), int(shape[3] * param.factor)
        return param.height, param.width

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0]
        ratios = [before / now for before, now in zip(x.shape[2:], self.size(bottoms), strict=True)]
        # Tensors, for an export may leave the sizes open: no `if` on them.
        given = torch.stack([x.new_ones(()) * ratio for ratio in ratios])
        wide = (given.amax(0) > 1) & self.spec.resample_param.antialias
        reaches = given.where(wide, 1)
        rows, columns = (
            self._weights(x, axis, count, ratios[axis], ratios[1 - axis] / 2 - 0.5, reaches[axis])
            for axis, count in enumerate(self.size(bottoms))
        )
        return rows @ x @ columns.T

    def _weights(
        self,
        x: torch.Tensor,
        axis: int,
        count: int,
        ratio: float,
        offset: float,
        reach: torch.Tensor,
    ) -> torch.Tensor:
        """What each value of the top has of each of an axis, (count, before)."""
        before = x.shape[2 + axis]
        at = torch.arange(count, device=x.device).to(x.dtype) * ratio + offset
        places = torch.arange(before, device=x.device).to(x.dtype)
        kind = self.spec.resample_param.type
        if kind == Param.NEAREST:
            nearest = (at + 0.5).floor().clamp(0, before - 1)
            return (nearest[:, None] == places).to(x.dtype)
        apart = (at[:, None] - places).abs() / reach
        weights = _cubic(apart) if kind == Param.CUBIC else (1 - apart).clamp(min=0)
        total = weights.sum(1, keepdim=True)
        return weights / total.where(total != 0, 1)


def _cubic(x: torch.Tensor) -> torch.Tensor:
    """Keys's cubic convolution, a = -1/2, of distances."""
    near = x**2 * (1.5 * x - 2.5) + 1
    far = x * (x * (-0.5 * x + 2.5) - 4) + 2
    return near.where(x <= 1, far.where(x < 2, 0))


@layer_type("Downsample", "FlowNet")
class Downsample(Sized):
    """To the size of the top, corner pixels on corner pixels, with weights that fall to the next.

    What is no number counts for nothing, and makes the top none where it is more than half of the
    rest. A bottom of the top's size is left as it is.
    """

    def given(self, shape: Shape) -> tuple[int, int]:
        param = self.spec.downsample_param
        return param.top_height, param.top_width

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0]
        size = self.size(bottoms)
        if not exporting.is_traced() and tuple(x.shape[2:]) == size:
            return x.clone()
        known = ~x.isnan()
        rows, columns = (_triangles(x, axis, count) for axis, count in enumerate(size))
        sums = rows @ x.where(known, 0) @ columns.T
        weights = rows @ known.to(x.dtype) @ columns.T
        unknown = rows @ (~known).to(x.dtype) @ columns.T
        return (sums / weights.where(weights > 0, 1)).where(unknown <= weights / 2, torch.nan)


def _triangles(x: torch.Tensor, axis: int, count: int) -> torch.Tensor:
    """What each value of the top has of each of an axis, (count, before), before division."""
    before = x.shape[2 + axis]
    step = (before - 1) / (count - 1) if count > 1 and before > 1 else 1
    at = torch.arange(count, device=x.device).to(x.dtype) * step
    places = torch.arange(before, device=x.device).to(x.dtype)
    return (1 - (at[:, None] - places).abs() / step).clamp(min=0)


@layer_type("Resize", "several forks")
class Resize(LayerType):
    """Bilinear, to height x width: pixel i at i times the ratio of the sizes, 0 beyond the last.

    With is_pyramid_test out_height_scale and out_width_scale times the bottom's size, with
    resize_ratio alone so many times; rounded down. NEAREST: the pixel at or before i over the
    resize_ratio.
    """

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.resize_param
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        size = param.height, param.width
        if param.HasField("resize_ratio") and not param.HasField("height"):
            size = int(shapes[0][2] * param.resize_ratio), int(shapes[0][3] * param.resize_ratio)
        if param.is_pyramid_test:
            scales = param.out_height_scale, param.out_width_scale
            size = int(shapes[0][2] * scales[0]), int(shapes[0][3] * scales[1])
        self.check(min(size) > 0, f"height and width must be positive; found {size}")
        return [(*shapes[0][:2], *size)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.spec.resize_param
        *_, height, width = self.top_shapes([tuple(x.shape)])[0]
        if param.type == caffe_pb2.SizeParameter.NEAREST:
            places = (
                (torch.arange(now, device=x.device) / param.resize_ratio).long().clamp(max=old - 1)
                for now, old in zip((height, width), x.shape[2:], strict=True)
            )
            return x.index_select(2, next(places)).index_select(3, next(places))
        rows = torch.arange(height, device=x.device).to(x.dtype) * (x.shape[2] / height)
        columns = torch.arange(width, device=x.device).to(x.dtype) * (x.shape[3] / width)
        y, z = (each.reshape(1, -1) for each in torch.meshgrid(rows, columns, indexing="ij"))
        padded = F.pad(x.reshape(1, -1, *x.shape[2:]), (0, 1, 0, 1))
        return sampled(padded, y, z, 0).reshape(*x.shape[:2], height, width)


@layer_type("DeephiResize", "Xilinx's Caffe")
class DeephiResize(Sized):
    """To new_height x new_width, or to scale_h and scale_w times the size, rounded down.

    NEAREST, the default: the pixel at or before i times the ratio of the sizes. BILINEAR: at the
    centres of the top's pixels (cv::resize).
    """

    bottoms = (1, 1)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.deephi_resize_param
        for one, other in (("new_height", "new_width"), ("scale_h", "scale_w")):
            self.check(
                param.HasField(one) == param.HasField(other),
                f"{one} and {other} should be set at the same time",
            )

    def given(self, shape: Shape) -> tuple[int, int]:
        param = self.spec.deephi_resize_param
        if param.HasField("new_height"):
            return param.new_height, param.new_width
        height, width = np.float32(shape[2]), np.float32(shape[3])
        return int(height * np.float32(param.scale_h)), int(width * np.float32(param.scale_w))

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), size = bottoms, self.size(bottoms)
        if self.spec.deephi_resize_param.resize_type == caffe_pb2.DeephiResizeParameter.BILINEAR:
            return F.interpolate(x, size, mode="bilinear", align_corners=False)
        for axis, now in zip((2, 3), size, strict=True):
            ratio, last = 1 / (now / x.shape[axis]), x.shape[axis] - 1
            places = [min(int(i * ratio), last) for i in range(now)]
            x = x.index_select(axis, torch.tensor(places, device=x.device))
        return x
