"""Laws of caffe/engine/inference.py: of a net on the fast path a script sees what Caffe shows it.

Each script runs on two nets of one text and equal weights, one of them layer by layer.
"""

import gc
import weakref

import h5py
import numpy as np
import pytest
import torch
from support.net_text import input_layer, net_of
from support.plain_path import (
    FCN,
    close,
    conv,
    image,
    layer,
    plain,
    ran_fast,
    same_to_a_script,
    scale_of,
    twins,
)
from support.planned import images

import caffe
from caffe.engine import plan

SHAPE = (1, 3, 20, 24)
INNER = ["conv1", "pool1", "conv2", "pool2", "fc", "score_fc", "up2", "crop1", "fuse", "up"]


def put(net, seed, *shape):
    net.blobs["data"].data[...] = image(seed, *(shape or SHAPE))


def run(net, seed, fast=True):
    """A pass over a new image; it takes the fast path, if it is the net that may."""
    put(net, seed)
    out = net.forward()
    watched = bool(net._layerwise.before_forward)
    assert watched or ran_fast(net) == fast
    return out


def let_go(net):
    """The blobs that hold no values now."""
    return {name for name, blob in net.blobs.items() if blob._data._tensor is None}


# ---- Blobs that are read ----


def read_all(net, names):
    for name in names:
        yield net.blobs[name].data


@pytest.mark.parametrize("order", [1, -1])
def test_every_blob_may_be_read_after_a_pass(order):
    def script(net):
        for seed in range(3):
            run(net, seed)
            yield from read_all(net, list(net.blobs)[::order])

    same_to_a_script(FCN, script)


def test_blobs_that_nobody_read_hold_no_memory():
    net = net_of(FCN)
    for seed in range(2):
        run(net, seed)
        assert let_go(net) >= {*INNER}
        assert let_go(net) == net.blobs.keys() - {*net.outputs, "data", *splits(net, "data")}


def splits(net, name):
    return {other for other in net.blobs if other.startswith(f"{name}_")}


def test_a_blob_that_was_read_is_kept_in_later_passes_and_others_are_not():
    net = net_of(FCN)
    run(net, 0)
    net.blobs["conv2"].data  # noqa: B018
    run(net, 1)
    assert "conv2" not in let_go(net)
    assert let_go(net) >= {*INNER} - {"conv2"}


def test_blobs_that_forward_is_asked_for_are_there():
    def script(net):
        for seed in range(3):
            put(net, seed)
            out = net.forward(blobs=["conv1", "fuse"])
            assert out.keys() == {"score", "conv1", "fuse"}
            yield from out.values()
            yield net.blobs["pool1"].data

    same_to_a_script(FCN, script)


def test_values_behind_a_smaller_batch_are_those_of_the_passes_before():
    """Nobody has read them, and they are there: the pass that they are of is computed for them."""

    def script(net):
        for batch in (4, 1, 3, 2):
            net.blobs["data"].reshape(batch, *SHAPE[1:])
            put(net, batch, batch, *SHAPE[1:])
            net.forward()
            assert net._layerwise.before_forward or ran_fast(net)
        net.blobs["data"].reshape(4, *SHAPE[1:])
        net.reshape()
        yield from read_all(net, INNER)

    same_to_a_script(FCN, script)


def test_a_view_that_is_held_shows_every_pass():
    def script(net):
        run(net, 0)
        held = {name: net.blobs[name].data for name in ("conv1", "fuse", "score")}
        for seed in (1, 2):
            run(net, seed)
            yield from held.values()
            yield from read_all(net, ["conv2", "conv1"])

    same_to_a_script(FCN, script)


def test_what_forward_returns_shows_the_next_pass_and_a_copy_does_not():
    def script(net):
        out = run(net, 0)["score"]
        copy = out.copy()
        run(net, 1)
        yield out
        yield copy
        out[...] = 5
        yield net.blobs["score"].data
        run(net, 2)
        yield out

    same_to_a_script(FCN, script)


# ---- Blobs that are written ----


