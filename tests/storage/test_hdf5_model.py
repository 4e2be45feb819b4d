"""Caffe's HDF5 weights and solver states: the layout, what is read, and damage."""

import contextlib
import tracemalloc

import h5py
import numpy as np
import pytest
import torch
from support.fuzzing import mutations
from support.net_text import input_layer, net_of

import caffe
from caffe.storage import caffemodel
from caffe.storage.content import StoredState

IP = (
    'layer {{ name: "{0}" type: "InnerProduct" bottom: "x" top: "{0}" loss_weight: 1 {1} '
    'inner_product_param {{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}'
)
SHARED = 'param { name: "w" } param { name: "b" }'
NET = (
    'name: "small" '
    + input_layer("x", 1, 3)
    + IP.format("a", SHARED)
    + IP.format("b", 'param { name: "w" }')
    + IP.format("c", SHARED)
    + 'layer { name: "half" type: "Scale" bottom: "x" top: "half"'
    " scale_param { num_axes: 0 filler { value: 0.5 } } }"
)


@pytest.fixture
def net():
    caffe.set_random_seed(0)
    net = net_of(NET, caffe.TRAIN)
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    return net


def layout(file):
    found = {}
    file.visititems(lambda name, node: found.update({name: getattr(node, "shape", None)}))
    return found


def test_weights_lie_as_caffe_puts_them(net, tmp_path):
    """A group for each layer, a dataset for each parameter that is no other layer's."""
    net.save_hdf5(str(tmp_path / "w.caffemodel.h5"))
    with h5py.File(tmp_path / "w.caffemodel.h5") as file:
        splits = {name for name in net.layer_dict if name.startswith("x_")}
        assert layout(file) == {
            **{f"data/{name}": None for name in ("x", "a", "b", "c", "half", *splits)},
            "data": None,
            "data/a/0": (2, 3),
            "data/a/1": (2,),
            "data/b/1": (2,),
            "data/half/0": (),
        }
        assert np.array_equal(file["data/a/0"], net.params["a"][0].data)
        assert file["data/a/0"].dtype == np.float32


def test_diffs_are_kept_if_asked_for_those_of_shared_parameters_too(net, tmp_path):
    net.save_hdf5(str(tmp_path / "w.h5"), write_diff=True)
    with h5py.File(tmp_path / "w.h5") as file:
        for layer, blobs in net.params.items():
            for i, blob in enumerate(blobs):
                assert np.array_equal(file[f"diff/{layer}/{i}"], blob.diff)
        assert file["diff/c/0"][()].any()


@pytest.mark.parametrize("name", ["w.caffemodel", "w.caffemodel.h5"])
def test_what_is_saved_loads_into_a_net_that_shares_the_same(net, tmp_path, name):
    net.save(tmp_path / name)
    assert h5py.is_hdf5(tmp_path / name) == name.endswith(".h5")
    other = net_of(NET, caffe.TRAIN)
    other.copy_from(tmp_path / name)
    for layer, blobs in net.params.items():
        for ours, theirs in zip(other.params[layer], blobs, strict=True):
            assert np.array_equal(ours.data, theirs.data)


def test_shared_parameters_are_missed_by_a_net_that_shares_nothing(net, tmp_path):
    net.save_hdf5(tmp_path / "w.h5")
    text = NET.replace('param { name: "w" }', "param { }").replace('param { name: "b" }', "")
    with pytest.raises(caffe.CaffeError, match=r"layer 'b'.*parameter 0 is missing in .*w\.h5"):
        net_of(text).load_hdf5(tmp_path / "w.h5")
    text = NET.replace(IP.format("c", SHARED), IP.format("c", ""))
    with pytest.raises(caffe.CaffeError, match=r"layer 'c'.*has 2 parameter.*holds 0"):
        net_of(text).load_hdf5(tmp_path / "w.h5")


def test_layer_names_with_slashes_come_back(tmp_path):
    text = input_layer("x", 1, 3) + IP.format("inception/1x1", "") + IP.format("inception", "")
    net = net_of(text)
    net.save_hdf5(tmp_path / "w.h5")
    other = net_of(text)
    other.load_hdf5(tmp_path / "w.h5")
    for layer, blobs in net.params.items():
        assert np.array_equal(other.params[layer][0].data, blobs[0].data)


def test_layer_names_that_hdf5_cannot_hold_are_an_error(tmp_path):
    net = net_of(input_layer("x", 1, 3) + IP.format("a", "") + IP.format("a/0", ""))
    with pytest.raises(caffe.CaffeError, match=r"w\.h5: cannot be written as HDF5"):
        net.save_hdf5(tmp_path / "w.h5")
    assert list(tmp_path.iterdir()) == []


HISTORY = [torch.full(shape, i + 0.5) for i, shape in enumerate([(2, 3), (3,), ()])]


@pytest.fixture
def state(tmp_path):
    path = tmp_path / "s.solverstate.h5"
    caffemodel.write_state(path, StoredState(300, "m.caffemodel.h5", 2, [], "{}"), HISTORY)
    return path


