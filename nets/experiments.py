"""Which nets each dataset has, and the prototxt of each: the experiments."""

from collections.abc import Iterator
from os import PathLike
from typing import Any

from caffe.proto import caffe_pb2
from data.datasets import DATASETS, Dataset

from .changes import RELEASED, Changes
from .classifiers import CLASSIFIERS, classifier
from .fcn import NETS, RGBD_NETS, fcn
from .fcn import modalities as modalities_of_fcn
from .inputs import SPLITS, seg_data
from .zoo import ZOO, experiment, zoo


def nets_of(dataset: str | Dataset) -> tuple[str, ...]:
    """The nets of the experiments on a dataset (or its name): its own, or all that take its images.

    Raises ValueError for a name that there is none of.
    """
    dataset = _dataset(dataset)
    return dataset.nets or (RGBD_NETS if _has_depth(dataset) else NETS)


def net_for(
    dataset: str | Dataset,
    net: str,
    split: str,
    *,
    width: float = 1.0,
    normalize: bool | None = None,
    score_rate: float = 1,
    keep: bool = False,
    dropout: bool = True,
    home: str | PathLike | None = None,
    seed: int = 1337,
    changes: Changes = RELEASED,
    **options: Any,
) -> caffe_pb2.NetParameter:
    """A net for a dataset (or its name), with its classes and the data layer of its split.

    `split` is "train", "val" or "deploy". `width` and, of the paper's nets alone, `normalize`,
    `score_rate`, `keep`, `dropout` and `changes` are those of `fcn`; of `changes` a net of the zoo
    takes class_weights. `home`, `seed` and `options` are those of `seg_data`, for the data layer.
    Raises ValueError for a net or split that there is none of, for a net whose inputs the dataset
    lacks, or whose heads, and for changes that the net can't have.
    """
    dataset = _dataset(dataset)
    if seen := modalities(net):
        if not _has_depth(dataset):
            raise ValueError(f"{net} sees {' and '.join(seen)}; {dataset.name} has color only")
        options = {"tops": [*seen, *dataset.labels]} | options
    if net in ZOO and split == "train":
        options = experiment(net).data | options
    of_dataset = {"train": dataset.train_split, "val": dataset.val_split}.get(split)
    data = None
    if of_dataset:
        data = seg_data(dataset, of_dataset, home=home, seed=seed, **options)
    classes = {label: len(names) for label, names in dataset.labels.items()}
    if net in ZOO:
        if dataset.geometric:
            raise ValueError(f"{net} has one head; {dataset.name} has {' and '.join(classes)}")
        if changes._replace(class_weights=None) != RELEASED:
            raise ValueError(f"{net} of the zoo can't be changed, but for the weights of classes")
        return zoo(
            net,
            split,
            classes=len(dataset.classes),
            data=data,
            width=width,
            class_weights=changes.class_weights,
        )
    return fcn(
        net,
        split,
        classes=classes,
        data=data,
        width=width,
        normalize=normalize,
        score_rate=score_rate,
        keep=keep,
        dropout=dropout,
        changes=changes,
    )


def modalities(net: str) -> tuple[str, ...]:
    """The images that an RGB-D net sees, of color, depth and hha; () for any other net."""
    return () if net in ZOO else modalities_of_fcn(net)


def _dataset(dataset: str | Dataset) -> Dataset:
    if not isinstance(dataset, str):
        return dataset
    if dataset not in DATASETS:
        raise ValueError(f"no dataset {dataset!r}; choose from {', '.join(DATASETS)}")
    return DATASETS[dataset]


def _has_depth(dataset: Dataset) -> bool:
    """Whether its data layer can be told which images to give: color, depth and HHA."""
    return "tops" in dataset.options


def file_names(dataset: Dataset) -> dict[str, str]:
    """Name of the prototxt of each split, as released: trainval and test on NYUDv2, SIFT Flow."""
    train = dataset.train_split if dataset.train_split == "trainval" else "train"
    val = dataset.val_split if dataset.val_split == "test" else "val"
    names = zip(SPLITS, (train, val, "deploy"), strict=True)
    return {split: f"{name}.prototxt" for split, name in names}


def every_prototxt() -> Iterator[tuple[str, caffe_pb2.NetParameter]]:
    """(path, net) of each published net: DATASET-NET/SPLIT.prototxt; the classifiers' deploy nets
    are in ilsvrc-NET."""
    for name, dataset in DATASETS.items():
        for net in nets_of(dataset) if dataset.published else ():
            for split, file in file_names(dataset).items():
                yield f"{name}-{net}/{file}", net_for(dataset, net, split)
    for net in CLASSIFIERS:
        yield f"ilsvrc-{net}/deploy.prototxt", classifier("deploy", net=net, classes=1000)
