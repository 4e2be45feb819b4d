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
from ..core.errors import CaffeError, caffe_error
from ..core.files import PathLike, replacing
from . import flags


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input_file", help="image, folder, or npy")
    parser.add_argument("output_file", help="npy file of the scores, N x classes")
    flags.flag(parser, "model_def", required=True, help="deploy prototxt")
    flags.flag(parser, "pretrained_model", required=True, help="caffemodel")
    flags.boolean(parser, "gpu", False, "run on the GPU")
    flags.boolean(parser, "center_only", False, "the centre crop's scores, not the mean of ten")
    flags.flag(parser, "images_dim", default="256,256", type=integers, help="'height,width'")
    flags.flag(parser, "mean_file", default="", help="npy file of the mean, K x H x W")
    flags.flag(parser, "input_scale", type=float, help="factor after the mean")
    flags.flag(parser, "raw_scale", type=float, default=255.0, help="factor before it (255)")
    flags.flag(
        parser,
        "channel_swap",
        default="2,1,0",
        type=integers,
        help="order of the channels (2,1,0: BGR)",
    )
    flags.flag(parser, "ext", default="jpg", help="ending of a folder's images (jpg)")


def integers(text: str) -> list[int] | None:
    return [int(word) for word in text.split(",")] if text else None


def run(args: argparse.Namespace) -> None:
    mean = _array(args.mean_file, 3).mean((1, 2)) if args.mean_file else None
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
    if path.suffix == ".npy":
        print(f"Loading file: {path}")
        return _array(path, 4)
    if not path.is_dir():
        print(f"Loading file: {path}")
        return [io.load_image(path)]
    print(f"Loading folder: {path}")
    files = sorted(path.glob(f"*.{ext}"))
    if not files:
        raise CaffeError(f"{path}: holds no *.{ext}; name the images' ending, -ext png")
    return [io.load_image(file) for file in files]


def _array(path: PathLike, axes: int) -> np.ndarray:
    """An .npy file's numbers."""
    try:
        array = np.load(path, mmap_mode="r")
    except Exception as error:  # numpy raises much for a damaged header, and advises to unpickle
        reason = getattr(error, "strerror", None)
        raise caffe_error(
            type(error) if isinstance(error, OSError) else OSError,
            f"{path}: cannot be read as an .npy file{f' ({reason})' if reason else ''}; a "
            "binaryproto becomes one by numpy.save and caffe.io.blobproto_to_array",
        ) from None
    if not isinstance(array, np.ndarray) or array.ndim != axes or array.dtype.kind not in "fiu":
        raise CaffeError(f"{path}: expected numbers in an array of {axes} axes")
    return array
