"""Blob: data and diff as writable arrays in step with the engine, and what copies that costs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.net_text import input_layer, net_of, run_layer

import caffe
import caffe.core.blob
from caffe.core.blob import Blob
from caffe.core.device import current_device
from caffe.core.synced_memory import Memory


def blob_of(*shape: int) -> Blob:
    return Blob(shape)


def fill(blob: Blob) -> np.ndarray:
    blob.data[...] = np.arange(blob.count).reshape(blob.shape)
    return blob.data


# Shape.


@given(st.lists(st.integers(0, 4), max_size=6))
def test_data_and_diff_are_float32_zeros_of_the_blobs_shape(shape):
    blob = blob_of(*shape)
    for array in (blob.data, blob.diff):
        assert array.shape == blob.shape == tuple(shape)
        assert array.dtype == np.float32
        assert array.flags.writeable
        assert not array.any()
    assert blob.count == math.prod(shape)


def test_a_blob_without_axes_holds_one_value():
    blob = blob_of()
    blob.data[...] = 3
    assert float(blob.data) == 3
    assert blob.data.shape == ()


def test_reshape_keeps_the_values_where_the_count_stays():
    blob = blob_of(2, 3)
    fill(blob)
    blob.reshape(3, 1, 2)
    assert np.array_equal(blob.data, np.arange(6).reshape(3, 1, 2))
    blob.reshape(7)
    assert blob.data.shape == blob.diff.shape == (7,)


@pytest.mark.parametrize("part", ["data", "diff"])
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("read", [False, True])  # while the blob is small
def test_a_blob_that_becomes_smaller_keeps_its_memory(part, hold, read):
    """Blob::Reshape: within the largest count so far nothing moves; beyond it all is new."""
    blob = blob_of(4, 2)
    getattr(blob, part)[...] = np.arange(8).reshape(4, 2)
    held = getattr(blob, part) if hold else None
    blob.reshape(3, 2)
    if read:
        assert np.array_equal(getattr(blob, part), np.arange(6).reshape(3, 2))
        getattr(blob, part)[2] = 9
    blob.reshape(2, 2, 2)
    expected = [0, 1, 2, 3, *((9, 9) if read else (4, 5)), 6, 7]
    assert np.array_equal(getattr(blob, part).ravel(), expected)
    if hold:
        assert np.array_equal(held.ravel(), expected)
        held[...] = 1
        assert np.all(getattr(blob, part) == 1)
    blob.reshape(3, 3)
    assert not getattr(blob, part).any()
    assert not blob.data.any()
    assert not blob.diff.any()


@pytest.mark.parametrize("hold", [False, True])
def test_values_that_are_computed_for_a_smaller_shape_leave_those_behind_them(hold):
    blob = blob_of(5)
    fill(blob)
    held = blob.data if hold else None
    blob.reshape(3)
    blob._data.assign(torch.full((3,), 7.0))
    blob.reshape(2)
    blob._data.own((2,)).fill_(8)
    blob._data.clear(1)
    blob.reshape(5)
    for array in (blob.data, *([held] if hold else [])):
        assert np.array_equal(array, [0, 8, 7, 3, 4])


def test_a_blob_that_grows_within_its_memory_shows_zeros_where_nobody_wrote():
    blob = blob_of(5)
    blob.reshape(3)
    blob._data.assign(torch.ones(3))
    view = blob.data
    blob.reshape(5)
    assert np.array_equal(blob.data, [1, 1, 1, 0, 0])
    blob.data[...] = 2
    assert np.array_equal(view, [2, 2, 2])


def test_num_channels_height_and_width_are_the_first_four_axes_and_1_where_there_are_fewer():
    legacy = ("num", "channels", "height", "width")
    assert [getattr(blob_of(2, 3), name) for name in legacy] == [2, 3, 1, 1]
    assert [getattr(blob_of(), name) for name in legacy] == [1, 1, 1, 1]
    with pytest.raises(caffe.CaffeError, match="at most 4 axes"):
        _ = blob_of(1, 1, 1, 1, 1).num


@pytest.mark.parametrize(
    ("shape", "message"),
    [((-1, 2), "at least 0"), ((1,) * 33, "32 axes"), ((2**16, 2**15), "2147483647")],
)
def test_a_shape_that_caffe_refuses_is_an_error_and_changes_nothing(shape, message):
    blob = blob_of(2, 3)
    with pytest.raises(caffe.CaffeError, match=message):
        blob.reshape(*shape)
    assert blob.shape == (2, 3)


def test_a_shape_takes_numpy_integers_but_no_fractions():
    blob = blob_of(*np.array([2, 3]))
    assert blob.shape == (2, 3)
    with pytest.raises(TypeError):
        blob.reshape(2.5)


def test_data_cannot_be_replaced_only_written():
    with pytest.raises(AttributeError):
        blob_of(2).data = np.zeros(2)


# In step with the engine.

CHAIN = (
    "force_backward: true "
    + input_layer("x", 2, 3)
    + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"'
    ' inner_product_param { num_output: 4 weight_filler { type: "gaussian" std: 1 } } }'
    'layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }'
    'layer { name: "drop" type: "Dropout" bottom: "y" top: "z" }'
)


def test_a_held_view_keeps_showing_the_blob_after_every_pass():
    caffe.set_random_seed(1)  # by chance a ReLU lets nothing through
    net = net_of(CHAIN)
    views = {name: (blob.data, blob.diff) for name, blob in net.blobs.items()}
    for seed in range(3):
        net.blobs["x"].data[...] = np.random.RandomState(seed).standard_normal((2, 3))
        net.blobs["z"].diff[...] = seed + 1
        net.forward()
        net.backward()
        for name, (data, diff) in views.items():
            assert data.any()
            assert diff.any()
            assert np.array_equal(data, net.blobs[name].data)
            assert np.array_equal(diff, net.blobs[name].diff)
            assert np.shares_memory(data, net.blobs[name].data)


def test_a_part_of_a_view_is_enough_to_hold_it():
    net = net_of(CHAIN)
    net.blobs["x"].data[...] = 1
    net.forward()
    row = net.blobs["y"].data[1]
    net.blobs["x"].data[1] = 5
    net.forward()
    assert np.array_equal(row, net.blobs["y"].data[1])


def test_without_a_held_view_nothing_is_copied():
    """The blob takes the very memory that the layer computed, and numpy shows that memory."""
    blob = blob_of(2, 3)
    blob.data[...] = 1  # read and let go: no view is left
    computed = torch.arange(6.0).view(2, 3)
    blob._data.assign(computed)
    assert blob.data_tensor().data_ptr() == computed.data_ptr()
    assert blob.data.ctypes.data == computed.data_ptr()


def test_with_a_held_view_the_values_move_and_the_memory_stays():
    blob = blob_of(2, 3)
    view = blob.data
    blob._data.assign(torch.arange(6.0).view(3, 2).t().reshape(6, 1))  # a shape of that count
    assert blob.data_tensor().data_ptr() == view.ctypes.data
    assert view.any()


def test_a_held_view_of_an_in_place_blob_does_not_change_the_gradient():
    """Backward needs the in-place layers' bottoms, which the view has overwritten with tops."""
    text = (
        "force_backward: true "
        + input_layer("x", 4, 3)
        + 'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "x" }'
        'layer { name: "scale" type: "Scale" bottom: "x" top: "x" }'
        'layer { name: "relu" type: "ReLU" bottom: "x" top: "x" relu_param { negative_slope: 3 } }'
    )
    x = np.random.RandomState(0).standard_normal((4, 3))
    diffs = []
    for hold in (False, True):
        net = net_of(text, caffe.TRAIN)
        net.blobs["x"].data[...] = x
        views = [net.blobs["x"].data, net.blobs["x"].diff] if hold else []
        net.forward()
        net.blobs["x"].diff[...] = np.arange(12).reshape(4, 3)
        net.backward()
        diffs.append((net.blobs["x"].diff.copy(), net.params["scale"][0].diff.copy()))
        del views
    for free, held in zip(*diffs, strict=True):
        assert np.array_equal(free, held)


