"""caffe.io: against scikit-image's recorded numbers (tests/records/io), and its laws."""

import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import zoom
from support.laws import SEED, drawn
from support.net_text import input_layer, net_of

import caffe
from caffe.proto import caffe_pb2

RECORD = np.load(Path(__file__).parents[1] / "records" / "io" / "skimage.npz")
RESIZES = sorted({int(key.split("/")[1]) for key in RECORD.files if key.startswith("resize/")})
IMAGES = sorted({key.split("/")[1] for key in RECORD.files if key.startswith("image/")})


def rand(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).rand(*shape).astype(np.float32)


# Blobs and datums.


@pytest.mark.parametrize("diff", [False, True])
@given(st.lists(st.integers(0, 4), max_size=5), SEED)
@drawn()
def test_an_array_comes_back_from_a_blobproto_in_its_shape(diff, shape, seed):
    array = rand(*shape, seed=seed) if shape else np.float32(seed) * np.ones(())
    blob = caffe.io.array_to_blobproto(array, -array if diff else None)
    ours = caffe.io.blobproto_to_array(blob, return_diff=diff)
    assert ours.dtype == np.float64
    np.testing.assert_array_equal(ours, -array if diff else array)


def test_a_legacy_blobproto_has_four_axes_and_doubles_count_where_there_are_no_floats():
    legacy = caffe_pb2.BlobProto(num=1, channels=2, height=1, width=3, data=range(6))
    assert caffe.io.blobproto_to_array(legacy).shape == (1, 2, 1, 3)
    double = caffe_pb2.BlobProto(double_data=[0.1, 0.2])
    double.shape.dim.append(2)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(double), [0.1, 0.2])


@pytest.mark.parametrize("dims", [[3], [2**31 - 1], [0, 3], [], [1, 1]])
def test_a_blobproto_whose_shape_is_not_that_of_its_values_is_an_error(dims):
    blob = caffe_pb2.BlobProto(data=[1, 2])
    blob.shape.dim.extend(dims)
    with pytest.raises(caffe.CaffeError, match="holds 2 values of data"):
        caffe.io.blobproto_to_array(blob)


@pytest.mark.parametrize("dims", [[-1, -2], [2**40], [0, 2**62], [2**32, 2**32], [1] * 33])
def test_a_blobproto_whose_shape_no_blob_can_have_is_an_error(dims):
    blob = caffe_pb2.BlobProto(data=[1, 2])
    blob.shape.dim.extend(dims)
    with pytest.raises(caffe.CaffeError, match="blob"):
        caffe.io.blobproto_to_array(blob)


def test_a_blobproto_without_a_diff_has_none_to_give():
    blob = caffe.io.array_to_blobproto(rand(2))
    with pytest.raises(caffe.CaffeError, match="holds 0 values of diff"):
        caffe.io.blobproto_to_array(blob, return_diff=True)


def test_a_list_of_arrays_comes_back_from_a_blobprotovector():
    arrays = [rand(2, 3), rand(4, 1, 2), rand(5)]
    text = caffe.io.arraylist_to_blobprotovector_str(arrays)
    for ours, array in zip(caffe.io.blobprotovector_str_to_arraylist(text), arrays, strict=True):
        np.testing.assert_array_equal(ours, array)
    with pytest.raises(caffe.CaffeError, match="no whole BlobProtoVector"):
        caffe.io.blobprotovector_str_to_arraylist(text[:-3])


@given(st.tuples(*[st.integers(1, 4)] * 3), st.booleans(), SEED)
@drawn()
def test_an_array_comes_back_from_a_datum_bytes_as_bytes_and_all_else_as_floats(shape, raw, seed):
    array = np.random.RandomState(seed).randint(0, 256, shape)
    array = array.astype(np.uint8) if raw else (array / 8).astype(np.float32)
    datum = caffe.io.array_to_datum(array, 7)
    assert (datum.channels, datum.height, datum.width, datum.label) == (*shape, 7)
    assert bool(datum.data) == raw
    ours = caffe.io.datum_to_array(caffe_pb2.Datum.FromString(datum.SerializeToString()))
    assert ours.dtype == (np.uint8 if raw else np.float64)
    np.testing.assert_array_equal(ours, array)
    ours += 1  # a copy, writable


