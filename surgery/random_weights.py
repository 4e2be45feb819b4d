"""Weights drawn by a fixed recipe, where no published or trained ones are at hand."""

import zlib

import numpy as np

import caffe

from .upsample import interp


def draw(net: caffe.Net) -> None:
    """Fill a net with weights that depend on nothing but its layers' names and shapes.

    Per layer, from RandomState(crc32(name)): first the weights, normal with variance
    2 / (inputs of an output), and a hundredth of that for layers called score...; then the
    biases, normal, a tenth. Layers called upscore... interpolate; Scale layers keep their fillers.
    """
    for name, (weights, *biases) in net.params.items():
        if name.startswith("upscore"):
            interp(net, [name])
        elif len(weights.shape) > 1:
            rng = np.random.RandomState(zlib.crc32(name.encode()))
            scale = np.sqrt(2 / (weights.data.size / weights.data.shape[0]))
            scale *= 0.01 if name.startswith("score") else 1
            weights.data[...] = rng.standard_normal(weights.data.shape) * scale
            for bias in biases:
                bias.data[...] = 0.1 * rng.standard_normal(bias.data.shape)


def with_statistics(net: caffe.Net) -> caffe.Net:
    """The net, whose BatchNorms have statistics that leave their input as it is."""
    for name, blobs in net.params.items():
        if net.layer_dict[name].type == "BatchNorm":
            blobs[1].data[...] = blobs[2].data[...] = 1
    return net
