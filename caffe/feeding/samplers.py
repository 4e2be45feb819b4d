"""Parts of an image drawn by chance: batch_sampler of SSD (sampler.cpp)."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..core.errors import CaffeError
from ..core.rectangles import coverage, overlap
from ..proto import caffe_pb2


def check_sampler(sampler: caffe_pb2.Sampler) -> None:
    """Raise CaffeError for ranges that are none."""
    if not 0 < sampler.min_scale <= sampler.max_scale <= 1:
        raise CaffeError(
            "a sampler needs 0 < min_scale <= max_scale <= 1; found "
            f"{sampler.min_scale:g} and {sampler.max_scale:g}"
        )
    if not 0 < sampler.min_aspect_ratio <= sampler.max_aspect_ratio < math.inf:
        raise CaffeError(
            "a sampler needs 0 < min_aspect_ratio <= max_aspect_ratio; found "
            f"{sampler.min_aspect_ratio:g} and {sampler.max_aspect_ratio:g}"
        )


def sampled(
    samplers: Sequence[caffe_pb2.BatchSampler], objects: np.ndarray, uniforms: Iterator[float]
) -> np.ndarray | None:
    """One of the windows that the samplers find, x1, y1, x2, y2 in [0, 1]; None if they find none.

    objects: boxes (G, 4) of the image, in [0, 1] too. Each sampler tries max_trials windows, until
    max_sample of them meet its sample_constraint.
    """
    found: list[np.ndarray] = []
    for sampler in samplers:
        if not sampler.use_original_image:
            continue
        most = len(found) + sampler.max_sample if sampler.HasField("max_sample") else math.inf
        for _ in range(sampler.max_trials):
            if len(found) >= most:
                break
            window = _drawn(sampler.sampler, uniforms)
            if _meets(window, objects, sampler.sample_constraint):
                found.append(window)
    return found[int(next(uniforms) * len(found))] if found else None


def _drawn(sampler: caffe_pb2.Sampler, uniforms: Iterator[float]) -> np.ndarray:
    def within(low: float, high: float) -> float:
        return low + (high - low) * next(uniforms)

    scale = within(sampler.min_scale, sampler.max_scale)
    ratio = within(sampler.min_aspect_ratio, sampler.max_aspect_ratio)
    ratio = min(max(ratio, scale**2), 1 / scale**2)
    width, height = min(scale * math.sqrt(ratio), 1), min(scale / math.sqrt(ratio), 1)
    left, top = within(0, 1 - width), within(0, 1 - height)
    return np.array([left, top, left + width, top + height])


def jittered(jitter: float, uniforms: Iterator[float]) -> np.ndarray:
    """A window whose sides are 1 - jitter to 1 (MobileNet-YOLO)."""
    sides = np.array([1 - jitter * next(uniforms) for _ in range(2)])
    start = np.array([(1 - side) * next(uniforms) for side in sides])
    return np.concatenate([start, start + sides])


def _meets(window: np.ndarray, objects: np.ndarray, constraint: caffe_pb2.SampleConstraint) -> bool:
    """Whether any object is as the constraint wants it.

    As in SSD, of several kinds of constraints the first alone counts.
    """
    for kind in ("jaccard_overlap", "sample_coverage", "object_coverage"):
        low, high = f"min_{kind}", f"max_{kind}"
        if not (constraint.HasField(low) or constraint.HasField(high)):
            continue
        if kind == "jaccard_overlap":
            values = overlap(window, objects)
        elif kind == "sample_coverage":
            values = coverage(window, objects)
        else:
            values = coverage(objects, window)
        least = getattr(constraint, low) if constraint.HasField(low) else -math.inf
        most = getattr(constraint, high) if constraint.HasField(high) else math.inf
        return bool(((least <= values) & (values <= most)).any())
    return True
