"""Data layer of labelled synthetic images: what the demo's classifier is pretrained on."""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

import caffe
from data.scenes import classification


class ClassificationDataLayer(caffe.Layer):
    """Random batches of data.scenes.classification.

    Tops: data (batch, 3, size, size) float32 BGR minus the mean; label (batch,). No bottoms.
    param_str is a literal dict: images (how many to draw from), batch, size, seed, mean (BGR).
    """

    def setup(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        params = ast.literal_eval(self.param_str)
        self.mean = np.array(params["mean"], np.float32)
        self.images, self.labels = classification(params["images"], params["size"], params["seed"])
        self.rng = np.random.default_rng(params["seed"])
        top[0].reshape(params["batch"], 3, params["size"], params["size"])
        top[1].reshape(params["batch"])

    def reshape(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        pass

    def forward(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        chosen = self.rng.integers(len(self.labels), size=len(top[1].data))
        bgr = self.images[chosen][..., ::-1] - self.mean
        top[0].data[...] = bgr.transpose(0, 3, 1, 2)
        top[1].data[...] = self.labels[chosen]

    def state_dict(self) -> Mapping[str, Any]:
        """The state of the draws."""
        return self.rng.bit_generator.state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on drawing there; numpy's errors for anything but what `state_dict` gave."""
        self.rng.bit_generator.state = state

    def backward(
        self, top: list[caffe.Blob], propagate_down: list[bool], bottom: list[caffe.Blob]
    ) -> None:
        pass
