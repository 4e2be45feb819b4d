"""A layer that lets the loss of a random part of an image count: patches as a sampled loss (3.4).

Only caffe.Layer and numpy are used, so BVLC's pycaffe runs it too.
"""

from __future__ import annotations

import ast
import random

import numpy as np

import caffe
from seg_labels import VOID

EXPECTED = "\"{'p': 0.5, 'cell': 32, 'seed': 1337}\""


class SampledLabels(caffe.Layer):
    """Makes the labels of cells void, each kept with probability p, before a loss ignores them.

    Bottom and top: labels, (N, 1, H, W). The cells are squares of `cell` pixels from the first
    pixel on, as far apart as the coarsest scores; cell 1 draws for each pixel. param_str is a
    literal dict of p, in (0, 1], cell and seed (None: of the system's). An image's draws depend on
    the seed and the number of the pass alone. Raises ValueError for any other param_str.
    """

    def setup(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        if len(bottom) != 1 or len(top) != 1:
            raise ValueError(
                f"SampledLabels: {len(bottom)} bottoms and {len(top)} tops; it has one of each: "
                "labels, and those that count"
            )
        self.p, self.cell, seed = _parse(self.param_str)
        self.seed = random.SystemRandom().getrandbits(32) if seed is None else seed
        self.number = 0  # of the next pass

    def reshape(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom: list[caffe.Blob], top: list[caffe.Blob]) -> None:
        labels = bottom[0].data
        images, _, height, width = labels.shape
        # RandomState draws alike in every version of numpy.
        draws = np.random.RandomState([self.seed, self.number])
        cells = draws.random_sample((images, 1, -(-height // self.cell), -(-width // self.cell)))
        kept = (cells < self.p).repeat(self.cell, 2).repeat(self.cell, 3)
        top[0].data[...] = np.where(kept[:, :, :height, :width], labels, VOID)
        self.number += 1

    def backward(
        self, top: list[caffe.Blob], propagate_down: list[bool], bottom: list[caffe.Blob]
    ) -> None:
        pass

    def state_dict(self) -> dict[str, int]:
        """The seed, and the number of the next pass."""
        return {"seed": self.seed, "pass": self.number}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on there."""
        self.seed, self.number = state["seed"], state["pass"]


def _parse(param_str: str) -> tuple[float, int, int | None]:
    """p, cell and seed of a param_str; ValueError for any that is not as it must be."""
    try:
        params = ast.literal_eval(param_str.strip())
    except (ValueError, SyntaxError):
        params = None
    if not isinstance(params, dict) or params.keys() != {"p", "cell", "seed"}:
        raise ValueError(f"SampledLabels: param_str {param_str!r}; expected {EXPECTED}")
    p, cell, seed = params["p"], params["cell"], params["seed"]
    if not isinstance(p, (int, float)) or not 0 < p <= 1:
        raise ValueError(
            f"SampledLabels: p={p!r}; expected the probability that a cell counts, above 0 and at "
            "most 1"
        )
    if type(cell) is not int or cell < 1:
        raise ValueError(f"SampledLabels: cell={cell!r}; expected a whole number of pixels, from 1")
    if seed is not None and (type(seed) is not int or not 0 <= seed < 2**32):
        raise ValueError(f"SampledLabels: seed={seed!r}; expected None or 0 to {2**32 - 1}")
    return float(p), cell, seed
