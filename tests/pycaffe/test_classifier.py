"""caffe.Classifier and `caffe classify`: scores of images, against the same steps written out."""

import numpy as np
import pytest
from PIL import Image
from support.net_text import input_layer

import caffe
from caffe.__main__ import main

MEAN = np.array([10.0, 20.0, 30.0])
SETTINGS = {"mean": MEAN, "raw_scale": 255, "channel_swap": (2, 1, 0), "input_scale": 0.1}
NET = input_layer("data", 4, 3, 6, 5) + (
    'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { '
    'num_output: 7 weight_filler { type: "gaussian" std: 0.1 } } }'
    'layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }'
)


@pytest.fixture
def files(tmp_path):
    """A deploy prototxt and weights for it."""
    model, weights = tmp_path / "deploy.prototxt", tmp_path / "net.caffemodel"
    model.write_text(NET)
    caffe.Net(str(model), caffe.TEST).save(str(weights))
    return str(model), str(weights)


def images(count: int, height: int = 9, width: int = 8) -> list[np.ndarray]:
    rng = np.random.RandomState(0)
    return [rng.rand(height, width, 3).astype(np.float32) for _ in range(count)]


def scores_of(files, crop: np.ndarray) -> np.ndarray:
    """One crop (H, W, 3) of the right size, by hand."""
    net = caffe.Net(files[0], caffe.TEST, weights=files[1])
    bgr = (crop[:, :, ::-1].transpose(2, 0, 1).astype(np.float64) * 255) - MEAN[:, None, None]
    net.blobs["data"].reshape(1, 3, 6, 5)
    net.blobs["data"].data[0] = bgr * 0.1
    return net.forward()["prob"][0].copy()


def test_without_oversampling_the_centre_crop_is_scored(files):
    classifier = caffe.Classifier(*files, image_dims=(8, 8), **SETTINGS)
    inputs = images(5)  # more than a batch
    ours = classifier.predict(inputs, oversample=False)
    assert ours.shape == (5, 7)
    for scores, image in zip(ours, inputs, strict=True):
        crop = caffe.io.resize_image(image, (8, 8))[1:7, 1:6]
        np.testing.assert_allclose(scores, scores_of(files, crop), rtol=1e-4, atol=1e-6)


def test_with_oversampling_the_ten_crops_scores_are_averaged(files):
    classifier = caffe.Classifier(*files, image_dims=[8, 8], **SETTINGS)
    inputs = images(2)
    ours = classifier.predict(inputs)
    assert ours.shape == (2, 7)
    for scores, image in zip(ours, inputs, strict=True):
        crops = caffe.io.oversample([caffe.io.resize_image(image, (8, 8))], (6, 5))
        mean = np.mean([scores_of(files, crop) for crop in crops], axis=0)
        np.testing.assert_allclose(scores, mean, rtol=1e-4, atol=1e-6)


