"""Nets beside twins that run layer by layer, for tests of the fast path."""

from collections.abc import Callable, Iterator

import numpy as np

import caffe
from support.net_text import input_layer, net_of

SEED = 7
# A sum of float32 products is right to 2**-24 of its largest summand, times a factor that grows
# with their number: a few hundred at most in these nets.
ROUNDING = 1e-5


def plain(net: caffe.Net) -> caffe.Net:
    """The net, from now on layer by layer: a hook looks on."""
    net.before_forward(lambda i: None)
    return net


def twins(text: str, phase: int = caffe.TEST) -> tuple[caffe.Net, caffe.Net]:
    """The same net with the same weights twice, the second one layer by layer."""
    nets = []
    for _ in range(2):
        caffe.set_random_seed(SEED)
        nets.append(net_of(text, phase))
    return nets[0], plain(nets[1])


def ran_fast(net: caffe.Net) -> bool:
    """Whether a forward pass of the net took the fast path, and later ones may."""
    return net._fast._plan is not None


def layer(kind: str, name: str, bottoms: str, tops: str = "", more: str = "") -> str:
    """bottoms, tops: names with blanks between; one top of the layer's name if none is given."""
    names = [f'bottom: "{b}"' for b in bottoms.split()]
    names += [f'top: "{t}"' for t in (tops or name).split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(names)} {more} }} '


def conv(name: str, bottom: str, body: str, top: str = "", kind: str = "Convolution") -> str:
    """A layer whose weights and bias are drawn from -0.4 to 0.4; body: its convolution_param."""
    fillers = " ".join(f'{f}_filler {{ type: "uniform" min: -0.4 max: 0.4 }}' for f in FILLED)
    return layer(kind, name, bottom, top, f"convolution_param {{ {body} {fillers} }}")


FILLED = ("weight", "bias")


def image(seed: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def close(ours: np.ndarray, theirs: np.ndarray, scale: float = 0) -> None:
    """Equal to rounding: of the largest value, or of `scale` if that is larger."""
    assert ours.shape == theirs.shape
    largest = max(scale, np.abs(theirs).max(initial=0))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=ROUNDING * largest)


def scale_of(net: caffe.Net) -> float:
    """The largest value of a pass: what rounding errors are relative to."""
    return max(float(np.abs(blob.data).max(initial=0)) for blob in net.blobs.values())


Script = Callable[[caffe.Net], Iterator[np.ndarray]]


def same_to_a_script(text: str, script: Script, phase: int = caffe.TEST) -> None:
    """A script yields the same arrays of a net on the fast path and of its twin."""
    nets = twins(text, phase)
    ours, theirs = (list(map(np.array, script(net))) for net in nets)  # map holds no view
    assert len(ours) == len(theirs) > 0
    scale = scale_of(nets[1])
    for x, y in zip(ours, theirs, strict=True):
        close(x, y, scale)


# Two branches that meet again, as in FCN-16s; borders around what an image reaches.
FCN = "".join(
    [
        input_layer("data", 1, 3, 20, 24),
        conv("conv1", "data", "num_output: 4 kernel_size: 3 pad: 12"),
        layer("ReLU", "relu1", "conv1", "conv1"),
        layer("Pooling", "pool1", "conv1", "", "pooling_param { kernel_size: 2 stride: 2 }"),
        conv("conv2", "pool1", "num_output: 4 kernel_size: 3 pad: 1"),
        layer("ReLU", "relu2", "conv2", "conv2"),
        layer("Pooling", "pool2", "conv2", "", "pooling_param { kernel_size: 2 stride: 2 }"),
        conv("fc", "pool2", "num_output: 4 kernel_size: 3"),
        layer("ReLU", "relu_fc", "fc", "fc"),
        layer("Dropout", "drop", "fc", "fc"),
        conv("score_fc", "fc", "num_output: 2 kernel_size: 1"),
        conv("up2", "score_fc", "num_output: 2 kernel_size: 4 stride: 2", kind="Deconvolution"),
        conv("score_pool1", "pool1", "num_output: 2 kernel_size: 1"),
        layer("Crop", "crop1", "score_pool1 up2", "", "crop_param { axis: 2 offset: 1 }"),
        layer("Eltwise", "fuse", "up2 crop1"),
        conv("up", "fuse", "num_output: 2 kernel_size: 4 stride: 2", kind="Deconvolution"),
        layer("Crop", "score", "up data", "", "crop_param { axis: 2 offset: 9 }"),
    ]
)
