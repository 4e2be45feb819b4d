"""Laws of the infer package: any image becomes RGB, a net labels it, and the labels are drawn."""

import io
import warnings

import numpy as np
import pytest
import tiny_fcn
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import caffe
import infer
import nets
from data.datasets import palette
from infer.predictor import first_highest

RGB = np.random.RandomState(0).randint(0, 256, (7, 5, 3)).astype(np.uint8)
GRAY = RGB[:, :, 0]
PHOTO = np.random.RandomState(1).randint(0, 256, (40, 50, 3)).astype(np.uint8)
MEAN = (104.00699, 116.66877, 122.67892)


def saved(tmp_path, image, name, **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


# ---- load_image ----


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "A.PNG", "no_suffix"])
def test_a_lossless_rgb_file_is_read_as_it_is(tmp_path, name):
    kind = None if "." in name else "PNG"
    path = saved(tmp_path, Image.fromarray(RGB), name, format=kind)
    for given_as in (path, str(path), Image.open(path), RGB):
        loaded = infer.load_image(given_as)
        assert loaded.dtype == np.uint8
        np.testing.assert_array_equal(loaded, RGB)


def test_grayscale_becomes_three_equal_channels(tmp_path):
    loaded = infer.load_image(saved(tmp_path, Image.fromarray(GRAY), "gray.png"))
    np.testing.assert_array_equal(loaded, np.stack([GRAY] * 3, 2))


def test_one_bit_images_become_black_and_white(tmp_path):
    bits = GRAY > 127
    loaded = infer.load_image(saved(tmp_path, Image.fromarray(bits), "bits.png"))
    np.testing.assert_array_equal(loaded, np.stack([bits * np.uint8(255)] * 3, 2))


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_of_sixteen_bits_the_upper_eight_are_kept(tmp_path, name):
    deep = GRAY.astype(np.uint16) * 256 + 200
    loaded = infer.load_image(saved(tmp_path, Image.fromarray(deep), name))
    np.testing.assert_array_equal(loaded, np.stack([GRAY] * 3, 2))


def test_sixteen_bits_in_an_int32_image_are_scaled_alike():
    deep = GRAY.astype(np.int32) * 256 + 200
    np.testing.assert_array_equal(infer.load_image(Image.fromarray(deep))[:, :, 0], GRAY)


@pytest.mark.parametrize(
    "pixels", [np.full((2, 2), -1, np.int32), np.full((2, 2), 65536, np.int32)]
)
def test_pixels_of_more_than_sixteen_bits_are_refused(tmp_path, pixels):
    path = saved(tmp_path, Image.fromarray(pixels), "wide.tif")
    with pytest.raises(ValueError, match=r"wide\.tif: pixels from .*at most 16 bits"):
        infer.load_image(path)


def test_float_pixels_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.ones((2, 2), np.float32)), "float.tif")
    with pytest.raises(ValueError, match=r"float\.tif: float pixels; convert it to 8 bits"):
        infer.load_image(path)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_lie_over_white(tmp_path, mode):
    colour = GRAY if mode == "LA" else RGB
    alpha = np.full((7, 5), 255, np.uint8)
    alpha[:3] = 0
    alpha[3] = 128
    image = Image.fromarray(np.dstack([colour, alpha]))
    assert image.mode == mode
    loaded = infer.load_image(saved(tmp_path, image, "alpha.png")).astype(int)
    opaque = np.broadcast_to(colour.reshape(7, 5, -1), (7, 5, 3)).astype(float)
    assert (loaded[:3] == 255).all()
    np.testing.assert_array_equal(loaded[4:], opaque[4:])
    np.testing.assert_allclose(loaded[3], 255 + (opaque[3] - 255) * 128 / 255, atol=1)


def test_a_palette_is_resolved_and_its_transparent_entry_is_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    plain = infer.load_image(saved(tmp_path, image, "plain.png"))
    assert plain.tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    clear = infer.load_image(saved(tmp_path, image, "clear.png", transparency=1))
    assert clear.tolist() == [[[10, 20, 30], [255, 255, 255], [70, 80, 90]]]


def test_cmyk_becomes_the_colours_it_stands_for(tmp_path):
    flat = np.zeros((8, 8, 4), np.uint8)
    flat[:, :, 1:3] = 255  # magenta and yellow ink: red
    cmyk = Image.frombytes("CMYK", (8, 8), flat.tobytes())
    for name in ("ink.tif", "ink.jpg"):
        path = saved(tmp_path, cmyk, name)
        np.testing.assert_allclose(
            infer.load_image(path).astype(int), [[[255, 0, 0]] * 8] * 8, atol=3
        )


