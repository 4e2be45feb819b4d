"""caffe.Net: how a net is put together (Net::Init) and run, as pycaffe shows it."""

import itertools
from collections import OrderedDict

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from support.net_text import input_layer, net_of

import caffe
from caffe.graph import canonical
from caffe.proto import caffe_pb2

NetParameter, NetState = caffe_pb2.NetParameter, caffe_pb2.NetState


def ip(name, bottom, top=None, outputs=2, more=""):
    """An InnerProduct layer with gaussian weights."""
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top or name}" '
        f"inner_product_param {{ num_output: {outputs} bias_term: false "
        f'weight_filler {{ type: "gaussian" std: 1 }} }} {more} }}'
    )


def layer(kind, name, bottoms=(), tops=(), more=""):
    blobs = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "{name}" type: "{kind}"{blobs} {more} }}'


def weighted(name, bottom, weight=1):
    """A layer whose top is a loss: the weighted sum of its values."""
    return layer("ReLU", name, [bottom], [name], f"loss_weight: {weight}")


X = input_layer("x", 2, 3)


# Which layers a state runs.

STAGES = ("a", "b")


@st.composite
def rules(draw):
    rule = caffe_pb2.NetStateRule()
    if draw(st.booleans()):
        rule.phase = draw(st.sampled_from([caffe.TRAIN, caffe.TEST]))
    if draw(st.booleans()):
        rule.min_level = draw(st.integers(-1, 2))
    if draw(st.booleans()):
        rule.max_level = draw(st.integers(-1, 2))
    rule.stage.extend(s for s in STAGES if draw(st.integers(0, 3)) == 0)
    rule.not_stage.extend(s for s in STAGES if draw(st.integers(0, 3)) == 0)
    return rule


def met(rule, phase, level, stages):
    """StateMeetsRule, clause by clause."""
    if rule.HasField("phase") and rule.phase != phase:
        return False
    if rule.HasField("min_level") and level < rule.min_level:
        return False
    if rule.HasField("max_level") and level > rule.max_level:
        return False
    if set(rule.stage) - set(stages):
        return False
    return not set(rule.not_stage) & set(stages)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(rules(), max_size=3),
    st.booleans(),
    st.sampled_from([caffe.TRAIN, caffe.TEST]),
    st.integers(-1, 2),
    st.sets(st.sampled_from(STAGES)),
)
def test_a_layer_runs_where_any_include_rule_or_no_exclude_rule_is_met(
    some, include, phase, level, stages
):
    net = NetParameter()
    made = net.layer.add(name="l", type="Input")
    (made.include if include else made.exclude).extend(some)
    state = NetState(phase=phase, level=level, stage=sorted(stages))
    hits = [met(rule, phase, level, stages) for rule in some]
    expected = (not some or any(hits)) if include else not any(hits)
    assert bool(canonical.describe(net, state).layer) == expected


def test_include_and_exclude_together_are_an_error():
    with pytest.raises(caffe.CaffeError, match=r"'x'.*not both"):
        net_of(input_layer("x", 1, more="include { } exclude { }"))


def test_phase_level_and_stages_reach_the_rules_and_add_to_the_prototxts_own_state():
    text = 'state { stage: "own" level: 7 } ' + "".join(
        input_layer(name, 1, more=f"include {{ {rule} }}")
        for name, rule in (
            ("train", "phase: TRAIN"),
            ("low", "max_level: 0"),
            ("high", "min_level: 2"),
            ("given", 'stage: "a"'),
            ("own", 'stage: "own"'),
            ("both", 'stage: "own" stage: "a"'),
            ("not", 'not_stage: "a"'),
        )
    )
    assert list(net_of(text).blobs) == ["low", "own", "not"]
    with_all = net_of(text, caffe.TRAIN, level=2, stages=["a"])
    assert list(with_all.blobs) == ["train", "high", "given", "own", "both"]


# Splits.


def splits(text: str) -> list:
    net = text_format.Parse(text, NetParameter())
    return list(canonical.insert_splits(net).layer)


@pytest.mark.smoke
def test_a_blob_that_two_layers_read_is_split_under_caffes_names():
    layers = splits(X + ip("a", "x") + ip("b", "x") + ip("c", "a"))
    assert [made.name for made in layers] == ["x", "x_x_0_split", "a", "b", "c"]
    assert list(layers[1].bottom) == ["x"]
    assert list(layers[1].top) == ["x_x_0_split_0", "x_x_0_split_1"]
    assert [list(made.bottom) for made in layers[2:]] == [
        ["x_x_0_split_0"],
        ["x_x_0_split_1"],
        ["a"],
    ]


