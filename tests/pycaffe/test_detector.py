"""caffe.Detector: scores of windows, with the crops that R-CNN's context padding makes."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.laws import SEED, drawn
from support.net_text import input_layer

import caffe

SIZE = 12
NET = input_layer("data", 2, 3, SIZE, SIZE) + (
    'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { '
    'num_output: 4 weight_filler { type: "gaussian" std: 0.1 } } }'
)
MEAN = np.array([10.0, 20.0, 30.0])
SETTINGS = {"mean": MEAN, "raw_scale": 255.0, "channel_swap": [2, 1, 0]}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    path = tmp_path_factory.mktemp("net")
    model, weights = str(path / "deploy.prototxt"), str(path / "net.caffemodel")
    (path / "deploy.prototxt").write_text(NET)
    caffe.Net(model, caffe.TEST).save(weights)
    return model, weights


@pytest.fixture(scope="module")
def padded(files):
    return caffe.Detector(*files, context_pad=2, **SETTINGS)


def bvlc_crop(im, window, crop_size, context_pad, crop_mean):
    """Detector.crop as detector.py of 1.0 writes it; integers where Python 3 wants them."""
    box = np.array(window, float)
    scale = crop_size / (1.0 * crop_size - context_pad * 2)
    half_h = (box[2] - box[0] + 1) / 2.0
    half_w = (box[3] - box[1] + 1) / 2.0
    center = (box[0] + half_h, box[1] + half_w)
    scaled_dims = scale * np.array((-half_h, -half_w, half_h, half_w))
    box = np.round(np.tile(center, 2) + scaled_dims)
    full_h = box[2] - box[0] + 1
    full_w = box[3] - box[1] + 1
    scale_h = crop_size / full_h
    scale_w = crop_size / full_w
    pad_y = round(max(0, -box[0]) * scale_h)
    pad_x = round(max(0, -box[1]) * scale_w)
    im_h, im_w = im.shape[:2]
    box = np.clip(box, 0.0, [im_h, im_w, im_h, im_w])
    clip_h = box[2] - box[0] + 1
    clip_w = box[3] - box[1] + 1
    crop_h = round(clip_h * scale_h)
    crop_w = round(clip_w * scale_w)
    if pad_y + crop_h > crop_size:
        crop_h = crop_size - pad_y
    if pad_x + crop_w > crop_size:
        crop_w = crop_size - pad_x
    y0, x0, y1, x1 = box.astype(int)
    crop = np.ones((crop_size, crop_size, 3), dtype=np.float32) * crop_mean
    crop[pad_y : pad_y + crop_h, pad_x : pad_x + crop_w] = caffe.io.resize_image(
        im[y0:y1, x0:x1], (crop_h, crop_w)
    )
    return crop


def test_the_padding_is_the_mean_as_the_image_has_it(padded):
    np.testing.assert_allclose(padded.crop_mean, MEAN[None, None, ::-1] / 255)


@given(st.lists(st.integers(0, 19), min_size=4, max_size=4), SEED)
@drawn(60)
def test_a_crop_with_context_is_bvlcs(padded, ends, seed):
    y, x = sorted(ends[:2]), sorted(ends[2:])
    window = np.array([y[0], x[0], y[1] + 1, x[1] + 1])
    image = np.random.RandomState(seed).rand(20, 20, 3).astype(np.float32)
    expected = bvlc_crop(image, window, SIZE, 2, padded.crop_mean)
    np.testing.assert_allclose(padded.crop(image, window), expected, atol=1e-6)


def test_windows_at_the_images_corners_are_padded_on_the_side_that_lacks_context(padded):
    image = np.random.RandomState(0).rand(20, 20, 3).astype(np.float32)
    crop = padded.crop(image, [0, 10, 8, 20])
    np.testing.assert_allclose(crop[0], np.tile(padded.crop_mean[0], (SIZE, 1)), rtol=1e-6)
    assert not np.allclose(crop[-1], padded.crop_mean[0])


def test_without_context_a_crop_is_the_window(files):
    detector = caffe.Detector(*files, **SETTINGS)
    image = np.random.RandomState(0).rand(9, 9, 3)
    np.testing.assert_array_equal(detector.crop(image, (1, 2, 5, 9)), image[1:5, 2:9])


def test_detect_windows_scores_each_window_of_each_image(files, tmp_path):
    detector = caffe.Detector(*files, **SETTINGS)
    names = []
    for i in range(2):
        pixels = np.random.RandomState(i).randint(0, 256, (15, 16, 3)).astype(np.uint8)
        names.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(pixels).save(names[-1])
    windows = [np.array([[0, 0, 9, 9], [2, 3, 15, 16]]), np.array([[5, 5, 8, 9]])]
    found = detector.detect_windows(zip(names, windows, strict=True))
    assert [d["filename"] for d in found] == [names[0], names[0], names[1]]
    net = caffe.Net(files[0], caffe.TEST, weights=files[1])
    for detection, window in zip(found, [*windows[0], *windows[1]], strict=True):
        np.testing.assert_array_equal(detection["window"], window)
        image = caffe.io.load_image(detection["filename"])
        crop = caffe.io.resize_image(image[window[0] : window[2], window[1] : window[3]], (12, 12))
        bgr = crop[:, :, ::-1].transpose(2, 0, 1) * 255 - MEAN[:, None, None]
        net.blobs["data"].data[...] = bgr
        np.testing.assert_allclose(detection["prediction"], net.forward()["fc"][0], rtol=1e-3)
    assert detector.detect_windows([(names[0], [])]) == []


def test_selective_search_without_its_program_is_a_clear_error(files):
    with pytest.raises(caffe.CaffeError, match=r"selective search needs .* use detect_windows"):
        caffe.Detector(*files).detect_selective_search(["a.jpg"])


def test_selective_search_scores_what_its_program_proposes(files, tmp_path, monkeypatch):
    name = tmp_path / "a.png"
    Image.new("RGB", (16, 15)).save(name)
    window = np.array([0, 0, 9, 9])

    def get_windows(files, cmd):
        assert (files, cmd) == ([str(name)], "selective_search_rcnn")
        return [[window]]

    module = SimpleNamespace(get_windows=get_windows)
    monkeypatch.setitem(sys.modules, "selective_search_ijcv_with_python", module)
    (found,) = caffe.Detector(*files).detect_selective_search([str(name)])
    assert found["window"] is window


@pytest.mark.parametrize(
    ("window", "context_pad"),
    [
        ((5, 5, 5, 9), None),
        ((9, 9, 5, 5), None),
        ((30, 30, 40, 40), None),
        ((30, 30, 40, 40), 2),
        ((9, 9, 5, 5), 2),
    ],
)
def test_a_window_without_pixels_is_an_error(files, window, context_pad):
    detector = caffe.Detector(*files, context_pad=context_pad)
    with pytest.raises(ValueError, match=r"holds no pixels of an image of 20 x 20"):
        detector.crop(np.zeros((20, 20, 3), np.float32), window)


@pytest.mark.parametrize("pad", [6, 7, -1])
def test_a_context_pad_that_leaves_no_window_is_an_error(files, pad):
    with pytest.raises(ValueError, match="leaves nothing of an input 12 wide"):
        caffe.Detector(*files, context_pad=pad)


def test_images_of_other_channels_than_the_input_are_an_error(tmp_path):
    gray = NET.replace("dim: 3", "dim: 1")
    model, weights = str(tmp_path / "gray.prototxt"), str(tmp_path / "gray.caffemodel")
    (tmp_path / "gray.prototxt").write_text(gray)
    caffe.Net(model, caffe.TEST).save(weights)
    name = tmp_path / "a.png"
    Image.new("RGB", (16, 15)).save(name)
    message = r"input 'data' of net '.*' takes images of 1 channels; found one of 3"
    with pytest.raises(caffe.CaffeError, match=message):
        caffe.Detector(model, weights).detect_windows([(name, [(0, 0, 9, 9)])])
    with pytest.raises(caffe.CaffeError, match="an image of 3 channels, but the input 'data'"):
        caffe.Detector(model, weights, context_pad=2).crop(np.zeros((20, 20, 3)), (2, 2, 9, 9))


def test_a_scale_for_each_channel_divides_the_mean_that_surrounds_an_image(files):
    scale = np.array([100.0, 200.0, 255.0])  # of BGR, as the mean
    settings = {**SETTINGS, "raw_scale": scale.reshape(3, 1, 1)}
    detector = caffe.Detector(*files, context_pad=2, **settings)
    np.testing.assert_allclose(detector.crop_mean[0, 0], (MEAN / scale)[::-1], rtol=1e-6)
