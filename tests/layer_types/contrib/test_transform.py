"""What SSD and others add to transform_param, in Caffe's own data layers."""

import logging

import numpy as np
import pytest
from google.protobuf import text_format
from support.feed_data import data_layer, feed_net, passes, pictures, write_database, write_images
from support.net_text import net_of

import caffe
from caffe.feeding import images
from caffe.feeding.multi_scale import sizes
from caffe.feeding.random_size import stretched
from caffe.feeding.resizing import POLICY, interpolated
from caffe.formats.database import create_database
from caffe.proto import caffe_pb2

RESIZE = "resize_param { height: 6 width: 9 interp_mode: %s }"


@pytest.fixture(params=["Data", "ImageData"])
def source(request, tmp_path):
    """A layer type, its own parameter, and the images (C, H, W)."""
    arrays = [pictures(1, 3, 12, 10)[0], pictures(1, 3, 7, 20, seed=1)[0]]
    if request.param == "Data":
        path = write_database(tmp_path / "db", arrays)
        return "Data", f'source: "{path}" backend: LMDB batch_size: 2', arrays
    listed = write_images(tmp_path, arrays)
    return "ImageData", f'source: "{listed}" root_folder: "{tmp_path}/" batch_size: 2', arrays


@pytest.mark.parametrize("mode", ["LINEAR", "AREA", "NEAREST", "CUBIC", "LANCZOS4"])
def test_images_are_resized_before_mean_and_scale(source, mode):
    kind, param, arrays = source
    transform = RESIZE % mode + " mean_value: 7 scale: 0.5"
    ((data, label),) = passes(feed_net(kind, param, transform), 1)
    for found, image in zip(data, arrays, strict=True):
        expected = interpolated(image.transpose(1, 2, 0), (6, 9), getattr(POLICY, mode))
        np.testing.assert_array_equal(found, (expected.transpose(2, 0, 1) - np.float32(7)) * 0.5)
    assert label.tolist() == [0, 10]


def test_images_are_cut_and_mirrored_after_that(source):
    kind, param, arrays = source
    transform = RESIZE % "LINEAR" + " crop_size: 4 mirror: true"
    small = [images.resize(image.transpose(1, 2, 0), (6, 9)).transpose(2, 0, 1) for image in arrays]
    seen = set()
    for data, _ in passes(feed_net(kind, param, transform, phase=caffe.TRAIN, seed=3), 12):
        assert data.shape == (2, 3, 4, 4)
        for cut, image in zip(data, small, strict=True):
            where = [
                (i, j, turn)
                for i, j in np.ndindex(3, 6)
                for turn in (1, -1)
                if np.array_equal(cut, image[:, i : i + 4, j : j + 4][..., ::turn])
            ]
            assert where
            seen |= set(where)
    assert len(seen) > 10


def test_noise_comes_after_the_size(source):
    kind, param, arrays = source
    transform = RESIZE % "LINEAR" + " noise_param { inverse: true }"
    ((data, _),) = passes(feed_net(kind, param, transform), 1)
    for found, image in zip(data, arrays, strict=True):
        small = images.resize(image.transpose(1, 2, 0), (6, 9))
        np.testing.assert_array_equal(found, 255 - small.transpose(2, 0, 1))


def test_of_several_sizes_one_is_drawn_for_each_image_as_often_as_its_prob(source):
    kind, param, arrays = source
    transform = "crop_size: 4 " + " ".join(
        f"resize_param {{ prob: {prob} height: {side} width: {side} }}"
        for prob, side in ((0.75, 4), (0.25, 5), (0, 6))
    )
    counts = {4: 0, 5: 0}
    for data, _ in passes(feed_net(kind, param, transform, seed=3), 60):
        for cut, image in zip(data, arrays, strict=True):
            (side,) = (
                side
                for side in counts
                if np.array_equal(
                    cut,
                    images.resize(image.transpose(1, 2, 0), (side, side))[:4, :4].transpose(
                        2, 0, 1
                    ),
                )
            )
            counts[side] += 1
    assert 70 < counts[4] < 110
    with pytest.raises(caffe.CaffeError, match="crop_size 9 is larger than the image"):
        passes(feed_net(kind, param, transform.replace("crop_size: 4", "crop_size: 9")), 1)