def test_after_an_in_place_layer_the_split_carries_that_layers_name_and_top_number():
    relu = layer("ReLU", "relu", ["a"], ["a"])
    slice_ = layer("Slice", "cut", ["a"], ["p", "q"])
    layers = splits(X + ip("a", "x") + relu + slice_ + ip("b", "q") + ip("c", "q"))
    assert [made.name for made in layers if made.type == "Split"] == ["q_cut_1_split"]
    layers = splits(X + ip("a", "x") + relu + ip("b", "a") + ip("c", "a"))
    assert layers[3].name == "a_relu_0_split"
    assert list(layers[2].bottom) == list(layers[2].top) == ["a"]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("Pooling", "pooling_param { kernel_size: 2 }"),
        ("ArgMax", ""),
        ("Tile", "tile_param { tiles: 2 }"),
    ],
)
def test_a_layer_whose_top_has_another_size_cannot_run_in_place(kind, more):
    """Its bottom would be gone before it is read."""
    message = rf"layer 'l' \({kind}\): cannot run in place.*\(1, 2, 3, 3\).*another name than 'x'"
    with pytest.raises(caffe.CaffeError, match=message):
        net_of(input_layer("x", 1, 2, 3, 3) + layer(kind, "l", ["x"], ["x"], more))


def test_filter_does_not_run_in_place():
    inputs = input_layer("x", 2, 3) + input_layer("s", 2)
    with pytest.raises(caffe.CaffeError, match=r"layer 'f' \(Filter\): does not run in place"):
        net_of(inputs + layer("Filter", "f", ["x", "s"], ["x"]))


def test_a_loss_that_another_layer_reads_moves_its_weight_to_the_splits_first_top():
    text = X + ip("a", "x", more="loss_weight: 3") + ip("b", "a")
    layers = splits(text)
    assert layers[2].name == "a_a_0_split"
    assert list(layers[2].loss_weight) == [3, 0]
    assert not layers[1].loss_weight
    assert list(layers[3].bottom) == ["a_a_0_split_1"]
    net = net_of(text)
    assert net.blob_loss_weights["a_a_0_split_0"] == 3
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    assert np.all(net.blobs["a"].diff == 3)


# Backward.


def numeric(net, array, loss, step=1e-2):
    """The derivative of loss(net) by each value of a blob's data, by central differences."""
    grad = np.zeros(array.shape)
    for at in np.ndindex(array.shape):
        kept = array[at]
        values = []
        for sign in (1, -1):
            array[at] = kept + sign * step
            values.append(loss(net))
        array[at] = kept
        grad[at] = (values[0] - values[1]) / (2 * step)
    return grad


def total_loss(net):
    net.forward()
    return sum(
        weight * float(net.blobs[name].data.sum())
        for name, weight in net.blob_loss_weights.items()
        if weight
    )


def test_gradients_of_a_blob_that_several_layers_read_add_up():
    caffe.set_random_seed(0)
    text = "force_backward: true " + X + ip("a", "x") + ip("b", "x") + ip("c", "x")
    text += layer("Eltwise", "sum", ["a", "b", "c"], ["sum"], "loss_weight: 1")
    net = net_of(text)
    net.forward()
    net.backward()
    weights = [net.params[name][0].data for name in "abc"]
    expected = np.tile(np.sum(weights, (0, 1)), (2, 1))
    np.testing.assert_allclose(net.blobs["x"].diff, expected, rtol=1e-5, atol=1e-6)


def test_the_whole_nets_gradient_is_the_derivative_of_its_weighted_losses():
    caffe.set_random_seed(1)
    text = (
        "force_backward: true "
        + X
        + ip("a", "x", outputs=4)
        + layer("Softmax", "soft", ["a"], ["soft"])
        + ip("b", "soft", outputs=3)
        + layer("Eltwise", "prod", ["b", "x"], ["prod"], "eltwise_param { operation: PROD }")
        + weighted("one", "prod", 2)
        + weighted("two", "a", 0.5)
    )
    net = net_of(text)
    x = net.blobs["x"].data
    x[...] = np.random.RandomState(0).uniform(0.5, 1, x.shape)
    for blob in (net.blobs["x"], net.params["a"][0], net.params["b"][0]):
        net.clear_param_diffs()
        net.forward()
        net.backward()
        diff = blob.diff.copy()
        np.testing.assert_allclose(diff, numeric(net, blob.data, total_loss), rtol=2e-2, atol=2e-3)


def test_backward_twice_adds_to_parameter_diffs_but_sets_blob_diffs():
    net = net_of("force_backward: true " + X + ip("a", "x", more="loss_weight: 1"))
    net.blobs["x"].data[...] = np.arange(6).reshape(2, 3)
    net.forward()
    net.backward()
    param, blob = net.params["a"][0].diff.copy(), net.blobs["x"].diff.copy()
    assert param.any()
    net.backward()
    assert np.array_equal(net.params["a"][0].diff, 2 * param)
    assert np.array_equal(net.blobs["x"].diff, blob)
    net.clear_param_diffs()
    assert not net.params["a"][0].diff.any()


