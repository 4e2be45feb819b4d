"""Colours of images, and SSD's distort_param."""

import colorsys
import itertools

import numpy as np
import pytest
from google.protobuf import text_format

import caffe
from caffe.feeding.colours import bgr_to_hsv, check_distortion, distorted, hsv_to_bgr
from caffe.proto import caffe_pb2

IMAGE = np.random.RandomState(0).randint(0, 256, (7, 9, 3)).astype(np.uint8)


def param(text):
    return text_format.Parse(text, caffe_pb2.DistortionParameter())


def changed(text, first=0.9):
    """With every chance taken where it is 1, and the middle of each range."""
    return distorted(IMAGE, param(text), itertools.chain([first], itertools.repeat(0.5)))


def test_hue_saturation_and_value_are_the_textbooks():
    found = bgr_to_hsv(IMAGE)
    for pixel, hsv in zip(IMAGE.reshape(-1, 3), found.reshape(-1, 3), strict=True):
        h, s, v = colorsys.rgb_to_hsv(*(pixel[::-1] / 255))
        apart = abs(h * 180 - hsv[0])
        assert min(apart, 180 - apart) <= 0.51
        assert abs(s * 255 - hsv[1]) <= 0.51
        assert round(v * 255) == hsv[2]
    assert np.abs(hsv_to_bgr(found).astype(int) - IMAGE).max() <= 6  # hues are whole numbers
    for grey in (0, 77, 255):
        assert bgr_to_hsv(np.full((1, 1, 3), grey, np.uint8)).tolist() == [[[0, 0, grey]]]


def test_the_way_back_is_the_textbooks_and_hues_go_round():
    hsv = np.random.RandomState(1).randint(0, 256, (9, 9, 3)).astype(np.uint8)
    found = hsv_to_bgr(hsv)
    for pixel, bgr in zip(hsv.reshape(-1, 3), found.reshape(-1, 3), strict=True):
        rgb = colorsys.hsv_to_rgb(pixel[0] / 180 % 1, pixel[1] / 255, pixel[2] / 255)
        np.testing.assert_allclose(bgr, np.array(rgb[::-1]) * 255, atol=0.51)


def test_without_a_chance_nothing_happens():
    np.testing.assert_array_equal(changed("brightness_delta: 32 hue_delta: 18"), IMAGE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contrast_prob: 1 contrast_lower: 0.5 contrast_upper: 0.7", IMAGE * 0.6),
        ("contrast_prob: 1 contrast_lower: 3 contrast_upper: 3", IMAGE * 3.0),
        ("brightness_prob: 1 brightness_delta: 32", IMAGE),
    ],
)
def test_values_are_scaled_and_shifted(text, expected):
    np.testing.assert_allclose(changed(text), expected.clip(0, 255), atol=0.51)


def test_brightness_is_added():
    found = distorted(
        IMAGE, param("brightness_prob: 1 brightness_delta: 40"), itertools.repeat(0.75)
    )
    np.testing.assert_array_equal(found, (IMAGE.astype(int) + 20).clip(0, 255))


def test_saturation_and_hue_change_themselves_alone():
    hsv = bgr_to_hsv(IMAGE)
    found = changed("saturation_prob: 1 saturation_lower: 0.5 saturation_upper: 0.5")
    hsv[..., 1] = np.rint(hsv[..., 1] * 0.5)
    np.testing.assert_array_equal(found, hsv_to_bgr(hsv))
    hsv = bgr_to_hsv(IMAGE)
    found = distorted(IMAGE, param("hue_prob: 1 hue_delta: 20"), itertools.repeat(0.75))
    hsv[..., 0] = (hsv[..., 0].astype(int) + 10).clip(0, 255)
    np.testing.assert_array_equal(found, hsv_to_bgr(hsv))


def test_contrast_comes_before_or_after_the_colours():
    both = (
        "contrast_prob: 1 contrast_lower: 2 contrast_upper: 2 "
        "saturation_prob: 1 saturation_lower: 0.5 saturation_upper: 0.5"
    )
    before, after = changed(both, 0.9), changed(both, 0.1)
    assert (before != after).any()
    hsv = bgr_to_hsv((IMAGE * 2.0).clip(0, 255).astype(np.uint8))
    hsv[..., 1] = np.rint(hsv[..., 1] * 0.5)
    np.testing.assert_array_equal(before, hsv_to_bgr(hsv))


def test_channels_change_places():
    draws = itertools.chain([0.9] * 5, [0.0, 0.9, 0.1, 0.5])
    found = distorted(IMAGE, param("random_order_prob: 1"), draws)
    np.testing.assert_array_equal(found, IMAGE[..., [1, 2, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hue_delta: -1", "hue_delta must not be negative; found -1"),
        ("contrast_lower: 2 contrast_upper: 1", "contrast_lower <= contrast_upper; found 2 and 1"),
        ("saturation_lower: -1", "0 <= saturation_lower"),
    ],
)
def test_ranges_that_are_none_say_so(text, message):
    with pytest.raises(caffe.CaffeError, match=message):
        check_distortion(param(text))


def test_gray_images_have_no_colours():
    with pytest.raises(caffe.CaffeError, match="3 channels; found 1"):
        distorted(IMAGE[..., :1], param(""), itertools.repeat(0.5))
