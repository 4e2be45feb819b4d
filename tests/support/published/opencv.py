"""The other nets that OpenCV's samples read: OpenPose, age and gender, colorization, GOTURN."""

from support.layer_text import conv, conv_relu, filled, input_dim, layer, max_pool
from support.published.trunks import VGG, narrowed


def openpose(width: float = 1, height: int = 1, across: int = 1) -> str:
    """The body net of Cao et al. 2017, for COCO's 18 parts; its file gives a size of 1 x 1."""

    def part(channels: int) -> int:
        return narrowed(channels, width)

    text, bottom = input_dim(height, across, "image"), "image"
    for group, (channels, count) in enumerate((*VGG[:2], (256, 4), (512, 2)), 1):
        for i in range(1, count + 1):
            text += conv_relu(f"conv{group}_{i}", bottom, part(channels))
            bottom = f"conv{group}_{i}"
        if group < 4:
            text += max_pool(f"pool{group}_stage1", bottom)
            bottom = f"pool{group}_stage1"
    for i, channels in ((3, 256), (4, 128)):
        text += conv_relu(f"conv4_{i}_CPM", bottom, part(channels))
        bottom = f"conv4_{i}_CPM"
    features, outputs = bottom, {"L1": 38, "L2": 19}
    tops = {}
    for branch, count in outputs.items():
        bottom = features
        for i, (channels, kernel) in enumerate(((128, 3), (128, 3), (128, 3), (512, 1)), 1):
            name = f"conv5_{i}_CPM_{branch}"
            text += conv_relu(
                name, bottom, part(channels), f"kernel_size: {kernel} pad: {kernel // 2}"
            )
            bottom = name
        tops[branch] = f"conv5_5_CPM_{branch}"
        text += conv(tops[branch], bottom, count, "kernel_size: 1 pad: 0")
    for stage in range(2, 7):
        name = f"concat_stage{stage}"
        text += layer(
            name, "Concat", f"{tops['L1']} {tops['L2']} {features}", "concat_param { axis: 1 }"
        )
        for branch, count in outputs.items():
            bottom = name
            for i in range(1, 7):
                kernel = 7 if i < 6 else 1
                made = f"Mconv{i}_stage{stage}_{branch}"
                text += conv(made, bottom, part(128), f"kernel_size: {kernel} pad: {kernel // 2}")
                text += layer(f"Mrelu{i}_stage{stage}_{branch}", "ReLU", made, tops=made)
                bottom = made
            tops[branch] = f"Mconv7_stage{stage}_{branch}"
            text += conv(tops[branch], bottom, count, "kernel_size: 1 pad: 0")
    return text + layer(
        "concat_stage7",
        "Concat",
        f"{tops['L2']} {tops['L1']}",
        "concat_param { axis: 1 }",
        "net_output",
    )


def _inner(name: str, bottom: str, outputs: int, drop: str = "") -> str:
    """An InnerProduct; drop: the number in the names of its ReLU and Dropout."""
    body = f'inner_product_param {{ num_output: {outputs} weight_filler {{ type: "msra" }} }}'
    text = layer(name, "InnerProduct", bottom, body)
    if drop:
        text += layer(f"relu{drop}", "ReLU", name, tops=name)
        text += layer(f"drop{drop}", "Dropout", name, "dropout_param { dropout_ratio: 0.5 }", name)
    return text


def ages(width: float = 1, classes: int = 8) -> str:
    """Age, of 8 classes, or gender, of 2, of a face (Levi and Hassner 2015)."""
    text, bottom = 'name: "CaffeNet"\n' + input_dim(227, 227), "data"
    for i, (outputs, more) in enumerate(
        (
            (96, "kernel_size: 7 stride: 4"),
            (256, "kernel_size: 5 pad: 2"),
            (384, "kernel_size: 3 pad: 1"),
        ),
        1,
    ):
        text += conv_relu(f"conv{i}", bottom, narrowed(outputs, width), more)
        bottom = {1: "pool1", 2: "pool2", 3: "pool5"}[i]
        text += max_pool(bottom, f"conv{i}", "kernel_size: 3 stride: 2")
        if i < 3:
            text += layer(
                f"norm{i}", "LRN", bottom, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
            )
            bottom = f"norm{i}"
    wide = narrowed(512, width)
    text += (
        _inner("fc6", bottom, wide, "6")
        + _inner("fc7", "fc6", wide, "7")
        + _inner("fc8", "fc7", classes)
    )
    return text + layer("prob", "Softmax", "fc8")


