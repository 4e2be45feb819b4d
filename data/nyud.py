"""NYUDv2: its splits and its 40 classes from the publishers' files, and HHA images from depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

from data import hha
from data.datasets import NYUD, Dataset, ids
from data.preparation_steps import convert, write_lines

ALL_CLASSES = 894  # before Gupta et al. made 40 of them
FIRST = 5001  # the id of the first of the 1449 images, as Gupta et al. number them


def derive_splits(dataset: Dataset) -> None:
    """Write trainval.txt and test.txt from splits.mat, where they are not there."""
    from seg_data_layer import read_map  # here, for it needs caffe, which takes seconds

    for split, variable in (("trainval", "trainNdxs"), ("test", "testNdxs")):
        target = dataset.home / dataset.splits[split].file(split)
        if not target.exists():
            numbers = read_map(dataset.home / NYUD.path / "splits.mat", variable).ravel()
            write_lines(target, (str(FIRST - 1 + int(number)) for number in numbers))


def map_labels(dataset: Dataset) -> None:
    """Write the labels of 40 classes that are not there, from those of 894 (segmentation894/).

    Class c of the 894 is class mapClass[c - 1] of the 40, in classMapping40.mat; 0 stays void.
    ValueError for a mapping or a label with other values.
    """
    from caffe.core.files import replacing  # here: caffe loads torch, which takes seconds
    from seg_data_layer import read_map

    folder = dataset.home / NYUD.path
    labels = (folder / "segmentation894").glob("*.mat")
    paths = {path: folder / "segmentation" / path.name for path in sorted(labels)}
    if not paths:
        return
    mapping = folder / "classMapping40.mat"
    classes = read_map(mapping, "mapClass").ravel()
    if len(classes) != ALL_CLASSES or not np.isin(classes, range(1, 41)).all():
        raise ValueError(
            f"{mapping}: mapClass has {len(classes)} values, {classes.min()} to {classes.max()}; "
            f"expected {ALL_CLASSES}, 1 to 40: get the file again"
        )
    table = np.append(0, classes).astype(np.uint8)

    def map_label(source: Path, target: Path) -> None:
        values = read_map(source, "segmentation")
        wrong = np.unique(values[(values < 0) | (values > ALL_CLASSES)])
        if wrong.size:
            raise ValueError(
                f"{source}: label values {wrong.tolist()}; expected 0 (void) to {ALL_CLASSES}"
            )
        with replacing(target) as part:
            scipy.io.savemat(part, {"segmentation": table[values.astype(int)]}, do_compression=True)

    convert("894 classes to 40", paths, map_label)


def encode_depth(dataset: Dataset) -> None:
    """Write the HHA images that are not there, from depth (and raw depth, if there is)."""
    from nyud_layers import read_depth, read_filled_depth

    folder = dataset.home / NYUD.path / "data"

    def encode(source: Path, target: Path) -> None:
        # An image made of unfilled depth would stay when the depth is corrected
        filled, raw = read_filled_depth(source), folder / "rawdepth" / source.name
        measured = read_depth(raw) if raw.exists() else filled
        if measured.shape != filled.shape:
            raise ValueError(
                f"{raw}: {measured.shape[0]} x {measured.shape[1]} (h x w), but {source} is "
                f"{filled.shape[0]} x {filled.shape[1]}; make them the same size, or remove it"
            )
        image = hha.encode(filled, measured)
        part = target.with_name(target.name + ".part")
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(np.ascontiguousarray(image)).save(part, "PNG")
        part.replace(target)

    names = [f"img_{name}.png" for split in dataset.splits for name in ids(dataset, split)]
    paths = {folder / "depth" / name: folder / "hha" / name for name in names}
    convert("depth to HHA", paths, encode)
