"""Laws of caffe/engine/plan.py and kernels.py: a plan gives what the layers give one by one."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from support import tiny_fcn
from support.filtering import everywhere
from support.laws import SEED, drawn
from support.net_text import input_layer, net_of
from support.plain_path import FCN, close, conv, image, layer, plain, twins
from support.planned import BEHIND_A_BORDER, images, with_outputs_written

import caffe
from caffe import layer_types
from caffe.engine import kernels, regions, schedule
from surgery import interp
from surgery.random_weights import draw


def pooling(body):
    return f"pooling_param {{ {body} }}"


def up(draw_, net):
    """Down by pooling and up again by a Deconvolution, cut to what went in and added to it."""
    if net.tip == "data":
        net.tip = net.conv(net.tip, "kernel_size: 1")
    tip = net.tip
    down = net.add("Pooling", tip, pooling("kernel_size: 2 stride: 2"))
    group = draw_(st.sampled_from(["", "group: 4"]))
    top = net.conv(down, f"kernel_size: 4 stride: 2 {group}", "Deconvolution")
    offset = draw_(st.integers(0, 2))
    cut = net.add("Crop", f"{top} {tip}", f"crop_param {{ axis: 2 offset: {offset} }}")
    net.tip = cut if draw_(st.booleans()) else net.add("Eltwise", f"{cut} {tip}")


# ---- A region of one layer's top ----


def span(size):
    """A range of at least one of `size` positions."""
    ends = st.tuples(st.integers(0, size - 1), st.integers(1, size))
    return ends.map(lambda s: (min(s), max(s) if min(s) < max(s) else min(s) + 1))


def check_regions(data, text, relu=False):
    """Any region of a layer's top, from no more than it needs of the bottom: as cut from the whole.

    The layer is the last one, its bottoms are Input layers.
    """
    try:
        net = net_of(text)
    except caffe.CaffeError:
        assume(False)  # no window fits
    for i, name in enumerate(net.inputs):
        net.blobs[name].data[...] = image(i, *net.blobs[name].shape)
    *_, kind = net._graph.layers
    bottoms = net._graph.bottom(len(net._graph.layers) - 1)
    top = plain(net).forward()["y"].copy()
    if relu:
        top = np.maximum(top, 0)
    found = regions.rules(kind, [b.shape for b in bottoms])
    assume(found is not None)
    everything = regions.whole(bottoms[0].shape)
    run = kernels.runner(kind, schedule.params_of(kind), found, relu, bottoms[0].shape)
    read = bottoms[:1] if kind.type == "Crop" else bottoms
    for _ in range(3):
        region = data.draw(st.tuples(*map(span, top.shape[2:])))
        needed = tuple(rule.needs(s) for rule, s in zip(found, region, strict=True))
        needed = regions.common(needed, everything) or everything
        held = [
            kernels.Tile(kernels.Tile(b.data_tensor(), everything).part(needed), needed)
            for b in read
        ]
        with torch.no_grad():
            ours = run(held, region, everything)
        (h, w) = (slice(*s) for s in region)
        close(ours.numpy(), top[:, :, h, w], np.abs(top).max())


def window(dilation=True):
    names = ["kernel_h", "kernel_w", "stride_h", "stride_w"]
    values = st.tuples(*[st.integers(1, 4)] * 2, *[st.integers(1, 3)] * 2)
    return st.tuples(
        values.map(lambda v: " ".join(f"{n}: {x}" for n, x in zip(names, v, strict=True))),
        st.tuples(*[st.integers(0, 5)] * 2).map(lambda p: f" pad_h: {p[0]} pad_w: {p[1]}"),
        st.tuples(*[st.integers(1, 2 if dilation else 1)] * 2).map(
            lambda d: "".join(f" dilation: {x}" for x in d)
        ),
    ).map("".join)


SIZES = st.tuples(st.integers(1, 2), st.just(4), st.integers(1, 9), st.integers(1, 9))


@given(st.data(), SIZES, window(), st.sampled_from([1, 2, 4]), st.booleans(), st.booleans())
@drawn(60)
def test_a_region_of_a_convolution(data, shape, body, group, bias, relu):
    body = f"num_output: 4 group: {group} bias_term: {str(bias).lower()} {body}"
    check_regions(data, input_layer("x", *shape) + conv("y", "x", body), relu)


@given(st.data(), SIZES, window(), st.booleans())
@drawn(30)
def test_a_region_of_a_convolution_that_is_a_product_of_matrices(data, shape, body, relu):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layer_types.convolution, "MANY_WEIGHTS", 1)
        patch.setattr(layer_types.convolution, "COLUMNS", 256)  # a few rows at a time
        text = input_layer("x", *shape) + conv("y", "x", f"num_output: 3 {body}")
        check_regions(data, text, relu)


@pytest.mark.slow
@given(st.data(), SIZES, window(), st.sampled_from([1, 2, 4]), st.booleans())
@drawn(60)
def test_a_region_of_a_deconvolution(data, shape, body, group, bias):
    body = f"num_output: 4 group: {group} bias_term: {str(bias).lower()} {body}"
    text = input_layer("x", *shape) + conv("y", "x", body, kind="Deconvolution")
    check_regions(data, text)


@given(st.data(), SIZES, st.integers(1, 5), st.integers(1, 5), st.booleans())
@drawn(60)
def test_a_region_of_a_max_pooling(data, shape, kernel, stride, floor):
    body = f"kernel_size: {kernel} stride: {stride} {'round_mode: FLOOR' if floor else ''}"
    text = input_layer("x", *shape) + layer("Pooling", "y", "x", "", f"pooling_param {{ {body} }}")
    check_regions(data, text)


@given(st.data(), SIZES, SIZES)
@drawn(30)
def test_a_region_of_a_crop(data, shape, like):
    room = [a - b for a, b in zip(shape[2:], like[2:], strict=True)]
    assume(min(room) >= 0)
    offsets = " ".join(f"offset: {data.draw(st.integers(0, r))}" for r in room)
    text = input_layer("x", *shape) + input_layer("like", *like)
    text += layer("Crop", "y", "x like", "", f"crop_param {{ axis: 2 {offsets} }}")
    check_regions(data, text)


POINTWISE = {
    "ReLU": "",
    "leaky ReLU": "relu_param { negative_slope: 0.1 }",
    "Dropout": "",
    "LRN": "lrn_param { local_size: 3 alpha: 1 }",
    "Eltwise": "eltwise_param { coeff: 2 coeff: -1 }",
    "Eltwise maximum": "eltwise_param { operation: MAX }",
}


@pytest.mark.parametrize("name", POINTWISE)
@given(data=st.data(), shape=SIZES)
@drawn(8)
def test_a_region_of_a_pointwise_layer(name, data, shape):
    kind = name.split()[-1] if "ReLU" in name else name.split()[0]
    text = input_layer("x", *shape) + input_layer("z", *shape)
    bottoms = "x z" if kind == "Eltwise" else "x"
    check_regions(data, text + layer(kind, "y", bottoms, "", POINTWISE[name]))


# ---- Whole nets ----


def in_part(net):
    """The blobs of which the net's plan computes a part only, from the second image on."""
    later = net._fast._plan._bounds
    shapes = {name: blob.shape for name, blob in net.blobs.items()}
    return {name for name, n in later.items() if n.computed != regions.whole(shapes[name])}


