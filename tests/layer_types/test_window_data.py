"""WindowData: against window_data_layer.cpp's loop written out here, and OpenCV's resizing."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.feed_data import feed_net, passes, pictures, same, write_images
from support.laws import law

import caffe
from caffe import CaffeError
from caffe.feeding import images
from caffe.feeding.mean_file import write_mean
from caffe.feeding.windows import expand, read_windows

F = np.float32
# class, overlap, x1, y1, x2, y2: foreground, background, and what is neither
WINDOWS = {
    0: [(1, 0.9, 2, 3, 12, 15), (2, 0.6, 0, 0, 19, 8), (3, 0.1, 5, 5, 9, 22), (4, 0.4, 1, 1, 5, 5)],
    1: [(5, 0.5, 10, 10, 18, 23), (6, 0.29, 3, 2, 8, 9), (0, 0, 0, 0, 19, 23)],
}


def write_windows(folder: Path, windows=WINDOWS, channels: int = 3) -> Path:
    """The window file of two images of height 24 and width 20, which are written too."""
    write_images(folder, pictures(2, 3, 24, 20))
    text = ""
    for index, rows in windows.items():
        text += f"# {index}\n{index}.png\n{channels}\n24\n20\n{len(rows)}\n"
        text += "".join(" ".join(map(str, row)) + "\n" for row in rows)
    path = folder / "windows.txt"
    path.write_text(text)
    return path


def window_net(path, param="", transform="", size=8, phase=caffe.TRAIN, seed=1):
    thresholds = "fg_threshold: 0.5 bg_threshold: 0.3 fg_fraction: 0.3"
    param = (
        f'source: "{path}" root_folder: "{path.parent}/" batch_size: {size} {thresholds} {param}'
    )
    return feed_net("WindowData", param, f"crop_size: 9 {transform}", phase=phase, seed=seed)


def c_round(x) -> int:
    x = float(x)
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def reference(image, window, crop, context_pad, square, mirror, mean, scale):
    """The body of load_batch for one window; image (H, W, 3), result (3, crop, crop)."""
    x1, y1, x2, y2 = window
    rows, cols = image.shape[:2]
    pad_w = pad_h = 0
    width = height = crop
    if context_pad > 0 or square:
        context_scale = F(crop) / F(crop - 2 * context_pad)
        half_height, half_width = F(y2 - y1 + 1) / F(2), F(x2 - x1 + 1) / F(2)
        center_x, center_y = F(x1) + half_width, F(y1) + half_height
        if square:
            if half_height > half_width:
                half_width = half_height
            else:
                half_height = half_width
        x1 = c_round(center_x - half_width * context_scale)
        x2 = c_round(center_x + half_width * context_scale)
        y1 = c_round(center_y - half_height * context_scale)
        y2 = c_round(center_y + half_height * context_scale)
        unclipped_height, unclipped_width = y2 - y1 + 1, x2 - x1 + 1
        pad_x1, pad_y1 = max(0, -x1), max(0, -y1)
        pad_x2, pad_y2 = max(0, x2 - cols + 1), max(0, y2 - rows + 1)
        x1, x2, y1, y2 = x1 + pad_x1, x2 - pad_x2, y1 + pad_y1, y2 - pad_y2
        assert x1 > -1
        assert y1 > -1
        assert x2 < cols
        assert y2 < rows
        scale_x, scale_y = F(crop) / F(unclipped_width), F(crop) / F(unclipped_height)
        width = c_round(F(x2 - x1 + 1) * scale_x)
        height = c_round(F(y2 - y1 + 1) * scale_y)
        pad_x1, pad_x2 = c_round(F(pad_x1) * scale_x), c_round(F(pad_x2) * scale_x)
        pad_h = c_round(F(pad_y1) * scale_y)
        pad_w = pad_x2 if mirror else pad_x1
        if pad_h + height > crop:
            height = crop - pad_h
        if pad_w + width > crop:
            width = crop - pad_w
    warped = images.resize(image[y1 : y2 + 1, x1 : x2 + 1], (height, width))
    if mirror:
        warped = warped[:, ::-1]
    top = np.zeros((3, crop, crop), F)
    off = 0 if mean is None else (mean.shape[2] - crop) // 2
    for h in range(height):
        for w in range(width):
            for c in range(3):
                pixel = F(warped[h, w, c])
                if mean is not None:
                    pixel = pixel - mean[c, h + off + pad_h, w + off + pad_w]
                top[c, h + pad_h, w + pad_w] = pixel * F(scale)
    return top


def possible(folder: Path, rows, crop, context_pad, square, mean, scale, mirrors) -> dict:
    """What each window can become, by label: a list of arrays."""
    found = {}
    for index, row in rows:
        image = images.read_image(folder / f"{index}.png")
        label = row[0] if row[1] >= 0.5 else 0
        for mirror in mirrors:
            array = reference(image, row[2:], crop, context_pad, square, mirror, mean, scale)
            found.setdefault(label, []).append(array)
    return found


@law("WindowData")
@pytest.mark.parametrize("cache", ["false", "true"])
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize(
    ("context_pad", "mode", "mirrors"),
    [
        (0, "warp", [False]),
        (0, "warp", [False, True]),
        (2, "warp", [False, True]),
        (0, "square", [False, True]),
        (1, "square", [False]),
    ],
)
def test_window_data_draws_warps_and_labels_as_caffe_does(
    tmp_path, context_pad, mode, mirrors, mean, cache
):
    path = write_windows(tmp_path)
    transform = f"scale: 0.5 mirror: {str(len(mirrors) == 2).lower()}"
    image = None
    if mean:
        image = np.random.RandomState(0).uniform(0, 255, (3, 13, 13)).astype(F)
        write_mean(tmp_path / "mean.binaryproto", image)
        transform += f' mean_file: "{tmp_path}/mean.binaryproto"'
    param = f'context_pad: {context_pad} crop_mode: "{mode}" cache_images: {cache}'
    ran = passes(window_net(path, param, transform), 12)
    rows = [(index, row) for index, group in WINDOWS.items() for row in group]
    rows = [(index, row) for index, row in rows if row[1] >= 0.5 or row[1] < 0.3]
    expected = possible(tmp_path, rows, 9, context_pad, mode == "square", image, 0.5, mirrors)
    unseen = {(label, i) for label, arrays in expected.items() for i in range(len(arrays))}
    for data, labels in ran:
        assert (labels > 0).tolist() == [False] * 6 + [True] * 2  # int(8 * 0.3) of foreground
        for array, label in zip(data, labels, strict=True):
            found = [i for i, a in enumerate(expected[int(label)]) if np.array_equal(a, array)]
            assert found
            unseen -= {(int(label), i) for i in found}
    assert len(unseen) <= 1  # each has come, or one of 12 at most has not


@law("WindowData")
def test_windows_that_are_not_shuffled_come_one_after_the_other(tmp_path):
    net = window_net(write_windows(tmp_path), "shuffle: false", size=4)
    labels = []
    for _ in range(2):
        net.forward()
        labels += net.blobs["label"].data.tolist()
    assert labels == [1, 2, 0, 4, 5, 0, 0, 1]  # 4 is of neither kind, 0 background
    drawn = window_net(write_windows(tmp_path), "shuffle: true", size=4)
    plain = window_net(write_windows(tmp_path), size=4)
    assert np.array_equal(drawn.forward()["data"], plain.forward()["data"])


def test_window_data_subtracts_mean_values_from_the_windows_not_from_the_padding(tmp_path):
    path = write_windows(tmp_path, {0: [(1, 1, 0, 0, 9, 9)], 1: [(0, 0, 0, 0, 9, 9)]})
    plain, less = (
        passes(window_net(path, "context_pad: 3", transform), 2, "data")
        for transform in ("", "mean_value: 1 mean_value: 2 mean_value: 3")
    )
    mean = np.array([1, 2, 3], F)[:, None, None]
    for (a,), (b,) in zip(plain, less, strict=True):
        padding = (a == 0).all((0, 1)) & (b == 0).all((0, 1))
        assert padding.any()
        assert not padding.all()
        np.testing.assert_array_equal(b, np.where(padding, 0, a - mean))


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(*[st.integers(0, 60)] * 4),
    st.tuples(st.integers(1, 61), st.integers(1, 61)),
    st.integers(5, 60),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
)
def test_an_expanded_window_fits_the_crop_and_lies_in_the_image(
    box, image, crop, context_pad, square, mirror
):
    height, width = image
    x1, x2 = sorted(min(x, width - 1) for x in box[:2])
    y1, y2 = sorted(min(y, height - 1) for y in box[2:])
    warp = expand((x1, y1, x2, y2), image, crop, context_pad, square, mirror)
    assert 0 <= warp.x1 <= warp.x2 < width
    assert 0 <= warp.y1 <= warp.y2 < height
    assert warp.pad_h >= 0
    assert warp.pad_h + warp.height <= crop
    assert warp.pad_w >= 0
    assert warp.pad_w + warp.width <= crop


@law("WindowData")
def test_window_data_repeats_and_resumes(tmp_path):
    path = write_windows(tmp_path)
    net = window_net(path, transform="mirror: true")
    first = passes(net, 3)
    position = net.layers[0].state_dict()
    expected = passes(net, 3)
    assert same(passes(window_net(path, transform="mirror: true"), 6), first + expected)
    other = window_net(path, transform="mirror: true", seed=2)
    assert not same(passes(other, 3), first)
    other.layers[0].load_state_dict(position)
    assert same(passes(other, 3), expected)


GOOD = "# 0\n0.png\n3\n24\n20\n2\n1 0.9 0 0 5 5\n0 0.1 0 0 5 5\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "windows.txt: Window file is empty"),
        (GOOD + "1\n", "image 1: expected '# index', path"),
        (GOOD.replace("#", "%"), "image 0: expected"),
        (GOOD.replace("20\n2", "20\n3"), "image 0: expected"),
        (GOOD.replace("20\n2", "20\n-2"), "image 0: expected"),
        (GOOD.replace("20\n2", "20\n" + "9" * 40), "image 0: expected"),
        (GOOD.replace("0.9", "x"), "image 0: expected"),
        (GOOD.replace("0.9", "nan"), "image 0: expected"),
        (GOOD.replace("5 5", "5 1e30"), "image 0: expected"),
        (GOOD.replace("1 0.9", "0 0.9"), "foreground window's class must be greater than 0"),
        (GOOD.replace("# 0", "# 7"), "image indices must be 0 to 0"),
        (GOOD.replace("\n3\n", "\n1\n"), "gives 1 channels"),
        (GOOD.replace("0.9", "0.1"), "has no foreground windows; of each batch 2"),
        (GOOD.replace("0.1", "0.9").replace("0 0.9", "1 0.9"), "has no background windows.* 6"),
        (GOOD.replace("0.png", "none.png"), "none.png: .*cannot be read"),
        (GOOD.replace("0 0 5 5", "0 0 5 24"), r"window \(0, 0\) to \(5, 24\) does not lie in"),
        (GOOD.replace("0 0 5 5", "5 0 4 5"), r"window \(5, 0\) to \(4, 5\) does not lie in"),
    ],
)
def test_window_files_that_are_wrong_are_refused(tmp_path, text, message):
    path = write_windows(tmp_path)
    path.write_text(text)
    with pytest.raises(CaffeError, match=f"layer 'd' .WindowData.*{message}"):
        window_net(path)


def test_a_missing_window_file_is_named(tmp_path):
    with pytest.raises(CaffeError, match=r"none\.txt: cannot be read"):
        read_windows(tmp_path / "none.txt", "", 0.5, 0.5)


@pytest.mark.parametrize(
    ("param", "transform", "size", "message"),
    [
        ("context_pad: 5", "", 8, "context_pad 5 on both sides leaves nothing of crop_size 9"),
        ("", "mean_value: 1 mean_value: 2", 8, "as many as channels: 3; found 2"),
        ("", 'mean_file: "{}"', 8, "expected 3 channels, square, and at least as large as crop"),
        ("", "", 0, "Positive batch size required"),
    ],
)
def test_window_data_refuses_parameters_that_do_not_fit(tmp_path, param, transform, size, message):
    path = write_windows(tmp_path)
    write_mean(tmp_path / "mean", np.zeros((3, 8, 8), F))
    with pytest.raises(CaffeError, match=f"layer 'd' .WindowData.*{message}"):
        window_net(path, param, transform.format(tmp_path / "mean"), size)


def test_window_data_needs_a_crop_size(tmp_path):
    param = f'source: "{write_windows(tmp_path)}" batch_size: 1'
    with pytest.raises(CaffeError, match="crop_size greater than 0"):
        feed_net("WindowData", param)


def test_a_window_file_that_windows_saved_is_read_alike(tmp_path):
    path = write_windows(tmp_path)
    plain = read_windows(path, "", 0.5, 0.3)
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode("utf-8-sig"))
    saved = read_windows(path, "", 0.5, 0.3)
    assert saved.paths == plain.paths
    np.testing.assert_array_equal(saved.foreground, plain.foreground)