def test_new_data_change_nothing_of_the_pass_before():
    def script(net):
        run(net, 0)
        net.blobs["data"].data[...] = 9
        yield net.blobs["conv1"].data
        net.blobs["data"].reshape(1, 3, 5, 5)
        yield net.blobs["fuse"].data

    same_to_a_script(FCN, script)


def test_a_partial_pass_goes_on_from_what_was_written():
    def script(net):
        for seed in range(2):
            run(net, seed)
            net.blobs["pool2"].data[...] += 1
            yield net.forward(start="fc")["score"]
            yield from read_all(net, net.blobs)

    same_to_a_script(FCN, script)


def test_a_partial_pass_over_the_beginning_leaves_the_rest_as_it_was():
    def script(net):
        run(net, 0)
        put(net, 1)
        yield from net.forward(end="relu2").values()
        yield from read_all(net, net.blobs)

    same_to_a_script(FCN, script)


SPLIT = "".join(
    [
        input_layer("data", *SHAPE),
        conv("c", "data", "num_output: 2 kernel_size: 3"),
        conv("d", "c", "num_output: 2 kernel_size: 3"),
        conv("e", "c", "num_output: 2 kernel_size: 3"),
    ]
)


@pytest.mark.parametrize("written", ["c", "c_c_0_split_0", "c_c_0_split_1"])
@pytest.mark.parametrize("read_before", [False, True])
def test_the_tops_of_a_split_are_its_bottoms_memory(written, read_before):
    def script(net):
        for seed in range(2):
            run(net, seed)
            if read_before:
                yield net.blobs["c"].data
        net.blobs[written].data[...] = 2
        yield from read_all(net, ["c", "c_c_0_split_0", "c_c_0_split_1"])
        yield from net.forward(start="d").values()

    same_to_a_script(SPLIT, script)


def test_the_tops_of_a_split_are_its_bottoms_memory_though_a_view_of_it_is_held():
    def script(net):
        run(net, 0)
        held = net.blobs["c"].data
        run(net, 1)
        held[...] = 2
        yield from read_all(net, ["c_c_0_split_0", "c_c_0_split_1"])
        yield from net.forward(start="d").values()

    same_to_a_script(SPLIT, script)


FLAT = (
    input_layer("data", *SHAPE)
    + conv("c", "data", "num_output: 2 kernel_size: 3")
    + layer("Flatten", "f", "c")
    + layer("Power", "y", "f")
)


@pytest.mark.parametrize("written", ["c", "f"])
@pytest.mark.parametrize("hold", [False, True])
def test_a_blob_in_another_shape_is_the_same_memory(written, hold):
    def script(net):
        run(net, 0)
        held = net.blobs[written].data if hold else None
        run(net, 1)
        net.blobs[written].data[...] = 3
        yield from read_all(net, ["c", "f"])
        yield from net.forward(start="y").values()
        yield from () if held is None else (held,)

    same_to_a_script(FLAT, script)


# ---- In place ----

SHIFT = "power_param { scale: 2 shift: 1 }"
IN_PLACE_ON_DATA = {
    "alone": "",
    "before one layer": conv("c", "data", "num_output: 2 kernel_size: 3"),
    "before two": conv("c", "data", "num_output: 2 kernel_size: 3")
    + conv("d", "data", "num_output: 2 kernel_size: 3"),
    "before another shape": layer("Flatten", "f", "data") + layer("Power", "y", "f"),
}


@pytest.mark.parametrize("name", IN_PLACE_ON_DATA)
def test_a_layer_that_runs_in_place_on_the_data(name):
    text = input_layer("data", *SHAPE) + layer("Power", "shift", "data", "data", SHIFT)

    def script(net):
        for seed in range(3):
            yield from run(net, seed, fast=False).values()
            yield from read_all(net, net.blobs)

    same_to_a_script(text + IN_PLACE_ON_DATA[name], script)


def test_a_layer_that_runs_in_place_on_a_reshaped_blob_changes_both():
    text = input_layer("data", *SHAPE) + layer("Flatten", "f", "data")
    text += layer("Power", "shift", "f", "f", SHIFT)

    def script(net):
        put(net, 0)
        yield from net.forward().values()
        yield from read_all(net, net.blobs)

    same_to_a_script(text, script)


# ---- Parameters ----


