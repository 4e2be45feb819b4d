"""BGR2Lab, NNEnc, PriorBoost, NonGrayMask, ClassRebalanceMult and SpatialRep of colorization."""

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


def test_a_file_of_the_project_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(caffe.CaffeError, match=r"'enc'.*resources/pts_in_hull.npy: cannot be read"):
        net_of(TRAINED, caffe.TRAIN)
