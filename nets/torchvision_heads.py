"""What torchvision puts on a ResNet of output stride 8: DeepLabv3 (Chen et al., 2017) and FCN."""

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top

from . import resnet
from .blocks import channels, dropout, normalised, relu, spread
from .resnet import convolution

RATES = (12, 24, 36)  # of ASPP at output stride 8
STRIDE = 8
SCORED = [dict(lr_mult=1, decay_mult=1), dict(lr_mult=1, decay_mult=0)]


def deeplab(
    n: NetSpec,
    image: Top,
    split: str,
    classes: int,
    width: float,
    *,
    depth: int = 101,
    head: str = "classifier",
    frozen: bool = False,
) -> Top:
    """DeepLabv3's scores of every pixel: ASPP with image pooling on ResNet.

    `head` begins the names of its layers; `frozen`: the backbone does not learn. Each image's
    pooled features are one pixel: in training its BatchNorm wants a batch of several.
    """
    features = resnet.features(n, image, depth, width, frozen)
    outputs = channels(256, width)
    branches = []
    for number, (kernel_size, rate) in enumerate(((1, 1), *((3, rate) for rate in RATES))):
        name = f"{head}.0.convs.{number}"
        top = convolution(n, f"{name}.0", features, outputs, kernel_size, dilation=rate)
        branches.append(relu(n, f"{name}.2", normalised(n, f"{name}.1", top)))
    branches.append(_pooled(n, f"{head}.0.convs.4", features, branches[0], outputs))
    n[f"{head}.0.concat"] = L.Concat(*branches)
    top = convolution(n, f"{head}.0.project.0", n[f"{head}.0.concat"], outputs, 1)
    top = relu(n, f"{head}.0.project.2", normalised(n, f"{head}.0.project.1", top))
    if split != "deploy":
        top = dropout(n, f"{head}.0.project.3", top)
    top = convolution(n, f"{head}.1", top, outputs, 3)
    top = relu(n, f"{head}.3", normalised(n, f"{head}.2", top))
    return _upsampled(n, head, _score(n, f"{head}.4", top, classes), image, classes)


def fcn(n: NetSpec, image: Top, split: str, classes: int, width: float, *, depth: int) -> Top:
    """The scores of torchvision's FCN on ResNet: without skips, of stride 8."""
    top = resnet.features(n, image, depth, width)
    top = convolution(n, "classifier.0", top, channels(512, width), 3)
    top = relu(n, "classifier.2", normalised(n, "classifier.1", top))
    if split != "deploy":
        top = dropout(n, "classifier.3", top, 0.1)
    return _upsampled(n, "classifier", _score(n, "classifier.4", top, classes), image, classes)


def _pooled(n: NetSpec, name: str, features: Top, like: Top, outputs: int) -> Top:
    """The mean of the features over the image, convolved, at every pixel of `like`."""
    n[f"{name}.0"] = L.Pooling(features, pool=P.Pooling.AVE, global_pooling=True)
    top = convolution(n, f"{name}.1", n[f"{name}.0"], outputs, 1)
    top = relu(n, f"{name}.3", normalised(n, f"{name}.2", top))
    return spread(n, name, top, like)


def _score(n: NetSpec, name: str, top: Top, classes: int) -> Top:
    n[name] = L.Convolution(
        top, num_output=classes, kernel_size=1, weight_filler=resnet.MSRA, param=SCORED
    )
    return n[name]


def _upsampled(n: NetSpec, head: str, top: Top, image: Top, classes: int) -> Top:
    """Scores at the image's size, as torch's interpolate (bilinear, align_corners False).

    At the border a deconvolution misses the pixels outside, where torch repeats the last ones:
    what ones become there is what is missing. Sides that are no multiple of 8 torch stretches
    instead, by less than a pixel of the scores.
    """
    n[f"{head}.one"] = L.Power(top, scale=0, shift=1, propagate_down=[False])
    n[f"{head}.upscore"] = _bilinear(top, classes)
    n[f"{head}.upscore_one"] = _bilinear(n[f"{head}.one"], classes)
    n[f"{head}.inverse"] = L.Power(n[f"{head}.upscore_one"], power=-1)
    n[f"{head}.whole"] = L.Eltwise(
        n[f"{head}.upscore"], n[f"{head}.inverse"], operation=P.Eltwise.PROD
    )
    n.score = L.Crop(n[f"{head}.whole"], image, crop_param=dict(axis=2, offset=[0]))
    return n["score"]


def _bilinear(bottom: Top, classes: int) -> Top:
    """Bilinear upsampling by STRIDE, each channel by itself; it never learns."""
    return L.Deconvolution(
        bottom,
        convolution_param=dict(
            num_output=classes,
            group=classes,
            kernel_size=2 * STRIDE,
            stride=STRIDE,
            pad=STRIDE // 2,
            bias_term=False,
            weight_filler=dict(type="bilinear"),
        ),
        param=[dict(lr_mult=0, decay_mult=0)],
    )
