"""Laws of what a pass costs: counted product by product, beside the engine's own output."""

import itertools

import numpy as np
import pytest
from support.net_text import input_layer, net_of, run_layer

import caffe
import nets
from caffe.graph import flops
from caffe.proto import caffe_pb2
from caffe.tools.cost_table import Line, cost_table


def conv_body(**param):
    return f"convolution_param {{ {' '.join(f'{k}: {v}' for k, v in param.items())} }}"


def values(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def convolved(x, w, stride=1, pad=0, dilation=1, group=1):
    """Cross-correlation, one product after the other, and how many there were."""
    x = np.pad(x, [(0, 0), (0, 0)] + [(pad, pad)] * (x.ndim - 2))
    reach = [dilation * (k - 1) for k in w.shape[2:]]
    sizes = [(n - r - 1) // stride + 1 for n, r in zip(x.shape[2:], reach, strict=True)]
    y, count = np.zeros((len(x), len(w), *sizes)), 0
    per_group = len(w) // group
    for n, o, i, *at in itertools.product(*map(range, (*y.shape[:2], w.shape[1], *sizes))):
        for offset in itertools.product(*map(range, w.shape[2:])):
            seen = (a * stride + b * dilation for a, b in zip(at, offset, strict=True))
            channel = o // per_group * w.shape[1] + i
            y[(n, o, *at)] += x[(n, channel, *seen)] * w[(o, i, *offset)]
            count += 1
    return y, count


def deconvolved(x, w, stride=1, pad=0, dilation=1, group=1):
    """As convolved, of the transpose: every value of x is spread over a window of y."""
    reach = [dilation * (k - 1) + 1 for k in w.shape[2:]]
    sizes = [stride * (n - 1) + r for n, r in zip(x.shape[2:], reach, strict=True)]
    y, count = np.zeros((len(x), group * w.shape[1], *sizes)), 0
    per_group = x.shape[1] // group
    for n, i, *at in itertools.product(*map(range, x.shape)):
        for o, *offset in itertools.product(*map(range, w.shape[1:])):
            hit = (a * stride + b * dilation for a, b in zip(at, offset, strict=True))
            y[(n, i // per_group * w.shape[1] + o, *hit)] += x[(n, i, *at)] * w[(i, o, *offset)]
            count += 1
    return y[(..., *(slice(pad, n - pad) for n in sizes))], count


CASES = [
    ([2, 4, 7], {"kernel_size": 3}),
    ([2, 4, 6, 5], {"kernel_size": 3, "pad": 2, "stride": 2}),
    ([1, 4, 7, 6], {"kernel_size": 2, "dilation": 3, "group": 2}),
    ([1, 4, 4, 3], {"kernel_size": 3, "stride": 2, "pad": 1, "group": 4}),
    ([1, 4, 3, 4, 3], {"kernel_size": 2, "stride": 2, "pad": 1}),
]


@pytest.mark.parametrize(("shape", "geometry"), CASES)
@pytest.mark.parametrize(
    ("kind", "reference"), [("Convolution", convolved), ("Deconvolution", deconvolved)]
)
def test_a_convolutions_products_are_counted(kind, reference, shape, geometry):
    x, outputs, group = values(*shape), 8, geometry.get("group", 1)
    kernel = [geometry["kernel_size"]] * (len(shape) - 2)
    w = (
        values(outputs, 4 // group, *kernel)
        if kind == "Convolution"
        else values(4, outputs // group, *kernel)
    )
    body = conv_body(num_output=outputs, bias_term="false", **geometry)
    ran = run_layer(kind, body, [x], params=[w])
    options = {k: v for k, v in geometry.items() if k != "kernel_size"}
    y, count = reference(np.float64(x), w, **options)
    np.testing.assert_allclose(ran.y[0], y, rtol=1e-4, atol=1e-4)
    assert flops.multiply_adds(ran.net._graph) == {"l": count}


@pytest.mark.parametrize("transpose", ["false", "true"])
def test_inner_products_and_every_bottom_of_a_convolution_are_counted(transpose):
    body = f"inner_product_param {{ num_output: 5 axis: 2 transpose: {transpose} }}"
    ran = run_layer("InnerProduct", body, [values(2, 3, 4, 2)])
    assert flops.multiply_adds(ran.net._graph) == {"l": (2 * 3) * 5 * (4 * 2)}
    body = conv_body(num_output=5, kernel_size=2)
    ran = run_layer("Convolution", body, [values(1, 3, 4, 4)] * 2, tops=2)
    assert flops.multiply_adds(ran.net._graph) == {"l": 2 * (3 * 3) * 5 * (3 * 2 * 2)}


TWO_CONVOLUTIONS = input_layer("data", 1, 2, 6, 6) + "".join(
    f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" {more} '
    f"{conv_body(num_output=3, kernel_size=3)} }}"
    for name, bottom, more in (("a", "data", ""), ("b", "a", "param { lr_mult: 0 }"))
)


def test_the_counts_follow_the_blobs_shapes():
    net = net_of(TWO_CONVOLUTIONS)
    before = flops.multiply_adds(net._graph)
    assert before == {"a": 4 * 4 * 3 * 2 * 9, "b": 2 * 2 * 3 * 3 * 9}
    net.blobs["data"].reshape(5, 2, 6, 6)
    net.reshape()
    assert flops.multiply_adds(net._graph) == {name: 5 * count for name, count in before.items()}


def test_backward_counts_the_diffs_that_are_wanted():
    loss = 'layer { name: "l" type: "Reduction" bottom: "b" top: "l" loss_weight: 1 }'
    net = net_of(TWO_CONVOLUTIONS + loss)
    forward = flops.multiply_adds(net._graph)
    graph = net._graph
    backward = {
        layer.name: flops.backward_multiply_adds(layer, graph.bottom(i), graph.top(i))
        for i, layer in enumerate(graph.layers)
    }
    # a: its weights, nobody wants the image's diff; b: only its bottom's, its weights do not learn
    assert backward == {"data": 0, "a": forward["a"], "b": forward["b"], "l": 0}


def test_fcn8s_at_500_is_181_billion_multiply_adds():
    spec = nets.fcn("fcn8s", "deploy", classes=21, data=None)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    net.blobs["data"].reshape(1, 3, 500, 500)
    net.reshape()
    counts = flops.multiply_adds(net._graph)
    upsampling = {name: count for name, count in counts.items() if name.startswith("upscore")}
    assert len(upsampling) == 3
    assert sum(counts.values()) == 181_529_034_048
    assert sum(counts.values()) - sum(upsampling.values()) == 180_965_880_576


def test_the_matrix_rate_is_two_operations_a_multiply_add_in_the_fastest_round(monkeypatch):
    clock = iter([0.0, 5.0, 7.0, 8.0, 20.0, 24.0])  # milliseconds: rounds of 5, 1 and 4
    monkeypatch.setattr(flops, "SIDE", 10)
    monkeypatch.setattr(flops, "now", lambda: next(clock))
    assert flops.matrix_rate(3) == pytest.approx(2 * 10**3 / 1e-3)


def test_a_table_has_shares_rates_and_a_total():
    lines = [
        Line("conv", "Convolution", "1x2x3x3", 3.0, 1_000_000),
        Line("relu", "ReLU", "1x2x3x3", 1.0, 0),
    ]
    assert cost_table(lines, 2e9).splitlines() == [
        "layer  type         top shape     ms   share  GFLOP  GFLOP/s  x limit",
        "conv   Convolution  1x2x3x3    3.000   75.0%  0.002      0.7     3.00",
        "relu   ReLU         1x2x3x3    1.000   25.0%",
        "total                          4.000  100.0%  0.002      0.5     4.00",
    ]
