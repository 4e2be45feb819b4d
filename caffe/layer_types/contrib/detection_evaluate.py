"""DetectionEvaluate of SSD: which detections are right."""

import math
from collections.abc import Iterator

import numpy as np
import torch

from ...core.blob import Blob
from ...core.errors import CaffeError, error_context
from ...core.rectangles import overlap
from ...feeding.annotations import inside_padding
from ...feeding.image_list import read_lines
from ...feeding.resizing import Size, check_policy
from ...proto import caffe_pb2
from ..base import Shape, layer_type
from .found import Found

IMAGE, LABEL, SCORE = range(3)  # columns of the detections and of the top
POLICY = caffe_pb2.ResizeParameter


def read_sizes(path: str) -> list[Size]:
    """Heights and widths of the images of a list, `name height width` a line."""
    found = []
    for number, line in read_lines(path):
        words = line.split()
        if len(words) != 3 or not all(word.isdigit() and int(word) for word in words[1:]):
            raise CaffeError(
                f"{path}:{number}: expected a name, a height and a width; found {line!r}"
            )
        found.append((int(words[1]), int(words[2])))
    if not found:
        raise CaffeError(f"{path}: the list is empty; expected name, height and width a line")
    return found


@layer_type("DetectionEvaluate", "SSD")
class DetectionEvaluate(Found):
    """What is found against what is there, for a mean average precision (eval_type: "detection").

    Bottoms: detections 1 x 1 x K x 7 and objects 1 x 1 x G x 8, as DetectionOutput and
    AnnotatedData give them. Top: 1 x 1 x R x 5, for each class but the background a row -1, the
    class, the number of its objects, -1, -1; then for each detection the image, the class, the
    confidence, and 1, 0 if it is right, 0, 1 if not. By falling confidence each takes the object of
    its class that it overlaps most, the first of equal ones: it is right where that is by
    overlap_threshold and the object has not been found. With evaluate_difficult_gt: false difficult
    objects are not counted, and what finds one is neither (0, 0). With name_size_file boxes are
    compared in pixels of the images, the next of its lines for each image with detections, in
    which a box's last pixels count as inside. Of objects in rows of 5 for each image, as BoxData
    gives them, boxes are centres and sides on both sides, and no class is the background. Cascade
    R-CNN's has rows K x 7 and G x 8, as FrcnnOutput and EvalData give them, and a third bottom, the
    height and width of each of the net's images; the top is R x 5 x 1 x 1.
    """

    bottoms = (2, 3)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.detection_evaluate_param
        self.check(param.HasField("num_classes"), "num_classes is missing")
        self.check(
            param.overlap_threshold > 0,
            f"overlap_threshold must be positive; found {param.overlap_threshold:g}",
        )
        self.cascaded = len(shapes) == 3
        self.centred = not self.cascaded and set(shapes[1][2:]) <= {1}
        self.sizes: list[Size] = []
        self.next_size = 0
        with error_context(f"layer '{self.name}' ({self.type})"):
            if param.name_size_file:
                self.sizes = read_sizes(param.name_size_file)
            if param.HasField("resize_param"):
                check_policy(param.resize_param)
        self.check(
            not self.cascaded or bool(self.sizes), "of three bottoms, name_size_file is missing"
        )

    def classes(self) -> list[int]:
        param = self.spec.detection_evaluate_param
        return [c for c in range(param.num_classes) if c != self._background()]

    def _background(self) -> int | None:
        return None if self.centred else self.spec.detection_evaluate_param.background_label_id

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """The top has room for the classes' rows, until the first forward."""
        if self.cascaded:
            sizes = [math.prod(shape[1:]) for shape in shapes]
            self.check(
                sizes == [7, 8, 2],
                "of three bottoms, needs detections K x 7, objects G x 8 and sizes N x 2; found "
                f"shapes {shapes}",
            )
            return [(len(self.classes()), 5, 1, 1)]
        found, objects = shapes
        rows = (*objects[:2], *objects[3:]) == (1, 1, 8)
        if self.centred:
            rows = math.prod(objects[1:]) % 5 == 0
        self.check(
            found[:2] == (1, 1) and found[3:] == (7,) and rows,
            "needs detections 1 x 1 x K x 7 and objects 1 x 1 x G x 8, or of each image rows of 5; "
            f"found shapes {shapes}",
        )
        return [(1, 1, len(self.classes()), 5)]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        if self.sizes:
            rows = bottom[0].data_tensor()
            images = rows.flatten(1)[:, IMAGE] if self.cascaded else rows[..., IMAGE]
            found = len(images[images >= 0].unique())
            self.next_size = (self.next_size + found) % len(self.sizes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        found, objects, *more = (bottom.detach().cpu().numpy() for bottom in bottoms)
        if more:
            found, objects = _as_ssds(found, objects, more[0])
            return bottoms[0].new_tensor(self._rows(found, objects))[:, :, None, None]
        found = found[0, 0]
        if self.centred:
            found, objects = found[found[:, LABEL] >= 0], _with_corners(objects)
            found = np.concatenate([found[:, :3], _corners(found[:, 3:])], 1)
        else:
            objects = objects[0, 0]
        return bottoms[0].new_tensor(self._rows(found, objects)).reshape(1, 1, -1, 5)

    def _rows(self, found: np.ndarray, objects: np.ndarray) -> np.ndarray:
        found, objects = found[found[:, IMAGE] >= 0], objects[objects[:, IMAGE] >= 0]
        background = self._background()
        for each, name in zip((found, objects), self.spec.bottom, strict=False):
            self.check(
                not (each[:, LABEL] == background).any(),
                f"'{name}' holds boxes of class {background}, which is the background",
            )
        return np.array([*self._counts(objects), *self._judged(found, objects)])

    def _counts(self, objects: np.ndarray) -> list[list[float]]:
        """A row for each class."""
        if not self.spec.detection_evaluate_param.evaluate_difficult_gt:
            objects = objects[objects[:, 7] == 0]
        return [[-1, c, int((objects[:, LABEL] == c).sum()), -1, -1] for c in self.classes()]

    def _judged(self, found: np.ndarray, objects: np.ndarray) -> Iterator[list[float]]:
        """A row for each detection, image by image and class by class."""
        for place, image in enumerate(np.unique(found[:, IMAGE])):
            of_image = found[(found[:, IMAGE] == image) & (found[:, LABEL] != -1)]
            for label in np.unique(of_image[:, LABEL]):
                mine = of_image[of_image[:, LABEL] == label]
                there = objects[(objects[:, IMAGE] == image) & (objects[:, LABEL] == label)]
                if len(there):
                    mine = mine[np.argsort(-mine[:, SCORE], kind="stable")]
                right = self._right(mine[:, 3:7], there, place)
                for row, said in zip(mine, right, strict=True):
                    yield [image, label, row[SCORE], *said]

    def _right(self, found: np.ndarray, there: np.ndarray, place: int) -> Iterator[tuple[int, int]]:
        """(1, 0) for a box (K, 4) that is right, (0, 1) for one that is not, (0, 0) for neither."""
        param = self.spec.detection_evaluate_param
        boxes = there[:, 3:7]
        if self.sizes:
            size = self.sizes[(self.next_size + place) % len(self.sizes)]
            found, boxes = self._in_pixels(found, size), self._in_pixels(boxes, size)
        seen: set[int] = set()
        for box in found:
            overlaps = overlap(box, boxes, pixel=int(bool(self.sizes)))
            best = int(overlaps.argmax()) if len(boxes) else -1
            if best < 0 or overlaps[best] < param.overlap_threshold:
                yield 0, 1
            elif there[best, 7] and not param.evaluate_difficult_gt:
                yield 0, 0
            else:
                yield (0, 1) if best in seen else (1, 0)
                seen.add(best)

    def _in_pixels(self, boxes: np.ndarray, size: Size) -> np.ndarray:
        """Boxes (K, 4) of the net's input, on an image of that height and width."""
        policy = self.spec.detection_evaluate_param.resize_param
        height, width = size
        across = np.array([width, height, width, height])
        scales = policy.width_scale, policy.height_scale
        if policy.resize_mode == POLICY.FIT_SMALL_SIZE and all(scales):
            return np.clip(boxes * np.tile(scales, 2), 0, across)
        if policy.resize_mode == POLICY.FIT_LARGE_SIZE_AND_PAD:
            low, inner = inside_padding(policy, size)
            boxes = (boxes - np.tile(low, 2)) / np.tile(inner, 2)
        return np.clip(boxes, 0, 1) * across


def _as_ssds(
    found: np.ndarray, objects: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (K, 7) and (G, 8) of what FrcnnOutput and EvalData give; sizes: heights and widths.

    FrcnnOutput's are an image, corners in its pixels, class and score; EvalData's an image, such
    corners, class, whether it is ignored and whether it is difficult.
    """
    found, objects = found.reshape(-1, 7), objects.reshape(-1, 8)
    sides = np.tile(sizes.reshape(-1, 2)[:, ::-1], 2)

    def parts(rows: np.ndarray) -> np.ndarray:
        return rows[:, 1:5] / sides[rows[:, IMAGE].astype(int)]

    return (
        np.concatenate([found[:, [0, 5, 6]], parts(found)], 1),
        np.concatenate([objects[:, [0, 5, 6]], parts(objects), objects[:, 7:]], 1),
    )


def _with_corners(objects: np.ndarray) -> np.ndarray:
    """Rows (G, 8) of what BoxData gives, N x rows of class, centre and sides."""
    rows = objects.reshape(len(objects), -1, 5)
    image, at = np.nonzero(rows[..., 3] != 0)
    found = np.zeros((len(image), 8), rows.dtype)
    found[:, IMAGE], found[:, LABEL] = image, rows[image, at, 0]
    found[:, 3:7] = _corners(rows[image, at, 1:])
    return found


def _corners(box: np.ndarray) -> np.ndarray:
    """Of centres and sides (K, 4)."""
    return np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2], 1)
