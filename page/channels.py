"""A blob's channels as pictures, and what its pixels see of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from infer.predictor import Predictor
from nets.receptive_field import windows

from .segmentation import as_text, png

SHOWN = 36  # channels of one sheet
COLUMNS = 6
TILE = 120  # pixels of a channel's longer side
GAP = 4


def channels(predictor: Predictor, image: np.ndarray, blob: str, first: int) -> dict[str, Any]:
    """SHOWN channels of a blob from number `first`, for an (H, W, 3) uint8 RGB image.

    Raises ValueError where there are not as many.
    """
    predictor.scores(image)
    values = predictor.net.blobs[blob].data[0]
    if first >= len(values):
        raise ValueError(f"blob {blob!r} has {len(values)} channels, there is no {first}")
    window = windows(predictor.param)[blob]
    shown = values[first : first + SHOWN]
    return {
        "blob": blob,
        "shape": list(values.shape),
        "first": first,
        "count": len(shown),
        "at_most": SHOWN,
        "lowest": float(values.min()),
        "highest": float(values.max()),
        "receptive_field": window.size,
        "stride": window.stride,
        "offset": window.first,
        "width": image.shape[1],
        "height": image.shape[0],
        "sheet": as_text(png(sheet(shown))),
    }


def sheet(values: np.ndarray) -> Image.Image:
    """(C, h, w) values as grey pictures side by side, each from its lowest to its highest."""
    count, height, width = values.shape
    scale = TILE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    columns, rows = min(COLUMNS, count), -(-count // COLUMNS)
    pitch = size[0] + GAP, size[1] + GAP
    canvas = Image.new("L", (columns * pitch[0] - GAP, rows * pitch[1] - GAP), "white")
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    for number, channel in enumerate(values):
        low, high = float(channel.min()), float(channel.max())
        grey = np.rint(255 * (channel - low) / max(high - low, 1e-12)).astype(np.uint8)
        tile = Image.fromarray(grey).resize(size, how)
        canvas.paste(tile, (number % COLUMNS * pitch[0], number // COLUMNS * pitch[1]))
    return canvas
