"""Small nets of drawn weights, as the page shows them."""

from pathlib import Path

import infer
from data.datasets import DATASETS
from data.drawing import palette
from page.shown_nets import Loaded, Shown, shown
from support import tiny_fcn

VOC = DATASETS["voc"]


def served(folder: Path, *names: str) -> dict[str, Shown]:
    """The nets of these names with VOC's classes, and their stages."""
    loaded = []
    for name in names:
        weights = tiny_fcn.write_weights(folder, name, len(VOC.classes))
        predictor = infer.Predictor(None, weights, mean=VOC.mean, classes=VOC.classes)
        loaded.append(Loaded(weights, predictor, palette()))
    return shown(loaded)
