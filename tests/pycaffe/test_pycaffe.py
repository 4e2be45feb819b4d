"""pycaffe's surface: every public name, the hooks of a pass, debug_info, MemoryData, Timer."""

import importlib
import logging
import time

import numpy as np
import pytest
import torch
from support.net_text import input_layer, net_of

import caffe
from caffe.proto import caffe_pb2

PUBLIC = {
    "caffe": """
        Net SGDSolver NesterovSolver AdaGradSolver RMSPropSolver AdaDeltaSolver AdamSolver NCCL
        Timer init_log log set_mode_cpu set_mode_gpu set_device Layer get_solver layer_type_list
        set_random_seed solver_count set_solver_count solver_rank set_solver_rank set_multiprocess
        has_nccl __version__ TRAIN TEST Classifier Detector io layers params NetSpec to_proto
        """,
    "caffe.io": """
        blobproto_to_array array_to_blobproto arraylist_to_blobprotovector_str
        blobprotovector_str_to_arraylist array_to_datum datum_to_array Transformer load_image
        resize_image oversample resize caffe_pb2
        """,
    "caffe.io.Transformer": """
        preprocess deprocess set_transpose set_channel_swap set_raw_scale set_mean set_input_scale
        """,
    "caffe.Net": """
        blobs blob_loss_weights layer_dict params forward backward forward_all forward_backward_all
        set_input_arrays inputs outputs top_names bottom_names layers _forward _backward reshape
        clear_param_diffs copy_from share_with _blob_loss_weights _bottom_ids _top_ids _blobs
        _blob_names _layer_names _inputs _outputs _set_input_arrays save save_hdf5 load_hdf5
        before_forward after_forward before_backward after_backward
        """,
    "caffe.Blob": "shape num channels height width count reshape data diff",
    "caffe.Layer": "type setup reshape forward backward",
    "caffe.SGDSolver": """
        solve step restore snapshot share_weights apply_update add_callback
        """,
    "caffe.Classifier": "predict forward",
    "caffe.Detector": "detect_windows detect_selective_search crop configure_crop",
    "caffe.Timer": "start stop ms",
    "caffe.NCCL": "new_uid bcast",
    "caffe.draw": """
        get_pooling_types_dict get_edge_label get_layer_lr_mult get_layer_label
        choose_color_by_layertype get_pydot_graph draw_net draw_net_to_file
        """,
    "caffe.net_spec": "layers params NetSpec Top Function to_proto param_name_dict assign_proto",
    "caffe.coord_map": "coord_map_from_to crop",
    "caffe.classifier": "Classifier",
    "caffe.pycaffe": "Net SGDSolver get_solver Layer set_mode_cpu",
    "caffe._caffe": "Net Blob Layer Timer set_mode_cpu set_device layer_type_list",
    "caffe.detector": "Detector",
    "caffe.proto.caffe_pb2": "NetParameter SolverParameter BlobProto Datum TRAIN TEST",
}


def found(path: str):
    """A module or, inside one, a class."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, name = path.rsplit(".", 1)
        return getattr(found(module), name)


@pytest.mark.parametrize("where", PUBLIC)
def test_pycaffes_public_names_are_there(where):
    assert [n for n in PUBLIC[where].split() if not hasattr(found(where), n)] == []


NET = (
    input_layer("x", 2, 3)
    + """
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } param { }
  inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 1 }
                        bias_filler { type: "constant" value: 2 } } }
layer { name: "r" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" }
  inner_product_param { num_output: 3 bias_term: false } }
