"""Where a net's images come from: a Python data layer to train and score, an Input to deploy."""

from os import PathLike
from pathlib import Path
from typing import Any

from caffe import NetSpec
from caffe import layers as L
from data.datasets import Dataset

SPLITS = ("train", "val", "deploy")

# The parameter of each data layer of voc_layers that names its folder
DIR_KEYS = {"VOCSegDataLayer": "voc_dir", "SBDDSegDataLayer": "sbdd_dir"}


def seg_data(
    dataset: Dataset, split: str, *, home: str | PathLike | None = None, seed: int = 1337
) -> dict[str, Any]:
    """The data layer of one split of a dataset, as `fcn` takes it: module, layer, param_str.

    `home` stands for the dataset's own folder. Raises ValueError for a split it does not have.
    """
    if split not in dataset.splits:
        raise ValueError(
            f"{dataset.name} has no split {split!r}; it has {', '.join(dataset.splits)}"
        )
    layer, folder = dataset.splits[split].layer, dataset.splits[split].folder
    params = {
        DIR_KEYS[layer]: Path(dataset.home if home is None else home, folder).as_posix(),
        "seed": seed,
        "split": split,
        "mean": dataset.mean,
    }
    if len(dataset.classes) != 21:  # the layers' default
        params["n_classes"] = len(dataset.classes)
    return dict(module="voc_layers", layer=layer, param_str=params)


def input_layers(n: NetSpec, split: str, data: dict[str, Any] | None, *, size: int) -> None:
    """Define `n.data` and, but for deploy, `n.label`.

    A deploy net has an Input of (1, 3, size, size), which is reshaped to the image. For train and
    val, `data` holds the module and layer of a Python layer and its param_str, a dict of literals.
    """
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; choose from {', '.join(SPLITS)}")
    if split == "deploy":
        n.data = L.Input(name="input", shape=dict(dim=[1, 3, size, size]))
    elif data is None:
        raise ValueError(f"a {split} net needs a data layer: data=dict(module, layer, param_str)")
    else:
        n.data, n.label = L.Python(ntop=2, **{**data, "param_str": str(data["param_str"])})
