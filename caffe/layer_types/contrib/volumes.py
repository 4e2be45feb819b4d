"""C3D's layer types, of N x C x L x H x W: Convolution3D, Deconvolution3D, Pooling3D.

The settings stand in messages of their own, or, in files of C3D's first release, in those of
Convolution and Pooling, with the fields that these have no word for.
"""

import math

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..convolution import Convolution
from ..deconvolution import Deconvolution

_ALIKE = ("num_output", "bias_term", "group", "weight_filler", "bias_filler")


def _of_volumes(spec: caffe_pb2.LayerParameter) -> caffe_pb2.ConvolutionParameter:
    """C3D's settings as those of a convolution over 3 axes, length, height and width."""
    own = spec.HasField("convolution3d_param")
    given = spec.convolution3d_param if own else spec.convolution_param
    found = caffe_pb2.ConvolutionParameter()
    for name in _ALIKE:
        if given.HasField(name):
            value = getattr(given, name)
            if name.endswith("filler"):
                getattr(found, name).CopyFrom(value)
            else:
                setattr(found, name, value)
    for name, depth in (
        ("kernel_size", "kernel_depth"),
        ("stride", "temporal_stride"),
        ("pad", "temporal_pad"),
    ):
        value = getattr(given, name)
        default = [0 if name == "pad" else 1]
        size = value if own else (list(value) or default)[0]
        getattr(found, name).extend([getattr(given, depth), size, size])
    return found


@layer_type("Convolution3D", "C3D")
class Convolution3D(Convolution):
    """A Convolution over length, height and width."""

    loads_by_count = True  # C3D's bias is 1 x 1 x 1 x 1 x num_output

    def setup_from(self, shapes: list[Shape]) -> None:
        _check_volumes(self, shapes[0])
        self.spec.convolution_param.CopyFrom(_of_volumes(self.spec))
        super().setup_from(shapes)


@layer_type("Deconvolution3D", "C3D")
class Deconvolution3D(Deconvolution):
    """A Deconvolution over length, height and width."""

    loads_by_count = True

    def setup_from(self, shapes: list[Shape]) -> None:
        _check_volumes(self, shapes[0])
        self.spec.convolution_param.CopyFrom(_of_volumes(self.spec))
        super().setup_from(shapes)


def _check_volumes(layer: LayerType, shape: Shape) -> None:
    layer.check(len(shape) == 5, f"needs 5 axes (N, C, L, H, W); found shape {shape}")


@layer_type("Pooling3D", "C3D")
class Pooling3D(LayerType):
    """The maximum, or the mean, of windows over length, height and width; sizes are rounded up.

    `pad` is for AVE alone, of height and width; as far as one pad behind the bottom it counts.
    """

    pools = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        own = self.spec.HasField("pooling3d_param")
        pool = self.spec.pooling3d_param if own else self.spec.pooling_param
        name = type(pool).PoolMethod.Name(pool.pool)
        self.check(name != "STOCHASTIC", "of STOCHASTIC, MAX and AVE the first is not here")
        self.is_maximum = name == "MAX"
        self.kernel = (pool.kernel_depth, pool.kernel_size, pool.kernel_size)
        self.stride = (pool.temporal_stride, pool.stride, pool.stride)
        self.pad = (0, pool.pad, pool.pad)
        self.check(
            min(self.kernel) > 0 and min(self.stride) > 0,
            "kernel_size, kernel_depth and the strides must be positive; found kernel "
            f"{self.kernel} and stride {self.stride}",
        )
        self.check(not (self.is_maximum and pool.pad), f"pad is for AVE only; found {pool.pad}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _check_volumes(self, shapes[0])
        spans = [
            size + 2 * pad - kernel
            for size, pad, kernel in zip(shapes[0][2:], self.pad, self.kernel, strict=True)
        ]
        self.check(
            min(spans) >= 0, f"a bottom of shape {shapes[0]} is smaller than kernel {self.kernel}"
        )
        pooled = [-(-span // stride) + 1 for span, stride in zip(spans, self.stride, strict=True)]
        return [(*shapes[0][:2], *pooled)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        *_, length, rows, columns = self.top_shapes([tuple(x.shape)])[0]
        places = (length, rows, columns)
        padding: list[int] = []
        for i in reversed(range(3)):
            extent = (places[i] - 1) * self.stride[i] + self.kernel[i]
            padding += [self.pad[i], max(0, extent - x.shape[2 + i] - self.pad[i])]
        if self.is_maximum:
            padded = F.pad(x, padding, value=-torch.finfo(x.dtype).max)
            return F.max_pool3d(padded, self.kernel, self.stride)
        sums = F.avg_pool3d(F.pad(x, padding), self.kernel, self.stride) * math.prod(self.kernel)
        counts = x.new_ones(())
        for i in range(3):
            start = torch.arange(places[i], device=x.device) * self.stride[i] - self.pad[i]
            end = (start + self.kernel[i]).clamp(max=x.shape[2 + i] + self.pad[i])
            counts = counts.unsqueeze(-1) * (end - start).to(x.dtype)
        return sums / counts
