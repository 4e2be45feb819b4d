"""Databases, image files and data layers' prototxt, for the tests of the data layers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import caffe
from caffe.feeding import images
from caffe.feeding.datum import array_to_datum
from caffe.formats.database import create_database
from support.net_text import net_of


def pictures(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    """(count, C, H, W) uint8."""
    return np.random.RandomState(seed).randint(0, 256, (count, *shape)).astype(np.uint8)


def write_database(path: Path, arrays: Sequence[np.ndarray], backend: str = "lmdb") -> Path:
    """Datums of arrays (C, H, W); the label of item i is 10 i."""
    with create_database(path, backend) as database:
        for i, array in enumerate(arrays):
            datum = array_to_datum(array, 10 * i)
            database.put(b"%08d" % i, datum.SerializeToString())
    return path


def write_images(folder: Path, arrays: Sequence[np.ndarray], name: str = "{}.png") -> Path:
    """PNG files of arrays (C, H, W) BGR, and the list of them; the label of image i is 10 i."""
    lines = []
    for i, array in enumerate(arrays):
        path = folder / name.format(i)
        path.write_bytes(images.encode(array.transpose(1, 2, 0), "png"))
        lines.append(f"{path.name} {10 * i}\n")
    listed = folder / "list.txt"
    listed.write_text("".join(lines))
    return listed


def data_layer(kind: str, param: str, transform: str = "", tops: int = 2, more: str = "") -> str:
    """A layer named d with tops data and label; `param` is the text of its own parameter."""
    field = {"Data": "data", "ImageData": "image_data", "WindowData": "window_data"}[kind]
    names = " ".join(f'top: "{name}"' for name in ("data", "label")[:tops])
    return (
        f'layer {{ name: "d" type: "{kind}" {names} {field}_param {{ {param} }} '
        f"transform_param {{ {transform} }} {more} }}"
    )


def feed_net(*args, phase: int = caffe.TEST, seed: int | None = None, **keywords) -> caffe.Net:
    """A net of one such layer, built after set_random_seed."""
    if seed is not None:
        caffe.set_random_seed(seed)
    return net_of(data_layer(*args, **keywords), phase)


def passes(net: caffe.Net, count: int, *blobs: str) -> list[list[np.ndarray]]:
    """Copies of blobs (data and label) after each of `count` forward passes."""
    found = []
    for _ in range(count):
        net.forward()
        found.append([net.blobs[name].data.copy() for name in blobs or ("data", "label")])
    return found


def same(a, b) -> bool:
    """Whether two runs of `passes` hold the same bits."""
    return all(
        np.array_equal(x, y)
        for left, right in zip(a, b, strict=True)
        for x, y in zip(left, right, strict=True)
    )


def write_annotated(
    path: Path,
    arrays: Sequence[np.ndarray],
    objects: Sequence[Sequence[Sequence[float]]],
    kind: bool = True,
    encoded: bool = False,
) -> Path:
    """An LMDB of AnnotatedDatums: arrays (C, H, W), and of each image's objects the class, x1, y1,
    x2, y2 and whether it is difficult; kind: whether they have a type, their label is 10 i.
    """
    with create_database(path, "lmdb") as database:
        for i, (array, mine) in enumerate(zip(arrays, objects, strict=True)):
            item = caffe.proto.caffe_pb2.AnnotatedDatum()
            item.datum.CopyFrom(array_to_datum(array, 10 * i))
            if encoded:
                item.datum.encoded = True
                item.datum.data = images.encode(array.transpose(1, 2, 0), "png")
            if kind:
                item.type = item.BBOX
            for number, (label, x1, y1, x2, y2, difficult) in enumerate(mine):
                group = item.annotation_group.add(group_label=int(label))
                box = group.annotation.add(instance_id=number).bbox
                box.xmin, box.ymin, box.xmax, box.ymax = x1, y1, x2, y2
                box.difficult = bool(difficult)
            database.put(b"%08d" % i, item.SerializeToString())
    return path
