"""Write a net as an ONNX or torch.export file, checked against the net.

caffe export deploy.prototxt weights.caffemodel net.onnx
caffe export deploy.prototxt weights.caffemodel net.pt2
"""

import argparse
from pathlib import Path

from ..core.errors import CaffeError
from ..export import onnx, torch_file
from ..export.fuse import fuse_batchnorm
from ..export.sizes import OpenAxes, in_words
from ..net import Net
from ..proto.caffe_pb2 import TEST
from . import flags

FORMATS = {".onnx": onnx.export, ".pt2": torch_file.export}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="deploy prototxt")
    parser.add_argument("weights", help="caffemodel")
    parser.add_argument("out", help="file to write: .onnx or .pt2")
    flags.flag(parser, "batch", choices=("dynamic",), help="dynamic: leave the batch open")
    flags.boolean(parser, "half", False, "float16 weights; all else is float32")
    flags.boolean(parser, "fuse", False, "BatchNorm, BN and Scale as part of the layer before them")


def run(args: argparse.Namespace) -> None:
    kind = Path(args.out).suffix
    if kind not in FORMATS:
        raise CaffeError(f"{args.out}: writes {' or '.join(FORMATS)}; found '{kind}'")
    if args.fuse:
        fused = fuse_batchnorm(args.model, args.weights)
        net = fused.net
        print("\n".join(fused.report()))
    else:
        net = Net(args.model, TEST, weights=args.weights)
    exported = FORMATS[kind](net, args.out, args.batch == "dynamic", args.half)
    print("\n".join(exported.report()))
    standard = f"ONNX, opset {onnx.OPSET}" if kind == ".onnx" else "torch.export"
    print(f"{args.out}: written, {standard}, {sizes(exported.open_axes)}")


def sizes(open_axes: OpenAxes) -> str:
    """For which sizes of the inputs a file was written."""
    every = {what for axes in open_axes.values() for what in axes.values()}
    spatial = "any height and width" if "height" in every else "the prototxt's size only"
    words = f"for {spatial}" + (" and any batch" if "batch" in every else "")
    return f"{words} (dynamic axes: {in_words(open_axes) or 'none'})"
