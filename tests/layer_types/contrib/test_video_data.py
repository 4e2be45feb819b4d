"""VideoData of SSD, C3D, video-caffe and the temporal segment networks; MultiFrameData."""

import sys
from types import ModuleType

import numpy as np
import pytest
from google.protobuf import text_format
from support.feed_data import pictures
from support.laws import law
from support.net_text import net_of

import caffe
from caffe.core.files import write_text
from caffe.feeding import images
from caffe.feeding.mean_file import write_mean
from caffe.graph.assumed import assumed_shapes
from caffe.proto import caffe_pb2


class Capture:
    """cv2.VideoCapture of files of frames that numpy has stored, and of cameras of one frame."""

    def __init__(self, source):
        self.at = 0
        if isinstance(source, int):
            self.frames = [np.full((4, 4, 3), source, np.uint8)] * 50
            return
        try:
            self.frames = list(np.load(source))
        except OSError:
            self.frames = []

    def isOpened(self):
        return bool(self.frames)

    def get(self, what):
        return {"count": len(self.frames)}[what]

    def set(self, what, value):
        assert what == "at"
        self.at = value

    def read(self):
        self.at += 1
        there = self.at <= len(self.frames)
        return there, self.frames[self.at - 1] if there else None

    def release(self):
        self.frames = []


@pytest.fixture(autouse=True)
def opencv(monkeypatch):
    """A stand-in, for the tests do without OpenCV."""
    module = ModuleType("cv2")
    module.VideoCapture = Capture
    module.CAP_PROP_FRAME_COUNT, module.CAP_PROP_POS_FRAMES = "count", "at"
    monkeypatch.setitem(sys.modules, "cv2", module)


def video(path, count=20, seed=0):
    """A file of frames (H, W, 3)."""
    frames = pictures(count, 6, 8, 3, seed=seed)
    with open(path, "wb") as file:
        np.save(file, frames)
    return frames


def folder(path, count=20, seed=0, names=("image_%04d.jpg",)):
    """A folder of frames that count from 1; as they are read again."""
    found = []
    for i in range(count):
        for k, name in enumerate(names):
            picture = images.encode(pictures(1, 6, 8, 3, seed=seed + i * len(names) + k)[0], "jpg")
            file = path / (name % (i + 1))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture)
            found.append(images.decode(picture, color=len(names) == 1))
    return np.stack(found)


def video_net(param, transform="", field="video_data_param", phase=caffe.TEST, more=""):
    return net_of(
        f'layer {{ name: "d" type: "VideoData" top: "x" top: "y" {field} {{ {param} }} '
        f"transform_param {{ {transform} }} {more} }}",
        phase,
    )


def passes(net, count):
    found = []
    for _ in range(count):
        net.forward()
        found.append((net.blobs["x"].data.copy(), net.blobs["y"].data.copy()))
    return found


def as_clip(frames):
    return frames.transpose(3, 0, 1, 2).astype(np.float32)


@law("VideoData")
@pytest.mark.parametrize("skip", [0, 2])
def test_ssds_gives_the_frames_of_a_file_again_and_again(tmp_path, skip):
    frames = video(tmp_path / "v.npy", 7).transpose(0, 3, 1, 2)[skip :: skip + 1]
    param = f'video_type: VIDEO video_file: "{tmp_path}/v.npy" skip_frames: {skip}'
    net = video_net(param, "mean_value: 5", more="data_param { batch_size: 2 }")
    found = np.concatenate([x for x, _ in passes(net, 5)])
    order = np.arange(10) % len(frames)
    np.testing.assert_array_equal(found, frames[order] - np.float32(5))
    state = {**net.layers[0].state_dict(), "item": 3}
    net.layers[0].load_state_dict(state)
    ((x, label),) = passes(net, 1)
    np.testing.assert_array_equal(x[0], frames[3 % len(frames)] - np.float32(5))
    assert label.tolist() == [0, 0]


def test_ssds_reads_cameras_and_resizes(tmp_path):
    resize = "resize_param { height: 3 width: 5 }"
    net = video_net("device_id: 7", resize, more="data_param { batch_size: 2 }")
    ((x, _),) = passes(net, 1)
    assert x.shape == (2, 3, 3, 5)
    assert (x == 7).all()


