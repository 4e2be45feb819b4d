"""Laws of engine/training_step.py: an iteration that frees what it has used changes nothing.

Each is held against a twin solver whose net a hook watches, which runs layer by layer.
"""

import logging
import re
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.laws import SEED
from support.net_text import input_layer, net_of
from support.plain_path import conv, image, layer, plain
from support.training import (
    FIRST,
    FROZEN,
    POOL,
    SGD,
    VIEWS,
    Live,
    both,
    close,
    equal,
    fcn16s,
    feed,
    holds_a_view,
    inner_product,
    loss_at_each_pixel,
    places,
    same_blobs,
    same_learning,
    setting,
    solver_of,
    step,
    twins,
    updates_in_backward,
)
from torch.utils._python_dispatch import TorchDispatchMode

import caffe
import nets
from caffe.engine import training_step
from caffe.layer_types import autograd
from caffe.proto import caffe_pb2
from surgery.random_weights import draw

# ---- Twins: solvers of the same net with the same weights, of which the second is watched ----


# ---- Nets ----


FCN = fcn16s(1, layer("LRN", "norm2", "conv2", "", "lrn_param { local_size: 3 alpha: 1 }"))

# A classifier: two chains between poolings, and a draw.
CHAIN = "".join(
    [
        input_layer("data", 2, 2, 10, 10),
        conv("conv1", "data", "num_output: 4 kernel_size: 3"),
        layer("ReLU", "relu1", "conv1", "conv1"),
        layer("Pooling", "pool1", "conv1", "", POOL),
        conv("conv2", "pool1", "num_output: 4 kernel_size: 2"),
        layer("ReLU", "relu2", "conv2", "conv2"),
        layer("Pooling", "pool2", "conv2", "", "pooling_param { pool: AVE global_pooling: true }"),
        layer("Dropout", "drop", "pool2", "pool2"),
        inner_product("ip", "pool2", 2),
        input_layer("label", 2),
        loss_at_each_pixel("ip"),
    ]
)


class Builder:
    """The text of a random net; `tip` is the blob that goes on."""

    def __init__(self, draw_: Callable) -> None:
        self.draw = draw_
        shape = draw_(st.integers(1, 2)), 2, draw_(st.integers(7, 11)), draw_(st.integers(7, 11))
        self.text = input_layer("data", *shape)
        self.shape = shape
        self.tip, self.count = "data", 0

    def of(self, *choices):
        return self.draw(st.sampled_from(choices))

    def add(self, kind: str, bottoms: str, body: str = "", tops: str = "") -> str:
        self.count += 1
        name = f"b{self.count}"
        self.text += layer(kind, name, bottoms, tops, body)
        return name

    def conv(self, bottom: str, body: str, kind: str = "Convolution", rates: str = "") -> str:
        self.count += 1
        name = f"b{self.count}"
        text = conv(name, bottom, f"num_output: 4 {body}", kind=kind)
        self.text += text.replace("convolution_param", f"{rates} convolution_param")
        return name

    # Blocks.

    def convolution(self) -> None:
        rates = self.of("", "", FROZEN, "param { lr_mult: 2 } param { decay_mult: 0 }")
        group = "group: 2" if self.tip != "data" and self.of(True, False, False) else ""
        size = self.of("kernel_size: 1", "kernel_size: 3 pad: 1", "kernel_size: 2")
        more = self.of("", "", "stride: 2", "dilation: 2", "bias_term: false")
        rates = "" if "bias_term" in more else rates
        self.tip = self.conv(self.tip, f"{size} {more} {group}", rates=rates)
        if self.of(True, True, False):
            self.add("ReLU", self.tip, "", self.tip)

    def pooling(self) -> None:
        more = self.of("", "", "pool: AVE", "pool: STOCHASTIC")
        size = self.of("kernel_size: 2 stride: 2", "kernel_size: 3 stride: 2")
        self.tip = self.add("Pooling", self.tip, f"pooling_param {{ {size} {more} }}")

    def in_place(self) -> None:
        slope = "relu_param { negative_slope: 0.2 }"
        kind, body = self.of(("ReLU", ""), ("Dropout", ""), ("Dropout", ""), ("ReLU", slope))
        self.add(kind, self.tip, body, self.tip)

    def alone(self) -> None:
        lrn = "lrn_param { local_size: 3 alpha: 1 }"
        kinds = ("LRN", lrn), ("TanH", ""), ("ELU", ""), ("PReLU", ""), ("Dropout", "")
        kind, body = self.of(*kinds, ("Scale", "scale_param { bias_term: true }"), ("ReLU", ""))
        self.tip = self.add(kind, self.tip, body)

    def join(self) -> None:
        """A blob and its convolution, or two convolutions of it, meet again."""
        tip = self.conv(self.tip, "kernel_size: 1") if self.tip == "data" else self.tip
        others = [tip, self.conv(tip, "kernel_size: 3 pad: 1")]
        branch = self.conv(tip, "kernel_size: 3 dilation: 2 pad: 2")
        if self.of(True, False):
            self.add("ReLU", branch, "", branch)
        kind, body = self.of(
            ("Eltwise", ""), ("Eltwise", "eltwise_param { operation: PROD }"), ("Concat", "")
        )
        self.tip = self.add(kind, f"{self.of(*others)} {branch}", body)
        if kind == "Concat":
            self.tip = self.conv(self.tip, "kernel_size: 1")

    def normalise(self) -> None:
        """By the batch, and learnt from there, in place or not, as residual nets have it."""
        tip = self.conv(self.tip, "kernel_size: 1") if self.tip == "data" else self.tip
        for kind, body in (("BatchNorm", ""), ("Scale", "scale_param { bias_term: true }")):
            name = self.add(kind, tip, body, tip if self.of(True, False) else "")
            tip = tip if f'top: "{tip}"' in self.text.rsplit("layer {", 1)[1] else name
        self.tip = tip

    def up(self) -> None:
        """Down by pooling and up again, cut to what went in and added to it."""
        tip = self.conv(self.tip, "kernel_size: 1") if self.tip == "data" else self.tip
        down = self.add("Pooling", tip, POOL)
        rates = self.of("", FROZEN)
        top = self.conv(down, "kernel_size: 4 stride: 2", "Deconvolution", rates)
        cut = self.add("Crop", f"{top} {tip}", "crop_param { axis: 2 offset: 1 }")
        self.tip = self.add("Eltwise", f"{cut} {tip}")

    def side_loss(self) -> None:
        """A loss on the way, on the mean of each channel."""
        mean = self.add("Pooling", self.tip, "pooling_param { pool: AVE global_pooling: true }")
        name = self.add("InnerProduct", mean, IP_3)
        self.text += input_layer(f"target{self.count}", self.shape[0], 3)
        self.add("EuclideanLoss", f"{name} target{self.count}", "loss_weight: 0.5")

    def end(self) -> None:
        if self.of(True, False):
            score = self.conv(self.tip, "kernel_size: 1")
            whole = self.conv(score, "kernel_size: 16 stride: 8", "Deconvolution", FROZEN)
            self.text += input_layer("label", self.shape[0], 1, *self.shape[2:])
            self.tip = self.add("Crop", f"{whole} data", "crop_param { axis: 2 offset: 1 }")
        else:
            self.tip = self.add("InnerProduct", self.tip, IP_3)
            self.text += input_layer("label", self.shape[0])
        self.text += loss_at_each_pixel(self.tip)
        if self.of(True, False):
            self.add("Accuracy", f"{self.tip} label", "accuracy_param { ignore_label: 255 }")


