"""Which nets each dataset has, and the prototxt of each: the paper's experiments."""

from collections.abc import Iterator
from os import PathLike
from typing import Any

from caffe.proto import caffe_pb2
from data.datasets import DATASETS, Dataset

from .data import SPLITS, seg_data
from .fcn import NETS, RGBD_NETS, fcn, modalities
from .ilsvrc import CLASSIFIERS, classifier

STAGES = ("fcn32s", "fcn16s", "fcn8s")
PUBLISHED = {
    "voc": NETS,
    "nyud": RGBD_NETS,
    "siftflow": STAGES,
    "context": STAGES,
    "context33": STAGES,
    "cityscapes": STAGES,
    "cityscapes-half": STAGES,
    "cityscapes-cuts": STAGES,
}


def nets_of(dataset: str | Dataset) -> tuple[str, ...]:
    """The nets of the paper's experiments on a dataset; a twin has those of its model, and any
    other dataset those of VOC."""
    name = dataset if isinstance(dataset, str) else dataset.name
    return PUBLISHED.get(name.removeprefix("synthetic-"), NETS)


def net_for(
    dataset: str | Dataset,
    net: str,
    split: str,
    *,
    width: float = 1.0,
    normalize: bool | None = None,
    home: str | PathLike | None = None,
    seed: int = 1337,
    **options: Any,
) -> caffe_pb2.NetParameter:
    """A net for a dataset (or its name), with its classes and the data layer of its split.

    `split` is "train", "val" or "deploy". `width` and `normalize` are those of `fcn`; `home`,
    `seed` and `options` those of `seg_data`, for the data layer. Raises ValueError for a net or
    split that there is none of, and for a net whose inputs the dataset lacks.
    """
    if isinstance(dataset, str):
        if dataset not in DATASETS:
            raise ValueError(f"no dataset {dataset!r}; choose from {', '.join(DATASETS)}")
        dataset = DATASETS[dataset]
    if seen := modalities(net):
        if "tops" not in dataset.options:
            raise ValueError(f"{net} sees {' and '.join(seen)}; {dataset.name} has color only")
        options = {"tops": [*seen, *dataset.labels]} | options
    of_dataset = {"train": dataset.train_split, "val": dataset.val_split}.get(split)
    data = of_dataset and seg_data(dataset, of_dataset, home=home, seed=seed, **options)
    classes = {label: len(names) for label, names in dataset.labels.items()}
    return fcn(net, split, classes=classes, data=data, width=width, normalize=normalize)


def file_names(dataset: Dataset) -> dict[str, str]:
    """Name of the prototxt of each split, as released: trainval and test on NYUDv2, SIFT Flow."""
    train = dataset.train_split if dataset.train_split == "trainval" else "train"
    val = dataset.val_split if dataset.val_split == "test" else "val"
    names = zip(SPLITS, (train, val, "deploy"), strict=True)
    return {split: f"{name}.prototxt" for split, name in names}


def every_prototxt() -> Iterator[tuple[str, caffe_pb2.NetParameter]]:
    """(path, net) of each published net: DATASET-NET/SPLIT.prototxt; the classifiers' deploy nets
    are in ilsvrc-NET."""
    for name in PUBLISHED:
        for net in nets_of(name):
            for split, file in file_names(DATASETS[name]).items():
                yield f"{name}-{net}/{file}", net_for(name, net, split)
    for net in CLASSIFIERS:
        yield f"ilsvrc-{net}/deploy.prototxt", classifier("deploy", net=net, classes=1000)
