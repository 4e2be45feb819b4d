"""Facts of each dataset: classes, mean, splits, counts, nets, rates, where files lie and come from.

DATASETS has one entry a dataset, and all that depends on which dataset it is stands there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from data import classes, idd_labels
from seg_labels import VOID as VOID  # what the nets and everything else take it from
from text_list import read_list

ROOT = Path(__file__).resolve().parent
# BGR mean of ILSVRC that VGG16 was trained with; the released VOC nets subtract it.
MEAN = (104.00699, 116.66877, 122.67892)


@dataclass(frozen=True)
class Source:
    """A file to fetch: `url`; `path` where it (or the folder it unpacks to) lies below data/.

    `member` is the folder or file of the archive that becomes `path` (None: the file is no
    archive); where `bare` is true, an archive without that folder is taken whole. `digest` is
    "md5:..." or "sha256:..."; None where none is known for certain.
    """

    url: str
    path: str
    digest: str | None = None
    member: str | None = None
    bare: bool = False


@dataclass(frozen=True)
class Layer:
    """A data layer of layers/: its module, the keys of its param_str in the released order.

    `keys[dir_key]` names the dataset's folder; `lists` is the path of a split's list below it.
    """

    module: str
    dir_key: str
    lists: str
    keys: tuple[str, ...]


LAYERS = {
    "VOCSegDataLayer": Layer(
        "voc_layers",
        "voc_dir",
        "ImageSets/Segmentation/{}.txt",
        ("voc_dir", "seed", "split", "mean"),
    ),
    "SBDDSegDataLayer": Layer(
        "voc_layers", "sbdd_dir", "{}.txt", ("sbdd_dir", "seed", "split", "mean")
    ),
    "NYUDSegDataLayer": Layer(
        "nyud_layers", "nyud_dir", "{}.txt", ("tops", "seed", "nyud_dir", "split")
    ),
    "SIFTFlowSegDataLayer": Layer(
        "siftflow_layers", "siftflow_dir", "{}.txt", ("siftflow_dir", "seed", "split")
    ),
    "PASCALContextSegDataLayer": Layer(
        "pascalcontext_layers",
        "voc_dir",
        "VOC2010/ImageSets/Main/{}.txt",
        ("context_dir", "seed", "split", "voc_dir"),
    ),
    "CityscapesSegDataLayer": Layer(
        "cityscapes_layers", "cityscapes_dir", "{}.txt", ("cityscapes_dir", "seed", "split")
    ),
    "IDDSegDataLayer": Layer(
        "idd_layers", "idd_dir", "{}.txt", ("idd_dir", "seed", "split", "mean")
    ),
}


@dataclass(frozen=True)
class Split:
    """One split: its data layer, its folder below the dataset's home, its size.

    `folders` are further ones, by their key in param_str; a split for a test server has no labels.
    """

    layer: str
    folder: str
    count: int | None = None
    folders: dict[str, str] = field(default_factory=dict)
    labelled: bool = True

    def file(self, name: str) -> str:
        """Path below the home of the text file that lists split `name`, one id a line."""
        return f"{self.folder}/{LAYERS[self.layer].lists.format(name)}"


class Schedule(NamedTuple):
    """How a net was trained: base_lr, iterations, and iterations between two snapshots.

    `regime` is one of solvers.recipes.REGIMES; `falls` are iterations at which the rate falls to a
    tenth.
    """

    base_lr: float
    max_iter: int
    snapshot: int
    regime: str = "heavy"
    falls: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A segmentation dataset: `classes` in output order, `mean` BGR, `home` its folder.

    layout      how its files lie: a key of prepare.STEPS and synthetic.LAYOUTS; the sizes and
                tasks of one dataset share theirs
    geometric   the classes of a second head
    options     what the data layer is told besides folder, seed, split and mean
    palette     colours (R, G, B) of the classes; empty: VOC's
    published   whether the paper, or a report, has experiments on it
    nets        those of the experiments; empty: all that take its images
    iterations  of training, and `snapshot` those between two snapshots
    schedules   of the nets that were trained otherwise than VOC's, by their names
    twin_of     the name of the dataset that this synthetic set stands for
    """

    name: str
    layout: str
    title: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    splits: dict[str, Split]
    train_split: str
    val_split: str
    home: Path
    sources: tuple[Source, ...] = ()
    hint: str = ""
    geometric: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    palette: tuple[tuple[int, int, int], ...] = ()
    published: bool = False
    nets: tuple[str, ...] = ()
    iterations: int = 100_000
    snapshot: int = 4000
    schedules: dict[str, Schedule] = field(default_factory=dict)
    twin_of: str | None = None

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The label tops of its data layer, each with its classes."""
        if self.geometric:
            return {"sem": self.classes, "geo": self.geometric}
        return {"label": self.classes}


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
VOC2010 = Source(
    url="https://thor.robots.ox.ac.uk/pascal/VOC/voc2010/VOCtrainval_03-May-2010.tar",
    path="pascal/VOC2010",
    digest="md5:da459979d0c395079b5c75ee67908abb",
    member="VOCdevkit/VOC2010",
)
CONTEXT_LABELS = tuple(
    Source(
        f"https://cs.stanford.edu/~roozbeh/pascal-context/{file}",
        f"pascal-context/{to}",
        f"md5:{md5}",
        member,
    )
    for file, to, md5, member in (
        ("trainval.tar.gz", "trainval", "df034edb2c12aa7d33b42b20bb1796e3", "trainval"),
        ("trainval.tar.gz", "labels.txt", "df034edb2c12aa7d33b42b20bb1796e3", "labels.txt"),
        ("59_labels.txt", "59_labels.txt", "993901f2d930cc038c406845f08fa082", None),
        ("33_labels.txt", "33_labels.txt", "8840f5439b471aecf991ac6448b826e6", None),
    )
)
SIFTFLOW = Source(
    url="https://www.cs.unc.edu/~jtighe/Papers/ECCV10/siftflow/SiftFlowDataset.zip",
    path="sift-flow",
    member="SiftFlowDataset",
    bare=True,
)
# What the authors' data layer reads: Gupta et al.'s 425 x 560 pixels, their 40 classes and HHA
NYUD = Source(
    url="http://dl.caffe.berkeleyvision.org/nyud.tar.gz",
    path="nyud",
    member="nyud",
)


# What VGG16 was made into on datasets other than VOC and NYUDv2
STAGES = ("fcn32s", "fcn16s", "fcn8s")
# The nets of the report on the Indian Driving Dataset
ZOO = ("baseline", "flip", "flip-alone", "rotation", "weighted", "rrcnn", "transfer", "unet")


def _context(name: str, title: str, names: tuple[str, ...], **options: Any) -> Dataset:
    labels = {"context_dir": "pascal-context"}
    return Dataset(
        name=name,
        layout="context",
        title=title,
        classes=names,
        mean=(104.007, 116.669, 122.679),
        splits={
            "train": Split("PASCALContextSegDataLayer", "pascal", 4998, labels),
            "val": Split("PASCALContextSegDataLayer", "pascal", 5105, labels),
        },
        train_split="train",
        val_split="val",
        home=ROOT,
        sources=(VOC2010, *CONTEXT_LABELS),
        hint="`make data-context` fetches, unpacks and checks all of it",
        options=options,
        published=True,
        nets=STAGES,
        iterations=300_000,
    )


def _cityscapes(name: str, title: str, **options: Any) -> Dataset:
    return Dataset(
        name=name,
        layout="cityscapes",
        title=title,
        classes=classes.CITYSCAPES,
        mean=(72.392, 82.909, 73.158),
        splits={
            "train": Split("CityscapesSegDataLayer", "cityscapes", 2975),
            "val": Split("CityscapesSegDataLayer", "cityscapes", 500),
            "test": Split("CityscapesSegDataLayer", "cityscapes", 1525, labelled=False),
        },
        train_split="train",
        val_split="val",
        home=ROOT,
        hint="sign up at https://www.cityscapes-dataset.com, fetch leftImg8bit_trainvaltest.zip "
        f"and gtFine_trainvaltest.zip, unpack both in {ROOT / 'cityscapes'} (so that leftImg8bit/ "
        "and gtFine/ lie in it) and run `make data-cityscapes`",
        options=options,
        published=True,
        nets=STAGES,
        # Guist's, for images downscaled by 2
        schedules={
            "fcn32s": Schedule(2e-12, 350_000, 4000),
            "fcn16s": Schedule(2e-13, 100_000, 4000, falls=(50_000,)),
            "fcn8s": Schedule(2e-15, 100_000, 4000, falls=(50_000,)),
        },
    )


def _idd(name: str, size: tuple[int, int], published: bool = False) -> Dataset:
    height, width = size
    return Dataset(
        name=name,
        layout="idd",
        title=f"Indian Driving Dataset, 26 classes, {height} x {width}",
        classes=classes.IDD,
        palette=idd_labels.PALETTE,
        mean=MEAN,
        splits={split: Split("IDDSegDataLayer", "idd") for split in ("train", "val")},
        train_split="train",
        val_split="val",
        home=ROOT,
        hint="sign up at https://idd.insaan.iiit.ac.in, fetch IDD Segmentation, unpack it in "
        f"{ROOT / 'idd'} (so that leftImg8bit/ and gtFine/ lie in it) and run `make data-idd`",
        options={"size": size},
        published=published,
        nets=ZOO,
    )


_COLLECTED = (
    Dataset(
        name="voc",
        layout="voc",
        title="PASCAL VOC 2011, trained on SBD",
        classes=classes.VOC,
        mean=MEAN,
        splits={
            "train": Split("SBDDSegDataLayer", SBD.path, 8498),
            "seg11valid": Split("VOCSegDataLayer", VOC2011.path, 736),
        },
        train_split="train",
        val_split="seg11valid",
        home=ROOT,
        sources=(VOC2011, SBD),
        hint="`make data-voc` fetches, unpacks and checks all of it",
        published=True,
    ),
    Dataset(
        name="nyud",
        layout="nyud",
        title="NYUDv2, 40 classes",
        classes=classes.NYUD,
        mean=(116.190, 97.203, 92.318),
        splits={
            "trainval": Split("NYUDSegDataLayer", NYUD.path, 795),
            "test": Split("NYUDSegDataLayer", NYUD.path, 654),
        },
        train_split="trainval",
        val_split="test",
        home=ROOT,
        sources=(NYUD,),
        hint="`make data-nyud` fetches, unpacks, converts and checks all of it; by hand, nyud/ "
        "holds data/images/img_5001.png, data/depth/img_5001.png (16 bits, millimetres, holes "
        "filled), trainval.txt and test.txt, or the publishers' splits.mat, and "
        "segmentation/img_5001.mat (variable segmentation, 0 void, 1-40), or "
        "segmentation894/img_5001.mat (0 void, 1-894) and the publishers' classMapping40.mat",
        options={"tops": ["color", "label"]},
        published=True,
        iterations=300_000,
        snapshot=2000,
    ),
    Dataset(
        name="siftflow",
        layout="siftflow",
        title="SIFT Flow, 33 semantic and 3 geometric classes",
        classes=classes.SIFTFLOW,
        geometric=classes.SIFTFLOW_GEOMETRIC,
        mean=(114.578, 115.294, 108.353),
        splits={
            "trainval": Split("SIFTFlowSegDataLayer", SIFTFLOW.path, 2486),
            "test": Split("SIFTFlowSegDataLayer", SIFTFLOW.path, 200),
        },
        train_split="trainval",
        val_split="test",
        home=ROOT,
        sources=(SIFTFLOW,),
        hint="`make data-siftflow` fetches, unpacks and checks all of it",
        published=True,
        nets=STAGES,
        iterations=300_000,
        snapshot=2000,
        schedules={"fcn8s": Schedule(1e-12, 300_000, 2000)},
    ),
    _context("context", "PASCAL-Context, 59 classes and background", classes.CONTEXT),
    _context("context33", "PASCAL-Context, 33 classes and background", classes.CONTEXT_33, task=33),
    _cityscapes("cityscapes", "Cityscapes, 19 classes, full size"),
    _cityscapes("cityscapes-half", "Cityscapes, 19 classes, downscaled 2x", downscale=2),
    _cityscapes("cityscapes-cuts", "Cityscapes, 19 classes, half cuts", cuts=(1, 2)),
    _idd("idd", (720, 1280), published=True),
    _idd("idd-half", (360, 640)),
    _idd("idd-full", (1080, 1920)),
    Dataset(
        name="camvid",
        layout="mine",
        title="CamVid, 11 classes, SegNet's split, in VOC layout",
        classes=classes.CAMVID,
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
        name="idd-lite",
        layout="idd-lite",
        title="IDD Lite, 7 classes",
        classes=classes.IDD_LITE,
        mean=MEAN,
        splits={
            "train": Split("VOCSegDataLayer", ".", 1403),
            "val": Split("VOCSegDataLayer", ".", 204),
        },
        train_split="train",
        val_split="val",
        home=ROOT / "idd-lite",
        hint="sign up at https://idd.insaan.iiit.ac.in, fetch IDD Lite, unpack it, so that "
        f"leftImg8bit/ and gtFine/ lie in {ROOT / 'idd-lite'}, and run `make data-idd-lite`",
        options={"images": "leftImg8bit/{}_image.jpg", "labels": "gtFine/{}_label.png"},
    ),
)

_SYNTHETIC = Dataset(
    name="synthetic",
    layout="voc",
    title="textured shapes of the 20 VOC classes",
    classes=classes.VOC,
    mean=MEAN,
    splits={
        "train": Split("SBDDSegDataLayer", SBD.path),
        "val": Split("VOCSegDataLayer", VOC2011.path),
    },
    train_split="train",
    val_split="val",
    home=ROOT / "synthetic",
    hint="`python -m data.synthetic --out data/synthetic` writes it",
    twin_of="voc",
)


def _twin(dataset: Dataset) -> Dataset:
    """The synthetic set in the dataset's layout; one folder serves all sizes and tasks."""
    home = ROOT / f"synthetic-{dataset.layout}"
    options = {key: value for key, value in dataset.options.items() if key != "size"}
    return dataclasses.replace(
        dataset,
        name=f"synthetic-{dataset.name}",
        title=f"textured shapes in the layout of {dataset.title}",
        splits={n: dataclasses.replace(s, count=None) for n, s in dataset.splits.items()},
        home=home,
        sources=(),
        options=options,
        hint=f"`python -m data.synthetic --dataset {dataset.layout} --out {home}` writes it",
        published=False,
        twin_of=dataset.name,
    )


