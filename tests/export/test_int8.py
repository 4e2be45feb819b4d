"""`caffe quantize`: ONNX of 8-bit products, with ranges taken from images."""

import re

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from PIL import Image
from support.net_text import input_layer
from support.small_detectors import ssd

import caffe
from caffe.__main__ import main

CONV = (
    'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param '
    '{ num_output: 8 kernel_size: 3 bias_term: false weight_filler { type: "xavier" } } }'
    'layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }'
    'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }'
)
SCORES = (
    'layer { name: "score" type: "Convolution" bottom: "conv" top: "score" convolution_param '
    '{ num_output: 5 kernel_size: 1 weight_filler { type: "xavier" } } }'
    'layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }'
)
MEAN = ["-mean_value", "104,117,123"]


def world(tmp_path, text, images=3):
    """A net's files of drawn weights, and a folder of photographs' like: the command's words."""
    (tmp_path / "net.prototxt").write_text(text)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    for blobs in net.params.values():
        if len(blobs) == 3:  # BatchNorm's
            blobs[1].data[...], blobs[2].data[...] = np.linspace(500, 9000, blobs[1].count), 1
    net.save(tmp_path / "net.caffemodel")
    (tmp_path / "images").mkdir()
    rng = np.random.RandomState(0)
    for i in range(images):
        pixels = rng.randint(0, 200, (20, 24, 3)).astype(np.uint8)
        pixels[0, 0] = 0, 128, 255
        Image.fromarray(pixels).save(tmp_path / "images" / f"{i}.png")
    names = ["net.prototxt", "net.caffemodel", "images", "net.onnx"]
    return net, ["quantize", *(str(tmp_path / name) for name in names), "-ext", "png"]


def inputs(tmp_path, i):
    rgb = np.asarray(Image.open(tmp_path / "images" / f"{i}.png")).astype(np.float32)
    return (rgb[:, :, ::-1] - (104, 117, 123)).transpose(2, 0, 1)[None].astype(np.float32)


def test_a_net_is_written_in_integers_and_told_how_far_it_is(tmp_path, capsys):
    net, words = world(tmp_path, input_layer("data", 1, 3, 20, 24) + CONV + SCORES)
    assert main([*words, *MEAN]) == 0
    said = capsys.readouterr().out
    assert "prob: differs from the net's by " in said
    assert "net.onnx: written, of the ranges of 3 image(s)" in said
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    apart, size, other = 0, 0, []
    for i in range(3):
        data = inputs(tmp_path, i)
        ours = net.forward(data=data)["prob"]
        (theirs,) = session.run(["prob"], {"data": data})
        apart, size = apart + np.abs(theirs - ours).sum(), size + ours.sum()
        other.append((theirs.argmax(1) != ours.argmax(1)).mean())
    assert 0 < apart / size < 0.03
    found = re.search(r"by (\S+)% of its mean size; (\S+)% have another highest channel", said)
    assert float(found[1]) == pytest.approx(100 * apart / size, rel=0.05)
    assert float(found[2]) == pytest.approx(100 * np.mean(other), abs=0.0051)
    assert np.mean(other) < 0.05


def test_other_heights_and_widths_stay_open(tmp_path):
    net, words = world(tmp_path, input_layer("data", 1, 3, 20, 24) + CONV + SCORES)
    assert main([*words, *MEAN]) == 0
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    data = np.random.RandomState(1).uniform(-100, 100, (1, 3, 31, 17)).astype(np.float32)
    (theirs,) = session.run(["prob"], {"data": data})
    net.blobs["data"].reshape(*data.shape)
    ours = net.forward(data=data)["prob"]
    assert theirs.shape == ours.shape
    assert np.abs(theirs - ours).mean() < 0.03 * ours.mean()


