"""Laws that all data layers share: augmentation, size, cuts, batches, and their order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.layer_alone import build, run

from seg_data_layer import SegDataLayer, cut, downscaled, moved, planes
from views import rotated

SIZE = (12, 20)


class Places(SegDataLayer):
    """Entry k: data is (k, row, column) of each pixel, label its column."""

    dir_keys = ("folder",)
    paths = {"data": "{folder}/{name}"}
    mean = np.zeros(3)

    def read_split(self):
        return [0, 1, 2, 3, 4]

    def load(self, name):
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        data = np.stack([np.full(SIZE, name), rows, columns]).astype(np.float32)
        return [data, columns[None].astype(np.uint8)]


def places(split="train", **params):
    return build(Places, folder="", split=split, seed=3, **params)


def shifts(data):
    """(rows, columns) by which the pixels of one (3, H, W) image have moved; 0 is mean."""
    inside = np.argwhere(data[2] > 0)[0]
    return inside[0] - data[1][tuple(inside)], inside[1] - data[2][tuple(inside)]


def test_without_options_images_come_as_they_are():
    layer, tops = places(split="val")
    for k in (0, 1, 2):
        data, label = run(layer, tops)
        expected, columns = layer.load(k)
        np.testing.assert_array_equal(data[0], expected)
        np.testing.assert_array_equal(label[0], columns)


def test_mirror_flips_about_every_second_image_and_its_label_alike():
    layer, tops = places(mirror=True)
    flipped = []
    for _ in range(200):
        data, label = run(layer, tops)
        np.testing.assert_array_equal(data[0, 2], label[0, 0])
        flipped.append(bool(label[0, 0, 0, 0]))
        expected = np.arange(SIZE[1])[:: -1 if flipped[-1] else 1]
        np.testing.assert_array_equal(label[0, 0, 0], expected)
    assert 70 < sum(flipped) < 130


def test_jitter_moves_image_and_label_alike_up_to_its_pixels_leaving_mean_and_void():
    layer, tops = places(jitter=3)
    seen = set()
    for _ in range(300):
        data, label = run(layer, tops)
        down, right = shifts(data[0])
        seen.add((int(down), int(right)))
        known = label[0, 0] != 255
        assert known.sum() == (SIZE[0] - abs(down)) * (SIZE[1] - abs(right))
        np.testing.assert_array_equal(data[0, 2][known], label[0, 0][known])
        assert not data[0][:, ~known].any()
    assert seen == {(y, x) for y in range(-3, 4) for x in range(-3, 4)}


def test_views_are_entries_of_their_own_beside_the_originals():
    layer, tops = places(views=("original", "mirrored", "rotated"), randomize=False)
    assert layer.entries == 3 * len(layer.indices)
    originals, flips, turns = ([run(layer, tops) for _ in layer.indices] for _ in range(3))
    for name, original, flip, turn in zip(layer.indices, originals, flips, turns, strict=True):
        expected, columns = layer.load(name)
        np.testing.assert_array_equal(original[0][0], expected)
        np.testing.assert_array_equal(flip[0][0], expected[:, :, ::-1])
        np.testing.assert_array_equal(flip[1][0], columns[:, :, ::-1])
        np.testing.assert_array_equal(turn[0][0], rotated(expected))
        np.testing.assert_array_equal(turn[1][0], rotated(columns))


def test_a_view_alone_stands_in_the_place_of_the_originals():
    layer, tops = places(views=("mirrored",), randomize=False)
    assert layer.entries == len(layer.indices)
    assert (run(layer, tops)[1][0, 0, 0] == np.arange(SIZE[1])[::-1]).all()


def test_crops_are_pieces_of_image_and_label_alike_at_all_places():
    layer, tops = places(crop=(5, 8))
    seen = set()
    for _ in range(200):
        data, label = run(layer, tops)
        assert data.shape == (1, 3, 5, 8)
        np.testing.assert_array_equal(data[0, 2], label[0, 0])
        down, right = int(data[0, 1, 0, 0]), int(data[0, 2, 0, 0])
        rows, columns = np.mgrid[down : down + 5, right : right + 8]
        np.testing.assert_array_equal(data[0, 1:], [rows, columns])
        seen |= {("down", down), ("right", right)}
    assert len(seen) == (SIZE[0] - 5 + 1) + (SIZE[1] - 8 + 1)


def test_images_come_in_the_size_that_is_asked_for_in_evaluation_too():
    for split in ("train", "val"):
        data, label = run(*places(split=split, size=(6, 40)))
        assert data.shape == (1, 3, 6, 40)
        np.testing.assert_allclose(data[0, 2], label[0, 0], atol=0.51)


@pytest.mark.parametrize(("every", "names"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (9, [0])])
def test_every_is_a_part_of_the_split_spread_over_it(every, names):
    layer, tops = places(every=every)
    assert {int(run(layer, tops)[0][0, 0, 0, 0]) for _ in range(60)} == set(names)


def test_each_view_is_of_the_same_part_of_the_split():
    layer, tops = places(every=2, views=("original", "mirrored"), randomize=False)
    first = [run(layer, tops) for _ in range(layer.entries)]
    assert [int(data[0, 0, 0, 0]) for data, _ in first] == [0, 2, 4, 0, 2, 4]
    assert [int(label[0, 0, 0, 0]) for _, label in first] == [0, 0, 0, 19, 19, 19]


@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluation_is_never_augmented(split):
    plain, plain_tops = places(split=split)
    layer, tops = places(
        split=split, mirror=True, jitter=8, views=("rotated",), zoom=(2, 2), crop=(2, 2)
    )
    for _ in range(5):
        for a, b in zip(run(layer, tops), run(plain, plain_tops), strict=True):
            np.testing.assert_array_equal(a, b)


def test_augmentation_leaves_the_order_alone_and_is_a_function_of_seed_and_pass():
    plain, plain_tops = places()
    order = [int(run(plain, plain_tops)[0][0, 0].max()) for _ in range(30)]
    layer, tops = places(mirror=True, jitter=2)
    seen = [run(layer, tops) for _ in range(30)]
    assert [int(data[0, 0].max()) for data, _ in seen] == order
    resumed, tops = places(mirror=True, jitter=2)
    resumed.skip(20)
    for data, label in seen[20:]:
        again = run(resumed, tops)
        np.testing.assert_array_equal(again[0], data)
        np.testing.assert_array_equal(again[1], label)


def test_a_batch_holds_what_as_many_passes_would():
    single, single_tops = places()
    layer, tops = places(batch=4)
    for _ in range(3):
        data, label = run(layer, tops)
        assert (data.shape, label.shape) == ((4, 3, *SIZE), (4, 1, *SIZE))
        for i in range(4):
            np.testing.assert_array_equal(data[i], run(single, single_tops)[0][0])


def test_a_batch_in_file_order_wraps():
    layer, tops = places(split="val", batch=3)
    found = [run(layer, tops)[0][:, 0, 0, 0].tolist() for _ in range(3)]
    assert found == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]


def test_a_batch_of_unequal_sizes_names_both_images():
    class Grows(Places):
        paths = {"data": "{folder}/{name}.jpg"}

        def load(self, name):
            return [np.zeros((3, 5, 5 + name), np.float32)] * 2

    layer, tops = build(Grows, folder="f", split="val", batch=2)
    with pytest.raises(ValueError, match=r"f/1\.jpg: 5 x 6 .* f/0\.jpg .* 5 x 5; set batch to 1"):
        run(layer, tops)


def test_cuts_are_entries_of_their_own_in_reading_order():
    layer, tops = places(split="val", cuts=(1, 2))
    assert layer.entries == 10
    for k in range(3):
        for half in (slice(0, 10), slice(10, 20)):
            data, label = run(layer, tops)
            assert data.shape == (1, 3, 12, 10)
            assert set(data[0, 0].ravel()) == {k}
            np.testing.assert_array_equal(label[0, 0, 0], np.arange(20)[half])


@given(h=st.integers(1, 9), w=st.integers(1, 9), rows=st.integers(1, 3), columns=st.integers(1, 3))
def test_the_pieces_of_a_cut_make_up_the_image(h, w, rows, columns):
    image = np.arange(2.0 * h * w).reshape(2, h, w)
    pieces = [cut(image, rows, columns, i) for i in range(rows * columns)]
    lines = [np.concatenate(pieces[r * columns : (r + 1) * columns], 2) for r in range(rows)]
    np.testing.assert_array_equal(np.concatenate(lines, 1), image)


def test_downscaling_averages_images_and_takes_the_middle_of_labels():
    image = np.array([[[1, 3, 5, 7], [5, 7, 9, 11]]], np.float32)
    np.testing.assert_array_equal(downscaled(image, 2), [[[4, 8]]])
    np.testing.assert_array_equal(downscaled(image.astype(np.uint8), 2), [[[7, 11]]])
    layer, tops = places(split="val", downscale=2)
    data, label = run(layer, tops)
    assert (data.shape, label.shape) == ((1, 3, 6, 10), (1, 1, 6, 10))


@given(h=st.integers(1, 9), w=st.integers(1, 9), factor=st.integers(1, 4))
def test_downscaled_images_and_labels_have_one_size_and_known_values(h, w, factor):
    label = np.random.default_rng(0).integers(0, 256, (1, h, w), dtype=np.uint8)
    small, image = downscaled(label, factor), downscaled(label.astype(np.float32), factor)
    assert small.shape == image.shape == (1, -(-h // factor), -(-w // factor))
    assert image.dtype == np.float32
    assert set(small.ravel()) <= set(label.ravel())
    assert label.min() <= image.min() <= image.max() <= label.max()


@given(
    hnp.arrays(np.uint8, (2, 3, 3)),
    hnp.arrays(np.float32, 3, elements=st.floats(-300, 300, width=32))
    | hnp.arrays(np.float64, 3, elements=st.floats(-300, 300)),
)
def test_planes_are_the_pixels_less_the_mean_rounded_once(pixels, mean):
    found = planes(pixels, mean)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    exact = pixels.astype(np.float64) - mean
    np.testing.assert_array_equal(found, exact.astype(np.float32).transpose(2, 0, 1))


@given(down=st.integers(-9, 9), right=st.integers(-9, 9))
def test_moving_puts_each_pixel_in_its_new_place(down, right):
    label = np.arange(20, dtype=np.uint8).reshape(1, 4, 5)
    expected = np.full((1, 4, 5), 255)
    for y in range(4):
        for x in range(5):
            if 0 <= y + down < 4 and 0 <= x + right < 5:
                expected[0, y + down, x + right] = label[0, y, x]
    np.testing.assert_array_equal(moved(label, down, right), expected)


BAD = {
    "mirror": (1, "expected True or False"),
    "jitter": (-1, "expected a whole number of pixels, 0 or more"),
    "downscale": (0, "expected a whole number, 1 or more"),
    "batch": (True, "expected a whole number, 1 or more"),
    "cuts": ((0, 2), r"expected two whole numbers, \(rows, columns\)"),
    "views": (("mirrored", "mirrored"), "expected some of original, mirrored, rotated, each once"),
    "zoom": ((2, 1), r"expected two factors, \(least, most\), above 0 and at most 16"),
    "crop": ((8,), r"expected two whole numbers, \(height, width\)"),
    "size": (300, r"expected two whole numbers, \(height, width\)"),
}


@pytest.mark.parametrize("key", BAD)
def test_bad_options_say_found_and_expected(key):
    value, message = BAD[key]
    with pytest.raises(ValueError, match=f"Places: param_str {key}=.*; {message}"):
        places(**{key: value})


def test_a_view_that_leaves_no_labelled_pixel_names_file_and_cure():
    class Corner(Places):
        def load(self, name):
            label = np.full((1, 200, 300), 255, np.uint8)
            label[0, 0, -1] = 1  # turns out of the image
            return [np.zeros((3, 200, 300), np.float32), label]

    layer, tops = build(Corner, folder="f", split="train", seed=3, views=("rotated",))
    with pytest.raises(ValueError, match=r"f/\d: rotated by 1 degree, no labelled pixel is left: "):
        run(layer, tops)
