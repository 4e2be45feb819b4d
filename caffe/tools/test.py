"""Score a net: caffe test -model FILE -weights FILE [-iterations 50] [-gpu 0]."""

import argparse

import numpy as np
import torch

from ..core.log import info
from ..core.precision import set_precision
from ..core.strict import set_strict
from ..net import Net
from ..proto.caffe_pb2 import TEST
from . import flags

arguments = flags.caffe_flags


def run(args: argparse.Namespace) -> None:
    model = flags.need(args.model, "a model definition to score: -model FILE")
    weights = flags.need(args.weights, "model weights to score: -weights FILE")
    ids = flags.gpu_ids(args.gpu)
    flags.choose_device(ids)
    set_precision(args.precision)
    set_strict(args.strict)
    if ids:
        info("caffe.cpp:275", "Use GPU with device ID %d", ids[0])
        info("caffe.cpp:279", "GPU device name: %s", torch.cuda.get_device_name(ids[0]))
    else:
        info("caffe.cpp:284", "Use CPU.")
    net = Net(model, TEST, level=args.level, stages=flags.stages(args), weights=weights)
    net._check_fed()
    info("caffe.cpp:290", "Running for %d iterations.", args.iterations)
    loss = np.float32(0)
    sums: dict[str, np.ndarray] = {}
    for i in range(args.iterations):
        loss += np.float32(net._forward(0, len(net.layers) - 1))
        for name in net.outputs:
            values = net.blobs[name].data.flatten()
            for value in values:
                info("caffe.cpp:313", "Batch %d, %s = %g", i, name, value)
            sums[name] = sums[name] + values if name in sums else values
    info("caffe.cpp:318", "Loss: %g", loss / args.iterations)
    for name, total in sums.items():
        weight = net.blob_loss_weights[name]
        for mean in total / args.iterations:
            share = f" (* {weight:g} = {weight * mean:g} loss)" if weight else ""
            info("caffe.cpp:330", "%s = %g%s", name, mean, share)
