"""Images with label maps from lists: ImageSegData, WindowSegData, and those of other forks."""

import h5py
import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from support.laws import law
from support.net_text import net_of

import caffe
from caffe.formats.database import create_database
from caffe.graph.assumed import assumed_shapes
from caffe.io import array_to_datum
from caffe.layer_types.contrib.labelled_images import nearest
from caffe.proto import caffe_pb2


@pytest.fixture
def folder(tmp_path):
    """Two images with label maps, of 6 x 8 and 4 x 5, and a list of them."""
    rng = np.random.RandomState(0)
    lines = []
    for i, size in enumerate(((6, 8), (4, 5))):
        image, label = rng.randint(0, 256, (*size, 3)), rng.randint(0, 5, size)
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"{i}.png")
        Image.fromarray(label.astype(np.uint8)).save(tmp_path / f"{i}_label.png")
        lines.append(f"/{i}.png /{i}_label.png\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    return tmp_path


def pixels(folder, i):
    """Image (C, H, W) in BGR and label (H, W)."""
    image = np.asarray(Image.open(folder / f"{i}.png"))[:, :, ::-1].transpose(2, 0, 1)
    return image.astype(np.float32), np.asarray(Image.open(folder / f"{i}_label.png"))


def data_net(folder, kind, param, more="", tops=2, phase=caffe.TEST):
    names = "".join(f' top: "y{i}"' for i in range(tops))
    of_kind = {"DenseImageData": "dense_image_data", "MultiLabelData": "multi_label_data"}
    field = f"{of_kind.get(kind, 'image_data')}_param"
    source = f'source: "{folder}/list.txt" root_folder: "{folder}"'
    return net_of(
        f'layer {{ name: "d" type: "{kind}" {names} {field} {{ {source} {param} }} {more} }}', phase
    )


KINDS = ["ImageSegData", "DenseImageData", "ImageLabelmapData"]


@law(*KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_images_and_labels_come_in_the_lists_order_in_their_own_sizes(folder, kind):
    if kind == "ImageLabelmapData":
        for i in range(2):
            values = np.random.RandomState(i).choice([0, 127, 128, 255], pixels(folder, i)[1].shape)
            Image.fromarray(values.astype(np.uint8)).save(folder / f"{i}_label.png")
    mean = "transform_param { mean_value: 3 scale: 0.5 }"
    net = data_net(folder, kind, "batch_size: 1", mean)
    for i in (0, 1, 0):
        net.forward()
        image, label = pixels(folder, i)
        np.testing.assert_array_equal(net.blobs["y0"].data[0], (image - 3) * 0.5)
        label = label > 127 if kind == "ImageLabelmapData" else label
        np.testing.assert_array_equal(net.blobs["y1"].data, label[None, None])


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_is_cut_and_mirrored_as_its_image(folder, kind):
    for i in range(2):  # the first channel tells the label
        image = np.asarray(Image.open(folder / f"{i}.png")).copy()
        image[:, :, 2] = np.asarray(Image.open(folder / f"{i}_label.png")) * 50
        Image.fromarray(image).save(folder / f"{i}.png")
        Image.fromarray(image[:, :, 2]).save(folder / f"{i}_label.png")
    crop = "transform_param { crop_size: 3 mirror: true }"
    net = data_net(folder, kind, "batch_size: 4 shuffle: true", crop, phase=caffe.TRAIN)
    seen = set()
    for _ in range(6):
        net.forward()
        blue, label = net.blobs["y0"].data[:, :1], net.blobs["y1"].data
        assert label.shape == (4, 1, 3, 3)
        np.testing.assert_array_equal(label, blue > 127 if kind == "ImageLabelmapData" else blue)
        seen |= {each.tobytes() for each in blue}
    assert len(seen) > 5


def test_a_resized_label_of_segnet_keeps_its_values_and_deeplabs_is_interpolated(folder):
    size = "batch_size: 2 new_height: 3 new_width: 4"
    net = data_net(folder, "DenseImageData", size)
    net.forward()
    _, label = pixels(folder, 0)
    np.testing.assert_array_equal(net.blobs["y1"].data[0, 0], label[::2, ::2])
    assert net.blobs["y0"].shape == (2, 3, 3, 4)
    net = data_net(folder, "ImageSegData", size)
    net.forward()
    halves = label.reshape(3, 2, 4, 2).astype(int).sum((1, 3))
    np.testing.assert_array_equal(net.blobs["y1"].data[0, 0], (halves + 2) // 4)


def test_enets_labels_are_smaller_than_their_images_by_a_factor(folder):
    size = "batch_size: 2 new_height: 6 new_width: 8 label_divide_factor: 2"
    net = data_net(folder, "DenseImageData", size)
    net.forward()
    _, label = pixels(folder, 0)
    assert net.blobs["y0"].shape == (2, 3, 6, 8)
    np.testing.assert_array_equal(net.blobs["y1"].data[0, 0], label[::2, ::2])
    mirrored = "transform_param { mirror: true }"
    net = data_net(folder, "DenseImageData", size, mirrored, phase=caffe.TRAIN)
    seen = set()
    for _ in range(8):
        net.forward()
        image, smaller = net.blobs["y0"].data[0], net.blobs["y1"].data[0, 0]
        turned = (smaller == label[::2, ::2][:, ::-1]).all()
        whole, _ = pixels(folder, 0)
        np.testing.assert_array_equal(image, whole[:, :, ::-1] if turned else whole)
        seen.add(bool(turned))
    assert seen == {True, False}
    with pytest.raises(caffe.CaffeError, match="write crop_size or label_divide_factor"):
        data_net(folder, "DenseImageData", size, "transform_param { crop_size: 3 }")


@pytest.mark.parametrize(("old", "new"), [(5, 3), (3, 5), (4, 4), (7, 2)])
def test_the_nearest_pixel_is_the_one_at_or_before_the_place(old, new):
    image = np.arange(old * old).reshape(old, old, 1)
    rows = [i * old // new for i in range(new)]
    np.testing.assert_array_equal(nearest(image, (new, old)), image[rows])


def test_deeplabs_pads_small_images_with_the_mean_and_ignored_labels(folder):
    more = "transform_param { crop_size: 7 mean_value: 10.4 mean_value: 20 mean_value: 30 }"
    net = data_net(folder, "ImageSegData", "batch_size: 1 ignore_label: 9", more, tops=3)
    for i, size in enumerate(((6, 7), (4, 5))):
        net.forward()
        image, label = pixels(folder, i)
        left = (image.shape[2] - 7) // 2 if image.shape[2] > 7 else 0
        image, label = image[:, :, left : left + 7], label[:, left : left + 7]
        found, labels = net.blobs["y0"].data[0], net.blobs["y1"].data[0, 0]
        mean = np.float32([10.4, 20, 30])[:, None, None]
        np.testing.assert_array_equal(found[:, : size[0], : size[1]], image - mean)
        beyond = found[:, size[0] :, :]
        np.testing.assert_array_equal(beyond, np.broadcast_to(np.rint(mean) - mean, beyond.shape))
        np.testing.assert_array_equal(labels[: size[0], : size[1]], label)
        assert (labels[size[0] :] == 9).all()
        assert (labels[:, size[1] :] == 9).all()
        assert net.blobs["y2"].data.ravel().tolist() == list(size)


def test_pspnets_crops_have_a_height_and_a_width(folder):
    crop = "transform_param { crop_h: 4 crop_w: 5 }"
    net = data_net(folder, "ImageSegData", "batch_size: 2", crop)
    net.forward()
    for i in range(2):
        image, label = pixels(folder, i)
        above, left = (label.shape[0] - 4) // 2, (label.shape[1] - 5) // 2
        cut = slice(above, above + 4), slice(left, left + 5)
        np.testing.assert_array_equal(net.blobs["y0"].data[i], image[:, cut[0], cut[1]])
        np.testing.assert_array_equal(net.blobs["y1"].data[i, 0], label[cut])
    with pytest.raises(caffe.CaffeError, match=r"crop_size \(7, 5\) is larger than the image"):
        data_net(folder, "DenseImageData", "", crop.replace("4", "7"))


def test_deeplabs_labels_may_be_a_class_or_none(folder):
    (folder / "list.txt").write_text("/0.png 3\n")
    net = data_net(folder, "ImageSegData", "label_type: IMAGE")
    net.forward()
    assert (net.blobs["y1"].data == 3).all()
    assert net.blobs["y1"].shape == (1, 1, 6, 8)
    net = data_net(folder, "ImageSegData", "label_type: NONE")
    net.forward()
    assert not net.blobs["y1"].data.any()


@pytest.mark.parametrize(
    ("text", "param", "message"),
    [
        ("/0.png\n", "", "list.txt:1: expected an image and a label; found '/0.png'"),
        ("\n", "", "the list is empty"),
        ("/0.png /1_label.png\n", "", r"list.txt:1: the label .* is \(4, 5\) pixels large"),
        ("/0.png a\n", "label_type: IMAGE", "list.txt:1: label_type IMAGE needs a number"),
        ("/0.png /0_label.png\n", "new_height: 3", "new_height and new_width"),
        ("/0.png /0_label.png\n", "batch_size: 0", "batch_size 0"),
        ("/0.png /0_label.png\n", "rand_skip: 100", ""),
    ],
)
def test_what_is_wrong_with_a_list_says_where(folder, text, param, message):
    (folder / "list.txt").write_text(text)
    if not message:
        caffe.set_random_seed(3)
        message = "Not enough points to skip"
    with pytest.raises(caffe.CaffeError, match=message) as error:
        data_net(folder, "ImageSegData", param)
    assert "layer 'd' (ImageSegData)" in str(error.value)


def test_a_position_is_kept(folder):
    net = data_net(folder, "DenseImageData", "batch_size: 1 shuffle: true")
    net.forward()
    state = net.layers[0].state_dict()
    net.forward()
    after = net.blobs["y1"].data.copy()
    net.layers[0].load_state_dict(state)
    net.forward()
    np.testing.assert_array_equal(net.blobs["y1"].data, after)


def dilation_net(
    folder, param, crop=7, phase=caffe.TEST, labels="labels.txt", kind="ImageLabelData"
):
    (folder / "images.txt").write_text("0.png\n1.png\n")
    (folder / "labels.txt").write_text("0_label.png\n1_label.png\n")
    lists = f'image_list_path: "{folder}/images.txt" label_list_path: "{folder}/{labels}"'
    return net_of(
        f'layer {{ name: "d" type: "{kind}" top: "x" top: "y" '
        f"transform_param {{ crop_size: {crop} mean_value: 2 }} "
        f'image_label_data_param {{ {lists} data_dir: "{folder}/" {param} }} }}',
        phase,
    )


@law("ImageLabelData")
@pytest.mark.parametrize("mode", ["REFLECT", "ZERO"])
def test_dilations_images_are_padded_and_labels_lie_a_stride_apart(folder, mode):
    part = "label_slice { dim: 3 dim: 2 stride: 2 stride: 3 offset: 1 offset: 2 }"
    net = dilation_net(folder, f"padding: {mode} {part}", crop=9)
    for i in (0, 1, 0):
        net.forward()
        image, label = pixels(folder, i)
        for pads in (
            [(1, 1), (2, 2)],  # the offset, all around
            {0: [(0, 1), (0, 0)], 1: [(1, 2), (0, 0)]}[i],  # 8 x 12 and 6 x 9 up to 9 x 9
        ):
            more = {"mode": "reflect"} if mode == "REFLECT" else {}
            image = np.pad(image, [(0, 0), *pads], **more)
            label = np.pad(label, pads, constant_values=255)
        left = (image.shape[2] - 9) // 2
        np.testing.assert_array_equal(net.blobs["x"].data[0], image[:, :, left : left + 9] - 2)
        expected = label[:, left : left + 9][1:6:2, 2:6:3]
        np.testing.assert_array_equal(net.blobs["y"].data[0, 0], expected)


def test_dilations_odd_pixel_is_on_the_left_and_labels_are_whole_without_a_slice(folder):
    net = dilation_net(folder, "batch_size: 2", crop=10)
    net.forward()
    image, label = pixels(folder, 1)  # 4 x 5
    assert net.blobs["y"].shape == (2, 1, 10, 10)
    found = net.blobs["x"].data[1], net.blobs["y"].data[1, 0]
    np.testing.assert_array_equal(found[0][:, 3:7, 3:8], image - 2)
    np.testing.assert_array_equal(found[1][3:7, 3:8], label)
    assert (found[1] == 255).sum() == 80


def test_dilations_crops_of_images_and_labels_agree_in_training(folder):
    for i in range(2):  # the label is the image's blue channel
        blue = np.asarray(Image.open(folder / f"{i}.png"))[:, :, 2]
        Image.fromarray(blue).save(folder / f"{i}_label.png")
    net = dilation_net(folder, "shuffle: true", crop=4, phase=caffe.TRAIN)
    for _ in range(5):
        net.forward()
        np.testing.assert_array_equal(net.blobs["x"].data[:, :1] + 2, net.blobs["y"].data)


@pytest.mark.parametrize(
    ("param", "crop", "labels", "message"),
    [
        ("rand_scale: true", 7, "labels.txt", "takes no rand_scale"),
        ("", 0, "labels.txt", "needs a crop_size"),
        ("label_slice { dim: 3 }", 7, "labels.txt", "label_slice has two values each"),
        ("label_slice { dim: 8 dim: 1 }", 7, "labels.txt", r"reaches to \(8, 1\), crop_size is"),
        ("", 7, "list.txt", "a label for each image: .*images.txt lists 2, .*list.txt 1"),
        ("", 7, "swapped.txt", r"images.txt:1: the label 1_label.png is \(4, 5\) pixels"),
        ("rand_skip: 100", 7, "labels.txt", "Not enough points to skip: .*images.txt has 2"),
    ],
)
def test_what_is_wrong_with_dilations_data_says_where(folder, param, crop, labels, message):
    (folder / "list.txt").write_text("0_label.png")
    (folder / "swapped.txt").write_text("1_label.png\n0_label.png")
    caffe.set_random_seed(3)
    with pytest.raises(caffe.CaffeError, match=message):
        dilation_net(folder, param, crop, labels=labels)


@law("WindowSegData")
def test_deconvnets_windows_are_cut_out_of_images_and_resized(folder):
    (folder / "list.txt").write_text("/0.png /0_label.png 1 2 4 5\n/1.png /1_label.png -1 1 5 4\n")
    net = data_net(folder, "WindowSegData", "batch_size: 1 ignore_label: 9", tops=3)
    net.forward()
    image, label = pixels(folder, 0)
    np.testing.assert_array_equal(net.blobs["y0"].data[0], image[:, 2:6, 1:5])
    np.testing.assert_array_equal(net.blobs["y1"].data[0, 0], label[2:6, 1:5])
    net.forward()  # 4 x 5: a column on either side and a row below are outside
    image, label = pixels(folder, 1)
    found, labels = net.blobs["y0"].data[0], net.blobs["y1"].data[0, 0]
    np.testing.assert_array_equal(found, np.pad(image, [(0, 0), (0, 1), (1, 1)])[:, 1:])
    expected = np.pad(label, [(0, 1), (1, 1)], constant_values=9)[1:]
    np.testing.assert_array_equal(labels, expected)
    assert net.blobs["y2"].data.ravel().tolist() == [4, 5]

    size = "batch_size: 2 new_height: 2 new_width: 3 ignore_label: 9"
    net = data_net(folder, "WindowSegData", size)
    net.forward()
    assert net.blobs["y0"].shape == (2, 3, 2, 3)
    rows, columns = [0, 2], [0, 2, 4]  # of 4 x 7, nearest before: i * 2 and i * 7 / 3
    np.testing.assert_array_equal(net.blobs["y1"].data[1, 0], expected[rows][:, columns])


def test_a_windows_label_may_be_a_class_or_none(folder):
    (folder / "list.txt").write_text("/0.png 3 0 0 3 3\n")
    net = data_net(folder, "WindowSegData", "label_type: IMAGE")
    net.forward()
    assert (net.blobs["y1"].data == 3).all()
    (folder / "list.txt").write_text("/0.png 0 0 3 3\n")
    net = data_net(folder, "WindowSegData", "label_type: NONE ignore_label: 7")
    net.forward()
    assert (net.blobs["y1"].data == 7).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/0.png /0_label.png 1 2 3", "list.txt:1: expected x1 y1 x2 y2 behind the names"),
        ("/0.png /0_label.png 3 0 2 3", "list.txt:1: the window .3, 0, 2, 3. is empty"),
        ("/0.png /1_label.png 0 0 2 2", r"the label /1_label.png is \(4, 5\) pixels large"),
    ],
)
def test_what_is_wrong_with_a_window_says_where(folder, line, message):
    (folder / "list.txt").write_text(line)
    with pytest.raises(caffe.CaffeError, match=message):
        data_net(folder, "WindowSegData", "")


def select_net(folder, more="", classes=4):
    more += f" window_cls_data_param {{ label_dim: {classes} }}"
    return data_net(folder, "SelectSegBinary", "batch_size: 1 ignore_label: 1", more, tops=3)


@law("SelectSegBinary")
@pytest.mark.parametrize("base", [0, 2])
def test_decouplednets_pixels_have_what_the_line_says_of_their_class(folder, base):
    (folder / "list.txt").write_text("/0.png /0_label.png -1 0 5 4 0 1 1 7\n")
    net = select_net(folder, f"select_seg_binary_param {{ cls_label_base: {base} }}")
    net.forward()
    image, label = pixels(folder, 0)
    found = net.blobs["y0"].data[0]
    np.testing.assert_array_equal(found, np.pad(image[:, :5, :6], [(0, 0), (0, 0), (1, 0)]))
    of_label = [0, 1, 1, 1, 7] if base == 0 else [0, 1, 0, 0, 1]  # 1 itself is ignored
    expected = np.pad(np.array(of_label)[label], [(0, 0), (1, 0)], constant_values=1)[:5, :7]
    np.testing.assert_array_equal(net.blobs["y1"].data[0, 0], expected)
    np.testing.assert_array_equal(net.blobs["y2"].data, np.reshape([0, 1, 1, 7], (1, 4, 1, 1)))


@pytest.mark.parametrize(
    ("line", "classes", "message"),
    [
        ("/0.png /0_label.png 0 0 3 3 1", 2, "list.txt:1: expected 2 labels behind x1 y1 x2 y2"),
        ("/0.png /0_label.png 0 0 3 3 1", 0, "needs a positive label_dim; found 0"),
    ],
)
def test_a_window_needs_the_labels_of_all_classes(folder, line, classes, message):
    (folder / "list.txt").write_text(line)
    with pytest.raises(caffe.CaffeError, match=message):
        select_net(folder, classes=classes)


def test_a_window_with_labels_has_the_shapes_that_its_fields_tell():
    spec = text_format.Parse(
        'type: "SelectSegBinary" top: "x" top: "y" top: "z" transform_param { crop_size: 9 } '
        "image_data_param { batch_size: 2 } window_cls_data_param { label_dim: 20 }",
        caffe_pb2.LayerParameter(),
    )
    expected = [(2, 3, 9, 9), (2, 1, 9, 9), (2, 20, 1, 1)]
    assert list(assumed_shapes(spec).values()) == expected


@pytest.mark.parametrize("field", ["label_dim", "label_size", "label_num"])
def test_an_image_may_have_several_labels(folder, field):
    (folder / "list.txt").write_text("/1.png 1 -1 0.5\n/0.png 0 2 3\n")
    net = data_net(folder, "ImageData", f"{field}: 3")
    for i, labels in ((1, [1, -1, 0.5]), (0, [0, 2, 3])):
        net.forward()
        np.testing.assert_array_equal(net.blobs["y0"].data[0], pixels(folder, i)[0])
        assert net.blobs["y1"].data.tolist() == [labels]


@law("MultiLabelData")
def test_several_labels_have_a_layer_of_their_own(folder):
    (folder / "list.txt").write_text("/1.png 1 -1 0.5\n/0.png 0 2 3\n")
    net = data_net(folder, "MultiLabelData", "label_num: 3")
    other = data_net(folder, "ImageData", "label_num: 3")
    for _ in range(3):
        net.forward()
        other.forward()
        for name in ("y0", "y1"):
            np.testing.assert_array_equal(net.blobs[name].data, other.blobs[name].data)
    with pytest.raises(caffe.CaffeError, match=r"\{ label_num \} is missing"):
        data_net(folder, "MultiLabelData", "")


@law("MultiLabelImageData")
@pytest.mark.parametrize("labels", [[[1, -1, 0.5], [0, 2, 3]], [[4], [5]]])
def test_the_first_line_says_how_many(folder, labels):
    lines = [f"/{i}.png {' '.join(map(str, labels[1 - i]))}\n" for i in (1, 0)]
    (folder / "list.txt").write_text("".join(lines))
    net = data_net(folder, "MultiLabelImageData", "")
    for i in (1, 0):
        net.forward()
        np.testing.assert_array_equal(net.blobs["y0"].data[0], pixels(folder, i)[0])
        assert net.blobs["y1"].data.tolist() == [labels[1 - i]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "File is empty"),
        ("/0.png 1 2\n/1.png 1\n", r"list\.txt:2: expected 'path' and 2 labels; found"),
        ("/0.png\n", r"list\.txt:1: expected 'path label'"),
    ],
)
def test_each_line_has_labels_as_many_as_the_first(folder, text, message):
    (folder / "list.txt").write_text(text)
    with pytest.raises(caffe.CaffeError, match=message):
        data_net(folder, "MultiLabelImageData", "")


