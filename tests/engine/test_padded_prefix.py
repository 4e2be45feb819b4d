"""Laws of engine/padded_prefix.py: the same is learned where a border is computed once.

Each is held against a twin solver whose net a hook watches, which runs layer by layer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.filtering import everywhere
from support.laws import SEED
from support.net_text import input_layer
from support.plain_path import conv, image, layer
from support.training import (
    FIRST,
    FROZEN,
    POOL,
    ROUNDING,
    VIEWS,
    Live,
    both,
    fcn16s,
    feed,
    holds_a_view,
    inner_product,
    places,
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
from caffe.engine import border, padded_prefix, prefix_run, training_step
from caffe.layer_types import autograd, convolution
from surgery.random_weights import draw

# Of probabilities, whose differences a loss sends down: they may cancel in all of an array.
FLOOR = 1e-7


def close(ours: np.ndarray, theirs: np.ndarray, what: object) -> None:
    atol = ROUNDING * np.abs(theirs).max(initial=0) + FLOOR
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol, err_msg=str(what), strict=True)


def same_blobs(ours, theirs, order: list[tuple[str, str]] | None = None) -> None:
    """Every blob's data and diff, read in this order, and once more."""
    for name, part in 2 * (order or places(theirs.net)):
        x, y = (getattr(solver.net.blobs[name], part) for solver in (ours, theirs))
        close(x, y, f"{name}.{part}")


class Runs(list):
    """The prefixes that have run."""

    def taken(self) -> int:
        """How many since this was asked last."""
        number = len(self)
        self.clear()
        return number


@contextmanager
def counted() -> Iterator[Runs]:
    """Prefixes of nets as small as these run too, and each run is noted."""
    runs = Runs()

    class Noted(prefix_run.PrefixRun):
        def __init__(self, prefix, *args, **more) -> None:
            super().__init__(prefix, *args, **more)
            runs.append(prefix)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(padded_prefix, "WORTH", 10)
        patch.setattr(border, "WORTH", 1)
        patch.setattr(training_step, "PrefixRun", Noted)
        yield runs


@pytest.fixture
def runs():
    with counted() as runs:
        yield runs


def same(solvers, order: list[tuple[str, str]] | None = None) -> None:
    """The same losses, and the same was learned."""
    ours, theirs = solvers
    for name, weight in theirs.net.blob_loss_weights.items():
        if weight:
            close(ours.net.blobs[name].data, theirs.net.blobs[name].data, name)
    close(np.array(ours.smoothed_loss), np.array(theirs.smoothed_loss), "loss")
    same_learning(ours, theirs, close)


# ---- Random nets ----


