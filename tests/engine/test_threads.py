"""Laws of caffe/engine/threads.py: a small pass runs on one thread, and torch has all again."""

import pytest
import torch
from support.net_text import input_layer, net_of
from support.plain_path import conv, layer
from support.training import solver_of

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


@pytest.mark.parametrize(("size", "threads"), [(28, 1), (300, 2)])
def test_a_small_training_step_takes_one_thread(seen, size, threads, monkeypatch):
    """LeNet's step of ten images takes two thirds of the time of two threads."""
    expression = Convolution.expression

    def spy(self, *args):
        seen.append(torch.get_num_threads())
        return expression(self, *args)

    monkeypatch.setattr(Convolution, "expression", spy)
    net = input_layer("data", 1, 1, size, size) + conv("c", "data", "num_output: 20 kernel_size: 5")
    net += layer("Reduction", "loss", "c", "", "loss_weight: 1")
    solver = solver_of(net)
    solver.step(2)
    assert set(seen) == {threads}
    assert torch.get_num_threads() == 2