def with_borders(net):
    """Those of which later layers need more than that: the border is kept."""
    later = net._fast._plan._bounds
    return {name for name, need in later.items() if need.computed != need.required}


class Chain:
    """The text of a net, written layer by layer; `tip` is the blob that goes on."""

    def __init__(self, batch, size):
        self.text = input_layer("data", batch, 2, *size)
        self.tip, self.count, self.channels = "data", 0, 2

    def name(self):
        self.count += 1
        return f"b{self.count}"

    def add(self, kind, bottoms, body=""):
        name = self.name()
        self.text += layer(kind, name, bottoms, "", body)
        return name

    def conv(self, bottom, body, kind="Convolution"):
        name = self.name()
        self.text += conv(name, bottom, f"num_output: 4 {body}", kind=kind)
        return name

    def in_place(self, kind, body=""):
        self.text += layer(kind, self.name(), self.tip, self.tip, body)


def convolution(draw_, net):
    group = draw_(st.sampled_from([1, 2])) if net.tip != "data" else 1
    body = (
        f"kernel_size: {draw_(st.integers(1, 3))} stride: {draw_(st.sampled_from([1, 1, 2]))} "
        f"pad: {draw_(st.integers(0, 3))} dilation: {draw_(st.sampled_from([1, 1, 2]))} "
        f"group: {group} bias_term: {draw_(st.sampled_from(['true', 'true', 'false']))}"
    )
    net.tip = net.conv(net.tip, body)


IN_PLACE = [
    ("ReLU", ""),
    ("ReLU", ""),
    ("ReLU", "relu_param { negative_slope: 0.2 }"),
    ("Dropout", ""),
]


def in_place(draw_, net):
    if net.tip == "data":
        net.tip = net.conv(net.tip, "kernel_size: 2")
    net.in_place(*draw_(st.sampled_from(IN_PLACE)))


