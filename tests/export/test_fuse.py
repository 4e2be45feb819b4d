"""BatchNorm, BN, Scale and Bias worked into the layers before them."""

import numpy as np
import pytest
from support.net_text import input_layer

import caffe
from caffe.__main__ import main
from caffe.export.fuse import fuse_batchnorm


def layer(name, kind, bottom, top, body=""):
    bottoms = " ".join(f'bottom: "{each}"' for each in bottom.split())
    return f'layer {{ name: "{name}" type: "{kind}" {bottoms} top: "{top}" {body} }}'


def conv(bottom="data", top="c", fields="", kind="Convolution"):
    body = f"convolution_param {{ num_output: 4 kernel_size: 3 {fields} }}"
    return layer("conv", kind, bottom, top, body)


def ip(fields):
    body = f"inner_product_param {{ num_output: 5 {fields} }}"
    return layer("ip", "InnerProduct", "data", "c", body)


def bn(kind, body=""):
    return layer("bn", kind, "c", "c", body)


def scale(fields="bias_term: true"):
    return layer("scale", "Scale", "c", "c", f"scale_param {{ {fields} }}")


DATA = input_layer("data", 2, 4, 9, 9)
BN, SCALE = bn("BatchNorm"), scale()


def files(tmp_path, text):
    """A net of this text whose parameters are all far from what they are at first."""
    model, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    model.write_text(text)
    net = caffe.Net(str(model), caffe.TEST)
    rng = np.random.RandomState(0)
    for name, blobs in net.params.items():
        kind = net.layer_dict[name].type
        for i, blob in enumerate(blobs):
            positive = kind == "BatchNorm" or (kind == "BN" and i == 3)
            blob.data[...] = rng.uniform(0.3, 2, blob.shape) if positive else rng.randn(*blob.shape)
    net.save(weights)
    return net, model, weights


def same(net, other):
    data = np.random.RandomState(1).randn(*net.blobs["data"].shape).astype(np.float32)
    ours, theirs = (each.forward(data=data) for each in (net, other))
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, atol=3e-6 * np.abs(value).max())


CASES = {
    "in place": conv(fields="bias_term: false") + BN + SCALE,
    "with names of their own": conv(top="a", fields="pad: 1 stride: 2")
    + layer("bn", "BatchNorm", "a", "b", "batch_norm_param { eps: 1e-3 }")
    + layer("scale", "Scale", "b", "c"),
    "scale alone": conv(fields="group: 2") + SCALE,
    "one factor": conv() + scale("num_axes: 0"),
    "bias": conv(fields="bias_term: false") + layer("b", "Bias", "c", "y"),
    "depthwise": conv(kind="ConvolutionDepthwise") + BN + SCALE,
    "deconvolution": conv(fields="group: 2 stride: 2", kind="Deconvolution") + BN + SCALE,
    "inner product": ip("bias_term: false") + BN + SCALE,
    "transposed": ip("transpose: true") + SCALE,
    "pspnet's": conv() + bn("BN", "bn_param { frozen: true }"),
    "segnet's": conv() + bn("BN", "bn_param { bn_mode: INFERENCE }"),
    "nvidia's": conv() + bn("BatchNorm", "batch_norm_param { scale_bias: true }"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fused_net_computes_the_same_with_fewer_layers(tmp_path, case):
    net, model, weights = files(tmp_path, DATA + CASES[case])
    fused = fuse_batchnorm(model, weights)
    assert not fused.left
    assert [each.type for each in fused.spec.layer[:-1]] == ["Input"]
    same(net, fused.net)


def test_the_new_weights_are_the_exact_ones_rounded_once(tmp_path):
    net, model, weights = files(tmp_path, DATA + CASES["in place"])
    mean, variance, count = (blob.data.astype(np.float64) for blob in net.params["bn"])
    weight = net.params["conv"][0].data.astype(np.float64)
    scale, bias = (blob.data.astype(np.float64) for blob in net.params["scale"])
    factor = scale / np.sqrt(variance / count + 1e-5)
    new = fuse_batchnorm(model, weights).net.params["conv"]
    np.testing.assert_array_max_ulp(new[0].data, np.float32(weight * factor[:, None, None, None]))
    np.testing.assert_allclose(new[1].data, bias - mean / count * factor, rtol=1e-6)


KEPT = {
    "read elsewhere": (
        conv(top="a") + layer("bn", "BatchNorm", "a", "c") + layer("sum", "Eltwise", "a c", "y"),
        {"bn": "1 more layer"},
    ),
    "behind a relu": (
        conv() + layer("relu", "ReLU", "c", "c") + BN + SCALE,
        {"bn": "'relu' (ReLU) is no layer", "scale": "'bn' (BatchNorm)"},
    ),
    "batch statistics": (
        conv() + bn("BatchNorm", "batch_norm_param { use_global_stats: false }") + SCALE,
        {"scale": "'bn' (BatchNorm)"},
    ),
    "shared weights": (
        conv().replace("convolution_param", "param { name: 'w' } convolution_param") + SCALE,
        {"scale": "shares its weights"},
    ),
    "rows of length one": (
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "c" '
        "inner_product_param { num_output: 3 normalize: true } }" + scale(""),
        {"scale": "'ip' (InnerProduct) is no layer"},
    ),
    "along another axis": (
        conv() + scale("axis: 2 num_axes: 1"),
        {"scale": "along another axis"},
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_cannot_be_fused_stays_and_is_named(tmp_path, case):
    text, left = KEPT[case]
    net, model, weights = files(tmp_path, DATA + text)
    fused = fuse_batchnorm(model, weights)
    assert not fused.gone
    assert fused.left.keys() == left.keys()
    for name, why in left.items():
        assert why in fused.left[name]
    same(net, fused.net)


def residual():
    """Two blocks with a sum, as ResNet has them: all four BatchNorms can go."""
    text, below = DATA, "data"
    for i in range(2):
        for c, bottom in ((f"a{i}", below), (f"b{i}", f"a{i}")):
            text += conv(bottom, c, "pad: 1 bias_term: false").replace('"conv"', f'"conv_{c}"')
            text += layer(f"bn_{c}", "BatchNorm", c, c)
            text += layer(f"scale_{c}", "Scale", c, c, "scale_param { bias_term: true }")
        text += layer(f"sum{i}", "Eltwise", f"b{i} {below}", f"y{i}")
        below = f"y{i}"
    return text


def test_caffe_export_fuses_on_demand(tmp_path, capsys):
    net, model, weights = files(tmp_path, residual())
    same(net, fuse_batchnorm(model, weights).net)
    assert main(["export", "-fuse", str(model), str(weights), str(tmp_path / "net.pt2")]) == 0
    said = capsys.readouterr().out
    assert "8 layer(s) fused into 4" in said
    assert "agrees with the net" in said
