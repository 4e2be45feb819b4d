"""What pycaffe raises as a ValueError, a KeyError, an IOError, ... is one here too."""

import io
import pickle

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from support.net_text import input_layer, net_of
from support.training import solver_of

import caffe
from caffe import layers as L
from caffe.feeding.mean_file import read_mean
from caffe.formats.database import open_database
from caffe.proto import caffe_pb2

X = input_layer("data", 2, 3, 4, 4) + 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'


def transformer():
    return caffe.io.Transformer({"data": (1, 3, 4, 4)})


def swapped(image):
    made = transformer()
    made.set_transpose("data", (2, 0, 1))
    made.set_channel_swap("data", (2, 1, 0))
    return made.preprocess("data", image)


def with_mean(image):
    made = transformer()
    made.set_transpose("data", (2, 0, 1))
    made.set_mean("data", np.zeros(3))
    return made.preprocess("data", image)


def turned(image):
    made = transformer()
    made.transpose["data"] = (2, 0)
    return made.preprocess("data", image)


BLOB = caffe_pb2.BlobProto(data=[1, 2, 3])
DATUM = caffe_pb2.Datum(channels=1, height=2, width=2, data=b"123")


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (TypeError, lambda: caffe.set_random_seed("3")),
        (TypeError, lambda: caffe.set_random_seed(3.0)),
        (ValueError, lambda: caffe.set_random_seed(2**64)),
        # python/caffe/io.py
        (ValueError, lambda: caffe.io.blobproto_to_array(BLOB)),
        (ValueError, lambda: caffe.io.blobproto_to_array(BLOB, return_diff=True).x),
        (DecodeError, lambda: caffe.io.blobprotovector_str_to_arraylist(b"\xff")),
        (ValueError, lambda: caffe.io.array_to_datum(np.zeros((2, 2)))),
        (ValueError, lambda: caffe.io.datum_to_array(DATUM)),
        (ValueError, lambda: caffe.io.datum_to_array(caffe_pb2.Datum())),
        (ValueError, lambda: transformer().set_mean("data", np.zeros(4))),
        (ValueError, lambda: transformer().set_mean("data", np.zeros((1, 3, 4, 4)))),
        (Exception, lambda: transformer().set_transpose("data", (0, 1))),
        (Exception, lambda: transformer().set_raw_scale("label", 255)),
        (IndexError, lambda: swapped(np.zeros((4, 4, 1)))),
        (ValueError, lambda: with_mean(np.zeros((4, 4, 4)))),
        (ValueError, lambda: turned(np.zeros((4, 4, 3)))),
        (ValueError, lambda: caffe.io.oversample([np.zeros((4, 4, 3))], (5, 5))),
        (FileNotFoundError, lambda: caffe.io.load_image("none.png")),
        (IOError, lambda: caffe.io.load_image(io.BytesIO(b"no image"))),
        # python/caffe/pycaffe.py
        (ValueError, lambda: net_of(X).forward(start="none")),
        (ValueError, lambda: net_of(X).forward(end="none")),
        (ValueError, lambda: net_of(X).backward(start="none")),
        (KeyError, lambda: net_of(X).forward(blobs=["none"])),
        (KeyError, lambda: net_of(X).backward(diffs=["none"])),
        (Exception, lambda: net_of(X).forward(none=np.zeros(1))),
        (Exception, lambda: net_of(X).forward(data=np.zeros((1, 3, 4, 4)))),
        (ValueError, lambda: net_of(X).forward(data=np.zeros((2, 3, 4, 5)))),
        # python/caffe/_caffe.cpp
        (TypeError, lambda: caffe.Net("none.prototxt")),
        (RuntimeError, lambda: caffe.Net("none.prototxt", caffe.TEST)),
        (IOError, lambda: caffe.Net("none.prototxt", caffe.TEST)),
        (IOError, lambda: net_of(X).copy_from("none.caffemodel")),
        (IOError, lambda: net_of(X).load_hdf5("none.h5")),
        (IOError, lambda: net_of(X).save("/proc/none/w.caffemodel")),
        (IOError, lambda: caffe.SGDSolver("none.prototxt")),
        (IOError, lambda: caffe.get_solver("none.prototxt")),
        (RuntimeError, lambda: net_of(X).set_input_arrays(np.zeros(1), np.zeros(1))),
        (TypeError, lambda: net_of(X).blobs["data"].reshape((1, 2))),
        (TypeError, lambda: net_of(X).blobs["data"].reshape(1.5)),
        (TypeError, lambda: net_of(X).share_with(3)),
        (TypeError, lambda: net_of(X).share_with(None)),
        (TypeError, lambda: solver_of(X).share_weights(solver_of(X))),
        (TypeError, lambda: net_of(X).share_with(solver_of(X))),
        (TypeError, lambda: caffe.set_device("0")),
        (TypeError, lambda: caffe.set_device(0.5)),
        (TypeError, lambda: caffe.set_solver_count("2")),
        (TypeError, lambda: caffe.set_solver_rank(None)),
        # python/caffe/net_spec.py, coord_map.py, draw.py
        (TypeError, lambda: L.ReLU("data")),
        (AttributeError, lambda: L.Convolution(L.Input(), kernal=3).to_proto()),
        (KeyError, lambda: caffe.NetSpec().none),
        (AttributeError, lambda: caffe.NetSpec().none),
        (KeyError, lambda: caffe.NetSpec()["none"]),
        (AssertionError, lambda: caffe.coord_map.crop(L.Pooling(kernel_h=1), L.Input())),
        (RuntimeError, lambda: caffe.coord_map.crop(L.Input(), L.Input())),
    ],
)
def test_what_scripts_catch(kind, call):
    with pytest.raises(kind) as error:
        call()
    if "'BlobProto'" not in str(error.value):
        assert isinstance(error.value, caffe.CaffeError | AttributeError)
        assert type(pickle.loads(pickle.dumps(error.value))) is type(error.value)


