"""Facts of each dataset: classes, palette, mean, splits, counts, where files lie and come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

VOID = 255
ROOT = Path(__file__).resolve().parent
# BGR mean of ILSVRC that VGG16 was trained with; every released net subtracts it.
MEAN = (104.00699, 116.66877, 122.67892)


@dataclass(frozen=True)
class Source:
    """A file to fetch: `url`; `path` where it (or the folder it unpacks to) lies below data/.

    `member` is the folder of the archive that becomes `path` (None: the file is no archive).
    `digest` is "md5:..." or "sha256:..."; None where none is known for certain.
    """

    url: str
    path: str
    digest: str | None = None
    member: str | None = None


@dataclass(frozen=True)
class Split:
    """One split: its data layer in voc_layers, its folder below the dataset's home, its size."""

    layer: str
    folder: str
    count: int | None = None

    def file(self, name: str) -> str:
        """Path below the home of the text file that lists split `name`, one id a line."""
        inside = "" if self.layer == "SBDDSegDataLayer" else "ImageSets/Segmentation/"
        return f"{self.folder}/{inside}{name}.txt"


@dataclass(frozen=True)
class Dataset:
    """A segmentation dataset: `classes` in output order, `mean` BGR, `home` its folder."""

    name: str
    title: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    splits: dict[str, Split]
    train_split: str
    val_split: str
    home: Path
    sources: tuple[Source, ...] = ()
    hint: str = ""


VOC_CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

CAMVID_CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)

VOC2011 = Source(
    url="https://thor.robots.ox.ac.uk/pascal/VOC/voc2011/VOCtrainval_25-May-2011.tar",
    path="pascal/VOC2011",
    digest="md5:6c3384ef61512963050cb5d687e5bf1e",
    member="TrainVal/VOCdevkit/VOC2011",
)
SBD = Source(
    url="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/"
    "semantic_contours/benchmark.tgz",
    path="sbdd/dataset",
    digest="md5:82b4d87ceb2ed10f6038a1cba92111cb",
    member="benchmark_RELEASE/dataset",
)
VGG16 = Source(
    url="https://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/VGG_ILSVRC_16_layers.caffemodel",
    path="ilsvrc-nets/VGG_ILSVRC_16_layers.caffemodel",
)

DATASETS = {
    d.name: d
    for d in (
        Dataset(
            name="voc",
            title="PASCAL VOC 2011, trained on SBD",
            classes=VOC_CLASSES,
            mean=MEAN,
            splits={
                "train": Split("SBDDSegDataLayer", SBD.path, 8498),
                "seg11valid": Split("VOCSegDataLayer", VOC2011.path, 736),
            },
            train_split="train",
            val_split="seg11valid",
            home=ROOT,
            sources=(VOC2011, SBD, VGG16),
            hint="`make data-voc` fetches, unpacks and checks all of it",
        ),
        Dataset(
            name="camvid",
            title="CamVid, 11 classes, SegNet's split, in VOC layout",
            classes=CAMVID_CLASSES,
            mean=MEAN,
            splits={
                "train": Split("VOCSegDataLayer", ".", 367),
                "val": Split("VOCSegDataLayer", ".", 101),
                "test": Split("VOCSegDataLayer", ".", 233),
            },
            train_split="train",
            val_split="val",
            home=ROOT / "camvid",
            hint="lay it out as VOC is: JPEGImages/*.jpg, SegmentationClass/*.png (palette indices "
            "0-10, 255 = void), ImageSets/Segmentation/{train,val,test}.txt",
        ),
        Dataset(
            name="synthetic",
            title="textured shapes of the 20 VOC classes",
            classes=VOC_CLASSES,
            mean=MEAN,
            splits={
                "train": Split("SBDDSegDataLayer", SBD.path),
                "val": Split("VOCSegDataLayer", VOC2011.path),
            },
            train_split="train",
            val_split="val",
            home=ROOT / "synthetic",
            hint="`python -m data.synthetic --out data/synthetic` writes it",
        ),
    )
}


def palette() -> np.ndarray:
    """VOC's colour map, (256, 3) uint8 RGB: bit k of the class's three-bit groups sets bit 7-k."""
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for group in range(8):
        for channel in range(3):
            bit = index >> (3 * group + channel) & 1
            colours[:, channel] |= (bit << (7 - group)).astype(np.uint8)
    return colours


def ids(dataset: Dataset, split: str) -> list[str]:
    """The image ids of a split, from its file: one a line, blank lines left out."""
    path = dataset.home / dataset.splits[split].file(split)
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def require(dataset: Dataset, *paths: str) -> None:
    """Check that the dataset's split files, and `paths` below its home, are there.

    Raises one FileNotFoundError that says of everything missing which file it is, where to get it
    and where to put it.
    """
    splits = (split.file(name) for name, split in dataset.splits.items())
    lines = {}
    for path in (*splits, *paths):
        if (dataset.home / path).exists():
            continue
        source = next((s for s in dataset.sources if Path(path).is_relative_to(s.path)), None)
        if source is None or (source.member and (dataset.home / source.path).exists()):
            lines[path] = f"  {dataset.home / path}"
        elif source.member:
            lines[source.path] = (
                f"  {dataset.home / source.path}: the folder {source.member} of {source.url}"
            )
        else:
            lines[path] = f"  {dataset.home / path}: from {source.url}"
    if lines:
        missing = "\n".join(lines.values())
        raise FileNotFoundError(f"{dataset.title}: missing\n{missing}\n{dataset.hint}")