def test_lr_mult_0_means_no_gradient_unless_backward_is_forced():
    text = X + ip("a", "x", more="param { lr_mult: 0 }") + ip("b", "a", more="loss_weight: 1")
    for force in (False, True):
        net = net_of(f"force_backward: {str(force).lower()} {text}")
        net.blobs["x"].data[...] = 1
        net.forward()
        net.backward()
        assert net.params["b"][0].diff.any()
        assert bool(net.params["a"][0].diff.any()) == force
        assert bool(net.blobs["a"].diff.any()) == force
        assert bool(net.blobs["x"].diff.any()) == force


def test_a_diff_goes_no_further_down_than_something_learnable():
    net = net_of(X + ip("a", "x") + ip("b", "a", more="loss_weight: 1"))
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    assert net.blobs["a"].diff.any()
    assert not net.blobs["x"].diff.any()


@pytest.mark.parametrize("down", [True, False])
def test_propagate_down_decides_for_one_bottom(down):
    text = X + ip("a", "x") + ip("b", "x")
    text += layer(
        "Eltwise",
        "sum",
        ["a", "b"],
        ["sum"],
        f"loss_weight: 1 propagate_down: {str(down).lower()} propagate_down: true",
    )
    net = net_of(text)
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    assert bool(net.blobs["a"].diff.any()) == down
    assert bool(net.params["a"][0].diff.any()) == down
    assert net.params["b"][0].diff.any()
    onward = X + ip("a", "x", more="loss_weight: 1 propagate_down: true")
    net = net_of(onward)
    net.forward()
    net.backward()
    assert net.blobs["x"].diff.any()


def test_layers_under_no_loss_do_not_run_backward():
    net = net_of(X + ip("a", "x") + ip("free", "a") + ip("b", "a", more="loss_weight: 1"))
    net.blobs["x"].data[...] = 1
    net.blobs["free"].diff[...] = 5
    net.forward()
    net.backward()
    assert not net.params["free"][0].diff.any()
    assert net.params["b"][0].diff.any()
    deploy = net_of(X + ip("a", "x"))
    deploy.blobs["a"].diff[...] = 5
    deploy.forward()
    deploy.backward()
    assert not deploy.params["a"][0].diff.any()


def test_a_label_that_comes_from_something_learnable_is_an_error_of_backward():
    text = (
        X
        + ip("a", "x", outputs=3)
        + layer("Slice", "cut", ["a"], ["s", "l"], "slice_param { slice_point: 2 }")
    )
    text += layer("SoftmaxWithLoss", "loss", ["s", "l"], ["loss"])
    net = net_of(text)
    net.forward()
    with pytest.raises(caffe.CaffeError, match=r"'loss'.*no gradient for bottom 1.*propagate_down"):
        net.backward()
    fixed = text.replace('top: "loss"', 'top: "loss" propagate_down: true propagate_down: false')
    net = net_of(fixed)
    net.forward()
    net.backward()
    assert not net.blobs["l"].diff.any()


def test_loss_weight_scales_the_gradient_and_a_loss_layer_weighs_1_by_default():
    label = input_layer("label", 2)
    text = X + label + ip("a", "x", outputs=3)
    diffs = []
    for weight in ("", "loss_weight: 1", "loss_weight: 2.5"):
        caffe.set_random_seed(0)
        net = net_of(text + layer("SoftmaxWithLoss", "loss", ["a", "label"], ["loss"], weight))
        net.blobs["x"].data[...] = 1
        net.forward()
        net.backward()
        diffs.append(net.params["a"][0].diff.copy())
    assert diffs[0].any()
    assert np.array_equal(diffs[0], diffs[1])
    np.testing.assert_allclose(diffs[2], 2.5 * diffs[0], rtol=1e-6)


def test_a_loss_need_not_name_its_top_and_is_no_output_then():
    text = X + input_layer("label", 2) + ip("a", "x", outputs=3)
    net = net_of(text + layer("SoftmaxWithLoss", "loss", ["a", "label"]))
    assert net.outputs == []
    net.forward(x=np.ones((2, 3)), label=np.zeros(2))
    net.backward()
    assert net.params["a"][0].diff.any()


def test_a_loss_keeps_its_weight_as_diff_after_a_reshape():
    net = net_of("force_backward: true " + X + weighted("loss", "x", 3))
    net.blobs["x"].reshape(5, 1)
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    assert np.array_equal(net.blobs["x"].diff, np.full((5, 1), 3))


# Shared parameters.


def shared(first="", second="", outputs=3):
    """x -> a -> b with one weight matrix of shape 3 x 3 under the name w."""
    return (
        "force_backward: true "
        + X
        + ip("a", "x", outputs=3, more=f'param {{ name: "w" {first} }}')
        + ip("b", "a", outputs=outputs, more=f'loss_weight: 1 param {{ name: "w" {second} }}')
    )


