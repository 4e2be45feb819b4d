"""What rectangles have in common, by a loop over their corners."""

from collections.abc import Sequence


def jaccard(a: Sequence[float], b: Sequence[float], pixel: float = 0) -> float:
    """Of corners x1, y1, x2, y2; pixel: 1 where their last pixels are inside."""
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + pixel for i in range(2))
    if w <= 0 or h <= 0:
        return 0.0
    areas = [(c[2] - c[0] + pixel) * (c[3] - c[1] + pixel) for c in (a, b)]
    return w * h / (sum(areas) - w * h)
