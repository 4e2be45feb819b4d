"""Laws of layer_types/packed.py: the sums of a convolution."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from support.laws import SEED, drawn
from support.net_text import input_layer
from support.plain_path import conv, image, twins

from caffe.layer_types import packed

ROUNDING = 2e-6  # of the largest sum of absolute values

SIZES = st.tuples(st.integers(1, 4), st.integers(1, 4))


@given(
    SEED,
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 9)),  # group, inputs, outputs
    st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12)),
    st.tuples(SIZES, SIZES, SIZES, SIZES),
    st.booleans(),
)
@drawn(150)
def test_it_is_the_convolution(seed, channels, shape, window, biased):
    (group, inputs, outputs), (n, *sizes) = channels, shape
    kernel, stride, pad, dilation = window
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(all(s + 2 * p >= e for s, p, e in zip(sizes, pad, extents, strict=True)))
    # Windows that show pad alone are a layer's to avoid: test_convolution.py
    assume(dilation[1] == 1 or (sizes[1] >= dilation[1] and pad[1] < extents[1]))
    x = torch.from_numpy(image(seed, n, group * inputs, *sizes))
    weight = torch.from_numpy(image(seed + 1, group * outputs, inputs, *kernel))
    bias = torch.from_numpy(image(seed + 2, group * outputs)) if biased else None
    how = (stride, pad, dilation, group)
    laid_out = packed.packed(weight, tuple(x.shape), *how)
    ours = packed.convolve(x.contiguous(memory_format=torch.channels_last), laid_out, bias, *how)
    theirs = F.conv2d(x.double(), weight.double(), bias if bias is None else bias.double(), *how)
    sums = F.conv2d(x.double().abs(), weight.double().abs(), None, *how)
    largest = sums.max() + (0 if bias is None else bias.abs().max())
    assert (ours - theirs).abs().max() <= ROUNDING * largest


@pytest.mark.parametrize("on", [True, False])
def test_nothing_is_packed_where_onednn_is_off(monkeypatch, on):
    net, plain = twins(
        input_layer("data", 1, 3, 9, 9) + conv("y", "data", "num_output: 4 kernel_size: 5")
    )
    *_, kind = net._graph.layers
    enabled = torch.backends.mkldnn.enabled
    try:
        torch.backends.mkldnn.enabled = on
        params = [blob.data_tensor() for blob in kind.blobs]
        weight, _ = kind.arranged(params, net.blobs["data"].shape)
        assert weight.is_mkldnn == on
        net.forward()
    finally:
        torch.backends.mkldnn.enabled = enabled
    plain.forward()
    assert abs(net.blobs["y"].data - plain.blobs["y"].data).max() < 1e-5
