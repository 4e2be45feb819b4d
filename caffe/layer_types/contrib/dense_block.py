"""DenseBlock: a block of DenseNet's in one layer."""

import torch
import torch.nn.functional as F

from ...core.rng import generator
from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, layer_type

EPS = 1e-5
# Kinds of parameters: of each there is one for each transition.
WEIGHT, SCALE, BIAS, MEAN, VARIANCE = range(5)
INNER = 5  # the same of the 1 x 1 convolution's, and of what follows it


@layer_type("DenseBlock", "DenseNet in Caffe")
class DenseBlock(LayerType):
    """numTransition times growthRate more channels, each time computed from all there are.

    Huang et al. 2017, section 3: BatchNorm, scale and bias, ReLU, a 3 x 3 convolution of pad 1
    without bias; with use_BC before it a 1 x 1 convolution to 4 growthRate channels, BatchNorm,
    scale and bias, ReLU. Of BatchNorm's rule: the batch's statistics in TRAIN; in TEST the running
    ones, which are sums, over the last parameter. Parameters of the n transitions, n each: weights,
    scales, biases, means, variances; with use_BC the same of the 1 x 1 convolutions; the last one.
    use_dropout: in TRAIN dropout_amount of what comes in new is dropped. Sizes of filters and
    strides other than those are not here, as in its fork, and initChannel counts for nothing.
    """

    @property
    def draws(self) -> bool:
        return self.phase == caffe_pb2.TRAIN and self.spec.denseblock_param.use_dropout

    @property
    def param_names(self) -> tuple[str, ...]:
        count = self.spec.denseblock_param.numTransition
        kinds = ("weight", "scale", "bias", "mean", "variance")
        both = (*kinds, *(f"inner_{kind}" for kind in kinds))[: 5 * self._parts()]
        return (*(f"{kind}_{i}" for kind in both for i in range(count)), "count")

    def _parts(self) -> int:
        return 2 if self.spec.denseblock_param.use_BC else 1

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.denseblock_param
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        self.check(
            param.numTransition > 0 and param.growthRate > 0,
            "numTransition and growthRate must be positive; found "
            f"{param.numTransition} and {param.growthRate}",
        )
        fixed = {name: getattr(param, name) for name in ("filter_H", "filter_W", "pad_h", "pad_w")}
        strides = param.conv_verticalStride, param.conv_horizentalStride
        self.check(
            list(fixed.values()) == [3, 3, 1, 1] and strides == (1, 1),
            f"has 3 x 3 filters of pad 1 and stride 1; found {fixed}, strides {strides}",
        )
        self.check(
            0 <= param.dropout_amount < 1,
            f"dropout_amount must lie in [0, 1); found {param.dropout_amount:g}",
        )
        self.updates_params = self.phase == caffe_pb2.TRAIN
        self.channels = shapes[0][1]
        grown = [self.channels + i * param.growthRate for i in range(param.numTransition)]
        inner = [4 * param.growthRate] * param.numTransition
        self._add_params(inner if param.use_BC else grown, grown, 3, param.growthRate)
        if param.use_BC:
            self._add_params(grown, inner, 1, inner[0])
        self.add_param((1,), caffe_pb2.FillerParameter())
        self._keep_statistics()

    def _add_params(
        self, inputs: list[int], normalised: list[int], kernel: int, outputs: int
    ) -> None:
        """The parameters of one convolution of each transition, kind by kind."""
        param = self.spec.denseblock_param
        for channels in inputs:
            self.add_param((outputs, channels, kernel, kernel), param.Filter_Filler)
        for filler in (
            param.BN_Scaler_Filler,
            param.BN_Bias_Filler,
            caffe_pb2.FillerParameter(),
            caffe_pb2.FillerParameter(value=1),
        ):
            for channels in normalised:
                self.add_param((1, channels, 1, 1), filler)

    def _keep_statistics(self) -> None:
        """The solver must not touch them."""
        count = self.spec.denseblock_param.numTransition
        while len(self.spec.param) < len(self.blobs):
            self.spec.param.add()
        for i, param in enumerate(self.spec.param):
            if i // count % 5 in (MEAN, VARIANCE) or i == len(self.blobs) - 1:
                param.lr_mult = param.decay_mult = 0

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.denseblock_param
        (shape,) = shapes
        self.check(
            len(shape) == 4 and shape[1] == self.channels,
            f"expects N x {self.channels} x H x W; found a bottom of shape {shape}",
        )
        return [(shape[0], shape[1] + param.numTransition * param.growthRate, *shape[2:])]

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        weights = [blob.count for blob in self.blobs if len(blob.shape) == 4 and blob.shape[0] > 1]
        n, _, height, width = bottoms[0]
        return n * height * width * sum(weights)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.denseblock_param
        (top,), count = bottoms, param.numTransition
        *params, total = params
        if self.updates_params and not exporting.is_traced():
            with torch.no_grad():
                total.data.mul_(param.moving_average_fraction).add_(1)
        for i in range(count):
            new = top
            if param.use_BC:
                new = self._normalised(new, params[i::count][:INNER], total)
                new = F.conv2d(new, params[INNER * count + i])
                new = self._normalised(new, params[i::count][INNER:], total)
            else:
                new = self._normalised(new, params[i::count], total)
            new = F.conv2d(new, params[i], padding=1)
            top = torch.cat([top, self._dropped(new)], 1)
        return top

    def _normalised(
        self, x: torch.Tensor, params: list[torch.Tensor], total: torch.Tensor
    ) -> torch.Tensor:
        """max(0, .) of BatchNorm, scale and bias, from five parameters, one of each kind."""
        scale, bias, mean, variance = (param.flatten() for param in params[SCALE:])
        if self.phase == caffe_pb2.TEST:
            total = total.detach()
            factor = (1 / total).where(total != 0, 0)  # no `if`: an export follows no values
            running = mean.detach() * factor, variance.detach() * factor
            return F.batch_norm(x, *running, scale, bias, eps=EPS).relu()
        if not exporting.is_traced():
            fraction = self.spec.denseblock_param.moving_average_fraction
            with torch.no_grad():
                several = x.numel() > x.shape[1]  # values of a channel; of one the variance is 0
                of_batch = torch.var_mean(x, (0, 2, 3), correction=int(several))
                for kept, now in zip((variance, mean), of_batch, strict=True):
                    kept.data.mul_(fraction).add_(now)
        # F.batch_norm refuses a single value a channel.
        enabled = torch.backends.cudnn.enabled
        return torch.batch_norm(x, scale, bias, None, None, True, 1, EPS, enabled).relu()

    def _dropped(self, x: torch.Tensor) -> torch.Tensor:
        if not self.draws:
            return x
        kept = 1 - self.spec.denseblock_param.dropout_amount
        mask = torch.empty_like(x).bernoulli_(kept, generator=generator(x.device))
        return x * mask / kept
