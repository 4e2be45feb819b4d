"""Where data layers are in their data: solverstates keep it, and a run that is resumed reads on."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from support.feed_data import data_layer, pictures, write_database, write_images
from support.snapshots import FORMATS

import caffe
from caffe.proto import caffe_pb2
from caffe.storage import caffemodel
from seg_data_layer import SegDataLayer


class Pictures(SegDataLayer):
    """Entry k of 10 is an image of the number k."""

    mean = np.zeros(3)

    def read_split(self):
        return list(range(10))

    def load(self, name):
        return [np.full((3, 1, 1), name, np.float32), np.full((1, 1, 1), name, np.uint8)]


class Numbers(caffe.Layer):
    """Pass k makes the number k. It cannot tell where it is, but a subclass may."""

    def setup(self, bottom, top):
        self.item = 0

    def reshape(self, bottom, top):
        for blob in top:
            blob.reshape(1, 1, 1, 1)

    def forward(self, bottom, top):
        for blob in top:
            blob.data[...] = self.item
        self.item += 1


class Tells(Numbers):
    def state_dict(self):
        return {"at": np.int64(self.item), "seen": np.arange(self.item), "of": {"any": [None, 1.5]}}

    def load_state_dict(self, state):
        self.item = state["at"]
        assert state["seen"] == list(range(self.item))
        assert state["of"] == {"any": [None, 1.5]}


class Refuses(Tells):
    """It takes no place that REFUSES holds."""

    REFUSES: list[int] = []

    def load_state_dict(self, state):
        if state["at"] in self.REFUSES:
            self.item = -1  # half way through
            raise KeyError("no such place")
        super().load_state_dict(state)


class Tensors(Numbers):
    """As one that is a torch.nn.Module, too: JSON has no tensors."""

    def state_dict(self):
        return {"weight": caffe.Blob((1,)), "not": {1, 2}}

    def load_state_dict(self, state):
        raise AssertionError("there was nothing to store")


class Half(Numbers):
    def state_dict(self):
        return 3


def python(kind: type, name: str = "data", tops=("data", "label"), **params) -> str:
    names = " ".join(f'top: "{top}"' for top in tops)
    text = json.dumps(repr(params))
    return (
        f'layer {{ name: "{name}" type: "Python" {names} python_param {{ module: "{__name__}" '
        f'layer: "{kind.__name__}" param_str: {text} }} }}'
    )


LEARNS = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "y" inner_product_param { num_output: 1
  weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "z" type: "DummyData" top: "z" dummy_data_param { shape { dim: 1 dim: 1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "z" top: "loss" }
"""


def solver_of(folder: Path, train: str, test: str = "", more: str = "") -> caffe.SGDSolver:
    tests = f"test_net_param {{ {test} }} test_iter: 3 test_interval: 2" if test else ""
    text = f"""train_net_param {{ {train} }} {tests} base_lr: 1e-9 lr_policy: "fixed" max_iter: 9
    snapshot_prefix: "{folder}/s" {more}"""
    return caffe.get_solver(text_format.Parse(text, caffe_pb2.SolverParameter()))


def seen(net: caffe.Net) -> list[float]:
    """What the first pixel of `data` is, pass by pass, from now on."""
    values: list[float] = []

    def note(i: int) -> None:
        if i == 0:
            values.append(float(net.blobs["data"].data.flat[0]))

    net.after_forward(note)
    return values


@pytest.mark.parametrize("snapshot_format", FORMATS)
@pytest.mark.parametrize("iter_size", [1, 2])
@pytest.mark.parametrize("seed", [3, None])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_datasets_layers_read_on_in_training_and_in_tests(
    tmp_path, snapshot_format, iter_size, seed, batch
):
    """What is decoded ahead does not count. Without a seed the order drawn is taken up again."""
    train = python(Pictures, split="train", seed=seed, batch=batch) + LEARNS.replace(
        "dim: 1 dim: 1", f"dim: {batch} dim: 1"
    )
    test = python(Pictures, split="val") + LEARNS
    more = f"iter_size: {iter_size} snapshot_format: {snapshot_format}"
    solver = solver_of(tmp_path, train, test, more)
    solver.step(5)
    state = solver.snapshot()
    straight = [seen(net) for net in (solver.net, *solver.test_nets)]
    solver.step(5)
    resumed = solver_of(tmp_path, train, test, more)
    read_on = [seen(net) for net in (resumed.net, *resumed.test_nets)]
    resumed.restore(state)
    resumed.step(5)
    assert read_on == straight
    assert [len(values) for values in straight] == [5 * iter_size, 6]
    assert straight[1] == [9, 0, 1, 2, 3, 4]


