"""SSD: Normalize, PriorBox, DetectionOutput."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.log import info
from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, Tensors, layer_type
from ..ordering import highest
from . import boxes, quadrilaterals, traced_boxes
from .found import Found
from .yolo import CentredDetections

TINY = 1e-20  # keeps the gradient of a norm of 0 finite


@layer_type("Normalize", "SSD")
class Normalize(LayerType):
    """x over its L2 norm, times a learnt scale (ParseNet, Liu et al. 2015, section 3.3).

    The norm is that of the channels at each place, or of the whole item with across_spatial; the
    scale, a parameter, is one value, or one a channel without channel_shared.

    NormFace's Normalize has no scale, and the norm of each place (by normalize_type the L2 or L1
    norm) as its second top; it is told by normalize_param, by two tops, or where norm_param is not
    given by items without places. fix_gradient: the norm counts as a constant on the way back;
    bp_norm: its own gradient counts.
    """

    tops = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        norm = self.spec.norm_param
        self.check(len(shapes[0]) > 1, f"needs 2 axes at least; found shape {shapes[0]}")
        told = self.spec.HasField("normalize_param") or len(self.spec.top) == 2
        has_norm = self.spec.HasField("norm_param")
        self.has_scale = has_norm or not (told or len(shapes[0]) == 2)
        if not self.has_scale:
            kind = self.spec.normalize_param.normalize_type
            self.check(kind in ("L1", "L2"), f"normalize_type is L1 or L2; found {kind}")
            return
        self.check(len(self.spec.top) == 1, "with norm_param has one top")
        one = caffe_pb2.FillerParameter(value=1)
        filler = norm.scale_filler if norm.HasField("scale_filler") else one
        self.add_param(() if norm.channel_shared else (shapes[0][1],), filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        if not self.has_scale:
            return [shapes[0], (shapes[0][0], 1, *shapes[0][2:])][: len(self.spec.top)]
        count = self.blobs[0].count
        self.check(
            self.spec.norm_param.channel_shared or shapes[0][1] == count,
            f"expects {count} channels; found a bottom of shape {shapes[0]}",
        )
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        if not self.has_scale:
            return self._of_places(bottoms[0])
        (x,), (scale,) = bottoms, params
        norm = self.spec.norm_param
        axes = tuple(range(1, x.dim())) if norm.across_spatial else (1,)
        length = (x.square().sum(axes, keepdim=True) + norm.eps).sqrt()
        return x / length * scale.reshape(-1, *(1,) * (x.dim() - 2))

    def _of_places(self, x: torch.Tensor) -> list[torch.Tensor]:
        param = self.spec.normalize_param
        if param.normalize_type == "L1":
            norm = x.abs().sum(1, keepdim=True)
        else:
            norm = (x.square().sum(1, keepdim=True) + TINY).sqrt()
        divisor = norm.detach() if param.fix_gradient else norm
        divisor = divisor.where(divisor != 0, 1)
        return [x / divisor, norm if param.bp_norm else norm.detach()][: len(self.spec.top)]


@layer_type("PriorBox", "SSD")
class PriorBox(LayerType):
    """The default boxes of a feature map (Liu et al. 2016, section 2.2), and their variances.

    Bottoms: the map and the image, of which only the sizes count. Top: 1 x 2 x 4 P, corners x1, y1,
    x2, y2 of the P boxes as parts of the image, place by place; then the variances of each value.
    At each place, for each min_size: a square of it, one of sqrt(min_size * max_size), then one of
    its area for each other aspect_ratio (and 1 / it with flip). Sizes are whole pixels. faceboxes
    (Synopsys' Caffe; FaceBoxes' own files leave it out) has 4 x 4 boxes of 32, 8 pixels apart, and
    2 x 2 of 64, and all of its boxes are a pixel smaller.
    """

    bottoms = (2, 2)
    reads_bottom = staticmethod(lambda index: False)
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        prior = self.spec.prior_box_param
        self.check_sizes()
        self.check(
            len(prior.variance) in (0, 1, 4) and min(prior.variance, default=1) > 0,
            f"needs 1 or 4 positive values of variance; found {list(prior.variance)}",
        )
        self.image = self._pair("img_size", "img")
        self.step = self._pair("step", "step")
        self.ratios = [1.0]
        for ratio in prior.aspect_ratio:
            if all(abs(ratio - known) >= 1e-6 for known in self.ratios):
                self.ratios += [ratio, 1 / ratio] if prior.flip else [ratio]

    def check_sizes(self) -> None:
        """Raise CaffeError where the prototxt gives no boxes."""
        prior = self.spec.prior_box_param
        self.check(bool(prior.min_size), "min_size is missing")
        self.check(
            not (prior.faceboxes and (prior.max_size or prior.aspect_ratio)),
            "with faceboxes has squares of min_size alone: drop max_size and aspect_ratio",
        )
        self.check(
            all(0 < size < math.inf for size in prior.min_size),
            f"min_size must be positive; found {list(prior.min_size)}",
        )
        self.check(
            len(prior.max_size) in (0, len(prior.min_size))
            and all(a < b for a, b in zip(prior.min_size, prior.max_size, strict=False)),
            "needs a larger max_size for each min_size, or none",
        )

    def _pair(self, name: str, side: str) -> tuple[float, float] | None:
        """(height, width) from `name`, or from `side`_h and `side`_w; None where not given."""
        prior = self.spec.prior_box_param
        sides = [f"{side}_h", f"{side}_w"]
        given = any(map(prior.HasField, sides))
        self.check(
            not (given and prior.HasField(name)),
            f"either {name} or {' and '.join(sides)}, not both",
        )
        if not (given or prior.HasField(name)):
            return None
        found = [getattr(prior, field) for field in (sides if given else (name, name))]
        self.check(min(found) > 0, f"{name} must be positive; found {found}")
        return found[0], found[1]

    def sizes(self) -> list[tuple[float, float]]:
        """(width, height) of the boxes at a place, in pixels of the image."""
        prior = self.spec.prior_box_param
        found = []
        if prior.faceboxes:
            return [(size - 1.0, size - 1.0) for size, _, _ in self._dense()]
        for i, exact in enumerate(prior.min_size):
            size = int(exact)
            found.append((float(size), float(size)))
            if prior.max_size:
                between = math.sqrt(size * int(prior.max_size[i]))
                found.append((between, between))
            found += [
                (size * math.sqrt(ratio), size / math.sqrt(ratio))
                for ratio in self.ratios
                if abs(ratio - 1) >= 1e-6
            ]
        return found

    def _dense(self) -> list[tuple[int, int, int]]:
        """(size, to the right, downwards) of FaceBoxes' boxes at a place."""
        found = []
        for size in map(int, self.spec.prior_box_param.min_size):
            sides = range(-(64 // size), 64 // size) if size in (32, 64) else range(1)
            found += [(size, j * size // 4, i * size // 4) for i in sides for j in sides]
        return found

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes[0]) == len(shapes[1]) == 4,
            f"needs a map and an image of 4 axes; found shapes {shapes[0]} and {shapes[1]}",
        )
        height, width = shapes[0][2:]
        return [(1, 2, height * width * len(self.sizes()) * len(self._offsets()) * 4)]

    def _offsets(self) -> list[float]:
        """Where in a step the boxes of each size are, downwards."""
        prior = self.spec.prior_box_param
        return [prior.offset, 1.0] if prior.denser_prior_boxes else [prior.offset]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        prior = self.spec.prior_box_param
        like = bottoms[0].new_empty(0)
        height, width = bottoms[0].shape[2:]
        above, beside = self.image or bottoms[1].shape[2:]
        step_h, step_w = self.step or (above / height, beside / width)
        half = like.new_tensor(self.sizes()) / 2
        offsets = like.new_tensor(self._offsets()).repeat(len(half))
        half = half.repeat_interleave(len(self._offsets()), 0)
        y = (torch.arange(height).to(like)[:, None] + offsets) * step_h
        x = (torch.arange(width).to(like) + prior.offset) * step_w
        rows, columns = y[:, None], x[None, :, None]
        if prior.faceboxes:
            right, down = like.new_tensor([shifts for _, *shifts in self._dense()]).unbind(1)
            rows, columns = rows + down, columns + right
        place = (height, width, len(half))
        corners = [
            ((columns - half[:, 0]) / beside).expand(place),
            ((rows - half[:, 1]) / above).expand(place),
            ((columns + half[:, 0]) / beside).expand(place),
            ((rows + half[:, 1]) / above).expand(place),
        ]
        found = torch.stack(corners, -1)
        if prior.clip:
            found = found.clamp(0, 1)
        variance = like.new_tensor(list(prior.variance) or [0.1]).expand(*place, 4)
        return torch.stack([found.flatten(), variance.flatten()]).unsqueeze(0)


@layer_type("PriorBoxClustered", "OpenVINO's training toolbox")
class PriorBoxClustered(PriorBox):
    """As PriorBox, with the boxes whose `width` and `height` are given, in pixels of the image."""

    def check_sizes(self) -> None:
        prior = self.spec.prior_box_param
        self.check(
            0 < len(prior.width) == len(prior.height) and min(*prior.width, *prior.height) > 0,
            f"needs as many positive widths as heights; found {list(prior.width)} and "
            f"{list(prior.height)}",
        )

    def sizes(self) -> list[tuple[float, float]]:
        prior = self.spec.prior_box_param
        return list(zip(prior.width, prior.height, strict=True))


@layer_type("DetectionOutput", "SSD")
class DetectionOutput(Found):
    """Boxes from predictions, without those that overlap better ones (Liu et al. 2016, section 2).

    Bottoms: locations N x 4 P (x classes without share_location), confidences N x P num_classes,
    priors as PriorBox gives them. Top: 1 x 1 x K x 7, of each box the image, the class, the
    confidence and corners; where none is found a row for each image, its number and -1. Of each
    class but the background: what is above confidence_threshold, the top_k most confident,
    greedily without those that overlap a kept one by more than nms_threshold; of an image the
    keep_top_k most confident. Of equal confidences the earlier prior comes first, and the lower
    class. RefineDet (Zhang et al. 2018, section 3): bottom 3, N x 2 P, says how likely each prior
    has an object, the second of each pair; below objectness_score there is none. Bottom 4,
    locations N x 4 P, refines the priors first. TextBoxes++: with use_polygon a box has 8 locations
    more, and a row 8 values, its corners; where use_polygon is false 5, a turned rectangle. With
    one bottom it is YOLO in Caffe's, CentredDetections.
    """

    ranks_rows = True
    bottoms = (1, 5)  # some nets give the image too, bottom 3, to draw on

    @property
    def not_in_onnx(self) -> str:
        if len(self.spec.bottom) == 1:
            return CentredDetections.not_in_onnx
        adaptive = self.spec.detection_output_param.nms_param.eta < 1
        return "NonMaxSuppression has no eta; write eta: 1" if adaptive else ""

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.detection_output_param
        self.check(param.num_classes > 0, "num_classes is missing")
        self.check(
            len(shapes) > 1 or bool(param.biases),
            "takes 3 to 5 bottoms, or 1 with the biases of YOLO's boxes; found 1",
        )
        self.yolo = CentredDetections(self.spec, self.phase) if len(shapes) == 1 else None
        if self.yolo:
            self.yolo.setup_from(shapes)
            return
        self.check(len(shapes) > 2, f"takes 1 bottom, or 3 to 5; found {len(shapes)}")
        self.check(
            0 < param.nms_param.eta <= 1 and param.nms_param.nms_threshold >= 0,
            f"needs eta in (0, 1] and nms_threshold of at least 0; found {param.nms_param.eta:g} "
            f"and {param.nms_param.nms_threshold:g}",
        )
        self.beside = quadrilaterals.values_beside(param)
        self.check(
            not self.beside or param.code_type == caffe_pb2.PriorBoxParameter.CENTER_SIZE,
            "with use_polygon has code_type: CENTER_SIZE",
        )

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        if index != 2:
            return None
        begins = rng.uniform(0, 0.8, (math.prod(shapes[2]) // 8, 2))
        priors = np.concatenate([begins, begins + rng.uniform(0.1, 0.2, begins.shape)], 1)
        return np.stack([priors, np.full_like(priors, 0.1)])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """The top has room for one box, until the first forward."""
        if self.yolo:
            return self.yolo.top_shapes(shapes)
        param = self.spec.detection_output_param
        located, confident, prior = (math.prod(shape[1:]) for shape in shapes[:3])
        count = prior // 8
        of_each = 1 if param.share_location else param.num_classes
        locations = count * of_each * (4 + self.beside)
        self.check(
            shapes[0][:1] == shapes[1][:1]
            and located == locations
            and confident == count * param.num_classes
            and math.prod(shapes[2]) == 8 * count,
            f"{count} priors need {locations} locations and {count * param.num_classes} "
            f"confidences of each image, and priors 1 x 2 x {4 * count}; found shapes {shapes[:3]}",
        )
        first = shapes[3:] if self._refines(shapes) else []
        for name, shape, values in zip(self.spec.bottom[3:], first, (2, 4), strict=False):
            self.check(
                math.prod(shape) == shapes[0][0] * count * values,
                f"{count} priors need {values} values each of '{name}'; found shape {shape}",
            )
        return [(1, 1, 1, 7 + self.beside)]

    def _refines(self, bottoms: Sequence[object]) -> bool:
        """Whether bottom 3 is no image."""
        given = self.spec.detection_output_param.HasField("objectness_score")
        return len(bottoms) == 5 or (len(bottoms) == 4 and given)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        if self.yolo:
            return self.yolo.expression(bottoms, params)
        located, confident, prior = (bottom.detach() for bottom in bottoms[:3])
        param = self.spec.detection_output_param
        prior, images = prior.reshape(2, -1, 4), located.shape[0]
        of_each = 1 if param.share_location else param.num_classes
        located = located.reshape(images, -1, of_each, 4 + self.beside)
        confident = confident.reshape(images, -1, param.num_classes)
        variance = None if param.variance_encoded_in_target else prior[1, None, :, None]
        box = prior[0, None, :, None]
        if self._refines(bottoms):
            likely, *first = (bottom.detach() for bottom in bottoms[3:])
            likely = likely.reshape(images, -1, 2)[..., 1:] >= param.objectness_score
            confident = torch.where(likely, confident, 0)
            for shift in first:
                box = boxes.decoded(shift.reshape(images, -1, 1, 4), box, variance, param.code_type)
        found = boxes.decoded(located[..., :4], box, variance, param.code_type)
        if self.beside:
            beside = quadrilaterals.decoded(located[..., 4:], box, variance)
            found = torch.cat([found, beside], -1)
        if exporting.is_traced():
            return self._traced(found, confident)
        scores = confident.cpu().numpy()
        rows = [
            row
            for image in range(images)
            for row in self._of_image(image, found[image].cpu().numpy(), scores[image])
        ]
        if not rows:
            info("detection_output_layer.cpp:216", "Couldn't find any detections")
            rows = [[image, *[-1] * (6 + self.beside)] for image in range(images)]
        return located.new_tensor(rows).reshape(1, 1, -1, 7 + self.beside)

    def _traced(self, found: torch.Tensor, confident: torch.Tensor) -> torch.Tensor:
        """The top, of boxes (N, P, 1 or classes, 4 and more) and confidences (N, P, classes).

        The rows that there may be are all there, in their order, until the last line.
        """
        param, nms = self.spec.detection_output_param, self.spec.detection_output_param.nms_param
        images, priors = confident.shape[:2]
        labels = [i for i in range(param.num_classes) if i != param.background_label_id]
        own = found if param.share_location else found[:, :, labels]
        values = 4 + self.beside
        own = own.transpose(1, 2).expand(images, len(labels), priors, values).flatten(0, 1)
        scores = confident[:, :, labels].transpose(1, 2).flatten(0, 1)
        top_k = nms.top_k if nms.HasField("top_k") and nms.top_k > -1 else priors
        scores, at = highest(scores, torch.sym_min(top_k, priors), 1)
        own = traced_boxes.taken(own, at)
        counts = torch.ones_like(scores, dtype=torch.bool)
        if param.HasField("confidence_threshold"):
            counts = scores > param.confidence_threshold
        kept = traced_boxes.greedy(own[..., :4], scores, counts, nms.nms_threshold, nms.eta)
        kept = kept.reshape(images, -1)
        if param.keep_top_k >= 0:
            among = torch.where(kept, scores.reshape(images, -1), -torch.inf)
            _, best = highest(among, torch.sym_min(param.keep_top_k, among.shape[1]), 1)
            kept = kept & (torch.zeros_like(among).scatter(1, best, 1) > 0)
        number = torch.arange(images, device=own.device).to(own)
        label = own.new_tensor(labels)[:, None].expand(images, -1, scores.shape[1]).reshape(-1, 1)
        image = number[:, None].expand(images, kept.shape[1]).reshape(-1, 1)
        rows = torch.cat([image, label, scores.reshape(-1, 1), own.reshape(-1, values)], 1)
        without = torch.cat([number[:, None], -own.new_ones(images, values + 2)], 1)
        shown = torch.cat([kept.flatten(), ~kept.any().expand(images)])
        return torch.cat([rows, without])[shown].reshape(1, 1, -1, values + 3)

    def _of_image(self, image: int, found: np.ndarray, scores: np.ndarray) -> list[list[float]]:
        """Rows of an image, of boxes (P, 1 or classes, 4 and more), confidences (P, classes)."""
        param, nms = self.spec.detection_output_param, self.spec.detection_output_param.nms_param
        threshold = param.confidence_threshold if param.HasField("confidence_threshold") else None
        top_k = nms.top_k if nms.HasField("top_k") else -1
        kept = [
            (label, index)
            for label in range(param.num_classes)
            if label != param.background_label_id
            for index in boxes.suppressed(
                found[:, 0 if param.share_location else label, :4],
                scores[:, label],
                threshold,
                nms.nms_threshold,
                nms.eta,
                top_k,
            )
        ]
        if 0 <= param.keep_top_k < len(kept):
            best = sorted(kept, key=lambda each: -scores[each[1], each[0]])[: param.keep_top_k]
            kept = sorted(best, key=lambda each: each[0])
        return [
            [
                image,
                label,
                scores[index, label],
                *found[index, 0 if param.share_location else label],
            ]
            for label, index in kept
        ]
