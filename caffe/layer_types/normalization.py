"""Layers that normalise: LRN, BatchNorm, MVN."""

import torch
import torch.nn.functional as F

from ..core.strict import is_strict
from ..proto import caffe_pb2
from . import exporting
from .base import Affine, LayerType, Shape, layer_type


@layer_type("LRN")
class LRN(LayerType):
    """x / (k + alpha / n * sum of n squares)^beta, across channels or within one (lrn_layer.cpp).

    Within a channel n is local_size squared and k is 1, as in Caffe.
    """

    reads_values = False

    @property
    def pointwise(self) -> bool:
        return self.spec.lrn_param.norm_region == caffe_pb2.LRNParameter.ACROSS_CHANNELS

    def setup_from(self, shapes: list[Shape]) -> None:
        size = self.spec.lrn_param.local_size
        self.check(size % 2 == 1, f"local_size must be odd; found {size}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        lrn = self.spec.lrn_param
        size = lrn.local_size
        if self.pointwise:
            return x * _inverse_power(lrn.k + lrn.alpha / size * sums_of_squares(x, size), lrn.beta)
        mean = F.avg_pool2d(x * x, size, 1, size // 2)
        return x * _inverse_power(1 + lrn.alpha * mean, lrn.beta)


def sums_of_squares(x: torch.Tensor, size: int) -> torch.Tensor:
    """Of so many channels about each."""
    channels = x.shape[1]
    squares = F.pad(x * x, (0, 0, 0, 0, size // 2, size // 2))
    sums = squares.narrow(1, 0, channels)
    for i in range(1, size):
        sums = sums + squares.narrow(1, i, channels)
    return sums


def _inverse_power(x: torch.Tensor, beta: float) -> torch.Tensor:
    """x ** -beta; LRN's usual power is two roots, which take a fourth of the time."""
    return (x * x.sqrt()).rsqrt() if beta == 0.75 else x**-beta


@layer_type("BatchNorm")
class BatchNorm(LayerType):
    """Normalises channels (axis 1) by batch statistics in TRAIN, by the running ones in TEST.

    Parameters: running mean and variance, both times the third, a scale (batch_norm_layer.cpp).
    They are no weights: the solver must not touch them (lr_mult 0). With scale_bias, or a filler of
    them (NVIDIA's Caffe), two more are learnt: what a channel is multiplied by then, and what is
    added. Four or five `param`, of which the first two alone are learnt, are meant for these two
    first, as in its older versions and in Texas Instruments' nets. With add_eps_before_sqrt: false
    (Synopsys' Caffe) eps is added to the root.
    """

    param_names = ("mean", "variance", "scale", "weight", "bias")
    reads_updates = False

    def setup_from(self, shapes: list[Shape]) -> None:
        norm = self.spec.batch_norm_param
        channels = self._channels(shapes[0])
        for size in (channels, channels, 1):
            self.add_param((size,), caffe_pb2.FillerParameter())
        self.global_stats = (
            norm.use_global_stats
            if norm.HasField("use_global_stats")
            else self.phase == caffe_pb2.TEST
        )
        self.updates_params = not self.global_stats
        self.fraction = norm.moving_average_fraction
        given = [norm.HasField(field) for field in ("scale_filler", "bias_filler")]
        self.affine_weights = norm.scale_bias or any(given)
        if self.affine_weights:
            one = caffe_pb2.FillerParameter(value=1)
            self.add_param((channels,), norm.scale_filler if given[0] else one)
            self.add_param((channels,), norm.bias_filler)
            self._reorder_rates()
        for i in range(3):
            if i == len(self.spec.param):
                self.spec.param.add(lr_mult=0)
            self.check(
                self.spec.param[i].lr_mult == 0,
                "its parameters are running statistics: set lr_mult to 0 (or leave it out)",
            )

    def _reorder_rates(self) -> None:
        specs = list(self.spec.param)
        if len(specs) in (4, 5) and [bool(spec.lr_mult) for spec in specs[:4]] == [1, 1, 0, 0]:
            count = specs[4:] or [caffe_pb2.ParamSpec(lr_mult=0)]
            del self.spec.param[:]
            self.spec.param.extend([*specs[2:4], *count, *specs[:2]])

    def _channels(self, shape: Shape) -> int:
        self.check(len(shape) > 0, "needs a bottom of at least one axis; found shape ()")
        return shape[1] if len(shape) > 1 else 1

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        channels = self.blobs[0].count
        # BVLC's sets itself up for one axis, and then asks for axis 1 in every Reshape.
        self.check(
            len(shapes[0]) > 1 or not is_strict(),
            f"has channels on axis 1; found a bottom of shape {shapes[0]}",
        )
        self.check(
            self._channels(shapes[0]) == channels,
            f"expects {channels} channels; found a bottom of shape {shapes[0]}",
        )
        return shapes

    def affine(self, shape: Shape) -> Affine | None:
        if not self.global_stats or len(shape) < 2:
            return None
        mean, variance, count, *weights = (blob.data_tensor().double() for blob in self.blobs)
        factor = (1 / count).where(count != 0, 0)
        scale = self._moved(variance * factor).rsqrt()
        shift = -mean * factor * scale
        if self.affine_weights:
            scale, shift = scale * weights[0], shift * weights[0] + weights[1]
        return Affine(scale, shift, 1)

    def _moved(self, variance: torch.Tensor) -> torch.Tensor:
        """The variance, of which the root is divided by."""
        norm = self.spec.batch_norm_param
        if norm.add_eps_before_sqrt:
            return variance + norm.eps
        return (variance.sqrt() + norm.eps).square()

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        norm = self.spec.batch_norm_param
        statistics, weights = params[:3], params[3:]
        if x.dim() == 1:
            top = self._normalise(x.unsqueeze(1), statistics, norm).squeeze(1)
        else:
            top = self._normalise(x, statistics, norm)
        if not self.affine_weights:
            return top
        scale, bias = (weight.view(-1, *(1,) * (x.dim() - 2)) for weight in weights)
        return top * scale + bias

    def _normalise(
        self, x: torch.Tensor, params: list[torch.Tensor], norm: caffe_pb2.BatchNormParameter
    ) -> torch.Tensor:
        mean_sum, var_sum, scale = (p.detach() for p in params)
        if self.global_stats:
            factor = (1 / scale).where(scale != 0, 0)  # no `if`: an export follows no values
            if norm.add_eps_before_sqrt and norm.eps >= 0:  # F.batch_norm takes no other
                return F.batch_norm(x, mean_sum * factor, var_sum * factor, eps=norm.eps)
            return F.batch_norm(x, mean_sum * factor, self._moved(var_sum * factor), eps=0)
        if exporting.is_traced():  # a file's statistics stay what they are
            by_batch = _by_batch if norm.add_eps_before_sqrt else _with_moved_root
            return by_batch(x, norm.eps)
        mean, variance = x.new_zeros(2, x.shape[1])
        # F.batch_norm refuses a single value a channel; Caffe makes it zero.
        enabled = torch.backends.cudnn.enabled
        top = torch.batch_norm(x, None, None, mean, variance, True, 1, norm.eps, enabled)
        if x.numel() == x.shape[1]:
            variance = torch.zeros_like(variance)  # torch has divided by n - 1
        self.add_batch(params, mean, variance)
        return top if norm.add_eps_before_sqrt else _with_moved_root(x, norm.eps)

    @torch.no_grad()
    def add_batch(
        self, statistics: list[torch.Tensor], mean: torch.Tensor, variance: torch.Tensor
    ) -> None:
        """Adds a batch to running mean, variance and scale, each times `fraction` before.

        variance: over one less than the values of a channel; 0 where there is one.
        """
        for sums, more in zip(statistics, (mean, variance, torch.ones_like(mean[:1])), strict=True):
            sums.data.mul_(self.fraction).add_(more)


def _all_but_channels(x: torch.Tensor) -> list[int]:
    return [axis for axis in range(x.dim()) if axis != 1]


def _by_batch(x: torch.Tensor, eps: float) -> torch.Tensor:
    """By the batch's statistics."""
    axes = _all_but_channels(x)
    centred = x - x.mean(axes, keepdim=True)
    return centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()


def _with_moved_root(x: torch.Tensor, eps: float) -> torch.Tensor:
    """By the batch's statistics, over root + eps, whose gradient is as that of one root."""
    axes = _all_but_channels(x)
    centred = x - x.mean(axes, keepdim=True)
    var = centred.square().mean(axes, keepdim=True)
    divisor = var.detach().sqrt() + eps
    return centred / (divisor + (var - var.detach()) / (2 * divisor))


@layer_type("MVN")
class MVN(LayerType):
    """(x - mean) / (standard deviation + eps) over each channel, or each item (mvn_layer.cpp).

    The top has four axes, as Caffe's has, whatever the bottom has.
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) <= 4, f"needs at most 4 axes; found shape {shape}")
        return [shape + (1,) * (4 - len(shape))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        mvn = self.spec.mvn_param
        x = x.reshape(self.top_shapes([tuple(x.shape)])[0])
        axes = (1, 2, 3) if mvn.across_channels else (2, 3)
        centred = x - x.mean(axes, keepdim=True)
        if not mvn.normalize_variance:
            return centred
        var = (centred * centred).mean(axes, keepdim=True)
        divisor = var.detach().sqrt() + mvn.eps
        # Caffe's gradient treats the divisor as sqrt(v) of a variance v that grows as `var` does.
        return centred / (divisor + (var - var.detach()) / (2 * divisor))
