"""Caffe's binary files: what we write protobuf reads, what protobuf writes we read, and damage."""

import contextlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.net_text import input_layer, net_of

import caffe
from caffe.core.blob import Blob
from caffe.core.wire import varint
from caffe.proto import caffe_pb2
from caffe.storage import caffemodel, content

NetParameter, SolverState = caffe_pb2.NetParameter, caffe_pb2.SolverState

NET = (
    'name: "small" '
    + input_layer("x", 1, 2, 3, 3)
    + 'layer { name: "conv" type: "Convolution" bottom: "x" top: "y" param { lr_mult: 0.5 }'
    ' convolution_param { num_output: 3 kernel_size: 2 weight_filler { type: "xavier" } } }'
    'layer { name: "half" type: "Scale" bottom: "y" top: "y"'
    " scale_param { num_axes: 0 filler { value: 0.5 } } }"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def net():
    caffe.set_random_seed(0)
    return net_of(NET)


@pytest.fixture(scope="module")
def model(net, folder):
    path = folder / "small.caffemodel"
    net.save(path)
    return path


HISTORY = [torch.full(shape, i + 0.5) for i, shape in enumerate([(2, 3), (3,), ()])]


@pytest.fixture(scope="module")
def state(folder):
    path = folder / "small.solverstate"
    caffemodel.write_state(path, content.StoredState(300, "m.caffemodel", 2, []), HISTORY)
    return path


def values(stored):
    blob = Blob(stored.shape)
    stored.read_into(blob)
    return blob.data


# What we write.


def test_a_caffemodel_of_ours_is_the_message_that_caffe_would_write(net, model):
    """Name, and each layer with its parameters and blobs; a blob without axes has no shape."""
    message = NetParameter.FromString(model.read_bytes())
    expected = NetParameter(name="small")
    for layer in net._graph.layers:
        made = expected.layer.add()
        made.CopyFrom(layer.spec)
        for blob in layer.blobs:
            stored = made.blobs.add(data=blob.data.ravel().tolist())
            for dim in blob.shape:
                stored.shape.dim.append(dim)
    assert message == expected
    assert [len(layer.blobs) for layer in message.layer] == [0, 2, 1]
    assert not message.layer[2].blobs[0].HasField("shape")


def test_a_solverstate_of_ours_is_the_message_that_caffe_would_write(state):
    message = SolverState.FromString(state.read_bytes())
    assert (message.iter, message.learned_net, message.current_step) == (300, "m.caffemodel", 2)
    assert [list(blob.data) for blob in message.history] == [[0.5] * 6, [1.5] * 3, [2.5]]
    assert [list(blob.shape.dim) for blob in message.history] == [[2, 3], [3], []]


def test_what_we_write_we_read(net, model, state):
    layers = caffemodel.read_weights(model)
    assert list(layers) == ["x", "conv", "half"]
    for name, blobs in net.params.items():
        for blob, stored in zip(blobs, layers[name], strict=True):
            assert stored.shape == blob.shape
            assert np.array_equal(values(stored), blob.data)
    read = caffemodel.read_state(state)
    assert (read.iter, read.learned_net, read.current_step) == (300, "m.caffemodel", 2)
    for stored, kept in zip(read.history, HISTORY, strict=True):
        assert np.array_equal(values(stored), kept)
    assert caffemodel.blob_shapes(model) == {"conv": [(3, 2, 2, 2), (3,)], "half": [()]}


def test_blobs_of_no_values_are_kept(folder):
    path = folder / "empty.solverstate"
    caffemodel.write_state(path, content.StoredState(1, "", 0, []), [torch.zeros(0, 3)])
    assert SolverState.FromString(path.read_bytes()).history[0].shape.dim == [0, 3]
    (stored,) = caffemodel.read_state(path).history
    assert values(stored).shape == (0, 3)


# What others write.


def unpacked(number, floats, code="<f"):
    tag = number << 3 | (caffemodel.FIXED32 if code == "<f" else caffemodel.FIXED64)
    return b"".join(bytes([tag]) + struct.pack(code, value) for value in floats)


FLOATS = [0.5, -1.25, 3.0, 4.0, 5.0, 6.0]
SHAPE = caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=[2, 3])).SerializeToString()
BLOBS = {
    "packed": caffe_pb2.BlobProto(
        shape=caffe_pb2.BlobShape(dim=[2, 3]), data=FLOATS
    ).SerializeToString(),
    "unpacked": SHAPE + unpacked(caffemodel.DATA, FLOATS),
    "in two pieces": SHAPE
    + caffe_pb2.BlobProto(data=FLOATS[:2]).SerializeToString()
    + caffe_pb2.BlobProto(data=FLOATS[2:]).SerializeToString(),
    "double": caffe_pb2.BlobProto(
        shape=caffe_pb2.BlobShape(dim=[2, 3]), double_data=FLOATS
    ).SerializeToString(),
    "double, unpacked": SHAPE + unpacked(caffemodel.DOUBLE_DATA, FLOATS, "<d"),
    "with diffs": caffe_pb2.BlobProto(
        shape=caffe_pb2.BlobShape(dim=[2, 3]), data=FLOATS, diff=FLOATS[::-1]
    ).SerializeToString(),
    "legacy 4-d shape": caffe_pb2.BlobProto(
        num=1, channels=1, height=2, width=3, data=FLOATS
    ).SerializeToString(),
}