IP_3 = 'inner_product_param { num_output: 3 weight_filler { type: "uniform" min: -0.3 max: 0.3 } }'
BLOCKS = [
    *(Builder.convolution,) * 4,
    *(Builder.pooling, Builder.in_place) * 2,
    *(Builder.alone, Builder.join, Builder.up, Builder.side_loss, Builder.normalise),
]


@st.composite
def random_nets(draw_) -> str:
    net = Builder(draw_)
    for block in draw_(st.lists(st.sampled_from(BLOCKS), min_size=2, max_size=7)):
        block(net)
    net.end()
    return net.text


KINDS = {  # by type: all else of the solver
    "SGD": "momentum: 0.9",
    "Nesterov": "momentum: 0.9",
    "AdaGrad": "",
    "RMSProp": "rms_decay: 0.9",
    "AdaDelta": "momentum: 0.95 delta: 1e-6",
    "Adam": "momentum: 0.9 momentum2: 0.999",
}


# ---- The same is learned ----


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    random_nets(),
    st.sampled_from([*KINDS, *["SGD"] * 5]),  # the only one that may be fused, with L2
    st.sampled_from(["L2", "L2", "L2", "L1"]),
    st.booleans(),
    st.booleans(),
    SEED,
    st.sets(st.integers(0, 2)),
)
def test_random_nets_learn_the_same(net, kind, decay, recompute, products, seed, looks):
    """looks: the steps after which a script reads every blob, in some order."""
    text = f'type: "{kind}" {KINDS[kind]} base_lr: 0.01 lr_policy: "fixed" weight_decay: 0.01 '
    text += f'regularization_type: "{decay}"'
    products = products and "BatchNorm" not in net  # which makes much of how a sum is rounded
    with setting(recompute, products):
        try:
            ours, theirs = twins(net, text)
        except caffe.CaffeError:
            assume(False)  # no window fits
        check = close if kind == "SGD" and decay == "L2" and products else equal
        for i in range(3):
            for solver in (ours, theirs):
                feed(solver, seed + i)
                step(solver, 1, seed)
            assert updates_in_backward(ours) or "BatchNorm" in net
            assert not updates_in_backward(theirs)
            for name, weight in theirs.net.blob_loss_weights.items():
                if weight:
                    check(ours.net.blobs[name].data, theirs.net.blobs[name].data, name)
            check(np.array(ours.smoothed_loss), np.array(theirs.smoothed_loss), "smoothed loss")
            if i in looks:
                order = places(theirs.net)
                np.random.RandomState(seed + i).shuffle(order)
                if "BatchNorm" in net:  # a mean of it is nothing but how sums were rounded
                    for name, part in order:
                        getattr(ours.net.blobs[name], part)
                else:
                    same_blobs(ours, theirs, list(map(tuple, order)))
            same_learning(ours, theirs, check)


