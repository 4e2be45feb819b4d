"""LocalConv, LocalConvolution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

LOCAL = "num_output: 2 kernel_h: 2 kernel_w: 3 pad: 1 stride_h: 2 stride_w: 1"
WEIGHTS = (2, 3, 6, 3 * 5), (1, 2, 3, 5)  # as another fork stores them


@law("LocalConv")
@drawn(10)
@given(SEED)
def test_places_have_their_weights_in_either_shape(seed):
    x = normal(seed, 2, 3, 4, 5)
    weight, bias = (normal(seed + 1 + i, *shape) for i, shape in enumerate(WEIGHTS))
    shapes = (2, 1, 18, 15), (1, 1, 2, 15)
    given_ = [value.reshape(shape) for value, shape in zip((weight, bias), shapes, strict=True)]
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    for kind, message in (
        ("LocalConv", "local_conv_param"),
        ("LocalConvolution", "local_convolution_param"),
    ):
        found = run_layer(kind, f"{message} {{ {LOCAL} }}", [x], params=given_).y[0]
        assert found.shape == (2, 2, 3, 5)
        for i, j in np.ndindex(3, 5):
            at = padded[:, :, 2 * i : 2 * i + 2, j : j + 3]
            place = 5 * i + j
            expected = np.einsum("nckl,ock->no", at.reshape(2, 3, 6, 1), weight[..., place])
            agree(found[:, :, i, j], expected + bias[0, :, i, j], 1e-4, 1e-4)


def convolved(x, weight, bias, pad):
    """Of (C, H, W), in two groups."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    outputs, inputs, rows, columns = weight.shape
    size = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    top = np.zeros((outputs, *size))
    for o, i, j in np.ndindex(outputs, *size):
        group = o // (outputs // 2) * inputs
        at = x[group : group + inputs, i : i + rows, j : j + columns]
        top[o, i, j] = (at * weight[o]).sum() + bias[o]
    return top


@law("LocalConvolution")
@drawn(15)
@given(SEED, st.integers(1, 5), st.integers(0, 1))
def test_each_region_has_a_convolution_of_its_own(seed, across, pad):
    x = normal(seed, 2, 4, 9, 10)
    body = (
        f"local_conv_param {{ num_output: 2 kernel_size: 2 group: 2 pad: {pad} "
        f"local_region_number_h: 2 local_region_number_w: {across} "
        "local_region_ratio_h: 0.6 local_region_ratio_w: 0.5 local_region_step: 2 }"
    )
    weight = normal(seed + 1, 2 * across, 2 * 2, 2, 2)
    bias = normal(seed + 2, 2 * across, 2, 1, 1)
    found = run_layer("LocalConvolution", body, [x], params=[weight, bias]).y[0]
    tops = [0, 9 - 5]  # 0.6 of 9 is 5.4
    lefts = {1: [2], 2: [0, 5], 3: [0, 2, 5], 4: [0, 2, 3, 5], 5: [0, 2, 2, 3, 5]}[across]
    for item in range(2):
        rows = []
        for i, top in enumerate(tops):
            row = []
            for j, left in enumerate(lefts):
                at = i * across + j
                region = x[item, :, top : top + 5, left : left + 5].astype(np.float64)
                of_region = weight[at].reshape(2, 2, 2, 2)
                row.append(convolved(region, of_region, bias[at].flatten(), pad))
            rows.append(np.concatenate(row, 2))
        agree(found[item], np.concatenate(rows, 1), 1e-4, 1e-4)


REGIONS = "local_conv_param { num_output: 2 kernel_size: 2 %s }"


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("LocalConv", REGIONS % "group: 2", "has neither group nor dilation; found 2"),
        ("LocalConvolution", REGIONS % "", "needs local_region_number above 0"),
        (
            "LocalConvolution",
            REGIONS % "local_region_number: 4 local_region_ratio: 0.5",
            "needs local_region_step for",
        ),
        (
            "LocalConvolution",
            REGIONS % "local_region_number: 5 local_region_ratio: 0.5 local_region_step: 9",
            "local_region_step is too large",
        ),
        ("LocalConvolution", REGIONS % "group: 3", "group 3 must divide num_output 2"),
        (
            "LocalConvolution",
            "local_convolution_param { num_output: 2 kernel_size: 2 local_region_ratio_h: 0.5 }",
            "not for regions; found local_region_ratio_h: .* with local_conv_param, which has",
        ),
        ("LocalConv", REGIONS % "local_region_step: 1", "not for regions; found local_region_step"),
        (
            "LocalConvolution",
            f"{REGIONS % 'local_region_number: 2'} local_convolution_param {{ num_output: 2 }}",
            "for each place, or local_conv_param, for regions; found both",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, body, [np.zeros((1, 4, 8, 8))])
