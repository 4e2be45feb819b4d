"""What each skip of an FCN adds: its scores before the skip, and after it (paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nets.receptive_field import Window, windows

if TYPE_CHECKING:
    import caffe
    from caffe.proto import caffe_pb2

    Layers = Mapping[str, caffe_pb2.LayerParameter]  # by the blob that they make

# Layers between a skip's sum and the next, or the image
PASSED = ("Crop", "Deconvolution")


class Stage(NamedTuple):
    """Scores of a net from its coarsest features up to a skip.

    blob    of these scores, before they are upsampled to the image
    adds    the features whose scores came in last: a blob's name
    window  of the blob's pixels on the image
    """

    blob: str
    adds: str
    window: Window

    @property
    def name(self) -> str:
        """What people call it: the stride of its scores, as 32s."""
        return f"{round(self.window.stride)}s"


def stages(net: caffe_pb2.NetParameter) -> list[Stage]:
    """The stages of a deploy net with one score, from the coarsest; one where it has no skip."""
    made_by = {top: layer for layer in net.layer for top in layer.top if top not in layer.bottom}
    seen = windows(net)
    found: list[Stage] = []
    blob = list(made_by)[-1]
    while True:
        blob = _before(made_by, blob, PASSED)
        bottoms = made_by[blob].bottom
        skips = [name for name in bottoms if _is_predicted(made_by, name)]
        if made_by[blob].type != "Eltwise" or len(bottoms) != 2 or len(skips) != 1:
            found.append(Stage(blob, _features(made_by, blob), seen[blob]))
            return found[::-1]
        found.append(Stage(blob, _features(made_by, skips[0]), seen[blob]))
        blob = next(name for name in bottoms if name not in skips)


def _before(made_by: Layers, blob: str, types: Sequence[str]) -> str:
    """The blob that goes into layers of these types, at whose end is `blob`."""
    while made_by[blob].type in types:
        blob = made_by[blob].bottom[0]
    return blob


def _is_predicted(made_by: Layers, blob: str) -> bool:
    """Whether scores are a convolution's, cropped at most: a skip's are, upsampled ones are not."""
    return made_by[_before(made_by, blob, ("Crop",))].type == "Convolution"


def _features(made_by: Layers, scores: str) -> str:
    """The blob that scores are predicted from, before it is scaled."""
    layer = made_by[_before(made_by, scores, ("Crop",))]
    return _before(made_by, layer.bottom[0], ("Scale",)) if layer.bottom else scores


def stage_scores(net: caffe.Net, stage: Stage, height: int, width: int) -> np.ndarray:
    """(C, height, width) float32 scores of a stage on the image that the net ran on last."""
    return on_image(net.blobs[stage.blob].data[0], stage.window, height, width)


def on_image(values: np.ndarray, window: Window, height: int, width: int) -> np.ndarray:
    """(C, height, width) float32: a blob's (C, h, w) values, bilinear between its pixels' middles.

    Beyond the outermost middles the outermost values stand.
    """
    rows = _between(values, 1, window, height)
    return _between(rows, 2, window, width)


def _between(values: np.ndarray, axis: int, window: Window, size: int) -> np.ndarray:
    last = values.shape[axis] - 1
    places = np.clip((np.arange(size) - window.first) / window.stride, 0, last)
    below = np.minimum(places.astype(int), max(last - 1, 0))
    part = (places - below).astype(np.float32)
    part = part.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    low = values.take(below, axis)
    return low + part * (values.take(np.minimum(below + 1, last), axis) - low)