def test_a_run_may_go_back_while_it_runs_and_twice(tmp_path):
    solver = solver_of(tmp_path, python(Pictures, split="train", seed=1) + LEARNS)
    solver.step(4)
    state = solver.snapshot()
    values = seen(solver.net)
    for _ in range(3):
        solver.step(4)
        solver.restore(state)
    assert values[:4] == values[4:8] == values[8:]


def test_the_smoothed_loss_is_what_it_was(tmp_path):
    train, more = python(Pictures, split="train", seed=1) + LEARNS, "average_loss: 3"
    solver = solver_of(tmp_path, train, more=more)
    solver.step(5)
    resumed = solver_of(tmp_path, train, more=more)
    assert resumed.smoothed_loss == 0
    resumed.restore(solver.snapshot())
    assert resumed.smoothed_loss == solver.smoothed_loss > 0


def test_of_two_layers_of_one_net_each_has_its_own_place(tmp_path):
    net = (
        python(Pictures, split="train", seed=1)
        + python(Tells, "count", ["n"])
        + python(Pictures, "val", ["d", "l"], split="val")
        + LEARNS
    )
    solver = solver_of(tmp_path, net)
    solver.step(3)
    solver.net.forward(end="data")  # one more of this
    resumed = solver_of(tmp_path, net)
    resumed.restore(solver.snapshot())
    states = [json.loads(json.dumps(s.net.layers[0].state_dict())) for s in (solver, resumed)]
    assert states[0] == states[1] == {"seed": 1, "pass": 4}
    assert resumed.net.layer_dict["count"].item == 3
    assert resumed.net.layer_dict["val"].state_dict()["pass"] == 3


@pytest.mark.parametrize("kind", ["Data", "ImageData", "HDF5Data", "WindowData"])
def test_caffes_own_data_layers_read_on(tmp_path, kind):
    import h5py

    arrays = pictures(7, 3, 8, 8)
    listed = write_images(tmp_path, arrays)
    if kind == "HDF5Data":
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["data"], file["label"] = np.arange(7.0)[:, None], np.arange(7.0)
        (tmp_path / "h5.txt").write_text(f"{tmp_path}/a.h5")
        layer = (
            'layer { name: "d" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { '
            f'source: "{tmp_path}/h5.txt" batch_size: 1 shuffle: true }} }}'
        )
    elif kind == "WindowData":
        boxes = "3\n8\n8\n2\n1 0.9 0 0 5 5\n0 0.1 1 1 6 7\n"
        rows = "".join(f"# {i}\n{i}.png\n{boxes}" for i in range(7))
        (tmp_path / "windows.txt").write_text(rows)
        source = f'source: "{tmp_path}/windows.txt" root_folder: "{tmp_path}/" batch_size: 1'
        layer = data_layer(kind, source, "crop_size: 3 mirror: true")
    elif kind == "ImageData":
        source = f'source: "{listed}" root_folder: "{tmp_path}/" batch_size: 1 shuffle: true'
        layer = data_layer(kind, source, "crop_size: 3 mirror: true")
    else:
        write_database(tmp_path / "db", arrays)
        source = f'source: "{tmp_path}/db" backend: LMDB batch_size: 1'
        layer = data_layer(kind, source, "crop_size: 3 mirror: true")
    solver = solver_of(tmp_path, layer + LEARNS, layer + LEARNS)
    solver.step(3)
    state = solver.snapshot()
    straight = [seen(net) for net in (solver.net, *solver.test_nets)]
    solver.step(9)
    caffe.set_random_seed(77)
    resumed = solver_of(tmp_path, layer + LEARNS, layer + LEARNS)
    read_on = [seen(net) for net in (resumed.net, *resumed.test_nets)]
    resumed.restore(state)
    resumed.step(9)
    assert read_on == straight


# Which layers are named.


def lines_of(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if "no place in the data" in r.getMessage()]


def without_run_state(path: str) -> None:
    state = caffe_pb2.SolverState.FromString(Path(path).read_bytes())
    state.ClearField("run_state")
    Path(path).write_bytes(state.SerializeToString())


def test_layers_that_cannot_tell_are_named_in_one_line_and_go_on_from_where_they_are(
    tmp_path, caplog
):
    train = python(Numbers) + python(Tells, "told", ["t"]) + python(Half, "half", ["h"]) + LEARNS
    test = python(Numbers, "unseen") + LEARNS
    solver = solver_of(tmp_path, train, test)
    solver.step(2)
    state = solver.snapshot()
    resumed = solver_of(tmp_path, train, test)
    resumed.restore(state)
    (line,) = lines_of(caplog)
    assert line.startswith(
        f"{state}: holds no place in the data for layer(s) 'data' of the training net, "
        "'half' of the training net, 'unseen' of test net #0, which go on from where they are now"
    )
    assert [layer.item for layer in resumed.net.layers[:3]] == [0, 2, 0]


