"""ColorConv."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import torch_file

TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
WHITE = np.array([0.95074, 1, 1.08883])


def lab_of(blue, green, red):
    """CIE's formula of one sRGB colour, channel by channel."""
    linear = []
    for value in (red, green, blue):
        part = value / 255
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    roots = []
    for row, white in zip(TO_XYZ, WHITE, strict=True):
        part = sum(w * v for w, v in zip(row, linear, strict=True)) / white
        roots.append(part ** (1 / 3) if part > 0.008867 else (903.3 * part + 16) / 116)
    x, y, z = roots
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


def converted(x, body):
    return run_layer("ColorConv", f"color_conv_param {{ {body} }}", [x]).y[0]


@law("ColorConv")
@drawn()
@given(SEED, SMALL, st.sampled_from([255, 20]))
def test_a_bgr_image_becomes_lab_by_cies_formula(seed, n, most):
    x = np.random.RandomState(seed).uniform(0, most, (n, 3, 2, 3)).astype(np.float32)
    pixels = x.astype(np.float64).transpose(0, 2, 3, 1).reshape(-1, 3)
    expected = np.reshape([lab_of(*pixel) for pixel in pixels], (n, 2, 3, 3)).transpose(0, 3, 1, 2)
    agree(converted(x, "input: 0 output: 3"), expected, 1e-4, 2e-3)


@drawn()
@given(SEED, st.sampled_from(["BGR", "RGB", "XYZ"]))
def test_there_is_a_way_back(seed, start):
    x = np.random.RandomState(seed).uniform(1, 254, (1, 3, 2, 2)).astype(np.float32)
    if start == "XYZ":
        x = converted(x, "input: RGB output: XYZ")
        back = converted(converted(x, "input: XYZ output: RGB"), "input: RGB output: XYZ")
        agree(back, x, 1e-3, 1e-3)
        agree(
            converted(converted(x, "input: XYZ output: Lab"), "input: Lab output: XYZ"),
            *(x, 1e-3, 1e-4),
        )
        return
    lab = converted(x, f"input: {start} output: Lab")
    agree(converted(lab, f"input: Lab output: {start}"), x, 1e-3, 0.1)


def test_gray_is_the_luminance_and_three_times_the_same_behind():
    x = np.float32([10, 200, 30]).reshape(1, 3, 1, 1)
    gray = converted(x, "input: RGB output: Gray")
    agree(gray, np.reshape(np.dot(TO_XYZ[1], [10, 200, 30]), (1, 1, 1, 1)))
    agree(converted(gray, "input: Gray output: RGB"), gray.repeat(3, 1))
    agree(converted(x[:, ::-1], "input: BGR output: RGB"), x)


def test_what_has_no_conversion_is_an_error():
    with pytest.raises(caffe.CaffeError, match="no way from Lab to Gray; write two layers, by RGB"):
        converted(np.zeros((1, 3, 2, 2), np.float32), "input: Lab output: Gray")
    with pytest.raises(caffe.CaffeError, match=r"needs images, N x 3 x H x W; found shape \(1, 1"):
        converted(np.zeros((1, 1, 2, 2), np.float32), "output: Lab")


def test_a_pt2_takes_any_batch_where_the_nets_own_is_1(tmp_path):
    body = "color_conv_param { input: BGR output: Lab }"
    net = net_of(
        input_layer("x", 1, 3, 4, 5)
        + f'layer {{ name: "l" type: "ColorConv" bottom: "x" top: "y" {body} }}'
    )
    found = torch_file.export(net, tmp_path / "net.pt2", batch=True)
    assert found.open_axes == {"x": {0: "batch", 2: "height", 3: "width"}}
