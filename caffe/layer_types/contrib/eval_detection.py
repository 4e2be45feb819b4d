"""EvalDetection of YOLO in Caffe: boxes of YOLOv2 against what is there."""

import numpy as np
import torch

from ...core.rectangles import overlap
from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from . import boxes
from .yolo import BOX, corners, places, sigmoid

LEAST = 0.005  # a score below is none
Param = caffe_pb2.EvalDetectionParameter


@layer_type("EvalDetection", "YOLO in Caffe")
class EvalDetection(LayerType):
    """Of each image how many objects of each class there are, then rows of what was found.

    Bottoms: N x num_object (5 + num_class) x side x side as RegionLoss takes it, rows of class and
    box, as BoxData gives them, and others that are not read. Top: N x (num_class + side^2
    num_object 4); a row has a class, its score, and 1, 0 if it is right, 0, 1 if not, 0, 0 where it
    overlaps no object by threshold. Boxes of all classes suppress each other from an overlap of nms
    on; a box is of its likeliest class. score_type: objectness, the class's softmax, or their
    product.
    """

    bottoms = (2, None)
    diff_bottoms = staticmethod(lambda index: False)
    not_in_onnx = "it is a score"

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.eval_detection_param
        self.check(
            len(param.biases) >= 2 * param.num_object,
            f"num_object {param.num_object} needs {2 * param.num_object} biases; found "
            f"{len(param.biases)}",
        )
        self.anchors = np.array(param.biases).reshape(-1, 2)[: param.num_object]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param, (x, objects, *_) = self.spec.eval_detection_param, shapes
        wanted = (param.num_object * (BOX + param.num_class), param.side, param.side)
        self.check(
            x[1:] == wanted and objects[:1] == x[:1] and not np.prod(objects[1:]) % 5,
            f"needs N x {' x '.join(map(str, wanted))}, and rows of 5 values for each image; found "
            f"shapes {x} and {objects}",
        )
        return [(x[0], param.num_class + param.side**2 * param.num_object * 4)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        values, labels = (bottom.detach().cpu().double().numpy() for bottom in bottoms[:2])
        found = np.zeros(top)
        for row, x, rows in zip(found, values, labels.reshape(len(labels), -1, 5), strict=True):
            objects = rows[: np.flatnonzero([*(rows[:, 1] == 0), True])[0]]
            classes = self.spec.eval_detection_param.num_class
            wrong = objects[~((objects[:, 0] >= 0) & (objects[:, 0] < classes)), 0]
            self.check(
                not len(wrong),
                f"label blob '{self.spec.bottom[1]}' holds class {wrong[:1]}; expected 0 to "
                f"{classes - 1}",
            )
            judged = self._judged(x, objects)
            row[:classes] = np.bincount(objects[:, 0].astype(int), minlength=classes)
            row[classes : classes + judged.size] = judged.ravel()
        return torch.from_numpy(found).to(bottoms[0])

    def _judged(self, x: np.ndarray, objects: np.ndarray) -> np.ndarray:
        """Rows (K, 4) of an image's channels (C, H, W), class by class, by falling score."""
        param = self.spec.eval_detection_param
        corner, kind, score = self._boxes(x)
        order = np.argsort(-score, kind="stable")
        kept = boxes.greedy(
            corner[order], lambda one, others: overlap(one, others) >= param.nms, len(order)
        )
        kept = order[kept]
        kept = kept[score[kept] >= LEAST]
        kept = kept[np.argsort(kind[kept], kind="stable")]
        box = corners(objects[:, 1:3], objects[:, 3:])
        taken = np.zeros(len(objects), bool)
        rows = []
        for at in kept:
            mine = np.flatnonzero(objects[:, 0] == kind[at])
            right, wrong = 0, int(not len(mine))
            if len(mine):
                overlaps = overlap(corner[at], box[mine])
                best = mine[overlaps.argmax()]
                if overlaps.max() >= param.threshold:
                    right, wrong = int(not taken[best]), int(taken[best])
                    taken[best] = True
            rows.append([kind[at], score[at], right, wrong])
        return np.array(rows).reshape(-1, 4)

    def _boxes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Corners (P, 4), classes (P) and scores (P), place by place, anchor by anchor."""
        x = x.reshape(len(self.anchors), -1, *x.shape[1:])
        classes = np.exp(x[:, BOX:] - x[:, BOX:].max(1, keepdims=True))
        likely = classes.max(1) / classes.sum(1)
        kind = self.spec.eval_detection_param.score_type
        score = {
            Param.OBJ: sigmoid(x[:, 4]),
            Param.PROB: likely,
            Param.MULTIPLY: sigmoid(x[:, 4]) * likely,
        }[kind]
        corner = corners(*places(x, self.anchors)).transpose(1, 2, 0, 3).reshape(-1, 4)
        flat = [each.transpose(1, 2, 0).ravel() for each in (classes.argmax(1), score)]
        return corner, flat[0], flat[1]
