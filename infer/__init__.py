"""Segment any image with any FCN caffemodel."""

from infer.any_image import load_image
from infer.pipeline import pipeline
from infer.predictor import Predictor
from infer.shift_and_stitch import shift_and_stitch

__all__ = ["Predictor", "load_image", "pipeline", "shift_and_stitch"]
