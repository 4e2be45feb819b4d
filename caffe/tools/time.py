"""Measure a net layer by layer: caffe time -model FILE [-iterations 50] [-gpu 0] [-phase TRAIN].

With -weights FILE it is the net of those weights; BVLC's takes the flag and reads no file.
The log is Caffe's; behind it a table on stdout says where each pass spends its time, against the
rate of a matrix product on this device ("x limit": 1 would be that rate).
"""

import argparse
from collections.abc import Callable

from ..core.log import info
from ..core.precision import set_precision
from ..core.strict import set_strict
from ..core.timer import now
from ..graph.flops import SIDE, backward_multiply_adds, forward_multiply_adds, matrix_rate
from ..net import Net
from ..proto.caffe_pb2 import Phase
from . import flags
from .cost_table import Line, against_limit, cost_table

arguments = flags.caffe_flags


def run(args: argparse.Namespace) -> None:
    model = flags.need(args.model, "a model definition to time: -model FILE")
    ids = flags.gpu_ids(args.gpu)
    flags.choose_device(ids)
    set_precision(args.precision)
    set_strict(args.strict)
    if ids:
        info("caffe.cpp:352", "Use GPU with device ID %d", ids[0])
    else:
        info("caffe.cpp:356", "Use CPU.")
    stages = flags.stages(args)
    phase = Phase.Value(args.phase)
    net = Net(model, phase, level=args.level, stages=stages, weights=args.weights)
    layers = range(len(net.layers))
    # A clean pass of each kind: memory is allocated there, and kernels are chosen.
    info("caffe.cpp:364", "Performing Forward")
    info("caffe.cpp:369", "Initial loss: %g", net._forward(0, layers[-1]))
    info("caffe.cpp:370", "Performing Backward")
    net._backward(layers[-1], 0)
    info("caffe.cpp:378", "*** Benchmark begins ***")
    info("caffe.cpp:379", "Testing for %d iterations.", args.iterations)
    forward, backward = ([0.0] * len(layers) for _ in range(2))
    totals = [0.0, 0.0]
    start = now()
    for j in range(args.iterations):
        before = now()
        for i in layers:
            forward[i] += _milliseconds(net._forward, i)
        between = now()
        for i in reversed(layers):
            backward[i] += _milliseconds(net._backward, i)
        after = now()
        totals[0] += between - before
        totals[1] += after - between
        took = after - before
        info("caffe.cpp:407", "Iteration: %d forward-backward time: %g ms.", j + 1, took)
    total = now() - start
    info("caffe.cpp:410", "Average time per layer: ")
    for i in layers:
        name = net._layer_names[i]
        info("caffe.cpp:413", "%10s\tforward: %g ms.", name, forward[i] / args.iterations)
        info("caffe.cpp:416", "%10s\tbackward: %g ms.", name, backward[i] / args.iterations)
    info("caffe.cpp:421", "Average Forward pass: %g ms.", totals[0] / args.iterations)
    info("caffe.cpp:423", "Average Backward pass: %g ms.", totals[1] / args.iterations)
    info("caffe.cpp:425", "Average Forward-Backward: %g ms.", total / args.iterations)
    info("caffe.cpp:427", "Total Time: %g ms.", total)
    info("caffe.cpp:428", "*** Benchmark ends ***")
    forward, backward = ([ms / args.iterations for ms in each] for each in (forward, backward))
    print(_report(net, forward, backward, _whole_forward(net, args.iterations)))


def _whole_forward(net: Net, iterations: int) -> float:
    """Milliseconds of `net.forward()`, after one to warm up."""
    net.forward()
    start = now()
    for _ in range(iterations):
        net.forward()
    return (now() - start) / iterations


def _report(net: Net, forward: list[float], backward: list[float], whole: float) -> str:
    """The tables of both passes, from the milliseconds of each layer, and of the whole forward."""
    graph, rate = net._graph, matrix_rate()
    lines: dict[str, list[Line]] = {"forward": [], "backward": []}
    for i, layer in enumerate(graph.layers):
        bottom, top = graph.bottom(i), graph.top(i)
        shape = ", ".join("x".join(map(str, blob.shape)) for blob in top)
        facts = (layer.name, layer.type, shape)
        count = forward_multiply_adds(layer, bottom, top)
        lines["forward"].append(Line(*facts, forward[i], count))
        if layer.need_backward:
            count = backward_multiply_adds(layer, bottom, top)
            lines["backward"].append(Line(*facts, backward[i], count))
    tables = [
        f"{name}, layer by layer\n{cost_table(of_pass, rate)}\n"
        for name, of_pass in lines.items()
        if of_pass
    ]
    count = sum(line.multiply_adds for line in lines["forward"])
    _, achieved, times = against_limit(whole, count, rate)
    return "\n".join(
        [
            f"limit: {rate / 1e9:.1f} GFLOP/s, of a float32 product of {SIDE} x {SIDE} matrices",
            "",
            *tables,
            f"net.forward(), which may do without some of the layers' work: {whole:.3f} ms"
            + (f", {achieved} GFLOP/s, {times} x limit" if count else ""),
        ]
    )


def _milliseconds(run_layers: Callable[[int, int], object], i: int) -> float:
    start = now()
    run_layers(i, i)
    return now() - start