def test_what_only_annotated_data_heeds_is_said(source, caplog):
    kind, param, _ = source
    with caplog.at_level(logging.WARNING):
        feed_net(kind, f"{param} ", RESIZE % "LINEAR" + " distort_param { } emit_constraint { }")
    for name in ("distort_param", "emit_constraint"):
        assert f"{name}: only AnnotatedData layers heed it, as in SSD" in caplog.text


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ("resize_param { width: 3 }", "positive height and width; found 0 and 3"),
        (RESIZE % "LINEAR" + RESIZE % "AREA", "resize_param is given 2 times; only AnnotatedData"),
        ("noise_param { clahe: true }", "noise_param knows clahe: false"),
        ("multi_scale: true", "multi_scale needs a crop_size"),
        ('multi_scale: true crop_size: 3 mean_file: "x"', "multi_scale takes mean_value"),
        ("multi_scale: true crop_size: 3 scale_ratios: 2", r"scale_ratios lie in \(0, 1\]"),
        (RESIZE % "LINEAR" + " crop_size: 7", "crop_size 7 is larger than the image of height 6"),
    ],
)
def test_what_is_wrong_says_so(source, transform, message):
    kind, param, _ = source
    with pytest.raises(caffe.CaffeError, match=message) as error:
        feed_net(kind, param, transform)
    assert f"layer 'd' ({kind})" in str(error.value)


MULTI = "crop_size: 4 multi_scale: true mirror: true"


def test_crops_of_several_sizes_are_resized_to_one(source):
    kind, param, arrays = source
    seen = set()
    for data, _ in passes(feed_net(kind, param, MULTI, phase=caffe.TRAIN, seed=3), 20):
        for cut, image in zip(data, arrays, strict=True):
            height, width = image.shape[1:]
            crops = {
                (h, w, i, j, turn)
                for h, w in sizes((height, width), (4, 4), [], 1)
                for i, j in np.ndindex(height - h + 1, width - w + 1)
                for turn in (1, -1)
                if np.array_equal(
                    cut,
                    images.resize(
                        image[:, i : i + h, j : j + w][..., ::turn].transpose(1, 2, 0), (4, 4)
                    ).transpose(2, 0, 1),
                )
            }
            assert crops
            seen |= crops
    assert len({crop[:2] for crop in seen}) > 3
    ((data, _),) = passes(feed_net(kind, param, "crop_size: 4 multi_scale: true"), 1)
    height, width = arrays[0].shape[1:]
    centre = arrays[0][:, (height - 4) // 2 :, (width - 4) // 2 :][:, :4, :4]
    np.testing.assert_array_equal(data[0], centre)


def test_the_sizes_are_parts_of_the_shorter_side():
    found = sizes((100, 60), (40, 52), [1, 0.875, 0.68], 1)
    sides = [[60, 52, 40], [60, 52, 40]]  # 52.5 is 52, and 40.8 is 40
    expected = [(sides[0][i], sides[1][j]) for i in range(3) for j in range(3) if abs(i - j) < 2]
    assert found == expected
    assert len(sizes((9, 9), (5, 5), [], 3)) == 16


@pytest.mark.parametrize("more", [False, True])
def test_fixed_crops_begin_at_corners_and_centre(source, more):
    kind, param, arrays = source
    transform = f"crop_size: 4 fix_crop: true more_fix_crop: {str(more).lower()}"
    seen = set()
    for data, _ in passes(feed_net(kind, param, transform, phase=caffe.TRAIN, seed=3), 60):
        image = arrays[0]
        (where,) = [
            (i, j)
            for i, j in np.ndindex(image.shape[1] - 3, image.shape[2] - 3)
            if np.array_equal(data[0], image[:, i : i + 4, j : j + 4])
        ]
        seen.add(where)
    quarter = (12 - 4) // 4, (10 - 4) // 4
    places = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]
    if more:
        places += [(0, 2), (4, 2), (2, 0), (2, 4), (1, 1), (1, 3), (3, 1), (3, 3)]
    assert seen == {(i * quarter[0], j * quarter[1]) for i, j in places}