@pytest.mark.parametrize(
    ("module", "name", "kind"),
    [
        ("no_such_module", "A", ImportError),
        ("json", "NoSuchLayer", AttributeError),
        ("json", "JSONDecoder", TypeError),
    ],
)
def test_a_python_layer_that_is_not_there(module, name, kind):
    with pytest.raises(kind) as error:
        net_of(
            f'layer {{ name: "py" type: "Python" top: "a" python_param {{ module: "{module}" '
            f'layer: "{name}" }} }}'
        )
    assert isinstance(error.value, caffe.CaffeError)


@pytest.mark.parametrize(
    ("kind", "param"),
    [
        ("ImageData", 'image_data_param { source: "none" batch_size: 1 }'),
        (
            "WindowData",
            'window_data_param { source: "none" batch_size: 1 } transform_param { crop_size: 4 }',
        ),
        ("HDF5Data", 'hdf5_data_param { source: "none" batch_size: 1 }'),
        ("Data", 'data_param { source: "none" batch_size: 1 backend: LMDB }'),
        ("Data", 'data_param { source: "none" batch_size: 1 backend: LEVELDB }'),
    ],
)
def test_a_layers_file_that_is_missing_is_an_ioerror(kind, param):
    with pytest.raises(FileNotFoundError, match="none") as error:
        net_of(f'layer {{ name: "d" type: "{kind}" top: "a" top: "b" {param} }}')
    assert isinstance(error.value, caffe.CaffeError)


@pytest.mark.parametrize("data", [b"", b"text", b"\0\1\2", b"\x89HDF\r\n\x1a\n"])
def test_a_file_of_another_kind_or_a_damaged_one_is_an_ioerror(tmp_path, data):
    path = tmp_path / "x.h5"
    path.write_bytes(data)
    binary = tmp_path / "x"
    binary.write_bytes(data)
    net = net_of(X)
    calls = [
        lambda: net.copy_from(binary),
        lambda: net.copy_from(path),
        lambda: caffe.io.load_image(binary),
        lambda: read_mean(binary),
        lambda: list(open_database(binary, "lmdb").cursor()),
        lambda: list(open_database(binary, "leveldb").cursor()),
    ]
    for call in calls:
        with pytest.raises(IOError, match=str(tmp_path)) as error:
            call()
        assert isinstance(error.value, caffe.CaffeError)


def test_a_probe_for_a_top_works_as_for_an_attribute():
    spec = caffe.NetSpec()
    assert not hasattr(spec, "none")
    spec.data = L.Input()
    assert hasattr(spec, "data")
    with pytest.raises(KeyError, match=r"no top or layer 'none'; it has \['data'\]"):
        del spec.none
