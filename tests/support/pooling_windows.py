"""Where pooling_layer.cpp puts its windows."""

import math


def windows(size: int, kernel: int, stride: int, pad: int, padded: bool, floor: bool):
    """(start, end) of each window on one axis, as pooling_layer.cpp cuts them."""
    steps = (size + 2 * pad - kernel) / stride
    count = int(math.floor(steps) if floor else math.ceil(steps)) + 1
    if padded and (count - 1) * stride >= size + pad:
        count -= 1
    starts = [i * stride - pad for i in range(count)]
    return [(start, min(start + kernel, size + pad)) for start in starts]
