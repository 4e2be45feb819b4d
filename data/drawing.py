"""Label maps as pictures: palette PNG, overlay on the photograph, legend with class names."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data.datasets import VOID, Dataset
from data.fonts import written


def palette() -> np.ndarray:
    """VOC's colour map, (256, 3) uint8 RGB: bit k of the class's three-bit groups sets bit 7-k."""
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for group in range(8):
        for channel in range(3):
            bit = index >> (3 * group + channel) & 1
            colours[:, channel] |= (bit << (7 - group)).astype(np.uint8)
    return colours


def palette_of(dataset: Dataset) -> np.ndarray:
    """The (256, 3) uint8 RGB colour map of a dataset: its classes' own colours, or VOC's."""
    table = palette()
    if dataset.palette:
        table[: len(dataset.palette)] = dataset.palette
        table[VOID] = 0
    return table


@dataclass(frozen=True)
class LegendEntry:
    """A class found in a label map: its share of the pixels is a fraction in (0, 1]."""

    index: int
    name: str
    colour: tuple[int, int, int]
    share: float


def legend(
    labels: np.ndarray, names: Sequence[str], table: np.ndarray | None = None
) -> list[LegendEntry]:
    """The classes found in `labels` (class indices, any shape), by index; 255 is named void.

    `table`, here and below, is a (256, 3) uint8 RGB colour map; by default `palette`.
    Raises ValueError for a label that is neither void nor has a name.
    """
    counts = np.bincount(np.ravel(labels))
    table = palette() if table is None else table
    entries = []
    for index in np.flatnonzero(counts).tolist():
        if index != VOID and index >= len(names):
            raise ValueError(f"label {index} has no name: {len(names)} class names were given")
        name = "void" if index == VOID else names[index]
        colour = tuple(table[index].tolist())
        entries.append(LegendEntry(index, name, colour, float(counts[index] / np.size(labels))))
    return entries


def colours(labels: np.ndarray, table: np.ndarray | None = None) -> np.ndarray:
    """(H, W, 3) uint8 RGB of an (H, W) label map."""
    return (palette() if table is None else table)[labels]


def overlay(
    image: np.ndarray,
    labels: np.ndarray,
    alpha: float = 0.6,
    table: np.ndarray | None = None,
    background: int = 0,
) -> np.ndarray:
    """`image` (H, W, 3 uint8 RGB) with every class's colour laid over it with opacity `alpha`.

    The class `background` leaves the image as it is: 0, as in the authors' vis.py, is VOC's.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(f"image of {image.shape[:2]} pixels, label map of {labels.shape}")
    opacity = np.where(labels != background, np.float32(alpha), np.float32(0))[..., None]
    return np.rint((1 - opacity) * image + opacity * colours(labels, table)).astype(np.uint8)


def with_legend(picture: np.ndarray, entries: Sequence[LegendEntry]) -> np.ndarray:
    """`picture` (H, W, 3 uint8 RGB) with `entries` (colour, name, percent) at its right.

    The square of class 0 is left open, as `overlay` leaves its pixels.
    """
    height, width = picture.shape[:2]
    size = min(max(height // 28, 12), 64)
    line, margin = round(1.6 * size), size // 2
    names = [written(entry.name, entry.index) for entry in entries]
    fonts = [_font(name.font, size) for name in names]
    # Apart from the names: beside one that runs from right to left they would be turned too
    plain = _font(None, size)
    shares = [f"  {100 * entry.share:.1f}%" for entry in entries]
    widths = [font.getlength(name.text) for font, name in zip(fonts, names, strict=True)]
    ends = [width + plain.getlength(share) for width, share in zip(widths, shares, strict=True)]
    column = margin + size + margin + round(max(ends)) + margin
    full = (width + column, max(height, line * len(entries) + margin))
    canvas = Image.new("RGB", full, "white")
    canvas.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(canvas)
    left = width + margin
    for number, entry in enumerate(entries):
        top = margin + number * line
        fill = entry.colour if entry.index else None
        draw.rectangle((left, top, left + size, top + size), fill=fill, outline="gray")
        begin, middle = left + size + margin, top + size / 2
        draw.text((begin, middle), names[number].text, "black", fonts[number], anchor="lm")
        at = begin + widths[number], middle
        draw.text(at, shares[number], "black", plain, anchor="lm")
    return np.asarray(canvas)


def _font(file: str | None, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.truetype(file, size) if file else ImageFont.load_default(size)


def write_png(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Writes an (H, W, 3) uint8 RGB array; an older file stays whole until the new one is."""
    # Level 1 takes a third of the time of zlib's default, for a photograph 5% larger.
    _write(path, Image.fromarray(picture), compress_level=1)


def write_palette_png(
    path: str | os.PathLike, labels: np.ndarray, table: np.ndarray | None = None
) -> None:
    """Writes an (H, W) uint8 label map as VOC's own: palette PNG, pixel value = class index."""
    if labels.dtype != np.uint8 or labels.ndim != 2:
        raise ValueError(
            f"{path}: label map of shape {labels.shape} and dtype {labels.dtype}, "
            "expected H x W of dtype uint8"
        )
    _write(path, palette_image(labels, table))


def palette_image(labels: np.ndarray, table: np.ndarray | None = None) -> Image.Image:
    """An (H, W) uint8 label map as a picture of mode P: pixel value = class."""
    image = Image.fromarray(labels)
    table = palette() if table is None else table
    image.putpalette(table.tobytes())  # turns the mode from L to P
    return image


def _write(path: str | os.PathLike, image: Image.Image, **options: int) -> None:
    from caffe.core.files import replacing  # here: caffe loads torch, which takes seconds

    with replacing(path) as file:
        image.save(file, format="PNG", **options)
