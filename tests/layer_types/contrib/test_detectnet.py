"""DetectNetTransformation: its grid written out in float64, and what is done to images."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe
from caffe.feeding.colours import shifted_hsv

STRIDE, HEIGHT, WIDTH = 4, 16, 24


def labels_of(boxes, rows=8):
    """(1, 1, rows, 16): x, y, width, height, class."""
    label = np.zeros((1, 1, rows, 16), np.float32)
    label[0, 0, 0, :2] = len(boxes), 16
    for row, (*box, kind) in zip(label[0, 0, 1:], boxes, strict=False):
        row[:4], row[5] = box, kind
    return label


def truth(more="", x=WIDTH, y=HEIGHT):
    return (
        f"detectnet_groundtruth_param {{ stride: {STRIDE} image_size_x: {x} image_size_y: {y} "
        f"{more} }} "
    )


NEVER = (
    "detectnet_augmentation_param { crop_prob: 0 scale_prob: 0 flip_prob: 0 rotation_prob: 0 "
    "hue_rotation_prob: 0 desaturation_prob: 0 %s }"
)


def grid_of(boxes, classes, scale, least, most, norm, crop):
    """As NVIDIA's code fills it, square by square."""
    found = np.zeros((8 + max(classes.values()) + 1, HEIGHT // STRIDE, WIDTH // STRIDE))
    for *box, kind in boxes:
        x1, y1, x2, y2 = box[0], box[1], box[0] + box[2], box[1] + box[3]
        if crop:
            x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, WIDTH), min(y2, HEIGHT)
        if kind not in classes or x2 <= x1 or y2 <= y1:
            continue
        half = []
        for size in (x2 - x1, y2 - y1):
            part = min(size, max(least, size * scale)) if most is None else min(most, size * scale)
            half.append(part / 2)
        middle = (x1 + x2) / 2, (y1 + y2) / 2
        for i, j in np.ndindex(*found.shape[1:]):
            y, x = i * STRIDE, j * STRIDE
            wide = min(middle[0] + half[0], x + STRIDE) - max(middle[0] - half[0], x)
            tall = min(middle[1] + half[1], y + STRIDE) - max(middle[1] - half[1], y)
            if min(wide, tall) <= 0 or wide * tall / STRIDE**2 <= np.finfo(np.float32).eps:
                continue
            found[8:, i, j] = 0
            found[:8, i, j] = (
                *(1, x1 - x, y1 - y, x2 - x, y2 - y, 1 / (x2 - x1), 1 / (y2 - y1)),
                max(0 if norm else 1, STRIDE**2 / (4 * half[0] * half[1])),
            )
            found[8 + classes[kind], i, j] = 1
    return found


@law("DetectNetTransformation")
@drawn(30)
@given(SEED, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_objects_lie_in_a_grid(seed, least, norm, crop, classes):
    rng = np.random.RandomState(seed)
    boxes = [
        (*rng.uniform(-6, 20, 2).round(2), *rng.uniform(1, 15, 2).round(2), rng.randint(1, 4))
        for _ in range(rng.randint(0, 4))
    ]
    of = {1: 0, 3: 2} if classes else {1: 0}
    more = (
        f"scale_cvg: 0.4 gridbox_type: {'GRIDBOX_MIN' if least else 'GRIDBOX_MAX'} "
        f"min_cvg_len: 5 max_cvg_len: 3 obj_norm: {str(norm).lower()} "
        f"crop_bboxes: {str(crop).lower()} coverage_type: RECTANGULAR "
    )
    more += "object_class { src: 1 dst: 0 } object_class { src: 3 dst: 2 }" if classes else ""
    x = normal(seed, 1, 3, HEIGHT, WIDTH)
    found = run_layer("DetectNetTransformation", truth(more), [x, labels_of(boxes)], tops=2)
    boxes = [[float(np.float32(value)) for value in box] for box in boxes]
    expected = grid_of(boxes, of, 0.4, 5, None if least else 3, norm, crop)
    agree(found.y[1][0], expected, 1e-4, 1e-4)
    np.testing.assert_array_equal(found.y[0], x)


def keys(at, line):
    """A value between a line's, by OpenCV's cubic with A = -0.75."""
    d = abs(at - np.arange(len(line)))
    near, far = 1.25 * d**3 - 2.25 * d**2 + 1, -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
    return (line * np.select([d <= 1, d < 2], [near, far])).sum()


def test_images_are_resized_with_their_objects_and_less_their_mean():
    x = np.tile(np.arange(12, dtype=np.float32), (1, 3, 8, 1)) * 10
    body = truth() + "transform_param { mean_value: 1 mean_value: 2 mean_value: 3 }"
    found = run_layer("DetectNetTransformation", body, [x, labels_of([(2, 2, 6, 4, 1)])], tops=2)
    expected = [10 * keys(at, np.arange(12)) - 2 for at in (np.arange(24) + 0.5) / 2 - 0.5]
    agree(found.y[0][0, 1, 5, 4:-4], expected[4:-4], 1e-4, 1e-3)
    agree(found.y[0][0, 0] - found.y[0][0, 2], np.full((HEIGHT, WIDTH), 2), 1e-4, 1e-3)
    bigger = run_layer(
        "DetectNetTransformation",
        truth(),
        [np.zeros((1, 3, HEIGHT, WIDTH)), labels_of([(4, 4, 12, 8, 1)])],
        tops=2,
    )
    np.testing.assert_array_equal(found.y[1], bigger.y[1])


def test_images_are_mirrored_with_their_objects():
    x = normal(0, 1, 3, HEIGHT, WIDTH)
    body = truth("scale_cvg: 1 max_cvg_len: 99")
    found = run_layer(
        "DetectNetTransformation",
        body + (NEVER % "").replace("flip_prob: 0", "flip_prob: 1"),
        [x, labels_of([(2, 3, 6, 5, 1)])],
        tops=2,
        phase=caffe.TRAIN,
    )
    agree(found.y[0], x[..., ::-1])
    box = (WIDTH - 2 - 6 - 1, 3, 6, 5, 1)
    agree(found.y[1][0], grid_of([box], {1: 0}, 1, 0, 99, False, True), 1e-4, 1e-4)


def test_a_cut_is_in_the_middle_or_drawn_and_what_lies_outside_is_nothing():
    x = normal(0, 1, 3, HEIGHT, WIDTH)
    label = labels_of([(8, 6, 8, 6, 1)])
    found = run_layer(
        "DetectNetTransformation",
        truth(x=16, y=20) + NEVER % "",
        [x, label],
        tops=2,
        phase=caffe.TRAIN,
    ).y
    agree(found[0][0, :, 2:18], x[0, :, :, 4:20])
    assert not found[0][0, :, :2].any()
    assert not found[0][0, :, 18:].any()
    assert found[1][0, 1].max() == 8 - 4 - 4
    corners = set()
    for seed in range(12):
        caffe.set_random_seed(seed)
        body = truth(x=16, y=12) + (NEVER % "shift_x: 4 shift_y: 4").replace(
            "crop_prob: 0", "crop_prob: 1"
        )
        top = run_layer("DetectNetTransformation", body, [x, label], tops=2, phase=caffe.TRAIN).y[
            0
        ][0, 0]
        places = [
            (i, j)
            for i in range(-2, 7)
            for j in range(-2, 11)
            if np.allclose(
                top,
                np.pad(x[0, 0], 20)[20 + i : 32 + i, 20 + j : 36 + j],
            )
        ]
        assert len(places) == 1
        corners.add(places[0])
    assert len(corners) > 5


def test_a_size_is_drawn():
    x = np.ones((1, 3, HEIGHT, WIDTH))
    body = truth() + (NEVER % "scale_min: 0.5 scale_max: 0.5").replace(
        "scale_prob: 0", "scale_prob: 1"
    )
    top = run_layer(
        "DetectNetTransformation", body, [x, labels_of([])], tops=2, phase=caffe.TRAIN
    ).y[0]
    expected = np.zeros((HEIGHT, WIDTH))
    expected[4:12, 6:18] = 1
    agree(top[0, 0], expected)


@drawn(20)
@given(SEED)
def test_another_hue_and_less_saturation(seed):
    rng = np.random.RandomState(seed)
    b, g, r = rng.uniform(0, 1, 3)
    degrees, saturation = rng.uniform(-180, 180), rng.uniform(0, 1)
    hue, chroma, value = colorsys.rgb_to_hsv(r, g, b)
    expected = colorsys.hsv_to_rgb((hue + degrees / 360) % 1, chroma * saturation, value)
    agree(shifted_hsv(np.array([[[b, g, r]]]), degrees, saturation).ravel(), expected[::-1])


def test_grey_pixels_have_no_hue():
    x = np.full((1, 3, HEIGHT, WIDTH), 128.0)
    body = (NEVER % "").replace("hue_rotation_prob: 0", "hue_rotation_prob: 1")
    body = body.replace("desaturation_prob: 0", "desaturation_prob: 1")
    top = run_layer(
        "DetectNetTransformation", truth() + body, [x, labels_of([])], tops=2, phase=caffe.TRAIN
    ).y[0]
    agree(top, x)


@pytest.mark.parametrize(
    ("body", "phase", "shapes", "message"),
    [
        (truth(), caffe.TRAIN, [(1, 3, 4, 4), (1, 1, 2, 16)], "write rotation_prob: 0"),
        (truth(), caffe.TEST, [(1, 1, 4, 4), (1, 1, 2, 16)], "needs images N x 3"),
        (truth(), caffe.TEST, [(1, 3, 4, 4), (1, 1, 2, 16)], r"begins with \[0.0, 0.0\]"),
        (
            "transform_param { mean_value: 1 mean_value: 2 }",
            caffe.TEST,
            [(1, 3, 4, 4), (1, 1, 2, 16)],
            "1 or 3 values",
        ),
        (
            "detectnet_groundtruth_param { stride: 0 }",
            caffe.TEST,
            [(1, 3, 4, 4), (1, 1, 2, 16)],
            "stride must be positive",
        ),
        (
            "detectnet_groundtruth_param { stride: 64 image_size_x: 16 image_size_y: 16 }",
            caffe.TEST,
            [(1, 3, 4, 4), (1, 1, 2, 16)],
            "stride 64 leaves no square of an image 16 x 16",
        ),
        (
            truth() + "detectnet_augmentation_param { rotation_prob: 0 scale_min: 0 }",
            caffe.TRAIN,
            [(1, 3, 4, 4), (1, 1, 2, 16)],
            "must be positive; found 0 and 1.2",
        ),
    ],
)
def test_what_does_not_fit_says_so(body, phase, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .DetectNetTransform.*{message}"):
        run_layer(
            "DetectNetTransformation",
            body,
            [np.zeros(shape) for shape in shapes],
            tops=2,
            phase=phase,
        )


def test_labels_are_finite():
    labels = labels_of([])
    labels.flat[0] = np.nan
    with pytest.raises(caffe.CaffeError, match=r"begins with \[nan, 16.0\]; .* finite"):
        run_layer("DetectNetTransformation", truth(), [np.zeros((1, 3, 4, 4)), labels], tops=2)
