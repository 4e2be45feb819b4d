"""Laws of caffe/engine/cuda_graph.py: a pass that is replayed gives what one of Python gives.

Where there is no GPU a stand-in records torch's calls, and replays them as CUDA does: with the
memory of the capture, and without Python.
"""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from support.net_text import input_layer, net_of
from support.plain_path import FCN, image, layer, plain, twins
from support.planned import BEHIND_A_BORDER, images, with_outputs_written
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import caffe
from caffe.engine import cuda_graph, plan


class Recorded(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out

    def replay(self) -> None:
        for func, args, kwargs, out in self.calls:
            for there, new in zip(
                tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True
            ):
                if isinstance(new, torch.Tensor) and there.data_ptr() != new.data_ptr():
                    there.copy_(new)


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that were captured: on a GPU real ones."""
    made = []
    if torch.cuda.is_available():
        real = torch.cuda.CUDAGraph
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: made.append(real()) or made[-1])
        caffe.set_mode_gpu()
        yield made
        caffe.set_mode_cpu()
        return

    @contextmanager
    def recording(graph: Recorded, capture_error_mode: str):
        with graph:
            yield
        made.append(graph)

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Recorded)
    monkeypatch.setattr(torch.cuda, "graph", recording)
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    yield made


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_images_of_one_size_are_replays_from_the_third_on(precision, graphs, monkeypatch):
    caffe.set_precision(precision)
    ran = []
    monkeypatch.setattr(
        plan.Plan, "_run", lambda self, xs, real=plan.Plan._run: ran.append(1) or real(self, xs)
    )
    ours, theirs = twins(FCN)
    for seed in range(6):
        for net in (ours, theirs):
            net.blobs["data"].data[...] = image(seed, 1, 3, 20, 24)
        found, expected = ours.forward()["score"], theirs.forward()["score"]
        rounding = 1e-5 if precision == "fp32" else 2.0**-8
        assert np.abs(found - expected).max() <= rounding * np.abs(expected).max()
        assert len(graphs) == (seed >= 2)
    assert len(ran) == 3


def test_each_size_has_a_graph_of_its_own(graphs):
    ours, theirs = twins(FCN)
    images(ours, theirs, [(20, 24)] * 4 + [(33, 18)] * 4 + [(20, 24)] * 4)
    assert len(graphs) == 3
    images(ours, theirs, [(20, 24), (33, 18)] * 2)
    assert len(graphs) == 3


def test_other_weights_are_another_graph(graphs):
    solvers = twins(FCN)
    for round in range(3):
        for net in solvers:
            net.params["conv2"][0].data[...] = image(round, 4, 4, 3, 3)
        images(*solvers, [(20, 24)] * 4)
    assert len(graphs) == 3


@pytest.mark.parametrize("name", BEHIND_A_BORDER)
def test_what_a_script_writes_to_an_output_stays_out_of_a_replay(name, graphs):
    with_outputs_written(name, 5)
    assert len(graphs) == 1


def test_a_blob_that_is_read_later_is_of_its_image(graphs):
    ours, theirs = twins(FCN)
    images(ours, theirs, [(20, 24)] * 4)
    images(ours, theirs, [(20, 24)] * 4, look=True)
    assert graphs


LOOKING = {
    "a loss": layer("SoftmaxWithLoss", "loss", "data label"),
    "an accuracy": layer("Accuracy", "right", "data label"),
    "rows that another blob chooses": layer("BatchReindex", "rows", "data label"),
}


@pytest.mark.parametrize("name", LOOKING)
def test_a_layer_that_looks_at_values_is_in_no_graph(name, graphs):
    text = input_layer("data", 2, 3) + input_layer("label", 2) + LOOKING[name]
    ours, theirs = net_of(text), plain(net_of(text))
    for label in (0, 1, 1, 0, 1):
        for net in (ours, theirs):
            net.blobs["data"].data[...] = image(label, 2, 3)
            net.blobs["label"].data[...] = [label, 0]
        found, expected = ours.forward(), theirs.forward()
        for blob, values in expected.items():
            np.testing.assert_allclose(found[blob], values, rtol=1e-5)
    assert not graphs


def test_without_the_memory_for_a_graph_passes_run_as_before(graphs, monkeypatch):
    tried = []

    @contextmanager
    def full(graph, **how):
        tried.append(graph)
        raise torch.OutOfMemoryError("CUDA out of memory")
        yield

    monkeypatch.setattr(torch.cuda, "graph", full)
    ours, theirs = twins(FCN)
    images(ours, theirs, [(20, 24)] * 5)
    assert len(tried) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there all blobs are on the GPU")
def test_on_the_cpu_there_is_no_graph():
    assert not cuda_graph.can_capture([], {"data": torch.zeros(1)})
