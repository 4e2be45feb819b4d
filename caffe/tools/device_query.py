"""What is known of a GPU: caffe device_query [-gpu 0 | -gpu 0,1 | -gpu all]."""

import argparse

import torch

from ..core.device import set_device
from ..core.log import info
from . import flags

arguments = flags.caffe_flags

# BVLC's lines, as far as torch knows the properties (names differ between its releases).
PROPERTIES = {
    "Major revision number:": "major",
    "Minor revision number:": "minor",
    "Name:": "name",
    "Total global memory:": "total_memory",
    "Total shared memory per block:": "shared_memory_per_block",
    "Total registers per block:": "regs_per_multiprocessor",
    "Warp size:": "warp_size",
    "Maximum threads per block:": "max_threads_per_block",
    "Clock rate:": "clock_rate",
    "Number of multiprocessors:": "multi_processor_count",
}


def run(args: argparse.Namespace) -> None:
    text = args.gpu or "all"
    info("caffe.cpp:138", "Querying GPUs %s", text)
    for device_id in flags.gpu_ids(text):
        set_device(device_id)
        found = torch.cuda.get_device_properties(device_id)
        info("common.cpp:181", "%-30s %s", "Device id:", device_id)
        for label, name in PROPERTIES.items():
            if hasattr(found, name):
                info("common.cpp:181", "%-30s %s", label, getattr(found, name))
