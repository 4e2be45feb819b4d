"""Coordinate maps obey their laws and give the crops of the released nets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe import NetSpec
from caffe import layers as L
from caffe.coord_map import (
    AxisMismatchException,
    UndefinedMapException,
    compose,
    coord_map,
    coord_map_from_to,
    crop,
    inverse,
)


def data(*spatial):
    return L.Input(shape=dict(dim=[1, 3, *(spatial or (100, 100))]))


def small_net(ks=3, pad=1, pool=2, up=4, dstride=2, dpad=0):
    """Convolution that keeps the size, pooling, and a deconvolution that undoes the pooling."""
    n = NetSpec()
    n.data = data()
    n.conv = L.Convolution(n.data, num_output=10, kernel_size=ks, stride=1, pad=pad)
    n.pool = L.Pooling(n.conv, kernel_size=pool, stride=pool)
    n.relu = L.ReLU(n.pool, in_place=True)
    n.aux = L.Eltwise(n.relu, L.Sigmoid(n.relu))
    n.deconv = L.Deconvolution(
        n.aux, convolution_param=dict(num_output=1, kernel_size=up, stride=dstride, pad=dpad)
    )
    return n


def test_pointwise_layers_are_the_identity():
    n = small_net()
    assert coord_map(n.relu.fn) == coord_map(n.aux.fn) == (None, 1, 0)
    axis, scale, shift = coord_map_from_to(n.aux, n.pool)
    assert (axis, scale, shift) == (None, 1, 0)


# One axis of a sliding window layer.
windows = st.tuples(
    st.integers(1, 9), st.integers(1, 4), st.integers(0, 5), st.integers(1, 3)
)  # kernel, stride, pad, dilation


@given(windows, st.integers(0, 20))
def test_convolution_maps_each_output_to_its_windows_centre(window, y):
    """Output y sees the inputs y * stride - pad + dilation * (0 ... kernel - 1)."""
    kernel, stride, pad, dilation = window
    seen = y * stride - pad + dilation * np.arange(kernel)
    layer = L.Convolution(data(), kernel_size=kernel, stride=stride, pad=pad, dilation=dilation)
    axis, scale, shift = coord_map(layer.fn)
    assert axis == 1
    np.testing.assert_allclose(scale * seen.mean() + shift, y, atol=1e-9)


@given(windows)
def test_deconvolution_is_the_inverse_of_the_convolution(window):
    params = dict(zip(("kernel_size", "stride", "pad", "dilation"), window, strict=True))
    forward = coord_map(L.Convolution(data(), **params).fn)
    back = coord_map(L.Deconvolution(data(), convolution_param=params).fn)
    assert inverse(forward)[0] == back[0]
    np.testing.assert_allclose(inverse(forward)[1:], back[1:])


maps = st.builds(
    lambda scale, shift: (1, np.array([scale]), np.array([shift])),
    st.sampled_from([1 / 32, 1 / 3, 0.5, 1.0, 2.0, 3.0, 8.0]),
    st.integers(-400, 400).map(lambda i: i / 4),
)


@given(maps, maps, st.integers(-50, 50))
def test_compose_applies_the_second_map_first(base, following, x):
    def apply(m, x):
        return m[1] * x + m[2]

    np.testing.assert_allclose(
        apply(compose(base, following), x), apply(base, apply(following, x)), atol=1e-9
    )


@given(maps, maps, maps)
def test_compose_is_associative(a, b, c):
    left, right = compose(compose(a, b), c), compose(a, compose(b, c))
    np.testing.assert_allclose(left[1:], right[1:], atol=1e-9)


@given(maps)
def test_a_map_and_its_inverse_are_the_identity(m):
    axis, scale, shift = compose(m, inverse(m))
    assert axis == 1
    np.testing.assert_allclose(scale, 1)
    np.testing.assert_allclose(shift, 0, atol=1e-9)


@given(windows, windows)
def test_from_to_and_to_from_are_inverse(first, second):
    keys = ("kernel_size", "stride", "pad", "dilation")
    n = NetSpec()
    n.data = data()
    n.a = L.Convolution(n.data, **dict(zip(keys, first, strict=True)))
    n.b = L.Convolution(n.data, **dict(zip(keys, second, strict=True)))
    there, back = coord_map_from_to(n.a, n.b), coord_map_from_to(n.b, n.a)
    np.testing.assert_allclose(inverse(there)[1:], back[1:], atol=1e-9)


def test_every_axis_has_its_own_map():
    n = NetSpec()
    n.data = data(20, 20, 20)
    n.conv = L.Convolution(n.data, kernel_size=3, stride=[1, 1, 1], pad=[0, 1, 2])
    n.pool = L.Pooling(n.conv, kernel_size=2, stride=2)
    n.deconv = L.Deconvolution(n.pool, convolution_param=dict(kernel_size=4, stride=2))
    axis, scale, shift = coord_map_from_to(n.deconv, n.data)
    assert axis == 1
    np.testing.assert_array_equal(scale, 1)
    np.testing.assert_array_equal(shift, [0, -1, -2])


def test_a_crop_moves_the_map_by_its_offset():
    n = small_net(pad=10)
    before = coord_map_from_to(n.deconv, n.data)
    for form in (dict(axis=2, offset=5), dict(crop_param=dict(axis=2, offset=[5, 5]))):
        after = coord_map_from_to(L.Crop(n.deconv, n.data, **form), n.data)
        assert after[0] == before[0]
        assert (after[2] == before[2] + 5).all()


def test_the_second_bottom_of_a_crop_is_no_path():
    """It gives sizes, not pixels."""
    a, b = data(), data()
    with pytest.raises(RuntimeError, match="common blob"):
        coord_map_from_to(L.Crop(a, b), b)


def deconv(bottom, factor):
    """Upsampling by `factor` as FCN does it."""
    return L.Deconvolution(bottom, convolution_param=dict(kernel_size=2 * factor, stride=factor))


def offset(top_from, top_to):
    params = crop(top_from, top_to).fn.params["crop_param"]
    assert params["axis"] == 2
    return params["offset"]


def test_offsets_of_the_released_nets():
    """The published prototxt: 19 in FCN-32s, 5 and 27 in 16s, 5, 9 and 31 in 8s."""
    image = bottom = data()
    pools = []
    for pad, depth in zip((100, 1, 1, 1, 1), (2, 2, 3, 3, 3), strict=True):
        for i in range(depth):
            bottom = L.ReLU(L.Convolution(bottom, kernel_size=3, pad=1 if i else pad))
        bottom = L.Pooling(bottom, kernel_size=2, stride=2)
        pools.append(bottom)
    score = L.Convolution(L.Dropout(L.Convolution(bottom, kernel_size=7)), kernel_size=1)
    assert offset(deconv(score, 32), image) == [19]
    up = deconv(score, 2)
    assert offset(pools[3], up) == [5]
    fused = L.Eltwise(up, crop(pools[3], up))
    assert offset(deconv(fused, 16), image) == [27]
    up = deconv(fused, 2)
    assert offset(pools[2], up) == [9]
    fused = L.Eltwise(up, crop(pools[2], up))
    assert offset(deconv(fused, 8), image) == [31]


def test_a_crop_aligns_the_pixels():
    """Through padding 10 and a crop, pixel (i, j) of the crop is pixel (i, j) of the data."""
    n = small_net(pad=10, up=2)
    axis, scale, shift = coord_map_from_to(crop(n.deconv, n.data), n.data)
    assert axis == 1
    np.testing.assert_array_equal(scale, 1)
    np.testing.assert_array_equal(shift, 0)


def test_a_crop_between_strides_of_three_is_exact():
    n = small_net(pad=3, pool=3, up=3, dstride=3)
    n.pool2 = L.Pooling(n.pool, kernel_size=3, stride=3)
    n.up = L.Deconvolution(n.pool2, convolution_param=dict(kernel_size=9, stride=9))
    assert offset(n.up, n.data) == offset(n.deconv, n.data) == [2]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (dict(dstride=3), "differ in scale"),
        (dict(up=3, pad=4), "no whole number"),
        (dict(dpad=10), "is negative"),
    ],
)
def test_what_cannot_be_cropped_is_refused(changes, complaint):
    n = small_net(**changes)
    with pytest.raises(AssertionError, match=complaint):
        crop(n.deconv, n.data)


def test_layers_without_coordinates_are_no_path():
    n = small_net()
    n.ip = L.InnerProduct(n.deconv, num_output=10)
    n.pooled = L.Pooling(n.deconv, global_pooling=True)
    for top in (n.ip, n.pooled):
        with pytest.raises(UndefinedMapException):
            coord_map(top.fn)
        with pytest.raises(RuntimeError, match="common blob"):
            coord_map_from_to(top, n.data)


def test_windows_in_legacy_form_are_refused():
    with pytest.raises(AssertionError, match="kernel_h, kernel_w; write kernel_size"):
        coord_map(L.Convolution(data(), kernel_h=3, kernel_w=1).fn)


def test_axes_that_do_not_match_are_refused():
    conv = L.Convolution(data(), kernel_size=3, axis=2)
    with pytest.raises(AxisMismatchException):
        coord_map_from_to(L.Pooling(conv, kernel_size=2), conv.fn.inputs[0])


def test_the_map_goes_on_through_a_concat_of_channels():
    """Of every branch, as an Inception module has them; BVLC's ends there."""
    n = NetSpec()
    n.data = data()
    n.conv = L.Convolution(n.data, kernel_size=7, stride=2, pad=10)
    n.wide = L.Convolution(n.conv, kernel_size=5, pad=2)
    for form in ({}, dict(axis=1), dict(concat_param=dict(axis=1)), dict(concat_dim=1)):
        n.both = L.Concat(L.Convolution(n.conv, kernel_size=1), n.wide, **form)
        for end in (n.data, n.conv, n.wide):
            assert coord_map_from_to(n.both, end) == coord_map_from_to(n.wide, end)
        up = L.Deconvolution(n.both, convolution_param=dict(kernel_size=3, stride=2))
        assert offset(up, n.data) == [8]
        with pytest.raises(UndefinedMapException):
            coord_map(n.both.fn)  # as BVLC's


@pytest.mark.parametrize("axis", [2, 3])
def test_a_concat_along_a_spatial_axis_is_no_path(axis):
    image = data()
    with pytest.raises(RuntimeError, match="common blob"):
        coord_map_from_to(L.Concat(image, image, axis=axis), image)


def test_a_path_without_a_concat_has_the_last_word():
    """Where the branches do not lie on each other, the map is BVLC's."""
    image = data()
    odd = L.Pooling(image, kernel_size=1, stride=2)
    even = L.Pooling(image, kernel_size=2, stride=2)
    for bottoms in ((L.Concat(odd), even), (even, L.Concat(odd))):
        _, scale, shift = coord_map_from_to(L.Eltwise(*bottoms), image)
        assert (scale, shift) == (2, 0.5)
