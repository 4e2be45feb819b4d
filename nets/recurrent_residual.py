"""An encoder of recurrent residual blocks (Alom et al., "R2U-Net", 2018) before the decoder.

A block is a 1x1 convolution x and two recurrent convolutions on it, whose result is added to x. A
recurrent convolution applies one 3x3 convolution, with BatchNorm, Scale and ReLU, T + 1 times: to
its input, then T times to the sum of its input and what came out before.
"""

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Top

from .blocks import channels, fuse, max_pool, normalised, relu
from .encoder_decoder import ENCODER, XAVIER, classified, decoded

T = 2


def scores(n: NetSpec, image: Top, split: str, classes: int, width: float) -> Top:
    """Scores of every pixel of `image`, of any size: pooling after each of the five blocks."""
    blobs = [image]
    for number, full in enumerate(ENCODER, 1):
        top = _block(n, f"rr{number}", blobs[-1], channels(full, width))
        n[f"pool{number}"] = max_pool(top, 2)
        blobs.append(n[f"pool{number}"])
    return classified(n, decoded(n, blobs[-1], blobs[:-1], width), classes)


def _block(n: NetSpec, name: str, bottom: Top, num_output: int) -> Top:
    n[f"{name}_in"] = L.Convolution(
        bottom,
        num_output=num_output,
        kernel_size=1,
        weight_filler=XAVIER,
        param=[dict(lr_mult=1, decay_mult=1), dict(lr_mult=1, decay_mult=0)],
    )
    top = n[f"{name}_in"]
    for recurrent in ("a", "b"):
        top = _recurrent(n, f"{name}{recurrent}", top, num_output)
    n[name] = fuse(n[f"{name}_in"], top)
    return n[name]


def _recurrent(n: NetSpec, name: str, bottom: Top, num_output: int) -> Top:
    """One convolution and Scale, whose parameters all steps share by name."""
    top = bottom
    for step in range(T + 1):
        of_step = f"{name}_t{step}"
        if step:
            n[f"{of_step}_sum"] = top = fuse(bottom, top)
        n[of_step] = L.Convolution(
            top,
            num_output=num_output,
            kernel_size=3,
            pad=1,
            bias_term=False,
            weight_filler=XAVIER,
            param=[dict(name=f"{name}.weight", lr_mult=1, decay_mult=1)],
        )
        top = normalised(n, f"{of_step}_bn", n[of_step], shared=f"{name}.scale")
        top = relu(n, f"{of_step}_relu", top)
    return top