def test_parameters_of_one_name_are_one_blob_whose_gradients_add_up():
    caffe.set_random_seed(0)
    net = net_of(shared())
    x, w = net.blobs["x"].data, net.params["a"][0].data
    x[...] = np.random.RandomState(0).standard_normal(x.shape)
    assert len(net._graph.params) == 1
    net.params["b"][0].data[0, 0] = 4
    assert w[0, 0] == 4
    net.forward()
    net.backward()
    ones = np.ones((2, 3))
    by_b, by_a = ones.T @ net.blobs["a"].data, (ones @ w).T @ x
    np.testing.assert_allclose(net.params["a"][0].diff, by_a + by_b, rtol=1e-4, atol=1e-5)
    assert np.array_equal(net.params["a"][0].diff, net.params["b"][0].diff)


def test_a_strict_share_needs_equal_shapes_and_a_permissive_one_equal_counts():
    with pytest.raises(caffe.CaffeError, match=r"'b'.*'w'.*\(3, 3\).*\(2, 3\)"):
        net_of(shared(outputs=2))
    conv = (
        "force_backward: true "
        + input_layer("x", 1, 4, 1, 1)
        + layer(
            "Convolution",
            "a",
            ["x"],
            ["a"],
            'param { name: "w" } '
            "convolution_param { num_output: 4 kernel_size: 1 bias_term: false }",
        )
        + ip("b", "a", outputs=4, more='loss_weight: 1 param { name: "w" share_mode: PERMISSIVE }')
    )
    net = net_of(conv)
    net.blobs["x"].data[...] = 1
    net.params["a"][0].data[...] = np.arange(16).reshape(4, 4, 1, 1)
    assert np.array_equal(net.params["b"][0].data, np.arange(16).reshape(4, 4))
    net.forward()
    net.backward()
    assert net.params["b"][0].diff.shape == (4, 4)
    assert net.params["a"][0].diff.any()
    with pytest.raises(caffe.CaffeError, match="shares parameter"):
        net_of(conv.replace("share_mode: PERMISSIVE", "share_mode: STRICT"))


@pytest.mark.parametrize("mult", ["lr_mult", "decay_mult"])
def test_those_who_share_agree_on_the_multipliers_and_the_first_to_state_one_decides(mult):
    for first, second in ((2, 2), (2, None), (None, 2)):
        text = shared(*(f"{mult}: {m}" if m else "" for m in (first, second)))
        assert getattr(net_of(text)._graph.params[0], mult) == 2
    with pytest.raises(caffe.CaffeError, match=rf"{mult} is 2, not 3"):
        net_of(shared(f"{mult}: 2", f"{mult}: 3"))


def test_more_param_specs_than_parameters_are_an_error():
    with pytest.raises(caffe.CaffeError, match="has 1 parameter"):
        net_of(X + ip("a", "x", more="param { } param { }"))


# Partial passes and arguments.

CHAIN = "force_backward: true " + X + ip("a", "x") + ip("b", "a", outputs=4) + ip("c", "b")


def test_forward_returns_the_outputs_and_the_blobs_asked_for():
    net = net_of(CHAIN)
    out = net.forward(blobs=["a"], x=np.ones((2, 3)))
    assert set(out) == {"c", "a"}
    assert np.shares_memory(out["a"], net.blobs["a"].data)
    assert np.all(net.blobs["x"].data == 1)


def test_forward_from_start_to_end_runs_only_those_layers():
    net = net_of(CHAIN)
    net.forward(x=np.ones((2, 3)))
    net.blobs["a"].data[...] = 2
    out = net.forward(start="b", end="b")
    assert set(out) == {"b"}
    np.testing.assert_allclose(
        out["b"], 2 * net.params["b"][0].data.sum(1)[None].repeat(2, 0), 1e-5
    )
    c = net.blobs["c"].data.copy()
    net.forward(end="b")
    assert np.array_equal(net.blobs["c"].data, c)
    assert not np.all(net.blobs["a"].data == 2)


def test_backward_from_start_to_end_sets_only_the_diffs_between():
    """DeepDream's way: a diff is written in the middle and carried down from there."""
    net = net_of(CHAIN)
    net.forward(x=np.ones((2, 3)))
    net.blobs["c"].diff[...] = 100
    net.blobs["b"].diff[...] = 1
    out = net.backward(start="b", end="b", diffs=["b"])
    assert set(out) == {"a", "b"}
    np.testing.assert_allclose(
        out["a"], net.params["b"][0].data.sum(0)[None].repeat(2, 0), rtol=1e-5
    )
    assert not net.blobs["x"].diff.any()
    assert not net.params["c"][0].diff.any()
    assert set(net.backward(c=np.ones((2, 2)))) == {"x"}
    assert np.all(net.blobs["c"].diff == 1)


def test_a_bottom_written_between_forward_and_backward_counts():
    """As in Caffe, backward reads the blobs as they are then."""
    net = net_of(CHAIN)
    net.forward(x=np.ones((2, 3)))
    net.blobs["x"].data[...] = 5
    net.blobs["a"].diff[...] = 1
    net.backward(start="a", end="a")
    assert np.array_equal(net.params["a"][0].diff, np.full((2, 3), 10))


