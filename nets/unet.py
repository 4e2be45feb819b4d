"""U-Net (Ronneberger, Fischer & Brox, 2015), its convolutions padded: scores of the whole image."""

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Top

from .blocks import channels, max_pool, relu

CHANNELS = (64, 128, 256, 512, 1024)  # of the blocks, from the image down
MSRA = dict(type="msra")  # the paper's: a deviation of sqrt(2 / inputs)
LEARNED = [dict(lr_mult=1, decay_mult=1), dict(lr_mult=1, decay_mult=0)]


def scores(n: NetSpec, image: Top, split: str, classes: int, width: float) -> Top:
    """Scores of every pixel of `image`, of any size."""
    skips = []
    # Nothing in it normalises pixels, which deviate by some 64 from the mean.
    n.unit = L.Power(image, scale=1 / 64)
    top = n["unit"]
    for number, full in enumerate(CHANNELS, 1):
        if number > 1:
            n[f"pool{number - 1}"] = top = max_pool(top, 2)
        top = _block(n, f"down{number}", top, channels(full, width))
        skips.append(top)
    if split != "deploy":  # the paper's, at the end of the way down
        n.drop = L.Dropout(top, dropout_ratio=0.5, in_place=True)
        top = n["drop"]
    for number, full in reversed(list(enumerate(CHANNELS[:-1], 1))):
        num_output = channels(full, width)
        name = f"deconv{number}"
        n[name] = L.Deconvolution(
            top,
            convolution_param=dict(
                num_output=num_output, kernel_size=2, stride=2, weight_filler=MSRA
            ),
            param=LEARNED,
        )
        top = relu(n, f"relu_{name}", n[name])
        # Pooling rounds up: of an odd size there is a pixel too many.
        n[f"{name}c"] = L.Crop(top, skips[number - 1], crop_param=dict(axis=2, offset=[0]))
        n[f"concat{number}"] = L.Concat(skips[number - 1], n[f"{name}c"])
        top = _block(n, f"merge{number}", n[f"concat{number}"], num_output)
    n.score = L.Convolution(
        top, num_output=classes, kernel_size=1, weight_filler=MSRA, param=LEARNED
    )
    return n["score"]


def _block(n: NetSpec, name: str, top: Top, num_output: int) -> Top:
    """Two 3x3 convolutions, each with ReLU."""
    for number in (1, 2):
        n[f"{name}_{number}"] = L.Convolution(
            top,
            num_output=num_output,
            kernel_size=3,
            pad=1,
            weight_filler=MSRA,
            param=LEARNED,
        )
        top = relu(n, f"relu_{name}_{number}", n[f"{name}_{number}"])
    return top
