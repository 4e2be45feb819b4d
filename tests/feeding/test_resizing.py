"""Resizing by SSD's resize_param."""

import itertools

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, drawn

import caffe
from caffe.feeding import images
from caffe.feeding.resizing import (
    CUBIC_A,
    POLICY,
    check_policy,
    interpolated,
    nearest,
    resized,
    size_after,
    turned,
)
from caffe.proto import caffe_pb2


def policy(text):
    return text_format.Parse(text, caffe_pb2.ResizeParameter())


def noise(seed, *shape):
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


SIDE = st.integers(2, 9)


def cubic(distance):
    d = abs(distance)
    if d < 1:
        return (CUBIC_A + 2) * d**3 - (CUBIC_A + 3) * d**2 + 1
    return CUBIC_A * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0


def lanczos(distance):
    return np.sinc(distance) * np.sinc(distance / 4) if abs(distance) < 4 else 0


def by_kernel(line, new, kernel):
    """A line resized: each new pixel the weighted mean of the old ones around it."""
    old = len(line)
    found = []
    for i in range(new):
        at = (i + 0.5) * old / new - 0.5
        around = range(int(np.floor(at)) - 4, int(np.floor(at)) + 6)
        weights = [kernel(at - k) for k in around]
        values = [line[min(max(k, 0), old - 1)] for k in around]
        found.append(np.dot(weights, values) / sum(weights))
    return np.array(found)


@drawn(30)
@given(SEED, SIDE, SIDE, SIDE, SIDE, st.sampled_from(["CUBIC", "LANCZOS4"]))
def test_kernels_weigh_the_pixels_around(seed, h, w, new_h, new_w, mode):
    image = noise(seed, h, w, 2)
    kernel = {"CUBIC": cubic, "LANCZOS4": lanczos}[mode]
    found = interpolated(image, (new_h, new_w), getattr(POLICY, mode))
    rows = np.apply_along_axis(by_kernel, 0, image.astype(float), new_h, kernel)
    expected = np.apply_along_axis(by_kernel, 1, rows, new_w, kernel).clip(0, 255)
    if (h, w) == (new_h, new_w):
        expected = image.astype(float)
    assert np.abs(found - expected).max() < 0.51


@drawn(30)
@given(SEED, SIDE, SIDE, st.data())
def test_area_is_the_mean_of_what_a_pixel_covers(seed, h, w, data):
    new_h, new_w = data.draw(st.integers(1, h)), data.draw(st.integers(1, w))
    image = noise(seed, h, w, 1)
    fine = np.kron(image[..., 0].astype(float), np.ones((new_h, new_w)))  # equal parts
    expected = fine.reshape(new_h, h, new_w, w).mean((1, 3))
    found = interpolated(image, (new_h, new_w), POLICY.AREA)
    assert np.abs(found[..., 0] - expected).max() < 0.51


def test_area_of_a_larger_image_mixes_only_where_pixels_meet():
    image = np.uint8([[[0], [100]]])
    assert interpolated(image, (1, 4), POLICY.AREA)[0, :, 0].tolist() == [0, 0, 100, 100]
    # 2 pixels on 3: the middle one lies half on each.
    assert interpolated(image, (1, 3), POLICY.AREA)[0, :, 0].tolist() == [0, 50, 100]


