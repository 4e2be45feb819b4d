"""PSROIAlign, DeformablePSROIPooling and DFMBPSROIAlign."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx

ALIGN = "psroi_align_param {{ spatial_scale: {} output_dim: {} group_size: {} sample_num: {} }}"
POOL = "psroi_pooling_param {{ spatial_scale: {} output_dim: {} group_size: {} }}"


def c_round(value):
    return math.copysign(math.floor(abs(value) + 0.5), value)


def regions_of(seed, count, images, extent):
    """Some upside down, some reaching outside."""
    rng = np.random.RandomState(seed)
    corners = rng.uniform(-extent / 3, extent * 1.3, (count, 4))
    corners[::2, 2:] = corners[::2, :2] + rng.uniform(0, extent / 2, (len(corners[::2]), 2))
    return np.c_[rng.randint(0, images, count), corners].astype(np.float32)


def bilinear(x, y, z):
    """Of (H, W), inside."""
    rows, columns = (np.maximum(0, 1 - abs(np.arange(x.shape[i]) - (y, z)[i])) for i in (0, 1))
    return rows @ x.astype(np.float64) @ columns


def close(found, expected, apart):
    """Up to values at the border of what counts, which float32 puts on either side."""
    wrong = np.abs(found - expected) > 1e-4
    assert wrong.mean() <= apart, (found[wrong], expected[wrong])


@law("PSROIAlign", "PSROIAlignPooling")
@drawn(15)
@given(SEED, st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 0.3]))
def test_psroi_align_has_values_inside_of_each_part(seed, group, count, scale):
    x, rois = normal(seed, 2, 2 * group**2, 5, 6), regions_of(seed, 5, 2, 6 / scale)
    body = ALIGN.format(scale, 2, group, count)
    found = run_layer(["PSROIAlign", "PSROIAlignPooling"][seed % 2], body, [x, rois]).y[0]
    expected = np.zeros(found.shape)
    for n, c, i, j in np.ndindex(*found.shape):
        image, x1, y1, x2, y2 = rois[n].astype(np.float64)
        part = x[int(image), (c * group + i) * group + j]
        spans = []
        for first, last, at, length in ((y1, y2, i, 5), (x1, x2, j, 6)):
            size = max((last + 1 - first) * scale, 0.1) / group
            begin, end = (np.clip(first * scale + k * size, 0, length - 1) for k in (at, at + 1))
            places = [begin + (k + 1) * size / (count + 1) for k in range(count)]
            spans.append([place for place in places if place < end])
        values = [bilinear(part, y, z) for y in spans[0] for z in spans[1]]
        expected[n, c, i, j] = sum(values) / count**2
    close(found, expected, 0.05)


@drawn(15)
@given(SEED, st.integers(1, 3), st.sampled_from([1, 0.3]))
def test_of_psroi_pooling_param_four_values_count(seed, group, scale):
    x, rois = normal(seed, 2, 2 * group**2, 5, 6), regions_of(seed, 5, 2, 6 / scale)
    found = run_layer("PSROIAlign", POOL.format(scale, 2, group), [x, rois]).y[0]
    expected = np.zeros(found.shape)
    for n, c, i, j in np.ndindex(*found.shape):
        image, x1, y1, x2, y2 = rois[n].astype(np.float64)
        tall, wide = ((b - a) * scale / group for a, b in ((y1, y2), (x1, x2)))
        if tall <= 0 or wide <= 0:
            continue
        for a, b in np.ndindex(2, 2):
            y, z = y1 * scale + (i + 0.25 + a / 2) * tall, x1 * scale + (j + 0.25 + b / 2) * wide
            if 0 <= y <= 4 and 0 <= z <= 5:
                expected[n, c, i, j] += (
                    bilinear(x[int(image), (c * group + i) * group + j], y, z) / 4
                )
    close(found, expected, 0.05)


APOLLOS = (
    "dfmb_psroi_pooling_param {{ heat_map_a: {0} output_dim: 4 group_height: {1} group_width: 2 "
    "pooled_height: 2 pooled_width: {1} pad_ratio: {2} sample_per_part: {3} heat_map_b: 0.5 "
    "part_height: 1 part_width: 2 trans_std: 0.3 }}"
)


@law("DFMBPSROIAlign")
@drawn(15)
@given(
    *(SEED, st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 3])),
    *(st.sampled_from([0, 0.2]), st.integers(0, 2)),
)
def test_apollos_parts_begin_at_whole_pixels(seed, group, count, stride, pad, kinds):
    """A region's parts are 2 x `group`, of `group` x 2 groups; they move where there are kinds."""
    x, rois = normal(seed, 2, 8 * group, 5, 6), regions_of(seed, 6, 2, 6 * stride)
    rois[1, 0] = -1  # of no image
    moves = normal(seed + 1, 6, 2 * kinds, 1, 2)
    bottoms = [x, rois, moves] if kinds else [x, rois]
    found = run_layer("DFMBPSROIAlign", APOLLOS.format(stride, group, pad, count), bottoms).y[0]
    expected = np.zeros((6, 4, 2, group))
    around = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    for n, c, i, j in np.ndindex(*expected.shape):
        image, x1, y1, x2, y2 = rois[n].astype(np.float64)
        if image < 0:
            continue
        spans = []
        for axis, first, last, at, parts, length in (
            (1, y1, y2, i, 2, 5),
            (0, x1, x2, j, group, 6),
        ):
            more = (last - first + 1) * pad
            begin, end = (first - more - 0.5) / stride, (last + more - 0.5) / stride
            extent = max(end - begin, 0.1)
            begin += at * extent / parts
            if kinds:
                of = 2 * (c // (4 // kinds)) + axis
                begin += 0.3 * extent * moves[n, of, 0, j * 2 // group]
            step = extent / parts / count
            places = [math.trunc(begin) + (k + 0.5) * step for k in range(count)]
            spans.append([place for place in places if -1 < place < length])
        part = around[int(image), (c * group + i * group // 2) * 2 + j * 2 // group]
        values = [bilinear(part, y + 1, z + 1) for y in spans[0] for z in spans[1]]
        expected[n, c, i, j] = sum(values) / max(len(values), 1)
    close(found, expected, 0.05)


def test_apollos_fields_have_their_forks_defaults():
    rois = np.float32([[0, 0, 0, 14, 14]])
    x = np.random.RandomState(0).standard_normal((1, 49, 16, 16)).astype(np.float32)
    few = "dfmb_psroi_pooling_param { heat_map_a: 1 output_dim: 1"
    sizes = " ".join(
        f"{of}_{side}: 7" for of in ("group", "pooled") for side in ("height", "width")
    )
    found = run_layer("DFMBPSROIAlign", f"{few} }}", [x, rois]).y[0]
    assert found.shape == (1, 1, 7, 7)
    body = f"{few} {sizes} sample_per_part: 4 }}"
    np.testing.assert_array_equal(run_layer("DFMBPSROIAlign", body, [x, rois]).y[0], found)
    for wrong, said in (("pooled_width: 0", "found 0"), ("pad_ratio: -1", "found -1")):
        with pytest.raises(caffe.CaffeError, match=said):
            run_layer("DFMBPSROIAlign", f"{few} {wrong} }}", [x, rois])
    for shape in ((1, 2, 7, 6), (1, 3, 7, 7), (2, 2, 7, 7), (1, 0, 7, 7), (1, 4, 7, 7)):
        with pytest.raises(caffe.CaffeError, match="needs moves R x 2 K x 7 x 7 for 1 regions"):
            run_layer("DFMBPSROIAlign", f"{few} }}", [x, rois, np.zeros(shape)])


@drawn(15)
@given(SEED)
def test_apollos_moves_learn_as_if_no_place_were_cut_off(seed):
    rng = np.random.RandomState(seed)
    x = np.broadcast_to(2 * np.arange(9) + 3 * np.arange(9)[:, None], (1, 1, 9, 9))
    moves, rois = rng.uniform(-0.1, 0.1, (1, 2, 1, 1)), np.float32([[0, 2, 2, 6, 5]])
    body = (
        "dfmb_psroi_pooling_param { heat_map_a: 1 output_dim: 1 group_height: 1 group_width: 1 "
        "pooled_height: 1 pooled_width: 1 part_height: 1 part_width: 1 trans_std: 0.5 }"
    )
    dx = run_layer("DFMBPSROIAlign", body, [x, rois, moves], diffs=[np.ones((1, 1, 1, 1))]).dx
    # 4 and 3 pixels wide and high; on a slope the derivative is the slope everywhere.
    np.testing.assert_allclose(dx[2].ravel(), [0.5 * 4 * 2, 0.5 * 3 * 3], rtol=1e-5)


def deformed(x, rois, trans, scale, classes, group, part_size, samples, std):
    """As the paper's code goes through it, in float64.

    NaN where float32 may see a place on the other side of the border of what counts.
    """
    out = np.zeros((len(rois), classes, group, group))
    for n, c, i, j in np.ndindex(*out.shape):
        image, *corners = rois[n].astype(np.float64)
        x1, y1 = (c_round(at) * scale - 0.5 for at in corners[:2])
        wide, tall = (
            max((c_round(b) + 1) * scale - 0.5 - a, 0.1)
            for a, b in zip((x1, y1), corners[2:], strict=True)
        )
        dx = dy = 0.0
        if trans is not None:
            of = c // (classes // (trans.shape[1] // 2))
            at = i * part_size // group, j * part_size // group
            dx, dy = (trans[n, 2 * of + k, at[0], at[1]] * std for k in (0, 1))
        values = []
        for a, b in np.ndindex(samples, samples):
            y = y1 + i * tall / group + dy * tall + a * tall / group / samples
            z = x1 + j * wide / group + dx * wide + b * wide / group / samples
            inside = min(y + 0.5, x.shape[2] - 0.5 - y, z + 0.5, x.shape[3] - 0.5 - z)
            if abs(inside) < 1e-5:
                values.append(np.nan)
            elif inside > 0:
                y, z = np.clip(y, 0, x.shape[2] - 1), np.clip(z, 0, x.shape[3] - 1)
                values.append(bilinear(x[int(image), (c * group + i) * group + j], y, z))
        out[n, c, i, j] = np.mean(values) if values else 0
    return out


def deformable(scale, classes, group, more):
    return (
        f"deformable_psroi_pooling_param {{ spatial_scale: {scale} output_dim: {classes} "
        f"group_size: {group} {more} }}"
    )


@law("DeformablePSROIPooling")
@drawn(15)
@given(SEED, st.integers(1, 3), st.sampled_from([1, 2, 4]), st.booleans(), st.integers(1, 3))
def test_deformable_pooling_moves_its_parts(seed, group, sets, without, samples):
    scale, classes = 0.37, 4
    x, rois = normal(seed, 2, classes * group**2, 5, 6), regions_of(seed, 5, 2, 6 / scale)
    part_size = 1 + seed % 3
    trans = normal(seed + 1, 5, 2 * sets, part_size, part_size)
    more = f"part_size: {part_size} sample_per_part: {samples} trans_std: 0.3"
    more += " no_trans: true" if without else ""
    inputs = [x, rois] if without else [x, rois, trans]
    found = run_layer("DeformablePSROIPooling", deformable(scale, classes, group, more), inputs).y[
        0
    ]
    moved = None if without else trans
    expected = deformed(x, rois, moved, scale, classes, group, part_size, samples, 0.3)
    told = np.isfinite(expected)
    close(found[told], expected[told], 0)


@pytest.mark.parametrize(
    ("kind", "body", "bottoms"),
    [
        # These two leave in tests/export/test_runtimes.py too, of any batch.
        pytest.param("PSROIAlign", ALIGN.format(0.5, 2, 2, 2), 2, marks=pytest.mark.long),
        ("PSROIAlign", POOL.format(0.5, 2, 2), 2),
        pytest.param(
            "DeformablePSROIPooling",
            *(deformable(0.5, 2, 2, "trans_std: 0.1 sample_per_part: 2"), 3),
            marks=pytest.mark.long,
        ),
    ],
)
def test_it_is_written_as_onnx(tmp_path, kind, body, bottoms):
    shapes = [(2, 8, 9, 8), (3, 5), (3, 4, 2, 2)][:bottoms]
    text = "".join(input_layer(f"x{i}", *shape) for i, shape in enumerate(shapes))
    names = " ".join(f'bottom: "x{i}"' for i in range(bottoms))
    text += f'layer {{ name: "l" type: "{kind}" {names} top: "y" {body} }}'
    onnx.export(net_of(text), tmp_path / "net.onnx")  # which runs it beside the net


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("PSROIAlign", "", [(1, 1, 2, 2), (1, 5)], "must be positive; found 0, 0 and 0"),
        ("PSROIAlign", ALIGN.format(1, 1, 1, 0), [(1, 1, 2, 2), (1, 5)], "sample_num .*found 0"),
        ("PSROIAlign", ALIGN.format(1, 1, 2, 1), [(1, 1, 2, 2), (1, 5)], "= 4 channels"),
        ("DeformablePSROIPooling", deformable(1, 1, 1, ""), [(1, 1, 2, 2), (1, 5)], "no_trans"),
        (
            "DeformablePSROIPooling",
            deformable(1, 3, 1, ""),
            [(1, 3, 2, 2), (1, 5), (1, 4, 1, 1)],
            "a divisor of output_dim 3",
        ),
        (
            "DeformablePSROIPooling",
            deformable(1, 1, 1, "sample_per_part: 0"),
            [(1, 1, 2, 2), (1, 5), (1, 2, 1, 1)],
            "sample_per_part .*found 0",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


def test_values_between_pixels_are_exact_on_a_plane():
    y, x = np.mgrid[0:5, 0:6].astype(np.float32)
    rois = np.float32([[0, 1, 1, 3, 3]])
    found = run_layer("PSROIAlign", ALIGN.format(1, 1, 1, 1), [(2 * y + x)[None, None], rois])
    agree(found.y[0].flatten(), [2 * 2.5 + 2.5])


def test_a_part_at_a_pixel_itself_does_not_move():
    """So Dai et al.'s code has it; a net that begins with offsets of 0 is there often."""
    x, rois = normal(0, 1, 1, 5, 5), np.array([[0, 3, 3, 3, 3]])
    # The place (2.5, 2.5), moved by 0.5: pixel (3, 3).
    body = deformable(1, 1, 1, "trans_std: 0.5")
    bottoms, diffs = [x, rois, np.ones((1, 2, 1, 1))], [np.ones((1, 1, 1, 1))]
    found = run_layer("DeformablePSROIPooling", body, bottoms, diffs=diffs)
    agree(found.y[0], x[:, :, 3:4, 3:4])
    assert not found.dx[2].any()
    bottoms[2] = np.full((1, 2, 1, 1), 1.1)
    found = run_layer("DeformablePSROIPooling", body, bottoms, diffs=diffs)
    assert found.dx[2].all()
