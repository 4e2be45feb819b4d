"""What the law tests of the layer types share."""

import sys
from collections.abc import Callable

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

TESTED: dict[str, str] = {}  # layer types, and the file of their law

FLT_MIN, FLT_MAX = np.finfo(np.float32).tiny, np.finfo(np.float32).max

SEED = st.integers(0, 2**16)
SMALL = st.integers(1, 4)


def law(*kinds: str) -> Callable:
    """Marks a test that states a law of these layer types."""
    file = sys._getframe(1).f_code.co_filename
    for kind in kinds:
        TESTED.setdefault(kind, file)
    return lambda test: test


def drawn(examples: int = 25) -> Callable:
    return settings(max_examples=examples, deadline=None)


def agree(ours, theirs, relative: float = 1e-5, floor: float = 1e-5) -> None:
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=floor)


def normal(seed: int, *shape: int) -> np.ndarray:
    """float32 values, so that the reference starts from the same numbers."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
