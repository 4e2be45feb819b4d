"""PrecisionRecallLoss: how far precision and recall are from 1 where they meet."""

import torch

from ..base import Shape, layer_type
from ..loss import Loss


@layer_type("PrecisionRecallLoss", "several forks")
class PrecisionRecallLoss(Loss):
    """1 less the precision where it is nearest to the recall, on average over the channels.

    Of each channel both are taken at the thresholds 0, 1 / point_num, ..., 1 of the scores, labels
    being 1 or 0; those of 0 and of 1 do not count, and where none is left the loss is 1. There is
    no gradient.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(
            self.spec.precision_recall_loss_param.point_num > 0,
            "needs a positive point_num in precision_recall_loss_param, the number of thresholds",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            shapes[0] == shapes[1] and len(shapes[0]) > 1,
            f"needs scores N x C x ..., and labels of their shape; found shapes {shapes}",
        )
        return super().top_shapes(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scores, labels = (bottom.detach().transpose(0, 1).flatten(1) for bottom in bottoms)
        count = self.spec.precision_recall_loss_param.point_num
        right, wrong = labels.trunc() == 1, labels.trunc() == 0
        nearest, loss = scores.new_ones(len(scores)), scores.new_ones(len(scores))
        for point in range(count + 1):
            found = scores >= point / count
            hits, alarms, misses = (
                part.sum(1).to(scores) for part in (found & right, found & wrong, right & ~found)
            )
            precision, recall = hits / (hits + alarms), hits / (hits + misses)
            apart = (precision - recall).abs()  # no number where nothing is found, or to be found
            better = (apart < nearest) & (hits > 0) & (alarms > 0) & (misses > 0)
            nearest, loss = apart.where(better, nearest), (1 - precision).where(better, loss)
        return loss.mean()
