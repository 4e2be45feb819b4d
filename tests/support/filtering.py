"""Winograd's filtering in nets and images that are too small for it to pay."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from caffe.layer_types import winograd


@contextmanager
def in_small_parts() -> Iterator[None]:
    """A few tiles at a time, so that there are several parts in small images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "VALUES", 8)
        yield


@contextmanager
def everywhere() -> Iterator[list[tuple[int, ...]]]:
    """All that may be filtered is, in small parts; gives the shapes of what has been."""
    shapes: list[tuple[int, ...]] = []
    convolve = winograd.convolve

    def noted(x, *args):
        shapes.append(tuple(x.shape))
        return convolve(x, *args)

    with pytest.MonkeyPatch.context() as patch, in_small_parts():
        for name in ("OF_VALUE", "OF_WEIGHT", "OF_CALL", "CHANNELS"):
            patch.setattr(winograd, name, 0)
        patch.setattr(winograd, "convolve", noted)
        yield shapes
