"""Small training nets, and pairs of solvers of them: one as it is, one that a hook watches."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import caffe
from caffe.layer_types import convolution
from caffe.proto import caffe_pb2
from support.net_text import input_layer
from support.plain_path import conv, image, layer, plain

# What is run again is computed with weights - update + update, each sum rounded to 2**-24 of the
# larger one, and a fused update adds in another order. Sums of a few hundred such values multiply
# that by as much at most.
ROUNDING = 1e-4


SGD = 'momentum: 0.9 weight_decay: 0.01 base_lr: 0.05 lr_policy: "fixed"'


def solver_of(net: str, text: str = SGD) -> caffe.solver.solver.Solver:
    caffe.set_random_seed(3)
    param = text_format.Parse(text, caffe_pb2.SolverParameter())
    text_format.Parse(net, param.train_net_param)
    return caffe.get_solver(param)


def twins(
    net: str, text: str = SGD
) -> tuple[caffe.solver.solver.Solver, caffe.solver.solver.Solver]:
    ours, theirs = solver_of(net, text), solver_of(net, text)
    plain(theirs.net)
    for solver in (ours, theirs):
        feed(solver, 0)
    return ours, theirs


def feed(solver, seed: int) -> None:
    """Write the inputs; a label is one of two classes, or 255."""
    for i, name in enumerate(solver.net.inputs):
        blob = solver.net.blobs[name]
        if name == "label":
            drawn = np.random.RandomState(seed).randint(0, 5, blob.shape)
            blob.data[...] = np.where(drawn == 4, 255, drawn % 2)
        else:
            blob.data[...] = image(seed + i, *blob.shape)


def step(solver, iterations: int = 1, seed: int = 5) -> None:
    """Steps whose random draws depend on the seed alone."""
    caffe.set_random_seed(seed)
    solver.step(iterations)


def updates_in_backward(solver) -> bool:
    return solver._training_step._replay is not None


def arrays(solver) -> Iterator[tuple[str, np.ndarray]]:
    """What a solver has learned: weights, updates in their diffs, histories."""
    for name, blobs in solver.net.params.items():
        for i, blob in enumerate(blobs):
            yield f"{name}[{i}].data", blob.data.copy()
            yield f"{name}[{i}].diff", blob.diff.copy()
    for i, blob in enumerate(solver.history):
        yield f"history[{i}]", blob.data.copy()


def places(net: caffe.Net) -> list[tuple[str, str]]:
    return [(name, part) for name in net.blobs for part in ("data", "diff")]


def equal(ours: np.ndarray, theirs: np.ndarray, what: object) -> None:
    np.testing.assert_array_equal(ours, theirs, err_msg=str(what), strict=True)


def close(ours: np.ndarray, theirs: np.ndarray, what: object) -> None:
    assert ours.shape == theirs.shape
    if np.array_equal(ours, theirs):
        return  # the usual case, and faster to tell
    largest = np.abs(theirs).max(initial=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=ROUNDING * largest, err_msg=str(what))


def same_learning(ours, theirs, check: Callable = equal) -> None:
    for (what, x), (_, y) in zip(arrays(ours), arrays(theirs), strict=True):
        check(x, y, what)


def same_blobs(ours, theirs, order: list[tuple[str, str]] | None = None) -> None:
    """Every blob's data and diff, read in this order, and once more."""
    for name, part in 2 * (order or places(theirs.net)):
        x, y = (getattr(solver.net.blobs[name], part) for solver in (ours, theirs))
        close(x, y, f"{name}.{part}")


@contextmanager
def setting(recompute: bool = False, products: bool = False, columns: int = 256) -> Iterator[None]:
    """`products`: every convolution that may is a product of matrices, of a few rows at a time."""
    with pytest.MonkeyPatch.context() as patch:
        if products:
            patch.setattr(convolution, "MANY_WEIGHTS", 1)
            patch.setattr(convolution, "COLUMNS", columns)
        caffe.set_recompute(recompute)
        try:
            yield
        finally:
            caffe.set_recompute(False)