@pytest.mark.parametrize(("recompute", "products"), [(False, False), (True, True)])
@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s", "fcn-alexnet"])
def test_the_nets_of_the_paper_learn_the_same(name, recompute, products):
    data = dict(module="", layer="", param_str={})
    net = nets.fcn(name, "train", classes=3, data=data, width=1 / 32)
    net.layer[0].type = "Input"
    net.layer[0].ClearField("python_param")
    for shape in ((1, 3, 21, 30), (1, 1, 21, 30)):
        net.layer[0].input_param.shape.add(dim=shape)
    text = 'base_lr: 1e-4 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005'
    with setting(recompute, products, columns=1 << 16):
        ours, theirs = twins(text_format.MessageToString(net), text)
        for solver in (ours, theirs):
            draw(solver.net)
            step(solver, 2)
        assert updates_in_backward(ours)
        same_learning(ours, theirs, close if products else equal)
        same_blobs(ours, theirs)
        for solver in (ours, theirs):
            step(solver, 1)
        same_learning(ours, theirs, close if products else equal)


class NoMemory(TorchDispatchMode):
    """There is none for the sum of these parameters and their update."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.add.Tensor and args[0].shape == (4,):
            raise MemoryError
        return func(*args, **(kwargs or {}))


def test_a_reading_that_breaks_off_leaves_the_weights_as_they_are():
    solver, test = solver_of(CHAIN), net_of(CHAIN, caffe.TEST)
    feed(solver, 0)
    solver.share_weights(test)
    step(solver, 2)
    weights = [param.blob for param in solver.net._graph.params]
    before = [(blob._data, blob.data_tensor().clone()) for blob in weights]
    with pytest.raises(MemoryError), NoMemory():
        solver.net.blobs["conv1"].data.sum()
    for blob, (memory, values) in zip(weights, before, strict=True):
        assert blob._data is memory
        assert torch.equal(blob.data_tensor(), values)


def test_what_is_read_is_computed_in_the_precision_of_its_iteration():
    solvers = ours, theirs = twins(FCN)
    caffe.set_precision("bf16")
    for solver in solvers:
        step(solver)
    assert updates_in_backward(ours)
    caffe.set_precision("fp32")
    same_blobs(ours, theirs)


def test_in_bfloat16_the_same_is_learned():
    caffe.set_precision("bf16")
    for recompute in (False, True):
        with setting(recompute, products=True):
            ours, theirs = twins(CHAIN)
            for solver in (ours, theirs):
                step(solver, 3)
            assert updates_in_backward(ours)
            same_learning(ours, theirs)


# An in-place layer that begins where the memory of the layers before it ends.
ON_WHAT_WAS_BEFORE = {
    "an input": ("data", ""),
    "a pooling": ("pool1", ""),
    "a convolution with stride": ("conv2", "stride: 2"),
    "a Dropout": ("drop", ""),
}


@pytest.mark.parametrize("slope", [0, 0.3])
@both
@pytest.mark.parametrize("name", ON_WHAT_WAS_BEFORE)
def test_in_place_on_what_is_kept_nothing_is_done_twice(name, recompute, slope):
    blob, stride = ON_WHAT_WAS_BEFORE[name]
    in_place = layer(
        "ReLU", "again", blob, blob, f"relu_param {{ negative_slope: {slope} }}" if slope else ""
    )
    parts = [
        input_layer("data", 2, 2, 13, 13),
        conv("conv1", "data", "num_output: 4 kernel_size: 3"),
        layer("Pooling", "pool1", "conv1", "", POOL),
        conv("conv2", "pool1", f"num_output: 4 kernel_size: 2 {stride}"),
        layer("Dropout", "drop", "conv2"),
        conv("conv3", "drop", "num_output: 4 kernel_size: 2"),
    ]
    at = next(i for i, part in enumerate(parts) if f'name: "{blob}"' in part)
    parts.insert(at + 1, in_place)
    end = inner_product("ip", "conv3", 2) + input_layer("label", 2) + loss_at_each_pixel("ip")
    with setting(recompute):
        ours, theirs = twins("".join(parts) + end)
        for solver in (ours, theirs):
            step(solver, 2)
        assert updates_in_backward(ours)
        same_learning(ours, theirs)
        same_blobs(ours, theirs)


def test_where_a_window_hangs_over_its_weights_learn_too():
    """Not as a product of matrices: Caffe looks at a bottom smaller than the window once."""
    text = input_layer("data", 2, 2, 2, 4)
    text += conv("conv1", "data", "num_output: 4 kernel_size: 3 stride: 2")
    text += inner_product("ip", "conv1", 2) + input_layer("label", 2) + loss_at_each_pixel("ip")
    with setting(products=True):
        ours, theirs = twins(text)
        for solver in (ours, theirs):
            step(solver, 3)
        assert updates_in_backward(ours)
        same_learning(ours, theirs)


def test_a_branch_that_leads_to_no_loss_does_not_learn_from_what_a_script_writes_there():
    text = CHAIN + conv("unused", "pool1", "num_output: 2 kernel_size: 1")
    with setting(products=True):
        ours, theirs = twins(text)
        for solver in (ours, theirs):
            solver.net.blobs["unused"].diff[...] = 1
            step(solver, 2)
        assert updates_in_backward(ours)
        same_learning(ours, theirs, close)


@both
def test_diffs_that_a_script_wrote_for_backward_stay(recompute):
    """No layer computes an output's diff: it counts in every iteration until it is changed."""
    text = "force_backward: true " + CHAIN[: CHAIN.index('layer { name: "ip"')]
    with setting(recompute):
        ours, theirs = twins(text)
        for solver in (ours, theirs):
            blob = solver.net.blobs["pool2"]
            blob.diff[...] = image(8, *blob.shape)
            step(solver, 3)
        assert updates_in_backward(ours)
        same_learning(ours, theirs)
        same_blobs(ours, theirs)


