"""How long a forward pass of the deploy nets takes on this machine (Tables 1 and 3)."""

import csv
import io
import statistics
import time
from collections.abc import Iterable

import numpy as np
import torch
from tqdm import tqdm

import caffe
import nets
from bench.environment import cpu
from caffe.proto import caffe_pb2
from solvers.choose_device import choose_device
from surgery.random_weights import draw

SIZE = 500  # pixels, as published
WARM_UP, ROUNDS = 2, 5
COLUMNS = ("net", "size", "milliseconds", "rounds", "machine")


def measure(names: Iterable[str], gpu: str | None, *, width: float = 1.0) -> list[dict[str, str]]:
    """A line of times.csv for each net, with the VOC classes: the median of ROUNDS passes.

    Weights are drawn; a pass begins with an image and ends with the scores, both in numpy arrays.
    """
    choose_device(gpu)
    machine = device()
    lines = []
    for name in tqdm(list(names), desc="measuring", unit="net", disable=None):
        spec = nets.net_for("voc", name, "deploy", width=width)
        net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
        draw(net)
        image = np.random.default_rng(0).normal(0, 60, (1, 3, SIZE, SIZE)).astype(np.float32)
        net.blobs["data"].reshape(*image.shape)
        seconds = [_pass(net, image) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
        values = [name, SIZE, f"{1000 * statistics.median(seconds):.1f}", ROUNDS, machine]
        lines.append(dict(zip(COLUMNS, map(str, values), strict=True)))
    return lines


def _pass(net: caffe.Net, image: np.ndarray) -> float:
    start = time.perf_counter()
    net.forward(data=image)["score"].sum()
    return time.perf_counter() - start


def device() -> str:
    """The name of what computes: the GPU, or the CPU and its threads."""
    if caffe.core.device.current_device().type == "cuda":
        return torch.cuda.get_device_name()
    return f"{cpu()}, {torch.get_num_threads()} threads"


def as_csv(lines: list[dict[str, str]]) -> str:
    """The lines of times.csv."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
