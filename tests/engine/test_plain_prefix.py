"""Laws of caffe/engine/plain_prefix.py: layers learn as one graph what they learn one by one."""

import pytest
from support.net_text import input_layer
from support.plain_path import conv, layer
from support.training import (
    POOL,
    feed,
    inner_product,
    loss_at_each_pixel,
    same_blobs,
    same_learning,
    setting,
    solver_of,
    step,
    twins,
)

import caffe
from caffe.engine.plain_prefix import PlainPrefix, PlainRun

DATA = input_layer("data", 2, 2, 10, 10)
LABEL = input_layer("label", 2)
END = inner_product("ip", "tip", 2) + LABEL + loss_at_each_pixel("ip")
BRANCHES = "".join(conv(f"to{i}", "base", f"num_output: {i + 2} kernel_size: 1") for i in range(4))
PARTS = {
    "a chain": conv("conv1", "data", "num_output: 4 kernel_size: 3")
    + layer("ReLU", "relu1", "conv1", "conv1")
    + layer("LRN", "norm1", "conv1")
    + layer("Pooling", "tip", "norm1", "", POOL),
    "four that read one": conv("base", "data", "num_output: 4 kernel_size: 3")
    + layer("ReLU", "relu", "base", "base")
    + BRANCHES
    + layer("Concat", "tip", "to0 to1 to2 to3"),
    "a layer that learns nothing": conv("base", "data", "num_output: 3 kernel_size: 3").replace(
        "convolution_param", "param { lr_mult: 0 } param { lr_mult: 0 } convolution_param"
    )
    + layer("ReLU", "relu", "base", "base")
    + conv("tip", "base", "num_output: 3 kernel_size: 2"),
    "what is added to all values": conv("conv", "data", "num_output: 3 kernel_size: 2")
    + layer("Bias", "tip", "conv", "", "bias_param { axis: 0 num_axes: -1 }"),
    "a scale and a shift of all values": conv("conv", "data", "num_output: 3 kernel_size: 2")
    + layer("Scale", "tip", "conv", "", "scale_param { axis: 0 num_axes: -1 bias_term: true }"),
    "one that nobody reads": conv("tip", "data", "num_output: 4 kernel_size: 3")
    + conv("unread", "data", "num_output: 2 kernel_size: 3"),
    "one that a loss reads too": conv("tip", "data", "num_output: 3 kernel_size: 10")
    + input_layer("target", 2, 3, 1, 1)
    + layer("EuclideanLoss", "side", "tip target", "", "loss_weight: 0.5"),
}


@pytest.fixture
def runs(monkeypatch):
    """The places of the layers that have run so, in each iteration."""
    found, init = [], PlainRun.__init__

    def noted(self, prefix: PlainPrefix, *args):
        found.append(list(prefix.layers))
        init(self, prefix, *args)

    monkeypatch.setattr(PlainRun, "__init__", noted)
    return found


def learn_the_same(text: str, iterations: int = 3) -> tuple:
    ours, theirs = twins(text)
    for i in range(iterations):
        for solver in (ours, theirs):
            feed(solver, i)
            step(solver, seed=i)
    same_learning(ours, theirs)
    assert ours.smoothed_loss == theirs.smoothed_loss
    return ours, theirs


@pytest.mark.parametrize("name", PARTS)
def test_bit_for_bit_the_same_is_learned_and_read(runs, name):
    """Diffs of four readers add up in the order of the Split's tops."""
    ours, theirs = learn_the_same(DATA + PARTS[name] + END)
    assert len(runs) == 3
    same_blobs(ours, theirs)
    for solver in (ours, theirs):
        step(solver)
    assert len(runs) == 3, "what was read is kept from then on"
    same_learning(ours, theirs)


FIRST = conv("first", "data", "num_output: 4 kernel_size: 3")
STOPS = {
    "a draw": layer("Dropout", "tip", "first"),
    "the memory of its bottom": layer(
        "Reshape", "tip", "first", "", "reshape_param { shape { dim: 2 dim: -1 } }"
    ),
    "data": input_layer("more", 2, 4, 8, 8) + layer("Eltwise", "tip", "first more"),
    "a loss weight": layer("Power", "tip", "first", "", "loss_weight: 0.001"),
}


@pytest.mark.parametrize("name", STOPS)
def test_it_ends_before(runs, name):
    text = DATA + FIRST + STOPS[name] + END
    learn_the_same(text)
    assert runs == [[1]] * 3


def test_no_two_outputs_are_one_memory(runs):
    """Where a layer gives its bottom as it is: a script may write to one of them."""
    text = DATA + conv("tip", "data", "num_output: 3 kernel_size: 1")
    text += layer("Crop", "same", "tip data", "", "crop_param { axis: 2 }")
    text += input_layer("target", 2, 3, 10, 10)
    text += layer("EuclideanLoss", "side", "same target", "", "loss_weight: 0.5")
    ours, theirs = learn_the_same(text + END)
    assert len(runs) == 3
    assert len(runs[0]) == 3  # with a Split
    tip, same = (ours.net._graph.blobs[name]._data.address for name in ("tip", "same"))
    assert tip != same
    same_blobs(ours, theirs)


def test_weights_that_are_updated_without_their_gradient_are_not_in_it(runs):
    with setting(products=True):
        solver = solver_of(DATA + PARTS["a chain"] + END)
        feed(solver, 0)
        solver.step(1)
    assert not runs


def test_activations_that_are_computed_twice_are_not_in_it(runs):
    with setting(recompute=True):
        learn_the_same(DATA + PARTS["a chain"] + END)
    assert not runs


def test_an_image_whose_diff_is_wanted_is_learned_through_as_before(runs):
    ours, theirs = learn_the_same(DATA + PARTS["a chain"] + END + "force_backward: true")
    assert not runs
    same_blobs(ours, theirs)


def test_a_parameter_of_another_shape_is_an_error_that_names_the_layer():
    solver = solver_of(DATA + PARTS["a chain"] + END)
    feed(solver, 0)
    solver.net.params["conv1"][0].reshape(4, 2, 3, 2)
    with pytest.raises(caffe.CaffeError, match=r"layer 'conv1' .*parameter 0 was reshaped"):
        solver.step(1)