ALONE = [
    ("Scale", "scale_param { bias_term: true }"),
    ("Pooling", pooling("kernel_size: 2 stride: 2")),
    ("Pooling", pooling("kernel_size: 3 stride: 2")),
    ("Pooling", pooling("kernel_size: 3 stride: 2 pad: 1")),
    ("Pooling", pooling("kernel_size: 2 stride: 1 round_mode: FLOOR")),
    ("Pooling", pooling("pool: AVE kernel_size: 3 stride: 2 pad: 1")),
    ("LRN", ""),
    ("LRN", "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }"),
    ("ReLU", ""),
    ("Dropout", ""),
    ("Softmax", ""),
    ("Sigmoid", ""),
]


def alone(draw_, net):
    kind, body = draw_(st.sampled_from(ALONE))
    net.tip = net.add(kind, net.tip, body)


def join(draw_, net):
    """Two convolutions of one blob, or a blob and its convolution, meet again."""
    same = "kernel_size: 3 pad: 1"
    if net.tip == "data":
        net.tip = net.conv(net.tip, same)
    tip = net.tip
    other = tip if draw_(st.booleans()) else net.conv(tip, same)
    branch = net.conv(tip, "kernel_size: 3 dilation: 2 pad: 2")
    operation = draw_(st.sampled_from(["SUM", "MAX", "PROD"]))
    if draw_(st.booleans()):
        joined = net.add("Concat", f"{other} {branch}")
        net.tip = net.conv(joined, "kernel_size: 1")
    else:
        net.tip = net.add(
            "Eltwise", f"{other} {branch}", f"eltwise_param {{ operation: {operation} }}"
        )


def cut_in_channels(draw_, net):
    parts = [net.name() for _ in range(2)]
    if net.tip == "data":
        net.tip = net.conv(net.tip, "kernel_size: 1")
    net.text += layer("Slice", net.name(), net.tip, " ".join(parts))
    net.tip = net.add("Concat", " ".join(reversed(parts)))


BLOCKS = [convolution, convolution, in_place, in_place, alone, join, up, cut_in_channels]
SIZE = st.tuples(st.integers(7, 12), st.integers(7, 12))


@st.composite
def random_nets(draw_):
    size = draw_(SIZE)
    net = Chain(draw_(st.sampled_from([1, 2])), size)
    if draw_(st.booleans()):
        net.tip = net.conv(net.tip, f"kernel_size: 3 pad: {draw_(st.integers(1, 12))}")
    for block in draw_(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6)):
        block(draw_, net)
    if draw_(st.booleans()):  # a second output, of another kind of layer
        flat = net.add("Pooling", net.tip, pooling("global_pooling: true"))
        name = net.name()
        net.text += layer("InnerProduct", name, flat, "", "inner_product_param { num_output: 3 }")
        net.tip = net.add("Softmax", net.tip)
    return net.text, size


@pytest.mark.slow
@given(random_nets(), SIZE, SEED, st.integers(0, 6))
@drawn(60)
def test_random_nets_give_what_their_layers_give_one_by_one(net, other, seed, looked_at):
    check_random_net(net, other, seed, looked_at)


def check_random_net(net, other, seed, looked_at):
    """On images of two sizes; all blobs are read behind so many of them."""
    text, size = net
    try:
        ours, theirs = twins(text)
        for net in (ours, theirs):
            for params in net.params.values():
                if len(params[0].shape) == 2:  # InnerProduct has no filler here
                    params[0].data[...] = image(seed, *params[0].shape)
        theirs.blobs["data"].reshape(*theirs.blobs["data"].shape[:2], *other)
        theirs.reshape()
    except caffe.CaffeError:
        assume(False)  # a window does not fit
    sizes = [size, size, size, other, other, size, size]
    images(ours, theirs, sizes[:looked_at])
    images(ours, theirs, sizes[looked_at:], look=True)
    images(ours, theirs, sizes)


@pytest.mark.slow
@given(random_nets(), SIZE, SEED)
@drawn(40)
def test_random_nets_by_winograds_filtering(net, other, seed):
    with everywhere():
        check_random_net(net, other, seed, 3)


@pytest.mark.parametrize("batch", [1, 2])
def test_the_border_around_what_an_image_reaches_is_computed_once(batch):
    ours, theirs = twins(FCN.replace("dim: 1", f"dim: {batch}", 1))
    images(ours, theirs, [(20, 24)] * 3)
    assert in_part(ours) >= {"conv1", "pool1", "conv2"}
    assert with_borders(ours) >= {"pool1", "conv2"}
    images(ours, theirs, [(33, 18), (33, 18), (20, 24), (20, 24)])
    assert in_part(ours) >= {"conv1", "pool1", "conv2"}
    assert with_borders(ours) >= {"pool1", "conv2"}


