"""DetectionData and EvalData of Cascade R-CNN."""

import numpy as np
import pytest
from support.laws import agree, law
from support.net_text import net_of
from support.photographs_of_objects import photograph, write_list

import caffe
from caffe.feeding.objects import read_objects

SCALES = [(8, 16, 24), (16, 40, 48)]  # pixels between fields, their width and height
FIELDS = " ".join(f"stride: {r} field_w: {w} field_h: {h}" for r, w, h in SCALES)
TOPS = 'top: "data" top: "a" top: "b" top: "boxes"'
IMAGES = [
    (
        [(1, 0, 0, 10, 8, 26, 29), (2, 0, 1, 40, 5, 80, 60), (1, 1, 0, 60, 30, 75, 53)],
        [(0, 40, 30, 63)],
    ),
    ([(2, 0, 0, 30, 20, 40, 50), (1, 0, 0, 70, 10, 73, 12)], []),
]


def data(source, more="", transform="mean_value: 100", tops=TOPS, phase=caffe.TEST, batch=1):
    return net_of(
        f'layer {{ name: "l" type: "DetectionData" {tops} transform_param {{ {transform} }} '
        f'detection_data_param {{ source: "{source}" batch_size: {batch} output_gt_boxes: true '
        f"{FIELDS if 'field_w' not in more else ''} {more} }} }}",
        phase,
    )


def evaluated(source, more, tops='top: "data" top: "boxes" top: "sizes"', batch=1):
    return net_of(
        f'layer {{ name: "l" type: "EvalData" {tops} '
        "transform_param { mean_value: 7 scale: 0.5 } "
        f'eval_data_param {{ source: "{source}" batch_size: {batch} {more} }} }}'
    )


def shared(a, b):
    """Pixels of both, corners whose last pixels are inside."""
    w, h = (max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1, 0) for i in range(2))
    return w * h


def size_of(a):
    return (a[2] - a[0] + 1) * (a[3] - a[1] + 1)


