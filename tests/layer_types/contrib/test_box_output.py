"""BoxOutput, DecodeBBox and BboxAccuracy of MS-CNN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx

FIELDS = [(20, 30, 8), (40, 60, 16)]  # width, height, stride


def body(fields=FIELDS, reg="", **param):
    each = " ".join(
        f"field_w: {w} field_h: {h} downsample_rate: {stride}" for w, h, stride in fields
    )
    more = " ".join(f"{name}: {value}" for name, value in param.items())
    return f"box_output_param {{ {each} {more} }} {reg}"


def reg(mean=(0, 0, 0, 0), std=(1, 1, 1, 1)):
    values = [f"bbox_mean: {v}" for v in mean] + [f"bbox_std: {v}" for v in std]
    return f"bbox_reg_param {{ {' '.join(values)} }}"


def jaccard(a, b, kind="IOU"):
    """Of corners."""
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in range(2))
    if w <= 0 or h <= 0:
        return 0.0
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return w * h / (min(areas) if kind == "IOMU" else sum(areas) - w * h)


def clamped(value, most):
    return min(max(value, -most), most)


def found(maps, param, mean, std):
    """The regions of all images, (image, corners, score), one after the other."""
    rows = []
    for image in range(len(maps[0])):
        boxes = []
        for x, (width, height, stride) in zip(maps, FIELDS, strict=True):
            for i, j in np.ndindex(*x.shape[2:]):
                cell = x[image, :, i, j].astype(float)
                score = max(cell[1:-4]) - cell[0]
                dx, dy, dw, dh = (v * s + m for v, s, m in zip(cell[-4:], std, mean, strict=True))
                w, h = (
                    size * math.exp(clamped(d, math.log(param["field_whr"])))
                    for size, d in ((width, dw), (height, dh))
                )
                most = 1 / param["field_xyr"]
                left = max(clamped(dx, most) * width + (j + 0.5) * stride - w / 2, 0)
                above = max(clamped(dy, most) * height + (i + 0.5) * stride - h / 2, 0)
                w = min(w, x.shape[3] * stride - left)
                h = min(h, x.shape[2] * stride - above)
                if score >= param["fg_thr"] and min(w, h) >= param["min_size"]:
                    boxes.append((score, (left, above, left + w, above + h)))
        order = sorted(range(len(boxes)), key=lambda k: (-boxes[k][0], -k))
        kept = []
        for k in order[: param["max_nms_num"] or None]:
            if all(
                jaccard(boxes[k][1], box, param["nms_type"]) <= param["iou_thr"] for _, box in kept
            ):
                kept.append(boxes[k])
        for score, box in kept[: param["max_post_nms_num"] or None]:
            rows.append([image, *box, score])
    return rows or [[0, 1, 1, 10, 10, 0]]


@law("BoxOutput")
@drawn(20)
@given(
    SEED,
    st.sampled_from([-1.0, 0.5, 50]),
    st.sampled_from([(0, 0), (25, 4)]),
    st.sampled_from(["IOU", "IOMU"]),
    st.booleans(),
)
def test_the_regions_are_mscnns(seed, threshold, most, kind, scaled):
    maps = [normal(seed, 2, 7, 3, 4), normal(seed + 1, 2, 7, 2, 2)]
    param = {"fg_thr": threshold, "iou_thr": 0.4, "min_size": 15, "field_whr": 2, "field_xyr": 2}
    param |= {"max_nms_num": most[0], "max_post_nms_num": most[1], "nms_type": kind}
    mean, std = ((0.1, -0.1, 0, 0.2), (0.5, 0.5, 0.25, 0.25)) if scaled else ((0,) * 4, (1,) * 4)
    text = body(reg=reg(mean, std) if scaled else "", **param | {"nms_type": f'"{kind}"'})
    top = run_layer("BoxOutput", text, maps, tops=2).y
    expected = found(maps, param, mean, std)
    agree(top[1][:, :, 0, 0], expected, 1e-4, 1e-4)
    agree(top[0][:, :, 0, 0], np.array(expected)[:, :5], 1e-4, 1e-4)


def test_of_equal_scores_the_last_comes_first():
    maps = [np.zeros((1, 6, 2, 2)), np.zeros((1, 6, 1, 1))]
    found = run_layer("BoxOutput", body(iou_thr=1, min_size=1), maps).y[0]
    assert found[:, 1:, 0, 0].tolist()[0] == [0, 0, 16, 16]  # of the second map
    assert found[1:, 1:3, 0, 0].tolist() == [[2, 0], [0, 0], [2, 0], [0, 0]]


@pytest.mark.long
def test_boxes_are_written_as_onnx(tmp_path):
    caffe.set_random_seed(0)
    text = input_layer("x", 1, 2, 24, 32) + "".join(
        f'layer {{ name: "c{k}" type: "Convolution" bottom: "x" top: "c{k}" convolution_param {{ '
        f"num_output: 6 kernel_size: {stride} stride: {stride} "
        'weight_filler { type: "gaussian" std: 0.2 } } } '
        for k, (_, _, stride) in enumerate(FIELDS)
    )
    param = body(fg_thr=-10, min_size=2, max_nms_num=9, max_post_nms_num=4, reg=reg())
    text += f'layer {{ name: "l" type: "BoxOutput" bottom: "c0" bottom: "c1" top: "y" {param} }}'
    onnx.export(net_of(text), tmp_path / "net.onnx")  # which runs it beside the net


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (body(FIELDS[:1]), "for each of 2 bottoms; found 1, 1 and 1"),
        (body(nms_type='"MIN"'), "nms_type is IOU or IOMU; found 'MIN'"),
        (body(reg=reg(std=(1, 1, 1, 0))), "4 positive ones of bbox_std"),
        (body(reg=reg(mean=(1,))), "needs 4 values of bbox_mean"),
    ],
)
def test_a_box_output_that_does_not_fit_says_so(text, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .BoxOutput.: .*{message}"):
        run_layer("BoxOutput", text, [np.zeros((1, 6, 2, 2)), np.zeros((1, 6, 1, 1))])


def test_maps_without_scores_are_none():
    with pytest.raises(caffe.CaffeError, match=r"needs maps N x .classes \+ 4. x H x W; found"):
        run_layer("BoxOutput", body(FIELDS[:1]), [np.zeros((1, 5, 2, 2))])


# BoxGroupOutput.

GROUPS = [([(20, 30), (40, 20)], 8), ([(50, 60)], 16)]  # fields (width, height), stride


def group_body(**param):
    groups = " ".join(
        "box_group_param {{ {} stride: {} }}".format(
            " ".join(f"field_w: {w} field_h: {h}" for w, h in fields), stride
        )
        for fields, stride in GROUPS
    )
    more = " ".join(f"{name}: {value}" for name, value in param.items())
    return f"box_group_output_param {{ {groups} {more} }} {reg(std=(0.5,) * 4)}"


@law("BoxGroupOutput")
@drawn(10)
@given(SEED, st.sampled_from([0.2, 0.6, 2]))
def test_the_regions_are_cascade_rcnns(seed, threshold):
    rng = np.random.RandomState(seed)
    bottoms = []
    for (fields, _), size in zip(GROUPS, [(3, 4), (2, 2)], strict=True):
        said = rng.uniform(0, 1, (2 * len(fields), 3, *size))
        bottoms += [said, rng.randn(2 * len(fields), 4, *size)]
    bottoms = [each.astype(np.float32) for each in bottoms]
    expected = []
    for image in range(2):
        found = []
        for (fields, stride), said, shifts in zip(GROUPS, bottoms[::2], bottoms[1::2], strict=True):
            height, width = said.shape[2:]
            for k, i, j in np.ndindex(len(fields), height, width):
                item = image * len(fields) + k
                score = 1 - float(said[item, 0, i, j])
                dx, dy, dw, dh = (0.5 * float(v) for v in shifts[item, :, i, j])
                w, h = (
                    size * math.exp(clamped(d, math.log(3)))
                    for size, d in zip(fields[k], (dw, dh), strict=True)
                )
                x = clamped(dx, 0.5) * fields[k][0] + (j + 0.5) * stride - w / 2
                y = clamped(dy, 0.5) * fields[k][1] + (i + 0.5) * stride - h / 2
                box = [x, y, x + w - 1, y + h - 1]
                ends = [width * stride - 1, height * stride - 1] * 2
                box = [min(max(c, 0), e) for c, e in zip(box, ends, strict=True)]
                if score >= threshold and min(box[2] - box[0], box[3] - box[1]) + 1 >= 9:
                    found.append((score, box))
        found.sort(key=lambda each: -each[0])
        kept = []
        for score, box in found[:20]:
            whole = [c + (k > 1) for k, c in enumerate(box)]
            if all(jaccard(whole, other) <= 0.5 for _, _, other in kept):
                kept.append((score, box, whole))
        expected += [[image, *box, score] for score, box, _ in kept[:6]]
    text = group_body(fg_thr=threshold, min_size=9, field_whr=3, max_nms_num=20, max_post_nms_num=6)
    top = run_layer("BoxGroupOutput", text, bottoms, tops=2).y
    expected = expected or [[0, 1, 1, 10, 10, 0]]
    agree(top[1][:, :, 0, 0], expected, 1e-4, 1e-4)
    agree(top[0][:, :, 0, 0], np.array(expected)[:, :5], 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3, 2, 2), (2, 4, 2, 2)], "for each two of 2 bottoms; found 2"),
        ([(2, 3, 2, 2), (2, 5, 2, 2), (1, 3, 1, 1), (1, 4, 1, 1)], "2 fields need scores N 2"),
        ([(4, 3, 2, 2), (4, 4, 2, 2), (1, 3, 1, 1), (1, 4, 1, 1)], "of as many images; found"),
    ],
)
def test_groups_that_do_not_fit_say_so(shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .BoxGroupOutput.: .*{message}"):
        run_layer("BoxGroupOutput", group_body(), [np.zeros(shape) for shape in shapes])


# DecodeBBox.


def corrected(shift, region, mean, std):
    """Corners of a region, whose last pixels are inside, after shifts."""
    dx, dy, dw, dh = (v * s + m for v, s, m in zip(shift, std, mean, strict=True))
    w, h = region[2] - region[0] + 1, region[3] - region[1] + 1
    x, y = region[0] + w / 2 + dx * w, region[1] + h / 2 + dy * h
    w, h = w * math.exp(dw), h * math.exp(dh)
    return [x - w / 2, y - h / 2, x + w / 2 - 1, y + h / 2 - 1]


def regions_of(rng, count):
    start = rng.uniform(0, 40, (count, 2))
    return np.c_[rng.randint(0, 2, count), start, start + rng.uniform(2, 30, (count, 2))].astype(
        np.float32
    )


MEAN, STD = (0, 0.1, 0, -0.1), (0.1, 0.1, 0.2, 0.2)


@law("DecodeBBox")
@drawn(10)
@given(SEED)
def test_regions_are_corrected(seed):
    rng = np.random.RandomState(seed)
    regions, shifts = regions_of(rng, 5), normal(seed, 5, 8)
    top = run_layer("DecodeBBox", reg(MEAN, STD), [shifts, regions]).y[0]
    expected = [
        [r[0], *corrected(s[4:].astype(float), r[1:], MEAN, STD)]
        for s, r in zip(shifts, regions, strict=True)
    ]
    agree(top[:, :, 0, 0], expected, 1e-4, 1e-4)


def test_in_training_those_without_extent_and_objects_themselves_are_left_out():
    regions = np.float32([[0, 5, 5, 14, 14]] * 4)
    shifts = np.zeros((4, 8))
    shifts[1, 6] = -9  # less than a pixel wide
    objects = np.zeros((4, 6))
    objects[2, 5], objects[3, 5] = 0.96, 0.9
    found = run_layer("DecodeBBox", "", [shifts, regions, objects], phase=caffe.TRAIN).y[0]
    assert found[:, 1:, 0, 0].tolist() == [[5, 5, 14, 14]] * 2
    found = run_layer("DecodeBBox", "", [shifts, regions], phase=caffe.TRAIN).y[0]
    assert len(found) == 3
    more = "decode_bbox_param { gt_iou_thr: 0.8 }"
    found = run_layer("DecodeBBox", more, [shifts, regions, objects], phase=caffe.TRAIN).y[0]
    assert len(found) == 1
    objects[:, 5] = 1
    with pytest.raises(caffe.CaffeError, match="none of 4 regions remains"):
        run_layer("DecodeBBox", "", [shifts, regions, objects], phase=caffe.TRAIN)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 4), (2, 5)], "8 values and a region of 5"),
        ([(2, 8), (3, 5)], "as many regions"),
        ([(2, 8), (2, 5), (2, 6)], "takes objects, bottom 2, in TRAIN alone"),
    ],
)
def test_a_decode_bbox_that_does_not_fit_says_so(shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .DecodeBBox.: .*{message}"):
        run_layer("DecodeBBox", "", [np.zeros(shape) for shape in shapes])


# BboxAccuracy.


@law("BboxAccuracy")
@drawn(10)
@given(SEED, st.booleans())
def test_overlaps_are_those_of_objects_that_are_not_their_own_regions(seed, some):
    rng = np.random.RandomState(seed)
    count = 6
    regions, truths = regions_of(rng, count), regions_of(rng, count)[:, 1:]
    shifts = normal(seed, count, 12)
    objects = np.c_[rng.randint(0, 3, count) * some, truths, rng.choice([0.5, 0.98], count)]
    objects = objects.astype(np.float32)
    found = run_layer("BboxAccuracy", reg(MEAN, STD), [shifts, regions, objects], tops=2).y
    after, before = [], []
    for s, r, (label, *truth, overlap) in zip(shifts, regions, objects, strict=True):
        if label and overlap <= 0.975:
            own = s[4 * int(label) :][:4].astype(float)
            ends = [c + (k > 1) for k, c in enumerate(truth)]
            for boxes, box in ((after, corrected(own, r[1:], MEAN, STD)), (before, r[1:])):
                boxes.append(jaccard([c + (k > 1) for k, c in enumerate(box)], ends))
    agree(found[0].ravel(), [np.mean(after) if after else -1], 1e-4)
    agree(found[1].ravel(), [np.mean(before) if before else -1], 1e-4)


def test_a_bbox_accuracy_that_does_not_fit_says_so():
    with pytest.raises(caffe.CaffeError, match="a region of 5 values and an object of 6"):
        run_layer("BboxAccuracy", "", [np.zeros((2, 8)), np.zeros((2, 5)), np.zeros((2, 5))])
