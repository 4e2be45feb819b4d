"""What a net takes on an image of one size: peak memory and seconds, in a fresh process.

`measure` is what that process runs, so this file imports little.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import caffe
import nets
from bench.processes import peak_memory
from caffe.proto import caffe_pb2
from data.datasets import DATASETS
from solvers.choose_device import choose_device
from solvers.recipes import REGIMES
from surgery.upsample import interp

DATASET = DATASETS["cityscapes"]
PASSES = 2  # the second finds the momentum, and what is kept of an image's size, already there


@dataclass(frozen=True)
class Case:
    """size: height and width; width: scales the net's channels; gpu: as choose_device takes it."""

    net: str
    size: tuple[int, int]
    training: bool
    recompute: bool
    width: float = 1.0
    gpu: str | None = None


@dataclass(frozen=True)
class Footprint:
    """Peak memory of the process in bytes; seconds of the last pass."""

    peak: int
    seconds: float


def bare(gpu: str | None) -> int:
    """The peak memory, in bytes, of a process that has imported caffe and no more."""
    choose_device(gpu)
    return peak_memory(caffe.core.device.current_device().type)


def measure(case: Case) -> Footprint:
    """The footprint of training steps with one image, as published, or of forward passes."""
    choose_device(case.gpu)
    caffe.set_recompute(case.recompute)
    run = _training(case) if case.training else _evaluation(case)
    for _ in range(PASSES):
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
    return Footprint(peak_memory(caffe.core.device.current_device().type), seconds)


def _evaluation(case: Case) -> Callable[[], object]:
    """A function that runs a forward pass, from an image to its scores."""
    spec = nets.net_for(DATASET, case.net, "deploy", width=case.width)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    _fill(net)
    image = _noise(3, case)
    net.blobs["data"].reshape(*image.shape)
    return lambda: net.forward(data=image)["score"].sum()


def _training(case: Case) -> Callable[[], object]:
    """A function that runs a step of stochastic gradient descent."""
    spec = nets.net_for(DATASET, case.net, "train", width=case.width)
    data = spec.layer[0]
    data.type = "Input"
    data.ClearField("python_param")
    for channels in (3, 1):
        data.input_param.shape.add(dim=[1, channels, *case.size])
    solver = caffe.SGDSolver(
        caffe_pb2.SolverParameter(
            train_net_param=spec,
            base_lr=1e-14,
            lr_policy="fixed",
            momentum=REGIMES["heavy"].momentum,
            weight_decay=0.0005,
        )
    )
    _fill(solver.net)
    solver.net.blobs["data"].data[...] = _noise(3, case)
    return lambda: solver.step(1)  # the label stays 0


def _noise(channels: int, case: Case) -> np.ndarray:
    """(1, channels, H, W) float32, of an image's range less the mean."""
    random = np.random.default_rng(0)
    return 120 * random.random((1, channels, *case.size), dtype=np.float32) - 60


def _fill(net: caffe.Net) -> None:
    """Draw the weights in place: surgery.random_weights makes copies, which would be counted."""
    random = np.random.default_rng(0)
    for name, (weights, *_) in net.params.items():
        if name.startswith("upscore"):
            interp(net, [name])
        else:
            array = weights.data
            random.standard_normal(out=array, dtype=np.float32)
            array *= np.sqrt(2 * len(array) / array.size)