@pytest.mark.parametrize("kind", ["Reshape", "Concat", "Flatten", "Slice"])
def test_a_diff_that_a_script_wrote_stays_under_the_blobs_other_name(kind):
    """Nothing computes a bottom's diff that is the top's own if nothing computes that one."""
    body = "reshape_param { shape { dim: -1 } }" if kind == "Reshape" else ""
    net = input_layer("x", 2, 3) + layer("Power", "a", "x") + inner_product("b", "a", 2)
    for solver in twins("force_backward: true " + net + layer(kind, "c", "b", "", body)):
        solver.net.blobs["c"].diff[...] = 3
        step(solver, 2)
        assert np.all(solver.net.blobs["c"].diff == 3)
        assert np.all(solver.net.blobs["b"].diff == 3)
        assert solver.net.blobs["a"].diff.any()


# ---- Reading afterwards ----


def stepped(net: str = FCN, iterations: int = 1):
    solvers = twins(net)
    for solver in solvers:
        step(solver, iterations)
    assert updates_in_backward(solvers[0])
    return solvers


@pytest.mark.slow
@pytest.mark.parametrize(("net", "recompute"), [(FCN, True), (CHAIN, False)], ids=["FCN", "CHAIN"])
def test_each_blob_may_be_read_first_and_reading_changes_no_bit_of_what_was_learned(net, recompute):
    with setting(recompute):
        theirs = stepped(net)[1]
        for place in places(theirs.net):
            ours = solver_of(net)
            feed(ours, 0)
            step(ours)
            same_blobs(ours, theirs, [place])
            same_blobs(ours, theirs, places(theirs.net)[::-1])
            same_learning(ours, theirs)


@both
@pytest.mark.parametrize("first", FIRST)
def test_what_is_read_is_of_the_iteration_whatever_comes_first(first, recompute):
    with setting(recompute):
        ours, theirs = stepped()
        for solver in (ours, theirs):
            caffe.set_random_seed(6)
            FIRST[first](solver.net)
        same_blobs(ours, theirs)
        same_learning(ours, theirs, close if "backward" in first or "both" in first else equal)


@both
@pytest.mark.parametrize("what", VIEWS)
def test_a_view_that_a_script_holds_shows_each_iteration_and_may_be_written_through(
    what, recompute
):
    with setting(recompute):
        holds_a_view(twins(FCN), what, same_blobs, close, equal)


@both
def test_views_of_all_blobs_stay_live(recompute):
    with setting(recompute):
        ours, _ = solvers = stepped()
        views = [
            {(name, part): getattr(solver.net.blobs[name], part) for name, part in places(ours.net)}
            for solver in solvers
        ]
        for solver in solvers:
            feed(solver, 4)
            step(solver, 2)
        for place, view in views[0].items():
            close(view, views[1][place], place)
            assert np.shares_memory(view, getattr(ours.net.blobs[place[0]], place[1]))


@pytest.fixture
def calls(monkeypatch):
    """The names of the layers that ran forward or backward, so far."""
    made = []

    def counted(real: Callable) -> Callable:
        return lambda layer, *args: (made.append(layer.name), real(layer, *args))

    monkeypatch.setattr(autograd, "forward", counted(autograd.forward))
    monkeypatch.setattr(autograd, "backward", counted(autograd.backward))
    return made


