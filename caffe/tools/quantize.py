"""Write a net as an ONNX file that multiplies integers of 8 bits, in a fourth of the bytes.

caffe quantize deploy.prototxt weights.caffemodel images/ net.onnx -mean_value 104,117,123

The images (some dozens of the kind that the net will see) tell how large its blobs become; they are
resized to its input. BatchNorm and Scale become part of the layer before them. How the file's
outputs differ from the net's on these images is printed; `python -m solvers.evaluate
--compare-onnx` holds it to a dataset's labels.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from tqdm import tqdm

from .. import io
from ..classifier import input_batch
from ..core.errors import CaffeError
from ..export.agreement import Arrays
from ..export.fuse import fuse_batchnorm
from ..export.int8 import quantize
from ..net import Net
from . import images


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="deploy prototxt")
    parser.add_argument("weights", help="caffemodel")
    parser.add_argument("input_file", help="folder of images, or an image")
    parser.add_argument("out", help="file to write: .onnx")
    images.arguments(parser)


def run(args: argparse.Namespace) -> None:
    if Path(args.out).suffix != ".onnx":
        raise CaffeError(f"{args.out}: writes .onnx; found '{Path(args.out).suffix}'")
    fused = fuse_batchnorm(args.model, args.weights)
    net = fused.net
    if len(net.inputs) != 1 or len(net.blobs[net.inputs[0]].shape) != 4:
        shapes = ", ".join(f"'{name}' {net.blobs[name].shape}" for name in net.inputs)
        raise CaffeError(f"{args.model}: needs one input, N x K x H x W, for images; has {shapes}")
    files = images.files(Path(args.input_file).expanduser(), args.ext)
    transformer = images.transformer(net, args)
    found = quantize(net, partial(_batches, net, transformer, files), args.out)
    print("\n".join(found.report()))
    print(f"{args.out}: written, of the ranges of {len(files)} image(s)")


def _batches(net: Net, transformer: io.Transformer, files: list[Path]) -> Iterator[Arrays]:
    """As many images at once as the net takes; the last ones with the first again."""
    (name,) = net.inputs
    count = net.blobs[name].shape[0]
    for start in tqdm(range(0, len(files), count), unit="batch", leave=False):
        batch = islice(cycle(files), start, start + count)
        read = (io.load_image(file, images.is_colour(net)) for file in batch)
        yield {name: input_batch(net, [transformer.preprocess(name, image) for image in read])}
