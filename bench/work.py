"""What every engine is given: sizes, weights on disk, inputs from a seed, solver constants."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.datasets import VOID

NET = "fcn8s"
CLASSES = 21
BASE_LR, MOMENTUM, WEIGHT_DECAY = 1e-14, 0.99, 0.0005  # FCN-8s as published
WARM_UP = 2  # passes that are not timed
PARTS = ("weight", "bias")  # how torch calls a layer's parameters 0 and 1

Size = tuple[int, int]  # height and width


@dataclass(frozen=True)
class Work:
    """One case's setting. `folder` holds what `bench.ours.prepare` writes."""

    folder: Path
    sizes: tuple[Size, ...]  # of the images that the passes take in turn
    threads: int
    width: float = 1.0  # scales the channels, as in nets
    device: str = "cpu"  # or "cuda"
    precision: str = "fp32"  # on a GPU also "tf32" or "bf16"
    dropout: bool = True

    @property
    def size(self) -> Size:
        """The first image's size; training and the engines of fixed size take no other."""
        return self.sizes[0]

    @property
    def prototxt(self) -> Path:
        return self.folder / "deploy.prototxt"

    @property
    def caffemodel(self) -> Path:
        return self.folder / "weights.caffemodel"

    @property
    def onnx(self) -> Path:
        return self.folder / "{}x{}.onnx".format(*self.size)

    def array(self, name: str) -> Path:
        """Where a parameter (`conv1_1.weight`) lies as .npy."""
        return self.folder / f"{name}.npy"


def images(work: Work) -> list[np.ndarray]:
    """Noise of an image's range less the mean, one of each size: (1, 3, H, W) float32."""
    return [
        np.random.RandomState(i).uniform(-120, 120, (1, 3, *size)).astype(np.float32)
        for i, size in enumerate(work.sizes)
    ]


def label(work: Work) -> np.ndarray:
    """A random class for each pixel, one in 22 void: (1, 1, H, W) float32."""
    drawn = np.random.RandomState(1).randint(0, CLASSES + 1, (1, 1, *work.size))
    return np.where(drawn == CLASSES, VOID, drawn).astype(np.float32)
