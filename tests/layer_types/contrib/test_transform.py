"""What SSD adds to transform_param, in Caffe's own data layers."""

import logging

import numpy as np
import pytest
from support.feed_data import data_layer, feed_net, passes, pictures, write_database, write_images
from support.net_text import net_of

import caffe
from caffe.feeding import images
from caffe.feeding.resizing import POLICY, interpolated

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
        (RESIZE % "LINEAR" + " crop_size: 7", "crop_size 7 is larger than the image of height 6"),
    ],
)
def test_what_is_wrong_says_so(source, transform, message):
    kind, param, _ = source
    with pytest.raises(caffe.CaffeError, match=message) as error:
        feed_net(kind, param, transform)
    assert f"layer 'd' ({kind})" in str(error.value)


def test_label_maps_are_not_resized_with_their_images(tmp_path):
    with pytest.raises(caffe.CaffeError, match=r"no resize_param and noise_param, .*new_height"):
        net_of(
            f'layer {{ name: "d" type: "ImageSegData" top: "x" top: "y" image_data_param {{ '
            f'source: "{write_images(tmp_path, pictures(1, 3, 4, 4))}" }} '
            f"transform_param {{ {RESIZE % 'LINEAR'} }} }}"
        )


def test_strict_nets_refuse_it(strict, source):
    kind, param, _ = source
    with pytest.raises(caffe.CaffeError, match="resize_param"):
        net_of(data_layer(kind, param, RESIZE % "LINEAR"))
