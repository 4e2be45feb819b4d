"""Crops of several sizes and at fixed places, as the temporal segment networks train.

Wang et al. 2015, "Towards good practices for very deep two-stream convnets", section 3.
"""

from collections.abc import Sequence

from ..core.errors import CaffeError
from ..proto import caffe_pb2

Size = tuple[int, int]  # height and width
RATIOS = (1.0, 0.875, 0.75, 0.66)  # where none are given
NEAR = 3  # a side that is less than this off the crop's is the crop's


def check_multi_scale(param: caffe_pb2.TransformationParameter) -> None:
    """Raise CaffeError where crops of several sizes lack what they need."""
    if not param.multi_scale:
        return
    if not (param.crop_size or (param.crop_h and param.crop_w)):
        raise CaffeError("multi_scale needs a crop_size")
    if param.HasField("mean_file"):
        raise CaffeError("multi_scale takes mean_value; found mean_file")
    if not all(0 < ratio <= 1 for ratio in param.scale_ratios):
        raise CaffeError(f"scale_ratios lie in (0, 1]; found {list(param.scale_ratios)}")


def sizes(image: Size, crop: Size, ratios: Sequence[float], most_apart: int) -> list[Size]:
    """The sizes that are cut of an image: parts of its shorter side.

    ratios: the parts; most_apart: how many of them height's and width's may lie apart.
    """

    def side(ratio: float, wanted: int) -> int:
        found = int(min(image) * ratio)
        return wanted if abs(found - wanted) < NEAR else found

    ratios = ratios or RATIOS
    return [
        (side(a, crop[0]), side(b, crop[1]))
        for i, a in enumerate(ratios)
        for j, b in enumerate(ratios)
        if abs(i - j) <= most_apart
    ]


def corners(image: Size, crop: Size, more: bool) -> list[Size]:
    """Where a crop of an image may begin: corners and centre; more: the middles between them."""
    above, beside = (image[0] - crop[0]) // 4, (image[1] - crop[1]) // 4
    quarters = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]
    if more:
        quarters += [(0, 2), (4, 2), (2, 0), (2, 4), (1, 1), (1, 3), (3, 1), (3, 3)]
    return [(i * above, j * beside) for i, j in quarters]
