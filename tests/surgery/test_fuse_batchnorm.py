"""The command that works BatchNorm into weights writes files of plain Caffe."""

import numpy as np
from support.net_text import input_layer

import caffe
from surgery.fuse_batchnorm import main

TEXT = (
    input_layer("data", 1, 2, 6, 7)
    + """
layer { name: "conv" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 3 kernel_size: 3 bias_term: false
                      weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "scale" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
layer { name: "last" type: "Scale" bottom: "c" top: "y" }
"""
)


def test_prototxt_and_caffemodel_are_written(tmp_path, capsys):
    model, weights, *out = (
        str(tmp_path / name)
        for name in ("a.prototxt", "a.caffemodel", "b.prototxt", "b.caffemodel")
    )
    (tmp_path / "a.prototxt").write_text(TEXT)
    net = caffe.Net(model, caffe.TEST)
    for blob, values in zip(net.params["bn"], ([1, 2, 3], [4, 5, 6], [2]), strict=True):
        blob.data[...] = values
    net.params["scale"][1].data[...] = [1, -1, 0.5]
    net.save(weights)
    assert main([model, weights, *out]) == 0
    assert capsys.readouterr().out == (
        "last: left as it is, for 'relu' (ReLU) is no layer whose weights could be scaled\n"
        "2 layer(s) fused into 1\n"
    )
    caffe.set_strict(True)  # plain Caffe
    try:
        fused = caffe.Net(out[0], caffe.TEST, weights=out[1])
    finally:
        caffe.set_strict(False)
    assert [layer.type for layer in fused.layers] == ["Input", "Convolution", "ReLU", "Scale"]
    data = np.random.RandomState(0).randn(1, 2, 6, 7)
    np.testing.assert_allclose(
        fused.forward(data=data)["y"], net.forward(data=data)["y"], atol=1e-6
    )


def test_a_missing_file_is_an_error(tmp_path, capsys):
    files = [str(tmp_path / name) for name in "abcd"]
    assert main(files) == 1
    assert "error: " in capsys.readouterr().err
