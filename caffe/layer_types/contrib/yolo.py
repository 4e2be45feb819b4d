"""YOLOv2 and v3 as Caffe has them: RegionLoss, YoloDetectionOutput, Yolov3DetectionOutput."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.blob import Blob
from ...core.rectangles import overlap
from ...proto import caffe_pb2
from ..base import Shape, layer_type
from ..loss import Loss
from . import boxes
from .found import Found

BOX = 5  # channels before the classes': x, y, w, h, and whether there is an object
WARM_UP = 12800  # images, in the first of which all boxes are drawn to their anchors
WARM_UP_SCALE = 0.01


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), which large values do not overflow."""
    return np.exp(-np.logaddexp(0, -x))


def places(x: np.ndarray, anchors: np.ndarray, stride: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Centres and sides (A, H, W, 2), as parts of the image, of channels (A, 5 + K, H, W).

    anchors: widths and heights (A, 2) in pixels, of which a place of the map is `stride` wide
    (Redmon and Farhadi 2017, section 2).
    """
    height, width = x.shape[2:]
    size = np.array([width, height])
    corner = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    centre = (sigmoid(x[:, :2]).transpose(0, 2, 3, 1) + corner) / size
    side = np.exp(x[:, 2:4].transpose(0, 2, 3, 1)) * anchors[:, None, None] / (size * stride)
    return centre, side


def corners(centre: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Boxes (..., 4) of centres and sides (..., 2)."""
    return np.concatenate([centre - side / 2, centre + side / 2], -1)


class YoloLoss(Loss):
    """Base: bottoms N x num (5 + num_class) x H x W, and of each image rows of 5.

    Of each anchor x, y, w, h, objectness and the classes; of each object its class, then centre and
    sides as parts of the image; a row without a width ends them.
    """

    anchors: np.ndarray

    def param(self) -> caffe_pb2.RegionLossParameter | caffe_pb2.Yolov3Parameter:
        raise NotImplementedError

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (x, objects), param = shapes, self.param()
        channels = param.num * (BOX + param.num_class)
        self.check(
            len(x) == 4 and x[1] == channels and math.prod(objects[1:]) % 5 == 0,
            f"needs num * (5 + num_class) = {channels} channels, and rows of 5 values for each "
            f"image; found shapes {x} and {objects}",
        )
        return super().top_shapes(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, objects = bottoms
        images = len(x)
        values = x.detach().cpu().double().numpy()
        values = values.reshape(images, len(self.anchors), -1, *x.shape[2:])
        rows = objects.detach().cpu().double().numpy().reshape(images, -1, 5)
        found = [
            self.of_image(of_image, each[: np.flatnonzero([*(each[:, 3] == 0), True])[0]], images)
            for of_image, each in zip(values, rows, strict=True)
        ]
        slopes = np.stack([each for each, _ in found])
        loss = sum(of_image for _, of_image in found) / images
        slope = torch.from_numpy(slopes).to(x).reshape(x.shape) / images
        return loss + (slope * (x - x.detach())).sum()

    def of_image(self, x: np.ndarray, rows: np.ndarray, images: int) -> tuple[np.ndarray, float]:
        """The gradient of an image's channels (A, 5 + K, H, W), and its loss; objects (G, 5)."""
        raise NotImplementedError

    def check_objects(self, rows: np.ndarray) -> None:
        classes = self.param().num_class
        centre, side = rows[:, 1:3], rows[:, 3:]
        wrong = (rows[:, 0] < 0) | (rows[:, 0] >= classes) | (side <= 0).any(1)
        wrong |= ((centre < 0) | (centre >= 1)).any(1)
        self.check(
            not wrong.any(),
            f"object blob '{self.spec.bottom[1]}' holds {rows[wrong][:1].round(4).tolist()}; "
            f"expected a class of 0 to {classes - 1}, a centre in [0, 1) and positive sides",
        )


@layer_type("RegionLoss", "YOLOv2")
class RegionLoss(YoloLoss):
    """The loss of YOLOv2: places, sides, objectness and classes of the boxes of each anchor.

    Redmon and Farhadi 2017, section 2, as Darknet trains. Bottoms: N x num (5 + num_class) x H x W,
    of each anchor x, y, w, h, objectness and the classes; of each image rows of 5, the class, then
    centre and sides as parts of the image; a row without a width ends them. Of each object the
    anchor whose sides fit best, at the object's place, learns it; of all others objectness is drawn
    to 0, unless they overlap an object by more than thresh. The gradient is that of squared errors
    (of the softmax's cross entropy for classes), the loss the sum of its squares, both over the
    number of images. While the first 12800 images pass all boxes are drawn to their anchors too.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.region_loss_param
        self.passes = 0
        self.check(param.coords == 4, f"knows coords: 4; found {param.coords}")
        self.check(bool(param.softmax), "knows softmax: 1; found 0")
        self.check(not param.softmax_tree, "knows no softmax_tree, which is YOLO9000's")
        self.check(
            len(param.biases) >= 2 * param.num,
            f"num {param.num} anchors need {2 * param.num} biases; found {len(param.biases)}",
        )
        self.anchors = np.array(param.biases).reshape(-1, 2)[: param.num]

    def param(self) -> caffe_pb2.RegionLossParameter:
        return self.spec.region_loss_param

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        self.passes += 1

    def of_image(self, x: np.ndarray, rows: np.ndarray, images: int) -> tuple[np.ndarray, float]:
        param = self.spec.region_loss_param
        self.check_objects(rows)
        found = corners(*places(x, self.anchors))
        truths = corners(rows[:, 1:3], rows[:, 3:])
        slopes = np.zeros_like(x)
        slopes[:, 4] = param.noobject_scale * _objectness_slope(x[:, 4], 0)
        if len(rows):
            best = overlap(found[..., None, :], truths).max(-1)
            slopes[:, 4][best > param.thresh] = 0
        if self.passes < WARM_UP // images:
            for n in range(len(x)):
                slopes[n, :4] = WARM_UP_SCALE * _place_slope(x[n, :4], np.array([0.5, 0.5, 0, 0]))
        for row, truth in zip(rows, truths, strict=True):
            self._learn(x, slopes, row, truth, found)
        return slopes, float(np.square(slopes).sum())

    def _learn(
        self,
        x: np.ndarray,
        slopes: np.ndarray,
        row: np.ndarray,
        truth: np.ndarray,
        found: np.ndarray,
    ) -> None:
        """Set the gradient of the box that learns an object, a row (5) with the corners `truth`."""
        param = self.spec.region_loss_param
        size = np.array(x.shape[:1:-1])  # width and height
        at, side = row[1:3] * size, row[3:] * size
        i, j = at.astype(int)
        sides = self.anchors
        if not param.bias_match:
            sides = self.anchors * np.exp(x[:, 2:4, j, i])
        common = np.minimum(sides, side).prod(1)
        n = int((common / (sides.prod(1) + side.prod() - common)).argmax())
        wanted = np.concatenate([at - [i, j], np.log(side / self.anchors[n])])
        scale = param.coord_scale * (1 if param.rescore else 2 - row[3] * row[4])
        slopes[n, :4, j, i] = scale * _place_slope(x[n, :4, j, i], wanted)
        target = overlap(found[n, j, i], truth) if param.rescore else 1
        slopes[n, 4, j, i] = param.object_scale * _objectness_slope(x[n, 4, j, i], target)
        classes = np.exp(x[n, BOX:, j, i] - x[n, BOX:, j, i].max())
        classes /= classes.sum()
        classes[int(row[0])] -= 1
        slopes[n, BOX:, j, i] = param.class_scale * classes


def _objectness_slope(x: np.ndarray, target: np.ndarray | float) -> np.ndarray:
    found = sigmoid(x)
    return (found - target) * found * (1 - found)


def _place_slope(x: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Of x, y, w, h (4, ...), where the sigmoids of the first two and the others are wanted."""
    wanted = wanted.reshape(4, *(1,) * (x.ndim - 1))
    centre = sigmoid(x[:2])
    return np.concatenate([(centre - wanted[:2]) * centre * (1 - centre), x[2:] - wanted[2:]])


class YoloOutput(Found):
    """Base of what finds YOLO's boxes: top 1 x 1 x K x 7, as DetectionOutput has it."""

    bottoms = (1, None)
    not_in_onnx = "YOLO's boxes are found by values; end the net before them"

    def param(
        self,
    ) -> caffe_pb2.YoloDetectionOutputParameter | caffe_pb2.Yolov3DetectionOutputParameter:
        raise NotImplementedError

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """The top has room for one box, until the first forward."""
        channels = self.param().num_box * (BOX + self.param().num_classes)
        for shape in shapes:
            self.check(
                len(shape) == 4 and shape[1] == channels and shape[0] == shapes[0][0],
                f"needs num_box * (5 + num_classes) = {channels} channels; found shapes {shapes}",
            )
        return [(1, 1, 1, 7)]

    def found(self, maps: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Corners (P, 4) and class and confidence (P, 2), of an image's maps (C, H, W)."""
        raise NotImplementedError

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        maps = [bottom.detach().cpu().double().numpy() for bottom in bottoms]
        threshold = self.param().nms_threshold
        rows = []
        for image, each in enumerate(zip(*maps, strict=True)):
            corner, said = self.found(each)
            order = np.argsort(-said[:, 1], kind="stable")
            kept = order[
                boxes.greedy(
                    corner[order],
                    lambda one, others: overlap(one, others) >= threshold,
                    len(order),
                )
            ]
            number = np.full((len(kept), 1), image)
            rows.append(np.concatenate([number, said[kept] + [1, 0], corner[kept]], 1))
        found = np.concatenate(rows)
        if not len(found):
            found = np.array([[image, *[-1] * 6] for image in range(len(rows))])
        return torch.from_numpy(found).to(bottoms[0]).reshape(1, 1, -1, 7)


@layer_type("YoloDetectionOutput", "MobileNet-YOLO")
class YoloDetectionOutput(YoloOutput):
    """The boxes of YOLOv2, without those that overlap better ones by nms_threshold.

    Redmon and Farhadi 2017, section 2. Bottoms: N x num_box (5 + num_classes) x H x W, one map or
    several with the same anchors. Top: 1 x 1 x K x 7, of each box the image, the class counted from
    1, objectness times the class's softmax, corners; where none is found a row for each image, its
    number and -1. A box is of its likeliest class, and counts from confidence_threshold on. Boxes
    of all classes suppress each other; of equal confidences the first place comes first.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.param()
        self.check(param.coords == 4, f"knows coords: 4; found {param.coords}")
        self.check(
            len(param.biases) >= 2 * param.num_box,
            f"num_box {param.num_box} needs {2 * param.num_box} biases; found {len(param.biases)}",
        )
        self.anchors = np.array(param.biases).reshape(-1, 2)[: param.num_box]

    def param(self) -> caffe_pb2.YoloDetectionOutputParameter:
        return self.spec.yolo_detection_output_param

    def found(self, maps: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        corner, said = [], []
        for x in maps:
            x = x.reshape(len(self.anchors), -1, *x.shape[1:])
            classes = np.exp(x[:, BOX:] - x[:, BOX:].max(1, keepdims=True))
            confidence = sigmoid(x[:, 4]) * classes.max(1) / classes.sum(1)
            told = np.stack([classes.argmax(1), confidence], -1)
            kept = confidence >= self.param().confidence_threshold
            kept = kept.transpose(1, 2, 0)  # place by place, anchor by anchor
            corner.append(corners(*places(x, self.anchors)).transpose(1, 2, 0, 3)[kept])
            said.append(told.transpose(1, 2, 0, 3)[kept])
        return np.concatenate(corner), np.concatenate(said)


class CentredDetections(YoloDetectionOutput):
    """As YoloDetectionOutput, of YOLO in Caffe's DetectionOutput.

    Classes count from 0, and a box is its centre, width and height.
    """

    def param(self) -> caffe_pb2.YoloDetectionOutputParameter:
        found, given = super().param(), self.spec.detection_output_param
        for name in ("num_classes", "num_box", "coords", "confidence_threshold", "nms_threshold"):
            if given.HasField(name):
                setattr(found, name, getattr(given, name))
        found.biases[:] = given.biases
        return found

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        image, kind, score, x1, y1, x2, y2 = super().expression(bottoms, params).unbind(-1)
        none = kind < 0
        box = torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], -1)
        rows = torch.cat([torch.stack([image, kind - 1, score], -1), box], -1)
        lacking = torch.full_like(rows, -1)
        lacking[..., 0] = image
        return torch.where(none[..., None], lacking, rows)


@layer_type("Yolov3DetectionOutput", "MobileNet-YOLO")
class Yolov3DetectionOutput(YoloOutput):
    """The boxes of YOLOv3, without those that overlap better ones by nms_threshold.

    Redmon and Farhadi 2018, section 2. Bottoms: mask_group_num maps N x num_box (5 + num_classes) x
    H x W; the anchors of each are those that its part of mask names, their sides in pixels, of
    which a place of the map is its anchors_scale wide. Top: as YoloDetectionOutput's, but each
    class whose sigmoid times objectness exceeds confidence_threshold has a box.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.yolov3_detection_output_param
        groups = param.mask_group_num
        self.check(
            len(shapes) == groups == len(param.anchors_scale)
            and len(param.mask) == groups * param.num_box,
            f"mask_group_num {groups} needs as many bottoms and values of anchors_scale, and "
            f"num_box {param.num_box} values of mask for each; found {len(shapes)}, "
            f"{len(param.anchors_scale)} and {len(param.mask)}",
        )
        self.check(
            min(param.anchors_scale) > 0 and len(param.biases) >= 2 * (max(param.mask) + 1),
            f"mask names anchor {max(param.mask)}, which needs {2 * (max(param.mask) + 1)} biases; "
            f"found {len(param.biases)}",
        )
        anchors = np.array(param.biases).reshape(-1, 2)
        self.anchors = np.split(anchors[list(param.mask)], groups)

    def param(self) -> caffe_pb2.Yolov3DetectionOutputParameter:
        return self.spec.yolov3_detection_output_param

    def found(self, maps: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        param = self.spec.yolov3_detection_output_param
        corner, said = [], []
        for x, anchors, stride in zip(maps, self.anchors, param.anchors_scale, strict=True):
            x = x.reshape(len(anchors), -1, *x.shape[1:])
            confidence = (sigmoid(x[:, 4:5]) * sigmoid(x[:, BOX:])).transpose(2, 3, 0, 1)
            kept = np.nonzero(confidence > param.confidence_threshold)
            corner.append(corners(*places(x, anchors, stride)).transpose(1, 2, 0, 3)[kept[:3]])
            said.append(np.stack([kept[3], confidence[kept]], -1))
        return np.concatenate(corner), np.concatenate(said)