@both
@pytest.mark.parametrize("place", [("conv1", "data"), ("conv2", "diff"), ("score", "data")])
def test_what_was_read_is_kept_from_then_on(place, recompute, calls):
    with setting(recompute):
        ours, theirs = stepped()
        same_blobs(ours, theirs, [place])
        for solver in (ours, theirs):
            step(solver)
        del calls[:]
        same_blobs(ours, theirs, [place])
        assert not calls


def test_what_nothing_was_let_go_for_is_not_computed_again(calls):
    ours, theirs = stepped()
    del calls[:]
    same_blobs(ours, theirs, [("loss", "data"), ("data", "data"), ("label", "data")])
    same_learning(ours, theirs)
    assert not calls


@both
def test_what_is_written_to_a_blob_shows_under_its_other_names(recompute):
    """Split and Flatten give one memory several names; a part of a pass reads the last one."""
    flat = layer("Flatten", "flat", "conv2") + inner_product("ip", "flat", 2)
    text = CHAIN[: CHAIN.index('layer { name: "pool2"')] + flat
    text += conv("side", "conv1", "num_output: 2 kernel_size: 1")
    text += input_layer("label", 2) + loss_at_each_pixel("ip")
    for name, start in (("conv2", "ip"), ("conv1", "pool1")):
        for steps in (1, 2):
            with setting(recompute):
                ours, theirs = stepped(text)
                for solver in (ours, theirs):
                    for _ in range(steps - 1):
                        solver.net.blobs[name].data.sum()
                        step(solver)
                    solver.net.blobs[name].data[...] = 0.5
                    solver.net.forward(start=start)
                same_blobs(ours, theirs)


@both
def test_reading_calls_no_hook_and_logs_nothing(recompute, caplog):
    with setting(recompute):
        ours, _ = stepped()
        seen = []
        for add in ("before_forward", "after_forward", "before_backward", "after_backward"):
            getattr(ours.net, add)(seen.append)
        ours.net.set_debug_info(True)
        caplog.set_level(logging.INFO, "caffe")
        caplog.clear()  # the level may have been as low before
        ours.net.blobs["conv1"].diff.sum()
        assert not seen
        assert not caplog.records


@both
def test_hooks_and_callbacks_see_what_the_last_iteration_left(recompute):
    with setting(recompute):
        seen = []
        for solver in stepped(CHAIN):
            values = []

            def look(*_, net=solver.net, values=values):
                values.extend(getattr(net.blobs[n], part).copy() for n, part in places(net))

            solver.net.before_backward(look)
            solver.add_callback(look, look)
            step(solver, 2)
            seen.append(values)
        for ours, theirs in zip(*seen, strict=True):
            close(ours, theirs, "seen")


# ---- Iterations that end early ----


class Interrupting(caffe.Layer):
    """A data layer that raises KeyboardInterrupt once its count is down."""

    left = 100

    def setup(self, bottom, top):
        top[0].reshape(2, 2, 10, 10)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        Interrupting.left -= 1
        if not Interrupting.left:
            raise KeyboardInterrupt
        top[0].data[...] = image(Interrupting.left % 7, *top[0].data.shape)

    def backward(self, top, propagate_down, bottom):
        pass


PYTHON = f'python_param {{{{ module: "{__name__}" layer: "{{}}" }}}}'
PYTHON_DATA = CHAIN.replace(
    input_layer("data", 2, 2, 10, 10),
    layer("Python", "data", "", "data", PYTHON.format("Interrupting")),
)


@both
@pytest.mark.parametrize("left", [1, 2, 3])
def test_ctrl_c_in_a_data_layer_changes_nothing(left, recompute):
    with setting(recompute):
        solvers = twins(PYTHON_DATA)
        for solver in solvers:
            Interrupting.left = left
            with pytest.raises(KeyboardInterrupt):
                step(solver, 4)
            Interrupting.left = 50
            step(solver, 2)
        assert updates_in_backward(solvers[0])
        assert solvers[0].iter == solvers[1].iter == left + 1
        same_learning(*solvers)
        same_blobs(*solvers)


@both
@pytest.mark.parametrize("iterations", [0, 2])
def test_after_an_iteration_that_fails_what_forward_computed_is_there(iterations, recompute):
    """The weights are those before it, and training may go on."""
    with setting(recompute):
        solvers = twins(CHAIN)
        for solver in solvers:
            step(solver, iterations)
            solver.net.blobs["label"].data[...] = 77
            with pytest.raises(caffe.CaffeError, match="holds 77"):
                step(solver)
        same_learning(*solvers)
        same_blobs(*solvers, [(name, "data") for name in solvers[0].net.blobs])
        for solver in solvers:
            feed(solver, 1)
            step(solver)
        same_learning(*solvers)
        same_blobs(*solvers)


# ---- Where it is not used ----


class Pass(caffe.Layer):
    """The top is the bottom."""

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff


