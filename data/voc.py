"""PASCAL VOC 2011 and SBD: the validation split of the paper, and SBD's labels as pictures."""

from __future__ import annotations

from collections.abc import Iterable

from data.datasets import SBD, Dataset, ids_in
from data.drawing import write_palette_png
from data.preparation_steps import convert, write_lines


def seg11valid(segval: Iterable[str], sbd_train: Iterable[str]) -> list[str]:
    """VOC 2011's segmentation val less what SBD trains on, in val's order (FCN, section 5)."""
    trained = set(sbd_train)
    return [name for name in segval if name not in trained]


def derive_seg11valid(dataset: Dataset) -> None:
    """Write the seg11valid split file, unless it is there; ValueError if its size is wrong."""
    target = dataset.home / dataset.splits["seg11valid"].file("seg11valid")
    if target.exists():
        return
    segval = target.with_name("val.txt")
    trained = dataset.home / dataset.splits["train"].file("train")
    names = seg11valid(ids_in(segval), ids_in(trained))
    expected = dataset.splits["seg11valid"].count
    if len(names) != expected:
        raise ValueError(
            f"{segval} less {trained} leaves {len(names)} images, expected {expected}: one of "
            "them is not the published list (VOC 2011 val: 1111, SBD train: 8498 images)"
        )
    write_lines(target, names)


def draw_sbd(dataset: Dataset) -> None:
    """Write SBD's .mat labels as palette PNG, in cls_png/ beside their folder, where missing."""
    from voc_layers import SBDDSegDataLayer  # here, for it needs caffe, which takes seconds

    folder = dataset.home / SBD.path
    paths = {mat: folder / "cls_png" / f"{mat.stem}.png" for mat in (folder / "cls").glob("*.mat")}
    convert(
        "SBD's labels to PNG",
        paths,
        lambda mat, png: write_palette_png(png, SBDDSegDataLayer.read_label(mat)),
    )
