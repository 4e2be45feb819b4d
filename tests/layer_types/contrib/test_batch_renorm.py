"""BatchReNorm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

SOON = "r_max: 2 d_max: 1 step_to_init: 2 step_to_r_max: 4 step_to_d_max: 6 iter_size: %d"


def limits(step):
    """r_max and d_max of SOON."""
    return min(2, 1 + (step - 1) / 2), min(1, (step - 1) / 4)


@law("BatchReNorm")
@drawn(15)
@given(SEED, st.integers(1, 2), st.booleans())
def test_batches_are_moved_to_the_running_statistics(seed, iter_size, flat):
    """Algorithm 1 of Ioffe 2017, with Caffe's running sums."""
    shape = (5,) if flat else (3, 2, 2, 2)
    text = (
        "force_backward: true "
        + input_layer("x", *shape)
        + 'layer { name: "l" type: "BatchReNorm" bottom: "x" top: "y" batch_renorm_param { '
        f"moving_average_fraction: 0.5 {SOON % iter_size} }} }}"
    )
    net = net_of(text, caffe.TRAIN)
    axes, many = ((0,), 1) if flat else ((0, 2, 3), 2)
    sums, before = [np.zeros(many), np.zeros(many), 0.0], None
    along = (1, -1, 1, 1)[: len(shape)] if not flat else (1,)
    for i in range(8):
        x, dy = (2 + i) * normal(seed + i, *shape) + i, normal(seed - i + 99, *shape)
        net.blobs["x"].data[...] = x
        net.forward()
        net.blobs["y"].diff[...] = dy
        net.backward()
        wide = x.astype(np.float64)
        mean, var = (f(wide, axis=axes).reshape(many) for f in (np.mean, np.var))
        step = i // iter_size
        if i % iter_size == 0 and sums[2]:
            before = sums[0] / sums[2], np.sqrt(sums[1] / sums[2] + 1e-5)
        count = x.size / many
        keep = 0.5 if i % iter_size == 0 else 1
        for k, now in enumerate((mean, var * count / (count - 1), 1)):
            sums[k] = keep * sums[k] + now
        root = np.sqrt(var + 1e-5)
        r, d = np.ones(many), np.zeros(many)
        if step >= 2:
            most_r, most_d = limits(step)
            r = np.clip(root / before[1], 1 / most_r, most_r)
            d = np.clip((mean - before[0]) / before[1], -most_d, most_d)
        mean, root, r, d = (each.reshape(along) for each in (mean, root, r, d))
        exact = (wide - mean) / root
        agree(net.blobs["y"].data, exact * r + d, 1e-3, 1e-3)
        g = dy - dy.mean(axes, keepdims=True)
        g = g - exact * (dy * exact).mean(axes, keepdims=True)
        agree(net.blobs["x"].diff, g * r / root, 1e-3, 1e-3)
    for ours, theirs in zip(net.params["l"], [*sums, 8], strict=True):
        agree(ours.data, np.reshape(theirs, ours.shape), 1e-4)


def test_in_test_it_is_a_batchnorm():
    x, mean, variance = normal(0, 2, 3, 4, 4), normal(1, 3), 1 + normal(2, 3) ** 2
    found = run_layer("BatchReNorm", "", [x], params=[mean, variance, [2], [7]])
    agree(found.y[0], run_layer("BatchNorm", "", [x], params=[mean, variance, [2]]).y[0])
    assert found.params[3] == 7


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("batch_renorm_param { iter_size: 0 }", "iter_size must be positive; found 0"),
        ("batch_renorm_param { r_max: 0.5 }", "r_max is at least 1"),
        ("param {lr_mult: 0} " * 3 + "param {lr_mult: 1}", "parameter 3 is a count"),
    ],
)
def test_what_does_not_fit_says_so(body, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("BatchReNorm", body, [np.zeros((2, 3))])
