"""C3D's VideoSegmentationData, VideoWithVoxelTruthData, and losses of voxels."""

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import net_of, run_layer

import caffe
from caffe.feeding.mean_file import write_mean
from caffe.graph.assumed import assumed_shapes
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


FLOWS = (5, 2, 5, 6)  # 3 channels and the flow of x and y


def truth_net(fields, phase=caffe.TEST, true=2):
    fields = f'source: "list.txt" batch_size: 2 num_truth_channels: {true} {fields}'
    return net_of(
        'layers { name: "d" type: VIDEO_WITH_VOXEL_TRUTH_DATA top: "data" top: "truth" '
        f"image_data_param {{ {fields} }} }}",
        phase,
    )


@pytest.fixture
def flows(tmp_path, monkeypatch):
    """Two videos with their flows, and a list of them."""
    monkeypatch.chdir(tmp_path)
    videos = normal(0, 2, *FLOWS)
    for i, values in enumerate(videos):
        head = np.int32([1, *FLOWS]).tobytes()
        (tmp_path / f"{i}.bin").write_bytes(head + values.tobytes())
    (tmp_path / "list.txt").write_text("0.bin\n1.bin\n")
    return videos


@law("VideoWithVoxelTruthData")
def test_the_last_channels_of_a_video_are_what_is_true_of_its_pixels(flows):
    net = truth_net("mean_value: 7 scale: 0.5 is_flow: true truth_scale: 3")
    net.forward()
    agree(net.blobs["data"].data, (flows[:, :3] - 7.0) * 0.5)
    agree(net.blobs["truth"].data, flows[:, 3:])  # as it is, where nothing is cut
    scaled, clipped = "truth_scale: 3", "clip_min: -1 clip_max: 0.5"
    for fields in (scaled, clipped):
        net = truth_net(f"crop_size: 4 mirror: true is_flow: true {fields}", caffe.TRAIN)
        seen = set()
        for _ in range(12):
            net.forward()
            for data, truth, video in zip(
                net.blobs["data"].data, net.blobs["truth"].data, flows, strict=True
            ):
                a, b, step = next(
                    (a, b, step)
                    for a, b in np.ndindex(2, 3)
                    for step in (1, -1)
                    if np.array_equal(video[:3, :, a : a + 4, b : b + 4][..., ::step], data)
                )
                seen.add(step)
                true = video[3:, :, a : a + 4, b : b + 4][..., ::step].astype(np.float64)
                true[0] *= step
                expected = 3 * true if fields == scaled else np.clip((true + 1) / 1.5, 0, 1)
                agree(truth, expected)
        assert seen == {1, -1}


def test_files_of_bytes_have_truths_of_bytes(listed):
    net = truth_net("use_byte_input: true")
    net.forward()
    agree(net.blobs["data"].data, listed[:, :1])
    agree(net.blobs["truth"].data, listed[:, 1:])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", r"0\.bin: expected 5 numbers .* of 4 byte\(s\); found \[1, 3, 2, 5, 6\] and 180 b"),
        ("use_byte_input: true mirror: true", "mirror needs a crop_size"),
        ("use_byte_input: true clip_min: 1", "clip_max must be above clip_min; found 0 and 1"),
    ],
)
def test_what_is_wrong_with_truths_says_so(listed, fields, message):
    with pytest.raises(caffe.CaffeError, match=message):
        truth_net(fields)
    with pytest.raises(caffe.CaffeError, match=r"below the 3 channels of 0\.bin; found 3"):
        truth_net("use_byte_input: true", true=3)


def test_sizes_beyond_memory_are_no_reason_to_read_on(listed, tmp_path):
    (tmp_path / "0.bin").write_bytes(np.int32([1, *[1 << 16] * 4]).tobytes())
    with pytest.raises(caffe.CaffeError, match=r"0\.bin: expected 5 numbers .* and 0 bytes"):
        truth_net("use_byte_input: true")


@pytest.mark.parametrize("kind", ["VideoSegmentationData", "VideoWithVoxelTruthData"])
def test_the_files_alone_tell_of_frames(kind):
    text = f'type: "{kind}" top: "x" top: "y" image_data_param {{ crop_size: 4 batch_size: 2 }}'
    assert assumed_shapes(text_format.Parse(text, caffe_pb2.LayerParameter())) == {}