def behind_conv1(text: str) -> str:
    """CHAIN with a layer between conv1 and what reads it."""
    at = CHAIN.index('layer { name: "pool1"')
    return CHAIN[:at] + text + CHAIN[at:].replace('bottom: "conv1"', 'bottom: "more"', 1)


SHARED = (
    'param { name: "w" } param { name: "b" } convolution_param { num_output: 4 kernel_size: 1 }'
)
LSTM = (
    layer("Reshape", "steps", "ip", "", "reshape_param { shape { dim: 2 dim: 1 dim: 2 } }")
    + input_layer("cont", 2, 1)
    + layer("LSTM", "lstm", "steps cont", "", "recurrent_param { num_output: 3 }")
    + layer("Reduction", "sum", "lstm", "", "loss_weight: 0.1")
)
NOT_USED = {
    "iter_size": (CHAIN, "iter_size: 2"),
    "clip_gradients": (CHAIN, "clip_gradients: 0.01"),
    "debug_info": (CHAIN, "debug_info: true display: 1"),
    "shared parameters": (
        behind_conv1(
            layer("Convolution", "one", "conv1", "", SHARED)
            + layer("Convolution", "more", "one", "", SHARED)
        ),
        "",
    ),
    "a Python layer": (
        behind_conv1(
            layer(
                "Python",
                "more",
                "conv1",
                "",
                PYTHON.format("Pass"),
            )
        ),
        "",
    ),
    "LSTM": (CHAIN + LSTM, ""),
    "BatchReNorm": (behind_conv1(layer("BatchReNorm", "more", "conv1")), ""),
    "in place, over what a ReLU reads again": (
        behind_conv1(layer("TanH", "tanh", "conv1", "conv1") + layer("Power", "more", "conv1")),
        "",
    ),
    "a parameter as a blob": (
        behind_conv1(
            'layer { name: "learned" type: "Parameter" top: "learned" '
            "parameter_param { shape { dim: 2 dim: 4 dim: 8 dim: 8 } } }"
            + layer("Eltwise", "more", "conv1 learned")
        ),
        "",
    ),
}


NORMALISED = layer("BatchNorm", "norm", "conv1", "conv1") + layer(
    "Scale", "scale", "conv1", "conv1", "scale_param { bias_term: true }"
)
NOT_TWICE = {
    "BatchNorm": behind_conv1(layer("BatchNorm", "more", "conv1")),
    "PSPNet's BN": behind_conv1(
        layer("BN", "more", "conv1", "", "bn_param { slope_filler { value: 1 } momentum: 0.9 }")
    ),
    "BatchNorm and Scale in place": behind_conv1(
        NORMALISED.replace("conv1", "more").replace('bottom: "more"', 'bottom: "conv1"', 1)
        + layer("ReLU", "relu_more", "more", "more")
    ),
    "in place, where backward needs the bottom": behind_conv1(
        layer("Power", "more", "conv1") + layer("TanH", "tanh", "more", "more")
    ),
    "both behind a draw": CHAIN.replace(
        inner_product("ip", "pool2", 2),
        inner_product("conv9", "pool2", 2)
        + NORMALISED.replace("conv1", "conv9")
        + inner_product("ip", "conv9", 2),
    ),
}


@both
@pytest.mark.parametrize("name", NOT_TWICE)
def test_what_cannot_run_twice_is_not_recomputed(name, recompute):
    """Running statistics are written once, and a bottom is gone where its top is."""
    with setting(recompute):
        solvers = twins(NOT_TWICE[name])
        for i in range(3):
            for solver in solvers:
                feed(solver, i)
                step(solver)
            assert updates_in_backward(solvers[0]) == (not recompute)
            same_learning(*solvers)
        same_blobs(*solvers)
        same_learning(*solvers)
        for solver in solvers:
            step(solver)
        same_learning(*solvers)
        same_blobs(*solvers)


@both
@pytest.mark.parametrize("name", NOT_USED)
def test_where_it_is_not_used_all_is_as_before(name, recompute):
    net, more = NOT_USED[name]
    with setting(recompute, products=True):
        solvers = twins(net, f"{SGD} {more}")
        for solver in solvers:
            step(solver, 2)
        assert not updates_in_backward(solvers[0])
        same_learning(*solvers)
        for place in places(solvers[0].net):
            equal(*(getattr(s.net.blobs[place[0]], place[1]) for s in solvers), place)


LOOK = {
    "a callback": lambda solver: solver.add_callback(lambda: None, lambda: None),
    **{
        name: (lambda solver, name=name: getattr(solver.net, name)(lambda i: None))
        for name in ("before_forward", "after_forward", "before_backward", "after_backward")
    },
    "iter_size": lambda solver: setattr(solver.param, "iter_size", 2),
    "clip_gradients": lambda solver: setattr(solver.param, "clip_gradients", 1e-3),
    "debug_info": lambda solver: (
        setattr(solver.param, "debug_info", True),
        setattr(solver.param, "display", 1),
    ),
}


