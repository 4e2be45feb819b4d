"""Laws of infer.Predictor: a net is known by its weights, and labels images of any size."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support import tiny_fcn

import caffe
import infer
import nets
from infer.predictor import first_highest

RGB = np.random.RandomState(0).randint(0, 256, (7, 5, 3)).astype(np.uint8)
PHOTO = np.random.RandomState(1).randint(0, 256, (40, 50, 3)).astype(np.uint8)
MEAN = (104.00699, 116.66877, 122.67892)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("nets")


@pytest.fixture(scope="module")
def fcn8s(folder):
    return tiny_fcn.write_weights(folder, "fcn8s", 4)


NAMES = ["ground", "cat", "dog", "tree"]


def predictor(net, weights, classes=NAMES):
    return infer.Predictor(net, weights, mean=MEAN, classes=classes)


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
