"""BN of SegNet, DeconvNet and PSPNet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

PHASES = st.sampled_from([caffe.TRAIN, caffe.TEST])


def normalised(x, mean, variance, eps, slope, bias):
    along = (1, -1, *(1,) * (x.ndim - 2))
    x, mean, variance, slope, bias = (
        np.asarray(v, np.float64) for v in (x, mean, variance, slope, bias)
    )
    mean, variance, slope, bias = (v.reshape(along) for v in (mean, variance, slope, bias))
    return (x - mean) / np.sqrt(variance + eps) * slope + bias


AXES = st.sampled_from([(), (2, 3), (2, 3, 2)])  # behind items and channels


def drawn_x(seed, n, c, axes):
    return normal(seed, n + 1, c, *axes) * 3 + 1


@law("BN")
@drawn()
@given(SEED, SMALL, SMALL, AXES, PHASES)
def test_segnets_learns_with_the_batchs_statistics_in_either_phase(seed, n, c, behind, phase):
    x = drawn_x(seed, n, c, behind)
    slope, bias = normal(seed + 1, 1, c, 1, 1), normal(seed + 2, 1, c, 1, 1)
    body = "bn_param { scale_filler { value: 1 } }"
    found = run_layer("BN", body, [x], tops=3, phase=phase, params=[slope, bias])
    axes = tuple(i for i in range(x.ndim) if i != 1)
    mean, variance = x.mean(axes, np.float64), x.astype(np.float64).var(axes)
    agree(found.y[0], normalised(x, mean, variance, 1e-9, slope, bias), 1e-3, 1e-4)
    agree(found.y[1], mean.reshape(1, c, 1, 1), floor=1e-4)
    agree(found.y[2], variance.reshape(1, c, 1, 1), 1e-4, 1e-4)
    assert [p.shape for p in found.params] == [(1, c, 1, 1)] * 2


@law("BN")
@drawn()
@given(SEED, SMALL, SMALL, AXES, PHASES)
def test_segnets_inference_is_slope_and_bias_alone(seed, n, c, behind, phase):
    x = drawn_x(seed, n, c, behind)
    slope, bias = normal(seed + 1, 1, c, 1, 1), normal(seed + 2, 1, c, 1, 1)
    found = run_layer(
        "BN", "bn_param { bn_mode: INFERENCE }", [x], phase=phase, params=[slope, bias]
    )
    agree(found.y[0], normalised(x, np.zeros(c), np.ones(c), 0, slope, bias))


WAYS = [  # fields, what is kept of the running statistics, eps, shape of the parameters
    ("slope_filler { } momentum: 0.7 eps: 0.01", 0.7, 0.01, lambda c: (1, c)),
    ("eps: 0.01", 0.9, 0.01, lambda c: (1, c)),
    ("scale_filler { } var_eps: 0.01 decay: 0.3", 0.7, 0.01, lambda c: (1, c, 1, 1)),
]


@law("BN")
@drawn()
@given(SEED, SMALL, SMALL, AXES, st.sampled_from(WAYS))
def test_pspnets_keeps_running_statistics(seed, n, c, behind, way):
    fields, keep, eps, shape = way
    x, body = drawn_x(seed, n, c, behind), f"bn_param {{ {fields} }}"
    params = [normal(seed + i, *shape(c)) for i in range(3)]
    params.append(np.abs(normal(seed + 3, *shape(c))) + 1)
    train = run_layer("BN", body, [x], phase=caffe.TRAIN, params=params)
    axes = tuple(i for i in range(x.ndim) if i != 1)
    mean, variance = x.mean(axes, np.float64), x.astype(np.float64).var(axes)
    agree(train.y[0], normalised(x, mean, variance, eps, *params[:2]), 1e-3, 1e-4)
    for found, old, now in zip(train.params[2:], params[2:], (mean, variance), strict=True):
        agree(found, keep * old + (1 - keep) * now.reshape(old.shape), 1e-4, 1e-4)
    test = run_layer("BN", body, [x], params=params)
    agree(test.y[0], normalised(x, *params[2:], eps, *params[:2]), 1e-3, 1e-4)
    agree(test.params[2], params[2])
    assert [p.lr_mult for p in train.net._graph.params] == [1, 1, 0, 0]


def test_a_frozen_one_takes_the_running_statistics_in_training_and_learns_nothing():
    x = normal(0, 3, 2, 2, 2)
    params = [normal(1, 1, 2), normal(2, 1, 2), normal(3, 1, 2), np.full((1, 2), 4)]
    body = "param { lr_mult: 3 } bn_param { frozen: true }"
    found = run_layer("BN", body, [x], phase=caffe.TRAIN, params=params, diffs=[np.ones_like(x)])
    agree(found.y[0], normalised(x, *params[2:], 1e-5, *params[:2]))
    agree(
        found.dx[0], np.broadcast_to((params[0] / np.sqrt(4 + 1e-5)).reshape(1, 2, 1, 1), x.shape)
    )
    agree(found.params[3], params[3])
    assert [p.lr_mult for p in found.net._graph.params] == [0] * 4
    fresh = run_layer("BN", "bn_param { frozen: true }", [x])
    assert (fresh.params[3] == 1).all()


def test_the_older_one_may_take_the_batchs_statistics_in_test():
    x = normal(0, 3, 2, 2, 2)
    body = "bn_param { moving_average: false scale_filler { value: 1 } }"
    found = run_layer("BN", body, [x])
    agree(found.y[0].mean((0, 2, 3)), np.zeros(2), floor=1e-5)


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 1, 1), (2,)])
@pytest.mark.parametrize("field", ["bn_mode: INFERENCE", "frozen: true"])
def test_weights_of_a_fork_with_other_axes_are_taken(tmp_path, shape, field):
    text = input_layer("x", 1, 2, 1, 1)
    layer = 'layer {{ name: "l" type: "{}" bottom: "x" top: "y" {} }}'
    bn = net_of(text + layer.format("BN", f"bn_param {{ {field} }}"))
    stored = caffe.proto.caffe_pb2.NetParameter()
    made = stored.layer.add(name="l", type="BN")
    for i in range(len(bn.params["l"])):
        made.blobs.add(data=[i, i + 0.5]).shape.dim.extend(shape)
    path = tmp_path / "w.caffemodel"
    path.write_bytes(stored.SerializeToString())
    bn.copy_from(path)
    for i, blob in enumerate(bn.params["l"]):
        assert blob.data.ravel().tolist() == [i, i + 0.5]
    made.blobs[0].data.append(1)
    made.blobs[0].shape.dim[:] = [3]
    path.write_bytes(stored.SerializeToString())
    with pytest.raises(caffe.CaffeError, match="parameter 0 has shape"):
        bn.copy_from(path)


@pytest.mark.parametrize(
    ("shape", "body", "tops", "message"),
    [
        ((2, 3, 4), "", 1, "needs 2, 4 or 5 axes"),
        ((2, 3), "bn_param { eps: 1 }", 2, "only where it keeps none itself"),
    ],
)
def test_what_it_does_not_do_says_so(shape, body, tops, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .BN.: .*{message}"):
        run_layer("BN", body, [np.zeros(shape)], tops=tops)


# NVIDIA's BatchNorm, with a slope and a bias of its own.


@drawn(10)
@given(SEED, SMALL, SMALL, AXES, PHASES)
def test_nvidias_batch_norm_scales_and_shifts_what_bvlcs_gives(seed, n, c, behind, phase):
    x = drawn_x(seed, n, c, behind)
    slope, bias = normal(seed + 1, c), normal(seed + 2, c)
    statistics = [normal(seed + 3, c), np.abs(normal(seed + 4, c)) + 1, [1]]
    plain = run_layer("BatchNorm", "", [x], phase=phase, params=statistics).y[0]
    body = "batch_norm_param { scale_bias: true }"
    found = run_layer("BatchNorm", body, [x], phase=phase, params=[*statistics, slope, bias])
    along = (1, c, *(1,) * (x.ndim - 2))
    agree(found.y[0], plain * slope.reshape(along) + bias.reshape(along), 1e-4, 1e-5)
    assert [p.lr_mult for p in found.net._graph.params] == [0, 0, 0, 1, 1]


def test_a_filler_of_nvidias_batch_norm_says_that_it_scales():
    body = "batch_norm_param { bias_filler { value: 3 } }"
    found = run_layer("BatchNorm", body, [np.zeros((2, 2, 1, 1))])
    assert [p.tolist() for p in found.params[3:]] == [[1, 1], [3, 3]]


def test_nvidias_batch_norm_has_its_gradient():
    shapes, body = [(3, 2, 2)], "batch_norm_param { scale_bias: true }"
    for phase in (caffe.TRAIN, caffe.TEST):
        check_gradient("BatchNorm", body, shapes, 1, params=1.5, learnt=(3, 4), phase=phase)


@pytest.mark.parametrize("more", ["", "param { lr_mult: 0 }"])
def test_rates_in_the_older_order_of_nvidias_are_those_of_its_two_weights(more):
    """As Texas Instruments' nets have them; the statistics stay unlearnt."""
    rates = "param { lr_mult: 3 decay_mult: 0 } param { lr_mult: 2 } "
    rates += "param { lr_mult: 0 } param { lr_mult: 0 } " + more
    body = "batch_norm_param { scale_filler { value: 1 } bias_filler { value: 0 } }"
    net = run_layer("BatchNorm", rates + body, [normal(0, 4, 2)], phase=caffe.TRAIN).net
    found = [(p.lr_mult, p.decay_mult) for p in net._graph.params]
    assert [rate for rate, _ in found] == [0, 0, 0, 3, 2]
    assert found[3][1] == 0
    with pytest.raises(caffe.CaffeError, match="lr_mult"):
        run_layer("BatchNorm", rates, [normal(0, 4, 2)])