def test_a_state_lies_as_caffe_puts_it(state):
    with h5py.File(state) as file:
        shapes = {"history/0": (2, 3), "history/1": (3,), "history/2": ()}
        assert layout(file) == {
            **shapes,
            **{"iter": (1,), "current_step": (1,), "learned_net": (), "run_state": ()},
            "history": None,
        }
        assert (file["iter"][0], file["current_step"][0]) == (300, 2)
        assert file["iter"].dtype == file["current_step"].dtype == np.int32
        kind = file["learned_net"].id.get_type()
        assert isinstance(kind, h5py.h5t.TypeStringID)
        assert not kind.is_variable_str()
        assert kind.get_size() == len("m.caffemodel.h5") + 1  # C finds the string's end


def test_a_state_of_ours_is_read_back(state):
    read = caffemodel.read_state(state)
    assert (read.iter, read.learned_net, read.current_step) == (300, "m.caffemodel.h5", 2)
    assert read.run_state == "{}"
    for stored, kept in zip(read.history, HISTORY, strict=True):
        assert stored.shape == kept.shape
        assert np.array_equal(stored.values, kept.ravel())


def test_values_of_any_number_type_are_read_and_a_state_may_lack_what_bvlc_lacks(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["iter"], file["current_step"] = np.array([7], np.int64), np.array([1], np.int16)
        file["history/0"] = np.array([[1.5, -2]], np.float64)
        file["history/1"] = np.array([3, 4], np.uint8)
    read = caffemodel.read_state(tmp_path / "s.h5")
    assert (read.iter, read.learned_net, read.current_step, read.run_state) == (7, "", 1, "")
    assert [list(blob.values) for blob in read.history] == [[1.5, -2], [3, 4]]
    assert read.history[0].shape == (1, 2)


# Damage.


def broken(path, change):
    with h5py.File(path, "w") as file:
        file["iter"], file["current_step"] = np.array([7]), np.array([1])
        file["history/0"] = np.zeros(3, np.float32)
        file["data/ip/0"] = np.zeros((2, 3), np.float32)
        change(file)
    return path


def replaced(name, value):
    def change(file):
        del file[name]
        if value is not None:
            file[name] = value

    return change


def claims(name, shape, **more):
    def change(file):
        del file[name]
        file.create_dataset(name, shape, np.float32, **more)

    return change


def holds_itself(file):
    file["data/ip/inner"] = file["data/ip"]


BAD_WEIGHTS = {
    "this is a solverstate; expected an HDF5 file of weights": replaced("data", None),
    "has no group 'data'.*": replaced("data", 3),
    "/data/ip holds 'weights', where datasets are": lambda file: file["data/ip"].move(
        "0", "weights"
    ),
    "/data/ip holds '99999999999', where": lambda file: file["data/ip"].move("0", "9" * 11),
    "/data/ip/0 holds values of type": replaced("data/ip/0", "text"),
    r"/data/ip/0 lacks values: its shape is \(40000, 50000\)": claims("data/ip/0", (40000, 50000)),
    r"/data/ip/0 lacks values: its shape is \(40000, 40000\)": claims(
        "data/ip/0", (40000, 40000), chunks=(10, 10), compression="gzip"
    ),
    "holds itself": holds_itself,
    "/data/ip/0 lies in another file": replaced("data/ip/0", h5py.ExternalLink("x.h5", "/a")),
    "/data/ip holds 'more', where": lambda file: file.update(
        {"data/ip/more": h5py.SoftLink("/data/ip")}
    ),
}
BAD_STATES = {
    "this is a file of weights; expected": replaced("history", None),
    "has no group 'history'": replaced("history", 3),
    "/ has no dataset 'iter'": replaced("iter", None),
    "/ has no dataset 'current_step'": replaced("current_step", None),
    "/iter holds values of type float64": replaced("iter", 1.5),
    r"/iter is not one value; its shape is \(2,\)": replaced("iter", [1, 2]),
    "/learned_net holds values of type": lambda file: file.update(learned_net=3),
    "/history has no dataset '0'": lambda file: file["history"].move("0", "1"),
    r"/history/0 lacks values: its shape is \(1000000000,\)": claims("history/0", (10**9,)),
}


@pytest.mark.parametrize(
    ("read", "message", "change"),
    [
        *((caffemodel.read_weights, *item) for item in BAD_WEIGHTS.items()),
        *((caffemodel.read_state, *item) for item in BAD_STATES.items()),
    ],
)
def test_what_does_not_belong_is_named_and_takes_no_memory(tmp_path, read, message, change):
    path = broken(tmp_path / "bad.h5", change)
    tracemalloc.start()
    try:
        with pytest.raises(caffe.CaffeError, match=message) as error:
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("read", [caffemodel.read_weights, caffemodel.read_state])
def test_a_file_of_another_kind_is_named(tmp_path, read):
    path = tmp_path / "other.h5"
    for content, message in (
        (None, "No such file"),
        (b"", "truncated or another kind"),
        (b"\x89HDF\r\n\x1a\n", "truncated or another kind"),
        (b"some text", "truncated or another kind"),
    ):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(caffe.CaffeError, match=message) as error:
            read(path)
        assert str(path) in str(error.value)


@pytest.mark.fuzz
def test_damaged_files_are_an_error_or_read(net, state, tmp_path):
    net.save_hdf5(tmp_path / "w.h5")
    path = tmp_path / "damaged.h5"
    for source, read in (
        (tmp_path / "w.h5", caffemodel.read_weights),
        (state, caffemodel.read_state),
    ):
        for content in mutations(source.read_bytes(), seed=1):
            path.write_bytes(content)
            with contextlib.suppress(caffe.CaffeError):
                read(path)
