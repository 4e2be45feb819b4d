"""TensorFlow's ways to give maps another size, in Synopsys' Caffe: ResizeBilinear, ...."""

import math
from collections.abc import Mapping

import numpy as np
import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from .tensors import SYNOPSYS

Param = caffe_pb2.ResizeBilinearParameter | caffe_pb2.ResizeNearestNeighborParameter


class Resized(LayerType):
    """N x H x W x C, or with the data_format NCHW N x C x H x W, of output_height x output_width.

    Where one is not given, the bottom's times scale_height or scale_width, rounded down. A position
    of the top is one of the bottom times the quotient of their lengths (with align_corners of
    their lengths less 1), both counted from 0, or with half_pixel_centers from the pixels' centres.
    As in the fork it is computed in float32.
    """

    reads_values = False
    formats: Mapping[str, dict[str, int]] = {  # data_format: the axes that have another length
        "NHWC": {"height": 1, "width": 2},
        "NCHW": {"height": 2, "width": 3},
    }
    ways: tuple[str, ...] = ("align_corners", "half_pixel_centers")  # to place the top's pixels

    def param(self) -> Param:
        raise NotImplementedError

    def axes(self) -> dict[str, int]:
        """Those that have another length, by their names."""
        return self.formats[self.param().data_format]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), param = shapes, self.param()
        self.check(
            param.data_format in self.formats,
            f"data_format is one of {', '.join(self.formats)}; found {param.data_format}",
        )
        axes = len(param.data_format)
        self.check(
            len(shape) == axes and min(shape) > 0,
            f"needs {axes} axes, none of length 0; found {shape}",
        )
        self.check(
            sum(getattr(param, way) for way in self.ways) < 2,
            f"has one of {', '.join(self.ways[:-1])} and {self.ways[-1]}",
        )
        top = list(shape)
        for name, axis in self.axes().items():
            scaled = math.floor(
                np.float32(shape[axis]) * np.float32(getattr(param, f"scale_{name}"))
            )
            given = param.HasField(f"output_{name}")
            top[axis] = getattr(param, f"output_{name}") if given else scaled
        self.check(min(top) > 0, f"makes a top of shape {tuple(top)}; all must be positive")
        return [tuple(top)]

    def quotient(self, before: int, after: int) -> np.float32:
        """What a step along the top is along the bottom."""
        if self.param().align_corners and after > 1:
            return np.float32(before - 1) / np.float32(after - 1)
        return np.float32(before) / np.float32(after)


@layer_type("ResizeNearestNeighbor", SYNOPSYS)
class ResizeNearestNeighbor(Resized):
    """The value at the position, rounded down, with align_corners to the nearest.

    half_pixel_onnx: half a pixel before the position that it has by half_pixel_centers.
    """

    passes_on = True
    ways = ("align_corners", "half_pixel_centers", "half_pixel_onnx")

    def param(self) -> Param:
        return self.spec.resize_nearest_neighbor_param

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.spec.resize_nearest_neighbor_param
        (top,) = self.top_shapes([tuple(x.shape)])
        half = np.float32(0.5 if param.half_pixel_centers or param.half_pixel_onnx else 0)
        shift = np.float32(0.5 * (param.align_corners - param.half_pixel_onnx))
        for axis in self.axes().values():
            before, after = int(x.shape[axis]), top[axis]
            at = (np.arange(after, dtype=np.float32) + half) * self.quotient(before, after)
            index = np.floor(at + shift).astype(np.int64).clip(0, before - 1)
            x = x.index_select(axis, torch.from_numpy(index).to(x.device))
        return x


@layer_type("ResizeBilinear", SYNOPSYS)
class ResizeBilinear(Resized):
    """Between the values on either side of the position, those at the border beyond it.

    pytorch_half_pixel: half_pixel_centers, and the first value for a length of 1. With the
    data_format NCHWD there is a depth too, of output_depth or scale_depth.
    """

    formats = {**Resized.formats, "NCHWD": {"height": 2, "width": 3, "depth": 4}}
    ways = ("align_corners", "half_pixel_centers", "pytorch_half_pixel")

    def param(self) -> Param:
        return self.spec.resize_bilinear_param

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.spec.resize_bilinear_param
        (top,) = self.top_shapes([tuple(x.shape)])
        half = np.float32(0.5 if param.half_pixel_centers or param.pytorch_half_pixel else 0)
        for axis in self.axes().values():
            before, after = int(x.shape[axis]), top[axis]
            at = (np.arange(after, dtype=np.float32) + half) * self.quotient(before, after) - half
            if param.pytorch_half_pixel and after == 1:
                at = np.full(1, -0.5, np.float32)
            low, share = np.floor(at), at - np.floor(at)
            lower, upper = (
                x.index_select(axis, torch.from_numpy(index.astype(np.int64)).to(x.device))
                for index in (np.maximum(low, 0), np.minimum(np.ceil(at), before - 1))
            )
            part = torch.from_numpy(share).to(x).reshape(-1, *(1,) * (x.dim() - 1 - axis))
            x = lower + (upper - lower) * part
        return x