def test_video_caffes_gives_clips_of_folders(tmp_path):
    ones, others = folder(tmp_path / "a"), folder(tmp_path / "b", seed=90)
    write_text(tmp_path / "list.txt", "a 3 4\nb 1 9\n")
    param = f'source: "{tmp_path}/list.txt" root_folder: "{tmp_path}/" batch_size: 2 new_length: 4'
    net = video_net(param, "mean_value: 1 mean_value: 2 mean_value: 3")
    assert net.blobs["x"].shape == (2, 3, 4, 6, 8)
    ((x, label),) = passes(net, 1)
    mean = np.float32([1, 2, 3])[:, None, None, None]
    np.testing.assert_array_equal(x[0], as_clip(ones[2:6]) - mean)
    np.testing.assert_array_equal(x[1], as_clip(others[:4]) - mean)
    assert label.tolist() == [4, 9]


def test_video_caffes_begins_two_frames_earlier_in_a_file(tmp_path):
    frames = video(tmp_path / "v.npy")
    write_text(tmp_path / "list.txt", "v.npy 5 1\nv.npy 1 2\n")
    param = (
        f'source: "{tmp_path}/list.txt" root_folder: "{tmp_path}/" batch_size: 2 new_length: 3 '
        "sampling_rate: 2"
    )
    ((x, _),) = passes(video_net(param), 1)
    np.testing.assert_array_equal(x[0], as_clip(frames[[3, 5, 7]]))
    np.testing.assert_array_equal(x[1], as_clip(frames[[0, 2, 4]]))


@pytest.mark.parametrize("of_folder", [False, True])
def test_c3ds_gives_clips_and_takes_a_mean_of_the_whole_clip(tmp_path, of_folder):
    frames = folder(tmp_path / "v", names=("%06d.jpg",)) if of_folder else video(tmp_path / "v")
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 4 1\n")
    mean = np.arange(3 * 2 * 6 * 8, dtype=np.float32).reshape(6, 6, 8)
    write_mean(tmp_path / "mean", mean)
    text = (
        f'layers {{ name: "d" type: VIDEO_DATA top: "x" top: "y" image_data_param {{ '
        f'source: "{tmp_path}/list.txt" batch_size: 1 new_length: 2 sampling_rate: 3 crop_size: 4 '
        f'use_image: {str(of_folder).lower()} mean_file: "{tmp_path}/mean" show_data: 0 }} }}'
    )
    net = net_of(text)
    assert net.blobs["x"].shape == (1, 3, 2, 4, 4)
    ((x, _),) = passes(net, 1)
    first = 3 if of_folder else 4  # names count from 1
    clip = as_clip(frames[[first, first + 3]]) - mean.reshape(3, 2, 6, 8)
    np.testing.assert_array_equal(x[0], clip[..., 1:5, 2:6])


@pytest.mark.parametrize("of_folder", [False, True])
def test_c3ds_jitter_begins_anywhere_in_training(tmp_path, of_folder):
    frames = (
        folder(tmp_path / "v", 6, names=("%06d.jpg",)) if of_folder else video(tmp_path / "v", 6)
    )
    write_text(tmp_path / "list.txt", f"{tmp_path}/v {'6 ' if of_folder else ''}1\n")
    param = (
        f'source: "{tmp_path}/list.txt" new_length: 3 use_temporal_jitter: true '
        f"use_image: {str(of_folder).lower()}"
    )
    clips = [as_clip(frames[i : i + 3]).tobytes() for i in range(4)]
    caffe.set_random_seed(0)
    net = video_net(param, field="image_data_param", phase=caffe.TRAIN)
    assert {clips.index(x[0].tobytes()) for x, _ in passes(net, 40)} == {0, 1, 2, 3}
    net = video_net(param, field="image_data_param")
    assert {clips.index(x[0].tobytes()) for x, _ in passes(net, 3)} == {0}