@pytest.mark.parametrize("space", ["YCbCr", "HSV"])
def test_other_colour_spaces_are_converted(space):
    loaded = infer.load_image(Image.new("RGB", (3, 2), (200, 30, 60)).convert(space))
    np.testing.assert_allclose(loaded.astype(int), [[[200, 30, 60]] * 3] * 2, atol=3)


# EXIF orientation k (TIFF 6.0, tag 274) says which side row 0 and column 0 of the file show.
UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: x.transpose(1, 0, 2)[:, ::-1],
    7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
    8: lambda x: x.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_an_image_is_turned_upright_as_its_exif_says(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    path = saved(tmp_path, Image.fromarray(RGB), "turned.png", exif=exif)
    np.testing.assert_array_equal(infer.load_image(path), UPRIGHT[orientation](RGB))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about the EXIF block
@pytest.mark.parametrize(
    "junk", [b"Exif\0\0", b"Exif\0\0junk", b"Exif\0\0MM\0*\0\0\xff\xff", b"x" * 40]
)
def test_a_damaged_exif_block_does_not_hide_a_whole_image(tmp_path, junk):
    path = saved(tmp_path, Image.fromarray(np.full((16, 16, 3), 90, np.uint8)), "a.jpg", exif=junk)
    np.testing.assert_array_equal(infer.load_image(path), np.full((16, 16, 3), 90))


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    first, second = (Image.new("RGB", (4, 3), colour) for colour in ("red", "blue"))
    path = saved(tmp_path, first, "two.gif", save_all=True, append_images=[second])
    assert (infer.load_image(path) == (255, 0, 0)).all()


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about a cut TIFF directory
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_truncated_file_of_any_length_is_one_clear_error(tmp_path, kind):
    noise = np.random.RandomState(1).randint(0, 256, (40, 40, 3)).astype(np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, format=kind)
    path = tmp_path / "cut"
    for length in {0, 1, 10, 30, 100, len(whole.getvalue()) // 2, len(whole.getvalue()) * 9 // 10}:
        path.write_bytes(whole.getvalue()[:length])
        with pytest.raises(ValueError, match=r"cut: (truncated|not an image|the file is empty)"):
            infer.load_image(path)


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "notes.jpg").write_text("not an image")
    with pytest.raises(ValueError, match=r"notes\.jpg: not an image"):
        infer.load_image(tmp_path / "notes.jpg")
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg: no such image"):
        infer.load_image(tmp_path / "gone.jpg")
    with pytest.raises(ValueError, match="a folder, expected an image"):
        infer.load_image(tmp_path)


@pytest.mark.parametrize("limit", [20, 34])
def test_more_pixels_than_pillows_limit_is_an_error(tmp_path, monkeypatch, limit):
    path = saved(tmp_path, Image.fromarray(RGB), "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit // 2)
    with pytest.raises(ValueError, match=f"bomb.png: more than {limit // 2} pixels"):
        infer.load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=f"bomb.png: more than {limit} pixels"):
        infer.load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", RGB.shape[0] * RGB.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        infer.load_image(path)


@pytest.mark.parametrize(
    "array",
    [RGB.astype(np.float32), GRAY, np.dstack([RGB, GRAY]), RGB[:0], RGB[None]],
    ids=["float", "gray", "rgba", "empty", "batch"],
)
def test_an_array_that_is_not_rgb_bytes_is_refused(array):
    with pytest.raises(
        ValueError, match=r"array of shape .* expected H x W x 3 RGB of dtype uint8"
    ):
        infer.load_image(array)


# ---- drawing ----


@given(hnp.arrays(np.uint8, hnp.array_shapes(max_dims=2, max_side=6)))
def test_legend_counts_every_label_once(labels):
    entries = infer.legend(labels, [f"class {k}" for k in range(255)])
    values = labels.ravel().tolist()
    assert [entry.index for entry in entries] == sorted(set(values))
    for index, name, colour, share in entries:
        assert name == ("void" if index == 255 else f"class {index}")
        assert colour == tuple(palette()[index])
        assert share == values.count(index) / len(values)


def test_legend_refuses_a_label_without_a_name():
    with pytest.raises(ValueError, match="label 3 has no name: 3 class names"):
        infer.legend(np.array([0, 3]), ["a", "b", "c"])


@given(
    hnp.arrays(np.uint8, (3, 4, 3)),
    hnp.arrays(np.uint8, (3, 4), elements=st.integers(0, 3) | st.just(255)),
    st.floats(0, 1, width=32),
)
def test_overlay_mixes_every_class_but_0_into_the_image(image, labels, alpha):
    mixed = (1 - alpha) * image.astype(float) + alpha * palette()[labels].astype(float)
    expected = np.where(labels[..., None] == 0, image, mixed)
    drawn = infer.overlay(image, labels, alpha)
    assert drawn.dtype == np.uint8
    assert np.abs(drawn - expected).max() <= 0.5 + 1e-4  # rounded to the nearest integer


def test_overlay_refuses_sizes_that_differ():
    with pytest.raises(ValueError, match=r"image of \(7, 5\) pixels, label map of \(5, 7\)"):
        infer.overlay(RGB, np.zeros((5, 7), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (300, 20), (60, 400), (900, 1200)])
def test_with_legend_keeps_the_picture_and_shows_every_colour_beside_it(shape):
    picture = np.full((*shape, 3), 77, np.uint8)
    entries = infer.legend(np.arange(21), [f"class {k}" for k in range(21)])
    drawn = infer.with_legend(picture, entries)
    np.testing.assert_array_equal(drawn[: shape[0], : shape[1]], picture)
    beside = {tuple(colour) for colour in drawn[:, shape[1] :].reshape(-1, 3).tolist()}
    assert {entry.colour for entry in entries if entry.index} <= beside


@pytest.mark.parametrize("labels", [np.array([[0, 20, 255]], np.uint8), np.zeros((3, 2), np.uint8)])
def test_a_palette_png_holds_class_indices_and_vocs_colours(tmp_path, labels):
    infer.write_palette_png(tmp_path / "labels.png", labels)
    with Image.open(tmp_path / "labels.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), labels)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), infer.colours(labels))


@pytest.mark.parametrize("labels", [np.zeros((2, 2), np.int64), np.zeros((2, 2, 3), np.uint8)])
def test_a_palette_png_of_anything_but_a_label_map_is_refused(tmp_path, labels):
    with pytest.raises(ValueError, match=r"labels\.png: label map of shape .* expected H x W"):
        infer.write_palette_png(tmp_path / "labels.png", labels)
    assert not list(tmp_path.iterdir())


# ---- Predictor ----


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("nets")


@pytest.fixture(scope="module")
def fcn8s(folder):
    return tiny_fcn.write_weights(folder, "fcn8s", 4)


NAMES = ["ground", "cat", "dog", "tree"]


def predictor(net, weights, classes=NAMES):
    return infer.Predictor(net, weights, mean=MEAN, classes=classes)


@pytest.mark.slow
@pytest.mark.parametrize("name", nets.NETS)
def test_a_net_is_known_by_its_weights(folder, name):
    weights = tiny_fcn.write_weights(folder, name, 4)
    labels = predictor(None, weights)(PHOTO)
    assert len(np.unique(labels)) > 1
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, predictor(name, weights)(PHOTO))
    np.testing.assert_array_equal(
        labels, predictor(tiny_fcn.write_deploy(folder, name, 4), weights)(PHOTO)
    )


@pytest.mark.parametrize("shape", [(1, 1), (33, 70), (64, 31)])
def test_labels_are_the_best_scoring_class_of_bgr_minus_mean_at_any_size(fcn8s, folder, shape):
    image = np.random.RandomState(2).randint(0, 256, (*shape, 3)).astype(np.uint8)
    net = caffe.Net(str(tiny_fcn.write_deploy(folder, "fcn8s", 4)), str(fcn8s), caffe.TEST)
    net.blobs["data"].reshape(1, 3, *shape)
    for channel, mean in enumerate(MEAN):  # blue, green, red
        net.blobs["data"].data[0, channel] = image[:, :, 2 - channel].astype(np.float64) - mean
    score = net.forward()["score"][0]
    labels = predictor(None, fcn8s)(image)
    assert labels.shape == shape
    chosen = np.take_along_axis(score, labels[None].astype(int), 0)[0]
    np.testing.assert_array_equal(chosen, score.max(0))


@given(hnp.arrays(np.float32, st.tuples(*[st.integers(1, 6)] * 3), elements=st.integers(-3, 3)))
def test_of_equal_scores_the_first_class_is_taken_as_by_argmax(scores):
    labels = first_highest(scores)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, scores.argmax(0))


