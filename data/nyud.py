"""NYUDv2: its splits from the list of the publishers, and HHA images where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from data import hha
from data.datasets import NYUD, NYUD_SPLITS, Dataset, ids
from data.preparation_steps import convert, write_lines

FIRST = 5001  # the id of the first of the 1449 images, as Gupta et al. number them


def derive_splits(dataset: Dataset) -> None:
    """Write trainval.txt and test.txt from splits.mat, where they are not there."""
    from seg_data_layer import read_map  # here, for it needs caffe, which takes seconds

    for split, variable in (("trainval", "trainNdxs"), ("test", "testNdxs")):
        target = dataset.home / dataset.splits[split].file(split)
        if not target.exists():
            numbers = read_map(dataset.home / NYUD_SPLITS.path, variable).ravel()
            write_lines(target, (str(FIRST - 1 + int(number)) for number in numbers))


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