def field(number, content):
    return caffemodel._tag(number) + varint(len(content)) + content


def forms(blob):
    """The blob as the first one of layer 'ip' in the three generations of caffemodels."""
    name = field(caffemodel.LAYER_NAME, b"ip")
    v2 = field(caffemodel.LAYER, name + field(caffemodel.BLOBS, blob))
    v1_name = caffe_pb2.V1LayerParameter(name="ip").SerializeToString()
    v1 = field(caffemodel.V1_LAYER, v1_name + field(caffemodel.V1_BLOBS, blob))
    v0 = caffe_pb2.V0LayerParameter(name="ip").SerializeToString() + field(
        caffemodel.V0_BLOBS, blob
    )
    return {"V2": v2, "V1": v1, "V0": field(caffemodel.V1_LAYER, field(caffemodel.V1_LAYER_V0, v0))}


@pytest.mark.parametrize("generation", ["V2", "V1", "V0"])
@pytest.mark.parametrize("kind", BLOBS)
def test_every_form_of_a_caffemodel_loads(folder, kind, generation):
    content = forms(BLOBS[kind])[generation]
    assert NetParameter.FromString(content).ByteSize() > len(FLOATS)  # protobuf agrees
    path = folder / "form.caffemodel"
    path.write_bytes(caffe_pb2.NetParameter(name="net").SerializeToString() + content)
    net = net_of(
        input_layer("x", 1, 3) + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"'
        " inner_product_param { num_output: 2 bias_term: false } }"
    )
    net.copy_from(path)
    assert np.array_equal(net.params["ip"][0].data, np.reshape(np.float32(FLOATS), (2, 3)))


@pytest.mark.parametrize(
    ("ours", "legacy", "fits"),
    [
        ((2, 3), (1, 1, 2, 3), True),
        ((3,), (1, 1, 1, 3), True),
        ((), (1, 1, 1, 1), True),
        ((2, 3, 1, 1), (2, 3, 1, 1), True),
        ((2, 3), (2, 3, 1, 1), False),
        ((2, 3), (1, 2, 1, 3), False),
        ((1, 1, 1, 2, 3), (1, 1, 2, 3), False),
    ],
)
def test_a_legacy_shape_fits_where_leading_ones_make_it_equal(ours, legacy, fits):
    """Blob::ShapeEquals: axes are counted from the last."""
    stored = content.StoredBlob(legacy, True, np.zeros(0), None)
    assert stored.fits(ours) == fits


def test_unknown_fields_are_skipped(folder, model):
    path = folder / "unknown.caffemodel"
    extra = b"".join(
        [field(1000, b"anything"), b"\xc0\x3e\x07", b"\xc5\x3e1234", b"\xc1\x3e12345678"]
    )
    path.write_bytes(extra + model.read_bytes() + extra)
    assert caffemodel.blob_shapes(path) == caffemodel.blob_shapes(model)


# Damage. A file may lie about its lengths, but only what is there is read.


def load(net, path):
    """The names of the layers loaded, or None for a CaffeError; anything else is a failure."""
    with contextlib.suppress(caffe.CaffeError):
        layers = list(caffemodel.read_weights(path))
        net.copy_from(path)
        return layers
    return None


def test_a_caffemodel_cut_at_any_byte_is_an_error_or_holds_whole_layers_only(net, model, folder):
    content = model.read_bytes()
    path = folder / "cut.caffemodel"
    whole = []
    for length in range(len(content)):
        path.write_bytes(content[:length])
        loaded = load(net, path)
        if loaded is not None:
            assert loaded == ["x", "conv", "half"][: len(loaded)]
            whole.append(length)
    assert len(whole) == 2  # the ends of the first and the second layer


