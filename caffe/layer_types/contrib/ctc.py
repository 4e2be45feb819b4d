"""CTCLoss, under its forks' names: the loss of a sequence of labels that is aligned to no steps."""

import math

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type


@layer_type("CTCLoss", "several forks")
@layer_type("CtcLoss", "several forks")
@layer_type("WarpCTC", "several forks")
@layer_type("WarpCTCLoss", "several forks")
class CTCLoss(LayerType):
    """-log of the probability of the labels given the scores, on average (Graves et al. 2006).

    Bottoms: scores T x N x C, of which the softmax is taken, and labels N x L, of which the blank
    ones are none; or scores, the lengths of the N sequences and of their labels, and labels L x N;
    or scores, T x N values that are 0 where a sequence starts, and labels T x N, below 0 behind the
    last. The blank label is by default 0 in the first form, and else the last class, as -1 is.
    Sequences whose labels do not fit are left out.
    """

    bottoms = (2, 4)
    loss = True
    diff_bottoms = staticmethod(lambda index: index == 0)

    def blank(self, classes: int) -> int:
        param = self.spec.ctc_loss_param
        given = [field for field in ("blank_index", "blank_label") if param.HasField(field)]
        default = 0 if len(self.spec.bottom) == 2 else -1
        blank = getattr(param, given[0]) if given else default
        return classes - 1 if blank == -1 else blank

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores = shapes[0]
        self.check(
            len(scores) >= 3 and math.prod(scores[3:]) == 1,
            f"needs scores T x N x C; found shape {scores}",
        )
        streams = scores[1]
        last = shapes[-1]
        self.check(
            len(last) > 1 and last[0 if len(shapes) == 2 else 1] == streams,
            f"needs labels of {streams} sequences; found shape {last}",
        )
        if len(shapes) == 3:
            self.check(
                math.prod(shapes[1]) == scores[0] * streams,
                f"needs one value for each of {scores[0]} steps and {streams} sequences; found "
                f"shape {shapes[1]}",
            )
        if len(shapes) == 4:
            self.check(
                math.prod(shapes[1]) == math.prod(shapes[2]) == streams,
                f"needs {streams} lengths of sequences and of labels; found {shapes[1:3]}",
            )
        blank = self.blank(scores[2])
        self.check(
            0 <= blank < scores[2], f"the blank label {blank} is none of the {scores[2]} classes"
        )
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scores = bottoms[0].flatten(2)
        labels, lengths, steps = self._sequences(bottoms)
        self._check_labels(labels, lengths, scores.shape[2])
        losses = F.ctc_loss(
            scores.log_softmax(2),
            labels,
            steps,
            lengths,
            self.blank(scores.shape[2]),
            reduction="none",
            zero_infinity=True,
        )
        fits = self._fits(labels, lengths, steps)
        return losses.where(fits, 0).sum() / fits.sum().clamp(min=1)

    def _sequences(
        self, bottoms: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Labels N x L, how many of them count, and the steps of each sequence."""
        steps, streams, classes = bottoms[0].shape[:3]
        blank = self.blank(classes)
        more = [bottom.detach() for bottom in bottoms[1:]]
        whole = torch.full((streams,), steps, device=bottoms[0].device)
        if len(more) == 1:
            labels = more[0].reshape(streams, -1).long()
            counts = labels != blank
            # The blank ones behind the others, which keep their order.
            order = (~counts).long().argsort(dim=1, stable=True)
            return labels.gather(1, order), counts.sum(1), whole
        if len(more) == 3:
            labels = more[2].reshape(more[2].shape[0], streams).T.long()
            return labels, more[1].flatten().long(), more[0].flatten().long()
        starts = more[0].reshape(steps, streams).round() == 0
        starts[0] = False
        lasts = starts.long().cumsum(0) == 0
        labels = more[1].reshape(-1, streams).T
        counts = (labels < 0).long().cumsum(1) == 0
        # Such files number the labels from 0, beside the blank one.
        numbers = labels.clamp(min=0).round().long() + (blank == 0)
        return numbers, counts.sum(1), lasts.sum(0)

    def _check_labels(self, labels: torch.Tensor, lengths: torch.Tensor, classes: int) -> None:
        counts = torch.arange(labels.shape[1], device=labels.device) < lengths[:, None]
        wrong = labels[counts & ((labels < 0) | (labels >= classes))]
        if len(wrong):
            self.check(
                False,
                f"label blob '{self.spec.bottom[-1]}' holds {int(wrong[0])}; expected 0 to "
                f"{classes - 1}",
            )

    @staticmethod
    def _fits(labels: torch.Tensor, lengths: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """Whether there are steps for the labels and a blank one between equal ones."""
        counts = torch.arange(labels.shape[1], device=labels.device) < lengths[:, None]
        repeats = (labels[:, 1:] == labels[:, :-1]) & counts[:, 1:]
        return (lengths + repeats.sum(1) <= steps) & (steps > 0)