def test_weights_have_a_scale_for_each_output_and_inputs_the_range_of_the_images(tmp_path):
    """A BatchNorm is in the weights; 128 stands for 0 in these."""
    net, words = world(tmp_path, input_layer("data", 1, 3, 20, 24) + CONV + SCORES)
    assert main([*words, *MEAN]) == 0
    model = onnx.load(tmp_path / "net.onnx")
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert not any(node.op_type == "BatchNormalization" for node in model.graph.node)
    values = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    nodes = {node.output[0]: node for node in model.graph.node}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert [node.op_type for node in model.graph.node].count("Softmax") == 1
    assert len(convolutions) == 2
    integers, scales, zeros = (values[name] for name in nodes[convolutions[0].input[1]].input)
    variance = net.params["bn"][1].data + 1e-5
    weights = net.params["conv"][0].data / np.sqrt(variance)[:, None, None, None]
    assert integers.dtype == np.uint8
    assert (zeros == 128).all()
    largest = np.abs(weights).reshape(8, -1).max(1)
    np.testing.assert_allclose(scales, 2 * largest / 255, rtol=1e-4)
    back = (integers - 128.0) * scales[:, None, None, None]
    assert (np.abs(back - weights) <= scales[:, None, None, None] * 1.001).all()
    seen = np.stack([inputs(tmp_path, i) for i in range(3)])
    (quantized,) = (node for node in model.graph.node if node.input[0] == "data")
    assert quantized.op_type == "QuantizeLinear"
    np.testing.assert_allclose(
        values[quantized.input[1]], (seen.max() - seen.min()) / 255, rtol=1e-5
    )


@pytest.mark.long
def test_what_is_found_is_told_but_not_compared(tmp_path, capsys):
    _, words = world(tmp_path, ssd())
    assert main([*words, *MEAN]) == 0
    assert "found: has rows by their scores, which are not compared" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    data = np.zeros((1, 3, 32, 48), np.float32)
    assert session.run(["found"], {"data": data})[0].shape[3] == 7


def test_a_batch_takes_the_last_images_with_the_first_again(tmp_path, capsys):
    _, words = world(tmp_path, input_layer("data", 2, 3, 20, 24) + CONV + SCORES)
    assert main([*words, *MEAN]) == 0
    assert "of the ranges of 3 image(s)" in capsys.readouterr().out


def test_a_net_of_gray_images(tmp_path):
    """Here resized from other ones: 13 x 9."""
    _, words = world(tmp_path, input_layer("data", 1, 1, 13, 9) + CONV + SCORES)
    assert main([*words, "-mean_value", "100"]) == 0
    (given,) = onnxruntime.InferenceSession(tmp_path / "net.onnx").get_inputs()
    assert given.shape[1] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({4: "net.pt2"}, r"net\.pt2: writes \.onnx; found '\.pt2'"),
        ({3: "."}, "holds no .*; name the images' ending"),
        ({3: "net.prototxt"}, "net.prototxt"),
        ({2: "absent.caffemodel"}, "absent.caffemodel"),
    ],
)
def test_what_does_not_go_is_named_and_nothing_written(
    tmp_path, capsys, monkeypatch, change, message
):
    _, words = world(tmp_path, input_layer("data", 1, 3, 20, 24) + CONV + SCORES)
    monkeypatch.chdir(tmp_path)
    for place, word in change.items():
        words[place] = word
    assert main([*words, *MEAN]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert not list(tmp_path.glob("*.onnx")) + list(tmp_path.glob("*.pt2"))


def test_a_mean_of_other_channels_and_a_net_of_two_inputs_are_named(tmp_path, capsys):
    _, words = world(tmp_path, input_layer("data", 1, 3, 20, 24) + CONV + SCORES)
    assert main([*words, "-mean_value", "104,117"]) == 1
    assert "Mean channels incompatible with input: 2, not 3" in capsys.readouterr().err
    two = input_layer("data", 1, 3, 20, 24) + input_layer("more", 1, 3, 20, 24) + CONV
    (tmp_path / "net.prototxt").write_text(two)
    assert main([*words, *MEAN]) == 1
    assert "needs one input, N x K x H x W, for images; has 'data' (1, 3, 20, 24), 'more'" in (
        capsys.readouterr().err
    )
