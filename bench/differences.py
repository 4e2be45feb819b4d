"""How far an engine's output is from another's."""

import numpy as np


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest value expected; to 1 where that is 0."""
    scale = np.abs(expected).max() or 1
    return float(np.abs(found - expected).max() / scale)
