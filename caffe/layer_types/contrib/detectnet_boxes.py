"""DetectNet's boxes: clusters of ground truth and detections, their scores, and mAP."""

import math

import numpy as np
import torch

from ..base import LayerType, Shape, Tensors, layer_type

FARTHEST = 1 << 31  # pixels of a box's corner
SCORED = 50  # rows of ScoreDetections
FOUND, WRONG, MISSED = 1, 2, 3


class BoxesOfGrid(LayerType):
    """Of each class the boxes of a grid, N x max_boxes x 5: x1, y1, x2, y2 and a confidence.

    Bottoms: the classes' coverage, N x num_classes x grid, and each field's box, N x 4 x grid, from
    the field's corner, in pixels. Boxes are in half precision; of more than max_boxes the first
    stay; rows behind the last are 0.
    """

    bottoms = (2, 2)
    tops = (1, None)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.detectnet_cluster_param
        size = param.image_size_x, param.image_size_y
        self.check(
            param.stride > 0 and min(size) >= param.stride and param.max_boxes > 0,
            "needs a positive stride, images of one at least, and max_boxes; found "
            f"{param.stride}, {size[0]} x {size[1]} and {param.max_boxes}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        covered, boxes = shapes
        count, param = len(self.spec.top), self.spec.detectnet_cluster_param
        self.check(
            len(covered) == 4
            and covered[1] == count == param.num_classes
            and boxes == (covered[0], 4, *covered[2:]),
            f"needs a top for each of num_classes {param.num_classes}, coverages N x {count} x H x "
            f"W and boxes N x 4 x H x W; found {count} tops and shapes {covered} and {boxes}",
        )
        return [(covered[0], param.max_boxes, 5)] * count

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        covered, boxes = (bottom.detach().cpu().numpy() for bottom in bottoms)
        most = self.spec.detectnet_cluster_param.max_boxes
        tops = []
        for kind in range(covered.shape[1]):
            top = np.zeros((len(covered), most, 5), np.float32)
            for item, (cover, box) in enumerate(zip(covered[:, kind], boxes, strict=True)):
                found = self._boxes(self._proposed(cover, box))[:most].astype(np.float16)
                top[item, : len(found), : found.shape[1]] = found
            tops.append(torch.from_numpy(top).to(bottoms[0].device))
        return tops

    def _proposed(self, cover: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Boxes (P, 4) of the fields that are covered, row by row; box: (4, H, W)."""
        param = self.spec.detectnet_cluster_param
        wide, tall = param.image_size_x // param.stride, param.image_size_y // param.stride
        # Its fork means to cut off columns too, and cuts off rows twice.
        y, x = np.nonzero(self._counts(cover[: min(tall, wide)]))
        corner = np.array([x * (param.image_size_x // wide), y * (param.image_size_y // tall)])
        return (box[:, y, x] + np.concatenate([corner, corner])).T.reshape(-1, 4)

    def _counts(self, cover: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _boxes(self, proposed: np.ndarray) -> np.ndarray:
        raise NotImplementedError


@layer_type("ClusterGroundtruth", "NVIDIA's Caffe")
class ClusterGroundtruth(BoxesOfGrid):
    """The different boxes of covered fields, without a confidence."""

    not_in_onnx = "it reads labels; leave it out, and give the net its images"

    def _counts(self, cover: np.ndarray) -> np.ndarray:
        return cover > 0

    def _boxes(self, proposed: np.ndarray) -> np.ndarray:
        return np.array(list(dict.fromkeys(map(tuple, proposed)))).reshape(-1, 4)


@layer_type("ClusterDetections", "NVIDIA's Caffe")
class ClusterDetections(BoxesOfGrid):
    """Groups of boxes alike, of fields whose coverage is gridbox_cvg_threshold or more.

    A group is of more than gridbox_rect_thresh boxes, and min_height high; its confidence is the
    logarithm of how many (OpenCV's groupRectangles, which takes x2 and y2 for width and height).
    """

    not_in_onnx = "it groups boxes one by one; take the blobs in front of it"

    def _counts(self, cover: np.ndarray) -> np.ndarray:
        return cover >= self.spec.detectnet_cluster_param.gridbox_cvg_threshold

    def _boxes(self, proposed: np.ndarray) -> np.ndarray:
        param = self.spec.detectnet_cluster_param
        proposed = proposed[(np.abs(proposed) < FARTHEST).all(1)]  # so is no NaN
        if not proposed.any():
            return np.zeros((0, 5))
        eps = round(param.gridbox_rect_eps, 7)  # as it was written
        groups = grouped(np.rint(proposed).astype(np.int64), param.gridbox_rect_thresh, eps)
        rows = [
            [*rect, math.log(count)]
            for rect, count in groups
            if rect[3] - rect[1] >= param.min_height
        ]
        return np.array(rows).reshape(-1, 5)


def grouped(rects: np.ndarray, least: int, eps: float) -> list[tuple[list[int], int]]:
    """The mean of each group of more than `least` rectangles (P, 4), x, y, width and height; sizes.

    Rectangles are alike whose sides are no further apart than eps times half their smaller width
    and height; a group is what likeness connects. One inside of a group of more than 3, and more
    than its own, is left out, or of less than 3 inside of any. With least 0 each rectangle counts.
    """
    if least <= 0:
        return [(rect, 1) for rect in rects.tolist()]
    means, counts = [], []
    left = np.arange(len(rects))
    while len(left):
        group, edge = left[:1], left[:1]
        left = left[1:]
        while len(edge) and len(left):
            near = np.zeros(len(left), bool)
            for one in rects[edge]:
                near |= _alike(one, rects[left], eps)
            edge, left = left[near], left[~near]
            group = np.concatenate([group, edge])
        total, share = (
            rects[group].sum(0).astype(np.float32),
            np.float32(1) / np.float32(len(group)),
        )
        means.append(np.rint(total * share).astype(np.int64))
        counts.append(len(group))
    chosen = [i for i, count in enumerate(counts) if count > least]
    return [
        (means[i].tolist(), counts[i])
        for i in chosen
        if not any(
            j != i
            and _inside(means[i], means[j], eps)
            and (counts[j] > max(3, counts[i]) or counts[i] < 3)
            for j in chosen
        )
    ]


def _alike(one: np.ndarray, others: np.ndarray, eps: float) -> np.ndarray:
    """Which of the rectangles (K, 4) are like one (4)."""
    most = eps * 0.5 * np.minimum(one[2:], others[:, 2:]).sum(1)
    starts = np.abs(one[:2] - others[:, :2]).max(1)
    ends = np.abs(one[:2] + one[2:] - others[:, :2] - others[:, 2:]).max(1)
    return (starts <= most) & (ends <= most)


def _inside(one: np.ndarray, other: np.ndarray, eps: float) -> bool:
    more = np.rint(other[2:] * eps).astype(np.int64)
    starts = one[:2] >= other[:2] - more
    return bool((starts & (one[:2] + one[2:] <= other[:2] + other[2:] + more)).all())


@layer_type("ScoreDetections", "NVIDIA's Caffe")
class ScoreDetections(LayerType):
    """Boxes that are found, then those that are wrong, and objects that are missed: N x 50 x 5.

    Bottoms: objects and boxes, N x M x 5, of which rows of zeros do not count. Each object takes
    the first box that overlaps it by iou_threshold. The last value of a row is 1, 2 or 3; rows
    behind the last are 0.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: False)
    not_in_onnx = "it is a score"

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            all(len(shape) == 3 and shape[2] == 5 for shape in shapes)
            and shapes[0][0] == shapes[1][0],
            f"needs objects and boxes N x M x 5; found shapes {shapes[0]} and {shapes[1]}",
        )
        return [(shapes[0][0], SCORED, 5)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        objects, boxes = (bottom.detach().cpu().numpy()[:, :, :4] for bottom in bottoms)
        top = np.zeros((len(objects), SCORED, 5), np.float32)
        for item, (truth, found) in enumerate(zip(objects, boxes, strict=True)):
            rows = self._scored(truth[truth.any(1)], found[found.any(1)])[:SCORED]
            top[item, : len(rows)] = rows
        return torch.from_numpy(top).to(bottoms[0].device)

    def _scored(self, truth: np.ndarray, found: np.ndarray) -> np.ndarray:
        least = round(self.spec.score_detections_param.iou_threshold, 7)
        free, seen = np.ones(len(found), bool), np.zeros(len(truth), bool)
        for i, box in enumerate(truth):
            fits = np.flatnonzero(free & (_share(box, found) >= least))
            if len(fits):
                free[fits[0]], seen[i] = False, True
        parts = (found[~free], FOUND), (found[free], WRONG), (truth[~seen], MISSED)
        return np.concatenate([np.c_[part, np.full(len(part), kind)] for part, kind in parts])


def _share(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The part of a box's and each other's union (K, 4) that both have."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    both = sides.clip(min=0).prod(1)
    areas = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1)
    return both / np.where(both > 0, areas - both, 1)


@layer_type("PrecisionTimesRecall", "NVIDIA's Caffe")
class PrecisionTimesRecall(LayerType):
    """Of what ScoreDetections gives precision times recall, precision, and recall, in percent.

    DetectNet's layer mAP. What would be over 0 is 0.
    """

    tops = (3, 3)
    diff_bottoms = staticmethod(lambda index: False)
    not_in_onnx = "it is a score"

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 3 and shape[2] == 5, f"needs N x M x 5; found shape {shape}")
        return [(1,)] * 3

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        kinds = bottoms[0].detach()[:, :, 4]
        found, wrong, missed = ((kinds == kind).sum() for kind in (FOUND, WRONG, MISSED))
        precision, recall = (
            100 * found / (found + others).clamp(min=1) for others in (wrong, missed)
        )
        return [value.reshape(1) for value in (precision * recall / 100, precision, recall)]
