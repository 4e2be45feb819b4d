"""The weight of each class in the loss of a weighted net, as InfogainLoss reads it."""

from pathlib import Path

import numpy as np

import caffe
from caffe.core.files import replacing
from data.datasets import Dataset
from data.statistics import label_counts


def loss_weights(pixels: np.ndarray) -> np.ndarray:
    """1 - n_c / sum of n, of the pixels n_c of each class: float64, as many."""
    return 1 - pixels / pixels.sum()


def write_loss_weights(dataset: Dataset, path: Path) -> None:
    """Write the weights of a dataset's classes.

    They are counted in all labels of the training split; void takes no part. A class without a
    pixel has weight 1, which nothing uses.
    """
    (counts,) = label_counts(dataset, dataset.train_split, whole=True).values()
    write_matrix(loss_weights(counts[:-1]), path)


def write_matrix(weights: np.ndarray, path: Path) -> None:
    """Write the matrix with the weights of classes on its diagonal, a BlobProto."""
    blob = caffe.io.array_to_blobproto(np.diag(weights))
    with replacing(path) as file:
        file.write(blob.SerializeToString())