class Builder:
    """The text of a random net whose first layers are windows; `tip` is the blob that goes on."""

    def __init__(self, draw_: Callable) -> None:
        self.draw = draw_
        self.batch = draw_(st.integers(1, 2))
        self.sizes = draw_(st.lists(st.tuples(*[st.integers(4, 14)] * 2), min_size=1, max_size=2))
        self.text = input_layer("data", self.batch, 2, *self.sizes[0])
        self.text += input_layer("label", self.batch)
        self.tip, self.count, self.relu = "data", 0, False
        self.sides: list[str] = []

    def of(self, *choices):
        return self.draw(st.sampled_from(choices))

    def name(self) -> str:
        self.count += 1
        return f"b{self.count}"

    def add(self, kind: str, bottom: str, body: str = "") -> str:
        name = self.name()
        self.text += layer(kind, name, bottom, "", body)
        return name

    def conv(self, bottom: str, body: str) -> str:
        name = self.name()
        rates = self.of("", "", "", FROZEN, BIAS_ONLY, "param { lr_mult: 2 } param { lr_mult: 0 }")
        bias = self.of("", "", "", "bias_term: false")
        rates = "" if bias else self.of(*[""] * 9, "propagate_down: false ") + rates
        text = conv(name, bottom, f"num_output: 4 {body} {bias}")
        self.text += text.replace("convolution_param", f"{rates} convolution_param")
        return name

    # Blocks.

    def padded(self) -> None:
        kernel = self.of("kernel_size: 3", "kernel_size: 3", "kernel_h: 2 kernel_w: 3")
        pad_h, pad_w = self.draw(st.integers(6, 18)), self.draw(st.integers(0, 18))
        self.tip = self.conv(self.tip, f"{kernel} pad_h: {pad_h} pad_w: {pad_w}")
        self.rectified()

    def rectified(self) -> None:
        if self.of(True, True, False):
            self.text += layer("ReLU", self.name(), self.tip, self.tip)

    def convolution(self) -> None:
        size = self.of(
            "kernel_size: 1", "kernel_size: 3 pad: 1", "kernel_size: 2", "kernel_size: 3"
        )
        more = self.of(
            "", "", "", "stride: 2", "dilation: 2", "pad: 3" if "pad" not in size else ""
        )
        group = "group: 2" if self.of(True, False, False) else ""
        self.tip = self.conv(self.tip, f"{size} {more} {group}")
        self.rectified()

    def pooling(self) -> None:
        size = self.of(
            "kernel_size: 2 stride: 2",
            "kernel_size: 3 stride: 2",
            "kernel_size: 2 stride: 1",
            "kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 round_mode: FLOOR",
        )
        weight = self.of(*[""] * 9, "loss_weight: 0.01")
        self.tip = self.add("Pooling", self.tip, f"{weight} pooling_param {{ {size} }}")

    def side(self) -> None:
        """As FCN-8s reads its poolings: a window of 1, and what becomes of it much later."""
        self.sides.append(self.conv(self.tip, "kernel_size: 1"))

    def side_of_data(self) -> None:
        self.sides.append(self.conv("data", "kernel_size: 3 pad: 1"))

    def side_as_it_is(self) -> None:
        self.sides.append(self.tip)

    def side_at_once(self) -> None:
        """Here the prefix ends, but for what lies before."""
        self.sides.append(self.add("Pooling", self.tip, MEAN))

    def other(self) -> None:
        kind, body = self.of(("LRN", ""), ("Power", "power_param { scale: 2 }"), ("Dropout", ""))
        self.tip = self.add(kind, self.tip, body)

    def unread(self) -> None:
        """An output of the net that no loss reads."""
        self.conv(self.tip, "kernel_size: 1")

    def end(self) -> None:
        for i, side in enumerate([*self.sides, self.tip]):
            mean = self.add("Pooling", side, MEAN)
            self.text += inner_product(f"score{i}", mean, 2)
            body = "loss_param { ignore_label: 255 } "
            weight = self.of("", f"loss_weight: {0.5 + i}")
            self.text += layer("SoftmaxWithLoss", f"loss{i}", f"score{i} label", "", body + weight)


BIAS_ONLY = "param { lr_mult: 0 } param { lr_mult: 1 }"
MEAN = "pooling_param { pool: AVE global_pooling: true }"
BLOCKS = [
    *(Builder.convolution,) * 5,
    *(Builder.pooling, Builder.side) * 2,
    *(Builder.side_of_data, Builder.side_as_it_is, Builder.side_at_once, Builder.other),
    *(Builder.unread, Builder.padded),
]


@st.composite
def random_nets(draw_) -> tuple[str, list[tuple[int, int]]]:
    net = Builder(draw_)
    net.padded()
    for block in draw_(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6)):
        block(net)
    net.end()
    return net.text, [(net.batch, *size) for size in net.sizes]


def resized(solver, batch: int, *size: int) -> None:
    solver.net.blobs["data"].reshape(batch, 2, *size)
    solver.net.blobs["label"].reshape(batch)


SOLVERS = [
    'momentum: 0.9 weight_decay: 0.01 base_lr: 0.05 lr_policy: "fixed"',
    'type: "Adam" momentum: 0.9 momentum2: 0.999 base_lr: 0.001 lr_policy: "fixed"',
    'type: "Nesterov" momentum: 0.9 base_lr: 0.02 lr_policy: "fixed" regularization_type: "L1"',
]


# Where two values round to the other order, a pooling or a ReLU sends its diff elsewhere: the same
# examples in every run, for such are rare and no error.
@pytest.mark.parametrize("filtering", [nullcontext, everywhere])
def test_random_nets_learn_the_same(filtering):
    used = []

    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(
        *(random_nets(), SEED, st.lists(st.integers(0, 1), min_size=3, max_size=3), LOOKS),
        st.booleans(),
    )
    def check(net, seed, sizes, looks, recompute):
        text, shapes = net
        with counted() as runs, setting(recompute), filtering():
            try:
                solvers = twins(text)
                for shape in shapes:
                    resized(solvers[1], *shape)
                    solvers[1].net.reshape()
            except caffe.CaffeError:
                return  # no window fits
            for i, which in enumerate(sizes):
                for solver in solvers:
                    resized(solver, *shapes[which % len(shapes)])
                    feed(solver, seed + i)
                    step(solver, 1, seed)
                assert updates_in_backward(solvers[0])
                used.append(runs.taken())
                same(solvers)
                if i in looks:
                    order = places(solvers[1].net)
                    np.random.RandomState(seed + i).shuffle(order)
                    same_blobs(*solvers, list(map(tuple, order)))
                    same_learning(*solvers, close)

    check()
    assert sum(used) > len(used) / 3 > 15


