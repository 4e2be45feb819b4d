"""Segment any image with any FCN caffemodel."""

from infer.any_image import load_image
from infer.pipeline import pipeline
from infer.predictor import Predictor

__all__ = ["Predictor", "load_image", "pipeline"]
