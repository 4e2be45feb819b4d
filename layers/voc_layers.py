"""Data layers for PASCAL VOC and SBD: one image and its label a pass, the net reshaped to them.

Use from a prototxt, with this folder on PYTHONPATH:

    layer { name: "data" type: "Python" top: "data" top: "label"
      python_param { module: "voc_layers" layer: "SBDDSegDataLayer"
        param_str: "{'sbdd_dir': 'data/sbdd/dataset', 'split': 'train', 'seed': 1337,
                     'mean': (104.00699, 116.66877, 122.67892)}" } }

Only caffe.Layer, numpy, PIL and scipy are used, so BVLC's pycaffe runs these layers too.
"""

import ast
import os
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.io
from PIL import Image

import caffe

VOID = 255


class SegDataLayer(caffe.Layer):
    """Image and label of one entry of a split.

    Tops: data (1, 3, H, W) float32 BGR minus the mean; label (1, 1, H, W) of class indices and 255
    (void). No bottoms. param_str is a literal dict:

    - the folder (its key is the subclass's `dir_key`), split, mean (three numbers, BGR): required;
    - randomize (True): draw with replacement; a split without 'train' in its name never does;
    - seed (None): of the draw. The order is that of the authors' layer under Python 2.7;
    - n_classes (21): labels from there on, other than 255, are an error.

    The next image is decoded in a thread while the net runs. Its errors are raised by the pass that
    needs it: FileNotFoundError for what is missing, OSError for what can't be read, ValueError for
    contents or parameters that don't fit; each names the file.
    """

    dir_key = ""  # set by the subclasses, as are the three paths below the folder
    split_path = image_path = label_path = ""

    def setup(self, bottom, top):
        if len(top) != 2:
            raise ValueError(f"{_kind(self)}: {len(top)} tops; define two: data and label")
        if len(bottom) != 0:
            raise ValueError(f"{_kind(self)}: {len(bottom)} bottoms; a data layer has none")
        params = _parse(self)
        self.dir = params[self.dir_key]
        self.split = params["split"]
        # float64: the subtraction from float32 pixels is rounded once, as in the authors' layer
        self.mean = np.array(params["mean"], np.float64)
        self.n_classes = params.get("n_classes", 21)
        self.random = params.get("randomize", True) and "train" in self.split
        self.indices = self.read_split()
        self.rng = random.Random(params.get("seed"))
        self.idx = self.draw() if self.random else 0
        self.worker = ThreadPoolExecutor(1, "prefetch")
        self.prefetch()

    def reshape(self, bottom, top):
        # Called once when the net is built and once every pass: the pair is decoded once.
        self.data, self.label = self.pending.result()
        top[0].reshape(1, *self.data.shape)
        top[1].reshape(1, *self.label.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.data
        top[1].data[...] = self.label
        self.skip(1)

    def backward(self, top, propagate_down, bottom):
        pass

    def skip(self, n):
        """Go on with the image that comes n (>= 0) passes later, decoding none in between."""
        if n < 0:
            raise ValueError(f"{_kind(self)}: can't skip {n} images; n must be 0 or more")
        if self.random:
            for _ in range(n):
                self.idx = self.draw()
        else:
            self.idx = (self.idx + n) % len(self.indices)
        self.prefetch()

    def draw(self):
        # random.randint draws otherwise in Python 3; this is what it did in 2.7.
        return int(self.rng.random() * len(self.indices))

    def prefetch(self):
        self.pending = self.worker.submit(self.load, self.indices[self.idx])

    def load(self, name):
        """Data (3, H, W) float32 and label (1, H, W) uint8 of entry `name`."""
        data, label = self.load_image(name), self.load_label(name)
        if data.shape[1:] != label.shape[1:]:
            raise ValueError(
                f"{self.path(self.label_path, name)}: label is {_size(label)}, its image "
                f"{self.path(self.image_path, name)} is {_size(data)}; make them the same size"
            )
        return data, label

    def load_image(self, name):
        """(3, H, W) float32 BGR minus the mean. Grey, CMYK and palette images become RGB first."""
        image = _open(self.path(self.image_path, name)).convert("RGB")
        pixels = np.array(image, dtype=np.float32)[:, :, ::-1]
        pixels -= self.mean
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def load_label(self, name):
        """(1, H, W) uint8 class indices; 255 is void."""
        path = self.path(self.label_path, name)
        label = self.read_label(path)
        wrong = np.unique(label[(label >= self.n_classes) & (label != VOID)])
        if wrong.size:
            raise ValueError(
                f"{path}: label values {wrong.tolist()}; expected 0 to {self.n_classes - 1} or "
                f"{VOID} (void): correct the label, or set n_classes in param_str"
            )
        return label.astype(np.uint8)[np.newaxis]

    def path(self, pattern, name):
        return os.path.join(self.dir, pattern.format(name))

    def read_split(self):
        """The ids of the split, blank lines left out; every image and label must be there."""
        path = self.path(self.split_path, self.split)
        try:
            with open(path) as lines:
                names = [line.strip() for line in lines if line.strip()]
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{path}: no such split file (looked from {os.getcwd()}); "
                f"check '{self.dir_key}' and 'split' in param_str"
            ) from None
        if not names:
            raise ValueError(f"{path}: the split is empty; expected one image id a line")
        # All are looked for now: a run must not fail hours later.
        for pattern in (self.image_path, self.label_path):
            paths = [self.path(pattern, name) for name in names]
            missing = [file for file in paths if not os.path.exists(file)]
            if missing:
                raise FileNotFoundError(
                    f"{missing[0]}: no such file, but {path} lists it ({len(missing)} of "
                    f"{len(names)} missing): add it, or take it off the list"
                )
        return names


