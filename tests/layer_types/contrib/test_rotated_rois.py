"""RotateROIPooling of RRPN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx


def pooled(x, regions, info, parts, scale):
    """Maxima and where they are, by the corners of each part and its pixels' projections."""
    rows, columns = parts
    top = np.zeros((len(regions), x.shape[1], rows, columns))
    at = np.full((*top.shape, 2), -1)
    limits = [int(side * scale + 0.5) for side in info[:2]]
    for (r, c, i, j), _ in np.ndenumerate(top):
        image, x0, y0, tall, wide, angle = map(float, regions[r])
        turn = np.deg2rad(angle)
        along = np.array([np.cos(turn), -np.sin(turn)]) * wide * scale / columns
        across = np.array([np.sin(turn), np.cos(turn)]) * tall * scale / rows
        corner = np.array([x0, y0]) * scale + along * (j - columns / 2) + across * (i - rows / 2)
        for h, w in np.ndindex(*x.shape[2:]):
            if h >= limits[0] or w >= limits[1]:
                continue
            to = np.array([w, h]) - corner
            inside = all(0 <= to @ side < side @ side for side in (along, across))
            if inside and x[int(image), c, h, w] > top[r, c, i, j]:
                top[r, c, i, j] = x[int(image), c, h, w]
                at[r, c, i, j] = h, w
    return top, at


def body(parts, scale):
    return (
        f"rotate_pooling_param {{ pooled_h: {parts[0]} pooled_w: {parts[1]} "
        f"spatial_scale: {scale} }}"
    )


@law("RotateROIPooling")
@drawn(30)
@given(SEED, st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 0.5]))
def test_the_pixels_in_a_turned_part_give_its_maximum(seed, rows, columns, scale):
    rng = np.random.RandomState(seed)
    x = normal(seed, 2, 2, 6, 7)
    regions = np.stack(
        [
            rng.randint(0, 2, 3),
            rng.uniform(1, 6, 3) / scale,
            rng.uniform(1, 5, 3) / scale,
            rng.uniform(1, 6, 3) / scale,
            rng.uniform(1, 6, 3) / scale,
            rng.uniform(-180, 180, 3),
        ],
        1,
    ).astype(np.float32)
    info = np.float32([[5 / scale, 6 / scale, 1]])
    expected, at = pooled(x, regions, info[0], (rows, columns), scale)
    diff = normal(seed + 1, 3, 2, rows, columns)
    ran = run_layer(
        "RotateROIPooling", body((rows, columns), scale), [x, regions, info], diffs=[diff]
    )
    agree(ran.y[0], expected)
    dx = np.zeros(x.shape)
    for (r, c, i, j), (h, w) in zip(np.ndindex(*expected.shape), at.reshape(-1, 2), strict=True):
        if h >= 0:
            dx[int(regions[r, 0]), c, h, w] += diff[r, c, i, j]
    agree(ran.dx[0], dx, 1e-5, 1e-6)


def test_it_is_written_as_onnx(tmp_path):
    text = input_layer("x", 1, 2, 6, 7) + input_layer("r", 3, 6) + input_layer("i", 1, 3)
    text += 'layer { name: "l" type: "RotateROIPooling" bottom: "x" bottom: "r" bottom: "i" '
    net = net_of(text + f'top: "y" {body((2, 3), 0.5)} }}')
    net.blobs["x"].data[...] = normal(0, 1, 2, 6, 7)
    net.blobs["r"].data[...] = [[0, 6, 5, 6, 8, 30], [0, 3, 3, 4, 9, -60], [0, 9, 9, 3, 3, 0]]
    net.blobs["i"].data[...] = [[12, 14, 1]]
    net.forward()
    onnx.export(net, tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("parts", "shapes", "message"),
    [
        ((0, 1), [(1, 1, 3, 3), (1, 6), (1, 3)], "pooled_h and pooled_w must be positive"),
        ((1, 1), [(1, 1, 3, 3), (1, 5), (1, 3)], "regions R x 6"),
    ],
)
def test_what_does_not_fit_is_named(parts, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .RotateROIPooling.: .*{message}"):
        run_layer("RotateROIPooling", body(parts, 1), [np.zeros(shape) for shape in shapes])


def test_a_region_of_an_image_that_is_not_there_is_refused():
    bottoms = [np.zeros((1, 1, 3, 3)), np.full((1, 6), 1.0), np.full((1, 3), 3.0)]
    with pytest.raises(caffe.CaffeError, match=r"region blob .* names image \[1\]; .* has 1"):
        run_layer("RotateROIPooling", body((1, 1), 1), bottoms)
