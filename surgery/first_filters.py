"""What a net's first convolution was trained to see, told by its filters, and folded into them.

No shape shows whether filters see blue, green, red or red, green, blue, or the image scaled. Of
four published nets some values of the first filters are known; what was trained on from them lies
close by.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from data.weight_sources import BVLC, TORCHVISION, VGG, Input

CLOSE = 0.2  # of the known values' norm: so far do fine-tuned filters move at most


class Known(NamedTuple):
    """A published net: the shape of its first filters, and some of them, channels blue first.

    `parts` are pairs of an index into the filters and the values there.
    """

    net: str
    input: Input
    shape: tuple[int, ...]
    parts: tuple[tuple[Any, Any], ...]


_ALL = slice(None)
KNOWN = (
    Known(
        "VGG16 as its authors trained it",
        VGG,
        (64, 3, 3, 3),
        (
            (
                ([0, 1, 2, 61, 62, 63], _ALL, 0, 0),
                [
                    (0.429470569, 0.550379455, 0.480015397),
                    (0.117273867, 0.0208774377, -0.172696680),
                    (0.0340129584, 0.0988311544, 0.0375577137),
                    (-0.132241577, -0.0848205537, -0.127135560),
                    (-0.0533475243, -0.0511389151, -0.0502991639),
                    (0.00757738389, 0.0374943428, 0.0348965675),
                ],
            ),
            (
                (0, 0),
                [
                    (0.42947057, 0.373467, -0.061360113),
                    (0.27476987, 0.038680777, -0.36722335),
                    (-0.05746817, -0.26224968, -0.35009676),
                ],
            ),
        ),
    ),
    Known(
        "VGG19 as its authors trained it",
        VGG,
        (64, 3, 3, 3),
        (
            (
                (0, _ALL, 0),
                [
                    (0.34119523, 0.33999205, -0.04484424),
                    (0.46418372, 0.41810837, -0.04806903),
                    (0.39416704, 0.37740308, -0.04594866),
                ],
            ),
        ),
    ),
    Known(
        "VGG16 as torchvision trained it",
        TORCHVISION,
        (64, 3, 3, 3),
        (
            (
                0,
                [
                    [
                        (0.3130, -0.1659, -0.4275),
                        (0.4752, -0.0827, -0.4870),
                        (0.6320, 0.0193, -0.2775),
                    ],
                    [
                        (0.1755, 0.0099, -0.0814),
                        (0.0441, -0.0703, -0.2604),
                        (0.1324, -0.1728, -0.1323),
                    ],
                    [
                        (-0.5537, 0.1427, 0.5290),
                        (-0.5831, 0.3566, 0.7657),
                        (-0.6902, -0.0480, 0.4841),
                    ],
                ],
            ),
        ),
    ),
    Known(
        "SqueezeNet as its authors compressed it",
        BVLC,
        (96, 3, 7, 7),
        (
            (
                (0, _ALL, slice(3), slice(3)),
                [
                    [
                        (0.1415, 0.0987, 0.0510),
                        (0.0750, 0.0118, 0.0024),
                        (0.0293, -0.0223, -0.0276),
                    ],
                    [(0.0987, 0.0671, 0.0323), (0.0843, 0.0400, 0.0400), (0.0843, 0.0438, 0.0400)],
                    [(0.0779, 0.0475, 0.0095), (0.0808, 0.0438, 0.0237), (0.0808, 0.0475, 0.0266)],
                ],
            ),
        ),
    ),
)


def recognised(filters: np.ndarray) -> tuple[str, Input] | None:
    """The published net that filters (out, 3, height, width) are of, and the input they are for.

    None for filters of no known net, or of one that was trained on far. Raises ValueError where
    height and width are exchanged.
    """
    candidates = [
        (_distance(arranged, known), known, channels, turned)
        for known in KNOWN
        if filters.shape == known.shape
        for turned in (False, True)
        for channels, arranged in _arrangements(filters.swapaxes(2, 3) if turned else filters)
    ]
    nearest = min(candidates, key=lambda candidate: candidate[0], default=None)
    if nearest is None or nearest[0] > CLOSE:
        return None
    _, known, channels, turned = nearest
    if turned:
        raise ValueError(
            f"the filters are those of {known.net}, with height and width exchanged; the file is "
            "of another layout than its name says"
        )
    return known.net, known.input._replace(channels=channels)


def _arrangements(filters: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return [("bgr", filters), ("rgb", filters[:, ::-1])]


def _distance(filters: np.ndarray, known: Known) -> float:
    """Of the filters' values from the known ones, relative to the norm of these."""
    pairs = [(filters[index], np.asarray(values)) for index, values in known.parts]
    off = sum(float(((found - values) ** 2).sum()) for found, values in pairs)
    return (off / sum(float((values**2).sum()) for _, values in pairs)) ** 0.5


def fold(filters: np.ndarray, seen: Input) -> np.ndarray:
    """Filters for blue, green, red from 0 to 255, less the mean, of filters made for `seen`.

    (out, 3, height, width) float32; the biases stay. This is exact wherever zeros are padded:
    before and after, a padded zero stands for the net's own mean, which goes on being subtracted.
    To fold another mean into the biases would be exact only without padding, so nothing does.
    """
    arranged = filters[:, ::-1] if seen.channels == "rgb" else filters
    return np.ascontiguousarray(arranged / np.reshape(seen.std, (3, 1, 1)), np.float32)