READ_TWICE = (
    "force_backward: true "
    + input_layer("data", 1, 1)
    + layer("Power", "x", ["data"], ["x"], "power_param { scale: 2 }")
    + layer("Power", "y", ["x"], ["y"], "power_param { shift: 1 }")
    + layer("Eltwise", "z", ["x", "y"], ["z"])
)


@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST])
@pytest.mark.parametrize("watched", [False, True])
def test_all_readers_of_a_blob_find_what_it_holds_in_partial_passes_too(phase, watched):
    """A Split's tops are its bottom's memory; a pass from y on begins behind the Split."""
    net = net_of(READ_TWICE, phase)
    if watched:
        net.before_forward(lambda i: None)
    assert net.forward(data=np.ones((1, 1)))["z"] == 5
    net.blobs["data"].data[...] = 10
    assert net.forward(end="x")["x"] == 20
    assert net.forward(start="y")["z"] == 41
    net.blobs["x"].data[...] = 100
    assert net.forward(start="y")["z"] == 201
    net.blobs["x_x_0_split_1"].data[...] = 7
    assert net.forward(start="y")["z"] == 15
    assert net.blobs["x"].data == 7


def test_readers_of_a_blob_have_diffs_of_their_own_whose_sum_is_the_blobs():
    net = net_of(READ_TWICE)
    net.forward()
    net.backward(z=np.full((1, 1), 3))
    assert net.blobs["x"].diff == 6
    net.blobs["x_x_0_split_0"].diff[...] = 10
    assert net.blobs["x"].diff == 6
    net.backward(start="x_x_0_split", end="data")
    assert net.blobs["x"].diff == 13
    assert net.blobs["data"].diff == 26


def test_backward_reads_a_bottom_that_a_partial_pass_has_computed_since():
    body = "power_param { power: 2 scale: 3 }"
    net = net_of(READ_TWICE + layer("Power", "w", ["z"], ["w"], body))
    for value in (1, 2):
        net.blobs["data"].data[...] = value
        net.forward(end="z")
        net.backward(w=np.ones((1, 1)), start="w", end="w")
        assert net.blobs["z"].diff == 18 * (4 * value + 1)


@pytest.mark.parametrize("watched", [False, True])
def test_where_the_maxima_were_is_what_forward_found(watched):
    """pooling_layer.cpp keeps a mask; what a script writes to the bottom later is nothing to it."""
    text = "force_backward: true " + input_layer("x", 1, 1, 2, 2)
    text += layer("Power", "a", ["x"], ["a"])
    net = net_of(text + layer("Pooling", "p", ["a"], ["p"], "pooling_param { kernel_size: 2 }"))
    if watched:
        net.before_forward(lambda i: None)
    net.forward(x=np.array([[[[1, 2], [4, 3]]]]))
    net.blobs["a"].data[...] = [[9, 1], [1, 1]]
    net.backward(p=np.ones((1, 1, 1, 1)))
    assert np.array_equal(net.blobs["a"].diff, [[[[0, 0], [1, 0]]]])
    net.forward(start="p")
    net.blobs["a"].data[...] = 0
    net.backward()
    assert np.array_equal(net.blobs["a"].diff, [[[[1, 0], [0, 0]]]])


def test_a_diff_that_a_script_writes_to_a_loss_stays_in_a_reshape():
    net = net_of("force_backward: true " + X + weighted("loss", "x", 3))
    net.blobs["x"].data[...] = 1
    net.blobs["loss"].diff[...] = 5
    net.blobs["x"].reshape(1, 3)
    net.reshape()
    net.backward()
    assert np.all(net.blobs["x"].diff == 5)


def test_diffs_stay_in_a_reshape():
    """DeepDream writes the diff of its layer once, and reads others after the next reshape."""
    net = net_of(CHAIN)
    net.forward(x=np.ones((2, 3)))
    net.backward(c=np.ones((2, 2)))
    diff = net.blobs["a"].diff.copy()
    net.blobs["x"].reshape(1, 3)
    net.forward()
    assert np.array_equal(net.blobs["a"].diff, diff[:1])
    net.blobs["x"].reshape(2, 3)
    net.reshape()
    assert np.array_equal(net.blobs["a"].diff, diff)
    net.blobs["x"].reshape(3, 3)
    net.reshape()
    assert not net.blobs["a"].diff.any()


def test_a_top_written_between_forward_and_backward_does_not_change_relus_gradient():
    net = net_of("force_backward: true " + X + layer("ReLU", "relu", ["x"], ["y"]))
    net.forward(x=np.ones((2, 3)))
    net.blobs["y"].data[...] = 0
    net.backward(y=np.ones((2, 3)))
    assert np.all(net.blobs["x"].diff == 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n: n.forward(y=np.ones((2, 3))), r"input arguments must be \['x'\].*\['y'\]"),
        (lambda n: n.backward(x=np.ones((2, 3))), r"output arguments must be \['c'\].*\['x'\]"),
        (lambda n: n.forward(x=np.ones((4, 3))), r"'x'.*\(4,\).*\(2, 3\).*reshape"),
        (lambda n: n.forward(end="z"), "no layer 'z'"),
        (lambda n: n.backward(start="z"), "no layer 'z'"),
        (lambda n: n.forward(blobs=["z"]), "no blob 'z'"),
        (lambda n: n.forward_all(), r"arrays of one length for \['x'\]"),
    ],
)
def test_a_wrong_argument_of_a_pass_is_a_clear_error(call, message):
    with pytest.raises(caffe.CaffeError, match=message):
        call(net_of(CHAIN))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 7))
