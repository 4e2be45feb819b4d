"""Squeeze, BroadcastTo, TileND, Piece, DepthToSpace, SpaceToDepth, MirrorPad of Synopsys' Caffe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("Squeeze")
@pytest.mark.parametrize(
    ("axes", "shape"), [([], (2, 3)), ([1], (2, 3, 1)), ([-1], (2, 1, 3)), ([1, 3], (2, 3))]
)
def test_axes_of_1_are_left_out(axes, shape):
    x, dy = normal(0, 2, 1, 3, 1), normal(1, *shape)
    body = " ".join(f"axis: {axis}" for axis in axes)
    found = run_layer("Squeeze", f"squeeze_param {{ {body} }}", [x], diffs=[dy])
    agree(found.y[0], x.reshape(shape))
    agree(found.dx[0], dy.reshape(x.shape))


@law("BroadcastTo")
@pytest.mark.parametrize("shape", [(3, 1, 4), (1, 1, 1), (4,), (2, 3, 1, 4)])
def test_axes_of_1_are_repeated(shape):
    x = normal(0, *shape)
    body = "broadcast_to_param { shape: 2 shape: 3 shape: 5 shape: 4 }"
    agree(run_layer("BroadcastTo", body, [x]).y[0], np.broadcast_to(x, (2, 3, 5, 4)))


@law("TileND")
@pytest.mark.parametrize(
    ("body", "times"),
    [
        ("multiples: 2 multiples: 1 multiples: 3", (2, 1, 3)),
        ("axis: -1 tiles: 3 axis: 0 tiles: 2", (2, 1, 3)),
        ("axis: 1 tiles: 4", (1, 4, 1)),
    ],
)
def test_the_bottom_is_repeated(body, times):
    x = normal(0, 2, 3, 4)
    found = run_layer("TileND", f"tile_nd_param {{ {body} }}", [x])
    agree(found.y[0], np.tile(x, times))


@law("Piece")
@drawn()
@given(SEED, st.integers(0, 1), st.integers(0, 3), st.sampled_from([1, -1]))
def test_a_part_of_each_axis(seed, first, second, size):
    x = normal(seed, 2, 4)
    body = f"piece_param {{ begin: {first} begin: {second} size: 1 size: {size} }}"
    end = None if size == -1 else second + 1
    agree(run_layer("Piece", body, [x]).y[0], x[first : first + 1, second:end])


def blocks_of(x, block):
    """Of N x H x W x C, as TensorFlow says: a pixel of each block's channels."""
    n, height, width, channels = x.shape
    top = np.zeros((n, height * block, width * block, channels // block**2), x.dtype)
    for i, j in np.ndindex(top.shape[1:3]):
        first = ((i % block) * block + j % block) * top.shape[3]
        top[:, i, j] = x[:, i // block, j // block, first : first + top.shape[3]]
    return top


@law("DepthToSpace", "SpaceToDepth")
@drawn()
@given(SEED, st.integers(1, 3), st.integers(1, 2))
def test_channels_become_the_pixels_of_a_block_and_back(seed, block, channels):
    x = normal(seed, 2, 2, 3, channels * block**2)
    expected = blocks_of(x, block)
    for kind, there, back in (("NHWC", (0, 1, 2, 3), (0, 1, 2, 3)), ("NCHW", (0, 3, 1, 2), None)):
        back = back or (0, 2, 3, 1)
        body = f"block_size: {block} data_format: '{kind}'"
        found = run_layer(
            "DepthToSpace", f"depth_to_space_param {{ {body} }}", [x.transpose(there)]
        ).y[0]
        agree(found.transpose(back), expected)
        again = run_layer("SpaceToDepth", f"space_to_depth_param {{ {body} }}", [found]).y[0]
        agree(again.transpose(back), x)
    body = f"depth_to_space_param {{ block_size: {block} data_format: 'CRD' }}"
    found = run_layer("DepthToSpace", body, [x.transpose(0, 3, 1, 2)]).y[0]
    for c, i, j in np.ndindex(found.shape[1:]):
        channel = (c * block + i % block) * block + j % block
        agree(found[:, c, i, j], x[:, i // block, j // block, channel])


MODES = {"CONSTANT": "constant", "EDGE": "edge", "SYMMETRIC": "symmetric", "REFLECT": "reflect"}


@law("MirrorPad")
@drawn()
@given(SEED, st.sampled_from(sorted(MODES)), st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_what_is_around_is_mirrored(seed, mode, more):
    x = normal(seed, 3, 4, 5)
    body = " ".join(f"paddings: {count}" for count in more) + f" mode: '{mode}'"
    body += " constant_values: 7" if mode == "CONSTANT" else ""
    found = run_layer("MirrorPad", f"mirror_pad_param {{ {body} }}", [x]).y[0]
    value = {"constant_values": 7} if mode == "CONSTANT" else {}
    agree(found, np.pad(x, np.reshape(more, (3, 2)), MODES[mode], **value))


@pytest.mark.parametrize(
    ("kind", "body", "shape", "message"),
    [
        ("Squeeze", "squeeze_param { axis: 0 }", (2, 1), r"axes \[0\] of a bottom"),
        ("BroadcastTo", "broadcast_to_param { shape: 3 }", (2,), r"cannot be repeated to shape"),
        ("BroadcastTo", "broadcast_to_param { shape: 3 }", (1, 3), r"cannot be repeated to shape"),
        ("TileND", "tile_nd_param { multiples: 2 }", (2, 1), "needs positive multiples"),
        ("TileND", "tile_nd_param { axis: 1 }", (2, 1), "or tiles for those that axis names"),
        ("TileND", "", (2, 1), "needs positive multiples"),
        ("Piece", "piece_param { begin: 0 size: 1 }", (2, 1), "a begin and a size for each axis"),
        ("Piece", "piece_param { begin: 1 size: 2 }", (2,), "do not lie on a bottom"),
        ("DepthToSpace", "", (1, 2, 2, 4), "needs a positive block_size; found 0"),
        ("DepthToSpace", "depth_to_space_param { block_size: 2 }", (1, 2, 2), "needs 4 axes"),
        (
            "DepthToSpace",
            "depth_to_space_param { block_size: 2 }",
            (1, 4, 2, 3),
            "makes blocks of 4 channels; found 3",
        ),
        (
            "SpaceToDepth",
            "space_to_depth_param { block_size: 2 data_format: 'CRD' }",
            (1, 4, 2, 2),
            "data_format is NHWC or NCHW; found CRD",
        ),
        ("SpaceToDepth", "space_to_depth_param { block_size: 2 }", (1, 3, 4, 2), "must divide"),
        ("MirrorPad", "mirror_pad_param { paddings: 1 }", (2,), "needs two paddings"),
        (
            "MirrorPad",
            "mirror_pad_param { paddings: 1 paddings: 2 mode: 'REFLECT' }",
            (2,),
            "too few values to mirror",
        ),
        (
            "MirrorPad",
            "mirror_pad_param { paddings: 1 paddings: 2 mode: 'WRAP' }",
            (2,),
            "mode is one of CONSTANT, EDGE",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shape, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, body, [np.zeros(shape)])
