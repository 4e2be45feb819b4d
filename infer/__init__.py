"""Segment any image with any FCN caffemodel, and draw what was found."""

from infer.drawing import (
    LegendEntry,
    colours,
    legend,
    overlay,
    with_legend,
    write_palette_png,
    write_png,
)
from infer.images import load_image
from infer.pipeline import pipeline
from infer.predictor import Predictor

__all__ = [
    "LegendEntry",
    "Predictor",
    "colours",
    "legend",
    "load_image",
    "overlay",
    "pipeline",
    "with_legend",
    "write_palette_png",
    "write_png",
]
