"""Images as a net's first input takes them: the flags of the commands that read some."""

import argparse
from pathlib import Path

import numpy as np

from .. import io
from ..classifier import input_transformer
from ..core.errors import CaffeError, caffe_error
from ..core.files import PathLike
from ..net import Net
from . import flags


def arguments(parser: argparse.ArgumentParser) -> None:
    mean = parser.add_mutually_exclusive_group()
    flags.flag(mean, "mean_file", default="", help="npy file of the mean, K x H x W")
    flags.flag(
        mean, "mean_value", type=numbers, help="mean of each channel, as the net has them: B,G,R"
    )
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


def numbers(text: str) -> np.ndarray:
    return np.array([float(word) for word in text.split(",")])


def mean(args: argparse.Namespace) -> np.ndarray | None:
    """That of each channel, by the flags."""
    return array(args.mean_file, 3).mean((1, 2)) if args.mean_file else args.mean_value


def transformer(net: Net, args: argparse.Namespace) -> io.Transformer:
    """From images to the net's first input, by the flags."""
    swap = args.channel_swap if is_colour(net) else None
    return input_transformer(net, mean(args), args.input_scale, args.raw_scale, swap)


def is_colour(net: Net) -> bool:
    """Whether the net's first input has more channels than one."""
    return net.blobs[net.inputs[0]].shape[1] > 1


def files(path: Path, ext: str) -> list[Path]:
    """An image, or those of a folder. Raises CaffeError for a folder that has none."""
    if not path.is_dir():
        return [path]
    found = sorted(path.glob(f"*.{ext}"))
    if not found:
        raise CaffeError(f"{path}: holds no *.{ext}; name the images' ending, -ext png")
    return found


def array(path: PathLike, axes: int) -> np.ndarray:
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
