"""Laws of caffe/engine/threads.py: a small pass runs on one thread, and torch has all again."""

import itertools
import sys
from types import ModuleType

import pytest
import torch
from support.net_text import input_layer, net_of
from support.plain_path import conv, layer, plain
from support.training import solver_of

import caffe
from caffe.layer_types.convolution import Convolution


@pytest.fixture
def seen(monkeypatch):
    """The number of threads that each convolution has run on; torch has 2 meanwhile."""
    threads, before, part = [], torch.get_num_threads(), Convolution.part

    def spy(self, *args):
        threads.append(torch.get_num_threads())
        if self.name == "broken":
            raise RuntimeError("broken")
        return part(self, *args)

    monkeypatch.setattr(Convolution, "part", spy)
    torch.set_num_threads(2)
    yield threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(("size", "threads"), [(28, 1), (300, 2)])
def test_a_small_pass_takes_one_thread(seen, size, threads):
    net = net_of(
        input_layer("data", 1, 1, size, size) + conv("c", "data", "num_output: 20 kernel_size: 5")
    )
    net.forward()
    assert set(seen) == {threads}
    assert torch.get_num_threads() == 2


def test_an_error_gives_the_threads_back(seen):
    net = net_of(
        input_layer("data", 1, 1, 9, 9) + conv("broken", "data", "num_output: 1 kernel_size: 3")
    )
    with pytest.raises(RuntimeError, match="broken"):
        net.forward()
    assert seen == [1]
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("size", "threads"), [(28, 1), (300, 2)])
def test_weights_are_laid_out_for_as_many_threads(monkeypatch, seen, size, threads):
    """oneDNN's order for another number of threads made LeNet three times as slow."""
    found, arranged = [], Convolution.arranged

    def spy(self, *args):
        found.append(torch.get_num_threads())
        return arranged(self, *args)

    monkeypatch.setattr(Convolution, "arranged", spy)
    net_of(
        input_layer("data", 1, 1, size, size) + conv("c", "data", "num_output: 20 kernel_size: 5")
    ).forward()
    assert found == [threads]


@pytest.fixture
def trained(seen, monkeypatch):
    """As `seen`, of convolutions that run layer by layer."""
    expression = Convolution.expression

    def spy(self, *args):
        seen.append(torch.get_num_threads())
        return expression(self, *args)

    monkeypatch.setattr(Convolution, "expression", spy)
    return seen


CONV = conv("c", "data", "num_output: 20 kernel_size: 5")
LOSS = layer("Reduction", "loss", "c", "", "loss_weight: 1")


@pytest.mark.parametrize(("size", "threads"), [(28, 1), (300, 2)])
def test_a_small_training_step_takes_one_thread(trained, size, threads):
    """LeNet's step of one image takes three quarters of the time of two threads."""
    solver = solver_of(input_layer("data", 1, 1, size, size) + CONV + LOSS)
    solver.step(2)
    assert set(trained) == {threads}
    assert solver.net.blobs["c"].data.any()  # it is computed again, as it was
    assert set(trained) == {threads}
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("watched", [False, True])
def test_an_iteration_takes_as_many_as_its_own_data_ask_for(trained, watched, monkeypatch):
    """Else what is rounded would depend on the iteration before, and on where a run goes on."""
    sizes = itertools.cycle([300, 28, 28, 300])

    class Data(caffe.Layer):
        def setup(self, bottom, top):
            pass

        def reshape(self, bottom, top):
            top[0].reshape(1, 1, *[next(sizes)] * 2)

        def forward(self, bottom, top):
            top[0].data[...] = 1

        def backward(self, top, propagate_down, bottom):
            pass

    module = ModuleType("data_of_sizes")
    module.Data = Data
    monkeypatch.setitem(sys.modules, "data_of_sizes", module)
    data = "python_param { module: 'data_of_sizes' layer: 'Data' }"
    solver = solver_of(layer("Python", "data", "", "data", data) + CONV + LOSS)
    if watched:
        plain(solver.net)
    next(sizes), next(sizes), next(sizes)
    solver.step(8)
    assert trained == [2, 1, 1, 2] * 2
