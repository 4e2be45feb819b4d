"""Archives for the test servers of PASCAL VOC and Cityscapes, from predicted label maps.

    python -m solvers.submit voc2012 --labels FOLDER --out results.tgz
    python -m solvers.submit cityscapes --labels FOLDER --out results.zip

FOLDER holds what infer.py wrote of the test images: one PNG an image, named as the image is, its
pixels the net's classes. The whole test set must be there.
"""

import gzip
import io
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

import command_line
from caffe.core.files import replacing
from data import classes
from data.datasets import DATASETS
from data.drawing import palette_image
from seg_data_layer import read_indices
from seg_labels import LABEL_IDS

SIZE = (1024, 2048)  # height and width of Cityscapes' images
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry, so that equal predictions give equal archives


def voc_entry(name: str, year: int) -> str:
    """Path of an image's PNG in the archive: competition 6, segmentation, trained on other data."""
    return f"results/VOC{year}/Segmentation/comp6_test_cls/{name}.png"


def voc_archive(path: str | PathLike, labels: Mapping[str, Path], year: int = 2012) -> None:
    """Write a .tgz of palette PNGs for VOC's test server, from label maps by image id.

    Raises ValueError for a label map that holds anything but the 21 classes.
    """
    with (
        replacing(path) as file,
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, source in _progress(labels):
            png = _png(palette_image(_predicted(source, len(classes.VOC))))
            entry = tarfile.TarInfo(voc_entry(name, year))
            entry.size, entry.mode = len(png), 0o644
            archive.addfile(entry, io.BytesIO(png))


def full_label_ids(prediction: np.ndarray) -> np.ndarray:
    """(1024, 2048) uint8 labelIds of an (H, W) map of Cityscapes' 19 classes, nearest upsampling.

    Raises ValueError for a map whose sides are no whole part of the full size.
    """
    factors = [full // size for full, size in zip(SIZE, prediction.shape, strict=True)]
    if factors[0] != factors[1] or tuple(np.multiply(prediction.shape, factors)) != SIZE:
        raise ValueError(
            f"a prediction of {prediction.shape[0]} x {prediction.shape[1]} (h x w); expected "
            f"{SIZE[0]} x {SIZE[1]}, or both divided by the same number"
        )
    full = prediction.repeat(factors[0], axis=0).repeat(factors[1], axis=1)
    return np.array(LABEL_IDS, np.uint8)[full]


def cityscapes_archive(path: str | PathLike, labels: Mapping[str, Path]) -> None:
    """Write a .zip of labelIds PNGs at full size for Cityscapes' test server.

    `labels` maps an image's name (berlin_000000_000019) to its map of the 19 classes.
    Raises ValueError for other values or sizes.
    """
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:  # PNGs are compressed
        for name, source in _progress(labels):
            try:
                ids = full_label_ids(_predicted(source, len(LABEL_IDS)))
            except ValueError as error:
                raise ValueError(f"{source}: {error}") from None
            entry = zipfile.ZipInfo(f"{name}_labelIds.png", EPOCH)
            archive.writestr(entry, _png(Image.fromarray(ids)))


def _predicted(path: Path, n: int) -> np.ndarray:
    prediction = read_indices(path)
    if wrong := np.unique(prediction[prediction >= n]).tolist():
        raise ValueError(
            f"{path}: values {wrong}; expected the net's classes, 0 to {n - 1}, at every pixel"
        )
    return prediction


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _progress(labels: Mapping[str, Path]) -> Iterable[tuple[str, Path]]:
    return tqdm(labels.items(), unit="image", disable=None)


class Server(NamedTuple):
    """A test server: the images of its set, how their label maps are called, who packs them.

    `pattern` has an image's name as its group; beside a label map may lie overlays.
    """

    images: int
    pattern: str
    archive: Callable[[Path, Mapping[str, Path]], None]


CITYSCAPES_IMAGES = DATASETS["cityscapes"].splits["test"].count
assert CITYSCAPES_IMAGES  # a published split has a count
_VOC = r"(\d{4}_\d{6})\.png"
SERVERS = {
    "voc2011": Server(1111, _VOC, partial(voc_archive, year=2011)),
    "voc2012": Server(1456, _VOC, partial(voc_archive, year=2012)),
    "cityscapes": Server(
        CITYSCAPES_IMAGES,
        r"([a-z-]+_\d{6}_\d{6})(?:_leftImg8bit)?\.png",
        cityscapes_archive,
    ),
}


def label_maps(server: str, folder: Path) -> dict[str, Path]:
    """The label maps of a folder by the names of their images; ValueError for too many or few."""
    images, pattern, _ = SERVERS[server]
    found = {
        match[1]: path
        for path in sorted(folder.glob("*.png"))
        if (match := re.fullmatch(pattern, path.name))
    }
    if len(found) != images:
        raise ValueError(
            f"{folder}: label maps of {len(found)} images of {server}; the test set has "
            f"{images}, and the server wants them all (infer.py writes them)"
        )
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m solvers.submit", __doc__)
    parser.add_argument("server", choices=sorted(SERVERS))
    parser.add_argument("--labels", type=Path, required=True, help="folder of predictions")
    parser.add_argument("--out", type=Path, required=True, help="archive to write")
    args = parser.parse_args(argv)
    return command_line.run(_submit, args.server, args.labels, args.out)


def _submit(server: str, folder: Path, out: Path) -> None:
    labels = label_maps(server, folder)
    SERVERS[server].archive(out, labels)
    print(f"{out}: {len(labels)} images, for the test server of {server}")


if __name__ == "__main__":
    sys.exit(main())