layer { name: "l" type: "EuclideanLoss" bottom: "b" bottom: "x" top: "l" loss_weight: 2 }
"""
)
LAYERS = ["x", "x_x_0_split", "a", "r", "b", "l"]


@pytest.fixture
def net():
    net = net_of(NET, caffe.TRAIN)
    net.blobs["x"].data[...] = [[1, 2, 3], [-1, 0, 1]]
    return net


# Tables.


def test_ids_count_blobs_in_the_order_of_their_names(net):
    names = ["x", "x_x_0_split_0", "x_x_0_split_1", "a", "b", "l"]
    assert net._blob_names == names
    assert [id(blob) for blob in net._blobs] == [id(net.blobs[name]) for name in names]
    assert (net._inputs, net._outputs) == ([0], [5])
    assert [net._top_ids(i) for i in range(6)] == [[0], [1, 2], [3], [3], [4], [5]]
    assert [net._bottom_ids(i) for i in range(6)] == [[], [0], [1], [3], [3], [4, 2]]
    assert net._blob_loss_weights == [0, 0, 0, 0, 0, 2]
    assert [layer.type for layer in net.layers] == [
        "Input",
        "Split",
        "InnerProduct",
        "ReLU",
        "InnerProduct",
        "EuclideanLoss",
    ]
    assert [len(layer.blobs) for layer in net.layers] == [0, 0, 2, 0, 1, 0]


# Passes.


def test_hooks_are_called_around_every_layer_with_its_place(net):
    calls = []
    for when in ("before_forward", "after_forward", "before_backward", "after_backward"):
        for which in (1, 2):
            getattr(net, when)(lambda i, call=(when, which): calls.append((*call, i)))

    def expected(kind, places):
        pairs = [(f"{when}_{kind}", n) for when in ("before", "after") for n in (1, 2)]
        return [(*pair, i) for i in places for pair in pairs]

    net.forward()
    assert calls == expected("forward", range(6))
    calls.clear()
    net.backward()  # of Input too, where nothing runs
    assert calls == expected("backward", reversed(range(6)))
    calls.clear()
    net.forward(start="a", end="r")
    net.backward(start="r", end="a")
    assert calls == expected("forward", [2, 3]) + expected("backward", [3, 2])


def test_a_hook_sees_the_layer_before_and_after_it_has_run(net):
    seen = []
    net.before_forward(lambda i: i == 3 and seen.append(net.blobs["a"].data.min()))
    net.after_forward(lambda i: i == 3 and seen.append(net.blobs["a"].data.min()))
    net.params["a"][1].data[...] = -100
    net.forward()
    assert seen[0] < 0
    assert seen[1] == 0


def test_forward_from_to_gives_the_weighted_loss_of_those_layers(net):
    loss = net._forward(0, 5)
    assert loss == pytest.approx(2 * float(net.blobs["l"].data))
    assert net._forward(0, 4) == 0
    for wrong in ((-1, 2), (0, 6)):
        with pytest.raises(caffe.CaffeError, match="has layers 0 to 5; found a pass over"):
            net._forward(*wrong)
        with pytest.raises(caffe.CaffeError, match="has layers 0 to 5; found a pass over"):
            net._backward(*reversed(wrong))


# debug_info.


def mean(array):
    """In double precision: what rounding differs by is then far below the six digits logged."""
    return np.abs(array).mean(dtype=np.float64)


def lines_of(net):
    """What net.cpp would say of a pass in both directions, from the blobs' values."""
    blobs, (w, bias) = net.blobs, net.params["a"]
    tops = [("x", "x"), ("x_x_0_split", "x_x_0_split_0"), ("x_x_0_split", "x_x_0_split_1")]
    tops += [("a", "a"), ("r", "a"), ("b", "b"), ("l", "l")]
    forward = []
    for layer, top in tops:
        forward.append(f"Layer {layer}, top blob {top} data: {mean(blobs[top].data):g}")
        if layer == "a":
            forward.append(f"Layer a, param blob w data: {mean(w.data):g}")
            forward.append(f"Layer a, param blob 1 data: {mean(bias.data):g}")
        if layer == "b":
            forward.append(f"Layer b, param blob w data: {mean(w.data):g}")
    return ["    [Forward] " + line for line in forward]


@pytest.mark.parametrize("by", ["prototxt", "script"])
def test_debug_info_logs_mean_absolute_values_in_caffes_words(net, caplog, by):
    if by == "prototxt":
        x = net.blobs["x"].data.copy()
        net = net_of("debug_info: true " + NET, caffe.TRAIN)
        net.blobs["x"].data[...] = x
    else:
        net.set_debug_info(True)
    net.params["a"][1].data[...] = 50  # ReLU changes nothing: the blob keeps what a gave
    with caplog.at_level(logging.INFO, "caffe"):
        net._forward_backward()
    messages = [record.getMessage() for record in caplog.records]
    assert messages[:10] == lines_of(net)
    w, bias = net.params["a"]
    db, da = (mean(net.blobs[name].diff) for name in ("b", "a"))
    assert messages[10:-1] == [
        "    [Backward] Layer " + line
        for line in (
            f"l, bottom blob b diff: {db:g}",
            f"b, bottom blob a diff: {da:g}",
            messages[12].partition("Layer ")[2],  # the diff before layer a adds to it
            f"r, bottom blob a diff: {da:g}",
            f"a, param blob 0 diff: {mean(w.diff):g}",
            f"a, param blob 1 diff: {mean(bias.diff):g}",
        )
    ]
    assert messages[12].startswith("    [Backward] Layer b, param blob 0 diff: ")
    values = [np.concatenate([b.data.ravel(), b.diff.ravel()]).reshape(2, -1) for b in (w, bias)]
    data, diff = np.concatenate(values, axis=1).astype(np.float64)
    assert messages[-1] == (
        "    [Backward] All net params (data, diff): "
        f"L1 norm = ({np.abs(data).sum():g}, {np.abs(diff).sum():g}); "
        f"L2 norm = ({np.sqrt(data @ data):g}, {np.sqrt(diff @ diff):g})"
    )
    assert caplog.records[-1].levelno == logging.ERROR
    assert (caplog.records[0].source, caplog.records[-2].source) == ("net.cpp:591", "net.cpp:630")
    net.set_debug_info(False)
    caplog.clear()
    net.forward()
    net.backward()
    assert caplog.records == []


# Weights.


