"""BoxData of YOLO in Caffe: images whose records hold their objects too."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...feeding.datum import parse_datum
from ...feeding.transform import Place, Transformer
from ...formats.database import Database
from ..base import layer_type
from ..prefetched_data import Feed, Records, Source, need, opened

OBJECTS, ROW = 30, 5  # of an image's label
STORED = 6  # values of an object in a record: its class, whether it is difficult, its box


class Boxes(Records):
    """The Datums of a database with their objects, which are in float_data."""

    def __init__(self, path: str, database: Database, transformer: Transformer, tops: int) -> None:
        super().__init__(path, database, transformer)
        self.count = tops

    def read(self, record: tuple[bytes, memoryview]) -> tuple[np.ndarray, Any]:
        datum = parse_datum(record[1], "its value")
        stored = np.array(datum.float_data, np.float32)
        need(
            stored.size % STORED == 0 and stored.size <= OBJECTS * STORED,
            f"float_data holds up to {OBJECTS} objects of {STORED} values; found {stored.size}",
        )
        datum.ClearField("float_data")
        return self.transformer.array(datum), stored.reshape(-1, STORED)

    def label_shapes(self, label: Any, records: Sequence[Any]) -> list[tuple[int, ...]]:
        return [(OBJECTS * ROW,)] * self.count

    def write_label(self, label: Any, place: Place, outs: Sequence[np.ndarray]) -> None:
        rows = np.zeros((OBJECTS, ROW), np.float32)
        rows[: len(label)] = label[:, [0, 2, 3, 4, 5]]
        if place.mirror:
            rows[: len(label), 1] = 1 - rows[: len(label), 1]
        for out in outs:
            out[0] = rows.ravel()


@layer_type("BoxData", "YOLO in Caffe")
class BoxData(Feed):
    """Images of a database, and N x 150 of objects for each `side`: 30 rows of class and box.

    A box is its centre's x and y, its width and height, as parts of the image; rows that are none
    are 0. Images are taken whole, mirrored with their boxes where transform_param says so; its fork
    cuts them by chance in TRAIN, which is not done here.
    """

    tops = (1, None)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param, transform = self.spec.data_param, self.spec.transform_param
        labels = len(self.spec.top) - 1
        self.check(
            labels in (0, len(param.side) or 1),
            f"needs a top for the images and {len(param.side) or 1} for labels, one a side; found "
            f"{labels + 1}",
        )
        self.check(
            not (transform.crop_size or transform.crop_h or transform.crop_w),
            "takes images whole: drop crop_size",
        )
        source = Boxes(param.source, opened(param), Transformer(transform, self.phase), labels)
        return source, param.batch_size, 0
