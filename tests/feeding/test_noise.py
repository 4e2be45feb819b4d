"""SSD's noise_param."""

import itertools

import numpy as np
import pytest
from google.protobuf import text_format

import caffe
from caffe.feeding import images
from caffe.feeding.colours import bgr_to_hsv
from caffe.feeding.noise import check_noise, noised
from caffe.proto import caffe_pb2

IMAGE = np.random.RandomState(0).randint(0, 256, (8, 9, 3)).astype(np.uint8)


def made(text, image=IMAGE, draws=()):
    return noised(image, text_format.Parse(text, caffe_pb2.NoiseParameter()), iter(draws))


def test_simple_ones_are_what_they_are_called():
    np.testing.assert_array_equal(made(""), IMAGE)
    np.testing.assert_array_equal(made("inverse: true"), 255 - IMAGE)
    np.testing.assert_array_equal(made("decolorize: true"), images.gray(IMAGE).repeat(3, 2))
    np.testing.assert_array_equal(made("convert_to_hsv: true"), bgr_to_hsv(IMAGE))
    np.testing.assert_array_equal(made("posterize: true"), IMAGE // 64 * 64 + 32)
    packed = images.encode(IMAGE, "jpg", quality=40)
    np.testing.assert_array_equal(made("jpeg: 40"), images.decode(packed, True))


def test_erosion_is_the_least_of_a_cross():
    padded = np.pad(IMAGE, ((1, 1), (1, 1), (0, 0)), "edge")
    expected = np.empty_like(IMAGE)
    for i, j in np.ndindex(8, 9):
        cross = [(i + 1, j + 1), (i, j + 1), (i + 2, j + 1), (i + 1, j), (i + 1, j + 2)]
        expected[i, j] = np.min([padded[place] for place in cross], 0)
    np.testing.assert_array_equal(made("erode: true"), expected)


def test_a_blur_is_a_gaussian_of_7_pixels():
    padded = np.pad(IMAGE.astype(float), ((3, 3), (3, 3), (0, 0)), "reflect")
    weights = np.exp(-(np.arange(-3, 4) ** 2) / 4.5)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    for i, j in np.ndindex(8, 9):
        expected = (padded[i : i + 7, j : j + 7] * weights[..., None]).sum((0, 1))
        np.testing.assert_allclose(made("gauss_blur: true")[i, j], expected, atol=0.51)


def test_equalised_values_are_about_equally_frequent():
    image = np.uint8([[[10], [10], [20]], [[30], [30], [40]]])
    found = made("hist_eq: true", image)[..., 0]
    # 1, 3 and 4 of the 4 values that lie above the lowest
    assert found.tolist() == [[0, 0, 64], [191, 191, 255]]
    alike = np.full((2, 2, 1), 9, np.uint8)
    np.testing.assert_array_equal(made("hist_eq: true", alike), alike)
    grey = np.repeat(image, 3, 2)
    np.testing.assert_array_equal(made("hist_eq: true", grey), found[..., None].repeat(3, 2))


def test_salt_and_pepper_fall_on_a_fraction_of_the_pixels():
    text = "saltpepper: true saltpepper_param { fraction: 0.05 value: 0 value: 9 value: 255 }"
    found = made(text, draws=[0.5, 0.25, 0.999, 0.0, 0.0, 0.999])
    changed = {(2, 4), (0, 8), (7, 0)}
    for place in np.ndindex(8, 9):
        expected = [0, 9, 255] if place in changed else IMAGE[place].tolist()
        assert found[place].tolist() == expected


@pytest.mark.parametrize("name", ["clahe", "convert_to_lab"])
def test_what_is_not_done_says_so(name):
    with pytest.raises(caffe.CaffeError, match=f"noise_param knows {name}: false; leave it out"):
        check_noise(caffe_pb2.NoiseParameter(**{name: True}))


def test_values_of_another_number_of_channels_say_so():
    text = "saltpepper: true saltpepper_param { fraction: 1 value: 0 value: 9 }"
    with pytest.raises(caffe.CaffeError, match="as many as channels: 3; found 2"):
        made(text, draws=itertools.repeat(0.5))
