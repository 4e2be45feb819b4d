"""What another precision than fp32 changes: the same weights on the same images in both."""

import csv
import io
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import caffe

from .metrics import confusion, scores
from .score import heads_of


class Comparison(NamedTuple):
    """How one head differs, over all images; a score is that of one class at one pixel."""

    largest_difference: float
    mean_difference: float
    mean_score: float  # in fp32, of absolute values: what the differences are to be held against
    other_label: float  # share of the pixels, void ones too, that get another label
    mean_iu_fp32: float
    mean_iu: float


def compare(net: caffe.Net, images: int, precision: str) -> dict[str, Comparison]:
    """Run `images` passes of a val net in fp32 and, on the same data, in another precision.

    Returns a Comparison for each head, by label blob; the precision is left set.
    """
    heads = heads_of(net)
    behind_data = next(layer for layer, bottoms in net.bottom_names.items() if bottoms)
    differences: dict[str, list[list[float]]] = {label: [] for label in heads}
    hists = {label: [np.zeros((), np.int64)] * 2 for label in heads}  # fp32's, the other's
    for _ in tqdm(range(images), desc="comparing", unit="image", leave=False):
        caffe.set_precision("fp32")
        net.forward()
        found = {label: [net.blobs[score].data.copy()] for label, score in heads.items()}
        caffe.set_precision(precision)
        net.forward(start=behind_data)
        for label, score in heads.items():
            found[label].append(net.blobs[score].data)
            differences[label].append(_difference(*found[label]))
            truth = net.blobs[label].data[:, 0]
            for i, values in enumerate(found[label]):
                counts = confusion(truth, values.argmax(1), values.shape[1])
                hists[label][i] = hists[label][i] + counts
    return {
        label: _comparison(np.array(differences[label]), *(scores(h).mean_iu for h in hists[label]))
        for label in heads
    }


def _difference(fp32: np.ndarray, other: np.ndarray) -> list[float]:
    """The largest difference of a pass, then sums and counts over values and over pixels."""
    apart = np.abs(other - fp32)
    relabelled = fp32.argmax(1) != other.argmax(1)
    sums = (apart.sum(dtype=np.float64), np.abs(fp32).sum(dtype=np.float64), fp32.size)
    return [apart.max(), *sums, relabelled.sum(), relabelled.size]


def _comparison(passes: np.ndarray, mean_iu_fp32: float, mean_iu: float) -> Comparison:
    apart, size, values, relabelled, pixels = passes[:, 1:].sum(0).tolist()
    largest = float(passes[:, 0].max())
    shares = (apart / values, size / values, relabelled / pixels)
    return Comparison(largest, *shares, mean_iu_fp32, mean_iu)


def as_csv(heads: dict[str, Comparison], precision: str) -> str:
    """What `compare` found, as CSV with a line for each head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["head", "precision", *Comparison._fields])
    for label, comparison in heads.items():
        writer.writerow([label, precision, *(f"{value:.6g}" for value in comparison)])
    return text.getvalue()


def table(heads: dict[str, Comparison], precision: str) -> str:
    """What `compare` found, as a paragraph for each head."""
    return "\n".join(
        f"{label}: scores in {precision} differ from fp32's by {c.mean_difference:.2g} on average, "
        f"{c.largest_difference:.2g} at most (mean |score| {c.mean_score:.3g}); "
        f"{100 * c.other_label:.3f}% of the pixels get another label; "
        f"mean IU {100 * c.mean_iu:.2f}%, in fp32 {100 * c.mean_iu_fp32:.2f}%"
        for label, c in heads.items()
    )
