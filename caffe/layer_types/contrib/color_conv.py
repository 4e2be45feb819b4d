"""ColorConv, of the first nets of colorization: images in other colours."""

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type

SPACES = caffe_pb2.ColorConvParameter
TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
FROM_XYZ = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
# The fork's own numbers, which its nets have learnt with: CIE's are 0.95047 and 0.008856.
WHITE = (0.95074, 1.0, 1.08883)
DARK, SLOPE = 0.008867, 903.3  # below it a straight line is the cube root
DARK_ROOT = 0.206896


def _mixed(x: torch.Tensor, weights: tuple[tuple[float, ...], ...]) -> torch.Tensor:
    """Channels (axis 1) as sums of channels."""
    # A convolution: of an Einsum a .pt2 keeps whether the batch is 1.
    return F.conv2d(x, x.new_tensor(weights)[..., None, None])


def _white(x: torch.Tensor) -> torch.Tensor:
    return x.new_tensor(WHITE).view(3, 1, 1)


def _rgb_to_xyz(x: torch.Tensor) -> torch.Tensor:
    part = x / 255
    linear = torch.where(part > 0.04045, ((part.clamp(min=0) + 0.055) / 1.055) ** 2.4, part / 12.92)
    return _mixed(linear, TO_XYZ)


def _xyz_to_rgb(x: torch.Tensor) -> torch.Tensor:
    linear = _mixed(x, FROM_XYZ)
    curve = 1.055 * linear.clamp(min=0) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, linear * 12.92) * 255


def _xyz_to_lab(xyz: torch.Tensor) -> torch.Tensor:
    part = xyz / _white(xyz)
    x, y, z = torch.where(
        part > DARK, part.clamp(min=0) ** (1 / 3), (SLOPE * part + 16) / 116
    ).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def _lab_to_xyz(lab: torch.Tensor) -> torch.Tensor:
    light, a, b = lab.unbind(1)
    y = (light + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], 1)
    return torch.where(root > DARK_ROOT, root**3, (116 * root - 16) / SLOPE) * _white(lab)


def _rgb_to_gray(x: torch.Tensor) -> torch.Tensor:
    return _mixed(x, TO_XYZ[1:2])


def _gray_to_rgb(x: torch.Tensor) -> torch.Tensor:
    return x.expand(-1, 3, -1, -1)


# What makes one space of another, one step after the other.
_STEPS = {
    (SPACES.Gray, SPACES.RGB): (_gray_to_rgb,),
    (SPACES.Lab, SPACES.RGB): (_lab_to_xyz, _xyz_to_rgb),
    (SPACES.Lab, SPACES.XYZ): (_lab_to_xyz,),
    (SPACES.RGB, SPACES.Gray): (_rgb_to_gray,),
    (SPACES.RGB, SPACES.Lab): (_rgb_to_xyz, _xyz_to_lab),
    (SPACES.RGB, SPACES.RGB): (),
    (SPACES.RGB, SPACES.XYZ): (_rgb_to_xyz,),
    (SPACES.XYZ, SPACES.Lab): (_xyz_to_lab,),
    (SPACES.XYZ, SPACES.RGB): (_xyz_to_rgb,),
}


@layer_type("ColorConv", "colorization")
class ColorConv(LayerType):
    """Images (N, C, H, W) of one colour space in another; nothing is learnt through it.

    BGR, RGB and Gray go from 0 to 255 (sRGB). Lab and XYZ are CIE's of white D65, but for the
    white's X, 0.95074, and the Y below which Lab is linear, 0.008867: the fork's, not CIE's. Gray
    is the luminance of values as they are, without sRGB's curve.
    """

    diff_bottoms = staticmethod(lambda index: False)
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.color_conv_param
        name = SPACES.ColorSpace.Name
        self.check(
            self._pair() in _STEPS,
            f"knows no way from {name(param.input)} to {name(param.output)}; write two layers, by "
            "RGB",
        )

    def _pair(self) -> tuple[int, int]:
        """Input and output, RGB for BGR."""
        param = self.spec.color_conv_param
        first, last = (
            SPACES.RGB if space == SPACES.BGR else space for space in (param.input, param.output)
        )
        return first, last

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.color_conv_param
        (shape,) = shapes
        channels = 1 if param.input == SPACES.Gray else 3
        self.check(
            len(shape) == 4 and shape[1] == channels,
            f"needs images, N x {channels} x H x W; found shape {shape}",
        )
        return [(shape[0], 1 if param.output == SPACES.Gray else 3, *shape[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.color_conv_param
        x = bottoms[0].detach()
        if param.input == SPACES.BGR:
            x = x.flip(1)
        for step in _STEPS[self._pair()]:
            x = step(x)
        return x.flip(1) if param.output == SPACES.BGR else x