@both
@pytest.mark.parametrize("name", LOOK)
def test_it_ends_when_someone_looks(name, recompute):
    with setting(recompute):
        ours, theirs = solvers = stepped(CHAIN, 2)
        last = ours._training_step._replay
        for solver in solvers:
            LOOK[name](solver)
            feed(solver, 2)
            step(solver, 2)
        assert ours._training_step._replay is last
        same_learning(ours, theirs)
        for place in places(ours.net):
            equal(*(getattr(s.net.blobs[place[0]], place[1]) for s in solvers), place)


# ---- Memory ----

# Three chains of blobs of 16384 values each; all weights together have 9280.
WIDE = "".join(
    [
        input_layer("data", 1, 1, 64, 64),
        *(
            conv(f"{name}_{i}", bottom, f"num_output: {channels} kernel_size: 1")
            + layer("ReLU", f"relu{name}_{i}", f"{name}_{i}", f"{name}_{i}")
            + (layer("Pooling", f"pool{name}", f"{name}_{i}", "", POOL) if i == 3 else "")
            for name, channels, first in (("a", 4, "data"), ("b", 16, "poola"), ("c", 64, "poolb"))
            for i, bottom in enumerate((first, f"{name}_1", f"{name}_2"), 1)
        ),
        layer("Pooling", "mean", "poolc", "", "pooling_param { pool: AVE global_pooling: true }"),
        inner_product("ip", "mean", 2),
        input_layer("label", 1),
        loss_at_each_pixel("ip"),
    ]
)
CHAIN_BYTES = 3 * 4 * 16384
KEPT = {"data", "label", "loss"}
KEPT_FOR_BACKWARD = KEPT | {"poola", "poolb", "poolc", "mean", "ip"}


def bytes_of(solver) -> tuple[int, int]:
    """At most in the second of two iterations, and after it."""
    step(solver)
    with Live() as live:
        step(solver)
    return live.peak, live.now


def test_an_iteration_needs_less_memory_and_least_with_recomputation():
    ours, theirs = twins(WIDE)
    (peak, after), (plain_peak, plain_after) = bytes_of(ours), bytes_of(theirs)
    with setting(recompute=True):
        again_peak, again_after = bytes_of(twins(WIDE)[0])
    assert plain_peak - peak > 2 * CHAIN_BYTES
    assert peak - again_peak > CHAIN_BYTES
    assert plain_after > 6 * CHAIN_BYTES
    assert max(after, again_after) < CHAIN_BYTES


def held(memory) -> int:
    return 0 if memory._tensor is None else memory._tensor.nbytes


@both
@pytest.mark.parametrize("read", [None, "b_2"])
def test_what_nobody_reads_holds_no_tensor_after_a_step(read, recompute):
    with setting(recompute):
        solver = twins(WIDE)[0]
        step(solver)
        if read:
            solver.net.blobs[read].data.sum()
            step(solver)
        blobs = solver.net._graph.blobs.items()
        output = {None if read or recompute else "ip"}  # of a prefix
        assert {n for n, blob in blobs if held(blob._data)} == (KEPT | {read} | output) - {None}
        assert {name for name, blob in blobs if held(blob._diff)} == {"loss", read} - {None}
        assert all(layer.record is None for layer in solver.net._graph.layers)


def test_with_recomputation_activations_are_let_go_of_in_the_forward_pass(monkeypatch):
    seen = []

    def looking(layer, *args, real=autograd.backward):
        if layer.name == "loss":
            seen.append({name for name, blob in blobs.items() if held(blob._data)})
        real(layer, *args)

    monkeypatch.setattr(autograd, "backward", looking)
    monkeypatch.setattr(training_step, "plain_prefix", lambda *args: None)
    solver = twins(WIDE)[0]
    blobs = solver.net._graph.blobs
    for recompute in (False, True):
        with setting(recompute):
            step(solver)
    assert seen == [set(blobs), KEPT_FOR_BACKWARD]


@pytest.mark.parametrize("read", [False, True])
def test_a_solver_that_is_dropped_is_gone_at_once(read):
    """Not when Python happens to look for cycles: the next stage's net needs its memory."""
    ours, theirs = stepped()
    if read:
        ours.net.blobs["conv1"].data.sum()
    gone = [weakref.ref(x) for s in (ours, theirs) for x in (s.net, s.net.params["fc"][0])]
    del ours, theirs
    assert [ref() for ref in gone] == [None] * 4


def test_a_blob_outlives_its_solver():
    ours, theirs = stepped()
    blobs = [solver.net.blobs["conv1"] for solver in (ours, theirs)]
    del ours, theirs
    close(*(blob.data for blob in blobs), "data")
    close(*(blob.diff for blob in blobs), "diff")


# ---- What a run writes and says ----


