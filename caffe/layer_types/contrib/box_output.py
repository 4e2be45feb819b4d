"""What the nets of MS-CNN find: BoxOutput, DecodeBBox, BboxAccuracy."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.rectangles import area, overlap
from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, Tensors, layer_type
from ..ordering import highest
from . import boxes, traced_boxes
from .found import Found

LONE = (0.0, 1.0, 1.0, 10.0, 10.0, 0.0)  # the region that is given where none is found
SAME = 0.975  # a region that overlaps an object by more is taken for that object itself


def box_scale(layer: LayerType) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (4) of what a layer's net says of boxes: bbox_reg_param."""
    param = layer.spec.bbox_reg_param
    mean, std = list(param.bbox_mean), list(param.bbox_std)
    if not (mean and std):
        mean, std = [0.0] * 4, [1.0] * 4
    layer.check(
        len(mean) == len(std) == 4 and min(std) > 0,
        f"needs 4 values of bbox_mean and 4 positive ones of bbox_std; found {mean} and {std}",
    )
    return torch.tensor(mean), torch.tensor(std)


def bounds(xyr: float, whr: float) -> torch.Tensor:
    """What shifts (x, y, w, h) are at least, and at most: (2, 4)."""
    most = torch.tensor([1 / xyr, 1 / xyr, math.log(whr), math.log(whr)])
    return torch.stack([-most, most])


def placed(
    shifts: torch.Tensor, limits: torch.Tensor, field: Sequence[int], stride: int
) -> torch.Tensor:
    """Boxes x, y, w, h (N, 4, H, W), of the upper left corner, of fields shifted and scaled.

    A field (width, height), in pixels, is at each place, `stride` pixels apart; shifts (N, 4, H, W)
    are those of the centre, in fields, and the logarithms of the sides' ratios.
    """
    low, high = limits.to(shifts)[:, None, :, None, None]
    shifts = torch.maximum(torch.minimum(shifts, high), low)
    size = torch.tensor(field).to(shifts)[:, None, None]
    side = size * shifts[:, 2:].exp()
    return torch.cat([shifts[:, :2] * size + centres(shifts, stride) - side / 2, side], 1)


def centres(maps: torch.Tensor, stride: int) -> torch.Tensor:
    """The pixels x, y (2, H, W) in the middle of each place of maps (N, C, H, W)."""
    height, width = maps.shape[2:]
    y, x = ((torch.arange(n, device=maps.device).to(maps) + 0.5) * stride for n in (height, width))
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


