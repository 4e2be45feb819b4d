"""The transformer, against the loops of data_transformer.cpp written out here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe import TEST, TRAIN, CaffeError
from caffe.feeding.datum import array_to_datum
from caffe.feeding.mean_file import read_mean, write_mean
from caffe.feeding.transform import Transformer, random_words
from caffe.proto import caffe_pb2


def reference(image, crop, scale, mirror, h_off, w_off, mean=None, mean_values=()):
    """Transform(const Datum&, Dtype*), loop by loop."""
    channels, above, beside = image.shape
    height, width = (crop, crop) if crop else (above, beside)
    out = np.zeros((channels, height, width), np.float32)
    for c in range(channels):
        for h in range(height):
            for w in range(width):
                x = np.float32(image[c, h_off + h, w_off + w])
                if mean is not None:
                    x = x - mean[c, h_off + h, w_off + w]
                elif mean_values:
                    x = x - np.float32(mean_values[c % len(mean_values)])
                out[c, h, width - 1 - w if mirror else w] = x * np.float32(scale)
    return out


def transformer(phase=TEST, **param) -> Transformer:
    return Transformer(caffe_pb2.TransformationParameter(**param), phase)


def transformed(made: Transformer, image: np.ndarray, seed: int = 0, item: int = 0) -> np.ndarray:
    out = np.empty(made.shape(image.shape), np.float32)
    made(image, seed, item, out)
    return out


def drawn_image(seed: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**16),
    st.tuples(st.sampled_from([1, 3]), st.integers(4, 9), st.integers(4, 9)),
    st.integers(0, 4),
    st.sampled_from(["none", "one", "each", "file"]),
    st.booleans(),
    st.sampled_from([TRAIN, TEST]),
    st.booleans(),
)
def test_it_computes_what_data_transformer_does(
    tmp_path_factory, seed, shape, crop, kind, mirror, phase, floats
):
    image = drawn_image(seed, *shape)
    image = image.astype(np.float32) / 7 if floats else image
    param = dict(crop_size=crop, scale=0.017, mirror=mirror)
    mean, values = None, ()
    if kind == "file":
        mean = np.random.RandomState(seed).uniform(0, 255, shape).astype(np.float32)
        path = tmp_path_factory.mktemp("mean") / "mean.binaryproto"
        write_mean(path, mean)
        param["mean_file"] = str(path)
    elif kind != "none":
        values = [104.5, 117.25, 123.0][: 1 if kind == "one" else shape[0]]
        param["mean_value"] = values
    made = transformer(phase, **param)
    place = made.place(shape, seed, 5)
    if phase == TEST and crop:
        assert (place.top, place.left) == ((shape[1] - crop) // 2, (shape[2] - crop) // 2)
    assert mirror or not place.mirror
    expected = reference(image, crop, 0.017, place.mirror, place.top, place.left, mean, values)
    np.testing.assert_array_equal(transformed(made, image, seed, 5), expected)


def test_crops_and_mirrors_are_drawn_evenly_and_depend_on_seed_and_item_alone():
    made = transformer(TRAIN, crop_size=3, mirror=True)
    shape, items = (1, 5, 4), range(1200)
    places = [made.place(shape, 1, item) for item in items]
    assert places == [made.place(shape, 1, item) for item in items]
    assert places != [made.place(shape, 2, item) for item in items]
    found = {(p.top, p.left, p.mirror) for p in places}
    assert found == {(t, left, m) for t in range(3) for left in range(2) for m in (False, True)}
    counts = [sum((p.top, p.left, p.mirror) == place for p in places) for place in found]
    assert min(counts) > 60  # of 100 expected
    assert max(counts) < 140


def test_in_test_phase_the_crop_is_the_centre_and_mirrors_are_still_drawn():
    made = transformer(TEST, crop_size=2, mirror=True)
    places = [made.place((3, 7, 8), 3, item) for item in range(50)]
    assert {(p.top, p.left) for p in places} == {(2, 3)}
    assert {p.mirror for p in places} == {False, True}


def test_random_words_are_the_same_under_every_numpy_and_differ_by_stream_and_item():
    words = [5599841837815857887, 15655913098571550255]
    assert random_words(1, 0, 0, 2).tolist() == words
    places = [(stream, item) for stream in (0, 1) for item in (0, 1)]
    assert len({word for place in places for word in random_words(1, *place, 4).tolist()}) == 16


def test_values_are_subtracted_before_they_are_scaled():
    image = np.full((1, 1, 1), 10, np.uint8)
    assert transformed(transformer(scale=2, mean_value=[4]), image).item() == 12


@pytest.mark.parametrize(
    ("param", "shape", "message"),
    [
        (dict(crop_size=5), (3, 4, 9), "crop_size 5 is larger than the image of height 4, width 9"),
        (dict(crop_size=5), (3, 9, 4), "crop_size 5 is larger than the image of height 9, width 4"),
        (dict(mean_value=[1, 2]), (3, 4, 4), "Specify either 1 mean_value or as many.*3; found 2"),
        (dict(mean_value=[1, 2, 3]), (1, 4, 4), "as many as channels: 1; found 3"),
        (dict(), (0, 4, 4), r"an image of shape \(0, 4, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused(param, shape, message):
    with pytest.raises(CaffeError, match=message):
        transformer(**param).shape(shape)


def test_a_mean_file_excludes_mean_values_and_must_be_of_the_images_shape(tmp_path):
    path = tmp_path / "mean.binaryproto"
    write_mean(path, np.zeros((3, 4, 5), np.float32))
    with pytest.raises(CaffeError, match="Cannot specify mean_file and mean_value"):
        transformer(mean_file=str(path), mean_value=[1])
    with pytest.raises(
        CaffeError, match=r"mean.binaryproto is of shape \(3, 4, 5\), the image of \(3, 5, 5\)"
    ):
        transformer(mean_file=str(path)).shape((3, 5, 5))
    with pytest.raises(CaffeError, match=r"none\.binaryproto: cannot be read"):
        transformer(mean_file=str(tmp_path / "none.binaryproto"))


def test_an_image_of_another_size_than_the_batchs_first_is_refused():
    out = np.empty((3, 4, 4), np.float32)
    with pytest.raises(CaffeError, match=r"\(3, 5, 4\), in a batch whose first is of \(3, 4, 4\)"):
        transformer()(np.zeros((3, 5, 4), np.uint8), 0, 0, out)


# Mean files.


@pytest.mark.parametrize("form", ["legacy", "shape of 4", "shape of 3", "doubles"])
def test_a_mean_file_is_read_in_all_its_forms(tmp_path, form):
    mean = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    proto = caffe_pb2.BlobProto()
    if form == "legacy":
        proto.num, proto.channels, proto.height, proto.width = 1, 2, 3, 4
    else:
        proto.shape.dim.extend((2, 3, 4) if form == "shape of 3" else (1, 2, 3, 4))
    (proto.double_data if form == "doubles" else proto.data).extend(mean.ravel().tolist())
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(proto.SerializeToString())
    np.testing.assert_array_equal(read_mean(path), mean)
    assert read_mean(path).dtype == np.float32


def test_a_written_mean_file_reads_back(tmp_path):
    mean = drawn_image(0, 3, 5, 7).astype(np.float32) / 3
    write_mean(tmp_path / "m.binaryproto", mean)
    np.testing.assert_array_equal(read_mean(tmp_path / "m.binaryproto"), mean)
    proto = caffe_pb2.BlobProto.FromString((tmp_path / "m.binaryproto").read_bytes())
    assert (proto.num, proto.channels, proto.height, proto.width) == (1, 3, 5, 7)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xff\xff", "not a whole binaryproto"),
        (
            caffe_pb2.BlobProto(num=1, channels=3, height=2, width=2, data=[1]).SerializeToString(),
            r"holds a blob of shape \(1, 3, 2, 2\) with 1 values",
        ),
        (caffe_pb2.BlobProto(data=[1]).SerializeToString(), "with 1 values; expected a mean image"),
    ],
)
def test_what_is_no_mean_file_is_refused(tmp_path, data, message):
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(data)
    with pytest.raises(CaffeError, match=f"mean.binaryproto: .*{message}"):
        read_mean(path)


@pytest.mark.parametrize("force", ["force_color", "force_gray"])
def test_forcing_the_color_of_a_raw_datum_is_logged_once_and_does_nothing(caplog, force):
    image = drawn_image(0, 2, 4, 5)
    made = transformer(**{force: True})
    for _ in range(3):
        np.testing.assert_array_equal(made.array(array_to_datum(image)), image)
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("ERROR", "force_color and force_gray only for encoded datum")
    ]
    caplog.clear()
    transformer().array(array_to_datum(image))
    assert not caplog.records


def test_a_mean_file_that_is_missing_says_how_it_is_made(tmp_path):
    param = caffe_pb2.TransformationParameter(mean_file=str(tmp_path / "mean.binaryproto"))
    with pytest.raises(FileNotFoundError, match=r"cannot be read .*caffe compute_image_mean DB"):
        Transformer(param, caffe_pb2.TEST)
