"""Layer types of N x C x L x H x W: C3D's and video-caffe's.

C3D's settings stand in messages of their own, or, in files of C3D's first release, in those of
Convolution and Pooling, with the fields that these have no word for.
"""

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..convolution import Convolution
from ..deconvolution import Deconvolution
from ..pooling import Pooling
from ..volume_pooling import VolumePooling

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
        self.check(name in ("MAX", "AVE"), f"pools by MAX or AVE here; found {name}")
        self.windows_of = VolumePooling(
            (pool.kernel_depth, pool.kernel_size, pool.kernel_size),
            (pool.temporal_stride, pool.stride, pool.stride),
            (0, pool.pad, pool.pad),
            name == "AVE",
        )
        kernel, stride = self.windows_of.kernel, self.windows_of.stride
        self.check(
            min(kernel) > 0 and min(stride) > 0,
            "kernel_size, kernel_depth and the strides must be positive; found kernel "
            f"{kernel} and stride {stride}",
        )
        self.check(name == "AVE" or not pool.pad, f"pad is for AVE only; found {pool.pad}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _check_volumes(self, shapes[0])
        places, kernel = self.windows_of.places(shapes[0]), self.windows_of.kernel
        self.check(
            min(places) > 0, f"a bottom of shape {shapes[0]} is smaller than kernel {kernel}"
        )
        return [(*shapes[0][:2], *places)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return self.windows_of.pooled(bottoms[0])


@layer_type("NdConvolution", "video-caffe")
class NdConvolution(Convolution):
    """A Convolution whose sizes stand in kernel_shape, stride_shape and pad_shape."""

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.convolution_param
        for field in ("kernel", "stride", "pad"):
            if given := _sizes(self, getattr(param, f"{field}_shape"), f"{field}_shape"):
                name = "kernel_size" if field == "kernel" else field
                self.check(not getattr(param, name), f"either {name} or {field}_shape, not both")
                getattr(param, name).extend(given)
            param.ClearField(f"{field}_shape")
        super().setup_from(shapes)


@layer_type("NdPooling", "video-caffe")
class NdPooling(Pooling):
    """A Pooling of 4 or 5 axes whose sizes stand in kernel_shape, stride_shape and pad_shape."""

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.pooling_param
        for field in ("kernel", "stride", "pad"):
            given = _sizes(self, getattr(pool, f"{field}_shape"), f"{field}_shape")
            name = "kernel_size" if field == "kernel" else field
            pool.ClearField(f"{field}_shape")
            if len(given) == 2:
                setattr(pool, f"{field}_h", given[0])
                setattr(pool, f"{field}_w", given[1])
            else:
                getattr(pool, f"axis_{name}").extend(given)
        super().setup_from(shapes)


def _sizes(layer: LayerType, shape: caffe_pb2.BlobShape, field: str) -> list[int]:
    """The sizes that a shape of video-caffe's gives, which any prototxt may hold."""
    given = list(shape.dim)
    layer.check(
        all(0 <= size < 2**31 for size in given),
        f"{field} has sizes of 0 to {2**31 - 1}; found {given}",
    )
    return given
