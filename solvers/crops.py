"""The crops that a net of the driving-scene zoo is trained on."""

import command_line
import nets
from data.datasets import Dataset
from data.statistics import reader

STEP = 32  # pixels; of sides that are multiples of it all strides of the nets have whole sizes


def crop_for(dataset: Dataset, net: str) -> dict[str, tuple[int, int]]:
    """What the data layer is told of a net's crop, where its own is larger than the images.

    The first image of the training split tells their size. Raises ValueError for images of less
    than STEP pixels on a side.
    """
    crop = nets.experiment(net).crop if net in nets.ZOO else None
    if crop is None:
        return {}
    layer = reader(dataset, dataset.train_split, tuple(dataset.labels))
    top = next(iter(dataset.labels))
    label = getattr(layer, f"load_{top}")(layer.path(top, layer.indices[0]))
    sides = dataset.options.get("size", label.shape[1:])
    fits = tuple(min(side, there // STEP * STEP) for side, there in zip(crop, sides, strict=True))
    if fits == crop:
        return {}
    if min(fits) < STEP:
        raise ValueError(
            f"{dataset.title}: images of {sides[0]} x {sides[1]} (h x w) are too small for {net}, "
            f"which is trained on crops of {STEP} x {STEP} at least: give larger ones"
        )
    small, full, there = (f"{height} x {width}" for height, width in (fits, crop, sides))
    command_line.warn(f"{net} is trained on crops of {small}, not {full}: images are {there}")
    return {"crop": (fits[0], fits[1])}
