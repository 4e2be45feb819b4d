"""Layer types that make maps larger: Interp, Upsample, UpsampleDarknet, Unpooling."""

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, layer_type
from ..loss import with_gradient


def _four_axes(layer: LayerType, shape: Shape) -> None:
    layer.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")


@layer_type("Interp", "DeepLab and PSPNet")
class Interp(LayerType):
    """Bilinear interpolation between the centres of the corner pixels, N x C x H x W.

    The size: height and width; or (size - 1) / shrink_factor + 1, or size + (size - 1) *
    (zoom_factor - 1), one after the other if both are given; or that of a second bottom. pad_beg
    and pad_end, 0 or less, crop the bottom before.
    """

    bottoms = (1, 2)
    reads_bottom = staticmethod(lambda index: index == 0)
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        interp = self.spec.interp_param
        sized = interp.HasField("height") and interp.HasField("width")
        scaled = interp.HasField("zoom_factor") or interp.HasField("shrink_factor")
        self.check(
            [sized, scaled, len(shapes) == 2].count(True) == 1,
            "needs its size in one way: height and width, zoom_factor or shrink_factor, or a "
            "second bottom",
        )
        self.check(
            interp.pad_beg <= 0 and interp.pad_end <= 0,
            f"pad_beg and pad_end crop: they are at most 0; found {interp.pad_beg} and "
            f"{interp.pad_end}",
        )
        self.check(
            interp.zoom_factor >= 1 and interp.shrink_factor >= 1,
            f"zoom_factor and shrink_factor are at least 1; found {interp.zoom_factor} and "
            f"{interp.shrink_factor}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        for shape in shapes:
            _four_axes(self, shape)
        interp = self.spec.interp_param
        pads = interp.pad_beg + interp.pad_end
        cropped = [size + pads for size in shapes[0][2:]]
        if len(shapes) == 2:
            new = list(shapes[1][2:])
        elif interp.HasField("height"):
            new = [interp.height, interp.width]
        else:
            new = [(size - 1) // interp.shrink_factor + 1 for size in cropped]
            new = [size + (size - 1) * (interp.zoom_factor - 1) for size in new]
        self.check(
            all(size > 0 for size in (*cropped, *new)),
            f"a bottom of shape {shapes[0]} becomes {tuple(cropped)} and then {tuple(new)}; "
            "expected at least 1 pixel each",
        )
        return [(*shapes[0][:2], *new)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        interp = self.spec.interp_param
        size = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])[0][2:]
        x = bottoms[0]
        for axis in (2, 3):
            kept = x.shape[axis] + interp.pad_beg + interp.pad_end
            x = x.narrow(axis, -interp.pad_beg, kept)
        rows = x.shape[2]
        if exporting.into_onnx() and isinstance(rows, int) and rows == 1:
            # OpenCV 5.0 mixes a single row with what lies behind it, but not several alike.
            x = x.expand(-1, -1, torch.sym_max(2, size[0]), -1)
        return F.interpolate(x, size, mode="bilinear", align_corners=True)


def scattered(
    layer: LayerType, x: torch.Tensor, mask: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """A map of this size, 0 but for the values of x, each where `mask` says.

    A mask is what a Pooling gives as its second top: row * width + column; nothing is learnt
    through it. Of several values for one place the last one stays; each has the place's gradient.
    """
    height, width = size
    at = mask.detach().long().flatten(2)
    if not torch.compiler.is_compiling():
        wrong = at[(at < 0) | (at >= height * width)]
        if len(wrong):
            layer.check(
                False,
                f"mask '{layer.spec.bottom[1]}' holds {int(wrong[0])}, behind the {height} x "
                f"{width} pixels of the top; make it as large as the bottom of the Pooling that "
                "the mask is of",
            )
    flat = x.new_zeros((*x.shape[:2], height * width))
    return flat.scatter(2, at, x.flatten(2)).reshape(*x.shape[:2], height, width)


def _check_mask(layer: LayerType, shapes: list[Shape], fixed: Shape | None) -> None:
    """fixed: the bottom's shape at first, where the top has one size whatever the bottom has."""
    layer.check(
        len(shapes) == 1 or shapes[1] == shapes[0],
        f"needs a mask of the bottom's shape {shapes[0]}; found {shapes[-1]}",
    )
    layer.check(
        len(shapes) == 1 or fixed is None or shapes[0][2:] == fixed[2:],
        f"its mask counts in rows of the size in the prototxt, for a bottom of shape {fixed}; "
        f"found {shapes[0]}",
    )


@layer_type("Upsample", "SegNet and others")
class Upsample(LayerType):
    """Values back where a Pooling found them (bottom 1, its mask), or each one scale x scale times.

    The top is upsample_h x upsample_w, or `scale` (scale_h, scale_w) times as large as the bottom,
    a row or column less with pad_out_h, pad_out_w. Without a mask pixels are repeated.
    """

    bottoms = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        up = self.spec.upsample_param
        self.first = shapes[0]
        self.scale = (up.scale_h or up.scale, up.scale_w or up.scale)
        self.check(
            up.HasField("upsample_h") == up.HasField("upsample_w"),
            "needs upsample_h and upsample_w, or none of them",
        )
        self.check(
            up.HasField("scale_h") == up.HasField("scale_w") != up.HasField("scale")
            or not (up.HasField("scale_h") or up.HasField("scale_w")),
            "needs scale, or scale_h and scale_w",
        )
        self.check(min(self.scale) > 0, f"scale must be positive; found {self.scale}")
        self.check(
            len(shapes) == 2 or not up.HasField("upsample_h"),
            "needs a mask, the second top of a Pooling, for upsample_h and upsample_w",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _four_axes(self, shapes[0])
        up = self.spec.upsample_param
        _check_mask(self, shapes, self.first if up.HasField("upsample_h") else None)
        if up.HasField("upsample_h"):
            return [(*shapes[0][:2], up.upsample_h, up.upsample_w)]
        height, width = shapes[0][2:]
        less = int(up.pad_out_h), int(up.pad_out_w)  # from the sizes of torch.jit none takes a bool
        size = height * self.scale[0] - less[0], width * self.scale[1] - less[1]
        return [(*shapes[0][:2], *size)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (shape,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        height, width = shape[2:]
        if len(bottoms) == 2:
            return scattered(self, bottoms[0], bottoms[1], (height, width))
        rows = bottoms[0].repeat_interleave(self.scale[0], 2)
        return rows.repeat_interleave(self.scale[1], 3)[:, :, :height, :width]


@layer_type("UpsampleDarknet", "Synopsys' Caffe")
class UpsampleDarknet(LayerType):
    """N x C x H x W with each value stride x stride times."""

    reads_values = False
    passes_on = True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _four_axes(self, shapes[0])
        stride = self.spec.upsample_darknet_param.stride
        self.check(stride > 0, f"stride must be positive; found {stride}")
        return [(*shapes[0][:2], *(size * stride for size in shapes[0][2:]))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        stride = self.spec.upsample_darknet_param.stride
        return F.interpolate(bottoms[0], scale_factor=stride, mode="nearest")


@layer_type("Unpooling", "DeconvNet")
class Unpooling(LayerType):
    """The values of a pooling spread out again, N x C x H x W, without padding.

    MAX: each goes where bottom 1, a Pooling's mask, says, or without one to the first pixel of its
    window. AVE: its share of the window to each pixel of it; TILE: all of it to each. Where windows
    overlap, AVE and TILE add up. The top is unpool_size (unpool_h, unpool_w) large, or as large as
    the windows reach. DeconvNet's gradient of TILE is the mean of the window's, not the sum.
    """

    bottoms = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        unpool, methods = self.spec.unpooling_param, caffe_pb2.UnpoolingParameter
        self.check(
            unpool.unpool in (methods.MAX, methods.AVE, methods.TILE),
            f"unpool is MAX, AVE or TILE; found {methods.UnpoolMethod.Name(unpool.unpool)}",
        )
        self.kernel = self._pair("kernel_size", "kernel")
        self.stride = self._pair("stride", "stride")
        self.first = shapes[0]
        self.check(min(self.kernel) > 0, "kernel_size (or kernel_h and kernel_w) is missing")
        self.check(min(self.stride) > 0, f"stride must be positive; found {self.stride}")
        pads = (unpool.pad, unpool.pad_h, unpool.pad_w)
        self.check(not any(pads), f"knows no pad; found {max(pads)}")
        self.check(
            len(shapes) == 1 or unpool.unpool == caffe_pb2.UnpoolingParameter.MAX,
            "takes a mask for MAX only",
        )

    def _pair(self, name: str, side: str) -> tuple[int, int]:
        unpool = self.spec.unpooling_param
        both = unpool.HasField(f"{side}_h") and unpool.HasField(f"{side}_w")
        one = getattr(unpool, name)
        return (getattr(unpool, f"{side}_h"), getattr(unpool, f"{side}_w")) if both else (one, one)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _four_axes(self, shapes[0])
        size = self._pair("unpool_size", "unpool")
        _check_mask(self, shapes, self.first if min(size) else None)
        return [(*shapes[0][:2], *(size if min(size) else self._reach(shapes[0])))]

    def _reach(self, shape: Shape) -> list[int]:
        """How far the windows of a bottom of this shape reach, and one stride at least."""
        return [
            max((length - 1) * stride + kernel, length * stride + 1)
            for length, stride, kernel in zip(shape[2:], self.stride, self.kernel, strict=True)
        ]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0]
        height, width = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])[0][2:]
        size = (height, width)
        kind = self.spec.unpooling_param.unpool
        if kind == caffe_pb2.UnpoolingParameter.MAX:
            mask = bottoms[1] if len(bottoms) == 2 else self._corners(x, size)
            return scattered(self, x, mask, size)
        area = self._areas(x, size)
        if kind == caffe_pb2.UnpoolingParameter.AVE:
            return self._spread(x / area, size)
        return with_gradient(self._spread(x.detach(), size), self._spread(x / area, size), 1)

    def _corners(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Where the windows begin, as a mask."""
        rows, columns = (
            (torch.arange(x.shape[2 + i], device=x.device) * self.stride[i]).clamp(max=size[i] - 1)
            for i in range(2)
        )
        return (rows[:, None] * size[1] + columns).expand(x.shape)

    def _areas(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """How many pixels of the top each window has."""
        sides = []
        for i in range(2):
            start = torch.arange(x.shape[2 + i], device=x.device) * self.stride[i]
            sides.append(((start + self.kernel[i]).clamp(max=size[i]) - start).to(x.dtype))
        return torch.outer(*sides)

    def _spread(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Each value added to every pixel of its window."""
        ones = x.new_ones((1, 1, *self.kernel))
        spread = F.conv_transpose2d(x.flatten(0, 1).unsqueeze(1), ones, stride=self.stride)
        below, right = (size[i] - spread.shape[2 + i] for i in range(2))
        return F.pad(spread, (0, right, 0, below)).reshape(*x.shape[:2], *size)
