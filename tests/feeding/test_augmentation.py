"""caffe-augmentation: images turned, resized, recoloured and blurred by chance."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feed_data import feed_net, passes, pictures, write_images
from support.laws import SEED, drawn

import caffe
from caffe.feeding import images
from caffe.feeding.augmentation import augmented, box, by_shorter_side, gaussian, median
from caffe.proto import caffe_pb2


def image_of(seed, height=9, width=7):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


def changed(image, draws, training=True, **fields):
    param = caffe_pb2.TransformationParameter(**fields)
    return augmented(image, param, itertools.chain(draws, itertools.repeat(0.0)), training)


def padded(image, before, after, mode):
    return np.pad(image.astype(np.float64), ((before, after), (before, after), (0, 0)), mode)


@drawn(20)
@given(SEED, st.sampled_from([1, 3, 5]))
def test_blurs_are_opencvs(seed, length):
    image = image_of(seed)
    binomial = {1: [1], 3: [1, 2, 1], 5: [1, 4, 6, 4, 1]}[length]
    weights = np.outer(binomial, binomial) / np.sum(binomial) ** 2
    half = length // 2
    around, at_end = padded(image, half, half, "reflect"), padded(image, half, half, "edge")
    wide = padded(image, length, length - 1, "reflect")
    for i, j in np.ndindex(9, 7):
        there = np.s_[i : i + length, j : j + length]
        window, ends = around[there], at_end[there]
        twice = wide[i : i + 2 * length, j : j + 2 * length]
        close = {"rtol": 0, "atol": 0.5001}
        mean = (window * weights[..., None]).sum((0, 1))
        np.testing.assert_allclose(gaussian(image, length)[i, j], mean, **close)
        np.testing.assert_allclose(box(image, length)[i, j], window.mean((0, 1)), **close)
        np.testing.assert_allclose(box(image, 2 * length)[i, j], twice.mean((0, 1)), **close)
        middle = np.median(ends.reshape(-1, 3), 0)
        np.testing.assert_array_equal(median(image, length)[i, j], middle)


def test_a_wide_gaussian_has_opencvs_deviation():
    spot = np.zeros((23, 1, 1), np.uint8)
    spot[11] = 255
    found = gaussian(np.repeat(spot, 23, 1), 9)[7:16, 11, 0]
    weights = np.exp(-((np.arange(9) - 4.0) ** 2) / 2 / 1.7**2)
    np.testing.assert_allclose(found, 255 * weights / weights.sum(), atol=0.5001)


@pytest.mark.parametrize("kind", range(4))
def test_each_blur_is_as_likely(kind):
    image = image_of(0)
    draws = [1, 1, 1, kind / 4 + 0.1, 0.5]  # the middle one of 1, 3, 5
    expected = [gaussian(image, 3), box(image, 3), median(image, 3), box(image, 6)][kind]
    np.testing.assert_array_equal(changed(image, draws, smooth_filtering=True), expected)


def test_brightness_and_contrast_are_scaled_shifted_and_clipped():
    found = changed(image_of(1), [1, 1, 1, 0.5, 1 - 1e-9], contrast_brightness_adjustment=True)
    expected = np.rint(image_of(1) * 1.0 + 5).clip(0, 255)
    np.testing.assert_array_equal(found, expected)
    half = changed(
        image_of(1), [1, 1, 1, 0], contrast_brightness_adjustment=True, min_contrast=0.5
    )  # draws of 0 from there on: 5 down
    np.testing.assert_array_equal(half, np.rint(image_of(1) * 0.5 - 5).clip(0, 255))


@pytest.mark.parametrize("sign", [1, -1])
def test_colours_are_shifted_all_up_or_all_down(sign):
    draws = [1, 1, 1, 0.0, 0.35, 0.999, 0.25 if sign > 0 else 0.75]
    found = changed(image_of(2), draws, max_color_shift=20)
    shift = np.array([0, 7, 20]) * sign
    np.testing.assert_array_equal(found, (image_of(2).astype(int) + shift).clip(0, 255))
    gray = changed(image_of(2)[..., :1], draws, max_color_shift=20)
    np.testing.assert_array_equal(gray, image_of(2)[..., :1])


def test_a_turned_image_is_whole_and_its_corners_black():
    found = changed(image_of(3, 40, 60) * 0 + 200, [1, 1, 1, 1 - 1e-9], max_rotation_angle=30)
    cos, sin = np.cos(np.pi / 6), 0.5
    sides = np.array([40 * cos + 60 * sin, 60 * cos + 40 * sin])
    assert (sides <= found.shape[:2]).all()
    assert (found.shape[:2] < sides + 3).all()
    assert found[0, 0].max() == 0
    assert abs((found > 100).all(-1).sum() / 2400 - 1) < 0.02
    # Against the clock: the right upper corner goes up.
    assert (found[0, : found.shape[1] // 2] == 0).all()


def test_nothing_is_turned_or_recoloured_in_test_or_without_luck():
    fields = {
        "max_rotation_angle": 9,
        "max_color_shift": 9,
        "contrast_brightness_adjustment": True,
        "smooth_filtering": True,
    }
    image = image_of(4)
    np.testing.assert_array_equal(changed(image, [0.9] * 9, training=False, **fields), image)
    fields["max_rotation_angle"] = 0
    np.testing.assert_array_equal(changed(image, [0.4, 0.4, 0.4, 0.9], **fields), image)
    assert (changed(image, [0.4, 0.4, 0.4], apply_probability=0.9, **fields) != image).any()


@drawn()
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_the_longer_side_is_rounded_up(height, width, side):
    found = by_shorter_side((height, width), side)
    assert min(found) == side
    longer = max(height, width) * side / min(height, width)
    assert longer - 1e-6 <= max(found) < longer + 1 + 1e-6
    assert (found[0] <= found[1]) == (height <= width) or found[0] == found[1]


@pytest.fixture
def listed(tmp_path):
    arrays = [pictures(1, 3, 12, 10)[0], pictures(1, 3, 7, 20, seed=1)[0]]
    path = write_images(tmp_path, arrays)
    return f'source: "{path}" root_folder: "{tmp_path}/" batch_size: 2', arrays


def test_images_of_a_test_net_have_min_side(listed):
    """As README.md of caffe-augmentation: min_side before crop_size."""
    param, arrays = listed
    net = feed_net("ImageData", param, "min_side: 8 crop_size: 6 mean_value: 3")
    ((data, _),) = passes(net, 1)
    for found, image in zip(data, arrays, strict=True):
        size = by_shorter_side(image.shape[1:], 8)
        sized = images.resize(image.transpose(1, 2, 0), size).transpose(2, 0, 1)
        top, left = (size[0] - 6) // 2, (size[1] - 6) // 2
        expected = sized[:, top : top + 6, left : left + 6] - np.float32(3)
        np.testing.assert_array_equal(found, expected)


def test_images_of_a_train_net_are_each_time_others(listed):
    param, _ = listed
    transform = (
        "min_side_min: 7 min_side_max: 12 crop_size: 6 max_rotation_angle: 10 smooth_filtering: "
        "true contrast_brightness_adjustment: true max_color_shift: 9 debug_params: true"
    )
    net = feed_net("ImageData", param, transform, phase=caffe.TRAIN, seed=0)
    found = [data for data, _ in passes(net, 4)]
    assert all(data.shape == (2, 3, 6, 6) for data in found)
    assert not np.array_equal(found[0], found[1])
    again = feed_net("ImageData", param, transform, phase=caffe.TRAIN, seed=0)
    np.testing.assert_array_equal(passes(again, 1)[0][0], found[0])


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ("min_side: 8", "min_side needs a crop_size"),
        ("max_rotation_angle: 8", "max_rotation_angle needs a crop_size"),
        ("min_side_min: 8 crop_size: 6", "give both, or neither"),
        ("min_side_min: 8 min_side_max: 7 crop_size: 6", "min_side_min 8 is more than min_side_m"),
        ("smooth_filtering: true max_smooth: 1", "max_smooth must be at least 2; found 1"),
        (
            'max_rotation_angle: 8 crop_size: 6 mean_file: "x"',
            "max_rotation_angle needs mean_value instead of a mean_file",
        ),
        ("min_side: 5 crop_size: 6", "crop_size 6 is larger than the image of height 6"),
    ],
)
def test_what_does_not_go_together_is_an_error(listed, transform, message):
    with pytest.raises(caffe.CaffeError, match=message):
        passes(feed_net("ImageData", listed[0], transform), 1)
