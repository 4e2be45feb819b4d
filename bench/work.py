"""What both sides are given: sizes, weights on disk, inputs from a seed, the solver's constants."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.datasets import VOID

CLASSES = 21
BASE_LR, MOMENTUM, WEIGHT_DECAY = 1e-10, 0.99, 0.0005  # FCN-32s as published
SEED = 1337  # of the dropout masks
PARTS = ("weight", "bias")  # how torch calls a layer's parameters 0 and 1


@dataclass(frozen=True)
class Work:
    """One case's setting. `folder` holds what `bench.ours.prepare` writes."""

    folder: Path
    size: tuple[int, int]  # height and width of the image
    width: float = 1.0  # scales the channels, as in nets
    device: str = "cpu"  # or "cuda"
    dropout: bool = True

    @property
    def prototxt(self) -> Path:
        return self.folder / "deploy.prototxt"

    @property
    def caffemodel(self) -> Path:
        return self.folder / "weights.caffemodel"

    def array(self, name: str) -> Path:
        """Where a parameter (`conv1_1.weight`) lies as .npy."""
        return self.folder / f"{name}.npy"


def image(work: Work) -> np.ndarray:
    """Noise of an image's range less the mean: (1, 3, H, W) float32."""
    shape = (1, 3, *work.size)
    return np.random.RandomState(0).uniform(-120, 120, shape).astype(np.float32)


def label(work: Work) -> np.ndarray:
    """A random class for each pixel, one in 22 void: (1, 1, H, W) float32."""
    drawn = np.random.RandomState(1).randint(0, CLASSES + 1, (1, 1, *work.size))
    return np.where(drawn == CLASSES, VOID, drawn).astype(np.float32)
