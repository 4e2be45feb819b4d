"""Draw a net: caffe draw_net NET.prototxt PICTURE.png [-rankdir LR] [-phase ALL] [-display_lrm]."""

import argparse

from .. import draw
from ..proto.caffe_pb2 import TEST, TRAIN
from ..proto.upgrade import read_net
from . import flags

PHASES = {"TRAIN": TRAIN, "TEST": TEST, "ALL": None}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input_net_proto_file", help="net prototxt")
    parser.add_argument("output_image_file", help="its ending is the format: png, svg, pdf, dot")
    flags.flag(parser, "rankdir", default="LR", help="LR, TB, BT or RL: which way it runs (LR)")
    flags.flag(parser, "phase", default="ALL", choices=PHASES, help="draw these layers only (ALL)")
    flags.boolean(parser, "display_lrm", False, "show learning rate multipliers")


def run(args: argparse.Namespace) -> None:
    net = read_net(args.input_net_proto_file)
    print(f"Drawing net to {args.output_image_file}")
    phase = PHASES[args.phase]
    draw.draw_net_to_file(net, args.output_image_file, args.rankdir, phase, args.display_lrm)
