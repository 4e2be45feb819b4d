"""The encoder-decoder of the report on the Indian Driving Dataset (Ai, Qiao & Zhang): no skips.

Five convolutions halve the image, five deconvolutions double what is left; BatchNorm, Scale and
ReLU follow each.
"""

from collections.abc import Sequence
from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Top

from .blocks import channels, normalised, relu

ENCODER = (32, 64, 128, 256, 512)
DECODER = (512, 256, 128, 64, 32)
# Glorot & Bengio's, of inputs and outputs: Caffe's own default counts inputs alone.
XAVIER: dict[str, Any] = dict(type="xavier", variance_norm=2)
LEARNED = [dict(lr_mult=1, decay_mult=1)]
SCORED = [dict(lr_mult=1, decay_mult=1), dict(lr_mult=1, decay_mult=0)]


def scores(n: NetSpec, image: Top, split: str, classes: int, width: float) -> Top:
    """Scores of every pixel of `image`, of any size."""
    blobs = [image]
    for number, full in enumerate(ENCODER, 1):
        name = f"conv{number}"
        n[name] = L.Convolution(
            blobs[-1],
            num_output=channels(full, width),
            kernel_size=3,
            stride=2,
            pad=1,
            bias_term=False,
            weight_filler=XAVIER,
            param=LEARNED,
        )
        top = normalised(n, f"{name}_bn", n[name])
        blobs.append(relu(n, f"relu{number}", top))
    return classified(n, decoded(n, blobs[-1], blobs[:-1], width), classes)


def decoded(n: NetSpec, top: Top, finer: Sequence[Top], width: float) -> Top:
    """The decoder: `top` deconvolved to the size of each of five blobs, the last of `finer` first.

    A stride-2 convolution of pad 1 has its pixel i on pixel 2i, a deconvolution without padding
    its pixel i on 2i + 1: Crop takes off the first. Of blobs of even size this is a deconvolution
    of pad 1 with one more row and column (torch's output_padding), of odd ones without.
    """
    for number, (full, like) in enumerate(zip(DECODER, reversed(finer), strict=True), 1):
        name = f"deconv{number}"
        n[name] = L.Deconvolution(
            top,
            convolution_param=dict(
                num_output=channels(full, width),
                kernel_size=3,
                stride=2,
                bias_term=False,
                weight_filler=XAVIER,
            ),
            param=LEARNED,
        )
        n[f"{name}c"] = L.Crop(n[name], like, crop_param=dict(axis=2, offset=[1]))
        top = relu(n, f"relu_{name}", normalised(n, f"{name}_bn", n[f"{name}c"]))
    return top


def classified(n: NetSpec, top: Top, classes: int) -> Top:
    """The classifier: a 1x1 convolution, `score`."""
    n.score = L.Convolution(
        top, num_output=classes, kernel_size=1, weight_filler=XAVIER, param=SCORED
    )
    return n["score"]