@pytest.mark.parametrize(("old", "new"), [(5, 3), (3, 5), (4, 4), (7, 2)])
def test_the_nearest_pixel_is_the_one_at_or_before_the_place(old, new):
    image = np.arange(old * old, dtype=np.uint8).reshape(old, old, 1)
    rows = [i * old // new for i in range(new)]
    np.testing.assert_array_equal(nearest(image, (new, old)), image[rows])
    np.testing.assert_array_equal(interpolated(image, (new, old), POLICY.NEAREST), image[rows])


def test_linear_is_caffes_own_resizing():
    image = noise(0, 7, 9, 3)
    found = resized(image, policy("height: 4 width: 5"), iter([]))
    np.testing.assert_array_equal(found, images.resize(image, (4, 5)))


@pytest.mark.parametrize(
    ("mode", "size", "expected"),
    [
        ("WARP", (100, 200), (50, 60)),
        ("FIT_SMALL_SIZE", (100, 200), (50, 100)),
        ("FIT_SMALL_SIZE", (200, 100), (120, 60)),
        ("FIT_SMALL_SIZE", (30, 37), (50, 61)),  # 61.67
        ("FIT_LARGE_SIZE_AND_PAD", (100, 200), (50, 60)),
    ],
)
def test_the_size_follows_the_mode(mode, size, expected):
    wanted = policy(f"resize_mode: {mode} height: 50 width: 60")
    assert size_after(wanted, size) == expected
    assert resized(noise(0, *size, 1), wanted, iter([])).shape == (*expected, 1)


@pytest.mark.parametrize(
    ("fields", "outside"),
    [
        ("", [0, 0]),
        ("pad_value: 7", [7, 7]),
        ("pad_value: 7 pad_value: 300", [7, 255]),
        ("pad_mode: REPEAT_NEAREST", "edge"),
        ("pad_mode: MIRRORED", "reflect"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_does_not_fill_the_size_is_padded(fields, outside, turned):
    image = noise(1, 4, 9, 2).repeat(2, 0).repeat(2, 1)  # 8 x 18: halved exactly
    image = image.transpose(1, 0, 2) if turned else image
    found = resized(
        image, policy(f"resize_mode: FIT_LARGE_SIZE_AND_PAD height: 9 width: 9 {fields}"), iter([])
    )
    found = found.transpose(1, 0, 2) if turned else found
    inner = image.transpose(1, 0, 2)[::2, ::2] if turned else image[::2, ::2]
    np.testing.assert_array_equal(found[2:6], inner)
    if isinstance(outside, str):
        np.testing.assert_array_equal(found, np.pad(inner, ((2, 3), (0, 0), (0, 0)), outside))
    else:
        assert (found[[0, 1, 6, 7, 8]] == outside).all()


def test_of_several_modes_each_is_drawn():
    image = noise(2, 8, 8, 3)
    names = ("LINEAR", "AREA", "NEAREST", "CUBIC", "LANCZOS4")
    wanted = policy("height: 5 width: 6 " + " ".join(f"interp_mode: {name}" for name in names))
    for i, name in enumerate(names):
        found = resized(image, wanted, itertools.repeat((i + 0.5) / 5))
        expected = interpolated(image, (5, 6), getattr(POLICY, name))
        np.testing.assert_array_equal(found, expected)


def test_what_is_wrong_with_a_policy_says_so():
    with pytest.raises(caffe.CaffeError, match="positive height and width; found 0 and 5"):
        check_policy(policy("width: 5"))
    wanted = policy("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 9 width: 9 pad_value: [1, 2]")
    with pytest.raises(caffe.CaffeError, match="as many as channels: 3; found 2"):
        resized(noise(0, 4, 8, 3), wanted, iter([]))


@pytest.mark.parametrize("mode", ["LINEAR", "NEAREST", "CUBIC", "LANCZOS4", "AREA"])
def test_a_quarter_turn_is_against_the_clock_around_the_middle(mode):
    image = noise(0, 7, 7, 3)
    for pad in ("CONSTANT", "MIRRORED", "REPEAT_NEAREST"):
        found = turned(image, 90, policy(f"pad_mode: {pad}"), POLICY.Interp_mode.Value(mode))
        assert np.array_equal(found, np.rot90(image))


@drawn()
@given(SEED, SIDE, SIDE, st.sampled_from([-40.0, 5.0, 17.0]))
def test_turned_pixels_lie_between_those_around_their_place(seed, height, width, degree):
    image = noise(seed, height, width, 1)
    found = turned(image, degree, policy("pad_value: 9"), POLICY.LINEAR)
    cos, sin = np.cos(np.radians(degree)), np.sin(np.radians(degree))
    for y, x in itertools.product(range(height), range(width)):
        right, down = x - width // 2, y - height // 2
        across = cos * right - sin * down + width // 2
        along = sin * right + cos * down + height // 2
        value = 0.0
        for i, j in itertools.product((0, 1), (0, 1)):
            row, column = int(np.floor(along)) + i, int(np.floor(across)) + j
            weight = (1 - abs(along - row)) * (1 - abs(across - column))
            inside = 0 <= row < height and 0 <= column < width
            value += weight * (image[row, column, 0] if inside else 9)
        assert abs(found[y, x, 0] - value) <= 0.5 + 1e-6


def test_the_turn_comes_before_the_size():
    image = noise(0, 9, 9, 3)
    given = policy("height: 5 width: 5 max_angle: 30 pad_mode: MIRRORED")
    found = resized(image, given, iter([0.75]))
    assert np.array_equal(found, images.resize(turned(image, 15, given, POLICY.LINEAR), (5, 5)))
    assert np.array_equal(resized(image, given, iter([0.5])), images.resize(image, (5, 5)))
    with pytest.raises(caffe.CaffeError, match="knows center_object: false"):
        check_policy(policy("height: 5 width: 5 center_object: true"))
