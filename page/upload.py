"""From the body of a request to a photograph, within the limits."""

from __future__ import annotations

import io
from collections.abc import AsyncIterable

import numpy as np
from PIL import Image

from infer.any_image import TooLarge, decode
from photograph import upright_rgb

from .limits import FORMATS, NET_PIXELS, UPLOAD_BYTES, UPLOAD_PIXELS

NAME = "the upload"


async def body(chunks: AsyncIterable[bytes]) -> bytes:
    """The whole body; TooLarge as soon as it is longer than UPLOAD_BYTES, whatever it announced."""
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > UPLOAD_BYTES:
            raise TooLarge(f"{NAME}: more than {UPLOAD_BYTES >> 20} MiB; send a smaller file")
    return bytes(found)


def photograph(upload: bytes, side: int | None = None) -> tuple[np.ndarray, tuple[int, int]]:
    """(H, W, 3) uint8 RGB of an upload, upright, and the (height, width) that it had.

    side: what the longer side is made at most; None leaves it. Raises TooLarge, and ValueError for
    what is no photograph.
    """
    if not upload:
        raise ValueError(f"{NAME} is empty; send the bytes of an image as the request's body")
    picture = decode(io.BytesIO(upload), NAME, pixels=UPLOAD_PIXELS, formats=FORMATS)
    rgb = upright_rgb(picture, NAME)
    before = rgb.shape[:2]
    longer = max(before)
    if side and longer > side:
        height, width = (max(1, round(size * side / longer)) for size in before)
        small = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
        rgb = np.asarray(small)
    if rgb.shape[0] * rgb.shape[1] > NET_PIXELS:
        raise TooLarge(
            f"{NAME}: {before[1]} x {before[0]} pixels, a net labels at most {NET_PIXELS}; have "
            "it made smaller, as by ?side=1000"
        )
    return rgb, (before[0], before[1])
