"""BGR2Lab, NNEnc, PriorBoost, NonGrayMask, ClassRebalanceMult and SpatialRep of colorization.

And BGR2HSV and ColorGlobalDropout of the interactive one.
"""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.layer_text import layer
from support.net_text import net_of, run_layer

import caffe


@pytest.fixture
def resources(tmp_path, monkeypatch):
    """The project's files of 20 classes of colours, and how frequent they are."""
    rng = np.random.RandomState(0)
    colours, prior = rng.uniform(-90, 90, (20, 2)), rng.dirichlet(np.ones(20))
    prior[3] = 0
    (tmp_path / "resources").mkdir()
    np.save(tmp_path / "resources/pts_in_hull.npy", colours)
    np.save(tmp_path / "resources/prior_probs.npy", prior)
    monkeypatch.chdir(tmp_path)
    return colours, prior


@law("BGR2Lab")
def test_colours_in_lab_are_those_of_the_tables():
    rgb = [[255, 255, 255], [255, 0, 0], [0, 0, 255.9], [0, 0, 0], [119, 119, 119]]
    lab = [[100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86], [0, 0, 0], [50.03, 0, 0]]
    bgr = np.float32(rgb)[:, ::-1].T[None, :, :, None]
    (top,) = run_layer("BGR2Lab", "", [bgr]).y
    np.testing.assert_allclose(top[0, :, :, 0].T, lab, atol=0.02)


@law("BGR2HSV")
@drawn()
@given(SEED)
def test_hue_saturation_and_value_are_pythons(seed):
    bgr = np.random.RandomState(seed).randint(0, 256, (2, 3, 4, 5))
    bgr[0, :, 0] = [[7], [7], [7]]
    bgr[0, :, 1, :2] = 0
    bgr[1, 1, :, 0] = bgr[1, 0, :, 0]
    (top,) = run_layer("BGR2HSV", "", [bgr + 0.5]).y
    for n, i, j in np.ndindex(2, 4, 5):
        blue, green, red = bgr[n, :, i, j] / 255
        agree(top[n, :, i, j], colorsys.rgb_to_hsv(red, green, blue))


@law("ColorGlobalDropout")
@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST])
def test_an_image_keeps_all_its_colours_or_none(phase):
    x = normal(3, 400, 2, 2, 3)
    body = "dropout_param { dropout_ratio: 0.75 } propagate_down: false"
    (top,) = run_layer("ColorGlobalDropout", body, [x], phase=phase).y
    assert top.shape == (400, 3, 2, 3)
    kept = top[:, 2:]
    assert set(np.unique(kept)) == {0, 1}
    assert (kept == kept[:, :, :1, :1]).all()
    assert abs(kept.mean() - 0.25) < 0.1
    np.testing.assert_array_equal(top[:, :2], x * kept)
    with pytest.raises(caffe.CaffeError, match=r"dropout_ratio is from 0 to 1; found 1\.5"):
        run_layer("ColorGlobalDropout", "dropout_param { dropout_ratio: 1.5 }", [x])


@pytest.mark.parametrize("shape", [(3, 5), (0, 2), (4,)])
def test_a_class_of_colours_has_an_a_and_a_b(tmp_path, shape):
    path = tmp_path / "colours.npy"
    np.save(path, np.zeros(shape))
    with pytest.raises(caffe.CaffeError, match=r"colours\.npy: needs colours Q x 2; found shape"):
        run_layer(
            "NNEnc", f'nearest_colours_param {{ colours: "{path}" }}', [np.zeros((1, 2, 1, 1))]
        )


@law("NNEnc")
def test_the_ten_nearest_classes_weigh_as_a_gaussian_of_their_distance(resources):
    x = 40 * normal(1, 2, 2, 3, 4)
    (top,) = run_layer("NNEnc", "", [x]).y
    colours, _ = resources
    points = x.astype(np.float64).transpose(0, 2, 3, 1)[..., None, :]
    square = ((points - colours) ** 2).sum(-1)
    weights = np.exp(-square / 50)
    weights[square > np.sort(square)[..., 9:10]] = 0
    expected = weights / weights.sum(-1, keepdims=True)
    assert ((top > 0).sum(1) <= 10).all()
    agree(top, expected.transpose(0, 3, 1, 2), 1e-4)
    (top,) = run_layer("NNEnc", "nearest_colours_param { neighbours: 1 }", [x]).y
    agree(top, np.moveaxis(square == square.min(-1, keepdims=True), 3, 1))
    with pytest.raises(caffe.CaffeError, match="neighbours must be positive"):
        run_layer("NNEnc", "nearest_colours_param { neighbours: 0 }", [x])