def labels(objects, regions, size, threshold, margin=None, part=None):
    """What is said at each scale, one field after the other."""
    maps, best, matched = [], {}, set()
    whole = (0, 0, size[1], size[0])
    for at, (rate, width, height) in enumerate(SCALES):
        shape = int(size[0] / rate + 0.5), int(size[1] / rate + 0.5)
        label = np.zeros((6, *shape))
        for i, j in np.ndindex(*shape):
            x, y = (j + 0.5) * rate, (i + 0.5) * rate
            field = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if margin is not None:
                dx, dy = margin * width / 2, margin * height / 2
                inside = field[0] >= -dx and field[2] < size[1] + dx
                inside = inside and field[1] >= -dy and field[3] < size[0] + dy
            else:
                inside = part is None or shared(field, whole) / size_of(field) >= part
            if not inside:
                label[5, i, j] = 1
                continue
            overlaps = []
            for number, each in enumerate(objects):
                common = shared(field, each[3:])
                overlaps.append(common / (size_of(field) + size_of(each[3:]) - common))
                if overlaps[-1] > best.get(number, (0,))[0]:
                    best[number] = overlaps[-1], at
            most = max(overlaps, default=0)
            label[5, i, j] = most
            if most > threshold:
                number = overlaps.index(most)
                matched.add(number)
                kind, ignored, _, x1, y1, x2, y2 = objects[number]
                said = [0 if ignored else kind, (x1 + x2) / 2, (y1 + y2) / 2]
                label[:5, i, j] = [*said, x2 - x1 + 1, y2 - y1 + 1]
            elif sum(shared(field, region) for region in regions) / size_of(field) >= 0.4:
                label[5, i, j] = 1
        maps.append(label)
    for number, (kind, ignored, _, x1, y1, x2, y2) in enumerate(objects):
        if ignored or number in matched or best.get(number, (0,))[0] < 0.2:
            continue
        label, rate = maps[best[number][1]], SCALES[best[number][1]][0]
        i, j = int((y1 + y2) / 2 // rate), int((x1 + x2) / 2 // rate)
        if not label[0, i, j]:
            said = [kind, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1 + 1, y2 - y1 + 1]
            label[:, i, j] = [*said, best[number][0]]
    return maps


@law("DetectionData")
@pytest.mark.parametrize("threshold", [0.5, 0.3])
@pytest.mark.parametrize(("margin", "part"), [(None, None), (0.25, None), (None, 0.8)])
def test_labels_are_what_fields_overlap(tmp_path, threshold, margin, part):
    more = f"fg_threshold: {threshold}"
    if margin is not None:
        more += f" anchor_ignore_margin_ratio: {margin}"
    if part is not None:
        more += f" anchor_ignore_iou_thr: {part}"
    found = data(write_list(tmp_path, IMAGES), more, batch=2).forward()
    for image, (objects, regions) in enumerate(IMAGES):
        agree(found["data"][image], photograph(tmp_path, image) - 100.0)
        expected = labels(objects, regions, (64, 96), threshold, margin, part)
        for name, each in zip("ab", expected, strict=True):
            agree(found[name][image], each, 1e-5, 1e-5)
    rows = [
        [image, *corners, kind, ignored, difficult]
        for image, (objects, _) in enumerate(IMAGES)
        for kind, ignored, difficult, *corners in objects
    ]
    agree(found["boxes"][:, :, 0, 0], rows)


def test_without_objects_and_with_small_ones(tmp_path):
    net = data(
        write_list(tmp_path, [([(1, 0, 0, 10, 8, 26, 29)], []), ([], [])]), "min_gt_width: 18"
    )
    assert net.forward()["boxes"].ravel().tolist() == [0, 10, 8, 26, 29, 1, 1, 0]
    assert net.forward()["boxes"].ravel().tolist() == [-1] * 8
    plain = data(tmp_path / "list.txt", "field_w: []", tops='top: "data" top: "boxes"')
    assert plain.forward()["boxes"].shape == (1, 8, 1, 1)


def test_a_batch_is_tall_or_wide_as_its_first_image(tmp_path):
    objects = [(1, 0, 0, 10, 8, 26, 29)]
    source = write_list(tmp_path, [(objects, [])] * 4, [(64, 96), (96, 64), (96, 64), (64, 96)])
    net = data(source, "short_size: 64 long_size: 128", batch=2)
    assert [net.forward()["data"].shape[2:] for _ in range(2)] == [(64, 128), (128, 64)]
    net = data(source, "short_size: 64 long_size: 128 template_ratio: 0.5 template_ratio: 1.5")
    seen = {net.forward()["data"].shape[2:] for _ in range(24)}
    assert seen == {(32, 64), (64, 32), (96, 192), (192, 96)}
    net = data(source, "crop_short_size: 40 crop_long_size: 48", batch=2)
    assert [net.forward()["data"].shape[2:] for _ in range(2)] == [(40, 48), (48, 40)]
    net = data(source, "resize_ratio: 0.5")
    assert [net.forward()["data"].shape[2:] for _ in range(2)] == [(32, 48), (48, 32)]
    net = data(source, "resize_width: 32 resize_height: 128")
    found = net.forward()
    assert found["data"].shape[2:] == (128, 32)
    agree(found["boxes"].ravel()[1:5], [10 / 3, 16, 26 / 3, 58], 1e-5)


@pytest.mark.parametrize("shuffle", ["random", "random_aspect", "random_mix_aspect"])
def test_images_are_shuffled_as_asked_for(tmp_path, shuffle):
    sizes = [(64, 96), (96, 64)]
    entries = [([(k + 1, 0, 0, 10, 8, 26, 29)], []) for k in range(8)]
    source = write_list(tmp_path, entries, sizes)
    caffe.set_random_seed(1)
    net = data(source, f'shuffle: "{shuffle}" mix_group_size: 2')
    orders = [[int(net.forward()["boxes"][0, 5, 0, 0]) for _ in range(8)] for _ in range(6)]
    assert all(sorted(order) == list(range(1, 9)) for order in orders)
    assert len({tuple(order) for order in orders}) > 3
    kinds = {"".join(str(k % 2) for k in order) for order in orders}
    if shuffle != "random":
        same = {"00001111", "11110000"} if shuffle == "random_aspect" else {"00110011", "11001100"}
        assert kinds == same


def test_an_image_may_be_mirrored_coloured_and_brought_to_another_scale(tmp_path):
    source = write_list(tmp_path, [([(1, 0, 0, 30, 20, 49, 39)], [])])
    caffe.set_random_seed(1)
    net = data(source, "multiscale_prob: 0.5 low_scale_ratio: 0.5 high_scale_ratio: 2")
    widths = []
    for _ in range(40):
        found = net.forward()
        x1, y1, x2, y2 = found["boxes"].ravel()[1:5]
        widths.append(float(x2 - x1) / 19)
        assert abs((x2 - x1) - (y2 - y1)) < 1e-3
        outside = found["a"][0, 5] == 1
        if outside.any():
            assert (found["data"][0] == 0).all(0).any()
    assert 10 < widths.count(1) < 30
    assert 0.5 <= min(widths) < 0.7 < 1.6 < max(widths) <= 2
    net = data(
        source, "multiscale_prob: 1 min_scale: 10 max_scale: 40 min_whaspect: 0.5 max_whaspect: 2"
    )
    sides = [net.forward()["boxes"].ravel()[1:5].copy() for _ in range(3)]
    assert len({round(float((x2 - x1) / (y2 - y1)), 3) for x1, y1, x2, y2 in sides}) == 3
    net = data(source, transform="mirror: true", phase=caffe.TRAIN)
    seen = {tuple(net.forward()["boxes"].ravel()[[1, 3]]) for _ in range(12)}
    assert seen == {(30, 49), (47, 66)}
    net = data(source, "distort_param { brightness_prob: 1 brightness_delta: 32 }", "mean_value: 0")
    assert not np.array_equal(net.forward()["data"][0], photograph(tmp_path))


@law("EvalData")
def test_images_to_test_have_sides_of_whole_steps(tmp_path):
    source = write_list(tmp_path, [IMAGES[0], ([], [])], [(64, 96)])
    net = evaluated(source, "")
    found = net.forward()
    agree(found["data"][0], (photograph(tmp_path) - 7.0) / 2)
    assert found["sizes"].tolist() == [[[[64]], [[96]]]]
    rows = [[0, *row[3:], *row[:3]] for row in IMAGES[0][0]]
    agree(found["boxes"][:, :, 0, 0], rows)
    assert net.forward()["boxes"].ravel().tolist() == [-1] * 8
    found = evaluated(source, "short_size: 100 long_size: 140").forward()
    assert found["data"].shape == (1, 3, 96, 128)  # 100 x 150, at most 140
    agree(found["boxes"][0, 1:5, 0, 0], np.array([10, 8, 26, 29]) * [4 / 3, 1.5, 4 / 3, 1.5], 1e-5)
    found = evaluated(source, "resize_width: 60 resize_height: 40", 'top: "data" top: "boxes"', 2)
    assert found.forward()["data"].shape == (2, 3, 32, 64)


@pytest.mark.parametrize(
    ("more", "tops", "message"),
    [
        ("field_w: 8", TOPS, "found 0, 1 and 0"),
        ("", 'top: "data" top: "a"', "2 strides need 4 tops; found 2"),
        ("coord_num: 5", TOPS, "knows coord_num 4; found 5"),
        ('shuffle: "x"', TOPS, "random, random_aspect, random_mix_aspect; found 'x'"),
    ],
)
def test_a_layer_that_does_not_fit_says_so(tmp_path, more, tops, message):
    source = write_list(tmp_path, IMAGES)
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .DetectionData.: .*{message}"):
        data(source, more, tops=tops)
    with pytest.raises(caffe.CaffeError, match="batch_size is 1; found 2"):
        evaluated(source, "", batch=2)
    with pytest.raises(caffe.CaffeError, match="knows mean_value alone"):
        data(source, transform='mean_file: "a"')


def test_a_list_without_difficult_says_what_it_should_have(tmp_path):
    (tmp_path / "list").write_text("# 0 a.png 3 4 5 1 1 0 1 2 3 4 0")
    with pytest.raises(caffe.CaffeError, match="'class ignore difficult x1 y1 x2 y2'"):
        read_objects(tmp_path / "list", "", difficult=True)
