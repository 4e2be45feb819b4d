"""Finer scores without training: strides removed, and the later filters dilated (section 3.2)."""

import itertools
import math

from caffe.proto import caffe_pb2
from nets.receptive_field import windows

Layer = caffe_pb2.LayerParameter
SLIDING = ("Convolution", "Pooling")
NOT_SPATIAL = ("InnerProduct", "Reshape", "Flatten")


def rarefy(net: caffe_pb2.NetParameter, factor: int | None = None) -> caffe_pb2.NetParameter:
    """The deploy net whose scores lie `factor` times as close on each axis, with the same weights.

    The last strides, whose product is `factor`, become 1 (None: all from the first Convolution on),
    and what comes after each has its filters dilated by it. Caffe 1.0 cannot dilate a Pooling: one
    that has to be is the maximum of its bottom's shifted Crops. The first Convolution is padded by
    more, so that every pixel has scores: from the `factor`-th on, in each row and column, they are
    those of `infer.shift_and_stitch`, to rounding, wherever no padding inside the net is seen.
    Layers keep their names, but for the upsampling, which is coarser (`surgery.interp` makes its
    weights), and for an average that is dilated, which is a Convolution then: a caffemodel holds
    weights for neither.

    Raises ValueError for a net other than layers of one stride after the other, one Deconvolution
    and one Crop, for a Pooling that has to be dilated and takes a maximum with padding, and for a
    factor that is not the product of the last strides.
    """
    upsampling, crop = _ends(net)
    stride = int(windows(net)[upsampling.bottom[0]].stride)
    strides = _strides(net)
    before = stride // math.prod(strides.values())  # the first Convolution: the image made smaller
    factor = stride // before if factor is None else factor
    removed = _last_strides(net, strides, factor)
    rarefied = caffe_pb2.NetParameter(name=net.name)
    rates: dict[str, int] = {}  # of dilation, by blob
    whole, channels = _of_the_image(net), _channels(net)
    first = True
    for layer in net.layer:
        if layer.name in (upsampling.name, crop.name):
            continue
        if layer.name in whole:
            rarefied.layer.append(layer)
            continue
        if layer.type in NOT_SPATIAL:
            raise ValueError(f"layer {layer.name} ({layer.type}): only layers that slide can be")
        rate = max((rates[bottom] for bottom in layer.bottom if bottom in rates), default=1)
        new = Layer()
        new.CopyFrom(layer)
        if layer.type == "Convolution" and first:
            _pad_more(new, (2 * stride - stride // factor) // before if factor > 1 else 0)
            first = False
        if layer.name in removed:
            _set_stride(new, 1)
        rarefied.layer.extend(_dilated(new, rate, channels))
        for top in layer.top:
            rates[top] = rate * removed.get(layer.name, 1)
    _append_ends(rarefied, upsampling, crop, stride // factor)
    return rarefied


def _ends(net: caffe_pb2.NetParameter) -> tuple[Layer, Layer]:
    """The upsampling and the Crop that a net without skips ends with."""
    upsampling = [layer for layer in net.layer if layer.type == "Deconvolution"]
    if len(upsampling) != 1 or net.layer[-2] != upsampling[0] or net.layer[-1].type != "Crop":
        raise ValueError(
            f"net {net.name}: {len(upsampling)} Deconvolution layers; expected a deploy net "
            "without skips, which ends with one and a Crop: FCN-32s, not 16s or 8s"
        )
    return net.layer[-2], net.layer[-1]


def _strides(net: caffe_pb2.NetParameter) -> dict[str, int]:
    """The strides from the first Convolution on, by layer; the upsampling's is none of them."""
    sliding = [layer for layer in net.layer if layer.type in SLIDING]
    begun = itertools.dropwhile(lambda layer: layer.type != "Convolution", sliding)
    return {layer.name: _stride(layer) for layer in begun}


def _last_strides(
    net: caffe_pb2.NetParameter, strides: dict[str, int], factor: int
) -> dict[str, int]:
    """The last layers whose strides multiply to `factor`, and their strides."""
    strided = [name for name, stride in strides.items() if stride > 1]
    factors = [
        math.prod(strides[name] for name in strided[i:]) for i in range(len(strided), -1, -1)
    ]
    if factor not in factors:
        raise ValueError(
            f"net {net.name}: factor {factor}; its last strides multiply to "
            f"{', '.join(map(str, factors))}: choose one of these"
        )
    return {name: strides[name] for name in strided[len(strided) - factors.index(factor) :]}


def _stride(layer: Layer) -> int:
    if layer.type == "Pooling":
        return layer.pooling_param.stride
    return layer.convolution_param.stride[0] if layer.convolution_param.stride else 1


def _set_stride(layer: Layer, stride: int) -> None:
    if layer.type == "Pooling":
        layer.pooling_param.stride = stride
    else:
        layer.convolution_param.stride[:] = [stride]


def _of_the_image(net: caffe_pb2.NetParameter) -> set[str]:
    """The layers of one value a channel: poolings over the image, and what is made of them."""
    layers: set[str] = set()
    blobs: set[str] = set()
    for layer in net.layer:
        if layer.pooling_param.global_pooling or (layer.bottom and blobs.issuperset(layer.bottom)):
            layers.add(layer.name)
            blobs.update(layer.top)
    return layers


def _channels(net: caffe_pb2.NetParameter) -> dict[str, int]:
    """Of each blob, those of an Input being its second axis."""
    found: dict[str, int] = {}
    for layer in net.layer:
        if layer.type == "Input":
            count = layer.input_param.shape[0].dim[1]
        elif layer.type in ("Convolution", "Deconvolution"):
            count = layer.convolution_param.num_output
        else:
            of = [found[bottom] for bottom in layer.bottom]
            count = sum(of) if layer.type == "Concat" else of[0]
        found.update(dict.fromkeys(layer.top, count))
    return found


def _pad_more(convolution: Layer, pixels: int) -> None:
    pad = convolution.convolution_param.pad
    pad[:] = [(pad[0] if pad else 0) + pixels]


def _dilated(layer: Layer, rate: int, channels: dict[str, int]) -> list[Layer]:
    """The layers that see every `rate`-th pixel where `layer` sees all."""
    if rate == 1 or layer.type not in SLIDING:
        return [layer]
    if layer.type == "Pooling":
        if layer.pooling_param.kernel_size == 1:
            return [layer]
        if layer.pooling_param.pool == caffe_pb2.PoolingParameter.AVE:
            return [_dilated_average(layer, rate, channels[layer.bottom[0]])]
        return _dilated_maximum(layer, rate)
    param = layer.convolution_param
    if param.kernel_size[0] > 1:
        param.dilation[:] = [rate * (param.dilation[0] if param.dilation else 1)]
        param.pad[:] = [rate * pad for pad in param.pad]
    return [layer]


def _dilated_average(layer: Layer, rate: int, channels: int) -> Layer:
    """A Convolution of each channel with one weight all over, as padding counts in Caffe's mean."""
    pooling = layer.pooling_param
    name = f"{layer.name}_dilated"  # a caffemodel has a layer of its own name, without weights
    mean = Layer(name=name, type="Convolution", bottom=layer.bottom, top=layer.top)
    mean.param.add(lr_mult=0)
    param = mean.convolution_param
    param.num_output = param.group = channels
    param.kernel_size[:], param.dilation[:] = [pooling.kernel_size], [rate]
    param.pad[:], param.stride[:] = [pooling.pad * rate], [pooling.stride]
    param.bias_term = False
    param.weight_filler.value = 1 / pooling.kernel_size**2
    return mean


def _dilated_maximum(layer: Layer, rate: int) -> list[Layer]:
    """Crops of the bottom, one for each place in the window, and their maximum."""
    param = layer.pooling_param
    if param.pad or param.pool != caffe_pb2.PoolingParameter.MAX:
        raise ValueError(
            f"layer {layer.name}: a Pooling that has to be dilated must take the maximum without "
            f"padding, or the average; found {' '.join(str(param).split())}"
        )
    if param.stride != 1:
        raise ValueError(f"layer {layer.name}: stride {param.stride} after a stride was removed")
    (bottom,), (top,) = layer.bottom, layer.top
    # What is cropped to: its values are not read, it is as large as the result.
    like = Layer(name=f"{layer.name}_like", type="Pooling", bottom=[bottom], top=[f"{top}_like"])
    like.pooling_param.CopyFrom(param)
    like.pooling_param.kernel_size = (param.kernel_size - 1) * rate + 1
    maximum = Layer(name=layer.name, type="Eltwise", top=[top])
    maximum.eltwise_param.operation = caffe_pb2.EltwiseParameter.MAX
    layers = [like]
    for down, right in itertools.product(range(param.kernel_size), repeat=2):
        name = f"{top}_{down}_{right}"
        crop = Layer(name=name, type="Crop", bottom=[bottom, like.top[0]], top=[name])
        crop.crop_param.axis = 2
        crop.crop_param.offset[:] = [down * rate, right * rate]
        maximum.bottom.append(name)
        layers.append(crop)
    return [*layers, maximum]


def _append_ends(net: caffe_pb2.NetParameter, upsampling: Layer, crop: Layer, stride: int) -> None:
    """Add the upsampling from `stride` to the image, if any is left to do, and the Crop."""
    cut = net.layer.add()
    cut.CopyFrom(crop)
    cut.bottom[0] = upsampling.bottom[0]
    if stride > 1:
        finer = Layer()
        finer.CopyFrom(upsampling)
        odd = finer.convolution_param.kernel_size[0] % 2
        finer.name = finer.top[0] = cut.bottom[0] = f"upscore{stride}"
        finer.convolution_param.kernel_size[:] = [2 * stride - odd]
        finer.convolution_param.stride[:] = [stride]
        net.layer.insert(len(net.layer) - 1, finer)
    # Where a pixel lies between two scores, the one before it is taken.
    offset = math.floor(-windows(net)[cut.bottom[0]].first)
    if offset < 0:
        raise ValueError(
            f"net {net.name}: the first {-offset} pixels lie before the first score; pad the first "
            "Convolution by as many more"
        )
    cut.crop_param.offset[:] = [offset]