def test_a_datum_takes_three_axes_and_its_sizes_must_be_those_of_its_data():
    with pytest.raises(ValueError, match=r"Incorrect array shape: \(2, 3\)"):
        caffe.io.array_to_datum(rand(2, 3))
    datum = caffe_pb2.Datum(channels=2**30, height=2**30, width=2**30, data=b"123")
    with pytest.raises(caffe.CaffeError, match="holds 3"):
        caffe.io.datum_to_array(datum)
    assert not caffe.io.array_to_datum(rand(1, 1, 1)).HasField("label")


# The transformer.


def transformer(shape=(10, 3, 5, 4), name="data"):
    return caffe.io.Transformer({name: shape})


def test_the_steps_of_preprocess_are_those_of_caffe_in_that_order():
    t = transformer()
    t.set_transpose("data", (2, 0, 1))
    t.set_channel_swap("data", (2, 1, 0))
    t.set_raw_scale("data", 255)
    t.set_mean("data", np.array([10.0, 20.0, 30.0]))
    t.set_input_scale("data", 0.5)
    image = rand(5, 4, 3)
    kept = image.copy()
    ours = t.preprocess("data", image)
    bgr = image[:, :, ::-1].transpose(2, 0, 1)
    expected = (bgr * 255.0 - np.array([10, 20, 30])[:, None, None]) * 0.5
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_allclose(t.deprocess("data", ours[None]), image, atol=1e-6)


def test_preprocess_without_settings_only_resizes_to_the_input():
    t, image = transformer(), rand(9, 9, 3)
    np.testing.assert_array_equal(t.preprocess("data", image), caffe.io.resize_image(image, (5, 4)))
    same = rand(5, 4, 3)
    np.testing.assert_array_equal(t.preprocess("data", same), same)
    assert not np.shares_memory(t.preprocess("data", same), same)


def test_a_mean_is_a_value_a_channel_or_an_image_that_is_resized_to_the_input():
    t = transformer((1, 3, 5, 4))
    t.set_mean("data", np.arange(3.0))
    assert t.mean["data"].shape == (3, 1, 1)
    exact = rand(3, 5, 4)
    t.set_mean("data", exact)
    np.testing.assert_array_equal(t.mean["data"], exact)
    large = rand(3, 8, 8)
    t.set_mean("data", large)
    resized = caffe.io.resize_image(large.transpose(1, 2, 0), (5, 4)).transpose(2, 0, 1)
    np.testing.assert_array_equal(t.mean["data"], resized)
    gray = transformer((1, 1, 5, 4))
    gray.set_mean("data", exact[0])
    np.testing.assert_array_equal(gray.mean["data"], exact[:1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: t.set_raw_scale("x", 1), caffe.CaffeError, "x is not one of the net inputs"),
        (lambda t: t.preprocess("x", rand(5, 4, 3)), caffe.CaffeError, "x is not one of the net"),
        (lambda t: t.deprocess("x", rand(5, 4, 3)), caffe.CaffeError, "x is not one of the net"),
        (lambda t: t.set_transpose("data", (1, 0)), caffe.CaffeError, "Transpose order needs to"),
        (lambda t: t.set_channel_swap("data", (1, 0)), caffe.CaffeError, "Channel swap needs to"),
        (lambda t: t.set_mean("data", rand(2)), ValueError, "Mean channels incompatible with"),
        (lambda t: t.set_mean("data", rand(2, 5, 4)), ValueError, "Mean channels incompatible"),
        (lambda t: t.set_mean("data", rand(1, 3, 5, 4)), ValueError, "Mean shape invalid"),
        (lambda t: t.set_mean("data", np.float32(1)), ValueError, "Mean shape invalid"),
        (lambda t: t.set_raw_scale("data", [1, 2, 3]), caffe.CaffeError, r"raw_scale .* \(3,\)"),
        (lambda t: t.set_input_scale("data", rand(2, 1, 1)), caffe.CaffeError, r"\(2, 1, 1\)"),
    ],
)
def test_what_does_not_fit_the_inputs_is_an_error_in_pycaffes_words(call, error, message):
    with pytest.raises(error, match=message):
        call(transformer())


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("channel_swap", (2, 1, 0), r"channel swap \[2, 1, 0\]"),
        ("mean", np.arange(3.0), r"mean of shape \(3, 1, 1\)"),
        ("raw_scale", rand(3, 1, 1), r"raw_scale of shape \(3, 1, 1\)"),
        ("input_scale", rand(3, 5, 4), r"input_scale of shape \(3, 5, 4\)"),
    ],
)
def test_an_image_of_other_channels_than_a_setting_is_named(setting, value, named):
    t = transformer()
    t.set_transpose("data", (2, 0, 1))
    getattr(t, f"set_{setting}")("data", value)
    t.preprocess("data", rand(5, 4, 3))
    message = rf"^data: {named} does not fit an image that is \(1, 5, 4\) .* takes \(3, 5, 4\)"
    with pytest.raises(caffe.CaffeError, match=message):
        t.preprocess("data", rand(5, 4, 1))