@pytest.mark.parametrize(("field", "channels"), [("is_flow", [0, 2]), ("flow", [2])])
def test_mirrored_flow_points_the_other_way(source, field, channels):
    kind, param, arrays = source
    param = param.replace("batch_size: 2", "batch_size: 1")
    net = feed_net(kind, param, f"mirror: true {field}: true", seed=3)
    mirrored = 0
    for data, _ in passes(net, 20)[::2]:
        if not np.array_equal(data[0], arrays[0]):
            mirrored += 1
            expected = arrays[0][..., ::-1].copy()
            expected[channels] = 255 - expected[channels]
            np.testing.assert_array_equal(data[0], expected)
    assert 0 < mirrored < 10


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (RESIZE % "LINEAR", r"no resize_param, noise_param and multi_scale: .*new_height"),
        ("random_resize_param {} crop_size: 2", "by chance: it would leave the label map as it is"),
        ("min_side: 4 crop_size: 2", "by chance: it would leave the label map as it is"),
    ],
)
def test_label_maps_are_not_resized_with_their_images(tmp_path, transform, message):
    with pytest.raises(caffe.CaffeError, match=message):
        net_of(
            f'layer {{ name: "d" type: "ImageSegData" top: "x" top: "y" image_data_param {{ '
            f'source: "{write_images(tmp_path, pictures(1, 3, 4, 4))}" }} '
            f"transform_param {{ {transform} }} }}"
        )


def test_strict_nets_refuse_it(strict, source):
    kind, param, _ = source
    with pytest.raises(caffe.CaffeError, match="resize_param"):
        net_of(data_layer(kind, param, RESIZE % "LINEAR"))


# Intel's sizes by chance.


def test_the_shorter_side_becomes_a_size(source):
    kind, param, arrays = source
    transform = (
        "crop_size: 4 random_resize_param { min_size: 6 max_size: 6 resize_param "
        "{ interp_mode: CUBIC } }"
    )
    ((data, _),) = passes(feed_net(kind, param, transform), 1)
    for found, image in zip(data, arrays, strict=True):
        size = {12: (7, 6), 7: (6, 17)}[image.shape[1]]
        whole = interpolated(image.transpose(1, 2, 0), size, POLICY.CUBIC).transpose(2, 0, 1)
        above, left = (size[0] - 4) // 2, (size[1] - 4) // 2
        np.testing.assert_array_equal(found, whole[:, above : above + 4, left : left + 4])


def test_the_side_is_drawn_again_for_each_image(source):
    kind, param, _ = source
    transform = "crop_size: 4 random_resize_param { min_size: 4 max_size: 9 }"
    found = passes(feed_net(kind, param, transform, seed=1), 6)
    assert len({data[0].tobytes() for data, _ in found}) > 2


def test_a_part_of_a_share_of_the_area_is_resized(source):
    kind, param, arrays = source
    body = "min_area_ratio: 1 max_area_ratio: 1 aspect_ratio_change: 1 max_attempt: 1"
    transform = f"crop_size: 6 random_aspect_ratio_param {{ {body} resize_param {{ }} }}"
    ((data, _),) = passes(feed_net(kind, param, transform), 1)
    first, second = (image.transpose(1, 2, 0) for image in arrays)
    parts = [images.resize(first[y : y + 10], (6, 6)).transpose(2, 0, 1) for y in range(3)]
    assert any(np.array_equal(data[0], part) for part in parts)
    # No square of the second's area fits, so that its shorter side is resized.
    whole = images.resize(second, (6, 17)).transpose(2, 0, 1)
    np.testing.assert_array_equal(data[1], whole[:, :, 5:11])
    body = "min_area_ratio: 0.3 max_area_ratio: 0.4 aspect_ratio_change: 0.75"
    transform = f"crop_size: 6 random_aspect_ratio_param {{ {body} }}"
    found = passes(feed_net(kind, param, transform, seed=1), 6)
    assert {data.shape for data, _ in found} == {(2, 3, 6, 6)}
    assert len({data[0].tobytes() for data, _ in found}) > 2


@pytest.mark.parametrize("more", ["", "crop_size: 4 mean_file: 'x'"])
def test_a_random_size_needs_a_crop(source, more):
    kind, param, _ = source
    with pytest.raises(caffe.CaffeError, match="random_resize_param needs a crop_size"):
        feed_net(kind, param, f"random_resize_param {{ min_size: 9 }} {more}")


def test_a_crop_larger_than_a_drawn_size_is_named(source):
    kind, param, _ = source
    transform = "crop_size: 8 random_resize_param { min_size: 6 max_size: 6 }"
    with pytest.raises(caffe.CaffeError, match="crop_size 8 is larger than the image of height"):
        passes(feed_net(kind, param, transform), 1)


NVIDIAS = (
    "img_rand_resize_lower: 6 img_rand_resize_upper: 9 rand_resize_ratio_lower: 1 "
    "rand_resize_ratio_upper: 1.5 vertical_stretch_lower: 0.8 vertical_stretch_upper: 1.1 "
)