both = pytest.mark.parametrize("recompute", [False, True])


POOL = "pooling_param { kernel_size: 2 stride: 2 }"


FROZEN = "param { lr_mult: 0 } param { lr_mult: 0 }"


def inner_product(name: str, bottom: str, outputs: int) -> str:
    fillers = 'weight_filler { type: "uniform" min: -0.4 max: 0.4 }'
    body = f"inner_product_param {{ num_output: {outputs} {fillers} }}"
    return layer("InnerProduct", name, bottom, "", body)


def loss_at_each_pixel(bottom: str) -> str:
    body = "loss_param { ignore_label: 255 normalize: true }"
    return layer("SoftmaxWithLoss", "loss", f"{bottom} label", "", body)


# From the last pooling of FCN-16s on, and from the one before it: what is upsampled and added.
SKIPS = "".join(
    [
        conv("fc", "pool2", "num_output: 6 kernel_size: 3 pad: 1"),
        layer("ReLU", "relu_fc", "fc", "fc"),
        layer("Dropout", "drop", "fc", "fc"),
        conv("score_fc", "fc", "num_output: 2 kernel_size: 1"),
        conv("up2", "score_fc", "num_output: 2 kernel_size: 4 stride: 2", kind="Deconvolution"),
        conv("score_pool1", "pool1", "num_output: 2 kernel_size: 1"),
        layer("Crop", "cut", "up2 score_pool1", "", "crop_param { axis: 2 offset: 1 }"),
        layer("Eltwise", "fuse", "cut score_pool1"),
        conv("up", "fuse", "num_output: 2 kernel_size: 4 stride: 2", kind="Deconvolution").replace(
            "convolution_param", f"{FROZEN} convolution_param"
        ),
    ]
)


def fcn16s(pad: int, norm2: str = "") -> str:
    """The shape of FCN-16s, with what decides what may go: Splits, Dropout, a layer not learned.

    pad: around the image. norm2: a layer between conv2 and the pooling behind it.
    """
    return "".join(
        [
            input_layer("data", 1, 2, 12, 14),
            input_layer("label", 1, 1, 12, 14),
            conv("conv1", "data", f"num_output: 4 kernel_size: 3 pad: {pad}"),
            layer("ReLU", "relu1", "conv1", "conv1"),
            conv("conv1_2", "conv1", "num_output: 4 kernel_size: 3 pad: 1"),
            layer("ReLU", "relu1_2", "conv1_2", "conv1_2"),
            layer("Pooling", "pool1", "conv1_2", "", POOL),
            conv("conv2", "pool1", "num_output: 4 kernel_size: 3 pad: 1"),
            layer("ReLU", "relu2", "conv2", "conv2"),
            norm2,
            layer("Pooling", "pool2", "norm2" if norm2 else "conv2", "", POOL),
            SKIPS,
            layer("Crop", "score", "up data", "", f"crop_param {{ axis: 2 offset: {pad} }}"),
            loss_at_each_pixel("score"),
        ]
    )


def reads(part: str, name: str):
    return lambda net: getattr(net.blobs[name], part).sum()


def writes(part: str, name: str, value: float = 3):
    def write(net: caffe.Net) -> None:
        getattr(net.blobs[name], part)[...] = value

    return write


def writes_param(part: str, name: str, i: int = 0, value: float = 3):
    def write(net: caffe.Net) -> None:
        getattr(net.params[name][i], part)[...] = value

    return write


def another_size(net: caffe.Net) -> None:
    net.blobs["data"].reshape(1, 2, 16, 16)
    net.blobs["label"].reshape(1, 1, 16, 16)


def another_size_everywhere(net: caffe.Net) -> None:
    another_size(net)
    net.reshape()


def forward_at_another_size(net: caffe.Net) -> None:
    another_size(net)
    net.blobs["data"].data[...] = image(9, *net.blobs["data"].shape)
    net.blobs["label"].data[...] = 1
    net.forward()