@pytest.mark.parametrize("line", ["/0.png 1 2", "/0.png 1 2 a", "/0.png"])
def test_a_line_that_lacks_labels_is_named(folder, line):
    (folder / "list.txt").write_text(line)
    with pytest.raises(caffe.CaffeError, match=r"list\.txt:1: expected 'path' and 3 labels; found"):
        data_net(folder, "ImageData", "label_size: 3")


def test_a_list_of_several_labels_is_not_empty(folder):
    (folder / "list.txt").write_text("")
    with pytest.raises(caffe.CaffeError, match="File is empty"):
        data_net(folder, "ImageData", "label_size: 3")


def jacinto_net(folder, transform, param="backend: LMDB", phase=caffe.TEST):
    lists = f'image_list_path: "{folder}/images" label_list_path: "{folder}/labels"'
    return net_of(
        'layer { name: "d" type: "ImageLabelData" top: "x" top: "y" '
        f"transform_param {{ {transform} }} "
        f"image_label_data_param {{ {lists} threads: 4 {param} }} }}",
        phase,
    )


def write_databases(folder, labels):
    for name, of in (("images", 0), ("labels", 1)):
        with create_database(folder / name, "lmdb") as database:
            for i in range(2 if of == 0 else labels):
                array = pixels(folder, i)[of].astype(np.uint8)
                datum = array_to_datum(array[None] if of else array)
                database.put(b"%05d" % i, datum.SerializeToString())