def test_forward_all_runs_batches_and_drops_what_fills_up_the_last(count):
    net = net_of(CHAIN)
    x = np.random.RandomState(count).standard_normal((count, 3)).astype(np.float32)
    a, b, c = (net.params[name][0].data for name in "abc")
    out = net.forward_all(blobs=["a"], x=x)
    np.testing.assert_allclose(out["a"], x @ a.T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["c"], x @ a.T @ b.T @ c.T, rtol=1e-4, atol=1e-4)
    diff = np.random.RandomState(9).standard_normal((count, 2)).astype(np.float32)
    outs, diffs = net.forward_backward_all(blobs=["a"], diffs=["b"], x=x, c=diff)
    assert np.array_equal(outs["a"], out["a"])
    np.testing.assert_allclose(diffs["b"], diff @ c, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(diffs["x"], diff @ c @ b @ a, rtol=1e-4, atol=1e-4)


def test_forward_all_of_a_net_with_a_loss_gives_one_loss_a_batch():
    text = X + input_layer("label", 2) + layer("SoftmaxWithLoss", "l", ["x", "label"], ["loss"])
    out = net_of(text).forward_all(x=np.zeros((3, 3)), label=np.zeros(3))
    np.testing.assert_allclose(out["loss"], [np.log(3)] * 2, rtol=1e-6)


def test_reshape_brings_every_blob_in_step_with_the_inputs():
    net = net_of(CHAIN)
    net.blobs["x"].reshape(5, 3)
    net.reshape()
    assert [blob.shape for blob in net.blobs.values()] == [(5, 3), (5, 2), (5, 4), (5, 2)]
    net.blobs["x"].reshape(7, 3)
    assert net.forward()["c"].shape == (7, 2)
    net.blobs["x"].reshape(7, 4)
    with pytest.raises(caffe.CaffeError, match=r"'a'.*3 inputs.*\(7, 4\)"):
        net.forward()


# Names and tables.


def test_tables_are_ordered_as_the_layers_and_outputs_by_name():
    text = input_layer("data", 2, 3) + input_layer("aux", 2, 3)
    text += ip("z", "data", more="loss_weight: 2") + ip("b", "aux")
    text += layer("ReLU", "r", ["b"], ["b"])
    net = net_of(text)
    assert list(net.blobs) == ["data", "aux", "z", "b"]
    assert list(net.params) == ["z", "b"]
    assert all(isinstance(p, OrderedDict) for p in (net.blobs, net.params, net.top_names))
    assert list(net.layer_dict) == ["data", "aux", "z", "b", "r"]
    assert [made.type for made in net.layers] == ["Input", "Input", *["InnerProduct"] * 2, "ReLU"]
    assert net.layer_dict["z"] is net.layers[2]
    assert net.layers[2].blobs[0] is net.params["z"][0]
    assert net.inputs == ["data", "aux"]
    assert net.outputs == ["b", "z"]
    assert net.top_names["r"] == net.bottom_names["r"] == ["b"]
    assert net.bottom_names["data"] == []
    assert net.blob_loss_weights == {"data": 0, "aux": 0, "z": 2, "b": 0}
    assert [net._blob_names[i] for i in net._bottom_ids(4)] == ["b"]
    assert [net._blob_names[i] for i in net._top_ids(2)] == ["z"]
    assert net._layer_names == list(net.layer_dict)


def test_layers_may_share_a_name_and_parameters_of_two_are_not_saved_under_one(tmp_path):
    relu = layer("ReLU", "r", ["x"], ["y"])
    net = net_of(X + relu + relu.replace('"y"', '"z"').replace('"x"', '"y"'))
    assert list(net.forward()) == ["z"]
    mixed = net_of(X + ip("a", "x") + layer("ReLU", "a", ["a"], ["a"]))
    mixed.save(tmp_path / "w.caffemodel")
    again = net_of(X + ip("a", "x") + layer("ReLU", "a", ["a"], ["a"]))
    again.copy_from(tmp_path / "w.caffemodel")
    assert np.array_equal(again.params["a"][0].data, mixed.params["a"][0].data)
    again.share_with(mixed)
    with pytest.raises(caffe.CaffeError, match=r"'a'.*rename"):
        net_of(X + ip("a", "x", "p") + ip("a", "p", "q")).save(tmp_path / "w.caffemodel")


LEGACY = {
    "input_dim": " ".join(f"input_dim: {d}" for d in (1, 3, 4, 5, 2, 1, 1, 1)),
    "input_shape": "input_shape { dim: 1 dim: 3 dim: 4 dim: 5 } input_shape { dim: 2 dim: 1"
    " dim: 1 dim: 1 }",
}


@pytest.mark.parametrize("form", LEGACY)
def test_the_legacy_input_fields_are_an_input_layer_in_front(form):
    relu = layer("ReLU", "r", ["a"], ["r"])
    net = net_of(f'input: "a" input: "b" {LEGACY[form]} {relu}')
    assert net.inputs == ["a", "b"]
    assert [net.blobs[n].shape for n in "ab"] == [(1, 3, 4, 5), (2, 1, 1, 1)]
    assert list(net.layer_dict) == ["input", "r"]
    assert net.outputs == ["b", "r"]
    with pytest.raises(caffe.CaffeError, match="4 input_dim each"):
        net_of('input: "a" input_dim: 1')


# Construction and parameters from files.


def test_every_form_of_the_constructor(tmp_path):
    path, weights = str(tmp_path / "net.prototxt"), str(tmp_path / "w.caffemodel")
    low, staged = (
        input_layer(name, 1, more=f"include {{ {rule} }}")
        for name, rule in (("low", "max_level: 1"), ("staged", 'stage: "s"'))
    )
    (tmp_path / "net.prototxt").write_text(X + ip("a", "x") + low + staged)
    source = caffe.Net(path, caffe.TEST)
    source.save(weights)
    for net in (
        caffe.Net(path, weights, caffe.TEST),
        caffe.Net(path, caffe.TEST, weights=weights),
        caffe.Net(network_file=path, phase=caffe.TEST, weights=weights),
        caffe.Net(tmp_path / "net.prototxt", tmp_path / "w.caffemodel", caffe.TEST),
        caffe.Net(path, caffe.TEST, 0, None, weights),
    ):
        assert np.array_equal(net.params["a"][0].data, source.params["a"][0].data)
        assert list(net.blobs) == ["x", "a", "low"]
    for net in (
        caffe.Net(path, caffe.TRAIN, 2, ["s"]),
        caffe.Net(path, phase=caffe.TRAIN, level=2, stages=["s", "t"]),
    ):
        assert list(net.blobs) == ["x", "a", "staged"]


def test_save_and_copy_from_keep_every_bit_and_match_layers_by_name(tmp_path):
    path = str(tmp_path / "w.caffemodel")
    source = net_of(
        X
        + ip("a", "x")
        + ip("b", "a")
        + layer("Scale", "s", ["b"], ["s"], "scale_param { num_axes: 0 }")
    )
    source.params["s"][0].data[...] = 3
    source.save(path)
    target = net_of(X + ip("b", "x", outputs=2, more="") + ip("new", "b"))
    new = target.params["new"][0].data.copy()
    with pytest.raises(caffe.CaffeError, match=r"'b'.*\(2, 3\).*\(2, 2\)"):
        target.copy_from(path)
    again = net_of(
        X
        + ip("new", "x")
        + ip("b", "new")
        + layer("Scale", "s", ["b"], ["s"], "scale_param { num_axes: 0 }")
    )
    new = again.params["new"][0].data.copy()
    again.copy_from(path)
    assert np.array_equal(again.params["b"][0].data, source.params["b"][0].data)
    assert again.params["s"][0].data == 3
    assert np.array_equal(again.params["new"][0].data, new)


def test_share_with_makes_one_memory_of_the_parameters_of_equal_names():
    text = X + ip("a", "x") + ip("b", "a")
    one, two = net_of(text), net_of(text.replace('"b"', '"other"'))
    two.share_with(one)
    one.params["a"][0].data[...] = 7
    assert np.all(two.params["a"][0].data == 7)
    assert not np.array_equal(two.params["other"][0].data, one.params["b"][0].data)
    one.params["a"][0].diff[...] = 1
    assert not two.params["a"][0].diff.any()
    with pytest.raises(caffe.CaffeError, match=r"'a'.*\(2, 3\).*\(5, 3\)"):
        net_of(X + ip("a", "x", outputs=5)).share_with(one)


def test_share_with_shares_nothing_where_a_layer_does_not_fit():
    one = net_of(X + ip("a", "x") + ip("b", "a"))
    two = net_of(X + ip("a", "x") + ip("b", "a", outputs=7))
    before = two.params["a"][0].data.copy()
    with pytest.raises(caffe.CaffeError, match="'b'"):
        two.share_with(one)
    assert np.array_equal(two.params["a"][0].data, before)
    one.params["a"][0].data[...] = 9
    assert np.array_equal(two.params["a"][0].data, before)


# Python layers.


class Logged(caffe.Layer):
    """y = w x + phase: with a parameter of its own, and a list of what was called."""

    calls: list = []

    def setup(self, bottom, top):
        self.calls.append("setup")
        self.options = self.param_str
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 2

    def reshape(self, bottom, top):
        self.calls.append("reshape")
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.calls.append("forward")
        top[0].data[...] = self.blobs[0].data * bottom[0].data + (self.phase == caffe.TRAIN)

    def backward(self, top, propagate_down, bottom):
        self.calls.append(("backward", list(propagate_down)))
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum()
        if propagate_down[0]:
            bottom[0].diff[...] = self.blobs[0].data * top[0].diff


class Nonzero(caffe.Layer):
    """The values that are not 0: there is room for all, then it shrinks to what it has found."""

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].count)

    def forward(self, bottom, top):
        found = bottom[0].data[bottom[0].data != 0]
        top[0].data[: found.size] = found
        top[0].reshape(found.size)

    def backward(self, top, propagate_down, bottom):
        pass


