"""Any image a user has, as an RGB array."""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError


def load_image(image: str | os.PathLike | Image.Image | np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB array of a file, a PIL image or such an array.

    The image is turned as its EXIF orientation says. Transparent parts are laid over white. Of 16
    bits the upper 8 are kept. Of an animation or multi-page file the first frame is taken.
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
        return _rgb(ImageOps.exif_transpose(image), "PIL image")
    path = Path(image)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such image")
    if path.is_dir():
        raise ValueError(f"{path}: a folder, expected an image")
    if not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty, expected an image")
    with warnings.catch_warnings():
        # Pillow only warns between its limit and twice its limit; both need more memory than
        # any net here could use.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path) as opened:
                opened.load()
                upright = ImageOps.exif_transpose(opened)
        except PermissionError as error:
            raise ValueError(f"{path}: no permission to read it") from error
        except UnidentifiedImageError as error:
            raise ValueError(f"{path}: not an image of a format that Pillow knows") from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ValueError(
                f"{path}: more than {Image.MAX_IMAGE_PIXELS} pixels; make it smaller"
            ) from error
        except Exception as error:  # Pillow's decoders raise a dozen types on damaged files
            raise ValueError(f"{path}: truncated or damaged image ({error})") from error
    return _rgb(upright, path)


def _rgb(image: Image.Image, name: str | os.PathLike) -> np.ndarray:
    if image.mode == "I" or image.mode.startswith("I;16"):
        pixels = np.asarray(image).astype(np.int64)
        if pixels.min() < 0 or pixels.max() > 0xFFFF:
            raise ValueError(
                f"{name}: pixels from {pixels.min()} to {pixels.max()}, expected at most 16 bits; "
                "convert it to 8 bits a channel"
            )
        image = Image.fromarray((pixels >> 8).astype(np.uint8))
    elif image.mode == "F":
        raise ValueError(f"{name}: float pixels; convert it to 8 bits a channel")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))
