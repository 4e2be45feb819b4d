"""TorchImageTransform of py-faster-rcnn."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law
from support.net_text import run_layer

import caffe

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, to three places


@law("TorchImageTransform")
@drawn(10)
@given(SEED, SMALL)
def test_a_photograph_is_as_torch_has_it(seed, images):
    bgr = np.random.RandomState(seed).randint(0, 256, (images, 3, 4, 5)).astype(np.float64)
    x = bgr - np.array([102.9801, 115.9465, 122.7717])[:, None, None]
    rgb = bgr[:, ::-1] / 255
    expected = (rgb - np.array(MEAN)[:, None, None]) / np.array(STD)[:, None, None]
    agree(run_layer("TorchImageTransform", "", [x]).y[0], expected, 1e-2, 1e-2)


def test_the_mean_is_0_and_the_scale_the_inverse_deviation():
    mean = np.array([[0.40588363755159, 0.45624044862054, 0.48462227599918]]) * 255
    x = (mean - [[102.9801, 115.9465, 122.7717]])[:, :, None, None]
    zero, one = (run_layer("TorchImageTransform", "", [x + more]).y[0].ravel() for more in (0, 255))
    agree(zero, [0, 0, 0], floor=1e-5)
    agree(one, 1 / np.array([0.22889466674951, 0.22446679341259, 0.22495548344775]))


def test_images_have_three_channels():
    with pytest.raises(caffe.CaffeError, match=r"needs images N x 3 x H x W; found shape \(1, 4"):
        run_layer("TorchImageTransform", "", [np.zeros((1, 4, 2, 2))])