def test_a_solverstate_cut_at_any_byte_is_an_error_or_lacks_history(state, folder):
    """Restoring counts the history blobs, so that none of the cuts restores."""
    content = state.read_bytes()
    path = folder / "cut.solverstate"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with contextlib.suppress(caffe.CaffeError):
            assert len(caffemodel.read_state(path).history) < 3


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_flipped_or_replaced_byte_never_crashes_hangs_or_fills_memory(net, model, state, data):
    for source, read in ((model, lambda path: load(net, path)), (state, caffemodel.read_state)):
        content = bytearray(source.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] = data.draw(st.integers(0, 255))
        path = source.with_name("flipped")
        path.write_bytes(content)
        tracemalloc.start()
        try:
            with contextlib.suppress(caffe.CaffeError):
                read(path)
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_an_error_or_a_message(net, folder, content):
    path = folder / "noise"
    path.write_bytes(content)
    load(net, path)
    with contextlib.suppress(caffe.CaffeError):
        caffemodel.read_state(path)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (SHAPE + field(caffemodel.DATA, b"\0" * 20), r"shape \(2, 3\) holds 5 values"),
        (SHAPE + field(caffemodel.DATA, b"\0" * 23), "ends inside a value"),
        (SHAPE, "holds 0 values"),
        (
            caffe_pb2.BlobProto(
                shape=caffe_pb2.BlobShape(dim=[-2, -3]), data=FLOATS
            ).SerializeToString(),
            r"\(-2, -3\)",
        ),
        (
            caffe_pb2.BlobProto(
                shape=caffe_pb2.BlobShape(dim=[2**62, 4, 6]), data=FLOATS
            ).SerializeToString(),
            "holds 6 values",
        ),
    ],
)
def test_a_blob_whose_values_do_not_fill_its_shape_is_an_error(folder, blob, message):
    path = folder / "bad.caffemodel"
    path.write_bytes(forms(blob)["V2"])
    with pytest.raises(caffe.CaffeError, match=message):
        caffemodel.read_weights(path)


MEANS = {
    "legacy": caffe_pb2.BlobProto(num=1, channels=3, height=2, width=2, data=[0.5] * 12),
    "with a shape": caffe.io.array_to_blobproto(np.ones((1, 3, 2, 2))),
}
READERS = {"caffemodel": caffemodel.read_weights, "solverstate": caffemodel.read_state}


@pytest.mark.parametrize("mean", MEANS.values(), ids=MEANS)
@pytest.mark.parametrize("kind", ["caffemodel", "solverstate"])
def test_a_mean_file_given_as_another_kind_is_named(folder, mean, kind):
    path = folder / "mean.binaryproto"
    path.write_bytes(mean.SerializeToString())
    with pytest.raises(caffe.CaffeError, match=f"this is a mean file, not a {kind}") as error:
        READERS[kind](path)
    assert str(error.value).startswith(f"{path}: ")


def test_each_kind_of_file_given_as_the_other_is_named(model, state, folder):
    with pytest.raises(caffe.CaffeError, match="this is a solverstate, not a caffemodel"):
        caffemodel.read_weights(state)
    old = folder / "v1.caffemodel"
    old.write_bytes(NetParameter(name="old").SerializeToString() + forms(BLOBS["packed"])["V1"])
    for path in (model, old):
        with pytest.raises(caffe.CaffeError, match="this is a caffemodel, not a solverstate"):
            caffemodel.read_state(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.caffemodel", None, "No such file"),
        ("empty.caffemodel", b"", "the file is empty"),
        ("text.caffemodel", NET.encode(), "not a whole caffemodel"),
        ("weights.h5", b"\x89HDF\r\n", "HDF5"),
    ],
)
@pytest.mark.parametrize("read", [caffemodel.read_weights, caffemodel.read_state])
def test_a_missing_empty_or_foreign_file_is_named(folder, name, content, message, read):
    path = folder / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(caffe.CaffeError, match=message.replace("caffemodel", "")) as error:
        read(path)
    assert name in str(error.value)


# Interruption.


class _Full:
    """A file on a full disk: the first writes go through."""

    def __init__(self, file, room, error):
        self.file, self.room, self.error = file, room, error

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, content):
        self.room -= memoryview(content).nbytes
        if self.room < 0:
            raise self.error
        return self.file.write(content)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(28, "No space left on device"), caffe.CaffeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ValueError("a bug"), ValueError),
    ],
)
@pytest.mark.parametrize("room", [0, 100, 200])
@pytest.mark.parametrize("snapshot_format", ["BINARYPROTO", "HDF5"])
def test_whatever_interrupts_a_snapshot_the_older_files_stay_whole(
    tmp_path, monkeypatch, error, raised, room, snapshot_format
):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 1 lr_policy: "fixed" momentum: 0.9'
        f" snapshot_format: {snapshot_format}"
    )
    solver = caffe.SGDSolver(str(tmp_path / "solver.prototxt"))
    state = solver.snapshot()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    solver.net.params["conv"][0].data[...] = 7
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda *args: _Full(opened(*args), room, error))
    with pytest.raises(raised) as caught:
        solver.snapshot()
    if raised is caffe.CaffeError:
        assert "iter_0.caffemodel" in str(caught.value)
        assert "No space left" in str(caught.value)
        assert "untouched" in str(caught.value)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    solver.restore(state)


def test_a_new_file_is_as_readable_as_any_other(folder, model):
    plain = folder / "plain"
    plain.write_bytes(b"")
    assert model.stat().st_mode == plain.stat().st_mode


def test_a_folder_that_is_missing_is_made_and_one_that_cannot_be_is_named(net, tmp_path):
    net.save(tmp_path / "new" / "w.caffemodel")
    assert (tmp_path / "new" / "w.caffemodel").is_file()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(caffe.CaffeError, match=r"w\.caffemodel: cannot be written"):
        net.save(tmp_path / "file" / "w.caffemodel")
