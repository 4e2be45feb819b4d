"""What all data layers of segmentation share: order, prefetch, augmentation, cuts, batches.

Only caffe.Layer, numpy and PIL are used, so BVLC's pycaffe runs these layers too.
"""

from __future__ import annotations

import ast
import hashlib
import os
import random
import unicodedata
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image, ImageOps

import caffe
from mat_file import read_mat_file
from photograph import (
    SUFFIXES,
    exchanged,
    is_ambiguous,
    is_exchanged,
    orientation,
    upright_rgb,
)
from seg_labels import VOID
from text_list import read_list
from views import DEGREES, VIEWS, cropped, lost, mirrored, resized, zoomed

try:
    from caffe.core.local_copy import local_copy
except ImportError:  # another pycaffe

    def local_copy(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
        return path


PathLike = str | os.PathLike
Fits = Callable[[Any], bool]
Item = tuple[int, int]  # its number in the order of all passes, and the entry that it is

AHEAD = 3  # passes that are decoded before they are due
THREADS = 2  # that decode them
MAX_ZOOM = 16  # so that a slip does not ask for all memory


class SegDataLayer(caffe.Layer):
    """Image and labels of one or several entries of a split, the net reshaped to them.

    Tops: those of `tops`; data is (batch, C, H, W) float32, a label (batch, 1, H, W) of class
    indices and 255 (void). No bottoms. param_str is a literal dict:

    - the folders (`dir_keys`) and split: required; mean (three numbers, BGR): required where the
      layer has none of its own;
    - randomize (True): draw with replacement; a split without 'train' in its name never does;
    - seed (None): of the draw. The order is that of the authors' layers under Python 2.7;
    - views (("original",)): what of each image is an entry in training, one after another: some of
      original, mirrored and rotated (by 1 degree);
    - mirror (False): flip every second image; jitter (0): move it by up to so many pixels each way,
      what moves in being mean and void; zoom ((1, 1)): make it as many times as large as a number
      between the two, drawn evenly in its logarithm; crop (None): cut out (height, width) at
      random. None of these has an effect on a split without 'train' in its name;
    - size (None): (height, width) that images are brought to; of labels the nearest pixel counts;
    - downscale (1): divides the size; data is averaged, of labels the middle is taken;
    - cuts ((1, 1)): rows and columns that an image is cut into, each piece an entry;
    - every (1): the images of the split that there are: the first of each so many;
    - batch (1): entries a pass, which must have equal sizes.

    Where several solvers train together (caffe.solver_count), entry i of the order is that of rank
    i modulo their number.

    `state_dict` is the place in that order, which solverstates keep; it is the same on all ranks,
    and counts passes of one solver alone. The next passes are decoded in
    threads while the net runs. Their errors are raised by the pass
    that needs them: FileNotFoundError for what is missing, OSError for what can't be read,
    ValueError for contents or parameters that don't fit; each names the file.
    """

    # Set by the subclasses. `paths` holds the file of each top; both it and `split_path` are format
    # strings of the keys of param_str and, for paths, the entry's `name`.
    dir_keys: tuple[str, ...] = ()
    split_path = ""
    paths: dict[str, str] = {}
    tops: tuple[str, ...] = ("data", "label")
    mean: np.ndarray | None = None
    own_keys: dict[str, tuple[Fits, str]] = {}  # further keys of param_str, as OPTIONAL

    def setup(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        if len(bottom) != 0:
            raise ValueError(f"{_kind(self)}: {len(bottom)} bottoms; a data layer has none")
        self.open()
        if len(top) != len(self.tops):
            names = " and ".join(self.tops)
            raise ValueError(f"{_kind(self)}: {len(top)} tops; define {len(self.tops)}: {names}")
        self.rank, self.count, self.by_pass = *self.share(), False
        self.start_workers()
        seed = self.params.get("seed")
        self.begin(random.SystemRandom().getrandbits(64) if seed is None else seed)
        _running.add(self)
        self.prefetch()

    def open(self) -> None:
        """Read param_str and the split; all that `load` needs."""
        self.params = params = _parse(self)
        self.tops = tuple(params.get("tops", self.tops))
        if "mean" in params:
            # float64: the subtraction from float32 pixels is rounded once, as in the authors' layer
            self.mean = np.array(params["mean"], np.float64)
        self.training = "train" in params["split"]
        self.random = params.get("randomize", True) and self.training
        self.cuts: tuple[int, int] = params.get("cuts", (1, 1))
        self.indices = self.read_split()[:: params.get("every", 1)]
        self.views = tuple(params.get("views", ("original",))) if self.training else ("original",)
        self.pieces = len(self.indices) * self.cuts[0] * self.cuts[1]  # of a view
        self.entries = len(self.views) * self.pieces

    def begin(self, seed: int) -> None:
        """Go to the first pass in the order that the seed gives."""
        self.seed, self.rng = seed, random.Random(seed)
        self.number = 0  # of the next pass to choose, and where the round of all ranks begins
        # The pass that is due, and those after it: where they begin, and their items
        self.pending: deque[tuple[int, list[Item]]] = deque()
        self.decoded: dict[int, Future[list[np.ndarray]]] = {}  # their batches, by number

    def share(self) -> tuple[int, int]:
        """The rank of this solver and the number of them; (0, 1) in a test, which one runs alone.

        Raises ValueError where there are fewer images than solvers.
        """
        count = caffe.solver_count() if hasattr(caffe, "solver_count") else 1  # older pycaffes
        if count == 1 or self.phase != caffe.TRAIN:
            return 0, 1
        if self.entries < count:
            raise ValueError(
                f"{_kind(self)}: the split {self.params['split']} has {self.entries} image(s) for "
                f"{count} ranks: train on {self.entries} or fewer"
            )
        return caffe.solver_rank(), count

    def take_turns(self, rank: int, count: int) -> None:
        """Of each `count` passes from here on, read the one that is number `rank`."""
        state = self.state_dict()
        self.rank, self.count, self.by_pass = rank, count, True
        self.load_state_dict(state)

    def contents(self) -> str:
        """What tells this layer's data from other data."""
        names = "\n".join(map(str, self.indices)).encode()
        return f"{len(self.indices)} images, digest {hashlib.sha1(names).hexdigest()[:16]}"

    def start_workers(self) -> None:
        self.workers = ThreadPoolExecutor(THREADS, "prefetch")
        self.decoded = {}

    def reshape(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        # Called once when the net is built and once every pass: each batch is decoded once.
        self.prefetch()
        self.batch = self.decoded[self.pending[0][0]].result()
        for blob, array in zip(top, self.batch, strict=True):
            blob.reshape(*array.shape)

    def forward(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        for blob, array in zip(top, self.batch, strict=True):
            blob.data[...] = array
        self.skip(1)

    def backward(
        self, top: list[caffe.Blob], propagate_down: list[bool], bottom: list[caffe.Blob]
    ) -> None:
        pass

    def skip(self, n: int) -> None:
        """Go on with the pass that comes n (>= 0) passes later, decoding none in between."""
        if n < 0:
            raise ValueError(f"{_kind(self)}: can't skip {n} images; n must be 0 or more")
        for _ in range(n):
            number, _ = self.pending.popleft() if self.pending else self.choose()
            if number in self.decoded:
                self.decoded.pop(number).cancel()
        self.prefetch()

    def state_dict(self) -> dict[str, int]:
        """The seed of all draws, and the number of the pass that the next forward is."""
        return {"seed": self.seed, "pass": self.pending[0][0] if self.pending else self.number}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on there; ValueError for anything but what `state_dict` gave."""
        is_place = (
            isinstance(state, dict)
            and state.keys() == {"seed", "pass"}
            and isinstance(state["seed"], int)
            and whole(0, 2**31 - 1)(state["pass"])
        )
        if not is_place:
            raise ValueError(
                f"{_kind(self)}: {state!r} is no place in its data; expected a seed and a pass, "
                "both whole numbers"
            )
        for future in self.decoded.values():
            future.cancel()
        self.begin(state["seed"])
        self.number = state["pass"]
        if self.random:
            for _ in range(self.number * self.params.get("batch", 1)):
                self.rng.random()
        self.prefetch()

    def choose(self) -> tuple[int, list[Item]]:
        """Where the next pass that nobody has asked for begins, and its items."""
        begins, size = self.number, self.params.get("batch", 1)
        self.number += self.count
        numbers = range(begins * size, self.number * size)  # of all ranks
        if self.random:
            # random.randint draws otherwise in Python 3; this is what it did in 2.7.
            items = [(number, int(self.rng.random() * self.entries)) for number in numbers]
        else:
            items = [(number, number % self.entries) for number in numbers]
        if self.by_pass:
            return begins, items[self.rank * size : (self.rank + 1) * size]
        return begins, items[self.rank :: self.count]

    def prefetch(self) -> None:
        while len(self.pending) < AHEAD:
            self.pending.append(self.choose())
        for number, items in self.pending:
            if number not in self.decoded:
                self.decoded[number] = self.workers.submit(self.load_batch, items)

    def load_batch(self, items: list[Item]) -> list[np.ndarray]:
        """One (len(items), C, H, W) array a top."""
        size = self.params.get("batch", 1)
        loaded = [self.load_entry(entry, f"{n // size} {n % size}") for n, entry in items]
        shapes = [arrays[0].shape for arrays in loaded]
        for (_, entry), shape in zip(items, shapes, strict=True):
            if shape != shapes[0]:
                path, first = (self.path(self.tops[0], self.name(i)) for i in (entry, items[0][1]))
                raise ValueError(
                    f"{path}: {shape[1]} x {shape[2]} (h x w), but {first} in the same batch is "
                    f"{shapes[0][1]} x {shapes[0][2]}; set batch to 1, or make all images equal"
                )
        if len(items) == 1:
            return [array[np.newaxis] for array in loaded[0]]  # without a copy
        return [np.stack(arrays) for arrays in zip(*loaded, strict=True)]

    def load_entry(self, item: int, draw: str) -> list[np.ndarray]:
        """The (C, H, W) arrays of one entry, downscaled, cut and augmented."""
        arrays = self.load(self.name(item))
        if "size" in self.params:
            arrays = [resized(array, self.params["size"]) for array in arrays]
        arrays = [downscaled(array, self.params.get("downscale", 1)) for array in arrays]
        arrays = [cut(array, *self.cuts, item) for array in arrays]
        if not self.training:
            return arrays
        arrays = self.viewed(arrays, item)
        # Draws of its own, so that the order is the same with and without it. A string seeds alike
        # in every version of Python.
        rng = random.Random(f"{self.seed} {draw}")
        flipped = rng.random() < 0.5
        jitter = self.params.get("jitter", 0)
        down, right = rng.randint(-jitter, jitter), rng.randint(-jitter, jitter)
        if flipped and self.params.get("mirror", False):
            arrays = [mirrored(array) for array in arrays]
        if jitter:
            arrays = [moved(array, down, right) for array in arrays]
        if "zoom" in self.params:
            arrays = zoomed(arrays, self.params["zoom"], rng)
        if "crop" in self.params:
            arrays = cropped(
                arrays, self.params["crop"], rng, self.path(self.tops[0], self.name(item))
            )
        return arrays

    def viewed(self, arrays: list[np.ndarray], item: int) -> list[np.ndarray]:
        """The view that an entry is of its (C, H, W) arrays."""
        view = self.views[item // self.pieces]
        seen = [VIEWS[view](array) for array in arrays]
        if lost(arrays, seen):
            path = self.path(self.tops[0], self.name(item))
            raise ValueError(
                f"{path}: {view} by {DEGREES} degree, no labelled pixel is left: correct the "
                "label, or train without that view (views in param_str)"
            )
        return seen

    def load(self, name: str) -> list[np.ndarray]:
        """The (C, H, W) arrays of entry `name`, one a top: float32 data, uint8 labels."""
        arrays: list[np.ndarray] = []
        for top in self.tops:
            path = self.path(top, name)
            array = getattr(self, f"load_{top}")(path)
            if arrays and array.shape[1:] != arrays[0].shape[1:]:
                array = _turned_with(self.path(self.tops[0], name), arrays[0], path, top, array)
            arrays.append(array)
        return arrays

    def load_data(self, path: str) -> np.ndarray:
        """(3, H, W) float32 BGR minus the mean of the photograph at path, upright, in RGB."""
        assert self.mean is not None  # param_str has it where the class has none
        return planes(upright_rgb(read_image(path), path)[:, :, ::-1], self.mean)

    def name(self, item: int) -> str:
        """The id of the image that entry number `item` is (a piece of)."""
        return self.indices[item % self.pieces // (self.cuts[0] * self.cuts[1])]

    def path(self, top: str, name: str) -> str:
        return self.paths[top].format(name=name, **self.params)

    def read_split(self) -> list[str]:
        """The ids of the split; every file of theirs must be there."""
        path = self.split_path.format(**self.params)
        try:
            names = read_list(path)
        except FileNotFoundError:
            keys = " and ".join(map(repr, (*self.dir_keys, "split")))
            raise FileNotFoundError(
                f"{path}: no such split file (looked from {os.getcwd()}); check {keys} in param_str"
            ) from None
        except OSError as error:
            raise OSError(f"{error}; expected a text file of one image id a line") from error
        if not names:
            raise ValueError(f"{path}: the split is empty; expected one image id a line")
        # All are looked for now: a run must not fail hours later.
        for top in self.tops:
            paths = [self.path(top, name) for name in names]
            missing = [file for file in paths if not os.path.exists(file)]
            if missing:
                raise FileNotFoundError(
                    f"{missing[0]}: no such file, but {path} lists it ({len(missing)} of "
                    f"{len(names)} missing): {self.cure(missing[0])}"
                )
        return names

    def cure(self, missing: str) -> str:
        """What to do about a file that a list names and that is not there."""
        return _cure(missing)


def _cure(missing: str) -> str:
    """What to do about a missing file; it names files of almost the same name."""
    folder, file = os.path.split(missing)
    id_ = os.path.splitext(file)[0]
    if os.path.exists(os.path.join(folder, id_)):
        return f"{id_} is there: list ids without their suffix"
    if id_.lower().endswith(SUFFIXES):
        return "list ids alone, without folder or suffix"
    if not os.path.isdir(folder):
        return (
            f"there is no folder {folder}: make it, or, in a folder of your own, say in "
            "dataset.json where they lie"
        )
    begin = _folded(id_)
    found = {_folded(other): other for other in sorted(os.listdir(folder))}
    near = [
        other
        for name, other in found.items()
        if name.startswith(begin) and not name[len(begin) :][:1].isalnum()
    ]
    if near and file in map(_composed, near):
        return (
            "one is there whose name looks the same, but with accents as characters of their own "
            "(as macOS spells names): rename it (convmv -f utf8 -t utf8 --nfc), or list it as it is"
        )
    if near:
        return (
            f"{', '.join(near[:3])} is there: rename it, or, in a folder of your own, say so in "
            "dataset.json"
        )
    if len(id_.split()) > 1:
        return (
            "list ids alone, one a line, without a second column (awk '{print $1}' keeps the "
            "first); or add the file, if the space is part of its name"
        )
    return "add it, or take it off the list"


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return _composed(name).casefold()


_running: weakref.WeakSet[SegDataLayer] = weakref.WeakSet()  # layers that have workers


def _start_again() -> None:
    """In a forked process, where no thread of the parent's is."""
    for layer in list(_running):
        layer.start_workers()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_start_again)


# ---- reading ----


def read_image(path: PathLike) -> Image.Image:
    """The decoded image at path."""
    try:
        with Image.open(local_copy(path)) as image:
            image.load()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file: {_cure(str(path))}") from None
    except Exception as error:  # Pillow raises a dozen types on damaged files
        raise OSError(f"{path}: can't be read as an image ({error}); get it again") from error
    return image


def read_indices(path: PathLike) -> np.ndarray:
    """(H, W) uint8 of a one-channel label image.

    Its own EXIF orientation counts only where its size would not tell whether it is turned.
    """
    image = read_image(path)
    if image.format == "JPEG":
        raise ValueError(
            f"{path}: a JPEG, which does not keep class indices as they are; expected a lossless "
            "image (palette PNG): save the labels as such where they were drawn"
        )
    if image.mode not in ("1", "L", "P"):
        raise ValueError(
            f"{path}: label image has mode {image.mode}; expected one channel of class "
            "indices in 8 bits (palette PNG, mode P): map its values to indices and save it as such"
        )
    if image.format == "PNG" and image.mode == "L" and (bits := _depth(path)) < 8:
        step = 255 // (2**bits - 1)
        found = ", ".join(map(str, np.unique(np.array(image) // step)))
        raise ValueError(
            f"{path}: a gray PNG of {bits} bits a pixel with the values {found}, which are read as "
            f"shares of white, {step} times as much; expected class indices in 8 bits (palette "
            f"PNG, mode P): save np.asarray(image) // {step} in its place"
        )
    if is_ambiguous(image):
        ImageOps.exif_transpose(image, in_place=True)
    return np.array(image, dtype=np.uint8)


def _depth(path: PathLike) -> int:
    """The bits that a PNG has for each value."""
    with open(path, "rb") as file:
        return file.read(25)[-1]


def _turned_with(
    image_path: str, image: np.ndarray, path: str, top: str, array: np.ndarray
) -> np.ndarray:
    """A (C, H, W) map of the photograph as it is stored, turned as that is.

    ValueError if its size is neither the stored nor the turned one, which `image` has.
    """
    with Image.open(image_path) as stored:
        number = orientation(stored)
    height, width = image.shape[1:]
    size = f"is {_size(image)}"
    if is_exchanged(number):
        if array.shape[1:] == (width, height):
            return exchanged(array, number)
        size += f", turned by its EXIF orientation from {width} x {height}"
    raise ValueError(
        f"{path}: {top} is {_size(array)}, its image {image_path} {size}; make them the same size"
    )


def read_mat(path: PathLike) -> dict[str, Any]:
    """The variables of a MATLAB file, as read_mat_file gives them."""
    try:
        return read_mat_file(local_copy(path))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise OSError(f"{path}: can't be read ({error}); get the file again") from error


def read_map(path: PathLike, variable: str) -> np.ndarray:
    """The (H, W) whole numbers that a MATLAB file holds under `variable`."""
    contents = read_mat(path)
    if variable not in contents:
        raise ValueError(
            f"{path}: holds {', '.join(sorted(contents)) or 'nothing'}; expected the variable "
            f"{variable}: get the file again, or rename what it holds"
        )
    values = contents[variable]
    is_map = isinstance(values, np.ndarray) and values.ndim == 2
    if not is_map or not np.array_equal(values, np.floor(values)):
        raise ValueError(
            f"{path}: {variable} is {described(values)}; expected an H x W array of class indices"
        )
    return values


def described(value: object) -> str:
    """What read_mat_file found, for a message."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return "no array of numbers"


# ---- size and place ----


def planes(pixels: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """(3, H, W) float32 of (H, W, 3) uint8 pixels less the mean, rounded once."""
    channels = pixels.transpose(2, 0, 1)
    return np.subtract(channels, mean[:, None, None], out=np.empty(channels.shape, np.float32))


def downscaled(array: np.ndarray, factor: int) -> np.ndarray:
    """(C, H, W) at 1 / factor of the size (rounded up): means of floats, the middle of labels."""
    if factor == 1:
        return array
    height, width = array.shape[1:]
    if array.dtype == np.uint8:
        rows, columns = (
            np.minimum(np.arange(0, size, factor) + factor // 2, size - 1)
            for size in (height, width)
        )
        return array[:, rows[:, None], columns]
    padded = np.pad(array, ((0, 0), (0, -height % factor), (0, -width % factor)), mode="edge")
    blocks = padded.reshape(len(array), padded.shape[1] // factor, factor, -1, factor)
    return blocks.mean((2, 4), dtype=np.float32)


def moved(array: np.ndarray, down: int, right: int) -> np.ndarray:
    """(C, H, W) moved by so many pixels; what comes in is 0 (the mean), of labels void."""
    out = np.full_like(array, VOID if array.dtype == np.uint8 else 0)
    height, width = array.shape[1:]
    to_y, from_y = _overlap(down, height)
    to_x, from_x = _overlap(right, width)
    out[:, to_y, to_x] = array[:, from_y, from_x]
    return out


def _overlap(by: int, size: int) -> tuple[slice, slice]:
    by = max(-size, min(size, by))
    return slice(max(0, by), size + min(0, by)), slice(max(0, -by), size - max(0, by))


def cut(array: np.ndarray, rows: int, columns: int, number: int) -> np.ndarray:
    """Piece `number` (counted along the rows, modulo their number) of a (C, H, W) array."""
    row, column = divmod(number % (rows * columns), columns)
    height, width = array.shape[1:]
    down = slice(height * row // rows, height * (row + 1) // rows)
    return array[:, down, width * column // columns : width * (column + 1) // columns]


# ---- param_str ----


def _kind(layer: SegDataLayer) -> str:
    return type(layer).__name__


def _is_mean(value: object) -> bool:
    return (
        isinstance(value, (tuple, list))
        and len(value) == 3
        and all(isinstance(v, (int, float)) for v in value)
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def whole(low: int, high: float = float("inf")) -> Fits:
    """Whether a value is a whole number from low to high."""
    return lambda value: type(value) is int and low <= value <= high


def _is_pair(value: object) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(map(whole(1), value))


def _are_factors(value: object) -> bool:
    return (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(type(factor) in (int, float) for factor in value)
        and 0 < value[0] <= value[1] <= MAX_ZOOM
    )


def _are_views(value: object) -> bool:
    return (
        isinstance(value, (tuple, list))
        and 1 <= len(value) == len({*map(str, value)})
        and {*map(str, value)} <= {*VIEWS}
    )


MEAN_KEY: dict[str, tuple[Fits, str]] = {"mean": (_is_mean, "three numbers, (B, G, R)")}
# Keys of param_str: whether a value fits, and what is expected
OPTIONAL: dict[str, tuple[Fits, str]] = {
    "randomize": (_is_flag, "True or False"),
    "seed": (lambda value: value is None or isinstance(value, int), "a whole number or None"),
    "mirror": (_is_flag, "True or False"),
    "jitter": (whole(0), "a whole number of pixels, 0 or more"),
    "downscale": (whole(1), "a whole number, 1 or more"),
    "cuts": (_is_pair, "two whole numbers, (rows, columns)"),
    "views": (_are_views, f"some of {', '.join(VIEWS)}, each once"),
    "zoom": (_are_factors, f"two factors, (least, most), above 0 and at most {MAX_ZOOM}"),
    "crop": (_is_pair, "two whole numbers, (height, width)"),
    "size": (_is_pair, "two whole numbers, (height, width)"),
    "every": (whole(1), "a whole number, 1 or more"),
    "batch": (whole(1), "a whole number, 1 or more"),
}


def _literal_dict(text: str) -> dict[str, Any] | None:
    """The dict that text stands for, None if it stands for none."""
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _parse(layer: SegDataLayer) -> dict[str, Any]:
    """The layer's param_str as a dict, its keys and values checked."""
    required = {key: (_is_text, "a folder") for key in layer.dir_keys}
    required["split"] = (_is_text, "a name")
    if layer.mean is None:
        required.update(MEAN_KEY)
    known = {**required, **MEAN_KEY, **OPTIONAL, **layer.own_keys}
    params = _literal_dict(layer.param_str)
    if params is None:
        folders = ", ".join(f"'{key}': 'path'" for key in layer.dir_keys)
        mean = ", 'mean': (B, G, R)" if layer.mean is None else ""
        raise ValueError(
            f"{_kind(layer)}: param_str {layer.param_str!r} is no literal dict; expected "
            f"\"{{{folders}, 'split': 'train'{mean}}}\""
        )
    unknown = [str(key) for key in params if key not in known]
    if unknown:
        raise ValueError(
            f"{_kind(layer)}: param_str has unknown {', '.join(unknown)}; "
            f"it takes {', '.join(known)}"
        )
    missing = [key for key in required if key not in params]
    if missing:
        raise ValueError(f"{_kind(layer)}: param_str lacks {', '.join(missing)}; add it")
    for key, value in params.items():
        fits, meaning = known[key]
        if not fits(value):
            raise ValueError(f"{_kind(layer)}: param_str {key}={value!r}; expected {meaning}")
    return params


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]} x {array.shape[2]} (h x w)"
