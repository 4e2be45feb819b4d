"""What a net makes of a photograph, and its forms: JSON and PNG."""

from __future__ import annotations

import base64
import io
import time
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from data.drawing import legend, palette_image
from infer.predictor import first_highest
from infer.stages import stage_scores

from .shown_nets import Shown


class Segmentation(NamedTuple):
    """labels are (H, W) uint8 classes, probability (H, W) float32 that of each pixel's class."""

    labels: np.ndarray
    probability: np.ndarray
    seconds: float


def segment(net: Shown, image: np.ndarray) -> Segmentation:
    """Label an (H, W, 3) uint8 RGB image; the seconds are those that the net took."""
    start = time.perf_counter()
    scores = net.predictor.scores(image)
    if net.stage:
        scores = stage_scores(net.predictor.net, net.stage, *image.shape[:2])
    labels = first_highest(scores)
    seconds = time.perf_counter() - start
    return Segmentation(labels, highest_probability(scores), seconds)


def highest_probability(scores: np.ndarray) -> np.ndarray:
    """(H, W) float32: the largest of each pixel's softmax over (C, H, W) scores."""
    highest = scores.max(0)
    total = np.zeros_like(highest)
    for score in scores:
        total += np.exp(score - highest)
    return 1 / total


def as_json(net: Shown, of: Segmentation, size: tuple[int, int]) -> dict[str, Any]:
    """What /segment says; `size` is the (height, width) that the upload had."""
    height, width = of.labels.shape
    found = sorted(legend(of.labels, net.predictor.classes, net.table), key=lambda e: -e.share)
    return {
        "net": net.name,
        "width": width,
        "height": height,
        "upload_width": size[1],
        "upload_height": size[0],
        "seconds": round(of.seconds, 4),
        "classes": [
            {
                "index": entry.index,
                "name": entry.name,
                "colour": f"#{bytes(entry.colour).hex()}",
                "share": round(entry.share, 6),
            }
            for entry in found
        ],
        "labels": as_text(palette_png(net, of)),
        "map": as_text(png(Image.fromarray(_map(of)))),
    }


def palette_png(net: Shown, of: Segmentation) -> bytes:
    """The label map as VOC's own: palette PNG, pixel value = class."""
    return png(palette_image(of.labels, net.table))


def _map(of: Segmentation) -> np.ndarray:
    """(H, W, 3) uint8 RGB: class, probability from 0 to 255, and 0; a browser reads it exactly."""
    probability = np.rint(255 * of.probability).astype(np.uint8)
    return np.stack([of.labels, probability, np.zeros_like(of.labels)], axis=2)


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def as_text(file: bytes) -> str:
    """A file's bytes in base64, as JSON holds them."""
    return base64.b64encode(file).decode()
