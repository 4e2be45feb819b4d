"""BVLC GoogLeNet (Szegedy et al., 2015), of its three losses only the final one."""

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top

from .blocks import LEARNED, channels, dropout, inner_product, max_pool, normalise, relu

# Channels of each module: 1x1; 3x3_reduce and 3x3; 5x5_reduce and 5x5; pool_proj
INCEPTIONS = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}


def backbone(n: NetSpec, bottom: Top, *, width: float = 1.0, pad: int = 3) -> Top:
    """conv1 ... inception_5b on `bottom`; `pad` is that of conv1: 3 in the classifier."""
    top = _convolution(n, "conv1", "7x7_s2", bottom, 64, width, kernel_size=7, stride=2, pad=pad)
    n["pool1/3x3_s2"] = top = max_pool(top, 3)
    n["pool1/norm1"] = top = normalise(top)
    top = _convolution(n, "conv2", "3x3_reduce", top, 64, width, kernel_size=1)
    top = _convolution(n, "conv2", "3x3", top, 192, width, kernel_size=3, pad=1)
    n["conv2/norm2"] = top = normalise(top)
    n["pool2/3x3_s2"] = top = max_pool(top, 3)
    for name, branches in INCEPTIONS.items():
        top = _inception(n, f"inception_{name}", top, branches, width)
        if name in ("3b", "4e"):
            pool = f"pool{name[0]}/3x3_s2"
            n[pool] = top = max_pool(top, 3)
    return top


def _inception(n: NetSpec, module: str, bottom: Top, branches: tuple, width: float) -> Top:
    single, *reduced, projected = branches
    tops = [_convolution(n, module, "1x1", bottom, single, width, kernel_size=1)]
    for size, (few, many) in zip((3, 5), reduced, strict=True):
        window = f"{size}x{size}"
        top = _convolution(n, module, f"{window}_reduce", bottom, few, width, kernel_size=1)
        tops.append(
            _convolution(n, module, window, top, many, width, kernel_size=size, pad=size // 2)
        )
    n[f"{module}/pool"] = top = max_pool(bottom, 3, stride=1, pad=1)
    tops.append(_convolution(n, module, "pool_proj", top, projected, width, kernel_size=1))
    n[f"{module}/output"] = L.Concat(*tops)
    return n[f"{module}/output"]


def _convolution(
    n: NetSpec, module: str, name: str, bottom: Top, full: int, width: float, **window: int
) -> Top:
    n[f"{module}/{name}"] = top = L.Convolution(
        bottom, num_output=channels(full, width), param=LEARNED, **window
    )
    return relu(n, f"{module}/relu_{name}", top)


def features(n: NetSpec, bottom: Top, split: str, width: float) -> Top:
    """GoogLeNet up to its last module, without the average pooling that follows (section 4.1)."""
    top = backbone(n, bottom, width=width, pad=100)
    return top if split == "deploy" else dropout(n, "pool5/drop_7x7_s1", top, 0.4)


def scores(n: NetSpec, bottom: Top, net: str, classes: int, width: float) -> Top:
    """The classifier's scores, loss3/classifier."""
    top = backbone(n, bottom, width=width)
    n["pool5/7x7_s1"] = L.Pooling(top, pool=P.Pooling.AVE, kernel_size=7, stride=1)
    top = dropout(n, "pool5/drop_7x7_s1", n["pool5/7x7_s1"], 0.4)
    n["loss3/classifier"] = inner_product(top, classes)
    return n["loss3/classifier"]
