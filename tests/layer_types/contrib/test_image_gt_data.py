"""ImageGtData of MS-CNN."""

import numpy as np
import pytest
from support.laws import agree, law
from support.net_text import net_of
from support.photographs_of_objects import photograph, write_list
from support.rectangles import jaccard

import caffe
from caffe.feeding.objects import read_objects

SCALES = [(8, 16, 24), (16, 40, 48)]  # pixels between fields, their width and height
FIELDS = " ".join(f"downsample_rate: {r} field_w: {w} field_h: {h}" for r, w, h in SCALES)
TOPS = 'top: "data" top: "a" top: "b" top: "boxes"'


def data(source, more="", transform="mean_value: 100", tops=TOPS, phase=caffe.TEST, batch=1):
    return net_of(
        f'layer {{ name: "l" type: "ImageGtData" {tops} transform_param {{ {transform} }} '
        f'image_gt_data_param {{ source: "{source}" batch_size: {batch} output_gt_boxes: true '
        f"{FIELDS if 'field_w' not in more else ''} {more} }} }}",
        phase,
    )


def covered(a, b):
    w, h = (max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]), 0) for i in range(2))
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]))


def labels(objects, regions, size, threshold=0.5):
    """What is said at each scale, one field after the other; objects (class, ignored, corners)."""
    maps, best, matched = [], {}, set()
    for at, (rate, width, height) in enumerate(SCALES):
        shape = int(size[0] / rate + 0.5), int(size[1] / rate + 0.5)
        label = np.zeros((6, *shape))
        for i, j in np.ndindex(*shape):
            x, y = (j + 0.5) * rate, (i + 0.5) * rate
            field = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if sum(covered(field, region) for region in regions) >= 0.4:
                label[5, i, j] = 1
                continue
            shared = [jaccard(field, o[2:]) for o in objects]
            for number, each in enumerate(shared):
                if each > best.get(number, (0,))[0]:
                    best[number] = each, at
            label[5, i, j] = max(shared, default=0)
            if label[5, i, j] > threshold:
                number = shared.index(max(shared))
                matched.add(number)
                kind, ignored, x1, y1, x2, y2 = objects[number]
                said = [0 if ignored else kind, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
                label[:5, i, j] = said
        maps.append(label)
    for number, (kind, ignored, x1, y1, x2, y2) in enumerate(objects):
        if ignored or number in matched or best.get(number, (0,))[0] < 0.2:
            continue
        label, rate = maps[best[number][1]], SCALES[best[number][1]][0]
        i, j = int((y1 + y2) / 2 // rate), int((x1 + x2) / 2 // rate)
        i, j = min(max(i, 0), label.shape[1] - 1), min(max(j, 0), label.shape[2] - 1)
        if not label[0, i, j]:
            label[:5, i, j] = kind, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    return maps


IMAGES = [
    ([(1, 0, 10, 8, 27, 30), (2, 0, 40, 5, 80, 60), (1, 1, 60, 30, 76, 54)], [(0, 40, 30, 64)]),
    ([(2, 0, 30, 20, 40, 50), (1, 0, 70, 10, 73, 12)], []),
]


@law("ImageGtData")
@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_labels_are_what_fields_overlap(tmp_path, threshold):
    source = write_list(tmp_path, IMAGES)
    net = data(source, f"fg_threshold: {threshold}", batch=2)
    found = net.forward()
    for image, (objects, regions) in enumerate(IMAGES):
        agree(found["data"][image], photograph(tmp_path, image) - 100.0)
        for name, expected in zip("ab", labels(objects, regions, (64, 96), threshold), strict=True):
            agree(found[name][image], expected, 1e-5, 1e-5)
    rows = [
        [image, *corners, kind, ignored]
        for image, (objects, _) in enumerate(IMAGES)
        for kind, ignored, *corners in objects
    ]
    agree(found["boxes"][:, :, 0, 0], rows)


def test_what_is_too_small_or_outside_is_ignored_and_no_object_is_an_ignored_one(tmp_path):
    source = write_list(
        tmp_path, [([(1, 0, 10, 8, 27, 30), (1, 0, -60, 8, -20, 30)], []), ([], [])]
    )
    net = data(source, "min_gt_width: 19")
    assert net.forward()["boxes"][:, 6, 0, 0].tolist() == [1, 1]
    assert net.forward()["boxes"].ravel().tolist() == [0, 1, 1, 2, 2, 1, 1]
    net = data(source, "min_gt_height: 23")
    assert net.forward()["boxes"][:, 6, 0, 0].tolist() == [0, 1]


def test_images_are_resized_cut_and_mirrored_with_their_boxes(tmp_path):
    source = write_list(tmp_path, [([(1, 0, 24, 8, 72, 40)], [])])
    found = data(source, "resize_width: 48 resize_height: 128").forward()
    assert found["data"].shape == (1, 3, 128, 48)
    assert found["a"].shape == (1, 6, 16, 6)
    agree(found["boxes"].ravel(), [0, 12, 16, 36, 80, 1, 0])
    caffe.set_random_seed(0)
    net = data(source, transform="mirror: true", phase=caffe.TRAIN)
    whole = photograph(tmp_path)
    seen = set()
    for _ in range(12):
        found = net.forward()
        mirrored = not np.array_equal(found["data"][0], whole)
        agree(found["data"][0], whole[:, :, ::-1] if mirrored else whole)
        agree(found["boxes"].ravel()[1:5], [24, 8, 72, 40])  # it is in the middle
        seen.add(mirrored)
    assert seen == {True, False}
    net = data(source, "crop_width: 32 crop_height: 48 scale: 0.5", transform="mean_value: 7")
    for _ in range(5):
        found = net.forward()
        x1, y1, x2, y2 = found["boxes"].ravel()[1:5].astype(int)
        assert (x2 - x1, y2 - y1) == (48, 32)
        left, above = 24 - x1, 8 - y1
        part = whole[:, above : above + 48, left : left + 32]
        agree(found["data"][0], (part - 7.0) / 2)


def test_an_image_may_be_brought_to_another_scale_and_what_is_beside_it_is_the_mean(tmp_path):
    source = write_list(tmp_path, [([(1, 0, 30, 20, 50, 44)], [])])
    caffe.set_random_seed(1)
    more = "do_multiple_scale: true min_scale: 8 max_scale: 64 min_whaspect: 0.5 max_whaspect: 2"
    net = data(source, more)
    sides, smaller = set(), 0
    for _ in range(40):
        found = net.forward()
        x1, y1, x2, y2 = found["boxes"].ravel()[1:5]
        sides.add((round(float(x2 - x1), 2), round(float(y2 - y1), 2)))
        outside = found["a"][0, 5] == 1
        if outside.any():
            smaller += 1
            assert not found["a"][0, :5, outside].any()
            assert (found["data"][0] == 0).all(0).any()
    assert len(sides) > 6
    assert min(sides)[0] < 15
    assert max(sides)[0] > 30
    assert smaller


def test_images_with_objects_may_come_more_often_and_positions_are_kept(tmp_path):
    source = write_list(tmp_path, [([(1, 0, 30, 20, 50, 44)], []), ([], [])])
    net = data(source, "fg_img_multiple: 3")
    assert len(net.layers[0]._source) == 4
    counts = [int(net.forward()["boxes"][0, 6, 0, 0]) for _ in range(8)]
    assert counts == [0, 0, 0, 1] * 2


@pytest.mark.parametrize(
    ("more", "tops", "message"),
    [
        ("field_w: 8", TOPS, "found 0, 1 and 0"),
        ("", 'top: "data" top: "a"', "2 scales need 4 tops; found 2"),
        ("coord_num: 5", TOPS, "knows coord_num 4; found 5"),
        ("crop_width: 97", TOPS, "is smaller than the crop, 97 x 64"),
    ],
)
def test_a_layer_that_does_not_fit_says_so(tmp_path, more, tops, message):
    source = write_list(tmp_path, IMAGES)
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .ImageGtData.: .*{message}"):
        data(source, more, tops=tops)


def test_means_that_do_not_fit_say_so(tmp_path):
    source = write_list(tmp_path, IMAGES)
    with pytest.raises(
        caffe.CaffeError, match="3 channels need as many mean_value, or one; found 2"
    ):
        data(source, transform="mean_value: 1 mean_value: 2")
    with pytest.raises(caffe.CaffeError, match="knows mean_value alone"):
        data(source, transform='mean_file: "a"')


@pytest.mark.parametrize(
    "text",
    [
        "# 0 a.png 3 4 5 1 1 0 0 0 2",
        "# 0 a.png 3 4 5 1 0 0 0 0 2 2 0",
        "0 a.png 3 4 5 0 0",
        "# 0 a.png 3 4 5 -1 0",
        "# 0 a.png 3 4 5 0 x",
    ],
)
def test_a_list_that_is_none_names_the_image(tmp_path, text):
    (tmp_path / "list").write_text(f"# 0 a.png 3 4 5 0 0\n{text}")
    with pytest.raises(caffe.CaffeError, match="image 1: expected '# index', path"):
        read_objects(tmp_path / "list", "")


def test_a_list_is_read_with_the_root_folder_or_says_that_it_is_empty_or_missing(tmp_path):
    (tmp_path / "list").write_text("# 0 a.png 3 4 5 1 2 0 1 2 3 4 1 5 6 7 8")
    (entry,) = read_objects(tmp_path / "list", "x/")
    assert entry.path == "x/a.png"
    assert entry.objects.tolist() == [[2, 0, 1, 2, 3, 4]]
    assert entry.regions.tolist() == [[5, 6, 7, 8]]
    (tmp_path / "list").write_text("")
    with pytest.raises(caffe.CaffeError, match="the file is empty"):
        read_objects(tmp_path / "list", "")
    with pytest.raises(caffe.CaffeError, match="gone"):
        read_objects(tmp_path / "gone", "")
