"""DetectionEvaluate of SSD."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe


def evaluated(found, objects, classes, threshold, difficult):
    """SSD's rows, one detection after the other."""
    rows = []
    for c in range(1, classes):
        mine = [o for o in objects if o[1] == c and (difficult or not o[7])]
        rows.append([-1, c, len(mine), -1, -1])
    for image in sorted({f[0] for f in found}):
        for label in sorted({f[1] for f in found if f[0] == image}):
            mine = [f for f in found if f[0] == image and f[1] == label]
            there = [o for o in objects if o[0] == image and o[1] == label]
            if there:
                mine.sort(key=lambda f: -f[2])
            used = set()
            for f in mine:
                best = [jaccard(f[3:], o[3:7], 0) for o in there]
                right = (0, 1)
                if best and max(best) >= threshold:
                    at = best.index(max(best))
                    if there[at][7] and not difficult:
                        right = (0, 0)
                    elif at not in used:
                        right = (1, 0)
                        used.add(at)
                rows.append([image, label, f[2], *right])
    return rows


def some_boxes(rng, count):
    low = rng.uniform(0, 0.6, (count, 2))
    return np.c_[low, low + rng.uniform(0.2, 0.4, (count, 2))]


@law("DetectionEvaluate")
@drawn(30)
@given(SEED, st.booleans(), st.sampled_from([0.1, 0.3]))
def test_what_is_right_is_ssds(seed, difficult, threshold):
    rng = np.random.RandomState(seed)
    found = np.c_[rng.randint(0, 3, 12), rng.randint(1, 3, 12), rng.permutation(12) / 12]
    found = np.c_[found, some_boxes(rng, 12)]
    objects = np.c_[rng.randint(0, 3, 7), rng.randint(1, 3, 7), np.arange(7)]
    objects = np.c_[objects, some_boxes(rng, 7), rng.randint(0, 2, 7)]
    found, objects = found.astype(np.float32), objects.astype(np.float32)
    body = (
        f"detection_evaluate_param {{ num_classes: 3 overlap_threshold: {threshold} "
        f"evaluate_difficult_gt: {str(difficult).lower()} }}"
    )
    top = run_layer("DetectionEvaluate", body, [found[None, None], objects[None, None]]).y[0]
    expected = evaluated(found.tolist(), objects.tolist(), 3, threshold, difficult)
    agree(top[0, 0], expected)


def evaluate(found, objects, fields=""):
    body = f"detection_evaluate_param {{ num_classes: 2 {fields} }}"
    inputs = [np.array(found, float)[None, None], np.array(objects, float)[None, None]]
    return run_layer("DetectionEvaluate", body, inputs)


BOX = [0.25, 0.25, 0.75, 0.75]


def test_where_nothing_was_found_the_classes_are_counted():
    top = evaluate([[0, *[-1] * 6]], [[0, 1, 0, *BOX, 0]]).y[0]
    assert top.tolist() == [[[[-1, 1, 1, -1, -1]]]]
    top = evaluate([[0, 1, 0.5, *BOX]], [[-1] * 8]).y[0]
    assert top.tolist() == [[[[-1, 1, 0, -1, -1], [0, 1, 0.5, 0, 1]]]]


def test_with_sizes_boxes_are_compared_in_pixels(tmp_path):
    sizes = tmp_path / "sizes.txt"
    sizes.write_text("a 4 8\nb 400 800\n")
    # Of 4 x 8 pixels: 2..6 x 1..3 against 2..6 x 1..2: 5 x 3 against 5 x 2 pixels.
    found, there = [0, 1, 0.5, 0.25, 0.25, 0.75, 0.75], [0, 1, 0, 0.25, 0.25, 0.75, 0.5, 0]
    fields = f'name_size_file: "{sizes}" overlap_threshold: 0.6'
    net = evaluate([found], [there], fields).net
    rights = [net.blobs["y0"].data[0, 0, 1, 3:].tolist()]
    for _ in range(2):
        rights.append(net.forward()["y0"][0, 0, 1, 3:].tolist())
    assert rights == [[1, 0], [0, 1], [1, 0]]  # 10 / 15, of the large image about 1 / 2


@pytest.mark.parametrize(
    ("policy", "box"),
    [
        ("height: 100 width: 100", BOX),
        # 100 x 200 becomes 50 x 100 in the middle of 100 x 100.
        (
            "resize_mode: FIT_LARGE_SIZE_AND_PAD height: 100 width: 100",
            [0.25, 0.375, 0.75, 0.625],
        ),
        (
            "resize_mode: FIT_SMALL_SIZE height: 100 width: 100 height_scale: 50 width_scale: 100",
            [0.5, 0.5, 1.5, 1.5],
        ),
    ],
)
def test_boxes_go_back_to_the_image_that_was_resized(tmp_path, policy, box):
    sizes = tmp_path / "sizes.txt"
    sizes.write_text("a 100 200\n")
    fields = f'name_size_file: "{sizes}" resize_param {{ {policy} }}'
    layer = evaluate([[0, 1, 0.5, *box]], [[0, 1, 0, *box, 0]], fields).net.layers[-1]
    agree(layer._in_pixels(np.array([box]), (100, 200)), [[50, 25, 150, 75]])
    outside = np.array([[-1, -1, 3, 3]])
    assert layer._in_pixels(outside, (100, 200)).tolist() == [[0, 0, 200, 100]]


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("", "overlap_threshold: 0", "overlap_threshold must be positive; found 0"),
        ("a 4\n", "", "sizes.txt:1: expected a name, a height and a width; found 'a 4'"),
        ("a 4 0\n", "", "expected a name"),
        ("\n", "", "sizes.txt: the list is empty"),
        ("a 4 4\n", "resize_param { height: 4 }", "positive height and width; found 4 and 0"),
    ],
)
def test_what_is_wrong_says_so(tmp_path, text, fields, message):
    (tmp_path / "sizes.txt").write_text(text)
    fields += f' name_size_file: "{tmp_path}/sizes.txt"' if text else ""
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .DetectionEvaluate.: .*{message}"):
        evaluate([[0, 1, 0.5, *BOX]], [[0, 1, 0, *BOX, 0]], fields)


def test_what_does_not_fit_says_so():
    with pytest.raises(caffe.CaffeError, match="needs detections 1 x 1 x K x 7"):
        evaluate([[0, 1, 0.5, 0, 0, 1]], [[0, 1, 0, *BOX, 0]])
    with pytest.raises(caffe.CaffeError, match=r"'x1' holds boxes of class 0, .*background"):
        evaluate([[0, 1, 0.5, *BOX]], [[0, 0, 0, *BOX, 0]])
    with pytest.raises(caffe.CaffeError, match="num_classes is missing"):
        run_layer("DetectionEvaluate", "", [np.zeros((1, 1, 1, 7)), np.zeros((1, 1, 1, 8))])
