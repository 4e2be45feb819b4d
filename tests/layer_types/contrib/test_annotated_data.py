"""AnnotatedData of SSD."""

import numpy as np
import pytest
from support.feed_data import pictures, write_annotated, write_database
from support.laws import agree, law
from support.net_text import net_of

import caffe

OBJECTS = [
    [(1, 0.25, 0.5, 0.75, 1, 0), (2, 0, 0, 0.5, 0.5, 1)],
    [],
    [(3, 0.5, 0.25, 1, 0.75, 0)],
]


def annotated_net(path, annotated="", transform="", data="batch_size: 2", tops=2, phase=caffe.TEST):
    names = "".join(f' top: "{name}"' for name in ("data", "label")[:tops])
    return net_of(
        f'layer {{ name: "d" type: "AnnotatedData" {names} '
        f'data_param {{ source: "{path}" backend: LMDB {data} }} '
        f"annotated_data_param {{ {annotated} }} transform_param {{ {transform} }} }}",
        phase,
    )


def passes(net, count):
    found = []
    for _ in range(count):
        net.forward()
        found.append([net.blobs[name].data.copy() for name in net.blobs])
    return found


@law("AnnotatedData")
def test_images_come_in_order_with_the_boxes_of_their_batch(tmp_path):
    images = pictures(3, 3, 8, 6)
    path = write_annotated(tmp_path / "db", images, OBJECTS)
    net = annotated_net(path, transform="mean_value: 100 scale: 0.5")
    assert net.blobs["label"].shape == (1, 1, 2, 8)
    (data, label), (wrapped, second) = passes(net, 2)
    np.testing.assert_array_equal(data, (images[:2] - np.float32(100)) * np.float32(0.5))
    np.testing.assert_array_equal(wrapped, (images[[2, 0]] - np.float32(100)) * np.float32(0.5))
    agree(label, [[[[0, 1, 0, 0.25, 0.5, 0.75, 1, 0], [0, 2, 1, 0, 0, 0.5, 0.5, 1]]]])
    assert second[0, 0, :, 0].tolist() == [0, 1, 1]
    agree(second[0, 0, 0], [0, 3, 0, 0.5, 0.25, 1, 0.75, 0])


def test_a_batch_without_objects_has_a_row_of_minus_1(tmp_path):
    path = write_annotated(tmp_path / "db", pictures(3, 3, 8, 6), OBJECTS)
    net = annotated_net(path, data="batch_size: 1")
    (_, _), (_, label), (_, last) = passes(net, 3)
    assert label.tolist() == [[[[-1] * 8]]]
    assert last.shape == (1, 1, 1, 8)


def test_without_a_type_the_label_is_the_class(tmp_path):
    path = write_annotated(tmp_path / "db", pictures(3, 3, 8, 6), OBJECTS, kind=False)
    net = annotated_net(path)
    assert net.blobs["label"].shape == (2, 1, 1, 1)
    ((_, label),) = passes(net, 1)
    assert label.ravel().tolist() == [0, 10]
    ((_, label),) = passes(annotated_net(path, "anno_type: BBOX"), 1)
    assert label[0, 0, :, 1].tolist() == [1, 2]
    ((_,),) = passes(annotated_net(path, tops=1), 1)


def test_encoded_images_are_decoded(tmp_path):
    images = pictures(3, 3, 8, 6)
    path = write_annotated(tmp_path / "db", images, OBJECTS, encoded=True)
    ((data, _),) = passes(annotated_net(path), 1)
    np.testing.assert_array_equal(data, images[:2])


# Where a box goes: an image that is black but for the object.

DISTORT = """distort_param { brightness_prob: 0.5 brightness_delta: 5 contrast_prob: 0.5
  contrast_lower: 0.9 contrast_upper: 1.1 saturation_prob: 0.5 saturation_lower: 0.9
  saturation_upper: 1.1 hue_prob: 0.5 hue_delta: 5 random_order_prob: 0.5 }"""
EXPAND = "expand_param { prob: 0.5 max_expand_ratio: 2 }"
RESIZE = """resize_param { height: 80 width: 100 interp_mode: LINEAR interp_mode: AREA
  interp_mode: NEAREST interp_mode: CUBIC interp_mode: LANCZOS4 }"""
