"""Sequences beside CTC: ContinuationIndicator, ReverseTime, CTCGreedyDecoder and others."""

import math

import torch

from ...core.blob import Blob
from ..base import LayerType, Shape, Tensors, item_rows, layer_type
from ..exporting import is_traced

Sequence = list[int]


@layer_type("ContinuationIndicator", "several forks")
class ContinuationIndicator(LayerType):
    """What tells LSTM that sequences start at step 0: time_step x batch_size, 0 there, else 1.

    With a bottom (DeepDetect's Caffe) the batch is as large as its axis `axis`.
    """

    bottoms = (0, 1)
    constant = True
    diff_bottoms = staticmethod(lambda index: False)
    reads_bottom = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.continuation_indicator_param
        batch = shapes[0][self.axis(param.axis, shapes[0])] if shapes else param.batch_size
        shape = param.time_step, batch
        self.check(min(shape) > 0, f"time_step and batch_size must be positive; found {shape}")
        return [shape]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        top[0].data[...] = 1
        top[0].data[0] = 0

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""


@layer_type("Convert", "Curve-Text-Detector")
class Convert(LayerType):
    """N x C x 1 x T, or N x C x T, as LSTM reads it: T x N x C, and what tells that each starts."""

    tops = (2, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(
            len(shape) > 2 and math.prod(shape[2:-1]) == 1,
            f"needs N x C x 1 x T; found shape {shape}",
        )
        count, channels, *_, steps = shape
        return [(steps, count, channels), (steps, count)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        moved = bottoms[0].flatten(2).permute(2, 0, 1)
        goes_on = torch.arange(moved.shape[0], device=moved.device)[:, None] > 0
        return [moved, goes_on.to(moved).expand(moved.shape[:2])]


@layer_type("ReverseTime", "several forks")
class ReverseTime(LayerType):
    """Sequences T x N x ... backwards, each from its own end: bottom 1 holds N lengths.

    What lies behind a sequence stays where it is; with copy_remaining: false it is 0.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        values, lengths = shapes
        self.check(
            len(values) > 1 and lengths == values[1:2],
            f"needs T x N x ... and N lengths; found shapes {values} and {lengths}",
        )
        return [values]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, lengths = bottoms[0], bottoms[1].detach().long()
        if not is_traced():
            self.check(
                bool(((lengths >= 0) & (lengths <= len(x))).all()),
                f"'{self.spec.bottom[1]}' holds lengths {lengths.tolist()}; expected 0 to {len(x)}",
            )
        step = torch.arange(x.shape[0], device=x.device)[:, None]
        inside = step < lengths
        where = torch.where(inside, lengths - 1 - step, step)
        along = (*where.shape, *(1,) * (x.dim() - 2))
        top = x.gather(0, where.view(along).expand(x.shape))
        if self.spec.reverse_time_param.copy_remaining:
            return top
        return top.where(inside.view(along), 0)


def decoded(best: list[int], blank: int, merges: bool) -> Sequence:
    """The labels of the best class of each step: of equal neighbours one, then no blanks."""
    before = [-1, *best[:-1]]
    return [
        label
        for label, previous in zip(best, before, strict=True)
        if label != blank and not (merges and label == previous)
    ]


def distance(one: Sequence, other: Sequence) -> int:
    """How many labels must be put in, taken out or changed."""
    row = list(range(len(other) + 1))
    for i, label in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, second in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (label != second))
    return row[-1]


@layer_type("CTCGreedyDecoder", "several forks")
class CTCGreedyDecoder(LayerType):
    """The best class of each step, equal neighbours once, without blanks (Graves et al. 2006).

    Bottoms: scores T x N x C; T x N values that are 0 where a sequence starts; if given, labels
    T x N, below 0 behind the last. Tops: the sequences, N x T x 1 x 1, -1 behind the last label;
    of three, or of two without labels: minus the sums of the best scores, N x 1 x 1 x 1; with
    labels last the accuracy, 1 less the edit distance over the longer one's length, on average.
    Of scores and labels N x L, blank where there is none: the share of sequences that are right.
    """

    bottoms = (2, 3)
    tops = (1, 3)
    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, _, *labels = shapes
        self.check(
            len(scores) >= 3 and math.prod(scores[3:]) == 1,
            f"needs scores T x N x C; found shape {scores}",
        )
        steps, streams = scores[:2]
        if self._scores_alone(shapes):
            return [()]
        self.check(
            all(shape[:2] == scores[:2] and math.prod(shape[2:]) == 1 for shape in shapes[1:]),
            f"needs values T x N, {steps} x {streams}; found shapes {shapes[1:]}",
        )
        most = 2 + len(labels)
        self.check(len(self.spec.top) <= most, f"has {most} tops at most here")
        tops: list[Shape] = [(streams, steps, 1, 1)]
        if len(self.spec.top) == 3 or (len(self.spec.top) == 2 and not labels):
            tops.append((streams, 1, 1, 1))
        return [*tops, (1, 1, 1, 1)][: len(self.spec.top)]

    def _scores_alone(self, shapes: list[Shape]) -> bool:
        """Whether there are labels N x L instead of what tells where sequences start."""
        return (
            len(shapes) == 2
            and len(self.spec.top) == 1
            and shapes[1][:1] == shapes[0][1:2]
            and shapes[1][:2] != shapes[0][:2]
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        scores, *more = (bottom.detach() for bottom in bottoms)
        scores = scores.flatten(2)
        steps, streams, classes = scores.shape
        param = self.spec.ctc_decoder_param
        alone = self._scores_alone([tuple(bottom.shape) for bottom in bottoms])
        blank = param.blank_index if param.HasField("blank_index") else 0 if alone else -1
        blank = classes - 1 if blank < 0 else blank
        highest, best = scores.max(2)
        lengths = [steps] * streams
        if not alone:
            starts = more[0].reshape(steps, streams) == 0
            starts[0] = False
            lengths = (starts.long().cumsum(0) == 0).sum(0).tolist()
        found = [
            decoded(best[:length, n].tolist(), blank, param.ctc_merge_repeated)
            for n, length in enumerate(lengths)
        ]
        if alone:
            labels = [[v for v in row if v != blank] for row in _rows(more[0].reshape(streams, -1))]
            right = [one == other for one, other in zip(found, labels, strict=True)]
            return scores.new_tensor(sum(right) / max(1, streams))
        sequences = scores.new_full((streams, steps, 1, 1), -1)
        for n, sequence in enumerate(found):
            sequences[n, : len(sequence), 0, 0] = sequences.new_tensor(sequence)
        tops = [sequences]
        if len(self.spec.top) == 3 or (len(self.spec.top) == 2 and len(more) == 1):
            counts = torch.arange(steps, device=scores.device)[:, None] < scores.new_tensor(lengths)
            tops.append(-(highest * counts).sum(0).reshape(streams, 1, 1, 1))
        if len(tops) < len(self.spec.top):
            labels = [_until_negative(row) for row in _rows(more[1].reshape(steps, streams).T)]
            apart = [
                distance(one, other) / max(1, len(one), len(other))
                for one, other in zip(found, labels, strict=True)
            ]
            tops.append(scores.new_full((1, 1, 1, 1), 1 - sum(apart) / max(1, streams)))
        return tops


def _rows(labels: torch.Tensor) -> list[Sequence]:
    return labels.round().long().tolist()


def _until_negative(row: Sequence) -> Sequence:
    ends = [i for i, label in enumerate(row) if label < 0]
    return row[: ends[0]] if ends else row


@layer_type("LabelsequenceAccuracy", "several forks")
class LabelsequenceAccuracy(LayerType):
    """The share of sequences whose best classes are right: scores N x T x C, labels N x L.

    Of equal neighbours one counts, and no blank_label, of which there are as well in the labels.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, labels = shapes
        self.check(
            len(scores) == 3 and labels[:1] == scores[:1],
            f"needs scores N x T x C and labels N x L; found shapes {scores} and {labels}",
        )
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scores, labels = (bottom.detach() for bottom in bottoms)
        blank = self.spec.labelsequence_accuracy_param.blank_label
        right = [
            decoded(best, blank, True) == [label for label in row if label != blank]
            for best, row in zip(scores.argmax(2).tolist(), _rows(item_rows(labels)), strict=True)
        ]
        return scores.new_tensor(sum(right) / max(1, len(right)))