def colorization(width: float = 1, side: int = 224) -> str:
    """Colours for the lightness of an image (Zhang et al. 2016); class8_ab and conv8_313_rh are
    filled by a script."""
    text, bottom = input_dim(side, side, "data_l", 1), "data_l"
    groups = (
        (64, 2, 2, 1),
        (128, 2, 2, 1),
        (256, 3, 2, 1),
        (512, 3, 1, 1),
        (512, 3, 1, 2),
        (512, 3, 1, 2),
        (512, 3, 1, 1),
    )  # channels, convolutions, the last one's stride, dilation
    for group, (channels, count, last, dilation) in enumerate(groups, 1):
        for i in range(1, count + 1):
            name = f"conv{group}_{i}"
            stride = last if i == count else 1
            more = f"kernel_size: 3 pad: {dilation} dilation: {dilation} stride: {stride}"
            text += conv(
                ("bw_" if (group, i) == (1, 1) else "") + name,
                bottom,
                narrowed(channels, width),
                more,
                tops=name,
            )
            text += layer(f"relu{group}_{i}", "ReLU", name, tops=name)
            bottom = name
        text += layer(f"{bottom}norm", "BatchNorm", bottom)
        bottom = f"{bottom}norm"
    text += conv(
        "conv8_1",
        bottom,
        narrowed(256, width),
        "kernel_size: 4 stride: 2 pad: 1 dilation: 1",
        "Deconvolution",
    )
    text += layer("relu8_1", "ReLU", "conv8_1", tops="conv8_1")
    bottom = "conv8_1"
    for i in (2, 3):
        text += conv_relu(
            f"conv8_{i}",
            bottom,
            narrowed(256, width),
            "kernel_size: 3 stride: 1 pad: 1 dilation: 1",
        )
        bottom = f"conv8_{i}"
    text += conv("conv8_313", bottom, 313, "kernel_size: 1 stride: 1 dilation: 1")
    text += layer(
        "conv8_313_rh",
        "Scale",
        "conv8_313",
        "scale_param { bias_term: false filler { type: 'constant' value: 2.606 } }",
    )
    text += layer("class8_313_rh", "Softmax", "conv8_313_rh")
    return text + conv("class8_ab", "class8_313_rh", 2, "kernel_size: 1 stride: 1 dilation: 1")


def goturn(width: float = 1, side: int = 227) -> str:
    """A tracker (Held et al. 2016): two crops through one set of convolutions, and a box."""
    text = input_dim(side, side, "data1") + input_dim(side, side, "data2")
    full = (
        (96, "kernel_size: 11 stride: 4"),
        (256, "kernel_size: 5 pad: 2 group: 2"),
        (384, "kernel_size: 3 pad: 1"),
        (384, "kernel_size: 3 pad: 1 group: 2"),
        (256, "kernel_size: 3 pad: 1 group: 2"),
    )
    for bottom, end in (("data1", ""), ("data2", "_p")):
        for i, (outputs, more) in enumerate(full, 1):
            name = f"conv{i}{end}"
            shared = (
                f'param {{ name: "conv{i}_w" lr_mult: 0 }} param {{ name: "conv{i}_b" lr_mult: 0 }}'
            )
            body = f"{shared} {filled(narrowed(outputs, width), more)}"
            text += layer(name, "Convolution", bottom, body) + layer(
                f"relu{i}{end}", "ReLU", name, tops=name
            )
            bottom = name
            if i in (1, 2, 5):
                text += max_pool(f"pool{i}{end}", bottom, "kernel_size: 3 stride: 2")
                bottom = f"pool{i}{end}"
            if i in (1, 2):
                text += layer(
                    f"norm{i}{end}",
                    "LRN",
                    bottom,
                    "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }",
                )
                bottom = f"norm{i}{end}"
    text += layer("concat", "Concat", "pool5 pool5_p", "concat_param { axis: 1 }", "pool5_concat")
    wide, bottom = narrowed(4096, width), "pool5_concat"
    for name, number in (("fc6-new", "6"), ("fc7-new", "7"), ("fc7-newb", "7b")):
        text += _inner(name, bottom, wide, number)
        bottom = name
    return text + _inner("fc8-shapes", bottom, 4)
