"""CPMData: images of people, and the maps of their joints and limbs, as OpenPose was trained."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from ...feeding import people, pose_maps
from ...feeding.datum import datum_to_array, parse_datum
from ...feeding.pose_views import CUBIC, view
from ...feeding.resizing import interpolated
from ...feeding.transform import Place, Transformer, uniforms
from ...formats.database import Database
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import Feed, Records, Source, need, opened

CHANCES = 4  # a stream of random numbers
CHANNELS = 6  # of a record: colours, people, and two masks


class Skeleton(NamedTuple):
    """Which joints a net has, and which limbs."""

    pairs: tuple[np.ndarray, np.ndarray]
    mirrored: np.ndarray
    limbs: tuple[np.ndarray, np.ndarray]


SKELETONS = {  # by num_parts, the count of a net's maps less one
    56: Skeleton(people.COCO, people.COCO_MIRRORED, pose_maps.COCO_LIMBS),
    43: Skeleton(people.MPI, people.MPI_MIRRORED, pose_maps.MPI_LIMBS),
}


class Item(NamedTuple):
    """A record of the database, its number in the whole run, and the seed of what is drawn."""

    seed: int
    number: int
    key: bytes
    datum: caffe_pb2.Datum


class Poses(Source):
    """The records of a pose database, again and again."""

    def __init__(
        self,
        path: str,
        database: Database,
        param: caffe_pb2.CPMTransformationParameter,
        phase: int,
    ) -> None:
        self.param, self.draws = param, phase == caffe_pb2.TRAIN
        self.transformer = Transformer(caffe_pb2.TransformationParameter(), phase)
        self.path, self.stored = path, Records(path, database, self.transformer)
        need(
            param.num_parts in SKELETONS,
            f"num_parts is 56 (COCO's 18 joints and 19 limbs) or 43 (MPI's 15 and 14); found "
            f"{param.num_parts}",
        )
        self.skeleton = SKELETONS[param.num_parts]
        need(param.stride > 0, "stride must be positive; found 0")
        need(param.aug_way == "rand", f"aug_way is rand; found {param.aug_way}")
        need(not (param.do_clahe or param.gray), "do_clahe and gray are not here; leave them out")

    def __len__(self) -> int:
        return len(self.stored)

    def contents(self) -> str:
        return self.stored.contents()

    def records(self, seed: int, item: int) -> Iterator[Item]:
        for number, (key, value) in zip(count(item), self.stored.records(seed, item)):
            yield Item(seed, number, key, parse_datum(value, f"{self.path}, key {key!r}"))

    def place(self, record: Item) -> str:
        return f"{self.path}, key {record.key!r}"

    def read(self, record: Item) -> tuple[np.ndarray, np.ndarray]:
        array = datum_to_array(record.datum)
        need(
            len(array) == CHANNELS and array.dtype == np.uint8,
            f"a record has {CHANNELS} channels of bytes, as genLMDB.py writes them; found "
            f"{len(array)} of {array.dtype}",
        )
        image = array[[0, 1, 2, 4]].transpose(1, 2, 0)
        found = people.with_joints_of_nets(
            people.read_people(array[3], self.param.np_in_lmdb), self.skeleton.pairs
        )
        if self.draws:
            draws = uniforms(record.seed, CHANCES, record.number)
            image, found = view(image, found, self.param, self.skeleton.mirrored, draws)
        shown = np.zeros((CHANNELS, *image.shape[:2]), np.float32)
        shown[:3] = (image[:, :, :3].transpose(2, 0, 1).astype(np.float32) - 128) / 256
        return shown, self._label(image[:, :, 3:], found)

    def _label(self, mask: np.ndarray, found: people.People) -> np.ndarray:
        """How much each of the maps counts, and the maps."""
        param = self.param
        size = (mask.shape[0] // param.stride, mask.shape[1] // param.stride)
        counts = interpolated(mask, size, CUBIC)[:, :, 0].astype(np.float32) / 255
        weights = np.tile(counts, (param.num_parts + 1, 1, 1))
        weights[np.flatnonzero(found.visible[0] == people.UNLABELLED)] = 0
        maps = pose_maps.pose_maps(found, self.skeleton.limbs, size, param.stride, param.sigma)
        return np.concatenate([weights, maps])

    def label_shapes(self, label: np.ndarray, records: Sequence[Item]) -> list[tuple[int, ...]]:
        return [label.shape]

    def write_label(self, label: np.ndarray, place: Place, outs: Sequence[np.ndarray]) -> None:
        outs[0][0] = label


@layer_type("CPMData", "OpenPose")
class CPMData(Feed):
    """Records of CMU's pose databases, as OpenPose trains (Cao et al. 2017).

    Tops: N x 6 x crop_size_y x crop_size_x, of which the first three channels are the image, BGR
    less 128 over 256, and the others 0; 2 (num_parts + 1) maps, stride times as small: how much
    each of the next ones counts (0 where people are not annotated), then x and y of limbs, joints
    and what is none. In TRAIN the image is scaled, turned, cut and mirrored by chance, in TEST it
    stays as it is. num_parts 56 is COCO's, 43 MPI's. Weights of joints that are not annotated are
    0, where the fork leaves what its memory had.
    """

    tops = (1, 2)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.data_param
        database = opened(param)
        source = Poses(param.source, database, self.spec.cpm_transform_param, self.phase)
        return source, param.batch_size, 0
