"""BatchReNorm: batch normalisation whose training comes close to what it is tested with."""

import torch

from ...proto import caffe_pb2
from .. import exporting
from ..base import Shape, layer_type
from ..normalization import BatchNorm


@layer_type("BatchReNorm", "several forks")
class BatchReNorm(BatchNorm):
    """A BatchNorm; from step_to_init on, what it gives in TRAIN is then times r, plus d.

    r is the batch's deviation over the running one, between 1 / r_max and r_max, and d the
    difference of their means over the running deviation, between -d_max and d_max; both count as
    constants (Ioffe 2017, section 3). The limits grow from 1 and 0 until steps step_to_r_max and
    step_to_d_max. A step is iter_size passes, which parameter 3 counts; the running statistics are
    those before a step.
    """

    reads_updates = True

    param_names = ("mean", "variance", "scale", "count")  # type: ignore[assignment]
    running: tuple[torch.Tensor, torch.Tensor] | None = None  # mean and deviation before this step

    def setup_from(self, shapes: list[Shape]) -> None:
        param, norm = self.spec.batch_renorm_param, self.spec.batch_norm_param
        self.check(param.iter_size > 0, "iter_size must be positive; found 0")
        self.check(
            param.r_max >= 1 and param.d_max >= 0,
            f"r_max is at least 1 and d_max at least 0; found {param.r_max:g} and {param.d_max:g}",
        )
        norm.Clear()
        norm.eps = param.eps
        if param.HasField("use_global_stats"):
            norm.use_global_stats = param.use_global_stats
        super().setup_from(shapes)
        self.add_param((1,), caffe_pb2.FillerParameter())
        if len(self.spec.param) == 3:
            self.spec.param.add(lr_mult=0)
        self.check(self.spec.param[3].lr_mult == 0, "parameter 3 is a count: set lr_mult to 0")

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        if self.global_stats or exporting.is_traced():
            return super().expression(bottoms, params[:3])
        param, x = self.spec.batch_renorm_param, bottoms[0].detach()
        step, within = divmod(int(params[3].detach()), param.iter_size)
        mean_sum, var_sum, scale = (each.detach() for each in params[:3])
        if not within:
            root = (var_sum / scale + param.eps).sqrt()
            self.running = (mean_sum / scale, root) if scale else None
        self.fraction = 1 if within else param.moving_average_fraction
        top = super().expression(bottoms, params[:3])
        params[3].data.add_(1)
        if step < param.step_to_init or not self.running:
            return top
        along = (-1, *(1,) * (x.dim() - 2)) if x.dim() > 1 else ()
        mean, unbiased = self.batch
        count = x.numel() // len(mean)
        var = unbiased * (count - 1) / count
        most = [self._limit(step, 1, param.r_max, param.step_to_r_max)]
        most += [self._limit(step, 0, param.d_max, param.step_to_d_max)]
        kept_mean, kept_root = self.running
        r = ((var + param.eps).sqrt() / kept_root).clamp(1 / most[0], most[0])
        d = ((mean - kept_mean) / kept_root).clamp(-most[1], most[1])
        return top * r.view(along) + d.view(along)

    def add_batch(
        self, statistics: list[torch.Tensor], mean: torch.Tensor, variance: torch.Tensor
    ) -> None:
        self.batch = mean, variance
        super().add_batch(statistics, mean, variance)

    def _limit(self, step: int, first: float, last: float, end: int) -> float:
        begin = self.spec.batch_renorm_param.step_to_init
        if end <= begin:
            return last
        return min(last, first + (step - begin + 1) * (last - first) / (end - begin))
