"""What several of the published nets stand on: VGG16 and ResNet."""

from collections.abc import Callable

from support.layer_text import conv, conv_relu, layer, max_pool

VGG = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and convolutions of each group
RESNET = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
BATCH_NORM = "batch_norm_param { use_global_stats: true }"


def narrowed(channels: int, width: float) -> int:
    """The channels that are left at a width."""
    return max(int(channels * width), 1)


def vgg(
    width: float,
    first_pad: int = 1,
    pools: tuple[str, ...] = ("kernel_size: 2 stride: 2",) * 4,
    dilation: str = "",
    pool: Callable[[str, str, str], str] = max_pool,
    convolution: Callable[[str, str, int, str], str] = conv_relu,
) -> str:
    """conv1_1 to conv5_3 of VGG16, and as many poolings as have parameters.

    dilation: the field that conv5 has besides, with a pad of 2.
    """
    text, bottom = "", "data"
    for group, (channels, count) in enumerate(VGG, 1):
        for i in range(1, count + 1):
            name = f"conv{group}_{i}"
            pad = first_pad if name == "conv1_1" else 2 if group == 5 and dilation else 1
            more = f"kernel_size: 3 pad: {pad} {dilation if group == 5 else ''}"
            text += convolution(name, bottom, narrowed(channels, width), more)
            bottom = name
        if group <= len(pools):
            text += pool(f"pool{group}", bottom, pools[group - 1])
            bottom = f"pool{group}"
    return text


def normalised(name: str, bottom: str, outputs: int, more: str, suffix: str, relu: bool) -> str:
    """A convolution without bias, BatchNorm, Scale and ReLU as the ResNets' authors call them."""
    text = conv(name, bottom, outputs, f"{more} bias_term: false")
    text += layer(f"bn{suffix}", "BatchNorm", name, BATCH_NORM, name)
    text += layer(f"scale{suffix}", "Scale", name, "scale_param { bias_term: true }", name)
    return text + (layer(f"{name}_relu", "ReLU", name, tops=name) if relu else "")


def resnet(
    depth: int,
    width: float,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    pool: str = "kernel_size: 3 stride: 2",
) -> str:
    """ResNet-50 or -101 to res5c, of He et al.'s names; for each of the four groups its stride and
    dilation."""
    text = normalised(
        "conv1", "data", narrowed(64, width), "kernel_size: 7 pad: 3 stride: 2", "_conv1", True
    )
    text += max_pool("pool1", "conv1", pool)
    bottom = "pool1"
    for group, blocks in enumerate(RESNET[depth]):
        planes = narrowed(64 << group, width)
        for block in range(blocks):
            letter = chr(ord("a") + block)
            if depth == 101 and group in (1, 2):
                letter = "a" if block == 0 else f"b{block}"
            name, stride = f"{group + 2}{letter}", strides[group] if block == 0 else 1
            first, dilation = bottom, dilations[group]
            if block == 0:
                one = f"kernel_size: 1 stride: {stride}"
                text += normalised(
                    f"res{name}_branch1", first, 4 * planes, one, f"{name}_branch1", False
                )
                bottom = f"res{name}_branch1"
            three = f"kernel_size: 3 pad: {dilation} dilation: {dilation}"
            a, b, c = (f"res{name}_branch2{part}" for part in "abc")
            text += normalised(
                a, first, planes, f"kernel_size: 1 stride: {stride}", f"{name}_branch2a", True
            )
            text += normalised(b, a, planes, three, f"{name}_branch2b", True)
            text += normalised(c, b, 4 * planes, "kernel_size: 1", f"{name}_branch2c", False)
            text += layer(f"res{name}", "Eltwise", f"{bottom} {c}")
            text += layer(f"res{name}_relu", "ReLU", f"res{name}", tops=f"res{name}")
            bottom = f"res{name}"
    return text