def other_weights(net: caffe.Net) -> None:
    net.params["conv1"][0].reshape(4, 2, 9, 1)
    net.params["conv1"][0].data[...] = 2


FIRST = {
    "its diffs are cleared": lambda net: net.clear_param_diffs(),
    "a forward pass": lambda net: net.forward(),
    "a forward pass of another input": lambda net: (writes("data", "data")(net), net.forward()),
    "a forward pass from the middle": lambda net: net.forward(start="conv2"),
    "a forward pass to the middle": lambda net: net.forward(end="drop"),
    "a backward pass": lambda net: net.backward(),
    "a backward pass from the middle": lambda net: net.backward(start="pool2"),
    "both passes": lambda net: (net.forward(), net.backward()),
    "an input is read": reads("data", "data"),
    "an input is written": writes("data", "data"),
    "labels that are no class are written": writes("data", "label", 77),
    "a blob that was kept is read": reads("data", "pool1"),
    "a blob that was kept is written": writes("data", "pool1"),
    "a blob is written": writes("data", "conv1_2"),
    "a blob's diff is written": writes("diff", "conv1_2"),
    "a diff that nobody computes is written": writes("diff", "data"),
    "the loss is weighed otherwise": writes("diff", "loss"),
    "weights are read": lambda net: net.params["conv1"][0].data.sum(),
    "weights are written": writes_param("data", "conv1"),
    "weights are written twice": lambda net: [
        writes_param("data", "conv1", 0, value)(net) for value in (3, 4)
    ],
    "an update is read": lambda net: net.params["conv1"][0].diff.sum(),
    "an update is written": writes_param("diff", "conv1"),
    "the diff of weights that do not learn is written": writes_param("diff", "up"),
    "weights and updates of all layers are written": lambda net: [
        writes_param(part, name, i)(net)
        for name, blobs in net.params.items()
        for i in range(len(blobs))
        for part in ("data", "diff")
    ],
    "weights get another shape": other_weights,
    "the net is told its shapes": lambda net: net.reshape(),
    "the input gets another shape": another_size,
    "the input gets another shape of as many values": lambda net: net.blobs["data"].reshape(
        1, 2, 14, 12
    ),
    "the net gets another shape": another_size_everywhere,
    "a forward pass at another size": forward_at_another_size,
}


VIEWS = {
    "an input": lambda net: net.blobs["data"].data,
    "labels": lambda net: net.blobs["label"].data,
    "weights": lambda net: net.params["conv1"][0].data,
    "an update": lambda net: net.params["conv1"][0].diff,
    "the diff of weights that do not learn": lambda net: net.params["up"][0].diff,
    "a blob": lambda net: net.blobs["conv2"].data,
    "a blob's diff": lambda net: net.blobs["conv2"].diff,
    "a blob that has other names": lambda net: net.blobs["pool1"].data,
    "the loss": lambda net: net.blobs["loss"].data,
}


def holds_a_view(solvers, what: str, same_blobs: Callable, close: Callable, learned: Callable):
    """A script's view of something shows each iteration, and may be written through.

    learned: how what both learn is compared.
    """
    views = [VIEWS[what](solver.net) for solver in solvers]
    for seed in (1, 2):
        for solver in solvers:
            feed(solver, seed)
            step(solver)
        close(*views, what)
    for view in views:
        view[...] = 1
    same_blobs(*solvers)
    same_learning(*solvers, learned)
    for solver in solvers:
        feed(solver, 3)
        step(solver)
    close(*views, what)
    same_learning(*solvers, close)


class Live(TorchDispatchMode):
    """Counts the bytes of all tensors that torch makes within, as long as they live."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._storages: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._storages:
            self._storages.add(storage._cdata)
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())

    def _gone(self, storage: int, size: int) -> None:
        self._storages.discard(storage)
        self.now -= size
