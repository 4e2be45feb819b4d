"""Laws of HDF5Data and HDF5Output, against references written here."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.layer_types.hdf5 import ROWS


def write_files(folder: Path, rows: Sequence[int], **more) -> Path:
    """Files of so many rows each, numbered through in `label`; `data` is (n, 2, 3) of that."""
    start = 0
    for i, count in enumerate(rows):
        label = np.arange(start, start + count)
        with h5py.File(folder / f"{i}.h5", "w") as file:
            file["label"], file["data"] = label, np.tile(label[:, None, None], (1, 2, 3)) / 2
            for name, value in more.items():
                file[name] = value
        start += count
    listed = folder / "list.txt"
    listed.write_text(" ".join(str(folder / f"{i}.h5") for i in range(len(rows))))
    return listed


def hdf5_net(listed: Path, batch: int, shuffle: bool = False, tops: str = "data label", more=""):
    names = " ".join(f'top: "{top}"' for top in tops.split())
    return net_of(
        f'layer {{ name: "d" type: "HDF5Data" {names} {more} hdf5_data_param {{ '
        f'source: "{listed}" batch_size: {batch} shuffle: {str(shuffle).lower()} }} }}'
    )


def labels(net: caffe.Net, count: int) -> list[list[int]]:
    return [net.forward()["label"].tolist() for _ in range(count)]


@law("HDF5Data")
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 7))
@drawn()
def test_rows_come_in_order_across_the_ends_of_files_and_lists(tmp_path_factory, rows, batch):
    folder = tmp_path_factory.mktemp("hdf5")
    net = hdf5_net(write_files(folder, rows), batch)
    assert net.blobs["data"].shape == (batch, 2, 3)
    assert net.blobs["label"].shape == (batch,)
    for i in range(4):
        expected = np.arange(i * batch, (i + 1) * batch) % sum(rows)
        found = net.forward()
        agree(found["label"], expected)
        agree(found["data"], np.tile(expected[:, None, None], (1, 2, 3)) / 2)


@law("HDF5Data")
@given(SEED, st.lists(st.integers(1, 6), min_size=1, max_size=4))
@drawn(15)
def test_a_shuffled_epoch_has_each_row_once_file_by_file(tmp_path_factory, seed, rows):
    listed = write_files(tmp_path_factory.mktemp("hdf5"), rows)
    ends = np.cumsum(rows)
    runs = []
    for _ in range(2):
        caffe.set_random_seed(seed)
        runs.append(labels(hdf5_net(listed, sum(rows), shuffle=True), 3))
    assert runs[0] == runs[1]
    for epoch in runs[0]:
        assert sorted(epoch) == list(range(sum(rows)))
        files = np.searchsorted(ends, epoch, side="right")
        assert np.count_nonzero(np.diff(files)) == len(rows) - 1


@law("HDF5Data")
def test_shuffling_changes_files_and_rows_each_time(tmp_path):
    listed = write_files(tmp_path, [20, 20, 20])
    caffe.set_random_seed(1)
    epochs = labels(hdf5_net(listed, 60, shuffle=True), 6)
    assert len({tuple(epoch) for epoch in epochs}) == 6
    assert len({tuple(label // 20 for label in epoch[::20]) for epoch in epochs}) > 1


def test_the_rows_of_a_file_are_put_in_order_once_not_for_every_batch(tmp_path, monkeypatch):
    net = hdf5_net(write_files(tmp_path, [12]), 2, shuffle=True)
    orders = []
    of_count = type(net.layers[0])._order
    monkeypatch.setattr(
        type(net.layers[0]), "_order", lambda *args: orders.append(args[1:]) or of_count(*args)
    )
    labels(net, 12)
    assert [item for stream, item, _ in orders if stream == ROWS] == [0, 1]


@law("HDF5Data")
@given(SEED, st.booleans(), st.integers(0, 4), st.integers(1, 7))
@drawn(15)
def test_a_restored_position_goes_on_as_the_uninterrupted_run(
    tmp_path_factory, seed, shuffle, before, batch
):
    listed = write_files(tmp_path_factory.mktemp("hdf5"), [3, 1, 4])
    caffe.set_random_seed(seed)
    net = hdf5_net(listed, batch, shuffle)
    labels(net, before)
    position = net.layer_dict["d"].state_dict()
    rest = labels(net, 5)
    again = hdf5_net(listed, batch, shuffle)
    labels(again, 2)
    again.layer_dict["d"].load_state_dict(position)
    assert labels(again, 5) == rest


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (3, "a position has seed, file, row; found 3"),
        ({"seed": 1, "row": 0}, "found seed, row"),
        ({"seed": 1, "file": 0, "row": -1}, "at least 0 and below"),
        ({"seed": 1, "file": "0", "row": 0}, "at least 0 and below"),
        ({"seed": 1, "file": True, "row": 0}, "at least 0 and below"),
    ],
)
def test_a_position_of_another_kind_is_refused(tmp_path, wrong, message):
    layer = hdf5_net(write_files(tmp_path, [3]), 1).layer_dict["d"]
    before = layer.state_dict()
    with pytest.raises(caffe.CaffeError, match=rf"layer 'd' \(HDF5Data\): .*{message}"):
        layer.load_state_dict(wrong)
    assert layer.state_dict() == before


@law("HDF5Data")
def test_each_top_is_the_dataset_of_its_name_of_any_number_type(tmp_path):
    bytes_ = np.arange(6, dtype=np.uint8).reshape(2, 3)
    listed = write_files(tmp_path, [2], bytes=bytes_, deep=np.ones((2, 1, 2, 1, 2, 1), np.int64))
    net = hdf5_net(listed, 2, tops="deep bytes")
    net.forward()
    assert net.blobs["deep"].shape == (2, 1, 2, 1, 2, 1)
    agree(net.blobs["bytes"].data, bytes_)


@law("HDF5Data")
@pytest.mark.parametrize(
    ("tops", "more", "message"),
    [
        ("data label", "transform_param { scale: 2 }", "HDF5Data does not transform data"),
        ("data nothing", "", r"0\.h5: / has no dataset 'nothing'; it holds \['data', 'few', 'la"),
        ("data few", "", r"0\.h5: datasets must have .* the same number of rows.*'few': \(1,\)"),
        ("one", "", r"0\.h5: datasets must have at least 1 axis"),
        ("text", "", r"0\.h5: /text holds values of type"),
        ("none", "", r"0\.h5: there are no values; shapes: {'none': \(0, 3\)}"),
    ],
)
def test_what_hdf5_data_cannot_read_is_named(tmp_path, tops, more, message):
    odd = {"few": [1.0], "one": 1.0, "text": b"text", "none": np.zeros((0, 3))}
    listed = write_files(tmp_path, [2], **odd)
    with pytest.raises(caffe.CaffeError, match=f"layer 'd' .HDF5Data.: .*{message}"):
        hdf5_net(listed, 2, tops=tops, more=more)


@law("HDF5Data")
def test_a_list_that_names_no_sound_file_is_an_error(tmp_path):
    with pytest.raises(
        caffe.CaffeError, match=r"Failed to open source file: .*none\.txt: .*\(No su"
    ):
        hdf5_net(tmp_path / "none.txt", 1)
    listed = tmp_path / "list.txt"
    listed.write_text("\n")
    with pytest.raises(caffe.CaffeError, match="Must have at least 1 HDF5 filename listed in"):
        hdf5_net(listed, 1)
    listed.write_text(f"{tmp_path}/0.h5\n")
    with pytest.raises(caffe.CaffeError, match=r"0\.h5: cannot be read as .* \(No such file"):
        hdf5_net(listed, 1)
    with pytest.raises(caffe.CaffeError, match="batch_size is at least 1; found 0"):
        hdf5_net(listed, 0)


@law("HDF5Data")
def test_a_file_where_a_list_belongs_and_a_list_where_a_file_belongs_say_so(tmp_path):
    listed = write_files(tmp_path, [1])
    with pytest.raises(caffe.CaffeError, match=r"layer 'd'.*0\.h5: is an HDF5 file; source is a"):
        hdf5_net(tmp_path / "0.h5", 1)
    (tmp_path / "lists.txt").write_text(f"{listed}\n")
    with pytest.raises(caffe.CaffeError, match=r"what it lists belongs into .*lists\.txt itself"):
        hdf5_net(tmp_path / "lists.txt", 1)


@law("HDF5Data")
def test_a_file_of_other_row_shapes_than_the_first_is_named(tmp_path):
    listed = write_files(tmp_path, [1, 1])
    with h5py.File(tmp_path / "1.h5", "a") as file:
        del file["data"]
        file["data"] = np.zeros((1, 9))
    net = hdf5_net(listed, 1)
    net.forward()
    with pytest.raises(
        caffe.CaffeError, match=r"1\.h5: rows of shapes \[\(9,\), \(\)\]; the first"
    ):
        net.forward()


@law("HDF5Output")
@given(SEED, st.integers(1, 3))
@drawn(10)
def test_the_bottoms_lie_in_the_file_with_four_axes(tmp_path_factory, seed, batch):
    path = tmp_path_factory.mktemp("hdf5") / "new" / "out.h5"
    data, label = normal(seed, batch, 2, 3), normal(seed + 1, batch)
    run_layer("HDF5Output", f'hdf5_output_param {{ file_name: "{path}" }}', [data, label], tops=0)
    with h5py.File(path) as file:
        assert sorted(file) == ["data", "label"]
        agree(file["data"][()], data[..., None])
        agree(file["label"][()], label.reshape(batch, 1, 1, 1))
        assert file["data"].dtype == np.float32


@law("HDF5Output")
def test_an_older_file_stays_until_the_forward_and_a_second_forward_is_refused(tmp_path):
    path = tmp_path / "out.h5"
    path.write_text("older")
    param = f'hdf5_output_param {{ file_name: "{path}" }}'
    layers = input_layer("data", 2, 3) + input_layer("label", 2)
    bottoms = 'bottom: "data" bottom: "label"'
    net = net_of(f'{layers} layer {{ name: "o" type: "HDF5Output" {bottoms} {param} }}')
    assert path.read_text() == "older"
    net.forward()
    written = path.read_bytes()
    with pytest.raises(caffe.CaffeError, match=r"out\.h5 holds a batch already"):
        net.forward()
    del net
    assert path.read_bytes() == written


@law("HDF5Output")
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3), (3,)], "must have the same batch size"),
        ([(1, 1, 1, 1, 1), (1,)], "at most 4 axes"),
    ],
)
def test_what_does_not_fit_into_the_file_is_an_error(tmp_path, shapes, message):
    param = f'hdf5_output_param {{ file_name: "{tmp_path}/out.h5" }}'
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .HDF5Output.: .*{message}"):
        run_layer("HDF5Output", param, [np.zeros(shape) for shape in shapes], tops=0)
    assert not (tmp_path / "out.h5").exists()


def test_a_list_that_windows_saved_is_read_alike(tmp_path):
    listed = write_files(tmp_path, [2, 1])
    listed.write_bytes(listed.read_text().replace(" ", "\r\n").encode("utf-8-sig"))
    assert labels(hdf5_net(listed, 3), 1) == [[0, 1, 2]]
