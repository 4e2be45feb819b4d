"""SSIMLoss: how unlike two images are in the windows of a Gaussian."""

import math

import torch
import torch.nn.functional as F

from ..base import Shape, layer_type
from ..target import Distance


@layer_type("SSIMLoss", "hidden two-stream networks")
class SSIMLoss(Distance):
    """The sum of 1 - SSIM over all windows and channels, over the number of items.

    SSIM (Wang et al. 2004, equation 13) is of means, variances and covariance under a Gaussian of
    deviation kernel_size / 6 around kernel_size / 2, counted from a window's first pixel. Windows
    are kernel_size large and stride apart, as many as in Caffe's poolings; what of one lies behind
    the border counts as 0. Bottoms: N x C x H x W; nothing is learnt through the second.
    """

    diff_bottoms = staticmethod(lambda index: index == 0)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.ssim_loss_param
        found = [getattr(param, name) for name in ("kernel_size", "stride", "c1", "c2")]
        self.check(
            min(found) > 0,
            "needs kernel_size, stride, c1 and c2 above 0 in ssim_loss_param; found "
            + ", ".join(f"{value:g}" for value in found),
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        kernel = self.spec.ssim_loss_param.kernel_size
        self.check(
            len(shapes[0]) == len(shapes[1]) == 4 and min(shapes[0][2:]) >= kernel,
            f"needs N x C x H x W not smaller than kernel_size {kernel}; found shapes {shapes}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, y = bottoms[0], bottoms[1].detach().reshape(bottoms[0].shape)
        param = self.spec.ssim_loss_param
        u, v, xx, yy, xy = (self._means(each) for each in (x, y, x * x, y * y, x * y))
        alike = (2 * u * v + param.c1) / (u * u + v * v + param.c1)
        structure = (2 * (xy - u * v) + param.c2) / (xx - u * u + yy - v * v + param.c2)
        return (1 - alike * structure).sum() / x.shape[0]

    def _means(self, x: torch.Tensor) -> torch.Tensor:
        """Those under the Gaussian, of each window."""
        param = self.spec.ssim_loss_param
        kernel, stride = param.kernel_size, param.stride
        along = torch.arange(kernel, dtype=torch.double, device=x.device) - kernel / 2
        weights = torch.exp(-along.square() / (2 * (kernel / 6) ** 2))
        weights = weights / weights.sum()
        both = (weights[:, None] * weights).to(x.dtype).expand(x.shape[1], 1, -1, -1)
        behind = [math.ceil((n - kernel) / stride) * stride + kernel - n for n in x.shape[2:]]
        x = F.pad(x, (0, behind[1], 0, behind[0]))
        return F.conv2d(x, both, stride=stride, groups=x.shape[1])
