"""The recipe of the weights that are drawn."""

import zlib

import numpy as np
from support.filled_nets import build

import nets
from surgery import upsample_filt
from surgery.random_weights import draw


def test_draw_follows_its_recipe():
    """Written out anew in float64, layer by layer."""
    net = build(nets.fcn("fcn8s-atonce", "deploy", classes=3, data=None, width=1 / 64))
    draw(net)
    for name, (weights, *biases) in net.params.items():
        shape = weights.data.shape
        if name.startswith("upscore"):
            expected = np.zeros(shape)
            for i in range(shape[0]):
                expected[i, i] = upsample_filt(shape[2])
        elif name.startswith("scale"):
            expected = np.full(shape, {"scale_pool4": 0.01, "scale_pool3": 0.0001}[name])
        else:
            rng = np.random.RandomState(zlib.crc32(name.encode()))
            expected = rng.standard_normal(shape) * np.sqrt(2 / (shape[1] * shape[2] * shape[3]))
            expected *= 0.01 if name.startswith("score") else 1
            np.testing.assert_allclose(
                biases[0].data, 0.1 * rng.standard_normal(shape[0]), rtol=1e-6
            )
        np.testing.assert_allclose(weights.data, expected, rtol=1e-6)
