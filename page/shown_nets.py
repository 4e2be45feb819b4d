"""The nets that the page shows: their weights, names, colours, and the stages that they have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from caffe.proto import caffe_pb2
from infer.predictor import Predictor
from infer.stages import Stage, stages


class Loaded(NamedTuple):
    """A caffemodel with its net; table is a (256, 3) uint8 RGB colour map."""

    weights: Path
    predictor: Predictor
    table: np.ndarray


class Shown(NamedTuple):
    """What the page offers as a net: one of those loaded, or the scores of one of its stages.

    name     unique among the nets of a page
    title    what people read
    stage    whose scores are taken; None: the net's own, which are those of its last stage
    """

    name: str
    title: str
    predictor: Predictor
    table: np.ndarray
    stage: Stage | None

    @property
    def param(self) -> caffe_pb2.NetParameter:
        """The net as it was written."""
        return self.predictor.param


def shown(loaded: Iterable[Loaded]) -> dict[str, Shown]:
    """The nets by name, each followed by its coarser stages; two of one name are NAME, NAME-2."""
    found: dict[str, Shown] = {}
    for weights, predictor, table in loaded:
        stem, number = weights.stem, 1
        while (name := stem if number == 1 else f"{stem}-{number}") in found:
            number += 1
        found[name] = Shown(name, name, predictor, table, None)
        for stage in stages(predictor.param)[-2::-1]:
            own = f"{name}:{stage.name}"
            found[own] = Shown(own, f"{name} at {stage.name}", predictor, table, stage)
    return found


def stages_of(nets: Mapping[str, Shown], net: Shown) -> list[tuple[Shown, Stage]]:
    """The stages of a net, from the coarsest, and what shows each of them: the last is the net."""
    own = [other for other in nets.values() if other.predictor is net.predictor]
    return list(zip(reversed(own), stages(net.param), strict=True))