LOOKS = st.sampled_from([set(), set(), {2}, {0}, {1}])


# ---- One net, as FCN-16s ----

NET = fcn16s(14)  # with a border around its image


def test_what_is_in_the_prefix(runs):
    """All before the first layer that is no window; Splits give its tops to others."""
    solver = twins(NET)[0]
    step(solver)
    (found,) = runs
    inside = {name for s in found.steps for name in s.tops}
    assert {"conv1", "conv1_2", "pool1", "conv2", "pool2"} == inside
    assert found.outputs.keys() == {"pool1", "pool2"}
    assert found.blank.shapes["conv1"][2] < solver.net.blobs["conv1"].height


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("text", SOLVERS)
def test_images_of_several_sizes(text, batch, runs):
    solvers = twins(NET, text)
    for seed, size in enumerate([(12, 14), (12, 14), (17, 9), (12, 14), (17, 9), (17, 9)]):
        for solver in solvers:
            solver.net.blobs["data"].reshape(batch, 2, *size)
            solver.net.blobs["label"].reshape(batch, 1, *size)
            feed(solver, seed)
            step(solver)
        assert runs.taken() == 1
        same(solvers)


def stepped(net: str = NET, iterations: int = 1):
    solvers = twins(net)
    for solver in solvers:
        step(solver, iterations)
    return solvers


def test_each_blob_may_be_read_first(runs):
    theirs = twins(NET)[1]
    step(theirs)
    for place in places(theirs.net)[::3]:  # data and diff in turn
        ours = solver_of(NET)
        feed(ours, 0)
        step(ours)
        assert runs.taken() == 1
        same_blobs(ours, theirs, [place])
        same_blobs(ours, theirs, places(theirs.net)[::-1])
        same_learning(ours, theirs, close)


@pytest.mark.parametrize("place", ["data", "diff"])
def test_what_was_read_shows_the_next_iterations_too(place, runs):
    """And what is learned is the same, whether a prefix runs or not."""
    names = list(twins(NET)[0].net.blobs)
    for name in names[: names.index("fc")]:  # what is in the prefix, and its other names
        solvers = stepped()
        assert runs.taken() > 0
        for seed in (1, 2):
            same_blobs(*solvers, [(name, place)])
            for solver in solvers:
                feed(solver, seed)
                step(solver)
            same(solvers)
        same_blobs(*solvers, [(name, place)])


@pytest.mark.parametrize("first", FIRST)
def test_what_is_read_is_of_the_iteration_whatever_comes_first(first, runs):
    solvers = stepped()
    assert runs.taken() == 1
    for solver in solvers:
        caffe.set_random_seed(6)
        FIRST[first](solver.net)
    same_blobs(*solvers)
    same_learning(*solvers, close)


@pytest.mark.parametrize("what", VIEWS)
def test_a_view_that_a_script_holds_shows_each_iteration_and_may_be_written_through(what, runs):
    holds_a_view(twins(NET), what, same_blobs, close, close)


def test_a_view_that_is_let_go_of_leaves_the_prefix_to_run(runs):
    """A view of an output: its values are there anyway."""
    solvers = stepped()
    views = [solver.net.blobs["pool1"].data for solver in solvers]
    runs.taken()
    for view in (views, None):
        for solver in solvers:
            step(solver)
        assert runs.taken() == (view is None)
        if view:
            close(*view, "pool1")
        del view, views[:]
    same(solvers)


def test_an_output_may_be_read_and_written_between_steps(runs):
    """The data of what others read is kept: reading it costs nothing."""
    solvers = stepped()
    for seed in range(3):
        for solver in solvers:
            solver.net.blobs["pool1"].data[...] += 1
            solver.net.blobs["pool2"].data[...] *= 2
            feed(solver, seed)
            step(solver)
        same_blobs(*solvers, [("pool1", "data"), ("pool2", "data")])
        same(solvers)
    assert runs.taken() == 4


def test_a_pass_of_the_net_between_steps(runs):
    solvers = stepped()
    for seed in range(2):
        for solver in solvers:
            feed(solver, 7 + seed)
            caffe.set_random_seed(8)
            solver.net.forward()
        same_blobs(*solvers, [(name, "data") for name in solvers[0].net.blobs])
        for solver in solvers:
            step(solver)
        same(solvers)


