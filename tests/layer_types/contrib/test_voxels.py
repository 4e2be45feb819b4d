"""C3D's VideoSegmentationData, VoxelSoftmax, VoxelSoftmaxLoss and VoxelCustomLoss."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import net_of, run_layer

import caffe
from caffe.feeding.mean_file import write_mean
from caffe.proto import caffe_pb2
from caffe.proto.upgrade import read_net

VIDEO = (3, 2, 5, 6)  # with its classes: channels, length, height, width


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """Two videos and their list."""
    monkeypatch.chdir(tmp_path)
    videos = np.random.RandomState(0).randint(0, 256, (2, *VIDEO)).astype(np.uint8)
    videos[:, -1] %= 4
    for i, values in enumerate(videos):
        head = np.int32([1, *VIDEO]).tobytes()
        (tmp_path / f"{i}.bin").write_bytes(head + values.tobytes())
    (tmp_path / "list.txt").write_text("0.bin\n1.bin\n")
    return videos


NET = """layers {{ name: "d" type: VIDEO_SEGMENTATION_DATA top: "data" top: "truth"
  image_data_param {{ source: "list.txt" batch_size: 2 {} }} }}
layers {{ name: "c" type: CONVOLUTION3D bottom: "data" top: "c"
  convolution_param {{ num_output: 4 kernel_size: 1 kernel_depth: 1 }} }}
layers {{ name: "loss" type: VOXEL_SOFTMAX_LOSS bottom: "c" bottom: "truth" top: "loss" }}
layers {{ name: "p" type: VOXEL_SOFTMAX bottom: "c" top: "p" }}"""


@law("VideoSegmentationData")
def test_the_last_channel_of_a_video_is_the_classes_of_its_pixels(listed):
    net = net_of(NET.format("mean_value: 7 scale: 0.5"), caffe.TEST)
    net.forward()
    agree(net.blobs["data"].data, (listed[:, :2] - 7.0) * 0.5)
    agree(net.blobs["truth"].data, listed[:, 2:])
    write_mean("mean.binaryproto", np.arange(4 * 5 * 6, dtype=np.float64).reshape(4, 5, 6))
    net = net_of(NET.format('mean_file: "mean.binaryproto" crop_size: 4 mirror: true'), caffe.TRAIN)
    net.forward()
    assert net.blobs["data"].shape == (2, 2, 2, 4, 4)
    less = listed[:, :2] - np.arange(120.0).reshape(2, 2, 5, 6)
    for data, labels, video, classes in zip(
        net.blobs["data"].data, net.blobs["truth"].data[:, 0], less, listed[:, 2], strict=True
    ):
        cuts = [
            (np.array_equal(video[..., a : a + 4, b : b + 4][..., ::step], data), a, b, step)
            for a in range(2)
            for b in range(3)
            for step in (1, -1)
        ]
        _, a, b, step = max(cuts)
        assert max(cuts)[0]
        assert np.array_equal(classes[:, a : a + 4, b : b + 4][..., ::step], labels)


@law("VoxelSoftmax", "VoxelSoftmaxLoss")
def test_each_voxel_has_its_class(listed):
    net = net_of(NET.format(""), caffe.TRAIN)
    net.params["c"][0].data[...] = 0.01 * normal(0, 4, 2, 1, 1, 1)
    loss = net.forward()["loss"]
    scores = np.exp(net.blobs["c"].data.astype(np.float64))
    p = scores / scores.sum(1, keepdims=True)
    agree(net.blobs["p"].data, p, 1e-4)
    agree(loss, -np.log(np.take_along_axis(p, listed[:, 2:].astype(int), 1)).mean(), 1e-4)


@law("VoxelCustomLoss")
@drawn(5)
@given(SEED)
def test_differences_count_up_to_one(seed):
    x, target = normal(seed, 3, 2, 2, 1, 2), 2 * normal(seed + 1, 3, 2, 2, 1, 2)
    found = run_layer("VoxelCustomLoss", "", [x, target], diffs=[1])
    apart = np.clip(x.astype(np.float64) - target, -1, 1)
    agree(found.y[0], (apart**2).mean(), 1e-4)
    agree(found.dx[0], apart / 3, 1e-4)


def test_a_file_that_is_no_video_says_what_one_has(listed, tmp_path):
    (tmp_path / "0.bin").write_bytes(b"short")
    with pytest.raises(caffe.CaffeError, match=r"0\.bin: expected 5 numbers .*found \[\] and 0 b"):
        net_of(NET.format(""), caffe.TRAIN)


def test_its_transformations_are_todays(tmp_path):
    (tmp_path / "x").write_text(NET.format('mirror: true mean_file: "m" crop_size: 3'))
    layer = read_net(tmp_path / "x").layer[0]
    assert layer.type == "VideoSegmentationData"
    assert layer.transform_param == caffe_pb2.TransformationParameter(
        mirror=True, mean_file="m", crop_size=3
    )
