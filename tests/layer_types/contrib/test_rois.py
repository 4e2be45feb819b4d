"""ROIPooling, RegionPooling, ROIAlign and PSROIPooling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx


def c_round(value):
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def regions_of(seed, count, images, extent):
    """Some small, some upside down, some reaching outside."""
    rng = np.random.RandomState(seed)
    corners = rng.uniform(-extent / 3, extent * 1.3, (count, 4))
    corners[::2, 2:] = corners[::2, :2] + rng.uniform(0, extent / 2, (len(corners[::2]), 2))
    return np.c_[rng.randint(0, images, count), corners].astype(np.float32)


def roi_pooled(x, rois, scale, size):
    """Fast R-CNN's loop: values, and the flat place of each maximum (-1 for none)."""
    _, channels, height, width = x.shape
    out = np.zeros((len(rois), channels, *size), np.float32)
    place = np.full(out.shape, -1)
    for n, (image, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (c_round(np.float32(c) * np.float32(scale)) for c in corners)
        extent = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        bins = [np.float32(e) / np.float32(s) for e, s in zip(extent, size, strict=True)]
        for i, j in np.ndindex(*size):
            low = [int(np.floor(np.float32(k) * b)) for k, b in zip((i, j), bins, strict=True)]
            high = [int(np.ceil(np.float32(k + 1) * b)) for k, b in zip((i, j), bins, strict=True)]
            rows = range(max(low[0] + y1, 0), min(max(high[0] + y1, 0), height))
            columns = range(max(low[1] + x1, 0), min(max(high[1] + x1, 0), width))
            for c in range(channels):
                best = -np.inf
                for h in rows:
                    for w in columns:
                        if x[int(image), c, h, w] > best:
                            best = x[int(image), c, h, w]
                            place[n, c, i, j] = h * width + w
                out[n, c, i, j] = best if rows and columns else 0
    return out, place


def with_a_hole(x, rois, scale, size, offset):
    """MR-CNN's loop: values, and the flat place of each maximum (-1 where none is above 0)."""
    _, channels, height, width = x.shape
    out = np.zeros((len(rois), channels, *size), np.float32)
    place = np.full(out.shape, -1)
    half, scale, offset = np.float32(0.5), np.float32(scale), np.float32(offset)
    for n, (image, *corners) in enumerate(rois):
        ends = []
        for first, last in ((0, 2), (1, 3), (4, 6), (5, 7)):
            low = int(np.floor((corners[first] + 1 + offset) * scale + half))
            high = int(np.ceil((corners[last] + 1 - offset) * scale - half))
            ends.append((low, high) if low <= high else (int((low + high) / 2),) * 2)
        (x1, x2), (y1, y2), across, down = ends
        bins = [
            np.float32(b - a + 1) / np.float32(s)
            for (a, b), s in zip(((y1, y2), (x1, x2)), size, strict=True)
        ]
        for i, j in np.ndindex(*size):
            low = [int(np.floor(np.float32(k) * b)) for k, b in zip((i, j), bins, strict=True)]
            high = [int(np.ceil(np.float32(k + 1) * b)) for k, b in zip((i, j), bins, strict=True)]
            for c in range(channels):
                for h in range(max(low[0] + y1, 0), min(max(high[0] + y1, 0), height)):
                    for w in range(max(low[1] + x1, 0), min(max(high[1] + x1, 0), width)):
                        inside = across[0] < w < across[1] and down[0] < h < down[1]
                        if not inside and x[int(image), c, h, w] > out[n, c, i, j]:
                            out[n, c, i, j] = x[int(image), c, h, w]
                            place[n, c, i, j] = h * width + w
    return out, place


@law("RegionPooling")
@drawn(15)
@given(SEED, st.sampled_from([1, 0.3]), st.integers(1, 3), st.sampled_from([0, 1.5]))
def test_a_region_with_a_hole_is_pooled_around_it(seed, scale, parts, offset):
    x = normal(seed, 2, 2, 6, 7)
    outer, holes = (regions_of(seed + k, 5, 2, 7 / scale) for k in (0, 1))
    rois = np.c_[outer, holes[:, 1:]]
    dy = normal(seed + 2, 5, 2, parts, parts + 1)
    body = (
        f"region_pooling_param {{ pooled_h: {parts} pooled_w: {parts + 1} spatial_scale: {scale} "
        f"offset: {offset} }}"
    )
    found = run_layer("RegionPooling", body, [x, rois], diffs=[dy])
    expected, place = with_a_hole(x, rois, scale, (parts, parts + 1), offset)
    np.testing.assert_array_equal(found.y[0], expected)
    dx = np.zeros((2, 2, 42))
    for n, c, i, j in np.ndindex(*place.shape):
        if place[n, c, i, j] >= 0:
            dx[int(rois[n, 0]), c, place[n, c, i, j]] += dy[n, c, i, j]
    agree(found.dx[0].reshape(dx.shape), dx)
    with pytest.raises(caffe.CaffeError, match=r"regions R x 9; found shapes .*\(5, 5\)"):
        run_layer("RegionPooling", body, [x, outer])
    with pytest.raises(caffe.CaffeError, match="needs positive pooled_h and pooled_w, and offset"):
        run_layer("RegionPooling", "region_pooling_param { pooled_h: 2 pooled_w: 2 }", [x, rois])


def larger(rois, ratio):
    """By a part of their sides at each end; the last pixels are inside."""
    more = (rois[:, 3:] - rois[:, 1:3] + 1) * np.float32(ratio)
    return np.concatenate([rois[:, :1], rois[:, 1:3] - more, rois[:, 3:] + more], 1)


def test_a_larger_region_is_mscnns():
    x, rois = normal(0, 2, 2, 5, 6), regions_of(0, 6, 2, 12)
    body = "roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 pad_ratio: 0.25 }"
    expected, _ = roi_pooled(x, larger(rois, 0.25), 0.5, (2, 3))
    np.testing.assert_array_equal(run_layer("ROIPooling", body, [x, rois]).y[0], expected)


@drawn(15)
@given(SEED, st.sampled_from([0, 0.25]), st.sampled_from([1, 0.25]))
def test_of_roi_pooling_param_values_at_the_corners_of_parts_are_mscnns(seed, ratio, scale):
    x, rois = normal(seed, 2, 2, 5, 6), regions_of(seed, 6, 2, 6 / scale)
    body = f"pooled_h: 2 pooled_w: 3 spatial_scale: {scale} pad_ratio: {ratio}"
    found = run_layer("ROIAlign", f"roi_pooling_param {{ {body} }}", [x, rois]).y[0]
    assert found.shape == (6, 2, 3, 4)
    for n, (image, *corners) in enumerate(larger(rois, ratio)):
        x1, y1, x2, y2 = (float(corner) * scale - 0.5 for corner in corners)
        for c, i, j in np.ndindex(2, 3, 4):
            y, z = y1 + i * (y2 - y1) / 2, x1 + j * (x2 - x1) / 3
            inside = -0.5 <= y <= 4.5 and -0.5 <= z <= 5.5 and min(x2 - x1, y2 - y1) > 0
            value = bilinear(x[int(image), c].astype(np.float64), y, z) if inside else 0
            agree(found[n, c, i, j], value, 1e-3, 1e-4)


def test_roi_align_at_corners_is_written_as_onnx(tmp_path):
    x = input_layer("x", 1, 2, 12, 10) + input_layer("rois", 3, 5)
    body = "roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.25 pad_ratio: 0.2 }"
    layers = "".join(
        f'layer {{ name: "{kind}" type: "{kind}" bottom: "x" bottom: "rois" top: "{kind}" {body} }}'
        for kind in ("ROIAlign", "ROIPooling")
    )
    onnx.export(net_of(x + layers), tmp_path / "net.onnx")  # which runs it beside the net


@law("ROIPooling")
@drawn(15)
@given(SEED, st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 0.5, 0.0625]))
def test_roi_pooling_is_fast_rcnns(seed, rows, columns, scale):
    x = normal(seed, 2, 2, 5, 6).round(0)  # with ties
    rois = regions_of(seed, 4, 2, 6 / scale)
    body = f"roi_pooling_param {{ pooled_h: {rows} pooled_w: {columns} spatial_scale: {scale} }}"
    dy = normal(seed + 1, 4, 2, rows, columns)
    found = run_layer("ROIPooling", body, [x, rois], diffs=[dy])
    expected, place = roi_pooled(x, rois, scale, (rows, columns))
    np.testing.assert_array_equal(found.y[0], expected)
    dx = np.zeros((2, 2, 30))
    for n, c, i, j in np.ndindex(*place.shape):
        if place[n, c, i, j] >= 0:
            dx[int(rois[n, 0]), c, place[n, c, i, j]] += dy[n, c, i, j]
    agree(found.dx[0], dx.reshape(x.shape), floor=1e-5)