def test_a_held_view_of_a_parameter_keeps_showing_it_through_solver_updates(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        'layer { name: "d" type: "DummyData" top: "x" dummy_data_param {'
        " shape { dim: 2 dim: 3 } data_filler { value: 1 } } }"
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "loss" loss_weight: 1'
        " inner_product_param { num_output: 1 } }"
    )
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 0.5 lr_policy: "fixed" momentum: 0.5'
    )
    solver = caffe.SGDSolver(str(tmp_path / "solver.prototxt"))
    weights, diff = (getattr(solver.net.params["ip"][0], part) for part in ("data", "diff"))
    for update in (1.0, 1.5):  # 0.5 * 2, then 0.5 * 2 + 0.5 * 1
        before = weights.copy()
        solver.step(1)
        assert np.allclose(before - weights, update)
        assert np.allclose(diff, update)  # Caffe leaves the update in diff
        assert np.array_equal(weights, solver.net.params["ip"][0].data)
    diff[...] = 0  # is no way into the momentum
    before = weights.copy()
    solver.step(1)
    assert np.allclose(before - weights, 1.75)


# Who shares memory with whom.


def test_split_shares_its_bottoms_memory():
    net = run_layer("Split", "", [np.ones((2, 3))], tops=2).net
    net.blobs["x0"].data[0, 0] = 5
    assert net.blobs["y0"].data[0, 0] == net.blobs["y1"].data[0, 0] == 5


