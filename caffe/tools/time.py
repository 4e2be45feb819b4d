"""Measure a net layer by layer: caffe time -model FILE [-iterations 50] [-gpu 0] [-phase TRAIN]."""

import argparse
from collections.abc import Callable

from ..log import info
from ..net import Net
from ..proto.caffe_pb2 import Phase
from ..timer import now
from . import flags

arguments = flags.caffe_flags


def run(args: argparse.Namespace) -> None:
    model = flags.need(args.model, "a model definition to time: -model FILE")
    ids = flags.gpu_ids(args.gpu)
    flags.choose_device(ids)
    if ids:
        info("caffe.cpp:352", "Use GPU with device ID %d", ids[0])
    else:
        info("caffe.cpp:356", "Use CPU.")
    net = Net(model, Phase.Value(args.phase), level=args.level, stages=flags.stages(args))
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


def _milliseconds(run_layers: Callable[[int, int], object], i: int) -> float:
    start = now()
    run_layers(i, i)
    return now() - start