def test_the_old_constructor_says_how_to_write_it_today(net, tmp_path, caplog):
    weights = str(tmp_path / "w.caffemodel")
    net.save(weights)
    (tmp_path / "net.prototxt").write_text(NET)
    with caplog.at_level(logging.WARNING, "caffe"):
        old = caffe.Net(str(tmp_path / "net.prototxt"), weights, caffe.TEST)
    np.testing.assert_array_equal(old.params["a"][0].data, net.params["a"][0].data)
    assert [record.getMessage() for record in caplog.records] == [
        "DEPRECATION WARNING - deprecated use of Python interface",
        'Use this instead (with the named "weights" parameter):',
        f"Net('{tmp_path}/net.prototxt', 1, weights='{weights}')",
    ]


@pytest.mark.parametrize("name", ["w.caffemodel.h5", "any name"])
def test_weights_go_through_hdf5_shared_ones_once(net, tmp_path, name):
    path = str(tmp_path / name)
    net.save_hdf5(path)
    other = net_of(NET, caffe.TRAIN)
    other.load_hdf5(path)
    for ours, theirs in zip(other.params["a"], net.params["a"], strict=True):
        np.testing.assert_array_equal(ours.data, theirs.data)
    other.params["a"][0].data[...] = 0
    assert not other.params["b"][0].data.any()


def test_layers_of_a_file_or_net_that_this_one_lacks_are_named_in_the_log(net, tmp_path, caplog):
    net.save(str(tmp_path / "w.caffemodel"))
    other = net_of(input_layer("x", 2, 3))
    with caplog.at_level(logging.INFO, "caffe"):
        other.copy_from(str(tmp_path / "w.caffemodel"))
        other.share_with(net)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[: len(lines) // 2] == [f"Ignoring source layer {name}" for name in LAYERS[1:]]
    assert sorted(lines) == sorted(2 * lines[: len(lines) // 2])


# MemoryData.

MEMORY = (
    'layer { name: "m" type: "MemoryData" top: "data" top: "label" '
    "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 } }"
)


def arrays(count: int = 4):
    data = np.arange(count * 60, dtype=np.float32).reshape(count, 3, 4, 5)
    return data, np.arange(count, dtype=np.float32)


def test_input_arrays_are_read_batch_by_batch_and_again():
    net = net_of(MEMORY)
    data, labels = arrays()
    net.set_input_arrays(data, labels)
    for start in (0, 2, 0):
        out = net.forward()
        np.testing.assert_array_equal(out["data"], data[start : start + 2])
        np.testing.assert_array_equal(out["label"].ravel(), labels[start : start + 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, n: (d[:, :, :, ::-1], n), "data array must be C contiguous"),
        (lambda d, n: (d[0], n), "data array must be 4-d"),
        (lambda d, n: (d.astype(float), n), "data array must be float32"),
        (lambda d, n: (d.reshape(4, 4, 3, 5), n), "data array has .*wrong"),
        (lambda d, n: (d, n.astype(int)), "labels array must be float32"),
        (lambda d, n: (d, np.zeros((4, 2, 1, 1), np.float32)), "labels array has .*wrong"),
        (lambda d, n: (d, n[:2]), "data and labels must have the same first dimension"),
        (lambda d, n: (d[:3], n[:3]), "must be a multiple of batch size"),
    ],
)
def test_input_arrays_that_do_not_fit_are_an_error_in_pycaffes_words(change, message):
    with pytest.raises(RuntimeError, match=f"layer 'm'.*{message}"):
        net_of(MEMORY).set_input_arrays(*change(*arrays()))


def test_input_arrays_need_a_memory_data_layer_in_front(net):
    with pytest.raises(RuntimeError, match="if the first layer is a MemoryDataLayer"):
        net.set_input_arrays(*arrays())


# What pycaffe offers beside nets.


def test_a_timer_measures_from_start_to_stop_and_stops_when_it_is_read():
    timer = caffe.Timer()
    assert timer.ms == 0
    timer.start()
    time.sleep(0.02)
    timer.start()  # it runs already
    timer.stop()
    first = timer.ms
    assert 20 <= first < 10_000
    time.sleep(0.01)
    timer.stop()  # it does not run
    assert timer.ms == first
    timer.start()
    assert timer.ms < first


def test_solver_count_and_rank_are_what_was_set():
    assert (caffe.solver_count(), caffe.solver_rank()) == (1, 0)
    try:
        caffe.set_solver_count(2)
        caffe.set_solver_rank(1)
        caffe.set_multiprocess(True)
        assert (caffe.solver_count(), caffe.solver_rank()) == (2, 1)
    finally:
        caffe.set_solver_count(1)
        caffe.set_solver_rank(0)
        caffe.set_multiprocess(False)


def test_nccl_is_there_where_torch_has_it_for_a_gpu_and_wants_a_uid_of_its_own():
    assert caffe.has_nccl() == (torch.cuda.is_available() and torch.distributed.is_nccl_available())
    with pytest.raises(caffe.CaffeError, match=r"'uid' names no run: give what caffe.NCCL.new_uid"):
        caffe.NCCL(None, "uid")


def test_train_and_test_are_the_protos():
    assert (caffe.TRAIN, caffe.TEST) == (caffe_pb2.TRAIN, caffe_pb2.TEST) == (0, 1)