@pytest.mark.parametrize("blob", ["data", "label"])
def test_after_shapes_that_do_not_fit_what_forward_computed_is_there(blob, runs):
    """The layers before the one that complains have run."""
    solvers = stepped()
    for solver in solvers:
        shape = solver.net.blobs[blob].shape
        solver.net.blobs[blob].reshape(*shape[:3], 2)
        feed(solver, 2)
        with pytest.raises(caffe.CaffeError, match="needs one label"):
            step(solver)
    same_learning(*solvers, close)
    same_blobs(*solvers, [(name, "data") for name in solvers[0].net.blobs])
    runs.taken()
    for solver in solvers:
        solver.net.blobs[blob].reshape(*shape)
        feed(solver, 1)
        step(solver)
    assert runs.taken() == 1
    same(solvers)


def test_after_an_iteration_that_fails_what_forward_computed_is_there(runs):
    solvers = stepped()
    for solver in solvers:
        solver.net.blobs["label"].data[...] = 77
        with pytest.raises(caffe.CaffeError, match="holds 77"):
            step(solver)
    assert runs.taken() == 2
    same_learning(*solvers, close)
    same_blobs(*solvers, [(name, "data") for name in solvers[0].net.blobs])
    for solver in solvers:
        feed(solver, 1)
        step(solver)
    same(solvers)
    same_blobs(*solvers)