def test_segments_give_frames_as_channels(tmp_path):
    frames = folder(tmp_path / "v", 11).transpose(0, 3, 1, 2)
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 11 5\n")
    param = f'source: "{tmp_path}/list.txt" num_segments: 3 new_length: 2 modality: RGB'
    ((x, label),) = passes(video_net(param), 1)
    # Of each 3 frames the two in the middle: from 1, 4, 7.
    assert label.tolist() == [5]
    expected = frames[[1, 2, 4, 5, 7, 8]].reshape(18, 6, 8)
    np.testing.assert_array_equal(x[0], expected)
    caffe.set_random_seed(0)
    starts = set()
    for x, _ in passes(video_net(param, phase=caffe.TRAIN), 30):
        segments = x[0].reshape(3, 2, 3, 6, 8)
        at = [
            next(n for n in range(11) if np.array_equal(frames[n : n + 2], segment))
            for segment in segments
        ]
        assert [n // 3 for n in at] == [0, 1, 2]
        starts.add(tuple(n % 3 for n in at))
    assert len(starts) > 4


def test_segments_of_optical_flow_have_x_and_y(tmp_path):
    frames = folder(tmp_path / "v", 5, names=("flow_x_%04d.jpg", "flow_y_%04d.jpg"))
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 5 0\n")
    param = f'source: "{tmp_path}/list.txt" modality: FLOW new_length: 5 batch_size: 1'
    ((x, _),) = passes(video_net(param), 1)
    np.testing.assert_array_equal(x[0], frames[..., 0])


def test_segments_without_a_modality_are_of_flow(tmp_path):
    frames = folder(tmp_path / "v", 5, names=("flow_x_%04d.jpg", "flow_y_%04d.jpg"))
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 5 0\n")
    param = f'source: "{tmp_path}/list.txt" num_segments: 1 new_length: 5'
    ((x, _),) = passes(video_net(param), 1)
    np.testing.assert_array_equal(x[0], frames[..., 0])


def test_ecos_segments_have_their_frames_behind_one_another(tmp_path):
    frames = folder(tmp_path / "v", 12).transpose(3, 0, 1, 2)  # C L H W
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 12 5\n")
    param = (
        f'source: "{tmp_path}/list.txt" num_segments: 2 new_length: 4 modality: RGB '
        "length_first: true"
    )
    ((x, _),) = passes(video_net(param), 1)  # of each 6 frames the four in the middle
    expected = np.stack([frames[:, 1:5], frames[:, 7:11]])
    np.testing.assert_array_equal(x[0], expected.reshape(24, 6, 8))
    ((x, _),) = passes(video_net(f"{param} step: 2 rand_step: true"), 1)
    np.testing.assert_array_equal(x[0], expected[:, :, ::2].reshape(12, 6, 8))
    caffe.set_random_seed(0)
    seen = set()
    for x, _ in passes(video_net(f"{param} step: 2 rand_step: true", phase=caffe.TRAIN), 40):
        found = x[0].reshape(2, 3, 2, 6, 8).swapaxes(1, 2).reshape(4, 3, 6, 8)
        at = [next(n for n in range(12) if np.array_equal(frames[:, n], image)) for image in found]
        assert 0 <= at[0] < at[1] < 6 <= at[2] < at[3] < 12
        seen.add((at[1] - at[0], at[3] - at[2]))
    assert seen == {(a, b) for a in (1, 2, 3) for b in (1, 2, 3)}
    with pytest.raises(caffe.CaffeError, match="divide new_length 4; found 3"):
        video_net(f"{param} step: 3")


def test_ecos_segments_repeat_the_last_frame_where_there_are_too_few(tmp_path):
    frames = folder(tmp_path / "v", 5).transpose(3, 0, 1, 2)  # C L H W
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 5 5\n")
    param = (
        f'source: "{tmp_path}/list.txt" num_segments: 2 new_length: 4 modality: RGB '
        "length_first: true"
    )
    for phase, begin in ((caffe.TEST, 0), (caffe.TRAIN, 2)):
        ((x, _),) = passes(video_net(param, phase=phase), 1)
        second = [min(begin + i, 4) for i in range(4)]
        expected = np.stack([frames[:, :4], frames[:, second]])
        np.testing.assert_array_equal(x[0], expected.reshape(24, 6, 8))


def test_ecos_flow_has_all_x_before_all_y(tmp_path):
    frames = folder(tmp_path / "v", 5, names=("flow_x/flow_x_%04d.jpg", "flow_y/flow_y_%04d.jpg"))
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 5 0\n")
    param = f'source: "{tmp_path}/list.txt" modality: FLOW new_length: 5 length_first: true step: 5'
    ((x, _),) = passes(video_net(param), 1)
    np.testing.assert_array_equal(x[0], np.concatenate([frames[::2], frames[1::2]])[..., 0])


@law("MultiFrameData")
@pytest.mark.parametrize("means", [[1, 2, 3], range(1, 19)])
def test_the_frames_of_segments_have_the_means_of_their_colours(tmp_path, means):
    frames = folder(tmp_path / "v", 11).transpose(0, 3, 1, 2)
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 11 5\n")
    net = net_of(
        'layer { name: "d" type: "MultiFrameData" top: "x" top: "y" transform_param { '
        + " ".join(f"mean_value: {mean}" for mean in means)
        + " } multi_frame_data_param { "
        f'source: "{tmp_path}/list.txt" num_segments: 3 new_length: 2 batch_size: 1 }} }}'
    )
    net.forward()
    assert net.blobs["y"].data.tolist() == [[[[5]]]]
    expected = frames[[1, 2, 4, 5, 7, 8]].reshape(18, 6, 8)
    expected = expected - np.resize(means, (18, 1, 1))
    np.testing.assert_array_equal(net.blobs["x"].data[0], expected)


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("VideoData", "", [(2, 3, 5, 9, 9), (2,)]),
        ("VideoData", "num_segments: 3", [(2, 30, 9, 9), (2,)]),
        ("VideoData", "num_segments: 3 modality: RGB", [(2, 45, 9, 9), (2,)]),
        ("VideoData", "num_segments: 3 length_first: true step: 5", [(2, 30, 9, 9), (2,)]),
        ("VideoData", "modality: RGB length_first: true step: 5", [(2, 3, 9, 9), (2,)]),
        ("MultiFrameData", "num_segments: 3", [(2, 45, 9, 9), (2, 1, 1, 1)]),
    ],
)
def test_without_the_files_the_fields_tell_the_shapes(kind, fields, expected):
    field = "video_data_param" if kind == "VideoData" else "multi_frame_data_param"
    spec = text_format.Parse(
        f'type: "{kind}" top: "x" top: "y" transform_param {{ crop_size: 9 }} {field} {{ '
        f'source: "none" batch_size: 2 new_length: 5 {fields} }}',
        caffe_pb2.LayerParameter(),
    )
    assert assumed_shapes(spec) == dict(zip("xy", expected, strict=True))


