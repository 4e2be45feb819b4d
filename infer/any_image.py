"""Any image a user has, as an RGB array."""

import os
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

import data  # noqa: F401 - it makes the modules of layers/ importable
from photograph import upright_rgb


def load_image(image: str | os.PathLike | Image.Image | np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB array of a file, a PIL image or such an array.

    Pixels are what the data layers give to train on: photograph.upright_rgb. Of an animation or
    multi-page file the first frame is taken.
    Raises FileNotFoundError, and ValueError for what is no image, is damaged, holds float or
    32-bit pixels (their range is unknown), or has more pixels than Pillow's limit.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                f"array of shape {image.shape} and dtype {image.dtype}: expected H x W x 3 RGB of "
                "dtype uint8; for other kinds pass a PIL image"
            )
        return image
    if isinstance(image, Image.Image):
        return upright_rgb(image, "PIL image")
    path = Path(image)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such image")
    if path.is_dir():
        raise ValueError(f"{path}: a folder, expected an image")
    if not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty, expected an image")
    return upright_rgb(decode(path, path), path)


class TooLarge(ValueError):
    """An image of more pixels, or of more bytes, than are taken."""


def decode(
    source: Path | BinaryIO,
    name: object,
    *,
    pixels: int | None = None,
    formats: tuple[str, ...] | None = None,
) -> Image.Image:
    """The decoded picture of a file or of bytes; of several frames the first.

    name     what messages call it
    pixels   how many it may have, by its header, before anything is decoded; None: Pillow's limit
    formats  those of Pillow that it may be of; None: any

    Raises TooLarge, and ValueError for what is no image or is damaged.
    """
    with warnings.catch_warnings():
        # Pillow only warns between its limit and twice its limit; both need more memory than
        # any net here could use.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(source, formats=formats) as opened:
                if pixels is not None and opened.width * opened.height > pixels:
                    raise TooLarge(
                        f"{name}: {opened.width} x {opened.height} pixels, at most {pixels} are "
                        "decoded; make it smaller"
                    )
                opened.load()
        except TooLarge:
            raise
        except PermissionError as error:
            raise ValueError(f"{name}: no permission to read it") from error
        except UnidentifiedImageError as error:
            known = ", ".join(formats) if formats else "a format that Pillow knows"
            raise ValueError(f"{name}: not an image of {known}") from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            limit = Image.MAX_IMAGE_PIXELS if pixels is None else pixels
            raise TooLarge(f"{name}: more than {limit} pixels; make it smaller") from error
        except Exception as error:  # Pillow's decoders raise a dozen types on damaged files
            raise ValueError(f"{name}: truncated or damaged image ({error})") from error
    return opened