def test_by_default_images_are_resized_to_the_nets_input(files):
    classifier = caffe.Classifier(*files, **SETTINGS)
    assert tuple(classifier.image_dims) == (6, 5)
    (image,) = images(1)
    ours = classifier.predict([image], oversample=False)
    expected = scores_of(files, caffe.io.resize_image(image, (6, 5)))
    np.testing.assert_allclose(ours[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dims", [(5, 5), (8,), (8, 4)])
def test_image_dims_below_the_nets_input_are_an_error(files, dims):
    with pytest.raises(ValueError, match=r"at least the net's input, \(6, 5\)"):
        caffe.Classifier(*files, image_dims=dims)


def test_a_net_without_input_is_an_error(tmp_path):
    path = tmp_path / "train.prototxt"
    shape = "shape { dim: 1 dim: 3 dim: 4 dim: 4 }"
    path.write_text(
        f'layer {{ name: "d" type: "DummyData" top: "d" dummy_data_param {{ {shape} }} }}'
    )
    net = caffe.Net(str(path), caffe.TEST)
    net.save(str(tmp_path / "w.caffemodel"))
    with pytest.raises(caffe.CaffeError, match="has no input to give images to"):
        caffe.Classifier(str(path), str(tmp_path / "w.caffemodel"))


def test_images_of_other_channels_than_the_input_are_an_error(files):
    classifier = caffe.Classifier(*files)
    gray, color = np.ones((9, 8, 1), np.float32), np.ones((9, 8, 3), np.float32)
    message = r"input 'data' of net '.*' takes images of 3 channels; found one of 1"
    for oversample in (True, False):
        with pytest.raises(caffe.CaffeError, match=message):
            classifier.predict([gray], oversample=oversample)
        with pytest.raises(caffe.CaffeError, match="images of 1 and 3 channels in one batch"):
            classifier.predict([gray, color], oversample=oversample)


# The command.


@pytest.fixture
def folder(tmp_path, files):
    """Two images as PNG, and the arguments that make the command do as SETTINGS say."""
    for i, image in enumerate(images(2)):
        Image.fromarray((image * 255).astype(np.uint8)).save(tmp_path / f"{i}.png")
    np.save(tmp_path / "mean.npy", MEAN[:, None, None] * np.ones((3, 4, 4)))
    words = ["-model_def", files[0], "--pretrained_model", files[1], "-images_dim", "8,8"]
    words += ["-mean_file", str(tmp_path / "mean.npy"), "--input_scale=0.1"]
    return tmp_path, words


def test_the_command_scores_a_folder_an_image_and_an_array_alike(folder, files, capsys):
    path, words = folder
    loaded = [caffe.io.load_image(path / f"{i}.png") for i in range(2)]
    np.save(path / "images.npy", loaded)
    expected = caffe.Classifier(*files, image_dims=(8, 8), **SETTINGS).predict(loaded)
    for given, rows in ((path, [0, 1]), (path / "1.png", [1]), (path / "images.npy", [0, 1])):
        assert main(["classify", str(given), str(path / "out.npy"), "-ext", "png", *words]) == 0
        np.testing.assert_allclose(np.load(path / "out.npy"), expected[rows], rtol=1e-5)
    out = capsys.readouterr().out
    assert f"CPU mode\nLoading folder: {path}\nClassifying 2 inputs.\nDone in " in out
    assert f"Saving results into {path / 'out.npy'}\n" in out


def test_center_only_scores_the_centre(folder, files):
    path, words = folder
    main(["classify", str(path / "0.png"), str(path / "out.npy"), "-center_only", *words])
    classifier = caffe.Classifier(*files, image_dims=(8, 8), **SETTINGS)
    expected = classifier.predict([caffe.io.load_image(path / "0.png")], oversample=False)
    np.testing.assert_allclose(np.load(path / "out.npy"), expected, rtol=1e-5)


def bad_npy(path):
    path.write_bytes(b"\x93NUMPY\x01\x00no header")


def cut_npy(path):
    np.save(path, np.zeros((1, 4, 4, 3)))
    path.write_bytes(path.read_bytes().replace(b"(1, 4,", b"(1, 4"))


def huge_npy(path):
    np.save(path, np.zeros((1, 4, 4, 3)))
    path.write_bytes(
        path.read_bytes().replace(b"(1, 4, 4, 3), }       ", b"(9999999, 4, 4, 3), } ")
    )


@pytest.mark.parametrize(
    ("given", "make", "message"),
    [
        ("no.png", lambda path: None, "no.png: cannot be read"),
        ("no.npy", lambda path: None, "no.npy: cannot be read as an .npy file"),
        ("bad.npy", bad_npy, "bad.npy: cannot be read as an .npy file"),
        ("cut.npy", cut_npy, "cut.npy: cannot be read as an .npy file"),
        ("huge.npy", huge_npy, "huge.npy: cannot be read as an .npy file"),
        ("flat.npy", lambda path: np.save(path, [1.0]), "flat.npy: expected numbers in an array"),
        ("text.npy", lambda path: np.save(path, [[[["a"]]]]), "text.npy: expected numbers in an"),
        ("none", lambda path: path.mkdir(), "none: holds no *.jpg; name the images' ending"),
    ],
)
def test_an_input_that_holds_no_images_is_one_error(folder, capsys, given, make, message):
    path, words = folder
    make(path / given)
    assert main(["classify", str(path / given), str(path / "out.npy"), *words]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error
    assert not (path / "out.npy").exists()
