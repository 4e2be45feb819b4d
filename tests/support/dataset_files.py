"""Files of a dataset made by hand: an image, label maps, lists."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def save(path: Path, array: np.ndarray) -> None:
    """Write an image; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def save_mat(path: Path, **variables: object) -> None:
    """Write a .mat file of these variables; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, variables)


def full(values: Iterable[int]) -> np.ndarray:
    """A map of the image's size that repeats the values."""
    return np.resize(np.array(values), (4, 6))


def write(path: Path, text: str) -> None:
    """Write a text file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def assert_is_bgr_minus(mean: tuple[float, ...], data: np.ndarray, path: Path) -> None:
    """`data` (1, 3, H, W) is the image at path in BGR, less the mean."""
    expected = np.array(Image.open(path), np.float64)[:, :, ::-1] - mean
    np.testing.assert_allclose(data[0], expected.transpose(2, 0, 1), rtol=0, atol=2e-5)