LARGE = "resize_param { resize_mode: FIT_LARGE_SIZE_AND_PAD height: 80 width: 100 }"
SMALL = "resize_param { resize_mode: FIT_SMALL_SIZE height: 80 width: 100 }"
SAMPLERS = """batch_sampler { max_sample: 1 max_trials: 1 }
  batch_sampler { sampler { min_scale: 0.5 max_scale: 1 min_aspect_ratio: 0.5 max_aspect_ratio: 2 }
    sample_constraint { min_jaccard_overlap: 0.1 } max_sample: 1 max_trials: 50 }"""


@pytest.mark.parametrize(
    ("annotated", "transform", "batch"),
    [
        ("", "mirror: true", 4),
        ("", "crop_size: 160", 4),
        ("", RESIZE, 4),
        ("", f"{EXPAND} {RESIZE}", 4),
        ("", f"{DISTORT} {RESIZE}", 4),
        (SAMPLERS, RESIZE, 4),
        (SAMPLERS, LARGE, 4),
        (SAMPLERS, SMALL, 1),
        (SAMPLERS, f"mirror: true {DISTORT} {EXPAND} {RESIZE} emit_constraint {{ }}", 4),
        (SAMPLERS, f"{EXPAND} {LARGE} crop_h: 60 crop_w: 70", 4),
    ],
)
def test_a_box_stays_around_its_object(tmp_path, annotated, transform, batch):
    rng = np.random.RandomState(0)
    images, objects = [], []
    for _ in range(5):
        sizes = rng.randint(200, 360, 2) if "resize" in transform else (240, 200)
        height, width = sizes
        image = np.zeros((3, height, width), np.uint8)
        y, x = rng.randint(20, 60, 2)
        tall, wide = rng.randint(60, 120, 2)
        image[:, y : y + tall, x : x + wide] = 250
        images.append(image)
        box = [x / width, y / height, (x + wide) / width, (y + tall) / height]
        objects.append([(1, *box, 0)])
    path = write_annotated(tmp_path / "db", images, objects)
    caffe.set_random_seed(1)
    net = annotated_net(path, annotated, transform, f"batch_size: {batch}", phase=caffe.TRAIN)
    seen = set()
    for data, label in passes(net, 10 if batch > 1 else 30):
        for row in label[0, 0]:
            if row[0] < 0:
                continue
            bright = data[int(row[0])].mean(0) > 120
            height, width = bright.shape
            found = [
                np.flatnonzero(bright.any(0))[[0, -1]] + [0, 1],
                np.flatnonzero(bright.any(1))[[0, -1]] + [0, 1],
            ]
            expected = row[[3, 5]] * width, row[[4, 6]] * height
            np.testing.assert_allclose(found, expected, atol=3.5)
            seen.add(tuple(row[3:].round(4)))
    assert len(seen) > 2


def test_an_expanded_image_lies_on_the_mean(tmp_path):
    path = write_annotated(tmp_path / "db", [np.full((3, 20, 20), 200, np.uint8)], [[]])
    transform = (
        "expand_param { max_expand_ratio: 4 } mean_value: 10 mean_value: 20 mean_value: 30 "
        "resize_param { height: 40 width: 40 interp_mode: NEAREST }"
    )
    net = annotated_net(path, transform=transform, data="batch_size: 5")
    ((data, _),) = passes(net, 1)
    assert set(np.unique(data[:, 0])) == {0, 190}
    assert set(np.unique(data[:, 2])) == {0, 170}
    shares = (data[:, 0] > 0).mean((1, 2))
    assert len(set(shares)) > 3
    assert shares.min() > 1 / 20


def test_of_several_sizes_each_batch_has_one(tmp_path):
    path = write_annotated(tmp_path / "db", pictures(2, 3, 30, 30), OBJECTS[:2])
    sizes = [(16, 0.15), (32, 0.7), (48, 0.15)]
    transform = " ".join(
        f"resize_param {{ height: {size} width: {size} prob: {prob} }}" for size, prob in sizes
    )
    caffe.set_random_seed(2)
    net = annotated_net(path, transform=transform)
    shapes = [data.shape for data, _ in passes(net, 30)]
    counts = [shapes.count((2, 3, size, size)) for size, _ in sizes]
    assert sum(counts) == 30
    assert min(counts) > 1
    assert counts[1] == max(counts)