def psroi_pooled(x, rois, scale, group, classes):
    _, _, height, width = x.shape
    out = np.zeros((len(rois), classes, group, group))
    for n, (image, *corners) in enumerate(rois):
        x1, y1 = (np.float32(c_round(c)) * np.float32(scale) for c in corners[:2])
        x2, y2 = (np.float32(c_round(c) + 1) * np.float32(scale) for c in corners[2:])
        tall, wide = (max(s, np.float32(0.1)) / np.float32(group) for s in (y2 - y1, x2 - x1))
        for c, i, j in np.ndindex(classes, group, group):
            r0, r1 = int(np.floor(i * tall + y1)), int(np.ceil((i + 1) * tall + y1))
            c0, c1 = int(np.floor(j * wide + x1)), int(np.ceil((j + 1) * wide + x1))
            r0, r1 = (min(max(r, 0), height) for r in (r0, r1))
            c0, c1 = (min(max(r, 0), width) for r in (c0, c1))
            part = x[int(image), (c * group + i) * group + j, r0:r1, c0:c1].astype(np.float64)
            out[n, c, i, j] = part.mean() if part.size else 0
    return out


@law("PSROIPooling")
@drawn(15)
@given(SEED, st.integers(1, 3), st.integers(1, 2), st.sampled_from([1, 0.5, 0.0625]))
def test_psroi_pooling_is_rfcns(seed, group, classes, scale):
    x = normal(seed, 2, classes * group**2, 5, 6)
    rois = regions_of(seed, 4, 2, 6 / scale)
    body = (
        f"psroi_pooling_param {{ spatial_scale: {scale} output_dim: {classes} "
        f"group_size: {group} }}"
    )
    found = run_layer("PSROIPooling", body, [x, rois])
    agree(found.y[0], psroi_pooled(x, rois, scale, group, classes), floor=1e-5)