@pytest.mark.parametrize(
    ("kind", "body", "inputs"),
    [
        ("Crop", "crop_param { axis: 0 }", 2),
        ("Slice", 'top: "c" slice_param { axis: 0 slice_point: 1 }', 1),
        ("Slice", 'top: "c" slice_param { axis: 1 slice_point: 1 }', 1),
        ("Dropout", "", 1),
        ("Concat", "", 2),
        ("Eltwise", "", 2),
    ],
)
@pytest.mark.parametrize("part", ["data", "diff"])
@pytest.mark.parametrize("written", ["a0", "b"])
def test_other_layers_tops_are_memory_of_their_own(kind, body, inputs, part, written):
    """Writing to one side of a layer after a pass does not show on the other."""
    relu = 'layer {{ name: "to {1}" type: "ReLU" bottom: "{0}" top: "{1}" }}'
    text = "force_backward: true "
    for i in range(inputs):
        text += input_layer(f"x{i}", 3, 3) + relu.format(f"x{i}", f"a{i}")
    bottoms = " ".join(f'bottom: "a{i}"' for i in range(inputs))
    text += f'layer {{ name: "l" type: "{kind}" {bottoms} top: "b" {body} }}'
    net = net_of(text + relu.format("b", "y"))
    net.forward(**{f"x{i}": np.ones((3, 3)) for i in range(inputs)})
    net.blobs["y"].diff[...] = 1
    net.backward()
    # Of a0 .. b nothing has been looked at since it was computed.
    getattr(net.blobs[written], part)[...] = 9
    for name in {"a0", f"a{inputs - 1}", "b"} - {written}:
        assert not (getattr(net.blobs[name], part) == 9).any()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Reshape", "reshape_param { shape { dim: -1 } }"),
        ("Flatten", "flatten_param { axis: 0 }"),
        ("Concat", "concat_param { axis: 1 }"),
        ("Slice", "slice_param { axis: 1 }"),
        ("Split", ""),
    ],
)
@pytest.mark.parametrize("watched", [False, True])
def test_a_top_that_is_the_bottoms_memory_shows_it_without_another_pass(kind, body, watched):
    """flatten_layer.cpp, reshape_layer.cpp, concat_layer.cpp, slice_layer.cpp, split_layer.cpp."""
    text = "force_backward: true " + input_layer("x", 2, 3)
    text += 'layer { name: "a" type: "Power" bottom: "x" top: "a" }'
    text += f'layer {{ name: "l" type: "{kind}" bottom: "a" top: "b" {body} }}'
    net = net_of(text + 'layer { name: "y" type: "Power" bottom: "b" top: "y" }')
    if watched:
        net.before_forward(lambda i: None)
    net.forward(x=np.ones((2, 3)))
    net.blobs["x"].data[...] = 2
    net.forward(end="a")
    assert np.all(net.blobs["b"].data == 2)
    net.blobs["b"].data[...] = 3
    assert np.all(net.blobs["a"].data == 3)
    assert np.all(net.forward(start="y")["y"] == 3)
    net.backward(y=np.ones_like(net.blobs["y"].data))
    net.blobs["y"].diff[...] = 7
    net.backward(start="y", end="y")
    assert np.all(net.blobs["a"].diff == (1 if kind == "Split" else 7))


