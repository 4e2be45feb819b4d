"""caffe.io: images and arrays on their way into a net and out of it (python/caffe/io.py).

Images are H x W x K float32 arrays, RGB in [0, 1], as `load_image` gives them; a net's inputs are
K x H x W, for BVLC's models BGR in [0, 255] minus a mean. `Transformer` goes from one to the other.
What skimage did for BVLC's is done here, to its recorded numbers: later versions smooth where an
image shrinks.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from google.protobuf.message import DecodeError

from .core.blob import checked_shape
from .core.errors import CaffeError, caffe_error, error_context
from .core.files import PathLike
from .feeding import datum as _datum
from .feeding import images
from .proto import caffe_pb2

Dims = Sequence[int] | np.ndarray  # (height, width)
Images = Sequence[np.ndarray] | np.ndarray  # H x W x K each

# Blobs, datums and arrays.


def blobproto_to_array(blob: caffe_pb2.BlobProto, return_diff: bool = False) -> np.ndarray:
    """The data (or diff) of a BlobProto, float64, in its shape: 4 axes in the legacy form.

    Raises ValueError where the shape and the number of values disagree.
    """
    values = blob.diff or blob.double_diff if return_diff else blob.data or blob.double_data
    legacy = ("num", "channels", "height", "width")
    if any(blob.HasField(field) for field in legacy):
        shape = tuple(getattr(blob, field) for field in legacy)
    else:
        shape = tuple(blob.shape.dim)
    if math.prod(checked_shape(shape)) != len(values):
        part = "diff" if return_diff else "data"
        raise caffe_error(
            ValueError, f"a BlobProto of shape {shape} holds {len(values)} values of {part}"
        )
    return np.array(values, np.float64).reshape(shape)


def array_to_blobproto(arr: np.ndarray, diff: np.ndarray | None = None) -> caffe_pb2.BlobProto:
    """A BlobProto with the array as its data, and `diff`, if given, as its diff."""
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(arr.shape)
    blob.data.extend(arr.astype(float).flat)
    if diff is not None:
        blob.diff.extend(diff.astype(float).flat)
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[np.ndarray]) -> bytes:
    """Arrays as a serialized BlobProtoVector."""
    return caffe_pb2.BlobProtoVector(blobs=map(array_to_blobproto, arraylist)).SerializeToString()


def blobprotovector_str_to_arraylist(str: bytes) -> list[np.ndarray]:
    """The arrays of a serialized BlobProtoVector. Raises DecodeError for anything else."""
    try:
        vector = caffe_pb2.BlobProtoVector.FromString(str)
    except DecodeError as error:
        raise caffe_error(
            DecodeError, f"{len(str)} bytes are no whole BlobProtoVector ({error})"
        ) from None
    return [blobproto_to_array(blob) for blob in vector.blobs]


def array_to_datum(arr: np.ndarray, label: int | None = None) -> caffe_pb2.Datum:
    """A Datum of a K x H x W array: uint8 as bytes, any other dtype as floats.

    Raises ValueError for an array of other than 3 axes.
    """
    if arr.ndim != 3:
        raise caffe_error(
            ValueError, f"Incorrect array shape: {arr.shape}; a Datum takes K x H x W"
        )
    return _datum.array_to_datum(arr, label)


def datum_to_array(datum: caffe_pb2.Datum) -> np.ndarray:
    """A Datum's K x H x W array, uint8 or float64; an encoded image is decoded, to BGR.

    Raises ValueError where its size and its data disagree.
    """
    array = _datum.datum_to_array(datum)
    return array.copy() if array.dtype == np.uint8 else array.astype(np.float64)


# Inputs of a net.


class Transformer:
    """What turns an image into a net's input, and back.

    inputs: the shape N x K x H x W of each input's blob, by name. The setters raise CaffeError for
    a name that is none of them, and where an order or a mean does not fit its shape.
    """

    def __init__(self, inputs: dict[str, Sequence[int]]) -> None:
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, np.ndarray] = {}
        self.input_scale: dict[str, float] = {}

    def _check_input(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise CaffeError(f"{in_} is not one of the net inputs: {list(self.inputs)}")

    def preprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """An image as float32 input, a copy.

        In this order: resized to H x W, axes transposed, channels swapped, times raw_scale, minus
        the mean, times input_scale. Raises ValueError for an image that these do not fit, and
        IndexError for one of too few channels to swap.
        """
        self._check_input(in_)
        caffe_in = np.array(data, np.float32)
        in_dims = tuple(self.inputs[in_][2:])
        if caffe_in.shape[:2] != in_dims:
            caffe_in = resize_image(caffe_in, in_dims)
        if in_ in self.transpose:
            order = tuple(self.transpose[in_])
            fits = sorted(order) == list(range(caffe_in.ndim))
            self._check_fit(ValueError, in_, f"transpose {order}", caffe_in, fits)
            caffe_in = caffe_in.transpose(order)
        if in_ in self.channel_swap:
            swap = list(self.channel_swap[in_])
            fits = max(swap) < len(caffe_in)
            self._check_fit(IndexError, in_, f"channel swap {swap}", caffe_in, fits)
            caffe_in = caffe_in[swap]
        for what, values, apply in (
            ("raw_scale", self.raw_scale, np.multiply),
            ("mean", self.mean, np.subtract),
            ("input_scale", self.input_scale, np.multiply),
        ):
            if in_ in values:
                shape = np.shape(values[in_])
                fits = _broadcasts(shape, caffe_in.shape)
                self._check_fit(ValueError, in_, f"{what} of shape {shape}", caffe_in, fits)
                apply(caffe_in, values[in_], out=caffe_in)
        return caffe_in

    def _check_fit(
        self, kind: type[Exception], in_: str, what: str, image: np.ndarray, fits: bool
    ) -> None:
        if not fits:
            raise caffe_error(
                kind,
                f"{in_}: {what} does not fit an image that is {image.shape} here; the input takes "
                f"{tuple(self.inputs[in_][1:])}. Give an image of as many channels (load_image "
                "reads gray ones as 3 too), or change the setting",
            )

    def deprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """The image of an input, axes of length 1 dropped: preprocess without the resizing."""
        self._check_input(in_)
        image = data.copy().squeeze()
        if in_ in self.input_scale:
            image /= self.input_scale[in_]
        if in_ in self.mean:
            image += self.mean[in_]
        if in_ in self.raw_scale:
            image /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            image = image[np.argsort(self.channel_swap[in_])]
        if in_ in self.transpose:
            image = image.transpose(np.argsort(self.transpose[in_]))
        return image

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """The order of the axes: (2, 0, 1) makes K x H x W of an image."""
        self._check_input(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise CaffeError(
                "Transpose order needs to have the same number of dimensions as the input: "
                f"{len(self.inputs[in_]) - 1}; found {tuple(order)}"
            )
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """The order of the channels, first axis after the transpose: (2, 1, 0) makes BGR of RGB."""
        self._check_input(in_)
        if len(order) != self.inputs[in_][1]:
            raise CaffeError(
                "Channel swap needs to have the same number of dimensions as the input channels: "
                f"{self.inputs[in_][1]}; found {tuple(order)}"
            )
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """A factor before the mean: 255 for models of 8-bit images."""
        self._check_scale(in_, "raw_scale", scale)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: np.ndarray) -> None:
        """The mean to subtract: a value for each channel, or K x H x W, resized to the input's.

        Raises ValueError for a mean of another number of channels or axes.
        """
        self._check_input(in_)
        channels, *size = self.inputs[in_][1:]
        if mean.ndim == 2:
            mean = mean[np.newaxis]
        if mean.ndim not in (1, 3):
            raise caffe_error(
                ValueError, f"Mean shape invalid: {mean.shape}; it takes K, H x W or K x H x W"
            )
        if mean.shape[0] != channels:
            raise caffe_error(
                ValueError,
                f"Mean channels incompatible with input: {mean.shape[0]}, not {channels}",
            )
        if mean.ndim == 1:
            mean = mean[:, np.newaxis, np.newaxis]
        elif mean.shape[1:] != tuple(size):
            mean = resize_image(mean.transpose(1, 2, 0), size).transpose(2, 0, 1)
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """A factor after all else."""
        self._check_scale(in_, "input_scale", scale)
        self.input_scale[in_] = scale

    def _check_scale(self, in_: str, what: str, scale: float) -> None:
        self._check_input(in_)
        if not _broadcasts(np.shape(scale), tuple(self.inputs[in_][1:])):
            raise CaffeError(
                f"{what} is a number, or an array that fits the input {in_}, "
                f"{tuple(self.inputs[in_][1:])}, as (K, 1, 1) does; found shape {np.shape(scale)}"
            )


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether numpy takes an array of a shape as one of another."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


# Images.


def load_image(filename: PathLike | BinaryIO, color: bool = True) -> np.ndarray:
    """An image file as H x W x 3 float32 RGB in [0, 1], or H x W x 1 gray without `color`.

    The file may be open already (a BytesIO, say). Alpha is dropped, gray repeated, EXIF's
    orientation not applied. Raises OSError for a file that cannot be read; addresses are not
    fetched.
    """
    image = _unit_range(_pixels(filename))
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    if color:
        image = image.repeat(3, axis=2) if image.shape[2] == 1 else image[:, :, :3]
    elif image.shape[2] > 1:
        image = image[:, :, :3] @ np.array([[0.2125], [0.7154], [0.0721]])  # skimage's luminance
    return image.astype(np.float32)


def _pixels(file: PathLike | BinaryIO) -> np.ndarray:
    """A file's pixels as skimage's imread gives them: H x W, or H x W x 3 or 4."""
    if isinstance(file, str | os.PathLike):
        data = images.read_file(file)
    else:
        data = images.read_open_file(file)
    with error_context(images.named(file)), images.opened(data, (*images.FORMATS, "GIF")) as image:
        if image.mode == "1":
            image = image.convert("L")
        elif image.mode in ("LA", "PA") or (image.mode == "P" and "transparency" in image.info):
            image = image.convert("RGBA")
        elif image.mode not in ("L", "RGB", "RGBA", "F") and image.mode[0] != "I":
            image = image.convert("RGB")
        pixels = np.asarray(image)
    return pixels.astype(np.uint16) if pixels.dtype == np.int32 else pixels


def _unit_range(image: np.ndarray) -> np.ndarray:
    """Integers as float64 in [0, 1] by their dtype's largest value (skimage's img_as_float)."""
    if image.dtype.kind in "ui":
        return image * (1.0 / np.iinfo(image.dtype).max)
    return image.astype(np.float64)


def resize_image(im: np.ndarray, new_dims: Dims, interp_order: int = 1) -> np.ndarray:
    """An H x W x K image resized to new_dims = (height, width), as float32.

    1 or 3 channels are interpolated as `resize` does, between the image's least and greatest value;
    other numbers with the centres of the corner pixels in place. Raises ValueError for another
    number of axes.
    """
    if im.ndim != 3:
        raise caffe_error(ValueError, f"an image has 3 axes, H x W x K; found shape {im.shape}")
    if im.shape[-1] not in (1, 3):
        from scipy.ndimage import zoom

        factors = [new / old for new, old in zip(new_dims, im.shape[:2], strict=True)]
        return zoom(im, (*factors, 1), order=interp_order).astype(np.float32)
    low, high = im.min(), im.max()
    if high > low:
        resized = resize((im - low) / (high - low), new_dims, order=interp_order)
        return (resized * (high - low) + low).astype(np.float32)
    return np.full((*new_dims, im.shape[-1]), low, np.float32)


NDIMAGE_MODES = {
    "constant": "grid-constant",
    "edge": "nearest",
    "symmetric": "reflect",
    "reflect": "mirror",
    "wrap": "grid-wrap",
}


def resize(
    image: np.ndarray,
    output_shape: Dims,
    order: int = 1,
    mode: str = "constant",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
) -> np.ndarray:
    """skimage.transform.resize as of Caffe's time: no smoothing when an image shrinks.

    The edges of pixels stay in place, so with mode "constant" what lies beyond the image, `cval`,
    weighs in the border. Integers are taken to [0, 1] unless preserve_range. Gives float64, with
    `clip` inside the image's range.
    """
    from scipy.ndimage import zoom

    image = image.astype(np.float64) if preserve_range else _unit_range(image)
    shape = (*output_shape, *image.shape[len(output_shape) :])
    factors = [new / old for new, old in zip(shape, image.shape, strict=True)]
    out = zoom(image, factors, order=order, mode=NDIMAGE_MODES[mode], cval=cval, grid_mode=True)
    if clip:
        limits = [image.min(), image.max()]
        if mode == "constant" and out.min() <= cval <= out.max():
            limits.append(cval)
        out.clip(min(limits), max(limits), out=out)
    return out


def oversample(images: Images, crop_dims: Dims) -> np.ndarray:
    """The four corners and the centre of each H x W x K image, then the same mirrored.

    Returns 10*N x height x width x K float32. All images have the first one's shape. Raises
    ValueError where they are smaller than crop_dims = (height, width).
    """
    size, crop = np.array(images[0].shape[:2]), np.array(crop_dims)
    if (crop > size).any():
        raise caffe_error(
            ValueError, f"crops of {tuple(crop_dims)} out of images of {images[0].shape[:2]}"
        )
    y, x = size - crop
    starts = [(0, 0), (0, x), (y, 0), (y, x), tuple(((size - crop) / 2).astype(int))]
    cut = [im[i : i + crop[0], j : j + crop[1]] for im in images for i, j in starts]
    crops = np.array(cut, np.float32).reshape(len(images), 1, 5, *crop, -1)
    return np.concatenate([crops, crops[..., ::-1, :]], axis=1).reshape(-1, *crops.shape[3:])
