"""Laws of views, crops and sizes: each pixel in its place, void where nothing was, errors."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seg_labels import VOID
from views import DEGREES, VIEWS, cropped, lost, resized, zoomed

SIZES = st.tuples(st.integers(1, 24), st.integers(1, 24))
LABELS = SIZES.flatmap(lambda size: hnp.arrays(np.uint8, (1, *size)))


@given(LABELS)
def test_a_mirrored_view_twice_is_the_original(label):
    twice = VIEWS["mirrored"](VIEWS["mirrored"](label))
    np.testing.assert_array_equal(twice, VIEWS["original"](label))


@given(hnp.arrays(np.uint8, (1, 40, 60), elements=st.integers(0, 5)))
def test_a_rotated_label_has_each_pixel_from_its_place_and_void_from_outside(label):
    """Against the clock: what is right of the middle goes up."""
    angle = np.deg2rad(DEGREES)
    y, x = np.mgrid[:40, :60] + 0.5
    down, right = y - 20, x - 30
    old_right = np.cos(angle) * right - np.sin(angle) * down + 30
    old_down = np.sin(angle) * right + np.cos(angle) * down + 20
    inside = (old_right >= 0) & (old_right < 60) & (old_down >= 0) & (old_down < 40)
    rows, columns = (np.clip(a.astype(int), 0, None) for a in (old_down, old_right))
    expected = np.full((40, 60), VOID, np.uint8)
    expected[inside] = label[0, rows[inside], columns[inside]]
    turned = VIEWS["rotated"](label)[0]
    # A place that lies on the border of two pixels may be rounded to either.
    on_border = [abs(a - np.rint(a)) < 1e-3 for a in (old_right, old_down)]
    assert ((turned == expected) | on_border[0] | on_border[1]).all()
    assert (turned == VOID).any()


def test_a_rotated_image_goes_with_its_label_and_is_the_mean_outside():
    columns = np.arange(60, dtype=np.float32)[None, None] + np.zeros((3, 40, 1), np.float32)
    image, label = VIEWS["rotated"](columns), VIEWS["rotated"](columns[:1].astype(np.uint8))
    assert image.dtype == np.float32
    void = label[0] == VOID
    assert (image[:, void] == 0).all()
    assert abs(image[:, ~void] - label[0][~void]).max() <= 1


@given(LABELS, SIZES)
def test_a_resized_label_has_no_class_that_was_not_there(label, size):
    small = resized(label, size)
    assert small.shape == (1, *size)
    assert set(small.ravel()) <= set(label.ravel())
    np.testing.assert_array_equal(resized(label, label.shape[1:]), label)


def test_resized_images_are_means():
    image = np.tile(np.array([0, 4], np.float32), (3, 4, 4))
    np.testing.assert_allclose(resized(image, (2, 4)), 2, atol=0.6)
    assert resized(image, (2, 4)).mean() == pytest.approx(2, abs=1e-5)


def test_image_and_labels_are_zoomed_by_one_factor_of_the_range_drawn_evenly():
    image = np.full((3, 40, 60), 7, np.float32)
    label = np.zeros((1, 40, 60), np.uint8)
    label[:, :, 30:] = 5
    rng = random.Random(0)
    factors = []
    for _ in range(300):
        larger, labels = zoomed([image, label], (0.5, 2), rng)
        assert larger.shape[1:] == labels.shape[1:]
        assert (larger == 7).all()
        assert set(np.unique(labels)) == {0, 5}
        assert abs((labels == 5).mean() - 0.5) <= 1 / labels.shape[2]
        factors.append(larger.shape[2] / 60)
    assert min(factors) >= 0.5 - 1 / 60
    assert max(factors) <= 2 + 1 / 60
    assert abs(np.mean(np.log2(factors))) < 0.1  # as often smaller as larger
    assert 0.4 < np.std(np.log2(factors)) < 0.75  # 1/sqrt(3) if evenly


def test_the_least_image_stays_a_pixel():
    assert zoomed([np.ones((1, 1, 2), np.float32)], (0.1, 0.1), random.Random(0))[0].size == 1


def test_a_crop_larger_than_the_image_is_refused():
    arrays = [np.zeros((3, 8, 9), np.float32), np.zeros((1, 8, 9), np.uint8)]
    with pytest.raises(
        ValueError, match=r"a\.png: 8 x 9 .* smaller than the crop of 9 x 9: crop l"
    ):
        cropped(arrays, (9, 9), random.Random(0), "a.png")


def test_a_crop_is_drawn_again_until_it_has_a_label_and_at_last_refused():
    image, label = np.zeros((3, 20, 20), np.float32), np.full((1, 20, 20), VOID, np.uint8)
    label[0, :, :8] = 1
    for seed in range(50):
        _, piece = cropped([image, label], (4, 4), random.Random(seed), "a.png")
        assert (piece == 1).any()
    label[:] = VOID
    label[0, 0, 0] = 1
    with pytest.raises(ValueError, match=r"a\.png: 20 crops of 2 x 2 from 20 x 20 .* no labelled"):
        cropped([image, label], (2, 2), random.Random(0), "a.png")


def test_nothing_is_lost_of_an_image_that_had_no_label():
    void, one = (np.full((1, 2, 2), value, np.uint8) for value in (VOID, 1))
    assert not lost([void], [void])
    assert lost([one], [void])
    assert len(cropped([void], (1, 1), random.Random(0), "a.png")) == 1