@pytest.mark.parametrize("grows", [False, True])
def test_a_reshape_keeps_what_is_shared_together_and_growth_ends_it(grows):
    net = net_of(
        input_layer("x", 4, 2) + 'layer { name: "f" type: "Flatten" bottom: "x" top: "y" }'
    )
    net.forward(x=np.ones((4, 2)))
    net.blobs["y"].reshape(9 if grows else 8, 1)
    net.blobs["x"].data[...] = 5
    assert np.all(net.blobs["y"].data == (0 if grows else 5))


def test_writing_to_a_computed_view_does_not_reach_the_parameters_momentum_or_other_blobs():
    net = net_of(CHAIN)
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    before = net.blobs["y"].data.copy()
    net.blobs["z"].data[...] = 9
    assert np.array_equal(net.blobs["y"].data, before)


# Host and device: the states of Caffe's synced memory. A tensor that numpy cannot see stands for
# one on a GPU; on a machine with a GPU the same is tested there.


@pytest.fixture
def transfers(monkeypatch):
    """Counts copies between host and device, with CPU tensors playing the device's."""
    counts = {"up": 0, "down": 0}

    def counted(name, method):
        def call(self):
            counts[name] += 1
            method(self)

        return call

    monkeypatch.setattr(caffe.core.synced_memory, "numpy_sees", lambda tensor: False)
    monkeypatch.setattr(Memory, "_upload", counted("up", Memory._upload))
    monkeypatch.setattr(Memory, "_download", counted("down", Memory._download))
    return counts


def test_memory_is_copied_once_when_it_is_needed_and_not_when_it_is_not(transfers):
    blob = blob_of(2, 3)
    blob._data.assign(torch.ones(2, 3))  # the device computes
    assert transfers == {"up": 0, "down": 0}
    blob.data_tensor()
    assert transfers == {"up": 0, "down": 0}
    blob.data[0, 0] = 5  # a script looks, and may write
    assert np.array_equal(blob.data[0], [5, 1, 1])
    assert transfers == {"up": 0, "down": 1}
    assert blob.data_tensor()[0, 0] == 5  # so the device looks again
    blob.data_tensor()
    assert transfers == {"up": 1, "down": 1}
    blob.data[0, 1] = 6  # in step until the device writes: nothing to fetch
    assert transfers == {"up": 1, "down": 1}
    assert blob.data_tensor()[0, 1] == 6
    assert transfers == {"up": 2, "down": 1}
    blob._data.own((2, 3)).add_(1)
    assert np.array_equal(blob.data[0], [6, 7, 2])
    assert transfers == {"up": 2, "down": 2}


def test_the_host_copy_stays_where_it_is(transfers):
    blob = blob_of(2, 3)
    view = blob.data
    blob._data.assign(torch.ones(2, 3))
    assert np.shares_memory(blob.data, view)
    assert np.array_equal(view, np.ones((2, 3)))
    blob._data.clear()
    assert not blob.data.any()


def test_the_host_copy_stays_where_it_is_as_the_blob_shrinks_and_grows(transfers):
    blob = blob_of(4)
    view = fill(blob)
    blob.reshape(2)
    assert np.array_equal(blob.data, [0, 1])
    blob.data[...] = 7
    blob._data.own((2,)).add_(1)
    blob.reshape(4)
    assert np.array_equal(blob.data, [8, 8, 2, 3])
    assert np.shares_memory(blob.data, view)
    view[3] = 5
    assert np.array_equal(blob.data_tensor(), [8, 8, 2, 5])


