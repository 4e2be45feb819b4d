"""Nets of ours with a 32nd of the channels and drawn weights, written to a folder for a test."""

from pathlib import Path

import numpy as np

import caffe
import nets
from surgery.random_weights import draw

WIDTH = 1 / 32


def write_deploy(folder: Path, name: str, classes: int) -> Path:
    path = folder / f"{name}-{classes}.prototxt"
    path.write_text(str(nets.fcn(name, "deploy", classes=classes, data=None, width=WIDTH)))
    return path


def write_weights(folder: Path, name: str, classes: int) -> Path:
    net = caffe.Net(str(write_deploy(folder, name, classes)), caffe.TEST)
    draw(net)
    # As drawn, one class wins everywhere: take from each its mean score over an image of noise.
    net.blobs["data"].reshape(1, 3, 64, 64)
    net.blobs["data"].data[...] = np.random.RandomState(0).uniform(-120, 120, (1, 3, 64, 64))
    mean = net.forward()["score"].mean((0, 2, 3))
    finest = [layer for layer in net.params if layer.startswith("score")][-1]
    net.params[finest][1].data[...] -= mean
    path = folder / f"{name}-{classes}.caffemodel"
    net.save(str(path))
    return path