def test_of_caffe_jacinto_images_and_labels_come_from_two_databases(folder):
    write_databases(folder, 2)
    net = jacinto_net(folder, "mean_value: 2")
    for i in (0, 1, 0):
        net.forward()
        image, label = pixels(folder, i)
        np.testing.assert_array_equal(net.blobs["x"].data[0], image - 2)
        np.testing.assert_array_equal(net.blobs["y"].data[0, 0], label)
    net = jacinto_net(folder, "crop_size: 2", "backend: LMDB batch_size: 2")
    net.forward()
    for i in range(2):
        image, label = pixels(folder, i)
        at = [(size - 2) // 2 for size in label.shape]
        cut = slice(at[0], at[0] + 2), slice(at[1], at[1] + 2)
        np.testing.assert_array_equal(net.blobs["x"].data[i], image[(slice(None), *cut)])
        np.testing.assert_array_equal(net.blobs["y"].data[i, 0], label[cut])


@pytest.mark.parametrize(
    ("labels", "param", "message"),
    [
        (1, "backend: LMDB", "needs a label for each image: .*has 2 records, .*labels 1"),
        (2, "backend: LMDB scale_prob: 0.5", "takes no scale_prob: scale the images before"),
        (2, "backend: LMDB shuffle: true", "takes no shuffle with a backend: leave it out"),
    ],
)
def test_what_is_wrong_with_two_databases_is_named(folder, labels, param, message):
    write_databases(folder, labels)
    with pytest.raises(caffe.CaffeError, match=f"layer 'd' .ImageLabelData.: .*{message}"):
        jacinto_net(folder, "", param)


@law("ImageLabelListData")
def test_caffe_jacintos_lists_are_those_of_dilation(folder):
    nets = [
        dilation_net(folder, "batch_size: 2", kind=kind)
        for kind in ("ImageLabelListData", "ImageLabelData")
    ]
    for net in nets:
        net.forward()
    for name in "xy":
        np.testing.assert_array_equal(*(net.blobs[name].data for net in nets))


def write_maps(folder, i, name="label", lead=1):
    maps = np.random.RandomState(i).randn(lead, 2, *pixels(folder, i)[1].shape)
    with h5py.File(folder / f"{i}.h5", "w") as file:
        file[name] = maps.astype(np.float32)
    return maps.astype(np.float32)


def test_doobnets_labels_are_maps_of_hdf5_files(folder):
    maps = [write_maps(folder, i) for i in range(2)]
    (folder / "list.txt").write_text("/0.png /0.h5\n/1.png /1.h5\n")
    net = data_net(folder, "ImageLabelmapData", 'data_type: "h5"')
    for i in range(2):
        net.forward()
        np.testing.assert_array_equal(net.blobs["y0"].data[0], pixels(folder, i)[0])
        np.testing.assert_array_equal(net.blobs["y1"].data, maps[i])
    crop = "transform_param { crop_size: 3 }"
    net = data_net(folder, "ImageLabelmapData", 'data_type: "h5" batch_size: 2', crop)
    net.forward()
    np.testing.assert_array_equal(net.blobs["y1"].data[0], maps[0][0, :, 1:4, 2:5])
    np.testing.assert_array_equal(net.blobs["y0"].data[1], pixels(folder, 1)[0][:, :3, 1:4])


@pytest.mark.parametrize(
    ("name", "lead", "param", "more", "message"),
    [
        ("maps", 1, "", "", r"0\.h5: / has no dataset 'label'; it holds \['maps'\]"),
        ("label", 2, "", "", r"0\.h5: 'label' is of shape \(2, 2, 6, 8\), its image \(6, 8\) pix"),
        ("label", 1, "new_height: 3 new_width: 3", "", r"its image \(3, 3\) pixels large"),
        ("label", 1, "", "transform_param { mirror: true }", "mirrors no maps of data_type h5"),
    ],
)
def test_what_is_wrong_with_such_a_file_says_so(folder, name, lead, param, more, message):
    write_maps(folder, 0, name, lead)
    (folder / "list.txt").write_text("/0.png /0.h5\n")
    with pytest.raises(caffe.CaffeError, match=message):
        data_net(folder, "ImageLabelmapData", f'data_type: "h5" {param}', more)
    with pytest.raises(caffe.CaffeError, match="data_type is img or h5; found 'mat'"):
        data_net(folder, "ImageLabelmapData", 'data_type: "mat"')


@pytest.mark.parametrize("kind", ["img", "h5"])
def test_how_many_maps_a_label_has_the_files_alone_tell(kind):
    text = (
        'type: "ImageLabelmapData" top: "x" top: "y" transform_param { crop_size: 9 } '
        f'image_data_param {{ batch_size: 2 data_type: "{kind}" }}'
    )
    found = assumed_shapes(text_format.Parse(text, caffe_pb2.LayerParameter()))
    assert found == ({"x": (2, 3, 9, 9), "y": (2, 1, 9, 9)} if kind == "img" else {})
