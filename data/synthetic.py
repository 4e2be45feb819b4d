"""Small synthetic twins of the datasets, each in exactly its layout: textured pictograms.

    python -m data.synthetic [--dataset voc] --out DIR --train 400 --val 80 --seed 1337

voc writes DIR/pascal/VOC2011 (all images; palette PNG labels whose object borders are 255, as
VOC's) and DIR/sbdd/dataset (all images; .mat labels without void, as SBD's). The others are nyud
(with depth and HHA), siftflow, context, cityscapes, idd-lite, mine: a folder in VOC layout with a
classes.txt, and idd: streets, with their polygons. What is seen is a function of the seed; but for
the streets, the twenty shapes stand for classes of the dataset, the two grounds for more (wall and
floor, sky and road, ...).
"""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.io
from PIL import Image
from tqdm import tqdm

import command_line
from data import classes, hha, idd
from data.datasets import DATASETS, VOID
from data.drawing import palette_image
from data.scenes import Seed, border, landscape, scene
from data.streets import street
from seg_labels import IDD_IMAGE, IDD_LABEL, IDD_POLYGONS, LABEL_IDS, NAMES_OF_ALL, SCENES

Size = tuple[int, int]  # height and width
Ids = Mapping[str, Sequence[str]]  # of each split

CAMERA_HEIGHT = 1.0  # metres above the floor, in the twin of NYUDv2
FARTHEST = 10.0  # metres, to the wall of its widest rooms


def _stands_for(names: Sequence[str], above: str, below: str) -> list[str]:
    """Which of `names` each label of a landscape is: of its own name, or the next that is free."""
    shapes = classes.VOC[1:]
    free = itertools.cycle(n for n in names if n not in (above, below, *shapes))
    return [above, *(shape if shape in names else next(free) for shape in shapes), below]


def _numbers(names: Sequence[str], kinds: Sequence[str], first: int) -> np.ndarray:
    return np.array([names.index(kind) + first for kind in kinds], np.uint16)


MINE = (*classes.VOC, "floor")
NYUD = _numbers(classes.NYUD, _stands_for(classes.NYUD, "wall", "floor"), 1)
SIFTFLOW = _numbers(classes.SIFTFLOW, _stands_for(classes.SIFTFLOW, "sky", "road"), 1)
GEOMETRIC = np.array([1, *[3] * 20, 2], np.int16)  # sky, vertical things, horizontal ground
CONTEXT = _numbers(
    classes.CONTEXT_ALL,
    [NAMES_OF_ALL.get(name, name) for name in _stands_for(classes.CONTEXT, "sky", "grass")],
    1,
)
CITYSCAPES = np.array(LABEL_IDS, np.uint8)[
    _numbers(classes.CITYSCAPES, _stands_for(classes.CITYSCAPES, "sky", "road"), 0)
]

IDD_LITE = _numbers(classes.IDD_LITE, _stands_for(classes.IDD_LITE, "sky", "drivable"), 0).astype(
    np.uint8
)


# ---- one image in each layout: (folder, split, id, seed, (h, w)) ----