@pytest.mark.parametrize("of", [prefix_run._Surround, prefix_run._Relu])
@pytest.mark.parametrize("way", ["forward", "backward"])
def test_memory_that_ends_inside_is_an_error_that_names_the_prefix(of, way, runs, monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError("there is none left")

    solver = solver_of(NET)
    feed(solver, 0)
    monkeypatch.setattr(of, way, staticmethod(fail))
    with pytest.raises(caffe.CaffeError, match=r"^layers 'conv1' to 'pool2': out of memory"):
        step(solver)


def test_a_diff_that_a_script_wrote_to_an_unread_output_counts_in_every_iteration(runs):
    """No layer computes it; the prefix's parameters learn from it."""
    text = NET + conv("more", "conv1_2", "num_output: 3 kernel_size: 1")
    at = text.index('layer { name: "pool1"')
    more = conv("unread", "conv1", "num_output: 3 kernel_size: 1")
    solvers = twins(text[:at] + more + text[at:])
    for solver in solvers:
        for name in ("unread", "more"):
            blob = solver.net.blobs[name]
            blob.diff[...] = image(8, *blob.shape)
        step(solver, 3)
    assert runs.taken() == 3
    same(solvers)
    same_blobs(*solvers)


# ---- Other nets ----

HEAD = input_layer("data", 2, 2, 10, 13) + input_layer("label", 2)
HEAD += conv("conv1", "data", "num_output: 4 kernel_size: 3 pad: 12")
HEAD += layer("ReLU", "relu1", "conv1", "conv1")
POOL1 = layer("Pooling", "pool1", "conv1", "", POOL)
CONV2 = conv("conv2", "pool1", "num_output: 4 kernel_size: 3") + layer(
    "ReLU", "relu2", "conv2", "conv2"
)


def scored(bottom: str, name: str = "") -> str:
    body = "loss_param { ignore_label: 255 }"
    loss = layer("SoftmaxWithLoss", f"loss{name}", f"ip{name} label", "", body)
    return inner_product(f"ip{name}", bottom, 2) + loss


def mean(name: str, bottom: str) -> str:
    return layer("Pooling", name, bottom, "", MEAN)


BEHIND = {
    "nothing": POOL1 + scored("pool1"),
    "its last blob under another name and shape": POOL1
    + layer("Flatten", "flat", "pool1")
    + scored("flat"),
    "its last blob under another shape, and as it is": POOL1
    + layer("Reshape", "flat", "pool1", "", "reshape_param { shape { dim: 0 dim: -1 } }")
    + scored("flat")
    + scored("pool1", "2"),
    "two readers of its last blob": POOL1 + scored("pool1") + scored("pool1", "2"),
    "readers of all its blobs": POOL1
    + CONV2
    + scored("conv2")
    + scored("pool1", "2")
    + scored("conv1", "3"),
    "a branch that begins at the image": POOL1
    + conv("side", "data", "num_output: 4 kernel_size: 3")
    + CONV2
    + scored("conv2")
    + scored("side", "2"),
    "a branch of the image that has a border too": POOL1
    + conv("side", "data", "num_output: 4 kernel_size: 3 pad: 9")
    + CONV2
    + scored("conv2")
    + scored("side", "2"),
    "a reader that does not learn": POOL1
    + scored("pool1")
    + layer("Silence", "silence", "conv1").replace('top: "silence"', ""),
    "labels and means": POOL1 + mean("mean", "pool1") + scored("mean") + mean("all", "conv1"),
    "a pooling of overlapping windows": layer(
        "Pooling", "pool1", "conv1", "", "pooling_param { kernel_size: 3 stride: 1 }"
    )
    + CONV2
    + scored("conv2"),
    "strides that leave out most of it": conv(
        "pool1", "conv1", "num_output: 4 kernel_size: 1 stride: 3"
    )
    + CONV2
    + scored("conv2"),
}


@pytest.mark.parametrize("name", BEHIND)
def test_what_is_behind_the_prefix(name, runs):
    solvers = twins(HEAD + BEHIND[name])
    for seed in range(2):
        for solver in solvers:
            feed(solver, seed)
            step(solver)
        same(solvers)
    assert runs.taken() == 2
    same_blobs(*solvers)
    for solver in solvers:
        step(solver)
    same(solvers)


def test_windows_that_lie_on_nothing_but_pad(runs):
    """Where others begin at the pad, and strides leave out the image."""
    text = input_layer("data", 1, 2, 4, 4) + input_layer("label", 1)
    text += conv("a", "data", "num_output: 4 kernel_size: 1 stride_w: 2 stride_h: 1 pad_w: 1")
    text += conv("b", "a", "num_output: 4 kernel_size: 1 stride_w: 3 stride_h: 1")
    text += conv("c", "b", "num_output: 4 kernel_size: 1 pad_w: 1")
    text = text.replace("pad_w: 1", "pad_w: 1 pad_h: 0") + mean("mean", "c") + scored("mean")
    solvers = twins(text)
    for solver in solvers:
        step(solver, 2)
    same(solvers)
    same_blobs(*solvers)


def test_reading_one_of_the_names_of_its_last_blob_changes_nothing_that_is_learned(runs):
    """Split is behind the prefix: what it adds up is in its bottom's diff already."""
    for name in ("pool1", "pool1_pool1_0_split_0", "pool1_pool1_0_split_1"):
        for part in ("data", "diff"):
            solvers = twins(HEAD + BEHIND["two readers of its last blob"])
            for _ in range(3):
                for solver in solvers:
                    step(solver)
                same(solvers)
                same_blobs(*solvers, [(name, part)])
            assert runs.taken() > 0


def weighed(text: str, name: str) -> str:
    """The net with a loss weight on a layer's top."""
    at = text.index(f'layer {{ name: "{name}"')
    return text[:at] + text[at:].replace("_param {", "_param_ {", 1).replace(
        *(("convolution_param_", "loss_weight: 0.01 convolution_param"))
        if name.startswith("conv")
        else ("pooling_param_", "loss_weight: 0.01 pooling_param"),
        1,
    )


@pytest.mark.parametrize("name", ["pool1", "conv2"])
@pytest.mark.parametrize("also_read", [False, True])
def test_a_loss_weight_on_a_blob_inside_counts(name, also_read, runs):
    """Caffe gives the weight to a Split of the blob, if other layers read it."""
    text = HEAD + POOL1 + CONV2.partition('layer { name: "relu2"')[0]
    text += conv("conv3", "conv2", "num_output: 2 kernel_size: 2") + scored("conv3")
    text += scored(name, "2") if also_read else ""
    solvers = twins(weighed(text, name))
    for seed in range(2):
        for solver in solvers:
            feed(solver, seed)
            step(solver)
        same(solvers)
    same_blobs(*solvers)


RATES = {
    "a layer at the bottom": {"conv1": FROZEN},
    "a layer in the middle": {"conv1_2": FROZEN},
    "layers at both ends": {"conv1": FROZEN, "conv2": FROZEN},
    "all": {"conv1": FROZEN, "conv1_2": FROZEN, "conv2": FROZEN},
    "a bias": {"conv1": "param { lr_mult: 1 } param { lr_mult: 0 }"},
    "weights": {"conv1_2": "param { lr_mult: 0 } param { lr_mult: 1 }"},
    "what is below a layer": {"conv2": "propagate_down: false"},
    "what is below a pooling": {"pool1": "propagate_down: false"},
}


def with_more(text: str, more: dict[str, str]) -> str:
    for name, fields in more.items():
        text = text.replace(f'layer {{ name: "{name}" ', f'layer {{ name: "{name}" {fields} ')
    return text


@pytest.mark.parametrize("text", SOLVERS[:2])
@pytest.mark.parametrize("frozen", RATES)
def test_layers_that_do_not_learn(frozen, text, runs):
    solvers = twins(with_more(NET, RATES[frozen]), text)
    for seed in range(3):
        for solver in solvers:
            solver.net.blobs["data"].reshape(2, 2, 12, 14)
            solver.net.blobs["label"].reshape(2, 1, 12, 14)
            feed(solver, seed)
            step(solver)
        same(solvers)
    assert runs.taken() == 3
    same_blobs(*solvers)


# ---- The nets of the paper ----


def fcn(name: str, *size: int, width: float = 1 / 32, dropout: bool = True) -> str:
    data = dict(module="", layer="", param_str={})
    net = nets.fcn(name, "train", classes=3, data=data, width=width)
    net.layer[0].type = "Input"
    net.layer[0].ClearField("python_param")
    for channels in (3, 1):
        net.layer[0].input_param.shape.add(dim=(1, channels, *size))
    if not dropout:
        kept = [layer for layer in net.layer if layer.type != "Dropout"]
        del net.layer[:]
        net.layer.extend(kept)
    return text_format.MessageToString(net)


@both
@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s"])
def test_the_nets_of_the_paper_learn_the_same(name, recompute, runs):
    text = 'base_lr: 1e-4 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005'
    solvers = twins(fcn(name, 21, 30), text)
    for solver in solvers:
        draw(solver.net)
    for size in ((21, 30), (45, 26)):
        for solver in solvers:
            for blob, channels in (("data", 3), ("label", 1)):
                solver.net.blobs[blob].reshape(1, channels, *size)
            feed(solver, 1)
            with setting(recompute):
                step(solver)
        assert runs.taken() == 1
        same(solvers)
    same_blobs(*solvers)


def in_float64(net: caffe.Net) -> dict[str, list[np.ndarray]]:
    """The gradients of a net's parameters, by torch from its layers' prototxt in float64."""
    params = {
        name: [torch.from_numpy(blob.data.astype(np.float64)).requires_grad_() for blob in blobs]
        for name, blobs in net.params.items()
    }
    x = {name: torch.from_numpy(net.blobs[name].data.astype(np.float64)) for name in net.inputs}
    graph = net._graph
    for kind, bottoms, tops in zip(graph.layers, graph.bottoms, graph.tops, strict=True):
        spec = kind.spec
        weights = params.get(kind.name, [])
        read = [x[name] for name in bottoms]
        if spec.type in ("Convolution", "Deconvolution"):
            body = spec.convolution_param
            function = F.conv2d if spec.type == "Convolution" else F.conv_transpose2d
            weight, bias = (*weights, None)[:2]
            more = {"stride": (*body.stride, 1)[0], "padding": (*body.pad, 0)[0]}
            found = function(read[0], weight, bias, groups=body.group, **more)
        elif spec.type == "ReLU":
            found = read[0].clamp_min(0)
        elif spec.type == "Pooling":
            body = spec.pooling_param
            found = F.max_pool2d(read[0], body.kernel_size, body.stride, ceil_mode=True)
        elif spec.type == "Crop":
            (offset,) = spec.crop_param.offset
            h, w = (slice(offset, offset + n) for n in read[1].shape[2:])
            found = read[0][:, :, h, w]
        elif spec.type == "Eltwise":
            found = sum(read)
        elif spec.type == "SoftmaxWithLoss":
            target = read[1][:, 0].long()
            reduction = "mean" if spec.loss_param.normalize else "sum"
            found = F.cross_entropy(*(read[0], target), ignore_index=255, reduction=reduction)
        elif spec.type == "Split":
            x.update(dict.fromkeys(tops, read[0]))
            continue
        else:
            assert spec.type == "Input"
            continue
        x[tops[0]] = found
    x["loss"].backward()
    return {name: [p.grad.numpy() for p in blobs] for name, blobs in params.items()}


@pytest.mark.parametrize("size", [(33, 46), (1, 70)])
def test_the_gradients_are_those_in_float64(size, runs):
    """As near as those of the layers one by one. From rest and at rate 1 an update is one."""
    gradients_are_those_in_float64(size, runs)


def test_filtered_gradients_are_those_in_float64(runs):
    with everywhere() as shapes:
        gradients_are_those_in_float64((33, 46), runs)
    assert shapes


def gradients_are_those_in_float64(size, runs):
    net = fcn("fcn8s", *size, width=1 / 32, dropout=False)
    solvers = twins(net, 'base_lr: 1 lr_policy: "fixed"')
    for solver in solvers:
        draw(solver.net)
        feed(solver, 1)
    expected = in_float64(solvers[1].net)
    for solver in solvers:
        step(solver)
    assert runs.taken() == 1
    for name, gradients in expected.items():
        spec = next(kind.spec for kind in solvers[0].net._graph.layers if kind.name == name)
        for i, gradient in enumerate(gradients):
            rate = spec.param[i].lr_mult if len(spec.param) > i else 1
            if not rate:
                continue
            largest = np.abs(gradient).max()
            ours, theirs = (
                np.abs(solver.net.params[name][i].diff / rate - gradient).max() / largest
                for solver in solvers
            )
            assert ours < 4 * theirs + 1e-5, (name, i)
            assert ours < 1e-4, (name, i)


def noted_prices(told: list) -> Callable:
    """A logger's `info` that notes what is told of the price of recomputation."""

    def info(text: str, *values: float, **more: object) -> None:
        if "computed twice" in text:
            told.append(values)

    return info


class Work(TorchDispatchMode):
    """Counts the multiply-adds of convolutions, forward and backward."""

    def __init__(self) -> None:
        super().__init__()
        self.forward = self.backward = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution_backward.default:
            (diff, x, weight), transposed, wanted = args[:3], args[7], args[10]
            self.backward += (
                (x if transposed else diff).numel() * weight[0].numel() * sum(wanted[:2])
            )
        elif func is torch.ops.aten.convolution.default:
            (x, weight), transposed = args[:2], args[6]
            self.forward += (x if transposed else out).numel() * weight[0].numel()
        return out


def test_an_iteration_of_fcn8s_takes_much_less_work():
    """Without any setting: half of all activations are of the border, at this size."""
    text = fcn("fcn8s", 200, 200, width=1 / 32)
    work = []
    for solver in twins(text, 'base_lr: 1e-4 lr_policy: "fixed"'):
        draw(solver.net)
        with Work() as counting:
            step(solver)
        work.append(counting)
    ours, theirs = work
    assert ours.forward < 0.75 * theirs.forward
    assert ours.backward < 0.75 * theirs.backward


def test_recomputation_takes_the_work_that_is_told_and_less_memory(runs, monkeypatch):
    told, work, peaks = [], [], []
    monkeypatch.setattr(training_step.LOGGER, "info", noted_prices(told))
    for recompute in (False, True):
        solver = solver_of(fcn("fcn8s", 400, 400, width=1 / 16))
        draw(solver.net)
        for name, (weight, *_) in solver.net.params.items():
            if name.startswith("upscore"):
                weight.data[...] = 1  # filters that keep the channels apart take less than is told
        with setting(recompute), Work() as counting:
            step(solver)
        work.append(counting)
        with setting(recompute), Live() as live:
            step(solver)
        peaks.append(live.peak)
    assert runs.taken() == 4
    once, again = work
    assert again.backward == once.backward
    ((price, _),) = told
    assert price * 1e9 == pytest.approx(again.forward - once.forward)
    assert peaks[1] < 0.85 * peaks[0], peaks


# ---- Where it is not used ----


@pytest.mark.parametrize("frozen", [["conv1"], ["conv1", "conv1_2"]])
def test_layers_that_do_not_learn_are_not_computed_again(frozen, runs, monkeypatch):
    told, work = [], []
    monkeypatch.setattr(training_step.LOGGER, "info", noted_prices(told))
    for recompute in (False, True):
        solver = solver_of(with_more(NET, dict.fromkeys(frozen, FROZEN)))
        with setting(recompute), Work() as counting:
            step(solver)
        work.append(counting)
    once, again = work
    assert told[0][0] * 1e9 == pytest.approx(again.forward - once.forward)
    assert runs.taken() == 2


class Watch:
    """Settings that no prefix runs with: made before the step, and taken back."""

    def __init__(self, do: Callable, undo: Callable = lambda: None) -> None:
        self.do, self.undo = do, undo


NOT_USED = {
    "bfloat16": Watch(
        lambda solver: caffe.set_precision("bf16"), lambda: caffe.set_precision("fp32")
    ),
    "a hook": Watch(lambda solver: solver.net.after_forward(lambda i: None)),
    "a callback": Watch(lambda solver: solver.add_callback(lambda: None, lambda: None)),
    "a blob inside was read": Watch(
        lambda solver: (step(solver), solver.net.blobs["conv2"].data.sum())
    ),
    "a diff inside was read": Watch(
        lambda solver: (step(solver), solver.net.blobs["conv1"].diff.sum())
    ),
    "iter_size": Watch(lambda solver: setattr(solver.param, "iter_size", 2)),
    "clip_gradients": Watch(lambda solver: setattr(solver.param, "clip_gradients", 1e-3)),
}


@pytest.mark.parametrize("name", NOT_USED)
def test_no_prefix_runs_where_each_layer_is_to_run(name, runs):
    solvers = stepped()
    assert runs.taken() == 1
    try:
        for solver in solvers:
            NOT_USED[name].do(solver)
        runs.taken()
        for solver in solvers:
            step(solver, 2)
        assert runs.taken() == 0
        same(solvers)
    finally:
        NOT_USED[name].undo()


def test_a_prefix_runs_again_after_bfloat16(runs):
    solvers = twins(NET)
    try:
        for solver in solvers:
            caffe.set_precision("bf16")
            step(solver)
    finally:
        caffe.set_precision("fp32")
    for solver in solvers:
        step(solver)
    assert runs.taken() == 1
    same_learning(*solvers, close)


OTHER_NETS = {
    "force_backward": "force_backward: true " + NET,
    "conv1 gives the image a diff": with_more(NET, {"conv1": "propagate_down: true"}),
    "a loss weight inside": NET.replace(
        layer("Pooling", "pool1", "conv1_2", "", POOL),
        layer("Pooling", "pool1", "conv1_2", "", f"loss_weight: 0.1 {POOL}"),
    ),
    "a loss weight on conv1": with_more(NET, {"relu1": "loss_weight: 0.1"}),
    "a leaky ReLU": NET.replace(
        layer("ReLU", "relu1", "conv1", "conv1"),
        layer("ReLU", "relu1", "conv1", "conv1", "relu_param { negative_slope: 0.1 }"),
    ),
    "no border": NET.replace("pad: 14", "pad: 1").replace("offset: 14", "offset: 1"),
    "a layer in front that is no window": NET.replace(
        'name: "conv1" type: "Convolution" bottom: "data"',
        'name: "conv1" type: "Convolution" bottom: "scaled"',
    ).replace(
        'layer { name: "conv1"',
        layer("Power", "scaled", "data", "", "power_param { scale: 2 }") + 'layer { name: "conv1"',
        1,
    ),
    "an input in the middle": NET.replace(input_layer("label", 1, 1, 12, 14), "").replace(
        'layer { name: "conv2"', input_layer("label", 1, 1, 12, 14) + 'layer { name: "conv2"', 1
    ),
}


LESS = {
    "a loss weight inside": {"conv1", "conv1_2"},
    "an input in the middle": {"conv1", "conv1_2", "pool1"},
}


@pytest.mark.parametrize("name", OTHER_NETS)
def test_nets_without_a_prefix_or_with_less_of_it(name, runs):
    """A prefix ends before the first layer that it cannot run."""
    solvers = twins(OTHER_NETS[name])
    for seed in range(2):
        for solver in solvers:
            feed(solver, seed)
            step(solver)
        same(solvers)
    inside = {blob for found in runs for s in found.steps for blob in s.tops}
    assert inside == LESS.get(name, set())
    same_blobs(*solvers)


def test_a_product_of_matrices_is_not_in_a_prefix(runs, monkeypatch):
    monkeypatch.setattr(convolution, "MANY_WEIGHTS", 4 * 4 * 9)
    solvers = twins(NET)
    for solver in solvers:
        step(solver, 2)
    (found, _) = runs
    assert {blob for s in found.steps for blob in s.tops} == {"conv1"}
    same(solvers)


def test_what_is_worth_while_is_decided_anew_for_each_size(runs, monkeypatch):
    monkeypatch.setattr(padded_prefix, "WORTH", 0.9)
    solvers = twins(NET)
    for seed, (size, is_worth) in enumerate([(40, 1), (2, 0), (40, 1), (2, 0)]):
        for solver in solvers:
            solver.net.blobs["data"].reshape(1, 2, size, size)
            solver.net.blobs["label"].reshape(1, 1, size, size)
            feed(solver, seed)
            step(solver)
        assert runs.taken() == is_worth
        same(solvers)


@pytest.mark.parametrize("read", [False, True])
def test_the_layers_inside_run_only_if_someone_reads(read, runs, monkeypatch):
    """Splits do, for they give others what the prefix has found."""
    ran = []

    def noted(real: Callable) -> Callable:
        return lambda kind, *args: (ran.append(kind.name), real(kind, *args))

    monkeypatch.setattr(autograd, "forward", noted(autograd.forward))
    monkeypatch.setattr(autograd, "backward", noted(autograd.backward))
    solver = twins(NET)[0]
    step(solver)
    inside = {"conv1", "relu1", "conv1_2", "relu1_2", "pool1", "conv2", "relu2", "pool2"}
    if read:
        solver.net.blobs["conv1_2"].data.sum()
    assert inside & set(ran) == (inside if read else set())


def test_a_net_that_is_trained_is_left_with_what_others_read_only(runs):
    solver = twins(NET)[0]
    step(solver)
    blobs = solver.net._graph.blobs
    inside = {blob for s in runs[0].steps for blob in s.tops}
    there = {name for name in inside if blobs[name]._data._tensor is not None}
    assert there == {"pool1", "pool2"}
    assert not any(blobs[name]._diff._tensor is not None for name in inside)