class SquareLoss(caffe.Layer):
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise ValueError("SquareLoss needs two bottoms")

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[0] = ((bottom[0].data - bottom[1].data) ** 2).sum() / 2

    def backward(self, top, propagate_down, bottom):
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                bottom[i].diff[...] = sign * (bottom[0].data - bottom[1].data)


def python(name, cls, bottoms, tops, more="", param_str=""):
    param = f'python_param {{ module: "{__name__}" layer: "{cls}" param_str: "{param_str}" }}'
    return layer("Python", name, bottoms, tops, f"{param} {more}")


def test_a_python_layer_in_the_middle_has_parameters_phase_and_param_str_and_passes_diffs_on():
    Logged.calls.clear()
    text = X + ip("a", "x") + python("py", "Logged", ["a"], ["p"], param_str="{'k': 1}")
    net = net_of(text + ip("b", "p", more="loss_weight: 1"), caffe.TRAIN)
    assert Logged.calls == ["setup", "reshape"]
    assert net.layer_dict["py"].options == "{'k': 1}"
    assert isinstance(net.layers[2], Logged)
    assert net.params["py"][0].data == 2
    net.forward(x=np.ones((2, 3)))
    np.testing.assert_allclose(net.blobs["p"].data, 2 * net.blobs["a"].data + 1, rtol=1e-6)
    net.backward()
    assert Logged.calls[2:] == ["reshape", "forward", ("backward", [True])]
    np.testing.assert_allclose(
        net.params["py"][0].diff, (net.blobs["p"].diff * net.blobs["a"].data).sum(), rtol=1e-5
    )
    np.testing.assert_allclose(net.blobs["a"].diff, 2 * net.blobs["p"].diff, rtol=1e-6)
    assert net.params["a"][0].diff.any()