def test_new_weights_count_from_the_next_pass_on():
    def script(net):
        run(net, 0)
        net.params["conv2"][0].data[...] *= 2
        yield from read_all(net, ["conv1", "conv2", "fuse"])
        yield from run(net, 1).values()
        net.params["conv1"][1].data[...] = 1
        yield from run(net, 1).values()
        yield from read_all(net, net.blobs)

    same_to_a_script(FCN, script)


def test_weights_written_through_a_view_that_is_held_count_too():
    def script(net):
        run(net, 0)
        weights = net.params["conv2"][0].data
        for seed in range(3):
            weights[...] *= 1.5
            put(net, seed)
            yield from net.forward().values()
            yield from read_all(net, ["conv2"])
        weights[...] *= -1
        yield from read_all(net, ["fc"])
        del weights
        yield from run(net, 5).values()

    same_to_a_script(FCN, script)


def other_weights(text):
    caffe.set_random_seed(1)
    return net_of(text)


def test_weights_shared_with_another_net_count_from_the_next_pass_on():
    def script(net):
        run(net, 0)
        net.share_with(other := other_weights(FCN))
        yield from read_all(net, ["conv1"])
        yield from run(net, 0).values()
        other.params["conv1"][0].data[...] *= 2
        yield from read_all(net, ["conv2"])
        yield from run(net, 0).values()

    same_to_a_script(FCN, script)


def test_weights_loaded_count_from_the_next_pass_on(tmp_path):
    path = str(tmp_path / "w.caffemodel")
    other_weights(FCN).save(path)

    def script(net):
        run(net, 0)
        net.copy_from(path)
        yield from read_all(net, ["conv1"])
        yield from run(net, 0).values()

    same_to_a_script(FCN, script)


def test_a_test_net_uses_what_its_solver_has_learnt(tmp_path):
    more = input_layer("label", 1, 2, 20, 24)
    loss = layer("EuclideanLoss", "loss", "score label", more="include { phase: TRAIN }")
    (tmp_path / "net.prototxt").write_text(FCN + more + loss)
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 1e-4 lr_policy: "fixed" test_iter: 1 '
        "test_interval: 100 test_initialization: false"
    )
    caffe.set_random_seed(1)
    solver = caffe.SGDSolver(str(tmp_path / "solver.prototxt"))
    theirs = plain(caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST))
    ours = solver.test_nets[0]
    ours.share_with(solver.net)
    theirs.share_with(solver.net)
    put(solver.net, 0)
    for seed in range(3):
        run(ours, seed), run(theirs, seed)
        before = theirs.blobs["conv2"].data.copy()
        weights = solver.net.params["conv2"][0].data.copy()
        solver.step(1)
        assert (solver.net.params["conv2"][0].data != weights).any()
        close(ours.blobs["conv2"].data, before)
        close(run(ours, seed)["score"], run(theirs, seed)["score"], scale_of(theirs))


# ---- Shapes ----


def test_another_size_and_back():
    def script(net):
        for i, size in enumerate([(20, 24), (31, 22), (31, 22), (20, 24), (20, 24)]):
            net.blobs["data"].reshape(1, 3, *size)
            if i % 2:
                net.reshape()
            put(net, i, 1, 3, *size)
            yield from net.forward().values()
            yield net.blobs["conv2"].data

    same_to_a_script(FCN, script)


POOLED = FCN + layer("Pooling", "mean", "fuse", "", "pooling_param { pool: AVE kernel_size: 2 }")
POOLED += layer("Pooling", "one", "pool2", "", "pooling_param { global_pooling: true }")
POOLED += layer("Power", "last", "one")


def test_reshape_leaves_the_blobs_alone_whose_count_stays():
    def script(net):
        run(net, 0)
        net.blobs["data"].reshape(1, 3, 31, 22)
        net.reshape()
        yield net.blobs["one"].data

    same_to_a_script(POOLED, script)


def test_weights_may_change_after_reshape():
    def script(net):
        run(net, 0)
        net.blobs["data"].reshape(1, 3, 31, 22)
        net.reshape()
        net.params["conv1"][0].data[...] *= 2
        put(net, 1, 1, 3, 31, 22)
        yield from net.forward().values()

    same_to_a_script(POOLED, script)