def test_segments_of_a_file_are_decoded(tmp_path):
    frames = video(tmp_path / "v", 4).transpose(0, 3, 1, 2)
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 4 0\n")
    param = f'source: "{tmp_path}/list.txt" modality: VIDEO num_segments: 2 new_length: 1'
    ((x, _),) = passes(video_net(param), 1)
    np.testing.assert_array_equal(x[0], frames[[1, 3]].reshape(6, 6, 8))


def test_a_short_video_begins_at_its_second_frame_for_each_segment(tmp_path):
    frames = folder(tmp_path / "v", 5).transpose(0, 3, 1, 2)
    write_text(tmp_path / "list.txt", f"{tmp_path}/v 4 0\n")
    param = f'source: "{tmp_path}/list.txt" num_segments: 2 new_length: 3 modality: RGB'
    ((x, _),) = passes(video_net(param), 1)
    np.testing.assert_array_equal(x[0], np.concatenate([frames[1:4]] * 2).reshape(18, 6, 8))


def test_clips_are_shuffled_cut_and_mirrored_as_images_are(tmp_path):
    frames = folder(tmp_path / "v", 5)
    write_text(tmp_path / "list.txt", "".join(f"{tmp_path}/v {n} {n}\n" for n in range(1, 5)))
    param = f'source: "{tmp_path}/list.txt" new_length: 2 shuffle: true batch_size: 4'
    caffe.set_random_seed(0)
    net = video_net(param, "crop_size: 4 mirror: true", phase=caffe.TRAIN)
    seen = set()
    for x, label in passes(net, 10):
        assert sorted(label.tolist()) == [1, 2, 3, 4]
        for clip, number in zip(x, label.astype(int), strict=True):
            whole = as_clip(frames[number - 1 : number + 1])
            where = [
                (i, j, turn)
                for i, j in np.ndindex(3, 5)
                for turn in (1, -1)
                if np.array_equal(clip, whole[..., i : i + 4, j : j + 4][..., ::turn])
            ]
            assert len(where) == 1
            seen |= set(where)
    assert len(seen) > 10


