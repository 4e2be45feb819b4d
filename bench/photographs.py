"""Photographs, drawn from a seed, that compress about as real ones do."""

import io

import numpy as np
from PIL import Image

from .work import Size


def photograph(size: Size, seed: int) -> np.ndarray:
    """(H, W, 3) uint8: soft shapes and fine noise, which compress about as a photograph does."""
    random = np.random.RandomState(seed)
    height, width = size
    shapes = Image.fromarray(random.randint(0, 256, (12, 16, 3)).astype(np.uint8))
    noise = random.normal(0, 8, (height, width, 3))
    soft = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(soft + noise, 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray) -> bytes:
    """The bytes of a JPEG of an (H, W, 3) uint8 RGB image."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90)
    return file.getvalue()