def test_a_blob_that_a_script_reshapes_is_zero_and_the_others_as_they_were():
    def script(net):
        run(net, 0)
        net.blobs["pool2"].reshape(1, 2, 3, 4)
        yield from read_all(net, net.blobs)
        yield from run(net, 1).values()
        yield from read_all(net, net.blobs)

    same_to_a_script(POOLED, script)


# ---- Backward ----

BACKWARD = "force_backward: true " + FCN


def diffs(net):
    for name in net.blobs:
        yield net.blobs[name].diff
    for blobs in net.params.values():
        yield from (blob.diff for blob in blobs)


@pytest.mark.parametrize("text", [FCN, BACKWARD])
def test_backward_after_a_pass_on_the_fast_path(text):
    def script(net):
        run(net, 0)
        for seed in range(2):
            net.backward(score=image(seed, 1, 2, 20, 24))
            yield from diffs(net)
            put(net, seed + 1)
            yield from net.forward().values()
        net.clear_param_diffs()
        net.backward(score=image(5, 1, 2, 20, 24))
        yield from diffs(net)

    same_to_a_script(text, script)


def test_backward_is_of_the_last_pass_though_one_before_ran_layer_by_layer():
    def script(net):
        weights = net.params["conv1"][0].data  # while this is held, layer by layer
        run(net, 0, fast=False)
        del weights
        run(net, 1)
        net.backward(score=image(0, 1, 2, 20, 24))
        yield from diffs(net)

    same_to_a_script(BACKWARD, script)


def test_backward_after_new_data():
    def script(net):
        run(net, 0)
        net.blobs["data"].data[...] = 9
        net.backward(score=image(0, 1, 2, 20, 24))
        yield from diffs(net)

    same_to_a_script(BACKWARD, script)


def test_backward_of_a_part():
    def script(net):
        run(net, 0)
        net.blobs["fc"].diff[...] = image(0, *net.blobs["fc"].shape)
        net.backward(start="drop", end="conv2")
        yield from diffs(net)

    same_to_a_script(BACKWARD, script)