@layer_type("BoxOutput", "MS-CNN")
class BoxOutput(Found):
    """The regions that may hold an object, from scores and boxes at several scales.

    Cai et al. 2016, section 3. Bottoms: maps N x (classes + 4) x H x W, of each place the scores,
    the background's first, and the shift x, y, w, h of a field of field_w x field_h pixels, of
    which there is one every downsample_rate pixels; as bbox_reg_param scales them, then at most 1 /
    field_xyr and log(field_whr) either way. A score is the highest of an object's less the
    background's. Boxes are cut off at the image's end. Of those with a score of fg_thr and sides of
    min_size pixels at least, the max_nms_num best of each image, in order, are left out that
    overlap one before by more than iou_thr; of equal scores the last place of the last bottom comes
    first. Tops: R x 5 x 1 x 1, the image, x1, y1, x2, y2; and the same with the score, R x 6 x 1 x
    1. Where none is found, one region of 9 pixels.
    """

    bottoms = (1, None)
    tops = (1, 2)
    last = 0  # what x2 and y2 lie before a region's end

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.box_output_param
        self.setup_choice()
        given = [len(param.field_h), len(param.field_w), len(param.downsample_rate)]
        self.check(
            given == [len(shapes)] * 3,
            f"needs field_h, field_w and downsample_rate for each of {len(shapes)} bottoms; found "
            f"{given[0]}, {given[1]} and {given[2]}",
        )

    def param(self) -> caffe_pb2.BoxOutputParameter | caffe_pb2.BoxGroupOutputParameter:
        return self.spec.box_output_param

    def setup_choice(self) -> None:
        kind = self.param().nms_type
        self.check(kind in ("IOU", "IOMU"), f"nms_type is IOU or IOMU; found '{kind}'")
        self.mean, self.std = box_scale(self)

    @property
    def not_in_onnx(self) -> str:
        if self.param().nms_type == "IOU":
            return ""
        return "ONNX's suppression knows nms_type IOU alone"

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for one region, until the first forward."""
        first = shapes[0]
        self.check(
            all(len(s) == 4 and s[:2] == first[:2] and s[1] > 5 for s in shapes),
            f"needs maps N x (classes + 4) x H x W; found shapes {shapes}",
        )
        room: list[Shape] = [(1, 5, 1, 1), (1, 6, 1, 1)]
        return room[: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        corners, scores = self.candidates([bottom.detach() for bottom in bottoms])
        self.check_closed(corners.shape[0], "finds regions image by image")
        images = [self._best(i, corners[i], scores[i]) for i in range(corners.shape[0])]
        rows = torch.cat([found for found, _ in images])
        kept = torch.cat([those for _, those in images])
        lone = torch.tensor([LONE]).to(rows)
        rows = rows - rows.new_tensor([0, 0, 0, self.last, self.last, 0])
        rows = torch.cat([rows, lone])[torch.cat([kept, ~kept.any()[None]])]
        tops = [rows[:, :5, None, None], rows[:, :, None, None]]
        return tops[: len(self.spec.top)]

    def candidates(self, maps: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Corners (N, P, 4) and scores (N, P), -inf of what is left out; the last place first."""
        param = self.spec.box_output_param
        limits = bounds(param.field_xyr, param.field_whr)
        corners, scores = [], []
        fields = zip(param.field_w, param.field_h, param.downsample_rate, strict=True)
        for x, (*field, stride) in zip(maps, fields, strict=True):
            std, mean = (v.to(x)[:, None, None] for v in (self.std, self.mean))
            box = placed(x[:, -4:] * std + mean, limits, field, stride)
            start = box[:, :2].clamp(min=0)
            height, width = x.shape[2:]
            ends = (width * stride - start[:, :1], height * stride - start[:, 1:])
            side = torch.cat([box[:, 2:3].minimum(ends[0]), box[:, 3:].minimum(ends[1])], 1)
            score = x[:, 1:-4].amax(1) - x[:, 0]
            counts = (score >= param.fg_thr) & (side >= param.min_size).all(1)
            corners.append(torch.cat([start, start + side], 1).flatten(2))
            scores.append(torch.where(counts, score, -torch.inf).flatten(1))
        return torch.cat(corners, 2).flip(2).mT, torch.cat(scores, 1).flip(1)

    def _best(
        self, image: int, corners: torch.Tensor, scores: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of all that may be an image's regions (P, 4) the best, the first first, and which remain.

        Rows are the image, corners and the score, (K, 6); which of them remain is (K).
        """
        param = self.param()
        most = scores.shape[0]
        if param.max_nms_num:
            most = torch.sym_min(param.max_nms_num, most)
        best, order = highest(scores, most, 0)
        counts, found = best > -torch.inf, corners[order]
        rows = torch.cat([torch.full_like(best, image)[:, None], found, best[:, None]], 1)
        if exporting.is_traced():
            kept = traced_boxes.greedy(found[None], best[None], counts[None], param.iou_thr, 1)[0]
        else:
            taken = boxes.greedy(found[counts].cpu().numpy(), self._clash, len(found))
            kept = torch.zeros_like(counts)
            kept[torch.from_numpy(taken)] = True
        if param.max_post_nms_num:
            kept = kept & (kept.cumsum(0) <= param.max_post_nms_num)
        return rows, kept

    def _clash(self, one: np.ndarray, others: np.ndarray) -> np.ndarray:
        shared = overlap(one, others)
        if self.param().nms_type == "IOMU":
            sizes = area(one), area(others)
            common = shared * (sizes[0] + sizes[1]) / (1 + shared)
            shared = common / np.minimum(*sizes)
        return shared > self.param().iou_thr


@layer_type("BoxGroupOutput", "Cascade R-CNN")
class BoxGroupOutput(BoxOutput):
    """As BoxOutput, of several fields at a place, each an item of its own.

    Bottoms, of each box_group_param with G fields: the softmax of scores, N G x classes x H x W,
    and shifts N G x 4 x H x W. A score is 1 less the background's; the last pixels of a region are
    inside.
    """

    bottoms = (2, None)
    last = 1

    def param(self) -> caffe_pb2.BoxGroupOutputParameter:
        return self.spec.box_group_output_param

    def setup_from(self, shapes: list[Shape]) -> None:
        self.setup_choice()
        groups = self.param().box_group_param
        self.check(
            len(shapes) == 2 * len(groups)
            and all(len(g.field_h) == len(g.field_w) > 0 < g.stride for g in groups),
            f"needs a box_group_param with field_h, field_w and a stride for each two of "
            f"{len(shapes)} bottoms; found {len(groups)}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for one region, until the first forward."""
        images = set()
        for said, shifts, group in zip(
            shapes[::2], shapes[1::2], self.param().box_group_param, strict=True
        ):
            count = len(group.field_w)
            self.check(
                len(said) == 4 and shifts == (said[0], 4, *said[2:]) and said[0] % count == 0,
                f"{count} fields need scores N {count} x classes x H x W and shifts N {count} x 4 "
                f"x H x W; found shapes {said} and {shifts}",
            )
            images.add(said[0] // count)
        self.check(len(images) == 1, f"needs bottoms of as many images; found {sorted(images)}")
        room: list[Shape] = [(1, 5, 1, 1), (1, 6, 1, 1)]
        return room[: len(self.spec.top)]

    def candidates(self, maps: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        param = self.param()
        limits = bounds(param.field_xyr, param.field_whr)
        corners, scores = [], []
        groups = zip(maps[::2], maps[1::2], param.box_group_param, strict=True)
        for said, shifts, group in groups:
            std, mean = (v.to(shifts)[:, None, None] for v in (self.std, self.mean))
            fields = list(zip(group.field_w, group.field_h, strict=True))
            height, width = said.shape[2:]
            size = (width * group.stride, height * group.stride)
            most = torch.stack([torch.full_like(shifts[:1, 0], n - 1) for n in size], 1)
            for k, field in enumerate(fields):
                box = placed(shifts[k :: len(fields)] * std + mean, limits, field, group.stride)
                start = box[:, :2].clamp(min=0).minimum(most)
                end = (box[:, :2] + box[:, 2:] - 1).clamp(min=0).minimum(most) + 1
                score = 1 - said[k :: len(fields), 0]
                counts = (score >= param.fg_thr) & (end - start >= param.min_size).all(1)
                corners.append(torch.cat([start, end], 1).flatten(2))
                scores.append(torch.where(counts, score, -torch.inf).flatten(1))
        return torch.cat(corners, 2).flip(2).mT, torch.cat(scores, 1).flip(1)


def _behind(regions: torch.Tensor) -> np.ndarray:
    """Corners (R, 4) whose last two lie behind the last pixels, which were inside."""
    return (regions + torch.tensor([0, 0, 1, 1])).numpy()


def moved(shifts: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    """Corners (R, 4) of regions (R, 4) after shifts (R, 4) x, y, w, h, in the regions' sides.

    The last pixels are inside of a region.
    """
    side = regions[:, 2:] - regions[:, :2] + 1
    centre = (regions[:, :2] + regions[:, 2:]) / 2 + shifts[:, :2] * side
    half = (side * shifts[:, 2:].exp() - 1) / 2
    return torch.cat([centre - half, centre + half], 1)


@layer_type("DecodeBBox", "MS-CNN")
class DecodeBBox(Found):
    """Regions as a net corrects them, for the next stage of a cascade (Cai and Vasconcelos 2018).

    Bottoms: R x 8, of which the last four shift a region, as bbox_reg_param scales them; regions R
    x 5, the image, x1, y1, x2, y2, the last pixels inside; in TRAIN, if given, R x 6, the object of
    each, whose overlap with it is last. Top: regions, R x 5 x 1 x 1. In TRAIN without those that
    have no extent, and without those that overlap their object by gt_iou_thr.
    """

    bottoms = (2, 3)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.mean, self.std = box_scale(self)
        self.check(
            len(shapes) == 2 or self.phase == caffe_pb2.TRAIN,
            "takes objects, bottom 2, in TRAIN alone",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        sizes = [math.prod(shape[1:]) for shape in shapes]
        self.check(
            sizes[:2] == [8, 5] and len({shape[0] for shape in shapes}) == 1,
            f"needs 8 values and a region of 5 for each of as many regions; found shapes {shapes}",
        )
        return [(shapes[1][0], 5, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        shifts, regions, *objects = (bottom.detach().flatten(1) for bottom in bottoms)
        corners = moved(shifts[:, 4:] * self.std.to(shifts) + self.mean.to(shifts), regions[:, 1:])
        found = torch.cat([regions[:, :1], corners], 1)
        if self.phase == caffe_pb2.TRAIN:
            kept = (corners[:, :2] <= corners[:, 2:]).all(1)
            for rows in objects:
                kept &= rows[:, -1] < self.spec.decode_bbox_param.gt_iou_thr
            self.check(bool(kept.any()), f"none of {len(kept)} regions remains")
            found = found[kept]
        return found[:, :, None, None]


@layer_type("BboxAccuracy", "MS-CNN")
class BboxAccuracy(LayerType):
    """How much regions overlap their objects on average, and how much before they were corrected.

    Bottoms: R x 4 classes, the shifts of each class; regions R x 5; their objects R x 6, the class
    (0: none), x1, y1, x2, y2, and the overlap. Tops: 1 x 1 x 1 x 1 each; -1 without an object.
    Objects that are their own regions, of an overlap above 0.975, do not count.
    """

    bottoms = (3, 3)
    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.mean, self.std = box_scale(self)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        sizes = [math.prod(shape[1:]) for shape in shapes]
        self.check(
            sizes[0] % 4 == 0 and sizes[1:] == [5, 6] and len({s[0] for s in shapes}) == 1,
            "needs 4 shifts of each class, a region of 5 values and an object of 6 for each of as "
            f"many regions; found shapes {shapes}",
        )
        return [(1, 1, 1, 1)] * len(self.spec.top)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        shifts, regions, objects = (b.detach().cpu().double().flatten(1) for b in bottoms)
        there = (objects[:, 0] >= 1) & (objects[:, 5] <= SAME)
        shifts, regions, objects = (each[there] for each in (shifts, regions, objects))
        label = objects[:, 0].long()
        own = shifts.unflatten(1, (-1, 4))[torch.arange(len(label)), label]
        after = moved(own * self.std.double() + self.mean.double(), regions[:, 1:])
        tops = []
        for corners in (after, regions[:, 1:]):
            shared = overlap(_behind(corners), _behind(objects[:, 1:5]))
            tops.append(float(shared.mean()) if len(shared) else -1.0)
        return [bottoms[0].new_full((1, 1, 1, 1), value) for value in tops][: len(self.spec.top)]
