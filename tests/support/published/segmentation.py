"""SegNet, DeconvNet, PSPNet, DeepLab, CRF-RNN and HED."""

from support.layer_text import (
    conv,
    conv_relu,
    filled,
    input_dim,
    layer,
    max_pool,
    numbers,
    v1_layer,
)
from support.published.trunks import RESNET, narrowed, resnet, vgg

# SegNet (Badrinarayanan et al. 2015), of its tutorial: BN, Pooling with masks, Upsample.

_SEGNET_BN = (
    "param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 1 decay_mult: 0 } "
    'bn_param { %s scale_filler { type: "constant" value: 1 } '
    'shift_filler { type: "constant" value: 0.001 } }'
)
_FREQUENCIES = (0.26, 0.19, 4.64, 0.14, 0.36, 0.42, 6.19, 3.36, 1.99, 4.79, 6.25)


def segnet(width: float = 1, height: int = 360, across: int = 480, source: str = "") -> str:
    """For CamVid's 11 classes. source: the list of a DenseImageData and a loss; a deploy net
    without."""
    data = (
        f'dense_image_data_param {{ source: "{source}" batch_size: 2 shuffle: true }}'
        if source
        else ""
    )
    text = 'name: "segnet"\n' + (
        layer("data", "DenseImageData", body=data, tops="data label")
        if source
        else input_dim(height, across)
    )
    mode = "" if source else "bn_mode: INFERENCE"

    def normal(name: str, bottom: str, outputs: int, more: str = "kernel_size: 3 pad: 1") -> str:
        norm = layer(f"{name}_bn", "BN", name, _SEGNET_BN % mode, name)
        relu = name.replace("conv", "relu")
        return conv(name, bottom, outputs, more) + norm + layer(relu, "ReLU", name, tops=name)

    def pool(name: str, bottom: str, more: str) -> str:
        return max_pool(name, bottom, more, f"{name}_mask")

    text += vgg(width, pools=("kernel_size: 2 stride: 2",) * 5, pool=pool, convolution=normal)
    sizes = [(height, across)]
    for _ in range(4):
        sizes.append(tuple(-(-size // 2) for size in sizes[-1]))
    bottom = "pool5"
    for group, (channels, count) in reversed(
        list(enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1))
    ):
        h, w = sizes[group - 1]
        size = f"upsample_w: {w} upsample_h: {h}" if group > 3 else ""
        up = f"upsample_param {{ scale: 2 {size} }}"
        text += layer(
            f"upsample{group}", "Upsample", f"{bottom} pool{group}_mask", up, f"pool{group}_D"
        )
        bottom = f"pool{group}_D"
        for i in range(count, 0, -1):
            name = f"conv{group}_{i}_D"
            below = {5: 512, 4: 256, 3: 128, 2: 64}.get(group)
            outputs = channels if i > 1 else below
            if outputs is None:
                text += conv(name, bottom, 11)
            else:
                text += normal(name, bottom, narrowed(outputs, width))
            bottom = name
    if not source:
        return text + layer("prob", "Softmax", bottom, "softmax_param {engine: CAFFE}")
    weights = numbers("class_weighting", *_FREQUENCIES)
    loss = (
        "softmax_param {engine: CAFFE} loss_param: { weight_by_label_freqs: true "
        f"ignore_label: 11 {weights} }}"
    )
    text += layer("loss", "SoftmaxWithLoss", f"{bottom} label", loss)
    score = layer("accuracy", "Accuracy", f"{bottom} label", tops="accuracy per_class_accuracy")
    return text + score


# DeconvNet (Noh et al. 2015): V1 layers, BN, UNPOOLING.


def deconvnet(width: float = 1, side: int = 224, train: bool = False) -> str:
    """For VOC's 21 classes. In training the labels are a DUMMY_DATA, in place of its data layer."""
    mode = "" if train else "bn_mode: INFERENCE"
    norm = (
        "bn_param { scale_filler { type: 'constant' value: 1 } "
        f"shift_filler {{ type: 'constant' value: 0.001 }} {mode} }}"
    )
    rates = "blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0"

    def normal(name: str, bottom: str, outputs: int, more: str, kind: str = "CONVOLUTION") -> str:
        return (
            v1_layer(name, kind, bottom, f"{rates} {filled(outputs, more)}")
            + v1_layer(f"bn{name}", "BN", name, norm, name)
            + v1_layer(f"relu-{name}", "RELU", name, tops=name)
        )

    def pool(name: str, bottom: str, more: str) -> str:
        tops = f"{name} {name}_mask"
        return v1_layer(name, "POOLING", bottom, f"pooling_param {{ pool: MAX {more} }}", tops)

    text = "name: 'DeconvNet'\n"
    if train:
        shapes = (
            f"num: 2 channels: 3 height: {side} width: {side} "
            f"num: 2 channels: 1 height: {side} width: {side} "
            "data_filler { type: 'gaussian' } data_filler { type: 'constant' }"
        )
        text += v1_layer(
            "data", "DUMMY_DATA", body=f"dummy_data_param {{ {shapes} }}", tops="data seg-label"
        )
    else:
        text += input_dim(side, side)
    text += vgg(width, pools=("kernel_size: 2 stride: 2",) * 5, pool=pool, convolution=normal)
    wide, last = narrowed(4096, width), side // 32
    text += normal("fc6", "pool5", wide, f"kernel_size: {last}") + normal(
        "fc7", "fc6", wide, "kernel_size: 1"
    )
    text += normal(
        "fc6-deconv", "fc7", narrowed(512, width), f"kernel_size: {last}", "DECONVOLUTION"
    )
    bottom = "fc6-deconv"
    for group, outputs in (
        (5, (512, 512, 512)),
        (4, (512, 512, 256)),
        (3, (256, 256, 128)),
        (2, (128, 64)),
        (1, (64, 64)),
    ):
        size = side >> (group - 1)
        unpool = f"unpooling_param {{ unpool: MAX kernel_size: 2 stride: 2 unpool_size: {size} }}"
        text += v1_layer(f"unpool{group}", "UNPOOLING", f"{bottom} pool{group}_mask", unpool)
        bottom = f"unpool{group}"
        for i, channels in enumerate(outputs, 1):
            name = f"deconv{group}_{i}"
            text += normal(
                name, bottom, narrowed(channels, width), "pad: 1 kernel_size: 3", "DECONVOLUTION"
            )
            bottom = name
    text += v1_layer("seg-score", "CONVOLUTION", bottom, f"{rates} {filled(21, 'kernel_size: 1')}")
    loss = "loss_param { ignore_label: 255 }"
    return text + (
        v1_layer("seg-loss", "SOFTMAX_LOSS", "seg-score seg-label", loss) if train else ""
    )


# PSPNet-50 (Zhao et al. 2017), for ADE20K: BN with running statistics, Interp.


def pspnet(width: float = 1, side: int = 473, train: bool = False) -> str:
    """For ADE20K's 150 classes. side: 8 n + 1, where 1, 2, 3 and 6 divide n + 1."""
    fill = (
        'slope_filler { type: "constant" value: 1.0 } bias_filler { type: "constant" value: 0.0 }'
    )
    norm = "param { lr_mult: 1 decay_mult: 0 } " * 4
    norm += f"bn_param {{ {fill} frozen: {str(not train).lower()} momentum: 0.95 }}"

    def normal(name: str, bottom: str, outputs: int, more: str, relu: bool = True) -> str:
        rate = "param { lr_mult: 1 decay_mult: 1 }"
        text = layer(
            name, "Convolution", bottom, f"{rate} {filled(outputs, more + ' bias_term: false')}"
        )
        text += layer(f"{name}/bn", "BN", name, norm, name)
        return text + (layer(f"{name}/relu", "ReLU", name, tops=name) if relu else "")

    def part(channels: int) -> int:
        return narrowed(channels, width)

    text = 'name: "pspnet50_ADE20K_473"\n'
    if train:
        shapes = (
            f"shape {{ dim: 2 dim: 3 dim: {side} dim: {side} }} "
            f"shape {{ dim: 2 dim: 1 dim: {side} dim: {side} }} "
            'data_filler { type: "gaussian" } data_filler { value: 3 }'
        )
        text += layer(
            "data", "DummyData", body=f"dummy_data_param {{ {shapes} }}", tops="data label"
        )
    else:
        text += input_dim(side, side)
    text += normal("conv1_1_3x3_s2", "data", part(64), "kernel_size: 3 stride: 2 pad: 1")
    text += normal("conv1_2_3x3", "conv1_1_3x3_s2", part(64), "kernel_size: 3 stride: 1 pad: 1")
    text += normal("conv1_3_3x3", "conv1_2_3x3", part(128), "kernel_size: 3 stride: 1 pad: 1")
    text += max_pool("pool1_3x3_s2", "conv1_3_3x3", "kernel_size: 3 stride: 2 pad: 1")
    bottom = "pool1_3x3_s2"
    for group, blocks in enumerate(RESNET[50]):
        planes, dilation = part(64 << group), (1, 1, 2, 4)[group]
        for block in range(1, blocks + 1):
            name = f"conv{group + 2}_{block}"
            one = f"kernel_size: 1 stride: {2 if group == 1 and block == 1 else 1}"
            three = f"kernel_size: 3 stride: 1 pad: {dilation} dilation: {dilation}"
            text += normal(f"{name}_1x1_reduce", bottom, planes, one)
            text += normal(f"{name}_3x3", f"{name}_1x1_reduce", planes, three)
            text += normal(
                f"{name}_1x1_increase", f"{name}_3x3", 4 * planes, "kernel_size: 1", False
            )
            if block == 1:
                text += normal(f"{name}_1x1_proj", bottom, 4 * planes, one, False)
                bottom = f"{name}_1x1_proj"
            text += layer(
                name, "Eltwise", f"{bottom} {name}_1x1_increase", "eltwise_param { operation: SUM }"
            )
            text += layer(f"{name}/relu", "ReLU", name, tops=name)
            bottom = name
    cells, pyramid = (side - 1) // 8 + 1, "conv5_3"
    for parts in (1, 2, 3, 6):
        name, of = f"conv5_3_pool{parts}", cells // parts
        text += layer(
            name,
            "Pooling",
            "conv5_3",
            f"pooling_param {{ pool: AVE kernel_size: {of} stride: {of} }}",
        )
        text += normal(f"{name}_conv", name, part(512), "kernel_size: 1 stride: 1 pad: 0")
        text += layer(
            f"{name}_interp",
            "Interp",
            f"{name}_conv",
            f"interp_param {{ height: {cells} width: {cells} }}",
        )
        pyramid += f" {name}_interp"
    text += layer("conv5_3_concat", "Concat", pyramid)
    text += normal("conv5_4", "conv5_3_concat", part(512), "kernel_size: 3 stride: 1 pad: 1")
    text += layer(
        "conv5_4_dropout", "Dropout", "conv5_4", "dropout_param { dropout_ratio: 0.1 }", "conv5_4"
    )
    text += conv("conv6", "conv5_4", 150, "kernel_size: 1 stride: 1 pad: 0")
    text += layer("conv6_interp", "Interp", "conv6", "interp_param { zoom_factor: 8 }")
    if not train:
        return text
    ignored = "ignore_label: 255"
    text += layer("loss", "SoftmaxWithLoss", "conv6_interp label", f"loss_param {{ {ignored} }}")
    return text + layer(
        "accuracy", "SegAccuracy", "conv6_interp label", f"seg_accuracy_param {{ {ignored} }}"
    )


# DeepLab-LargeFOV (Chen et al. 2015): V1 layers, hole, IMAGE_SEG_DATA, INTERP of the labels.


def deeplab_largefov(width: float = 1, side: int = 321, folder: str = "") -> str:
    """For VOC's 21 classes. folder: of an IMAGE_SEG_DATA with list.txt; a deploy net without."""
    rates = "blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0"

    def convolution(name: str, bottom: str, outputs: int, more: str) -> str:
        text = v1_layer(name, "CONVOLUTION", bottom, f"{rates} {filled(outputs, more)}")
        return text + v1_layer(f"relu{name[4:]}", "RELU", name, tops=name)

    def pool(name: str, bottom: str, more: str) -> str:
        return v1_layer(name, "POOLING", bottom, f"pooling_param {{ pool: MAX {more} }}")

    text = 'name: "DeepLab-LargeFOV"\n'
    if folder:
        body = (
            f'image_data_param {{ root_folder: "{folder}" source: "{folder}/list.txt" '
            "label_type: PIXEL batch_size: 2 shuffle: true } transform_param { "
            f"{numbers('mean_value', 104.008, 116.669, 122.675)} crop_size: {side} mirror: true }} "
            "include: { phase: TRAIN }"
        )
        text += v1_layer("data", "IMAGE_SEG_DATA", body=body, tops="data label")
    else:
        text += input_dim(side, side)
    three = "kernel_size: 3 pad: 1"
    pools = (*(f"{three} stride: 2",) * 3, *(f"{three} stride: 1",) * 2)
    text += vgg(width, pools=pools, dilation="hole: 2", pool=pool, convolution=convolution)
    average = f"pooling_param {{ pool: AVE {three} stride: 1 }}"
    text += v1_layer("pool5a", "POOLING", "pool5", average)
    drop = "dropout_param { dropout_ratio: 0.5 }"
    wide = narrowed(1024, width)
    for name, bottom, more in (
        ("fc6", "pool5a", "pad: 12 hole: 12 kernel_size: 3"),
        ("fc7", "fc6", "kernel_size: 1"),
    ):
        text += v1_layer(name, "CONVOLUTION", bottom, f"{rates} {filled(wide, more)}")
        text += v1_layer(f"relu{name[2:]}", "RELU", name, tops=name)
        text += v1_layer(f"drop{name[2:]}", "DROPOUT", name, drop, name)
    ten = "blobs_lr: 10 blobs_lr: 20 weight_decay: 1 weight_decay: 0"
    text += v1_layer("fc8_voc12", "CONVOLUTION", "fc7", f"{ten} {filled(21, 'kernel_size: 1')}")
    if not folder:
        return text + v1_layer(
            "fc8_interp", "INTERP", "fc8_voc12", "interp_param { zoom_factor: 8 }"
        )
    shrink = "interp_param { shrink_factor: 8 pad_beg: 0 pad_end: 0 }"
    train = "include: { phase: TRAIN }"
    text += v1_layer("label_shrink", "INTERP", "label", shrink)
    text += v1_layer(
        "loss",
        "SOFTMAX_LOSS",
        "fc8_voc12 label_shrink",
        f"loss_param {{ ignore_label: 255 }} {train}",
    )
    score = f"seg_accuracy_param {{ ignore_label: 255 }} {train}"
    return text + v1_layer("accuracy", "SEG_ACCURACY", "fc8_voc12 label_shrink", score)


# DeepLab v2 (Chen et al. 2016) on ResNet-101, of one scale: atrous spatial pyramid pooling.


def deeplab_v2(width: float = 1, side: int = 321, folder: str = "") -> str:
    """For VOC's 21 classes. folder: of an ImageSegData with list.txt; a deploy net without."""
    text = 'name: "${NET_ID}"\n'
    if folder:
        body = (
            f'include {{ phase: TRAIN }} image_data_param {{ root_folder: "{folder}" '
            f'source: "{folder}/list.txt" batch_size: 2 shuffle: true label_type: PIXEL }} '
            f"transform_param {{ mirror: true crop_size: {side} mean_value: 104.008 "
            "mean_value: 116.669 mean_value: 122.675 }"
        )
        text += layer("data", "ImageSegData", body=body, tops="data label")
    else:
        text += input_dim(side, side)
    pool = "kernel_size: 3 stride: 2 pad: 1"
    text += resnet(101, width, (1, 2, 1, 1), (1, 1, 2, 4), pool)
    heads = ""
    for i, rate in enumerate((6, 12, 18, 24)):
        name = f"fc1_voc12_c{i}"
        text += conv(name, "res5c", 21, f"kernel_size: 3 pad: {rate} dilation: {rate}")
        heads += f" {name}"
    text += layer("fc1_voc12", "Eltwise", heads, "eltwise_param { operation: SUM }")
    if not folder:
        return text + layer("fc1_interp", "Interp", "fc1_voc12", "interp_param { zoom_factor: 8 }")
    shrink = "interp_param { shrink_factor: 8 pad_beg: 0 pad_end: 0 }"
    text += layer("label_shrink", "Interp", "label", shrink)
    loss = "loss_param { ignore_label: 255 }"
    text += layer("loss", "SoftmaxWithLoss", "fc1_voc12 label_shrink", loss)
    return text + layer(
        "accuracy",
        "SegAccuracy",
        "fc1_voc12 label_shrink",
        "seg_accuracy_param { ignore_label: 255 }",
    )


# CRF-RNN (Zheng et al. 2015) on FCN-8s: V1 layers, CROP of the first FCN release, mean field.


def crf_rnn(width: float = 1, side: int = 500, train: bool = False) -> str:
    """For VOC's 21 classes. In training the labels are a DUMMY_DATA, in place of its data layer."""
    rates = "blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0"
    fixed = "blobs_lr: 0 weight_decay: 0"

    def convolution(name: str, bottom: str, outputs: int, more: str) -> str:
        text = v1_layer(name, "CONVOLUTION", bottom, f"{rates} {filled(outputs, more)}")
        return text + v1_layer(f"relu-{name}", "RELU", name, tops=name)

    def pool(name: str, bottom: str, more: str) -> str:
        return v1_layer(name, "POOLING", bottom, f"pooling_param {{ pool: MAX {more} }}")

    def score(name: str, bottom: str) -> str:
        return v1_layer(name, "CONVOLUTION", bottom, f"{rates} {filled(21, 'kernel_size: 1')}")

    def up(name: str, bottom: str, size: int) -> str:
        more = f"bias_term: false kernel_size: {size} stride: {size // 2}"
        return v1_layer(name, "DECONVOLUTION", bottom, f"{fixed} {filled(21, more)}")

    def add(name: str, bottoms: str) -> str:
        return v1_layer(name, "ELTWISE", bottoms, "eltwise_param { operation: SUM }")

    text = "name: 'TVG-CRF-RNN-COCO-VOC'\n"
    if train:
        shapes = (
            f"num: 1 channels: 3 height: {side} width: {side} "
            f"num: 1 channels: 1 height: {side} width: {side} "
            "data_filler { type: 'gaussian' std: 50 } data_filler { type: 'constant' value: 2 }"
        )
        text += v1_layer(
            "data", "DUMMY_DATA", body=f"dummy_data_param {{ {shapes} }}", tops="data label"
        )
    else:
        text += input_dim(side, side)
    pools = ("kernel_size: 2 stride: 2",) * 5
    text += vgg(width, 100, pools, pool=pool, convolution=convolution)
    wide = narrowed(4096, width)
    for name, bottom, more in (
        ("fc6", "pool5", "kernel_size: 7"),
        ("fc7", "fc6", "kernel_size: 1"),
    ):
        text += v1_layer(name, "CONVOLUTION", bottom, f"{rates} {filled(wide, more)}")
        text += v1_layer(f"relu{name[2:]}", "RELU", name, tops=name)
        text += v1_layer(
            f"drop{name[2:]}", "DROPOUT", name, "dropout_param { dropout_ratio: 0.5 }", name
        )
    text += score("score-fr", "fc7") + up("score2", "score-fr", 4)
    text += score("score-pool4", "pool4") + v1_layer(
        "crop1", "CROP", "score-pool4 score2", tops="score-pool4c"
    )
    text += add("score-fuse", "score2 score-pool4c") + up("score4", "score-fuse", 4)
    text += score("score-pool3", "pool3") + v1_layer(
        "crop2", "CROP", "score-pool3 score4", tops="score-pool3c"
    )
    text += add("score-final", "score4 score-pool3c") + up("bigscore", "score-final", 16)
    text += v1_layer("crop", "CROP", "bigscore data", tops="coarse")
    text += v1_layer("splitting", "SPLIT", "coarse", tops="unary Q0")
    field = (
        "blobs_lr: 10000 blobs_lr: 10000 blobs_lr: 1000 "
        "weight_decay: 0 weight_decay: 0 weight_decay: 0 multi_stage_meanfield_param { "
        f"num_iterations: {5 if train else 10} compatibility_mode: POTTS threshold: 2 "
        "theta_alpha: 160 theta_beta: 3 theta_gamma: 3 spatial_filter_weight: 3 "
        "bilateral_filter_weight: 5 }"
    )
    text += v1_layer("inference1", "MULTI_STAGE_MEANFIELD", "unary Q0 data", field, "pred")
    loss = "loss_param { ignore_label: 255 }"
    return text + (v1_layer("loss", "SOFTMAX_LOSS", "pred label", loss) if train else "")


# HED (Xie and Tu 2015): ImageLabelmapData, Crop whose offset the fork finds itself.


def _edge_loss(bottom: str, top: str) -> str:
    """A loss, which has no name in HED's file."""
    return layer("", "SigmoidCrossEntropyLoss", f"{bottom} label", "loss_weight: 1", top)


def hed(width: float = 1, height: int = 500, across: int = 500, source: str = "") -> str:
    """Edges. source: a list for an ImageLabelmapData, with losses; a deploy net without."""
    text = 'name: "HED"\n'
    if source:
        root = source.rpartition("/")[0]
        body = (
            "transform_param { mirror: false mean_value: 104.00699 mean_value: 116.66877 "
            f'mean_value: 122.67892 }} image_data_param {{ root_folder: "{root}/" '
            f'source: "{source}" batch_size: 1 shuffle: true new_height: 0 new_width: 0 }}'
        )
        text += layer("data", "ImageLabelmapData", body=body, tops="data label")
    else:
        text += input_dim(height, across)
    text += vgg(
        width, 35, convolution=lambda *given: conv_relu(*given[:3], f"engine: CAFFE {given[3]}")
    )
    sides = ""
    for group, bottom in enumerate(("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"), 1):
        scale, name = 1 << (group - 1), f"upscore-dsn{group}"
        text += conv(f"score-dsn{group}", bottom, 1, "engine: CAFFE kernel_size: 1")
        found = f"score-dsn{group}"
        if scale > 1:
            fill = f"kernel_size: {2 * scale} stride: {scale} num_output: 1"
            rates = "param { lr_mult: 0 decay_mult: 1 } param { lr_mult: 0 decay_mult: 0 }"
            found = f"score-dsn{group}-up"
            up = f"{rates} convolution_param {{ {fill} weight_filler {{ type: 'bilinear' }} }}"
            text += layer(f"upsample_{scale}", "Deconvolution", f"score-dsn{group}", up, found)
        text += layer("crop", "Crop", f"{found} data", tops=name)
        if source:
            text += _edge_loss(name, f"dsn{group}_loss")
        else:
            text += layer(f"sigmoid-dsn{group}", "Sigmoid", name)
        sides += f" {name}"
    text += layer("concat", "Concat", sides, "concat_param { concat_dim: 1 }", "concat-upscore")
    fuse = (
        'engine: CAFFE num_output: 1 kernel_size: 1 weight_filler { type: "constant" value: 0.2 }'
    )
    text += layer(
        "new-score-weighting",
        "Convolution",
        "concat-upscore",
        f"convolution_param {{ {fuse} }}",
        "upscore-fuse",
    )
    if source:
        return text + _edge_loss("upscore-fuse", "fuse_loss")
    return text + layer("sigmoid-fuse", "Sigmoid", "upscore-fuse")
