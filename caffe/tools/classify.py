"""Class scores of images: caffe classify INPUT OUTPUT.npy -model_def FILE -pretrained_model FILE.

INPUT is an image, a folder of them, or an .npy file of N x H x W x 3 RGB images in [0, 1].
"""

import argparse
import time
from pathlib import Path

import numpy as np

from .. import io
from ..classifier import Classifier
from ..core.device import set_mode_cpu, set_mode_gpu
from ..core.files import replacing
from . import flags, images


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input_file", help="image, folder, or npy")
    parser.add_argument("output_file", help="npy file of the scores, N x classes")
    flags.flag(parser, "model_def", required=True, help="deploy prototxt")
    flags.flag(parser, "pretrained_model", required=True, help="caffemodel")
    flags.boolean(parser, "gpu", False, "run on the GPU")
    flags.boolean(parser, "center_only", False, "the centre crop's scores, not the mean of ten")
    flags.flag(parser, "images_dim", default="256,256", type=images.integers, help="'height,width'")
    images.arguments(parser)


def run(args: argparse.Namespace) -> None:
    mean = images.mean(args)
    if args.gpu:
        set_mode_gpu()
    else:
        set_mode_cpu()
    print("GPU mode" if args.gpu else "CPU mode")
    classifier = Classifier(
        args.model_def,
        args.pretrained_model,
        image_dims=args.images_dim,
        mean=mean,
        input_scale=args.input_scale,
        raw_scale=args.raw_scale,
        channel_swap=args.channel_swap,
    )
    inputs = _images(Path(args.input_file).expanduser(), args.ext)
    print(f"Classifying {len(inputs)} inputs.")
    start = time.time()
    predictions = classifier.predict(inputs, not args.center_only)
    print(f"Done in {time.time() - start:.2f} s.")
    print(f"Saving results into {args.output_file}")
    with replacing(args.output_file) as file:
        np.save(file, predictions)


def _images(path: Path, ext: str) -> np.ndarray | list[np.ndarray]:
    kind = "folder" if path.is_dir() else "file"
    print(f"Loading {kind}: {path}")
    if path.suffix == ".npy":
        return images.array(path, 4)
    return [io.load_image(file) for file in images.files(path, ext)]
