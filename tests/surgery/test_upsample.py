"""Bilinear upsampling as the weights of a Deconvolution layer."""

import numpy as np
import pytest
from support.filled_nets import build, fill

import caffe
from caffe import layers as L
from surgery import interp, upsample_filt


@pytest.mark.parametrize("factor", [2, 3, 4, 8, 16, 32])
def test_upsample_filt_is_the_product_of_two_triangles(factor):
    size = 2 * factor - factor % 2
    filt = upsample_filt(size)
    y, x = np.ogrid[:size, :size]
    centre = (size - 1) / 2
    triangles = (1 - abs(y - centre) / factor) * (1 - abs(x - centre) / factor)
    np.testing.assert_allclose(filt, triangles, rtol=1e-12)


def test_upsample_filt_of_four():
    """Caffe's bilinear filler and the paper: 1/4, 3/4, 3/4, 1/4 along each axis."""
    line = np.array([1, 3, 3, 1]) / 4
    np.testing.assert_array_equal(upsample_filt(4), np.outer(line, line))


def deconvolution(outputs=3, factor=2, channels=3, **params):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, channels, 6, 6]))
    shape = dict(num_output=outputs, kernel_size=2 * factor, stride=factor, bias_term=False)
    n.up = L.Deconvolution(n.data, convolution_param={**shape, **params})
    return build(n)


@pytest.mark.parametrize("group", [1, 3])
def test_interp_upsamples_each_channel_linearly(group):
    """On a plane a*y + b*x + c, interpolation is exact away from the borders."""
    net = fill(deconvolution(group=group))
    interp(net, ["up"])
    y, x = np.mgrid[:6, :6]
    planes = np.stack([2.0 * y, 3.0 * x, y - x + 1.0])[None]
    up = net.forward(data=planes)["up"][0, :, 3:-3, 3:-3]
    fine_y, fine_x = np.mgrid[3:11, 3:11] / 2 - 0.75
    expected = np.stack([2 * fine_y, 3 * fine_x, fine_y - fine_x + 1])
    np.testing.assert_allclose(up, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "changes", [dict(outputs=2), dict(kernel_size=[4, 2]), dict(outputs=6, channels=4, group=2)]
)
def test_interp_refuses_weights_that_cannot_interpolate(changes):
    with pytest.raises(ValueError, match=r"layer up: weights of shape .* cannot interpolate"):
        interp(deconvolution(**changes), ["up"])


def test_interp_refuses_a_layer_that_is_not_there():
    with pytest.raises(ValueError, match="no layer 'upscore'"):
        interp(deconvolution(), ["upscore"])