def test_one_predictor_labels_images_of_many_sizes_alike_in_any_order(fcn8s):
    images = [np.random.RandomState(k).randint(0, 256, (20 + 9 * k, 50 - 7 * k, 3)).astype(np.uint8)
              for k in range(4)]  # fmt: skip
    one = predictor(None, fcn8s)
    first = [one(image) for image in images]
    assert all(len(np.unique(labels)) > 1 for labels in first)
    for image, labels in reversed(list(zip(images, first, strict=True))):
        np.testing.assert_array_equal(one(image), labels)


def test_weights_of_another_net_than_asked_for_are_refused(fcn8s):
    with pytest.raises(ValueError, match="weights of fcn8s, but fcn32s was asked for"):
        predictor("fcn32s", fcn8s)


def test_a_layer_without_weights_is_refused_not_left_at_its_filler(folder, fcn8s):
    weights = tiny_fcn.write_weights(folder, "fcn32s", 4)
    with pytest.raises(ValueError, match=r"fcn32s-4.caffemodel: no weights for .*score_pool4"):
        predictor(tiny_fcn.write_deploy(folder, "fcn8s", 4), weights)


def test_weights_for_another_number_of_classes_are_refused(folder, fcn8s):
    with pytest.raises(ValueError, match="scores 4 classes, but 2 class names were given"):
        predictor(None, fcn8s, ["cat", "dog"])
    with pytest.raises(caffe.CaffeError, match="score"):
        predictor(tiny_fcn.write_deploy(folder, "fcn8s", 5), fcn8s, [*NAMES, "car"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_an_error_not_a_class(fcn8s, value):
    diverged = predictor(None, fcn8s)
    diverged.net.params["score_fr"][1].data[1] = value
    with pytest.raises(ValueError, match=r"'score' is not finite: the training .* diverged"):
        diverged(RGB)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 99 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_too_little_memory_for_an_image_names_its_size(fcn8s, monkeypatch, error):
    def fail():
        raise error

    one = predictor(None, fcn8s)
    with monkeypatch.context() as patch:
        patch.setattr(one.net, "forward", fail)
        with pytest.raises(ValueError, match="not enough memory to segment an image of 5 x 7 pix"):
            one(RGB)
    assert one(RGB).shape == (7, 5)


def test_an_error_of_the_engine_is_not_taken_for_too_little_memory(fcn8s, monkeypatch):
    def fail():
        raise RuntimeError("layer conv1_1: a bug")

    one = predictor(None, fcn8s)
    monkeypatch.setattr(one.net, "forward", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        one(RGB)


def test_missing_and_damaged_files_are_named(folder, fcn8s):
    with pytest.raises(FileNotFoundError, match=r"gone.caffemodel: no such caffemodel"):
        predictor(None, folder / "gone.caffemodel")
    with pytest.raises(FileNotFoundError, match=r"fcn64s: neither a net .*fcn32s.* nor the file"):
        predictor("fcn64s", fcn8s)
    cut = folder / "cut.caffemodel"
    cut.write_bytes(fcn8s.read_bytes()[:-100])
    with pytest.raises(caffe.CaffeError, match=r"cut.caffemodel: not a whole caffemodel"):
        predictor(None, cut)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_refused(fcn8s):
    with pytest.raises(caffe.CaffeError, match="GPU 0 was asked for"):
        infer.Predictor(None, fcn8s, mean=MEAN, classes=NAMES, gpu=0)


PLAIN = """
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: %d dim: 8 dim: 8 } } }
layer { name: 'score' type: 'Convolution' bottom: 'data' top: 'score'
        convolution_param { num_output: 4 kernel_size: 1 stride: %d weight_filler { type: 'xavier' } } }
"""  # noqa: E501


def plain(folder, channels=3, stride=1, more=""):
    prototxt = folder / "plain.prototxt"
    prototxt.write_text(PLAIN % (channels, stride) + more)
    caffe.Net(str(prototxt), caffe.TEST).save(str(folder / "plain.caffemodel"))
    return prototxt, folder / "plain.caffemodel"


def test_any_deploy_prototxt_will_do(folder):
    one = predictor(*plain(folder))
    weight, bias = (blob.data.astype(np.float64) for blob in one.net.params["score"])
    x = RGB[:, :, ::-1].astype(np.float64) - MEAN
    score = np.einsum("kc,hwc->khw", weight[:, :, 0, 0], x) + bias[:, None, None]
    np.testing.assert_array_equal(one(RGB), score.argmax(0))


def test_a_net_that_is_no_deploy_net_for_images_is_refused(folder):
    flat = "layer { name: 'p' type: 'InnerProduct' bottom: 'score' top: 'p' inner_product_param { num_output: 4 } }"  # noqa: E501
    split = "layer { name: 'r' type: 'ReLU' bottom: 'data' top: 'r' }"
    with pytest.raises(ValueError, match=r"input 'data' has shape \(1, 4, 8, 8\), expected N x 3"):
        predictor(*plain(folder, channels=4))
    with pytest.raises(ValueError, match=r"output 'p' has shape \(1, 4\), expected N x classes"):
        predictor(*plain(folder, more=flat))
    with pytest.raises(ValueError, match=r"outputs \['r', 'score'\]|outputs \['score', 'r'\]"):
        predictor(*plain(folder, more=split))
    with pytest.raises(ValueError, match=r"'score' is \(4, 3\) for an image of \(7, 5\)"):
        predictor(*plain(folder, stride=2))(RGB)
