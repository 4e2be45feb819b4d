"""What Caffe's data layers do to an image: crop, mirror, mean, scale (data_transformer.cpp)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..core.errors import CaffeError, anew
from ..core.log import LOGGER, info
from ..proto import caffe_pb2
from . import images, multi_scale
from .augmentation import BY_CHANCE, augmented, by_shorter_side, check_augmentation
from .datum import datum_to_array
from .mean_file import read_mean
from .noise import check_noise, noised
from .random_size import has_random_size, random_sized
from .resizing import check_policy, resized, size_after

Shape = tuple[int, int, int]
PIXELS = 3  # a stream of random numbers
ANNOTATED = ("distort_param", "expand_param", "emit_constraint")  # AnnotatedData's alone, in SSD


def random_words(seed: int, stream: int, item: int, count: int) -> np.ndarray:
    """`count` random uint64, a function of the arguments alone; up to 4 of an item are its own.

    Streams of one seed are independent of each other. The numbers are the same under every numpy
    (a bit generator's are promised, those that numpy makes of them are not).
    """
    return np.random.Philox(key=seed + (stream << 64), counter=item).random_raw(count)


def uniforms(seed: int, stream: int, item: int) -> Iterator[float]:
    """Numbers of [0, 1) without end, a function of the arguments alone, as `random_words` has them.

    Streams and items are independent of each other.
    """
    generator = np.random.Philox(key=seed + (stream << 64), counter=item << 64)
    while True:
        for word in generator.random_raw(16).tolist():
            yield (word >> 11) * 2.0**-53


def _read_mean_file(path: str) -> np.ndarray:
    try:
        return read_mean(path)
    except CaffeError as error:
        if not isinstance(error, FileNotFoundError):
            raise
        raise anew(
            error,
            f"{error}; correct mean_file, make the file with `caffe compute_image_mean DB {path}`, "
            "or give the channels' means as mean_value",
        ) from None


@dataclass(frozen=True)
class Place:
    """Where an image is cut out, and whether the cutting is mirrored."""

    top: int
    left: int
    height: int
    width: int
    mirror: bool

    def cut(self, image: np.ndarray) -> np.ndarray:
        """The cutting of an image (..., H, W), a view."""
        below, right = self.top + self.height, self.left + self.width
        cutting = image[..., self.top : below, self.left : right]
        return cutting[..., ::-1] if self.mirror else cutting


class Transformer:
    """transformation_param, ready to use: (image - mean) * scale, on a crop, mirrored or not.

    With SSD's resize_param and noise_param, images of 8 bits are resized and made worse first, and
    before that, with Intel's random_resize_param or random_aspect_ratio_param, brought to a size.
    Of several resize_param one is drawn for each image.
    With multi_scale of the temporal segment networks, what is cut in TRAIN has several sizes and is
    resized to the crop's; with fix_crop it is cut at corners and centre. What caffe-augmentation
    adds comes before all that.
    Raises CaffeError for parameters that exclude each other, and for a mean file that is none.
    """

    def __init__(self, param: caffe_pb2.TransformationParameter, phase: int) -> None:
        if param.HasField("mean_file") and param.mean_value:
            raise CaffeError("Cannot specify mean_file and mean_value at the same time")
        self.random_crop = phase == caffe_pb2.TRAIN
        # Height and width; 0: not cut.
        self.crop = (param.crop_h or param.crop_size, param.crop_w or param.crop_size)
        self.mirror = param.mirror
        self.scale = np.float32(param.scale)
        self.force_color, self.force_gray = param.force_color, param.force_gray
        self.told = False  # that forcing does nothing to a raw datum
        self.resizes = list(param.resize_param)  # of several one is drawn for each image
        if len(self.resizes) > 1 and not all(self.crop):
            raise CaffeError(
                f"resize_param is given {len(self.resizes)} times; only AnnotatedData draws one of "
                "several without a crop_size, which makes the images of a batch equal"
            )
        self.noise = param.noise_param if param.HasField("noise_param") else None
        for policy in self.resizes:
            check_policy(policy)
        if self.noise:
            check_noise(self.noise)
        self.draws_size = has_random_size(param)
        self.augments = check_augmentation(param)
        self.random_size = self.draws_size or any(getattr(param, name) for name in BY_CHANCE)
        multi_scale.check_multi_scale(param)
        self.param = param
        for name in ANNOTATED:
            if param.HasField(name):
                LOGGER.warning("%s: only AnnotatedData layers heed it, as in SSD", name)
        self.mean: np.ndarray | None = None  # float32 (C, H, W), or (1 or C, 1, 1)
        self.mean_file = param.mean_file if param.HasField("mean_file") else None
        if self.mean_file is not None:
            info("data_transformer.cpp:25", "Loading mean file from: %s", self.mean_file)
            self.mean = _read_mean_file(self.mean_file)
        elif param.mean_value:
            self.mean = np.array(param.mean_value, np.float32)[:, None, None]

    def array(self, datum: caffe_pb2.Datum) -> np.ndarray:
        """A datum as (C, H, W) uint8 BGR or float32, decoded if it is encoded.

        Where one is not, force_color and force_gray do nothing: an error is logged, as BVLC does
        for each datum, but once.
        """
        if not (datum.encoded or self.told) and (self.force_color or self.force_gray):
            LOGGER.error("force_color and force_gray only for encoded datum")
            self.told = True
        return datum_to_array(datum, self.force_color, self.force_gray)

    def shape(self, image: Shape) -> Shape:
        """What becomes of an image of shape (C, H, W). Raises CaffeError where it does not fit."""
        crop_h, crop_w = self.crop
        if min(image) < 1:
            raise CaffeError(f"an image of shape {image}; expected at least 1 each")
        if self.param.min_side:
            image = (image[0], *by_shorter_side(image[1:], self.param.min_side))
        if len(self.resizes) == 1:
            image = (image[0], *size_after(self.resizes[0], image[1:]))
        channels, height, width = image
        if not (self.random_size or len(self.resizes) > 1):
            self._check_crop(height, width)
        if self.mean_file and self.mean is not None and self.mean.shape != image:
            raise CaffeError(
                f"mean file {self.mean_file} is of shape {self.mean.shape}, the image of {image}; "
                "they must be equal"
            )
        self.check_values(channels)
        return channels, crop_h or height, crop_w or width

    def _check_crop(self, height: int, width: int) -> None:
        crop_h, crop_w = self.crop
        if crop_h > height or crop_w > width:
            raise CaffeError(
                f"crop_size {crop_h if crop_h == crop_w else self.crop} is larger than the image "
                f"of height {height}, width {width}"
            )

    def check_values(self, channels: int) -> None:
        """Raise CaffeError where there are mean values, but neither one nor one a channel."""
        if self.mean_file is None and self.mean is not None and len(self.mean) not in (1, channels):
            raise CaffeError(
                f"Specify either 1 mean_value or as many as channels: {channels}; "
                f"found {len(self.mean)}"
            )

    def place(self, image: Shape, seed: int, item: int) -> Place:
        """Crop and mirror of the item of that number: drawn from (seed, item), or the centre."""
        _, above, beside = image
        height, width = (self.crop[0] or above), (self.crop[1] or beside)
        above, beside = above - height, beside - width  # what is left over
        top, left, mirror = above // 2, beside // 2, False
        if self.mirror or (self.random_crop and any(self.crop)):
            words = random_words(seed, 0, item, 4).tolist()
            mirror = self.mirror and bool(words[0] % 2)
            if self.random_crop:
                height, width = self._size(image[1:], (height, width), words[3])
                top, left = self._corner(image[1:], (height, width), words[1:3])
        return Place(top, left, height, width, mirror)

    def _size(self, image: tuple[int, int], crop: tuple[int, int], word: int) -> tuple[int, int]:
        """Height and width of what is cut in TRAIN."""
        if not self.param.multi_scale:
            return crop
        found = multi_scale.sizes(image, crop, self.param.scale_ratios, self.param.max_distort)
        return found[word % len(found)]

    def _corner(
        self, image: tuple[int, int], size: tuple[int, int], words: list[int]
    ) -> tuple[int, int]:
        """Where that begins."""
        if self.param.fix_crop:
            found = multi_scale.corners(image, size, self.param.more_fix_crop)
            return found[words[0] % len(found)]
        above, beside = image[0] - size[0], image[1] - size[1]
        return words[0] % (above + 1), words[1] % (beside + 1)

    def _prepared(self, image: np.ndarray, draws: Iterator[float]) -> np.ndarray:
        """An image (C, H, W) as resize_param and noise_param want it."""
        pixels = eight_bits(image)
        if self.resizes:
            pixels = resized(pixels, self._policy(draws), draws)
            self._check_crop(*pixels.shape[:2])
        if self.noise:
            pixels = noised(pixels, self.noise, draws)
        return pixels.transpose(2, 0, 1)

    def _policy(self, draws: Iterator[float]) -> caffe_pb2.ResizeParameter:
        """A resize_param, the more often the larger its prob."""
        if len(self.resizes) == 1:
            return self.resizes[0]
        chances = np.cumsum([policy.prob for policy in self.resizes])
        at = int(np.searchsorted(chances, next(draws) * chances[-1], side="right"))
        return self.resizes[min(at, len(self.resizes) - 1)]

    def write(self, image: np.ndarray, place: Place, out: np.ndarray) -> None:
        """Transform an image (C, H, W) into `out`, float32 and of the shape `shape` gives."""
        cutting = place.cut(image)
        if cutting.shape != out.shape:  # multi_scale's
            size = (out.shape[1], out.shape[2])
            cutting = images.resize(eight_bits(cutting), size).transpose(2, 0, 1)
        out[...] = cutting
        if self.param.is_flow and place.mirror:
            out[::2] = 255 - out[::2]
        if self.param.flow and place.mirror:
            out[2:3] = 255 - out[2:3]
        if self.mean is not None:
            out -= self.mean if self.mean_file is None else place.cut(self.mean)
        if self.scale != 1:
            out *= self.scale

    def __call__(self, image: np.ndarray, seed: int, item: int, out: np.ndarray) -> Place:
        """Transform the item of that number into `out`, and say where it was cut.

        Raises CaffeError where the shapes differ.
        """
        shape = self.shape(image.shape)
        draws = uniforms(seed, PIXELS, item)
        if self.augments:
            pixels = augmented(eight_bits(image), self.param, draws, self.random_crop)
            image = pixels.transpose(2, 0, 1)
        if self.draws_size:
            image = random_sized(eight_bits(image), self.param, draws).transpose(2, 0, 1)
        if self.random_size:
            self._check_crop(*image.shape[1:])
        if self.resizes or self.noise:
            image = self._prepared(image, draws)
        if shape != out.shape:
            raise CaffeError(
                f"an image of shape {shape}, in a batch whose first is of {out.shape}; all images "
                "of a batch must be equal in size: set crop_size, resize them, or use batch_size: 1"
            )
        place = self.place(image.shape, seed, item)
        self.write(image, place, out)
        return place


def eight_bits(image: np.ndarray) -> np.ndarray:
    """An image (C, H, W) as (H, W, C), for what changes pixels. Raises CaffeError for floats."""
    if image.dtype != np.uint8:
        raise CaffeError(
            f"an image of {image.dtype}; resizing and the like needs 8 bits: store encoded images, "
            "or data instead of float_data"
        )
    return image.transpose(1, 2, 0)
