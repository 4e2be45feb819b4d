"""ResNet-50 and -101 (He et al., 2016) of output stride 8, as torchvision has them.

The stride of a block is that of its 3x3 convolution; layer3 and layer4 have dilation in its place.
Layers are called as torchvision's modules, NAME.scale being the other half of its batch
normalisation NAME.
"""

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top

from .blocks import channels, fuse, normalised, relu

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
CHANNELS = (64, 128, 256, 512)  # of the 3x3 convolutions; a block has four times as many
STRIDES = (1, 2, 1, 1)
DILATIONS = (1, 1, 2, 4)
MSRA = dict(type="msra", variance_norm=1)  # of the outputs, as torchvision draws them


def features(n: NetSpec, image: Top, depth: int, width: float, frozen: bool = False) -> Top:
    """layer4 of `image`: its pixels are 8 of the image apart. `frozen`: nothing of it learns."""
    top = convolution(n, "backbone.conv1", image, channels(64, width), 7, frozen, stride=2)
    top = relu(n, "backbone.relu", normalised(n, "backbone.bn1", top, frozen=frozen))
    # torch rounds down: else an image of even size had a row and column more.
    n["backbone.maxpool"] = top = L.Pooling(
        top,
        pool=P.Pooling.MAX,
        kernel_size=3,
        stride=2,
        pad=1,
        round_mode=P.Pooling.FLOOR,
    )
    dilation = 1
    for number, blocks in enumerate(BLOCKS[depth]):
        for block in range(blocks):
            name = f"backbone.layer{number + 1}.{block}"
            stride = 1 if block else STRIDES[number]
            top = _block(n, name, top, number, block == 0, stride, dilation, width, frozen)
            dilation = DILATIONS[number]  # a layer's first block has that of the layer before
    return top


def _block(
    n: NetSpec,
    name: str,
    bottom: Top,
    layer: int,
    first: bool,
    stride: int,
    dilation: int,
    width: float,
    frozen: bool,
) -> Top:
    """A bottleneck: 1x1, 3x3 and 1x1 convolutions, and the bottom added to them."""
    narrow, wide = channels(CHANNELS[layer], width), channels(4 * CHANNELS[layer], width)
    top = bottom
    for number, (outputs, kernel_size, step, holes) in enumerate(
        ((narrow, 1, 1, 1), (narrow, 3, stride, dilation), (wide, 1, 1, 1)), 1
    ):
        top = convolution(n, f"{name}.conv{number}", top, outputs, kernel_size, frozen, step, holes)
        top = normalised(n, f"{name}.bn{number}", top, frozen=frozen)
        if number < 3:
            top = relu(n, f"{name}.relu{number}", top)
    if first:
        bottom = convolution(n, f"{name}.downsample.0", bottom, wide, 1, frozen, stride)
        bottom = normalised(n, f"{name}.downsample.1", bottom, frozen=frozen)
    n[name] = fuse(top, bottom)
    return relu(n, f"{name}.relu", n[name])


def convolution(
    n: NetSpec,
    name: str,
    bottom: Top,
    num_output: int,
    kernel_size: int,
    frozen: bool = False,
    stride: int = 1,
    dilation: int = 1,
) -> Top:
    """A convolution without bias that keeps the size, but for its stride."""
    n[name] = L.Convolution(
        bottom,
        num_output=num_output,
        kernel_size=kernel_size,
        stride=stride,
        dilation=dilation,
        pad=dilation * (kernel_size // 2),
        bias_term=False,
        weight_filler=MSRA,
        param=[dict(lr_mult=0, decay_mult=0) if frozen else dict(lr_mult=1, decay_mult=1)],
    )
    return n[name]
