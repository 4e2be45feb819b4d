"""How a photograph becomes pixels, the same to train on and to label; numpy and PIL alone.

It is turned as its EXIF orientation says, and becomes RGB of 8 bits.
"""

import os

import numpy as np
from PIL import ExifTags, Image, ImageOps

# What a folder is searched for, in lower or upper case; of one id the first counts.
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".gif")
# Orientations of EXIF in which height and width are exchanged, and what each does to (..., H, W)
_EXCHANGED = {
    5: lambda array: array.swapaxes(-1, -2),
    6: lambda array: np.rot90(array, -1, (-2, -1)),
    7: lambda array: array.swapaxes(-1, -2)[..., ::-1, ::-1],
    8: lambda array: np.rot90(array, 1, (-2, -1)),
}
_IN_PLACE = (2, 3, 4)  # in which they are not


def with_its_suffix(path: str, label: str) -> str:
    """The path with the suffix that the photograph is there with; as it is, if with none.

    `label` is the path of its label map, which is no photograph where both lie in one folder.
    """
    if os.path.exists(path):
        return path
    stem = os.path.splitext(path)[0]
    spelt = (stem + case(suffix) for suffix in SUFFIXES for case in (str, str.upper, str.title))
    return next((found for found in spelt if found != label and os.path.exists(found)), path)


def upright_rgb(image: Image.Image, name: object) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a picture, turned as its EXIF orientation says.

    Transparent parts are laid over white. Of 16 bits the upper 8 are kept. Raises ValueError, with
    `name`, for float or 32-bit pixels, whose range is unknown.
    """
    image = ImageOps.exif_transpose(image)
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


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of a picture, 1 to 8; 1, upright, where it has none.

    Of a TIFF before its pixels are loaded: Pillow turns it then, and forgets it.
    """
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in (*_EXCHANGED, *_IN_PLACE) else 1


def is_exchanged(number: int) -> bool:
    """Whether this orientation exchanges height and width."""
    return number in _EXCHANGED


def exchanged(array: np.ndarray, number: int) -> np.ndarray:
    """An (..., H, W) array turned to (..., W, H) by an orientation that exchanges them."""
    return _EXCHANGED[number](array)


def is_ambiguous(image: Image.Image) -> bool:
    """Whether a picture is turned, but has the same size as before."""
    number = orientation(image)
    return number in _IN_PLACE or (number in _EXCHANGED and image.height == image.width)