IN_PLACE = {
    "ReLU": "",
    "leaky ReLU": "relu_param { negative_slope: 0.1 }",
    "ReLU that turns signs": "relu_param { negative_slope: -0.5 }",
    "TanH": "",
    "Sigmoid": "",
    "ELU": "",
    "Power": "power_param { power: 2 shift: 1 }",
    "PReLU": "",
    "Scale": "",
    "LRN": "",
    "Softmax": "",
    "Dropout": "",
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_backward_through_a_layer_that_ran_in_place(name):
    kind = "ReLU" if " ReLU" in name or name.startswith("ReLU") else name
    text = "force_backward: true " + input_layer("data", *SHAPE)
    text += conv("c", "data", "num_output: 3 kernel_size: 3")
    text += layer(kind, "in_place", "c", "c", IN_PLACE[name])
    text += conv("y", "c", "num_output: 2 kernel_size: 3")

    def script(net):
        for seed in range(2):
            put(net, seed)
            net.forward()
            net.backward(y=image(seed, *net.blobs["y"].shape))
            yield from diffs(net)

    same_to_a_script(text, script)


# ---- Layers of other kinds ----


class Twice(caffe.Layer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 2 * top[0].diff


class Counting(caffe.Layer):
    """A data layer: 1, 2, 3, ..."""

    def setup(self, bottom, top):
        self.count = 0

    def reshape(self, bottom, top):
        top[0].reshape(1, 2, 8, 8 + self.count % 2)

    def forward(self, bottom, top):
        self.count += 1
        top[0].data[...] = self.count


def python(name, cls, bottom="", top=""):
    param = f'python_param {{ module: "{__name__}" layer: "{cls}" }}'
    return layer("Python", name, bottom, top, param)


AFTER = conv("c", "data", "num_output: 2 kernel_size: 3 pad: 4") + layer("TanH", "t", "c")
AFTER += conv("y", "t", "num_output: 2 kernel_size: 3")


def test_a_python_layer_in_the_middle():
    text = input_layer("data", *SHAPE) + conv("c", "data", "num_output: 2 kernel_size: 3")
    text += python("p", "Twice", "c") + conv("y", "p", "num_output: 2 kernel_size: 3")

    def script(net):
        for seed in range(2):
            yield from run(net, seed, fast=False).values()
            yield from read_all(net, net.blobs)

    same_to_a_script(text, script)


def test_a_python_data_layer_in_front_runs_once_a_pass():
    def script(net):
        for _ in range(4):
            yield from net.forward().values()
            yield from read_all(net, net.blobs)

    same_to_a_script(python("data", "Counting") + AFTER, script)
    net = net_of(python("data", "Counting") + AFTER)
    for _ in range(3):
        net.forward()
        read = net.blobs["c"].data.copy()
        np.testing.assert_array_equal(net.blobs["c"].data, read)
    assert ran_fast(net)
    assert net.layers[0].count == 3


def test_hdf5_data_in_front(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"], file["label"] = image(0, 5, 2, 8, 8), np.arange(5, dtype=np.float32)
    (tmp_path / "list").write_text(f"{tmp_path}/a.h5\n")
    source = f'hdf5_data_param {{ source: "{tmp_path}/list" batch_size: 2 }}'
    text = layer("HDF5Data", "h", "", "data label", source) + AFTER

    def script(net):
        for _ in range(4):
            yield from net.forward().values()
            yield from read_all(net, net.blobs)

    same_to_a_script(text, script)


def test_random_data_in_front_stay_what_they_were_when_a_blob_is_read():
    filler = 'data_filler { type: "gaussian" std: 1 }'
    shape = "shape { dim: 1 dim: 2 dim: 8 dim: 8 }"
    text = layer("DummyData", "data", "", "", f"dummy_data_param {{ {shape} {filler} }}") + AFTER

    def script(net):
        for seed in range(3):
            caffe.set_random_seed(seed)
            yield from net.forward().values()
            yield from read_all(net, ["t", "data", "c"])

    same_to_a_script(text, script)


def test_a_layer_that_draws_at_random_is_run_once_a_pass():
    """`phase: TRAIN` of a layer in a net that tests: dropout all the same."""
    text = input_layer("data", *SHAPE) + layer("Dropout", "drop", "data", more="phase: TRAIN")
    net = net_of(text + layer("Power", "y", "drop"))
    put(net, 0)
    out = net.forward()["y"].copy()
    np.testing.assert_array_equal(net.blobs["drop"].data, out)


def test_a_layer_whose_tops_shape_depends_on_the_data():
    text = input_layer("data", 4, 3) + input_layer("chosen", 4)
    text += layer("Filter", "f", "data chosen") + layer("Power", "y", "f")

    def script(net):
        for seed in range(4):
            put(net, seed, 4, 3)
            net.blobs["chosen"].data[...] = np.arange(4) > seed
            yield net.forward()["y"]
            yield net.blobs["f"].data

    same_to_a_script(text, script)


LOSS = FCN + input_layer("label", 1, 1, 20, 24)
LOSS += layer("SoftmaxWithLoss", "loss", "score label", more="loss_weight: 2")
LOSS += layer("Accuracy", "accuracy", "score label")
LOSS = LOSS.replace('layer { name: "fuse"', 'layer { loss_weight: 0.25 name: "fuse"')


def test_losses_and_what_they_add_up_to():
    def script(net):
        for seed in range(3):
            put(net, seed)
            net.blobs["label"].data[...] = image(seed, 1, 1, 20, 24) > 0
            yield np.float64(net._forward(0, len(net.layers) - 1))
            yield from net.forward().values()
            yield net.blobs["fuse"].diff
            net.blobs["data"].reshape(*SHAPE)

    same_to_a_script(LOSS, script)


# ---- Who looks on ----


def test_hooks_see_every_layer():
    ours, theirs = twins(FCN)
    run(ours, 0), run(theirs, 0)
    seen = {}
    for net in (ours, theirs):
        told = seen[net] = []

        def hook(i, net=net, told=told):
            told.append((i, [blob.data.copy() for blob in net._graph.top(i)]))

        net.after_forward(hook)
        run(net, 1, fast=True)
    assert [i for i, _ in seen[ours]] == list(range(len(ours.layers)))
    for (_, tops), (_, expected) in zip(*seen.values(), strict=True):
        for x, y in zip(tops, expected, strict=True):
            close(x, y, scale_of(theirs))


def test_bfloat16_is_left_to_the_layers():
    ours, theirs = twins(FCN)
    exact = run(ours, 0)["score"].copy()
    run(theirs, 0)
    caffe.set_precision("bf16")
    rounded = run(ours, 0)["score"].copy()
    assert (rounded != exact).any()
    np.testing.assert_array_equal(rounded, run(theirs, 0)["score"])
    for name in ours.blobs:
        np.testing.assert_array_equal(ours.blobs[name].data, theirs.blobs[name].data)
    caffe.set_precision("fp32")
    close(run(ours, 0)["score"], exact)


def test_a_net_of_the_train_phase_stays_off_the_path():
    net = net_of(FCN, caffe.TRAIN)
    net.forward()
    assert not ran_fast(net)
    assert not let_go(net)


# ---- What goes wrong ----


def test_a_reader_that_is_interrupted_leaves_the_values_to_the_next(monkeypatch):
    ours, theirs = twins(FCN)
    run(ours, 0), run(theirs, 0)
    with monkeypatch.context() as patch:

        def interrupt(*_):
            raise KeyboardInterrupt

        patch.setattr(ours.layer_dict["conv2"], "expression", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ours.blobs["conv1"].data  # noqa: B018
    for name in ours.blobs:
        close(ours.blobs[name].data, theirs.blobs[name].data, scale_of(theirs))


def test_a_pass_that_is_interrupted_leaves_the_net_usable(monkeypatch):
    ours, theirs = twins(FCN)
    for seed in range(3):
        with monkeypatch.context() as patch:

            def interrupt(*_):
                raise KeyboardInterrupt

            patch.setattr(ours.layer_dict["fuse"], "expression", interrupt)
            with pytest.raises(KeyboardInterrupt):
                ours.forward()
        close(run(ours, seed)["score"], run(theirs, seed)["score"], scale_of(theirs))


@pytest.mark.parametrize("reads", [False, True])
def test_memory_that_ends_is_an_error_that_names_the_layer(monkeypatch, reads):
    net = net_of(FCN)

    def fail(*_):
        raise torch.OutOfMemoryError("there is none left")

    if reads:
        run(net, 0)
    monkeypatch.setattr(net.layer_dict["fuse"], "expression", fail)
    with pytest.raises(caffe.CaffeError, match=r"layer 'fuse' \(Eltwise\): out of memory"):
        net.blobs["conv1"].data if reads else net.forward()


def test_a_net_that_is_dropped_is_gone_at_once():
    """Weights take half a gigabyte: they do not wait for the garbage collector."""
    net = net_of(FCN)
    run(net, 0)
    weights = weakref.ref(net.params["conv1"][0]._data)
    gc.collect()
    gc.disable()
    try:
        del net
        assert weights() is None
    finally:
        gc.enable()


def test_what_is_around_an_image_is_computed_once_for_a_size_and_set_of_weights(monkeypatch):
    """Sizes that differ by a multiple of the strides have the same around them."""
    computed, of = [], plan.blank_values

    def counted(blank, *args):
        computed.append(blank.shapes[blank.sources[0]][2:])
        return of(blank, *args)

    monkeypatch.setattr(plan, "blank_values", counted)
    monkeypatch.setattr(plan, "BLANKS", 2)
    ours, theirs = twins(FCN)

    def times(*sizes):
        computed.clear()
        images(ours, theirs, sizes)
        return len(computed)

    assert times((20, 24), (20, 24)) == 1
    assert times((24, 20), (20, 24), (28, 24), (24, 20)) == 1  # kept from the second size on
    assert times((21, 24), (25, 20), (20, 24)) == 1
    for net in (ours, theirs):
        net.params["conv1"][1].data[...] += 1
    assert times((20, 24), (24, 20)) == 1
    assert times((22, 24), (23, 24)) == 2
    assert times((26, 20), (20, 24)) == 1  # the last 2 are kept