def test_writes_on_the_host_reach_the_device_before_it_adds_or_overwrites(transfers):
    blob = blob_of(3)
    blob.diff[...] = 1
    blob._diff.accumulate(torch.full((3,), 2.0))
    assert np.array_equal(blob.diff, [3, 3, 3])
    blob.diff[...] = 8
    blob._diff.assign(torch.zeros(3))  # a computed value wins
    assert not blob.diff.any()


def test_a_net_runs_the_same_with_its_memory_on_a_device(transfers):
    runs = []
    for device in (True, False):
        if not device:
            caffe.core.synced_memory.numpy_sees = lambda tensor: True
        caffe.set_random_seed(3)
        net = net_of(CHAIN, caffe.TRAIN)
        held = net.blobs["y"].data
        net.blobs["x"].data[...] = np.arange(6).reshape(2, 3)
        net.blobs["z"].diff[...] = 1
        net.forward()
        net.backward()
        runs.append([net.blobs["z"].data, net.blobs["x"].diff, net.params["ip"][0].diff])
        assert np.shares_memory(net.blobs["y"].data, held)
    for ours, theirs in zip(*runs, strict=True):
        assert np.array_equal(ours, theirs)


def test_parameters_that_forward_updates_are_fetched_again(transfers):
    """BatchNorm's running statistics change on the device while a script looks at them."""
    net = run_layer("BatchNorm", "", [np.ones((4, 2))], phase=caffe.TRAIN).net
    scale = net.params["l"][2]
    assert scale.data == 1
    net.forward()
    assert scale.data == pytest.approx(1.999)


def test_saving_leaves_the_device_in_step(transfers, tmp_path):
    net = net_of(CHAIN)
    net.forward()
    before = transfers["up"]
    net.save(str(tmp_path / "w.caffemodel"))
    net.forward()
    assert transfers["up"] == before


def test_a_pass_moves_the_input_up_the_outputs_down_and_what_is_read(transfers):
    net = net_of(CHAIN, caffe.TRAIN)
    net.blobs["x"].data[...] = 1
    for more in ([], ["y"], []):
        net.forward()
        transfers.update(up=0, down=0)
        net.blobs["x"].data[...] = 2
        net.forward(blobs=more)
        assert transfers == {"up": 1, "down": 1 + len(more)}


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def gpu():
    caffe.set_device(0)
    caffe.set_mode_gpu()
    yield
    caffe.set_mode_cpu()


@pytest.mark.gpu
@needs_gpu
def test_gpu_and_cpu_agree_and_blobs_follow_the_mode(gpu):
    caffe.set_mode_cpu()
    net = net_of(CHAIN)
    view = net.blobs["x"].data
    view[...] = np.arange(6).reshape(2, 3)
    net.blobs["z"].diff[...] = 1
    passes = []
    for set_mode in (caffe.set_mode_cpu, caffe.set_mode_gpu, caffe.set_mode_cpu):
        set_mode()
        net.clear_param_diffs()
        net.forward()
        net.backward()
        assert net.blobs["y"].data_tensor().device == current_device()
        parts = [net.blobs["y"].data, net.blobs["x"].diff, net.params["ip"][0].diff]
        passes.append([part.copy() for part in parts])
    for ours in passes[1:]:
        for a, b in zip(ours, passes[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.gpu
@needs_gpu
def test_on_a_gpu_numpy_writes_reach_the_device_and_results_come_back(gpu):
    net = net_of(CHAIN)
    assert net.params["ip"][0].data_tensor().device.type == "cuda"
    for value in (1, 2):
        net.blobs["x"].data[...] = value
        weights = net.params["ip"][0].data
        y = net.forward()["z"]
        np.testing.assert_allclose(
            y, np.maximum(value * weights.sum(1), 0)[None].repeat(2, 0), rtol=1e-5, atol=1e-6
        )
    weights[...] = 0
    assert not net.forward()["z"].any()
