"""Laws of caffe/engine/regions.py: what an image reaches, and what a region is computed from."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.laws import drawn
from support.net_text import input_layer, net_of
from support.plain_path import layer

import caffe
from caffe.engine import regions

OTHER = 5  # what the axis that is not looked at measures


def one_layer(kind, param, body, axis, size, like=None):
    """Axis h or w of a layer alone: its rule, and which position of its top sees which of the
    bottom, found by looking at one of the bottom at a time."""
    sizes = [OTHER, OTHER]
    sizes[axis] = size
    text = input_layer("x", size, 1, *sizes)
    if like:
        tops = [OTHER, OTHER]
        tops[axis] = like
        text += input_layer("like", size, 1, *tops)
    fill = 'weight_filler { type: "constant" value: 1 }' if param == "convolution_param" else ""
    bottoms = "x like" if like else "x"
    text += layer(kind, "y", bottoms, "", f"{param} {{ {body} {fill} }}")
    try:
        net = net_of(text)
    except caffe.CaffeError:
        assume(False)  # no window fits
    net.blobs["x"].data[...] = 0
    for i in range(size):
        net.blobs["x"].data[(i, 0, i, slice(None)) if axis == 0 else (i, 0, slice(None), i)] = 1
    net.forward(start="y", end="y")
    seen = (net.blobs["y"].data > 0).any((1, 3 - axis))
    shapes = [net.blobs[name].shape for name in bottoms.split()]
    found = regions.rules(net._graph.layers[-1], shapes)
    return found and found[axis], seen


def spans(size):
    return ((a, b) for a, b in itertools.combinations(range(size + 1), 2))


def inside(span, size):
    return set(range(max(0, span[0]), min(size, span[1])))


def check_reaches(rule, seen, exact=True):
    for a, b in spans(len(seen)):
        found = set(np.flatnonzero(seen[a:b].any(0)))
        told = inside(rule.reaches((a, b)), seen.shape[1])
        assert told == found if exact else told >= found


def check_needs(rule, seen, exact=True):
    for a, b in spans(seen.shape[1]):
        found = set(np.flatnonzero(seen[:, a:b].any(1)))
        told = inside(rule.needs((a, b)), len(seen))
        assert told == found if exact else told >= found


AXIS = st.sampled_from([0, 1])
SIZE = st.integers(1, 11)


@given(
    st.sampled_from(["Convolution", "Deconvolution"]),
    AXIS,
    SIZE,
    st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 4), st.integers(1, 3)),
)
@drawn(60)
def test_convolution_and_deconvolution(kind, axis, size, window):
    kernel, stride, pad, dilation = window
    other = {"kernel": 1, "stride": 1, "pad": 0}
    body = f"num_output: 1 bias_term: false dilation: {dilation}"
    for (name, value), rest in zip(
        (("kernel", kernel), ("stride", stride), ("pad", pad)), other.values(), strict=True
    ):
        h, w = (value, rest) if axis == 0 else (rest, value)
        body += f" {name}_h: {h} {name}_w: {w}"
    rule, seen = one_layer(kind, "convolution_param", body, axis, size)
    assume(rule is not None)
    no_holes = dilation == 1 or kernel == 1
    # What lies in the holes of a window, or between windows, is not left out.
    check_reaches(rule, seen, no_holes)
    check_needs(rule, seen, no_holes and (stride <= kernel or kind == "Deconvolution"))


@given(AXIS, SIZE, st.integers(1, 5), st.integers(1, 5), st.booleans())
@drawn(60)
def test_max_pooling(axis, size, kernel, stride, floor):
    assume(stride <= kernel)
    values = [(kernel, 1), (stride, 1)]
    body = "round_mode: FLOOR" if floor else ""
    for name, (value, rest) in zip(("kernel", "stride"), values, strict=True):
        h, w = (value, rest) if axis == 0 else (rest, value)
        body += f" {name}_h: {h} {name}_w: {w}"
    rule, seen = one_layer("Pooling", "pooling_param", body, axis, size)
    check_reaches(rule, seen)
    check_needs(rule, seen)


@given(AXIS, SIZE, st.integers(1, 11), st.integers(0, 6))
@drawn(40)
def test_crop(axis, size, like, offset):
    assume(offset + like <= size)
    offsets = (offset, 0) if axis == 0 else (0, offset)
    body = "axis: 2 " + " ".join(f"offset: {o}" for o in offsets)
    rule, seen = one_layer("Crop", "crop_param", body, axis, size, like)
    check_reaches(rule, seen)
    check_needs(rule, seen)


@pytest.mark.parametrize("kind", ["ReLU", "Dropout", "Eltwise", "LRN"])
def test_a_pointwise_layer_sees_what_lies_below(kind):
    bottoms = "x z" if kind == "Eltwise" else "x"
    text = input_layer("x", 1, 2, 4, 5) + input_layer("z", 1, 2, 4, 5)
    net = net_of(text + layer(kind, "y", bottoms))
    for rule in regions.rules(net._graph.layers[-1], [(1, 2, 4, 5)] * len(bottoms.split())):
        assert rule.reaches((1, 3)) == rule.needs((1, 3)) == (1, 3)


def conv_param(body):
    return f"convolution_param {{ num_output: 2 {body} }}"


WITHOUT = {
    "padded pooling": ("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }"),
    "average": ("Pooling", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"),
    "pooling with gaps": ("Pooling", "pooling_param { kernel_size: 2 stride: 3 }"),
    "global pooling": ("Pooling", "pooling_param { global_pooling: true }"),
    "LRN around a position": ("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }"),
    "upsampling with gaps": ("Deconvolution", conv_param("kernel_size: 2 stride: 3")),
    "a window larger than its bottom": ("Convolution", conv_param("kernel_size: 8 stride: 7")),
    "convolution over width only": ("Convolution", conv_param("kernel_size: 3 axis: 2")),
    "convolution over channels too": ("Convolution", conv_param("kernel_size: 1 axis: 0")),
    "upsampling of width only": ("Deconvolution", conv_param("kernel_size: 3 axis: 2")),
    "softmax": ("Softmax", ""),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_other_layers_have_no_rules_and_need_the_whole_bottom(name):
    kind, body = WITHOUT[name]
    shape = (2, 3, 6, 6)
    net = net_of(input_layer("x", *shape) + layer(kind, "y", "x", "", body))
    assert regions.rules(net._graph.layers[-1], [shape]) is None


REGION = st.tuples(*[st.tuples(st.integers(-3, 6), st.integers(1, 5))] * 2).map(
    lambda spans: tuple((start, start + length) for start, length in spans)
)


def positions(region):
    return set(itertools.product(*(range(*span) for span in region)))


@given(REGION, REGION)
@drawn(80)
def test_hull_and_common_are_of_the_positions(a, b):
    both = regions.common(a, b)
    assert (positions(both) if both else set()) == positions(a) & positions(b)
    around = positions(regions.hull(a, b))
    assert around >= positions(a) | positions(b)
    for axis in range(2):
        used = {p[axis] for p in positions(a) | positions(b)}
        assert {p[axis] for p in around} == set(range(min(used), max(used) + 1))


def test_whole_is_every_position_behind_the_channels():
    assert regions.whole((2, 3, 4, 5)) == ((0, 4), (0, 5))
    assert regions.whole((2, 3)) == ()