@pytest.fixture
def lines(caplog):
    """The lines logged since the last call, without what depends on the clock."""
    caplog.set_level(logging.INFO, "caffe")

    def take() -> list[str]:
        said = [record.getMessage() for record in caplog.records]
        caplog.clear()
        said = [line for line in said if "computed twice" not in line]
        return [re.sub(r"\(\S+ iter/s, \S+s/(\d+) iters\)", r"(\1 iters)", line) for line in said]

    return take


TESTED = CHAIN + layer("Accuracy", "right", "ip label", "", "accuracy_param { ignore_label: 255 }")
RUN = (
    'lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 3 base_lr: 0.1 momentum: 0.9 '
    "weight_decay: 0.01 display: 2 average_loss: 2 test_iter: 2 test_interval: 2 max_iter: 5 "
    'test_compute_loss: true snapshot: 2 snapshot_prefix: "s" snapshot_diff: true'
)


def of_net(text: str, net: str) -> caffe.solver.solver.Solver:
    """A solver that trains and tests one net."""
    caffe.set_random_seed(3)
    param = text_format.Parse(text, caffe_pb2.SolverParameter())
    text_format.Parse(net, param.net_param)
    solver = caffe.get_solver(param)
    feed(solver, 0)
    for blob in ("data", "label"):
        solver.test_nets[0].blobs[blob].data[...] = solver.net.blobs[blob].data
    return solver


def files(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@both
def test_a_run_says_and_writes_the_same(recompute, lines, tmp_path, monkeypatch):
    said, written, last = [], [], []
    for watched in (False, True):
        folder = tmp_path / str(watched)
        folder.mkdir()
        monkeypatch.chdir(folder)
        with setting(recompute):
            solver = of_net(RUN, TESTED)
            if watched:
                plain(solver.net)
            lines()
            caffe.set_random_seed(4)
            solver.solve()
        assert updates_in_backward(solver) == (not watched)
        said.append(lines())
        written.append(files(folder))
        last.append(solver)
    assert said[0] == said[1]
    assert any("MultiStep Status" in line for line in said[0])
    assert any("Train net output" in line for line in said[0])
    assert sorted(written[1]) == sorted(
        f"s_iter_{i}.{end}" for i in (2, 4, 5) for end in ("caffemodel", "solverstate")
    )
    assert written[0] == written[1]
    same_learning(*last)
    same_blobs(*last)
    for name in last[0].test_nets[0].blobs:
        close(*(solver.test_nets[0].blobs[name].data for solver in last), name)


@both
def test_a_net_that_shares_the_weights_runs_with_each_update(recompute):
    with setting(recompute):
        ours, theirs = twins(CHAIN)
        other = solver_of(CHAIN).net
        other.share_with(ours.net)
        for seed in (1, 2):
            for solver in (ours, theirs):
                feed(solver, seed)
                step(solver)
            other.blobs["data"].data[...] = ours.net.blobs["data"].data
            other.forward()
            theirs.net.forward()
            equal(other.blobs["conv2"].data, theirs.net.blobs["conv2"].data, "conv2")


@both
def test_a_run_continues_from_a_snapshot_with_the_same_bits(recompute, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with setting(recompute):
        whole = of_net(RUN, TESTED)
        plain(whole.net)
        caffe.set_random_seed(4)
        whole.solve()
        resumed = of_net(RUN, TESTED)
        step(resumed)  # somewhere else
        resumed.restore("s_iter_2.solverstate")
        resumed.step(3)
        assert updates_in_backward(resumed)
        same_learning(resumed, whole)


def test_restoring_leaves_what_was_let_go_of_readable(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours, theirs = solvers = twins(CHAIN, SGD + ' snapshot_prefix: "s"')
    for solver in solvers:
        path = solver.snapshot()
        step(solver, 2)
        solver.restore(path)
    same_blobs(ours, theirs)
    same_learning(ours, theirs)


@both
@pytest.mark.parametrize("action", ["stop", "snapshot"])
def test_an_action_after_an_iteration_finds_it_complete(action, recompute, tmp_path, monkeypatch):
    with setting(recompute):
        results = []
        for watched in (False, True):
            folder = tmp_path / str(watched)
            folder.mkdir()
            monkeypatch.chdir(folder)
            solver = solver_of(CHAIN, SGD + ' snapshot_prefix: "s"')
            feed(solver, 0)
            if watched:
                plain(solver.net)
            actions = iter([None, action, None, None])
            seen = []

            def act(solver=solver, actions=actions, seen=seen):
                seen.append(solver.net.blobs["conv1"].data.copy())
                return next(actions)

            solver.set_action_function(act)
            step(solver, 4)
            results.append((solver, seen, files(folder)))
        (ours, seen, written), (theirs, expected, files_expected) = results
        assert ours.iter == theirs.iter == (2 if action == "stop" else 4)
        for x, y in zip(seen, expected, strict=True):
            close(x, y, "conv1")
        assert written == files_expected
        assert bool(written) == (action == "snapshot")
        same_learning(ours, theirs)