def test_a_snapshot_of_bvlcs_restores_as_there_and_names_all_layers_with_data(tmp_path, caplog):
    train = python(Pictures, split="train", seed=1) + python(Tells, "told", ["t"]) + LEARNS
    solver = solver_of(tmp_path, train)
    solver.step(2)
    state = solver.snapshot()
    without_run_state(state)
    resumed = solver_of(tmp_path, train)
    resumed.restore(state)
    assert resumed.iter == 2
    assert resumed.net.layers[0].state_dict() == {"seed": 1, "pass": 0}
    (line,) = lines_of(caplog)
    assert "'data' of the training net, 'told' of the training net" in line


def test_nothing_is_said_where_every_layer_reads_on_or_has_no_data(tmp_path, caplog):
    train = python(Tells) + LEARNS
    solver = solver_of(tmp_path, train)
    solver.step(2)
    solver_of(tmp_path, train).restore(solver.snapshot())
    assert not lines_of(caplog)


def test_a_state_that_json_cannot_hold_does_not_stop_the_snapshot(tmp_path, caplog):
    train = python(Tensors) + LEARNS
    solver = solver_of(tmp_path, train)
    solver.step(1)
    state = solver.snapshot()
    assert "layer 'data': its state_dict() is not stored" in caplog.text
    solver_of(tmp_path, train).restore(state)
    assert len(lines_of(caplog)) == 1


# Places that do not fit.


def test_a_layer_that_refuses_its_state_is_an_error_and_changes_nothing(tmp_path, monkeypatch):
    train = (
        python(Pictures, split="train", seed=1)
        + python(Tells, "told", ["t"])
        + python(Refuses, "refuses", ["r"])
        + LEARNS
    )
    solver = solver_of(tmp_path, train)
    solver.step(3)
    state = solver.snapshot()
    other = solver_of(tmp_path, train)
    other.step(1)
    before = other.net.params["ip"][0].data.copy()
    monkeypatch.setattr(Refuses, "REFUSES", [3])
    with pytest.raises(caffe.CaffeError, match=r"layer 'refuses'.*KeyError: 'no such place'") as e:
        other.restore(state)
    assert state in str(e.value)
    assert other.iter == 1
    assert np.array_equal(other.net.params["ip"][0].data, before)
    assert other.net.layers[0].state_dict() == {"seed": 1, "pass": 1}
    assert other.net.layer_dict["told"].item == other.net.layer_dict["refuses"].item == 1


def test_weights_that_do_not_fit_leave_the_layers_where_they_were(tmp_path):
    train = python(Pictures, split="train", seed=1) + LEARNS
    solver = solver_of(tmp_path, train)
    solver.step(3)
    state = Path(solver.snapshot())
    state.with_suffix(".caffemodel").write_bytes(b"\xff damaged")
    other = solver_of(tmp_path, train)
    with pytest.raises(caffe.CaffeError, match=r"s_iter_3\.caffemodel"):
        other.restore(state)
    assert other.net.layers[0].state_dict() == {"seed": 1, "pass": 0}


@pytest.mark.parametrize(
    "place",
    [
        None,
        3,
        [],
        {},
        {"seed": 1},
        {"seed": 1, "pass": -1},
        {"seed": 1, "pass": 2.0},
        {"seed": 1, "pass": True},
        {"seed": "1", "pass": 2},
        {"seed": 1, "pass": 2**40},
        {"seed": 1, "pass": 2, "more": 3},
    ],
    ids=str,
)
def test_a_damaged_place_of_the_datasets_layers_is_an_error(tmp_path, place):
    solver = solver_of(tmp_path, python(Pictures, split="train", seed=1) + LEARNS)
    state = solver.snapshot()
    content = json.loads(caffemodel.read_state(state).run_state)
    content["positions"] = [{"data": place}]
    message = caffe_pb2.SolverState.FromString(Path(state).read_bytes())
    message.run_state = json.dumps(content)
    Path(state).write_bytes(message.SerializeToString())
    with pytest.raises(caffe.CaffeError, match=r"layer 'data'.*is no place.*damaged"):
        solver.restore(state)


def test_the_place_is_that_of_the_layer_run_alone():
    """As BVLC's pycaffe runs it: the methods need nothing of this engine."""
    from support.layer_alone import build, run

    def order(layer, tops, count):
        return [float(run(layer, tops)[0].flat[0]) for _ in range(count)]

    for seed in (random.getrandbits(64), None):
        layer, tops = build(Pictures, split="train", seed=seed)
        order(layer, tops, 6)
        place = json.loads(json.dumps(layer.state_dict()))
        other, other_tops = build(Pictures, split="train", seed=5)
        order(other, other_tops, 2)
        other.load_state_dict(place)
        assert order(other, other_tops, 8) == order(layer, tops, 8)