@pytest.mark.parametrize("name", BEHIND_A_BORDER)
def test_what_a_script_writes_to_an_output_stays_out_of_the_next_pass(name):
    """Outputs lie in no memory that the plan keeps for the next image."""
    assert with_borders(with_outputs_written(name, 4))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_seen_in_the_output(value):
    """A net that has diverged must not look sound: ReLU of NaN is NaN, as in Caffe."""
    text = input_layer("data", 1, 2, 9, 9)
    text += conv("c", "data", "num_output: 2 kernel_size: 3") + layer("ReLU", "r", "c", "c")
    text += conv("d", "c", "num_output: 2 kernel_size: 3") + layer("ReLU", "s", "d", "d")
    ours, theirs = twins(text)
    for seed in range(2):
        for net in (ours, theirs):
            net.blobs["data"].data[...] = image(seed, 1, 2, 9, 9)
            net.blobs["data"].data[0, 0, 4, 4] = value
        found, expected = ours.forward()["d"], theirs.forward()["d"]
        assert not np.isfinite(expected).all()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_border_without_a_number_stays_out_of_the_next_image():
    ours, theirs = twins(FCN)
    for value in (np.nan, np.inf):
        for net in (ours, theirs):
            net.blobs["data"].data[...] = value
            net.forward()
    images(ours, theirs, [(20, 24)] * 2)


VGG16 = {"conv1_1", "pool1", "conv2_2", "conv3_3", "conv4_3"}
FIRST = {  # of the blobs that an image does not reach everywhere
    "fcn32s": VGG16,
    "fcn16s": VGG16,
    "fcn8s": VGG16,
    "fcn-alexnet": {"conv1", "pool1", "norm1", "conv2"},
    "fcn-googlenet-8s": {"conv1/7x7_s2"},
}


@pytest.mark.slow
@pytest.mark.parametrize("filters", ["bilinear", "dense"])
@pytest.mark.parametrize("name", FIRST)
def test_the_nets_of_the_paper(tmp_path, name, filters):
    path = tiny_fcn.write_deploy(tmp_path, name, 5)
    ours, theirs = (caffe.Net(str(path), caffe.TEST) for _ in range(2))
    for net in (ours, plain(theirs)):
        draw(net)
        for up in (up for up in net.params if up.startswith("upscore") and filters == "dense"):
            net.params[up][0].data[...] = 0.05 * image(0, *net.params[up][0].shape)
    images(ours, theirs, [(61, 83)] * 3)
    assert in_part(ours) >= FIRST[name]
    images(ours, theirs, [(40, 33), (40, 33), (61, 83), (61, 83)])


def test_a_bilinear_filter_on_each_channel_is_the_filter_on_the_diagonal():
    body = "num_output: 3 kernel_size: 4 stride: 2 bias_term: false"
    wide = conv("wide", "data", "num_output: 3 kernel_size: 1 pad: 9")
    up = conv("up", "wide", body, kind="Deconvolution")
    ours, theirs = twins(input_layer("data", 2, 2, 7, 8) + wide + up)
    for net in (ours, theirs):
        interp(net, ["up"])
    images(ours, theirs, [(7, 8)] * 3)
    for net in (ours, theirs):
        net.params["up"][0].data[0, 1, 3, 3] = 1  # no longer
    images(ours, theirs, [(7, 8)] * 2)


ON_NOTHING = {
    "left of the bottom": "kernel_w: 1 stride_w: 3 pad_w: 1",
    "around the bottom": "kernel_w: 2 stride_w: 3 pad_w: 4 dilation: 1 dilation: 2",
}


@pytest.mark.parametrize("name", ON_NOTHING)
def test_windows_that_lie_on_nothing_but_pad(name):
    """The top is the bias. (oneDNN's convolution with a ReLU crashes on the second one.)"""
    body = f"num_output: 4 kernel_h: 1 stride_h: 1 pad_h: 0 {ON_NOTHING[name]}"
    text = input_layer("data", 1, 4, 6, 1) + conv("y", "data", body)
    images(*twins(text + layer("ReLU", "relu", "y", "y")), [(6, 1)] * 2)


OTHER_AXES = {
    "width": "kernel_size: 3 axis: 2",
    "channels too": "kernel_size: 1 axis: 0",
}


@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
@pytest.mark.parametrize("over", OTHER_AXES)
def test_a_convolution_over_other_axes(kind, over):
    text = input_layer("data", 2, 3, 6, 8)
    text += conv("y", "data", f"num_output: 2 {OTHER_AXES[over]}", kind=kind)
    images(*twins(text), [(6, 8)] * 2)
