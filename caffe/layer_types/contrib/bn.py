"""BN: batch normalisation as SegNet, DeconvNet and PSPNet have it, each in its own way."""

import torch

from ...proto import caffe_pb2
from ..base import Affine, LayerType, Shape, Tensors, layer_type

SEGNETS_EPS = 1e-9

# Fields that only one of the ways has.
_RUNNING = ("slope_filler", "bias_filler", "momentum", "eps", "frozen")
_OLDER_RUNNING = ("var_eps", "decay", "moving_average")


@layer_type("BN", "SegNet, DeconvNet and PSPNet")
class BN(LayerType):
    """slope * (x - mean) / sqrt(variance + eps) + bias, a slope and a bias for each channel.

    SegNet's and DeconvNet's have these two as parameters, of 1 x C x 1 x 1, and bn_mode: LEARN
    takes the batch's mean and variance in either phase (and gives them as tops 1 and 2), INFERENCE
    none: their scripts work them into slope and bias. PSPNet's, told by slope_filler, bias_filler,
    momentum, eps or frozen, have the running mean and variance as parameters 2 and 3, all of 1 x C;
    they are taken in TEST and where frozen, and in TRAIN become momentum times themselves and
    1 - momentum times the batch's. An older one, told by var_eps, decay or moving_average, does
    that with 1 - decay. The variance is divided by the number of values, not by one less.
    """

    tops = (1, 3)
    loads_by_count = True
    param_names = ("weight", "bias", "mean", "variance")
    reads_updates = False

    def setup_from(self, shapes: list[Shape]) -> None:
        bn = self.spec.bn_param
        self.check(len(shapes[0]) in (2, 4, 5), f"needs 2, 4 or 5 axes; found shape {shapes[0]}")
        older = any(map(bn.HasField, _OLDER_RUNNING))
        newer = any(map(bn.HasField, _RUNNING)) or (len(self.spec.param) == 4 and not older)
        self.has_running = older or newer
        self.eps = bn.var_eps if older else bn.eps if newer else SEGNETS_EPS
        self.keep = 1 - bn.decay if older else bn.momentum  # of the running statistics
        train = self.phase == caffe_pb2.TRAIN
        if older:
            self.uses_batch = train or not bn.moving_average
        else:
            learns = bn.bn_mode == caffe_pb2.BNParameter.LEARN
            self.uses_batch = (train and not bn.frozen) if newer else learns
        self.updates_params = self.has_running and train and self.uses_batch
        shape = (1, shapes[0][1]) if newer else (1, shapes[0][1], 1, 1)
        self.add_param(shape, bn.slope_filler if newer else bn.scale_filler)
        self.add_param(shape, bn.bias_filler if newer else bn.shift_filler)
        if self.has_running:
            self._add_running(shape)
        self.check(
            len(self.spec.top) == 1 or (self.uses_batch and not self.has_running),
            "gives the batch's mean and variance, its second and third top, where it computes them "
            "and only where it keeps none itself",
        )

    def _add_running(self, shape: Shape) -> None:
        frozen = self.spec.bn_param.frozen
        self.add_param(shape, caffe_pb2.FillerParameter())
        self.add_param(shape, caffe_pb2.FillerParameter(value=float(frozen)))
        while len(self.spec.param) < 4:
            self.spec.param.add()
        for param in self.spec.param if frozen else self.spec.param[2:]:
            param.lr_mult = param.decay_mult = 0

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        channels = self.blobs[0].count
        self.check(
            shapes[0][1] == channels,
            f"expects {channels} channels; found a bottom of shape {shapes[0]}",
        )
        return [shapes[0], (1, channels, 1, 1), (1, channels, 1, 1)][: len(self.spec.top)]

    def affine(self, shape: Shape) -> Affine | None:
        if self.uses_batch or len(self.spec.top) > 1:
            return None
        slope, bias, *running = (blob.data_tensor().double().flatten() for blob in self.blobs)
        if not running:
            return Affine(slope, bias, 1)
        mean, variance = running
        scale = slope * (variance + self.eps).rsqrt()
        return Affine(scale, bias - mean * scale, 1)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        (x,) = bottoms
        slope, bias, *running = (param.flatten() for param in params)
        along = (1, -1, *(1,) * (x.dim() - 2))
        if not self.uses_batch and not running:
            return x * slope.view(along) + bias.view(along)
        if not self.uses_batch:
            mean, variance = (each.detach() for each in running)
            return torch.nn.functional.batch_norm(x, mean, variance, slope, bias, eps=self.eps)
        axes = [axis for axis in range(x.dim()) if axis != 1]
        variance, mean = torch.var_mean(x, axes, correction=0)
        if self.updates_params:
            with torch.no_grad():
                for kept, now in zip(running, (mean, variance), strict=True):
                    kept.data.mul_(self.keep).add_(now, alpha=1 - self.keep)
        scale = slope.view(along) * (variance.view(along) + self.eps).rsqrt()
        top = (x - mean.view(along)) * scale + bias.view(along)
        statistics = [each.detach().reshape(1, -1, 1, 1) for each in (mean, variance)]
        return [top, *statistics][: len(self.spec.top)]