def test_labels_may_be_yolos(tmp_path):
    path = write_annotated(tmp_path / "db", pictures(3, 3, 8, 6), OBJECTS)
    net = annotated_net(path, "yolo_data_type: 1 yolo_data_jitter: 0")
    ((_, label),) = passes(net, 1)
    assert label.shape == (2, 1, 300, 5)
    agree(label[0, 0, :2], [[0, 0.5, 0.75, 0.5, 0.5], [1, 0.25, 0.25, 0.5, 0.5]])
    assert not label[0, 0, 2:].any()
    assert not label[1].any()


def test_a_jitter_cuts_images_for_yolo(tmp_path):
    path = write_annotated(tmp_path / "db", pictures(3, 3, 30, 30), OBJECTS)
    resize = "resize_param { height: 30 width: 30 }"
    net = annotated_net(path, "yolo_data_type: 1", resize)
    (_, label), (_, again) = passes(net, 4)[::3]
    assert (label[0, 0, 0] != again[0, 0, 0]).any()  # the same image again, three batches on
    assert label[0, 0, 0, 3] >= 0.5  # of a smaller part it is a larger part


def test_what_is_drawn_is_a_function_of_seed_and_place(tmp_path):
    path = write_annotated(tmp_path / "db", pictures(3, 3, 30, 40), OBJECTS)
    transform = f"mirror: true {DISTORT} {EXPAND} {RESIZE}"

    def net():
        caffe.set_random_seed(5)
        return annotated_net(path, SAMPLERS, transform, phase=caffe.TRAIN)

    one, two = net(), net()
    first = passes(one, 4)
    passes(two, 1)
    two.layers[0].load_state_dict({**two.layers[0].state_dict(), "item": 4})
    for ours, theirs in zip(first[2:], passes(two, 2), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    assert (first[0][0] != first[3][0]).any()


@pytest.mark.parametrize(
    ("annotated", "transform", "data", "message"),
    [
        ("", "", "batch_size: 0", "batch_size 0"),
        ("", "resize_param { height: 3 }", "batch_size: 2", "positive height and width; found 3"),
        ("", SMALL, "batch_size: 2", "FIT_SMALL_SIZE needs batch_size: 1"),
        ("", f"{RESIZE} {RESIZE}", "batch_size: 2", "prob of 2 resize_param must add up to 1"),
        ("", "expand_param { max_expand_ratio: 0.5 }", "batch_size: 2", "at least 1; found 0.5"),
        ("", "noise_param { clahe: true }", "batch_size: 2", "clahe: false"),
        ("", "distort_param { hue_delta: -1 }", "batch_size: 2", "hue_delta must not be negative"),
        ("batch_sampler { sampler { max_scale: 3 } }", "", "batch_size: 2", "max_scale <= 1"),
        ("yolo_data_type: 2", "", "batch_size: 2", "yolo_data_type is 0 or 1; found 2"),
        ("yolo_data_jitter: 1", "", "batch_size: 2", "yolo_data_jitter is at least 0 and below 1"),
        (SAMPLERS, "", "batch_size: 9", "images of a batch must be equal in size"),
    ],
)
def test_what_does_not_fit_says_so(tmp_path, annotated, transform, data, message):
    path = write_annotated(tmp_path / "db", pictures(3, 3, 30, 40), [OBJECTS[0]] * 3)
    with pytest.raises(caffe.CaffeError, match=message) as error:
        annotated_net(path, annotated, transform, data).forward()
    assert "layer 'd' (AnnotatedData)" in str(error.value)


def test_an_item_that_is_none_is_named(tmp_path):
    path = write_database(tmp_path / "db", pictures(1, 3, 4, 4))
    with pytest.raises(caffe.CaffeError, match=r"db, key b'00000000': not an AnnotatedDatum"):
        annotated_net(path)


def test_floats_have_no_pixels_to_change(tmp_path):
    path = write_annotated(tmp_path / "db", [np.zeros((3, 8, 8), np.float32)], [[]])
    with pytest.raises(caffe.CaffeError, match=r"an image of float32; resizing .* needs 8 bits"):
        annotated_net(path, transform=RESIZE)
    assert annotated_net(path).blobs["data"].shape == (2, 3, 8, 8)