def bilinear(x, y, z):
    """Of (H, W); the edges count a pixel further, beyond that is 0."""
    height, width = x.shape
    if not (-1 <= y <= height and -1 <= z <= width):
        return 0
    y, z = np.clip(y, 0, height - 1), np.clip(z, 0, width - 1)
    weights = np.outer(
        np.maximum(0, 1 - np.abs(np.arange(height) - y)),
        np.maximum(0, 1 - np.abs(np.arange(width) - z)),
    )
    return (weights * x).sum()


@law("ROIAlign")
@drawn(15)
@given(SEED, st.integers(-1, 2), st.sampled_from([1, 0.5, 0.0625]))
def test_roi_align_is_the_mean_of_bilinear_values(seed, ratio, scale):
    x = normal(seed, 2, 2, 5, 6)
    rois = regions_of(seed, 4, 2, 6 / scale)
    body = f"pooled_h: 2 pooled_w: 3 spatial_scale: {scale} sampling_ratio: {ratio}"
    found = run_layer("ROIAlign", f"roi_align_param {{ {body} }}", [x, rois])
    for n, (image, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (float(corner * np.float32(scale)) for corner in corners)
        tall, wide = max(y2 - y1, 1) / 2, max(x2 - x1, 1) / 3
        rows, columns = (ratio if ratio > 0 else math.ceil(part) for part in (tall, wide))
        for c, i, j in np.ndindex(2, 2, 3):
            values = [
                bilinear(
                    x[int(image), c].astype(np.float64),
                    y1 + (i + (a + 0.5) / rows) * tall,
                    x1 + (j + (b + 0.5) / columns) * wide,
                )
                for a, b in np.ndindex(rows, columns)
            ]
            agree(found.y[0][n, c, i, j], np.mean(values), 1e-3, 1e-4)


ROI, PSROI = "pooled_h: 1 pooled_w: 1", "spatial_scale: 1 output_dim: 1 group_size: 1"


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("ROIPooling", "roi_pooling_param { }", [(1, 1, 2, 2), (1, 5)], "must be positive"),
        ("ROIAlign", "roi_align_param { }", [(1, 1, 2, 2), (1, 5)], "must be positive"),
        ("ROIAlign", "roi_pooling_param { }", [(1, 1, 2, 2), (1, 5)], "must be positive"),
        ("ROIPooling", f"roi_pooling_param {{ {ROI} }}", [(1, 1, 2, 2), (1, 3)], "regions R x 5"),
        ("ROIAlign", f"roi_align_param {{ {ROI} }}", [(1, 1, 2, 2), (1, 4)], "regions R x 5"),
        (
            "PSROIPooling",
            f"psroi_pooling_param {{ {PSROI} }}",
            [(1, 2, 2, 2), (1, 5)],
            r"group_size.2 = 1 channels",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


def test_regions_of_corners_alone_are_of_image_0():
    x, corners = normal(0, 2, 3, 6, 5), np.float32([[0, 0, 4, 3], [1, 2, 2, 5]])
    body = "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 1 }"
    found = run_layer("ROIPooling", body, [x, corners]).y[0]
    regions = np.concatenate([np.zeros((2, 1), np.float32), corners], 1)
    np.testing.assert_array_equal(found, run_layer("ROIPooling", body, [x, regions]).y[0])


def test_a_region_of_no_image_is_named():
    rois = np.float32([[2, 0, 0, 1, 1]])
    with pytest.raises(caffe.CaffeError, match="'x1' names image 2; 'x0' has 1"):
        run_layer("ROIPooling", f"roi_pooling_param {{ {ROI} }}", [np.zeros((1, 1, 2, 2)), rois])