def transform_of(text):
    return text_format.Parse(text, caffe_pb2.TransformationParameter())


@pytest.mark.parametrize("size", [(12, 20), (20, 12), (15, 15)])
def test_nvidias_sizes_have_a_shorter_side_a_ratio_and_stretches_by_chance(size):
    param = transform_of(f"crop_size: 4 {NVIDIAS}")
    draws = iter([0.5, 0.4, *[0.25] * (size[0] == size[1]), 0.5, 0.9])
    found = stretched(size, param, draws)  # side 8, ratio 1.2, 0.95 times as high
    height, width = (8, 9.6) if size[0] < size[1] else (9.6, 8)
    assert found == (int(height * 0.95 + 0.5), int(width + 0.5))


def test_nvidias_sizes_are_no_smaller_than_the_crop_nor_larger_than_the_image():
    plain = "img_rand_resize_lower: 30 img_rand_resize_upper: 30 crop_size: 4"
    assert stretched((10, 20), transform_of(plain), iter([0.5] * 9)) == (10, 20)
    upwards = transform_of(f"{plain} allow_upscale: true")
    assert stretched((10, 20), upwards, iter([0.5] * 9)) == (30, 60)
    low = transform_of("img_rand_resize_lower: 2 img_rand_resize_upper: 2 crop_size: 4")
    assert stretched((10, 30), low, iter([0.5] * 9)) == (4, 6)
    assert stretched((10, 30), transform_of("vertical_stretch_lower: 0.5"), iter([0.5] * 9)) == (
        8,
        30,
    )
    with pytest.raises(caffe.CaffeError, match="img_rand_resize_lower 5 is more than"):
        stretched((10, 30), transform_of("img_rand_resize_lower: 5"), iter([0.5]))


def test_nvidias_images_are_resized_by_the_algorithm_for_their_direction(source):
    kind, param, arrays = source
    for side, field, mode in (
        (6, "interpolation_algo_down: INTER_AREA", "AREA"),
        (14, "interpolation_algo_up: INTER_LINEAR", "LINEAR"),
        (6, "", "NEAREST"),
        (14, "", "CUBIC"),
    ):
        transform = f"crop_size: 4 img_rand_resize_lower: {side} img_rand_resize_upper: {side} "
        more = f"{field} random_seed: 3 allow_upscale: true"
        net = feed_net(kind, param, transform + more)
        ((data, _),) = passes(net, 1)
        for found, image in zip(data, arrays, strict=True):
            height, width = image.shape[1:]
            size = [int(side * edge / min(height, width) + 0.5) for edge in (height, width)]
            expected = interpolated(image.transpose(1, 2, 0), tuple(size), getattr(POLICY, mode))
            top, left = (size[0] - 4) // 2, (size[1] - 4) // 2
            expected = expected[top : top + 4, left : left + 4].transpose(2, 0, 1)
            np.testing.assert_array_equal(found, expected)


def test_records_of_an_lmdb_come_in_another_order_each_time(tmp_path):
    arrays = [pictures(1, 3, 4, 4, seed=i)[0] for i in range(6)]
    path = write_database(tmp_path / "db", arrays)
    net = feed_net("Data", f'source: "{path}" backend: LMDB batch_size: 6 shuffle: true', "")
    orders = [label.astype(int).tolist() for _, label in passes(net, 3)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    plain = feed_net("Data", f'source: "{path}" backend: LMDB batch_size: 6', "")
    ((images_in_order, labels),) = passes(plain, 1)
    net = feed_net("Data", f'source: "{path}" backend: LMDB batch_size: 6 shuffle: true', "")
    ((shuffled, order),) = passes(net, 1)
    of_label = dict(zip(labels.tolist(), images_in_order, strict=True))
    for image, label in zip(shuffled, order.tolist(), strict=True):
        np.testing.assert_array_equal(image, of_label[label])


def test_records_of_a_leveldb_are_not_shuffled(tmp_path):
    with create_database(tmp_path / "db", "leveldb") as database:
        database.put(b"0", caffe.io.array_to_datum(pictures(1, 3, 4, 4)[0]).SerializeToString())
    with pytest.raises(caffe.CaffeError, match="shuffle needs an LMDB; found a LevelDB"):
        feed_net("Data", f'source: "{tmp_path}/db" batch_size: 1 shuffle: true', "")