def test_a_python_layers_parameter_is_trained_saved_and_loaded(tmp_path):
    text = X + python("py", "Logged", ["x"], ["p"], "loss_weight: 1")
    (tmp_path / "net.prototxt").write_text(text)
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 0.5 lr_policy: "fixed"'
    )
    solver = caffe.SGDSolver(str(tmp_path / "solver.prototxt"))
    solver.net.blobs["x"].data[...] = 1
    solver.step(1)
    assert solver.net.params["py"][0].data == 2 - 0.5 * 6
    solver.net.save(str(tmp_path / "w.caffemodel"))
    net = net_of(text, caffe.TEST, weights=str(tmp_path / "w.caffemodel"))
    assert net.params["py"][0].data == -1


def test_a_python_layer_fills_the_most_there_can_be_and_shrinks_to_what_it_found():
    twice = layer("Power", "y", ["found"], ["y"], "power_param { scale: 2 }")
    net = net_of(X + python("py", "Nonzero", ["x"], ["found"]) + twice)
    for x, y in (([[0, 1, 0], [2, 0, 3]], [2, 4, 6]), ([[5, 0, 0], [0, 0, 0]], [10])):
        assert np.array_equal(net.forward(x=np.array(x))["y"], y)
    net.blobs["found"].reshape(6)
    assert np.array_equal(net.blobs["found"].data, [5, 2, 3, 0, 0, 0])


def test_a_python_layer_may_be_the_loss():
    text = (
        X
        + ip("a", "x", outputs=3)
        + python("loss", "SquareLoss", ["a", "x"], ["loss"], "loss_weight: 1")
    )
    net = net_of(text)
    net.forward(x=np.ones((2, 3)))
    net.backward()
    residual = net.blobs["a"].data - 1
    np.testing.assert_allclose(net.blobs["a"].diff, residual, rtol=1e-6)
    np.testing.assert_allclose(net.params["a"][0].diff, residual.T @ np.ones((2, 3)), rtol=1e-4)
    with pytest.raises(ValueError, match="two bottoms"):
        net_of(X + python("loss", "SquareLoss", ["x"], ["loss"]))


def test_a_python_layer_under_nothing_learnable_is_not_run_backward():
    Logged.calls.clear()
    frozen = python("py", "Logged", ["x"], ["p"], "param { lr_mult: 0 }")
    net = net_of(X + frozen + ip("b", "p", more="loss_weight: 1"))
    net.forward()
    net.backward()
    assert not [call for call in Logged.calls if call[0] == "backward"]
    assert net.params["b"][0] in itertools.chain(*net.params.values())
