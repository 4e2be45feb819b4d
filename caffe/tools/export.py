"""Write a net as an ONNX file, checked in onnxruntime against the net.

caffe export deploy.prototxt weights.caffemodel net.onnx
"""

import argparse

from ..export import onnx
from ..net import Net
from ..proto.caffe_pb2 import TEST


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="deploy prototxt")
    parser.add_argument("weights", help="caffemodel")
    parser.add_argument("out", help="ONNX file to write")


def run(args: argparse.Namespace) -> None:
    net = Net(args.model, TEST, weights=args.weights)
    found = onnx.export(net, args.out)
    for shape, difference in found.items():
        print(f"{shape}: agrees with the net within {difference:.1e} of the largest output")
    sizes = "any height and width" if len(found) > 1 else "the prototxt's size only"
    print(f"{args.out}: written, for {sizes}")
