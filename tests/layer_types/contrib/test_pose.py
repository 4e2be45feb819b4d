"""ImResize, Nms and JointRegion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def between(v, t):
    """Keys's cubic through four values, a part t behind the second."""
    a = (-v[0] + 3 * v[1] - 3 * v[2] + v[3]) / 2
    b = v[0] - 2.5 * v[1] + 2 * v[2] - v[3] / 2
    return ((a * t + b) * t + (v[2] - v[0]) / 2) * t + v[1]


def resized(x, left_out, size):
    """A map's middle at `size`, value by value."""
    h, w = (n - 2 * out for n, out in zip(x.shape, left_out, strict=True))
    middle = x[left_out[0] : left_out[0] + h, left_out[1] : left_out[1] + w].astype(np.float64)
    top = np.zeros(size)
    for i, j in np.ndindex(*size):
        y, z = (i + 0.5) * h / size[0] - 0.5, (j + 0.5) * w / size[1] - 0.5
        above, left = max(int(y + 1e-5), 0), max(int(z + 1e-5), 0)
        rows = [np.clip(above + k, 0, h - 1) for k in (-1, 0, 1, 2)]
        columns = [np.clip(left + k, 0, w - 1) for k in (-1, 0, 1, 2)]
        lines = [between([middle[r, c] for c in columns], z - left) for r in rows]
        top[i, j] = between(lines, y - above)
    return top


@law("ImResize")
@drawn(10)
@given(SEED, st.integers(1, 3), st.sampled_from(["factor: 2", "target"]))
def test_maps_of_all_scales_are_resized_and_averaged(seed, items, size):
    x = normal(seed, items, 2, 6, 9)
    size = "target_spatial_height: 5 target_spatial_width: 11" if size == "target" else size
    body = f"imresize_param {{ {size} start_scale: 1 scale_gap: 0.25 }}"
    found = run_layer("ImResize", body, [x]).y[0]
    for c in range(2):
        each = [
            resized(x[n, c], (int(3 * 0.25 * n), int(4 * 0.25 * n)), found.shape[2:])
            for n in range(items)
        ]
        agree(found[0, c], np.mean(each, 0), 1e-3, 1e-4)


@law("Nms")
def test_peaks_exceed_their_neighbours():
    x = np.zeros((1, 3, 9, 9), np.float32)
    x[0, 0, 2, 3] = 0.9
    x[0, 0, 2, 4] = 0.3
    x[0, 0, 7, 7] = 0.8
    x[0, 0, 5, 1] = 0.05  # below the threshold
    x[0, 0, 4, 8] = 0.7  # at the edge
    x[0, 1, 3, 3] = x[0, 1, 3, 4] = 0.9  # neither exceeds the other
    body = "nms_param { threshold: 0.1 max_peaks: 1 num_parts: 2 }"
    found = run_layer("Nms", body, [x]).y[0]
    assert found.shape == (1, 2, 3, 2)
    peaks = found.reshape(1, 2, 2, 3)
    agree(peaks[0, 0, 0], [2, 0, 0])  # of which there is room for one
    weights = np.float64([0.9, 0.3, 0.05])
    agree(peaks[0, 0, 1], [weights @ [3, 4, 1] / 1.25, weights @ [2, 2, 5] / 1.25, 0.9], 1e-4)
    agree(peaks[0, 1], np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("ImResize", "", "needs a factor"),
        (
            "ImResize",
            "imresize_param { factor: 1 start_scale: 0.1 scale_gap: 1 }",
            "nothing is left",
        ),
        ("Nms", "nms_param { num_parts: 9 }", "at least num_parts 9 maps"),
        ("Nms", "nms_param { num_parts: 1 max_peaks: 0 }", "max_peaks must be positive"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros((2, 1, 4, 4))])


@law("JointRegion")
@drawn()
@given(SEED, st.integers(0, 3), st.integers(1, 6))
def test_the_part_around_a_joint_lies_in_the_image(seed, joint, wide):
    pose = normal(seed, 5, 12)
    body = (
        f"joint_region_param {{ joint_idx: {joint} roi_h: 6 roi_w: {wide} img_h: 96 img_w: 64 "
        "spatial_mul: 8 }"
    )
    found = run_layer("JointRegion", body, [pose]).y[0]
    for n, row in enumerate(found):
        expected = [n, 0, 0, 0, 0]
        for i, image, size in ((0, 64, 8 * wide), (1, 96, 48)):
            low = (float(pose[n, 3 * joint + i]) + 1) * image / 2 - size / 2
            low = max(low, 0)
            if low + size >= image - 1:
                low = image - 1 - size
            expected[1 + i], expected[3 + i] = low, low + size
        agree(row, expected, 1e-4, 1e-3)
    with pytest.raises(caffe.CaffeError, match=r"J above joint_idx 9; found shape \(5, 12\)"):
        run_layer("JointRegion", body.replace(f"joint_idx: {joint}", "joint_idx: 9"), [pose])
    with pytest.raises(caffe.CaffeError, match="roi_h must be positive; found None"):
        run_layer("JointRegion", body.replace("roi_h: 6", ""), [pose])