def test_frames_may_be_resized_and_gray(tmp_path):
    frames = video(tmp_path / "v.npy")
    write_text(tmp_path / "list.txt", f"{tmp_path}/v.npy 2 1\n")
    param = f'source: "{tmp_path}/list.txt" new_height: 3 new_width: 4 is_color: false'
    ((x, _),) = passes(video_net(param), 1)
    expected = images.resize(images.gray(frames[0]), (3, 4))
    np.testing.assert_array_equal(x[0, 0, 0], expected[..., 0])


def listed(tmp_path, text):
    write_text(tmp_path / "list.txt", text)
    return f'source: "{tmp_path}/list.txt"'


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("a 1\n", "", "list.txt:1: expected a path, a number and a class; found 'a 1'"),
        ("a 1 x\n", "", "found 'a 1 x'"),
        ("\n", "", "the list is empty"),
        ("{}/v 1 1\n", "new_length: 0", "new_length must be positive; found 0"),
        ("{}/v 1 1\n", "sampling_rate: 0", "sampling_rate must be positive"),
        ("{}/v 1 1\n", "new_height: 3", "new_height and new_width"),
        ("{}/v 1 1\n", "num_segments: 0", "num_segments must be positive"),
        (
            "{}/v 1 1\n",
            'modality: RGB name_pattern: "frame"',
            "name_pattern 'frame'; expected one like image_",
        ),
        ("{}/v 1 1\n", 'modality: FLOW name_pattern: "%d"', "expected one like flow_%c_%04d.jpg"),
        ("{}/v 1 1\n", "modality: WEBCAM", "modality is RGB, FLOW or VIDEO"),
        ("{}/v 1 1\n", "batch_size: 0", "batch_size 0"),
        ("{}/v 19 1\n", "new_length: 5", "frame 20 cannot be read; expected 5 frames from 17 to"),
        ("{}/v 1\n", "new_length: 30 use_temporal_jitter: true", "has 20 frames; a clip needs 30"),
        ("{}/none 1 1\n", "", "none: cannot be opened as a video"),
    ],
)
def test_what_is_wrong_with_clips_says_so(tmp_path, text, fields, message):
    video(tmp_path / "v")
    with pytest.raises(caffe.CaffeError, match=message) as error:
        video_net(f"{listed(tmp_path, text.format(tmp_path))} {fields}")
    assert "layer 'd' (VideoData)" in str(error.value)


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("video_type: VIDEO", "video_type VIDEO needs a video_file"),
        ('video_type: VIDEO video_file: "none"', "none: cannot be opened as a video"),
        ('video_type: VIDEO video_file: "{}/v" skip_frames: 20', "skip_frames leaves none"),
    ],
)
def test_what_is_wrong_with_a_video_says_so(tmp_path, param, message):
    video(tmp_path / "v")
    with pytest.raises(caffe.CaffeError, match=message):
        video_net(param.format(tmp_path), more="data_param { batch_size: 1 }")


def test_without_opencv_videos_name_the_cure(tmp_path, monkeypatch):
    video(tmp_path / "v")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(caffe.CaffeError, match="pip install opencv-python-headless, or take fold"):
        video_net(listed(tmp_path, f"{tmp_path}/v 1 1\n"))


def test_a_mean_of_another_size_says_so(tmp_path):
    folder(tmp_path / "v")
    write_mean(tmp_path / "mean", np.zeros((3, 6, 8)))
    param = listed(tmp_path, f"{tmp_path}/v 1 1\n") + " new_length: 2"
    with pytest.raises(caffe.CaffeError, match=r"has 144 values; a clip of .* needs 288"):
        video_net(param, f'mean_file: "{tmp_path}/mean"')
    with pytest.raises(caffe.CaffeError, match="mean_file and mean_value at the same time"):
        video_net(param, f'mean_file: "{tmp_path}/mean" mean_value: 1')
    with pytest.raises(caffe.CaffeError, match="no resize_param and noise_param for clips"):
        video_net(param, "resize_param { height: 3 width: 3 }")


def test_c3ds_mean_value_is_one_for_all(tmp_path):
    frames = video(tmp_path / "v")
    param = listed(tmp_path, f"{tmp_path}/v 0 1\n") + " mean_value: 3"
    ((x, _),) = passes(video_net(param, field="image_data_param"), 1)
    np.testing.assert_array_equal(x[0], as_clip(frames[:1]) - 3)
