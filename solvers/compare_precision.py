"""What another precision than fp32 changes: the same weights on the same images in both.

The other may be an ONNX file's, of 8-bit integers say (`caffe quantize`), run by onnxruntime.
"""

import csv
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
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


# The scores of the data that a net's blobs hold, by blob
Other = Callable[[caffe.Net], dict[str, np.ndarray]]


def in_precision(precision: str) -> Other:
    """The net itself in another precision, which is left set."""

    def scores(net: caffe.Net) -> dict[str, np.ndarray]:
        caffe.set_precision(precision)
        net.forward(start=next(layer for layer, bottoms in net.bottom_names.items() if bottoms))
        return {score: net.blobs[score].data for score in heads_of(net).values()}

    return scores


def in_onnx(path: Path) -> Other:
    """The deploy net as an ONNX file, run by onnxruntime on the CPU.

    Raises ValueError where that is not installed or does not take the file, and, when the scores
    are wanted, for a file of another net.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise ValueError(f"{path}: running it needs onnxruntime: pip install onnxruntime")
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # of its many kinds
        raise ValueError(f"{path}: onnxruntime does not take it: {error}") from None
    inputs = [each.name for each in session.get_inputs()]
    outputs = [each.name for each in session.get_outputs()]

    def scores(net: caffe.Net) -> dict[str, np.ndarray]:
        wanted = list(heads_of(net).values())
        if not (set(inputs) <= set(net.blobs) and set(wanted) <= set(outputs)):
            raise ValueError(
                f"{path}: makes {', '.join(outputs)} of {', '.join(inputs)}; expected "
                f"{', '.join(wanted)} of blobs of net '{net.name}': export its deploy prototxt"
            )
        found = session.run(wanted, {name: net.blobs[name].data for name in inputs})
        return dict(zip(wanted, found, strict=True))

    return scores


def compare(net: caffe.Net, images: int, other: Other) -> dict[str, Comparison]:
    """Run `images` passes of a val net in fp32 and, on the same data, in another precision.

    Returns a Comparison for each head, by label blob.
    """
    heads = heads_of(net)
    differences: dict[str, list[list[float]]] = {label: [] for label in heads}
    hists = {label: [np.zeros((), np.int64)] * 2 for label in heads}  # fp32's, the other's
    for _ in tqdm(range(images), desc="comparing", unit="image", leave=False):
        caffe.set_precision("fp32")
        net.forward()
        fp32 = {score: net.blobs[score].data.copy() for score in heads.values()}
        found = other(net)
        for label, score in heads.items():
            differences[label].append(_difference(fp32[score], found[score]))
            truth = net.blobs[label].data[:, 0]
            for i, values in enumerate((fp32[score], found[score])):
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
