"""Weights in Caffe's own files."""

import os

from caffe.storage.caffemodel import read_weights

from ..layout import Layers


def read_caffemodel(path: str | os.PathLike) -> Layers:
    """The layers of a caffemodel (V2, V1 or V0, or HDF5) that have parameters.

    Raises caffe.CaffeError for a file that is no whole caffemodel.
    """
    return {
        name: [blob.values.reshape(blob.shape) for blob in blobs if blob]
        for name, blobs in read_weights(path).items()
        if any(blobs)
    }