def _write_voc(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, label, instance = scene(size, seed)
    jpeg = _jpeg(image)
    voc, sbd = out / "pascal/VOC2011", out / "sbdd/dataset"
    _save(voc / f"JPEGImages/{name}.jpg", jpeg)
    _save(sbd / f"img/{name}.jpg", jpeg)
    _save(voc / f"SegmentationClass/{name}.png", _palette_png(_voided(label, instance, VOID)))
    present = np.unique(label[label > 0])[:, None]
    _save_mat(sbd / f"cls/{name}.mat", GTcls={"Segmentation": label, "CategoriesPresent": present})


def _write_mine(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, label, instance, _ = landscape(size, seed)
    _save(out / f"JPEGImages/{name}.jpg", _jpeg(image))
    _save(out / f"SegmentationClass/{name}.png", _palette_png(_voided(label, instance, VOID)))


def _write_nyud(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, label, instance, horizon = landscape(size, seed)
    depth = _depth(instance, horizon)
    for kind, pixels in (("images", image), ("depth", depth), ("hha", hha.encode(depth))):
        _save(out / f"nyud/data/{kind}/img_{name}.png", _png(pixels))
    segmentation = _voided(NYUD[label], instance, 0)
    _save_mat(out / f"nyud/segmentation/img_{name}.mat", segmentation=segmentation)


def _write_siftflow(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, label, instance, _ = landscape(size, seed)
    _save(out / f"sift-flow/Images/{SCENES}/{name}.jpg", _jpeg(image))
    for kind, numbers, void in (("Semantic", SIFTFLOW, 0), ("Geo", GEOMETRIC, -1)):
        path = out / f"sift-flow/{kind}Labels/{SCENES}/{name}.mat"
        _save_mat(path, S=_voided(numbers[label], instance, void))


def _write_context(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, label, instance, _ = landscape(size, seed)
    _save(out / f"pascal/VOC2010/JPEGImages/{name}.jpg", _jpeg(image))
    path = out / f"pascal-context/trainval/{name}.mat"
    _save_mat(path, LabelMap=_voided(CONTEXT[label], instance, 0))


def _write_cityscapes(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, label, instance, _ = landscape(size, seed)
    root = out / "cityscapes"
    _save(root / f"leftImg8bit/{split}/{name}_leftImg8bit.png", _png(image))
    if split != "test":
        labels = _png(_voided(CITYSCAPES[label], instance, 0))
        _save(root / f"gtFine/{split}/{name}_gtFine_labelIds.png", labels)


def _write_idd(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, polygons = street(size, seed)
    objects = [{"label": label, "polygon": corners} for label, corners in polygons]
    annotation = {"imgHeight": size[0], "imgWidth": size[1], "objects": objects}
    _save(out / f"idd/leftImg8bit/{split}/{name}{IDD_IMAGE}.png", _png(image))
    truth = out / f"idd/gtFine/{split}/{name}"
    polygons_file = Path(f"{truth}{IDD_POLYGONS}")
    _save(polygons_file, json.dumps(annotation).encode())
    idd.draw_label(polygons_file, Path(f"{truth}{IDD_LABEL}"))


def _write_idd_lite(out: Path, split: str, name: str, seed: Seed, size: Size) -> None:
    image, label, instance, _ = landscape(size, seed)
    _save(out / f"leftImg8bit/{split}/{name}_image.jpg", _jpeg(image))
    labels = _png(_voided(IDD_LITE[label], instance, VOID))
    _save(out / f"gtFine/{split}/{name}_label.png", labels)


# ---- what a dataset has besides: (folder, {split: ids}) ----


def _voc_lists(out: Path, names: Ids) -> None:
    for split, listed in names.items():
        for layout in DATASETS["synthetic"].splits.values():
            _save_lines(out / layout.file(split), listed)


def _mine_lists(out: Path, names: Ids) -> None:
    for split, listed in names.items():
        _save_lines(out / f"ImageSets/Segmentation/{split}.txt", listed)
    _save_lines(out / "classes.txt", MINE)


def _nyud_lists(out: Path, names: Ids) -> None:
    _own_lists("nyud")(out, names)
    indices = {
        f"{key}Ndxs": np.array([[int(name) - 5000] for name in names[split]], np.uint16)
        for key, split in (("train", "trainval"), ("test", "test"))
    }
    _save_mat(out / "nyud/splits.mat", **indices)


def _siftflow_lists(out: Path, names: Ids) -> None:
    _own_lists("siftflow")(out, names)
    test = [f"{SCENES}\\{name}.jpg" for name in names["test"]]
    _save_lines(out / "sift-flow/TestSet1.txt", test)


def _context_lists(out: Path, names: Ids) -> None:
    _own_lists("context")(out, names)
    for file, listed in (
        ("labels", classes.CONTEXT_ALL),
        ("59_labels", classes.CONTEXT[1:]),
        ("33_labels", classes.CONTEXT_33[1:]),
    ):
        lines = [f"{number}: {name}" for number, name in enumerate(listed, 1)]
        _save_lines(out / f"pascal-context/{file}.txt", lines)


def _idd_lite_lists(out: Path, names: Ids) -> None:
    in_folders = {split: [f"{split}/{name}" for name in of] for split, of in names.items()}
    _own_lists("idd-lite")(out, in_folders)


def _own_lists(dataset: str) -> Callable[[Path, Ids], None]:
    def write(out: Path, names: Ids) -> None:
        for split, listed in names.items():
            _save_lines(out / DATASETS[dataset].splits[split].file(split), listed)

    return write


class Layout(NamedTuple):
    """A dataset's splits (training, validation, and a test server's), ids, size and writers."""

    splits: tuple[str, ...]
    name: Callable[[int], str]
    size: Size
    write: Callable[[Path, str, str, Seed, Size], None]
    finish: Callable[[Path, Ids], None]


def _name(number: int) -> str:
    return f"synthetic_{number:06d}"


SMALL = (96, 128)
LAYOUTS = {
    "voc": Layout(("train", "val"), _name, (320, 416), _write_voc, _voc_lists),
    "nyud": Layout(("trainval", "test"), lambda i: str(5001 + i), SMALL, _write_nyud, _nyud_lists),
    "siftflow": Layout(("trainval", "test"), _name, (96, 96), _write_siftflow, _siftflow_lists),
    "context": Layout(
        ("train", "val"), lambda i: f"2008_{i:06d}", SMALL, _write_context, _context_lists
    ),
    "cityscapes": Layout(
        ("train", "val", "test"),
        lambda i: f"synthetic/synthetic_{i:06d}_000019",
        (96, 192),
        _write_cityscapes,
        _own_lists("cityscapes"),
    ),
    "idd": Layout(
        ("train", "val"), lambda i: f"synthetic/{i:06d}", (96, 160), _write_idd, _own_lists("idd")
    ),
    "idd-lite": Layout(
        ("train", "val"),
        lambda i: f"0/frame{i:06d}",
        SMALL,
        _write_idd_lite,
        _idd_lite_lists,
    ),
    "mine": Layout(("train", "val"), _name, SMALL, _write_mine, _mine_lists),
}


def generate(
    out: str | os.PathLike,
    *,
    train: int,
    val: int,
    size: Sequence[int] | None = None,
    seed: int = 1337,
    dataset: str = "voc",
) -> None:
    """Write `train` + `val` images of size (h, w) below the new folder `out`.

    A split for a test server, where the dataset has one, gets `val` images too. The folder appears
    under its name only when it is complete. Raises FileExistsError if it is there already,
    ValueError if train or val is below 1, the size below 32 pixels or the seed below 0.
    """
    out, layout = Path(out), LAYOUTS[dataset]
    height, width = layout.size if size is None else size
    if out.exists():
        raise FileExistsError(f"{out} exists already; remove it or choose another --out")
    if train < 1 or val < 1:
        raise ValueError(f"train={train}, val={val}: each split needs at least 1 image")
    if min(height, width) < 32:
        raise ValueError(f"size {height}x{width}: at least 32x32 pixels are needed")
    if seed < 0:
        raise ValueError(f"seed={seed}: expected 0 or more")
    # (split, its number, number in it); images of val do not depend on how many train has
    counts = (train, val, val)
    plan = [
        (split, which, i) for which, split in enumerate(layout.splits) for i in range(counts[which])
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{out.name}.", dir=out.parent) as scratch:
        part = Path(scratch) / out.name
        names: dict[str, list[str]] = {split: [] for split in layout.splits}
        images = enumerate(tqdm(plan, desc=f"writing {out}", unit="image"))
        for number, (split, which, i) in images:
            name = layout.name(number)
            names[split].append(name)
            # The third word is 2 where classifiers are pretrained, see data.scenes
            layout.write(part, split, name, (seed, which + (which > 1), i), (height, width))
        layout.finish(part, names)
        os.replace(part, out)


def _depth(instance: np.ndarray, horizon: int) -> np.ndarray:
    """(H, W) uint16 millimetres: a floor up to the horizon, a wall there, objects before it."""
    height, width = instance.shape
    _, focal, _, centre = hha.camera(height, width)
    rows = np.arange(1, height + 1)
    below = np.maximum(rows, horizon + 1) - centre
    ground = 1000 * CAMERA_HEIGHT * focal / np.maximum(below, 0.05 * height)
    ground = np.minimum(ground, 1000 * FARTHEST)
    depth = np.repeat(ground[:, None], width, 1)
    things = ground[0] * (0.9 - 0.1 * instance)
    return np.where(instance > 0, np.minimum(depth, things), depth).astype(np.uint16)


def _voided(label: np.ndarray, instance: np.ndarray, void: int) -> np.ndarray:
    return np.where(border(instance), label.dtype.type(void), label)


def _jpeg(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=92, subsampling=0)
    return file.getvalue()


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _palette_png(label: np.ndarray) -> bytes:
    file = io.BytesIO()
    palette_image(label).save(file, "PNG")
    return file.getvalue()


def _save(path: Path, contents: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)


def _save_lines(path: Path, lines: Sequence[str]) -> None:
    _save(path, "".join(f"{line}\n" for line in lines).encode())


def _save_mat(path: Path, **variables: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, variables, do_compression=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m data.synthetic", __doc__)
    parser.add_argument("--dataset", choices=LAYOUTS, default="voc", help="the layout (voc)")
    parser.add_argument("--out", required=True, help="folder to write; must not exist")
    parser.add_argument("--train", type=int, default=400, help="training images (400)")
    parser.add_argument("--val", type=int, default=80, help="validation images (80)")
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="of the images")
    parser.add_argument("--seed", type=int, default=1337)
    options = vars(parser.parse_args(argv))
    return command_line.run(lambda: generate(options.pop("out"), **options))


if __name__ == "__main__":
    sys.exit(main())
