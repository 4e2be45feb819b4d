"""Layer types of N x C x L x H x W: those of C3D, P3D and video-caffe.

C3D's settings stand in messages of their own, or, in files of C3D's first release, in those of
Convolution and Pooling, with the fields that these have no word for.
"""

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..convolution import Convolution
from ..deconvolution import Deconvolution
from ..pooling import Pooling
from ..volume_pooling import Triple, VolumePooling

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


@layer_type("Pooling3D", "C3D and pseudo-3D residual networks")
class Pooling3D(LayerType):
    """The maximum, or the mean, of windows over length, height and width; sizes are rounded up.

    Of AVE, pad counts as far as one pad behind the bottom. C3D's has kernel_depth and
    temporal_stride, and `pad` for AVE alone, of height and width. That of the pseudo-3D residual
    networks, told by kernel_l or global_pooling, has names for each axis; a last window of a padded
    pooling that would start behind the bottom and one pad is dropped.
    """

    pools = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        own = self.spec.HasField("pooling3d_param")
        pool = self.spec.pooling3d_param if own else self.spec.pooling_param
        name = type(pool).PoolMethod.Name(pool.pool)
        self.check(name in ("MAX", "AVE"), f"pools by MAX or AVE here; found {name}")
        self.windows_of: VolumePooling | None = None
        if own and self.spec.pooling3d_param.global_pooling:
            self._check_global()
            return
        if own and self.spec.pooling3d_param.HasField("kernel_l"):
            self.windows_of = self._of_each_axis(name == "AVE")
        else:
            self.windows_of = VolumePooling(
                (pool.kernel_depth, pool.kernel_size, pool.kernel_size),
                (pool.temporal_stride, pool.stride, pool.stride),
                (0, pool.pad, pool.pad),
                name == "AVE",
            )
            self.check(name == "AVE" or not pool.pad, f"pad is for AVE only; found {pool.pad}")
        kernel, stride, pad, *_ = self.windows_of
        self.check(
            min(kernel) > 0 and min(stride) > 0,
            "kernel_size, kernel_depth (or kernel_l) and the strides must be positive; found "
            f"kernel {kernel} and stride {stride}",
        )
        self.check(
            all(ends < size for ends, size in zip(pad, kernel, strict=True)),
            f"pad {pad} must be smaller than the kernel {kernel}",
        )

    def _check_global(self) -> None:
        pool = self.spec.pooling3d_param
        given = [
            field.name
            for field, value in pool.ListFields()
            if field.name.startswith("kernel")
            or (field.name.startswith("pad") and value != 0)
            or (field.name.startswith(("stride", "temporal_stride")) and value != 1)
        ]
        self.check(
            not given,
            "global_pooling takes its kernel from the bottom, with stride 1 and no pad; drop "
            f"{', '.join(given)}",
        )

    def _of_each_axis(self, average: bool) -> VolumePooling:
        """The windows of kernel_l, kernel_h and so on; kernel_size is of height and width."""
        pool = self.spec.pooling3d_param

        def triple(of: str, both: str) -> Triple:
            one = getattr(pool, both)
            sides = (f"{of}_{axis}" for axis in "hw")
            height, width = (getattr(pool, s) if pool.HasField(s) else one for s in sides)
            return getattr(pool, f"{of}_l"), height, width

        return VolumePooling(
            triple("kernel", "kernel_size"),
            triple("stride", "stride"),
            triple("pad", "pad"),
            average,
            drops=True,
        )

    def _windows(self, shape: Shape) -> VolumePooling:
        """The windows over a bottom of this shape: one over all of it, if pooling is global."""
        if self.windows_of:
            return self.windows_of
        _, _, length, height, width = shape
        average = self.spec.pooling3d_param.pool == caffe_pb2.Pooling3DParameter.AVE
        return VolumePooling((length, height, width), (1, 1, 1), (0, 0, 0), average)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _check_volumes(self, shapes[0])
        windows = self._windows(shapes[0])
        places = windows.places(shapes[0])
        self.check(
            min(places) > 0,
            f"a bottom of shape {shapes[0]} is smaller than kernel {windows.kernel}",
        )
        return [(*shapes[0][:2], *places)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return self._windows(tuple(bottoms[0].shape)).pooled(bottoms[0])


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
