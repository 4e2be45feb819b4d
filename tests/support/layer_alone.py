"""Running a Python data layer through stand-in blobs, without a net."""

import numpy as np


class Blob:
    def reshape(self, *shape):
        self.data = np.full(shape, np.nan, np.float32)


def build(kind, blobs=2, param_str=None, **params):
    """A layer after setup, with its tops."""
    layer = kind.__new__(kind)
    layer.param_str = repr(params) if param_str is None else param_str
    tops = [Blob() for _ in range(blobs)]
    layer.setup([], tops)
    return layer, tops


def run(layer, tops):
    """One pass, as a net does it; copies of the tops' data."""
    layer.reshape([], tops)
    layer.forward([], tops)
    return tuple(top.data.copy() for top in tops)