def test_a_scale_may_be_one_a_channel():
    t = transformer()
    t.set_transpose("data", (2, 0, 1))
    scale, image = np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), rand(5, 4, 3)
    t.set_raw_scale("data", scale)
    np.testing.assert_allclose(t.preprocess("data", image), image.transpose(2, 0, 1) * scale)


# Images.


@pytest.mark.parametrize("i", RESIZES)
def test_resize_gives_scikit_images_numbers(i):
    *dims, order = RECORD[f"resize/{i}/args"]
    image, mode = RECORD[f"resize/{i}/in"], str(RECORD[f"resize/{i}/mode"])
    ours = caffe.io.resize(image, dims, order=order, mode=mode)
    np.testing.assert_allclose(ours, RECORD[f"resize/{i}/out"], rtol=1e-12, atol=1e-12)


def test_resize_takes_integers_to_the_unit_range_unless_told_to_keep_theirs():
    image = RECORD["resize_uint8/in"]
    ours = caffe.io.resize(image, (7, 7))
    np.testing.assert_allclose(ours, RECORD["resize_uint8/out"], rtol=1e-6, atol=1e-12)
    kept = caffe.io.resize(image, (7, 7), preserve_range=True)
    np.testing.assert_allclose(kept, RECORD["resize_uint8/preserved"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("i", [i for i in RESIZES if RECORD[f"resize/{i}/mode"] == "constant"])
@given(st.floats(0.1, 300), st.floats(-300, 300))
@drawn(5)
def test_resize_image_works_between_the_images_least_and_greatest_value(i, scale, shift):
    *dims, order = RECORD[f"resize/{i}/args"]
    image = (RECORD[f"resize/{i}/in"] * scale + shift).astype(np.float32)
    low, high = float(image.min()), float(image.max())
    unit = (image.astype(np.float64) - low) / (high - low)
    expected = caffe.io.resize(unit, dims, order=order) * (high - low) + low
    ours = caffe.io.resize_image(image, dims, interp_order=order)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_constant_image_stays_constant_inside_and_only_the_borders_of_others_mix(channels):
    ours = caffe.io.resize_image(np.full((3, 4, channels), 7, np.float32), (6, 5))
    np.testing.assert_array_equal(ours, np.full((6, 5, channels), 7, np.float32))


def test_other_numbers_of_channels_are_interpolated_between_corner_centres():
    image = rand(4, 6, 2)
    ours = caffe.io.resize_image(image, (7, 11))
    np.testing.assert_allclose(ours, zoom(image, (7 / 4, 11 / 6, 1), order=1), rtol=1e-6)
    np.testing.assert_allclose(ours[::2, ::2], image, rtol=1e-6)
    with pytest.raises(ValueError, match="an image has 3 axes"):
        caffe.io.resize_image(image[:, :, 0], (7, 11))


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("name", IMAGES)
def test_images_are_read_as_scikit_image_reads_them(tmp_path, name, color):
    path = tmp_path / f"{name}.png"
    path.write_bytes(RECORD[f"image/{name}/file"].tobytes())
    ours = caffe.io.load_image(path, color)
    expected = RECORD[f"image/{name}/{'color' if color else 'gray'}"]
    assert (ours.dtype, ours.shape) == (np.float32, expected.shape)
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-7)


def test_an_image_is_not_turned_as_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert caffe.io.load_image(str(tmp_path / "turned.jpg")).shape == (4, 8, 3)


def test_a_missing_or_damaged_image_is_an_error_that_names_the_file(tmp_path):
    whole = RECORD["image/rgb/file"].tobytes()
    for name, data in {
        "none": None,
        "text": b"no image",
        "short": whole[:-40],
        "empty": b"",
    }.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(caffe.CaffeError, match=str(tmp_path / name)):
            caffe.io.load_image(tmp_path / name)


@given(st.integers(1, 3), st.tuples(*[st.integers(1, 9)] * 2), st.data())
@drawn()
def test_oversample_crops_corners_and_centre_then_the_same_mirrored(count, size, data):
    height, width = (data.draw(st.integers(1, n)) for n in size)
    images = [rand(*size, 3, seed=i) for i in range(count)]
    ours = caffe.io.oversample(images, (height, width))
    assert ours.shape == (10 * count, height, width, 3)
    down, right = size[0] - height, size[1] - width
    starts = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    for i, image in enumerate(images):
        for j, (y, x) in enumerate(starts):
            crop = image[y : y + height, x : x + width]
            np.testing.assert_array_equal(ours[10 * i + j], crop)
            np.testing.assert_array_equal(ours[10 * i + 5 + j], crop[:, ::-1])


def test_oversample_refuses_crops_larger_than_the_images():
    with pytest.raises(ValueError, match=r"crops of \(4, 6\) out of images of \(5, 5\)"):
        caffe.io.oversample([rand(5, 5, 3)], (4, 6))


def test_the_lines_of_the_classification_example_run(tmp_path):
    """What examples/00-classification does around a net, on a small one."""
    path = tmp_path / "cat.png"
    path.write_bytes(RECORD["image/rgb/file"].tobytes())
    net = net_of(input_layer("data", 10, 3, 7, 7))
    mu = rand(3, 8, 8).mean(1).mean(1)
    transformer = caffe.io.Transformer({"data": net.blobs["data"].data.shape})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_mean("data", mu)
    transformer.set_raw_scale("data", 255)
    transformer.set_channel_swap("data", (2, 1, 0))
    net.blobs["data"].reshape(50, 3, 7, 7)
    image = caffe.io.load_image(str(path))
    net.blobs["data"].data[...] = transformer.preprocess("data", image)
    back = transformer.deprocess("data", net.blobs["data"].data[0])
    np.testing.assert_allclose(back, caffe.io.resize_image(image, (7, 7)), atol=1e-5)


class Named(os.PathLike):
    """A path that is neither a str nor pathlib's."""

    def __init__(self, path):
        self.path = str(path)

    def __fspath__(self):
        return self.path


def test_an_image_is_read_from_whatever_skimage_read_it_from(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(path)
    data = path.read_bytes()
    expected = caffe.io.load_image(str(path))
    written = io.BytesIO()
    written.write(data)  # its position is at the end, where Pillow does not begin either
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.write(path, "a.png")
    with (
        open(path, "rb") as opened,
        tempfile.TemporaryFile() as unnamed,
        zipfile.ZipFile(tmp_path / "a.zip") as packed,
        packed.open("a.png") as member,
    ):
        unnamed.write(data)
        for source in (path, Named(path), io.BytesIO(data), written, opened, unnamed, member):
            np.testing.assert_array_equal(caffe.io.load_image(source), expected)
            if hasattr(source, "read"):  # it is the caller's
                assert not source.closed
    np.testing.assert_array_equal(caffe.io.load_image(Once(data)), expected)


class Once:
    """A stream, as of a connection: it can be read and nothing else."""

    def __init__(self, data):
        self.data = data

    def read(self):
        return self.data


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (lambda: io.BytesIO(), OSError, "BytesIO: the file is empty"),
        (lambda: io.BytesIO(b"text"), OSError, "BytesIO: an encoded image of 4 bytes cannot be"),
        (lambda: io.StringIO("text"), TypeError, 'StringIO: gives text; open it with mode "rb"'),
        (lambda: "https://host/a.png", OSError, "not fetched: download it, and give the name of"),
        (lambda: "file:///a.png", OSError, "download it"),
        (lambda: Path("none.png"), FileNotFoundError, "none.png: cannot be read"),
        (lambda: b"\x89PNG", TypeError, r"found <class 'bytes'>; give .* io\.BytesIO\(bytes\)"),
        (lambda: np.zeros((2, 2, 3)), TypeError, "expected the path of a file, .*ndarray"),
        (lambda: None, TypeError, "expected the path of a file, or an open one; found .*None"),
    ],
)
def test_what_is_no_image_is_named_with_the_cure(source, kind, message):
    with pytest.raises(kind, match=message) as error:
        caffe.io.load_image(source())
    assert isinstance(error.value, caffe.CaffeError)


