"""The last two layers of CPM's and OpenPose's older nets, ImResize and Nms; and JointRegion."""

import math

import numpy as np
import torch

from ..base import LayerType, Shape, layer_type


@layer_type("ImResize", "Convolutional Pose Machines")
class ImResize(LayerType):
    """The items' maps, each of a smaller part of the image, resized cubically; their mean.

    N x C x H x W to 1 x C x H factor x W factor, or to target_spatial_height and _width. Of item n
    the middle counts, without the share 1 - start_scale + n * scale_gap of its rows and columns.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.imresize_param
        self.check(
            param.factor > 0 or min(param.target_spatial_height, param.target_spatial_width) > 0,
            "needs a factor, or target_spatial_height and target_spatial_width",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        param = self.spec.imresize_param
        size = (param.target_spatial_height, param.target_spatial_width)
        if param.factor:
            size = (int(shape[2] * param.factor), int(shape[3] * param.factor))
        return [(1, shape[1], *size)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        *_, height, width = self.top_shapes([tuple(x.shape)])[0]
        resized = [
            self._weights(x, height, 2, n) @ item @ self._weights(x, width, 3, n).T
            for n, item in enumerate(x)
        ]
        return torch.stack(resized).mean(0, keepdim=True)

    def _weights(self, x: torch.Tensor, count: int, axis: int, item: int) -> torch.Tensor:
        """What each value of the top has of each of an axis of an item, (count, before)."""
        param, before = self.spec.imresize_param, x.shape[axis]
        left_out = int(np.floor(before // 2 * (1 - param.start_scale + item * param.scale_gap)))
        size = before - 2 * left_out
        self.check(0 < size <= before, f"nothing is left of item {item} at its scale")
        ratio = size / count
        at = (np.arange(count) - (count / size / 2 - 0.5)) * ratio
        first = (at + 1e-5).astype(int).clip(0)
        second = (first + 1).clip(max=size - 1)
        places = [(first - 1).clip(0), first, second, (second + 1).clip(max=size - 1)]
        weights = np.zeros((count, before))
        for place, weight in zip(places, _cubic(at - first), strict=True):
            np.add.at(weights, (np.arange(count), place + left_out), weight)
        return x.new_tensor(weights)


def _cubic(t: np.ndarray) -> list[np.ndarray]:
    """Weights of four values for a place t behind the second one (Keys 1981, a = -1/2)."""
    return [
        -0.5 * t**3 + t**2 - 0.5 * t,
        1.5 * t**3 - 2.5 * t**2 + 1,
        -1.5 * t**3 + 2 * t**2 + 0.5 * t,
        0.5 * t**3 - 0.5 * t**2,
    ]


@layer_type("Nms", "Convolutional Pose Machines")
class Nms(LayerType):
    """The peaks of the first num_parts maps: what exceeds threshold and its eight neighbours.

    N x C x H x W to N x num_parts x 3 x (max_peaks + 1), of which each map's values are 3 to a
    peak: first the number of peaks (and two 0), then x, y and height of each, rows first; x and y
    are the mean place of the positive values up to 3 pixels away, without row and column 0.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        param = self.spec.nms_param
        self.check(
            len(shape) == 4 and 0 < param.num_parts <= shape[1],
            f"needs at least num_parts {param.num_parts} maps; found a bottom of shape {shape}",
        )
        self.check(param.max_peaks > 0, "max_peaks must be positive; found 0")
        return [(shape[0], param.num_parts, 3, param.max_peaks + 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].detach()
        (top,) = self.top_shapes([tuple(x.shape)])
        found = np.zeros((*top[:2], top[3], 3), np.float32)
        maps = x[:, : top[1]].cpu().numpy()
        for item, part in np.ndindex(*top[:2]):
            peaks = self._peaks(maps[item, part])
            found[item, part, 0, 0] = len(peaks)
            for place, peak in enumerate(peaks[: top[3] - 1]):
                found[item, part, place + 1] = peak
        return x.new_tensor(found.reshape(top))

    def _peaks(self, values: np.ndarray) -> list[tuple[float, float, float]]:
        inner = values[1:-1, 1:-1]
        is_peak = inner > self.spec.nms_param.threshold
        for y, x in np.ndindex(3, 3):
            if (y, x) != (1, 1):
                is_peak &= inner > values[y : y + inner.shape[0], x : x + inner.shape[1]]
        return [_refined(values, y + 1, x + 1) for y, x in np.argwhere(is_peak)]


def _refined(values: np.ndarray, y: int, x: int) -> tuple[float, float, float]:
    rows = slice(max(y - 3, 1), y + 4)
    columns = slice(max(x - 3, 1), x + 4)
    weights = values[rows, columns].clip(0).astype(np.float64)
    across = np.arange(columns.start, columns.start + weights.shape[1])
    down = np.arange(rows.start, rows.start + weights.shape[0])
    total = weights.sum() or 1
    return (
        float((weights.sum(0) * across).sum() / total),
        float((weights.sum(1) * down).sum() / total),
        float(values[y, x]),
    )


@layer_type("JointRegion", "Pose-REN")
class JointRegion(LayerType):
    """The part of each image around a joint: N x 5, the image's number, x1, y1, x2, y2 in pixels.

    Chen et al. 2020. Bottom: of each joint x, y and depth, N x 3 J, x and y from -1 to 1 in the
    image. The part is of roi_w x roi_h pixels of a map, spatial_mul pixels apart, moved into the
    image.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.joint_region_param
        given = {field.name: value for field, value in param.ListFields()}
        for name in ("roi_h", "roi_w", "img_h", "img_w", "spatial_mul"):
            self.check(given.get(name, 0) > 0, f"{name} must be positive; found {given.get(name)}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (pose,), joint = shapes, self.spec.joint_region_param.joint_idx
        joints = math.prod(pose[1:]) // 3
        self.check(
            len(pose) > 1 and joint < joints,
            f"needs N x 3 J, J above joint_idx {joint}; found shape {pose}",
        )
        return [(pose[0], 5)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        pose, param = bottoms[0].detach().flatten(1), self.spec.joint_region_param
        ends = []
        for i, image, part in ((0, param.img_w, param.roi_w), (1, param.img_h, param.roi_h)):
            size = part * param.spatial_mul
            at = (pose[:, 3 * param.joint_idx + i] + 1) * (image / 2)
            low, high = at - size // 2, at + size // 2
            low, high = torch.where(low < 0, 0, low), torch.where(low < 0, size, high)
            behind, last = high >= image - 1, image - 1
            ends.append((torch.where(behind, last - size, low), torch.where(behind, last, high)))
        number = torch.arange(pose.shape[0], device=pose.device).to(pose)
        return torch.stack([number, *(end[i] for i in (0, 1) for end in ends)], 1)