@law("PriorBoost")
def test_a_rare_class_counts_more_and_all_of_them_one_on_average(resources):
    x = normal(2, 2, 20, 3, 2)
    (top,) = run_layer("PriorBoost", "", [x]).y
    _, prior = resources
    weights = (prior > 0) / (prior / 2 + 1 / 38)
    weights /= (prior * weights).sum()
    assert top.shape == (2, 1, 3, 2)
    agree(top[:, 0], weights[x.argmax(1)], 1e-4)


@law("NonGrayMask")
def test_an_image_without_colour_is_masked():
    x = np.clip(3 * normal(3, 3, 2, 4, 5), -4.9, 4.9)
    x[1, 1, 2, 2] = -5.1
    (top,) = run_layer("NonGrayMask", "", [x]).y
    agree(top, np.ones((3, 1, 4, 5)) * np.reshape([0, 1, 0], (3, 1, 1, 1)))


@law("ClassRebalanceMult")
@drawn(3)
@given(SEED)
def test_weights_multiply_the_gradient_alone(seed):
    x, weights, diff = normal(seed, 2, 3, 2, 4), normal(seed, 2, 1, 2, 4), normal(seed, 2, 3, 2, 4)
    found = run_layer("ClassRebalanceMult", "", [x, weights], diffs=[diff])
    agree(found.y[0], x)
    agree(found.dx[0], diff * weights)


@law("SpatialRep")
def test_values_of_an_image_are_at_each_place():
    x, places, diff = normal(4, 2, 3, 1, 1), normal(5, 2, 7, 4, 5), normal(6, 2, 3, 4, 5)
    found = run_layer("SpatialRep", "", [x, places], diffs=[diff])
    agree(found.y[0], np.broadcast_to(x, (2, 3, 4, 5)))
    agree(found.dx[0], diff.sum((2, 3), keepdims=True), 1e-4)


def python(name, kind, bottoms, top):
    body = f"python_param {{ module: 'caffe_traininglayers' layer: '{kind}Layer' }}"
    return layer(name, "Python", bottoms, body, tops=top)


TRAINED = (
    layer("d", "Input", body="input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } }", tops="data")
    + python("lab", "BGR2Lab", "data", "lab")
    + layer("s", "Slice", "lab", "slice_param { axis: 1 slice_point: 1 }", tops="l ab")
    + python("enc", "NNEnc", "ab", "gt")
    + python("boost", "PriorBoost", "gt", "boost")
    + python("gray", "NonGrayMask", "ab", "mask")
    + layer("prod", "Eltwise", "boost mask", "eltwise_param { operation: PROD }")
    + layer("c", "Convolution", "l", "convolution_param { num_output: 20 kernel_size: 1 }")
    + python("re", "ClassRebalanceMult", "c prod", "re")
    + layer("loss", "SoftmaxCrossEntropyLoss", "re gt")
)


def test_a_colorization_trains_without_its_projects_layers(resources):
    net = net_of(TRAINED, caffe.TRAIN)
    net.params["c"][0].data[...] = normal(0, 20, 1, 1, 1)
    net.blobs["data"].data[...] = np.random.RandomState(0).uniform(0, 255, (2, 3, 8, 8))
    assert net.forward()["loss"] > 0
    net.backward()
    assert np.isfinite(net.params["c"][0].diff).all()
    assert net.params["c"][0].diff.any()


def test_the_interactive_project_has_one_class_for_each_pixel(resources, tmp_path):
    (tmp_path / "data/color_bins").mkdir(parents=True)
    np.save(tmp_path / "data/color_bins/pts_in_hull.npy", resources[0][:7])
    dropped = python("drop", "ColorGlobalDropout", "ab", "some").replace(
        "layer: 'C", "param_str: '0.25' layer: 'C"
    )
    text = (
        layer("d", "Input", body="input_param { shape { dim: 9 dim: 3 dim: 2 dim: 2 } }", tops="x")
        + python("hsv", "BGR2HSV", "x", "hsv")
        + layer("s", "Slice", "hsv", "slice_param { axis: 1 slice_point: 1 }", tops="l ab")
        + python("enc", "NNEnc", "ab", "gt")
        + dropped
    )
    net = net_of(text, caffe.TRAIN)
    net.blobs["x"].data[...] = np.random.RandomState(0).uniform(0, 255, (9, 3, 2, 2))
    net.forward()
    found = net.blobs["gt"].data
    assert found.shape == (9, 7, 2, 2)
    assert ((found == 1).sum(1) == 1).all()
    assert net.blobs["some"].shape == (9, 3, 2, 2)
    for wrong in ("0", "2", "x"):
        with pytest.raises(caffe.CaffeError, match=f"'drop'.*param_str '{wrong}'"):
            net_of(text.replace("0.25", wrong), caffe.TRAIN)


def test_a_file_of_the_project_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(caffe.CaffeError, match=r"'enc'.*resources/pts_in_hull.npy: cannot be read"):
        net_of(TRAINED, caffe.TRAIN)