class VOCSegDataLayer(SegDataLayer):
    """PASCAL VOC: voc_dir is a devkit folder; labels are one-channel images of class indices."""

    dir_key = "voc_dir"
    split_path = "ImageSets/Segmentation/{}.txt"
    image_path = "JPEGImages/{}.jpg"
    label_path = "SegmentationClass/{}.png"

    def read_label(self, path):
        image = _open(path)
        if image.mode not in ("1", "L", "P"):
            raise ValueError(
                f"{path}: label image has mode {image.mode}; expected one channel of class "
                "indices (palette PNG, mode P): map its colours to indices and save it as such"
            )
        return np.array(image, dtype=np.uint8)


class SBDDSegDataLayer(SegDataLayer):
    """Semantic Boundaries Dataset: sbdd_dir is its dataset folder; labels are .mat files."""

    dir_key = "sbdd_dir"
    split_path = "{}.txt"
    image_path = "img/{}.jpg"
    label_path = "cls/{}.mat"

    def read_label(self, path):
        try:
            contents = scipy.io.loadmat(path, appendmat=False)
        except FileNotFoundError:
            raise FileNotFoundError(f"{path}: no such file") from None
        except Exception as error:  # scipy raises nearly anything on bytes that aren't a .mat
            raise OSError(f"{path}: can't be read ({error}); get the file again") from error
        try:
            label = contents["GTcls"][0]["Segmentation"][0]
        except (KeyError, ValueError, IndexError):
            found = sorted(key for key in contents if not key.startswith("__"))
            raise ValueError(
                f"{path}: holds {', '.join(found) or 'nothing'}; expected GTcls.Segmentation, "
                "as the files of SBD's cls/ folder do"
            ) from None
        if label.ndim != 2 or label.dtype.kind not in "ui":
            raise ValueError(
                f"{path}: GTcls.Segmentation is {label.dtype} of shape {label.shape}; "
                "expected an H x W array of class indices"
            )
        return label


def _kind(layer):
    return type(layer).__name__


def _is_mean(value):
    return (
        isinstance(value, (tuple, list))
        and len(value) == 3
        and all(isinstance(v, (int, float)) for v in value)
    )


def _is_text(value):
    return isinstance(value, str)


REQUIRED = {"split": (_is_text, "a name"), "mean": (_is_mean, "three numbers, (B, G, R)")}
OPTIONAL = {
    "randomize": (lambda value: isinstance(value, bool), "True or False"),
    "seed": (lambda value: value is None or isinstance(value, int), "a whole number or None"),
    "n_classes": (lambda value: isinstance(value, int) and 1 <= value <= VOID, f"1 to {VOID}"),
}


def _literal_dict(text):
    """The dict that text stands for, None if it stands for none."""
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _parse(layer):
    """The layer's param_str as a dict, its keys and values checked."""
    required = {layer.dir_key: (_is_text, "a folder"), **REQUIRED}
    known = {**required, **OPTIONAL}
    params = _literal_dict(layer.param_str)
    if params is None:
        raise ValueError(
            f"{_kind(layer)}: param_str {layer.param_str!r} is no literal dict; expected "
            f"\"{{'{layer.dir_key}': 'path', 'split': 'train', 'mean': (B, G, R)}}\""
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


def _size(array):
    return f"{array.shape[1]} x {array.shape[2]} (h x w)"


def _open(path):
    """The decoded image at path."""
    try:
        with Image.open(path) as image:
            image.load()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise OSError(f"{path}: can't be read as an image ({error}); get it again") from error
    return image