def test_every_call_takes_any_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = input_layer("x", 1, 2) + (
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" '
        "inner_product_param { num_output: 1 } }"
    )
    Path("net.prototxt").write_text(text)
    Path("solver.prototxt").write_text('net: "net.prototxt" lr_policy: "fixed" base_lr: 1')
    for kind in (str, Path, Named):
        net = caffe.Net(kind("net.prototxt"), caffe.TEST)
        net.save(kind("w.caffemodel"))
        net.save(kind("w.caffemodel.h5"))
        net.save_hdf5(kind("v.h5"))
        net.copy_from(kind("w.caffemodel"))
        net.copy_from(kind("w.caffemodel.h5"))
        net.load_hdf5(kind("v.h5"))
        caffe.Net(kind("net.prototxt"), caffe.TEST, weights=kind("w.caffemodel"))
        caffe.Net(kind("net.prototxt"), kind("w.caffemodel"), caffe.TEST)
        solver = caffe.SGDSolver(kind("solver.prototxt"))
        state = solver.snapshot()
        solver.restore(kind(state))
        solver.solve(kind(state))
        caffe.get_solver(kind("solver.prototxt"))
    image = caffe.Classifier(Named(write_vision_net(tmp_path)), Named("vision.caffemodel"))
    assert image.inputs == ["data"]
    detector = caffe.Detector(Path("vision.prototxt"), Named("vision.caffemodel"))
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save("a.png")
    for source in ("a.png", Path("a.png"), Named("a.png"), io.BytesIO(Path("a.png").read_bytes())):
        found = detector.detect_windows([(source, [(0, 0, 2, 2)])])
        assert found[0]["filename"] is source


def write_vision_net(folder):
    text = input_layer("data", 1, 3, 2, 2) + (
        'layer { name: "p" type: "Pooling" bottom: "data" top: "p" '
        "pooling_param { kernel_size: 2 } }"
    )
    path = folder / "vision.prototxt"
    path.write_text(text)
    caffe.Net(path, caffe.TEST).save("vision.caffemodel")
    return path