_TWINS = (
    _SYNTHETIC,
    *(_twin(d) for d in _COLLECTED if d.published and d.name != _SYNTHETIC.twin_of),
)
DATASETS = {d.name: d for d in (*_COLLECTED, *_TWINS)}


def data_layer(
    dataset: Dataset,
    split: str,
    *,
    home: str | PathLike | None = None,
    seed: int = 1337,
    **options: Any,
) -> dict[str, Any]:
    """The data layer of one split: its module, its class `layer`, and the dict param_str.

    `home` stands for the dataset's own folder; options (tops, mirror, jitter, batch, ...) are added
    to the dataset's. Raises ValueError for a split it does not have.
    """
    if split not in dataset.splits:
        raise ValueError(
            f"{dataset.name} has no split {split!r}; it has {', '.join(dataset.splits)}"
        )
    of = dataset.splits[split]
    layer = LAYERS[of.layer]
    home = Path(dataset.home if home is None else home)
    params: dict[str, Any] = {key: (home / path).as_posix() for key, path in of.folders.items()}
    params[layer.dir_key] = (home / of.folder).as_posix()
    params |= {"seed": seed, "split": split, "mean": dataset.mean, **dataset.options, **options}
    in_order = {key: params.pop(key) for key in layer.keys}
    registered = DATASETS.get(dataset.name, dataset)
    if "mean" not in layer.keys and params["mean"] == registered.mean:  # the layer's own
        del params["mean"]
    if layer.module == "voc_layers" and len(dataset.classes) != 21:  # the layers' default
        params["n_classes"] = len(dataset.classes)
    return dict(module=layer.module, layer=of.layer, param_str={**in_order, **params})


def passes(dataset: Dataset, split: str) -> int:
    """How many passes of a net (batch 1) see each image of a split once: a cut is an image."""
    rows, columns = dataset.options.get("cuts", (1, 1))
    return rows * columns * len(ids(dataset, split))


def ids(dataset: Dataset, split: str) -> list[str]:
    """The image ids of a split, from its file."""
    return ids_in(dataset.home / dataset.splits[split].file(split))


def ids_in(path: Path) -> list[str]:
    """The image ids that a split file lists, one a line, as text_list.read_list reads them."""
    try:
        return read_list(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such split file; {path.parent} is not complete: remove the data set's "
            "folder and run again to get it whole"
        ) from None
    except OSError as error:
        raise OSError(f"{error}; expected a text file of one image id a line") from error


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
            part = "all" if source.bare else f"the folder {source.member}"
            lines[source.path] = f"  {dataset.home / source.path}: {part} of {source.url}"
        else:
            lines[path] = f"  {dataset.home / path}: from {source.url}"
    if lines:
        missing = "\n".join(lines.values())
        raise FileNotFoundError(f"{dataset.title}: missing\n{missing}\n{dataset.hint}")
