"""Layer types that look at regions of an image: ROIPooling, ROIAlign, PSROIPooling and others."""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, layer_type
from . import traced_rois
from .sampling import sampled

Range = tuple[int, int]  # first, and behind the last


class Regions(LayerType):
    """Bottoms: maps N x C x H x W, and regions, rows of the image's number, x1, y1, x2, y2.

    Nothing is learnt through the regions.
    """

    bottoms = (2, 2)
    widths: tuple[int, ...] = (5,)  # of a region's row

    def check_regions(self, shapes: list[Shape]) -> None:
        maps, regions = shapes
        self.check(
            len(maps) == 4 and len(regions) > 0 and math.prod(regions[1:]) in self.widths,
            f"needs maps N x C x H x W and regions R x {self.widths[-1]}; found shapes {maps} and "
            f"{regions}",
        )

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        if index == 0:
            return None
        (images, _, height, width), (count, *_) = shapes
        pairs = self.widths[-1] // 4
        ends = np.sort(rng.uniform(0, 1, (count, pairs, 2, 2)), axis=2)
        ends = (ends * (width, height) / self.scale()).reshape(count, 4 * pairs)
        return np.concatenate([rng.randint(0, max(images, 1), (count, 1)), ends], 1)

    def scale(self) -> float:
        """The map's pixels over the image's."""
        raise NotImplementedError

    def regions(self, bottoms: list[torch.Tensor]) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
        """The map (C, H, W) that each region is of, and its corners, x1, y1, x2, y2."""
        maps, width = bottoms[0], self.widths[-1]
        for image, *corners in bottoms[1].detach().reshape(-1, width).cpu().numpy():
            self.check(
                0 <= image < len(maps),
                f"region blob '{self.spec.bottom[1]}' names image {image:g}; "
                f"'{self.spec.bottom[0]}' has {len(maps)}",
            )
            yield maps[int(image)], np.array(corners, np.float32)


def _of_an_image(regions: torch.Tensor) -> torch.Tensor:
    """Regions of 5 values; those of 4 are of image 0."""
    if math.prod(regions.shape[1:]) == 5:
        return regions
    return F.pad(regions.detach().reshape(-1, 4), (1, 0))


def padded(regions: torch.Tensor, ratio: float) -> torch.Tensor:
    """Regions of 5 values, R x 5, larger by a part of their sides at each end."""
    if not ratio:
        return regions
    image, start, end = regions.detach().reshape(-1, 5).split([1, 2, 2], 1)
    more = (end - start + 1) * ratio
    return torch.cat([image, start - more, end + more], 1)


def rounded(values: np.ndarray) -> np.ndarray:
    """To whole numbers, halves away from 0: C's round."""
    whole = np.floor(np.abs(values))  # a half added to what is just below one makes one
    return np.sign(values) * (whole + (np.abs(values) - whole >= 0.5).astype(whole.dtype))


def _bins(start: float, size: float, count: int, length: int) -> list[Range]:
    """An axis of a region in so many equal parts, each out to whole pixels of the map's length."""
    step = np.float32(size) / np.float32(count)
    at = np.arange(count + 1, dtype=np.float32) * step + np.float32(start)
    low, high = np.floor(at[:-1]).astype(int), np.ceil(at[1:]).astype(int)
    return list(zip(low.clip(0, length).tolist(), high.clip(0, length).tolist(), strict=True))


@layer_type("ROIPooling", "Fast R-CNN")
class ROIPooling(Regions):
    """The maximum of each of pooled_h x pooled_w parts of a region (Girshick 2015, section 2.1).

    Regions R x 4, as nets of one image declare them that a script fills, are corners alone.

    A region is larger by pad_ratio of its sides at each end (MS-CNN). Corners are multiplied by
    spatial_scale and rounded, and lie inside; a region is a pixel at least. Parts share the pixels
    between them. One that lies outside of the map is 0. The gradient goes to the first of equal
    maxima, rows first.
    """

    widths = (4, 5)

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.roi_pooling_param
        self.check(
            pool.pooled_h > 0 and pool.pooled_w > 0,
            f"pooled_h and pooled_w must be positive; found {pool.pooled_h} and {pool.pooled_w}",
        )

    def scale(self) -> float:
        return self.spec.roi_pooling_param.spatial_scale

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes)
        pool = self.spec.roi_pooling_param
        return [(shapes[1][0], shapes[0][1], pool.pooled_h, pool.pooled_w)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        pool = self.spec.roi_pooling_param
        bottoms = [bottoms[0], padded(_of_an_image(bottoms[1]), pool.pad_ratio)]
        if exporting.is_traced():
            size = (pool.pooled_h, pool.pooled_w)
            return traced_rois.maxima(bottoms[0], bottoms[1], size, pool.spatial_scale)
        pooled = [self._pooled(x, corners) for x, corners in self.regions(bottoms)]
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        return torch.stack(pooled) if pooled else bottoms[0].new_zeros(top)

    def _pooled(self, x: torch.Tensor, corners: np.ndarray) -> torch.Tensor:
        pool = self.spec.roi_pooling_param
        pixels = rounded(corners * np.float32(pool.spatial_scale))
        rows, columns = parts_of(pixels, (pool.pooled_h, pool.pooled_w), x)
        across = torch.stack([_maximum(x, 2, column) for column in columns], 2)
        return torch.stack([_maximum(across, 1, row) for row in rows], 1)


def parts_of(
    pixels: np.ndarray, counts: tuple[int, int], x: torch.Tensor
) -> tuple[list[Range], list[Range]]:
    """The rows and the columns of a map x (C, H, W) that are in each part of a region.

    pixels: the first column and row of the region, and the last; counts: of parts, below and
    beside one another.
    """
    left, above, right, below = pixels
    # Starting at 0, as Fast R-CNN counts, and only then where the region is.
    rows, columns = (
        [
            (min(max(a + int(start), 0), length), min(max(b + int(start), 0), length))
            for a, b in _bins(0, max(end - start + 1, 1), count, 1 << 30)
        ]
        for start, end, count, length in (
            (above, below, counts[0], x.shape[1]),
            (left, right, counts[1], x.shape[2]),
        )
    )
    return rows, columns


@layer_type("RegionPooling", "MR-CNN and LocNet")
class RegionPooling(Regions):
    """The maximum, 0 at least, of each of pooled_h x pooled_w parts of a region with a hole.

    Gidaris and Komodakis 2015, section 3. Regions R x 9: the image's number, x1, y1, x2, y2, and
    those of the hole. A corner counts from 1, is moved inwards by offset and multiplied by
    spatial_scale, then rounded, halves up where it begins and down where it ends; sides upside down
    are the middle. Parts are ROIPooling's; pixels between the hole's sides do not count. The
    gradient goes to a maximum above 0.
    """

    widths = (9,)
    not_in_onnx = "ONNX pools no regions with a hole"

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.region_pooling_param
        self.check(
            pool.pooled_h > 0 and pool.pooled_w > 0 and pool.HasField("offset"),
            f"needs positive pooled_h and pooled_w, and offset; found {pool.pooled_h} and "
            f"{pool.pooled_w}" + (f", {pool.offset:g}" if pool.HasField("offset") else ""),
        )

    def scale(self) -> float:
        return self.spec.region_pooling_param.spatial_scale

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes)
        pool = self.spec.region_pooling_param
        return [(shapes[1][0], shapes[0][1], pool.pooled_h, pool.pooled_w)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        pooled = [self._pooled(x, corners) for x, corners in self.regions(bottoms)]
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        return torch.stack(pooled).relu() if pooled else bottoms[0].new_zeros(top)

    def _pooled(self, x: torch.Tensor, corners: np.ndarray) -> torch.Tensor:
        pool = self.spec.region_pooling_param
        outer, (left, above, right, below) = self._pixels(corners[:4]), self._pixels(corners[4:])
        rows, columns = parts_of(outer, (pool.pooled_h, pool.pooled_w), x)
        y, z = (torch.arange(n, device=x.device) for n in x.shape[1:])
        hole = ((y > above) & (y < below))[:, None] & ((z > left) & (z < right))
        x = x.masked_fill(hole, 0)
        across = torch.stack([_maximum(x, 2, column) for column in columns], 2)
        return torch.stack([_maximum(across, 1, row) for row in rows], 1)

    def _pixels(self, corners: np.ndarray) -> np.ndarray:
        """The first column and row of a rectangle (4), and the last."""
        pool, half = self.spec.region_pooling_param, np.float32(0.5)
        move, scale = np.float32(pool.offset), np.float32(pool.spatial_scale)
        first = np.floor((corners[:2] + 1 + move) * scale + half)
        last = np.ceil((corners[2:] + 1 - move) * scale - half)
        middle = np.trunc((first + last) / 2)
        return np.concatenate(
            [np.where(first > last, middle, first), np.where(first > last, middle, last)]
        )


@layer_type("ROIAlign", "several forks")
class ROIAlign(Regions):
    """The mean of sampling_ratio x sampling_ratio bilinear values in each part of a region.

    He et al. 2017, section 3; as Detectron has it: corners are multiplied by spatial_scale, a
    region is a pixel at least, and values lie in the middle of the parts' equal parts; so many
    along an axis as a part has pixels, rounded up, where sampling_ratio is not positive. Up to a
    pixel beyond the map its edge counts, further out 0. With roi_pooling_param, as MS-CNN has it:
    the bilinear values at the corners of the parts, one more than these along each axis, of a
    region that pad_ratio enlarges as ROIPooling's; a pixel's value is in its middle, 0 outside of
    the map and for a region without extent.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self._pool()
        self.check(
            pool.pooled_h > 0 and pool.pooled_w > 0,
            f"pooled_h and pooled_w must be positive; found {pool.pooled_h} and {pool.pooled_w}",
        )

    def _corners(self) -> bool:
        """Whether values lie at the parts' corners."""
        return self.spec.HasField("roi_pooling_param")

    def _pool(self) -> caffe_pb2.ROIAlignParameter | caffe_pb2.ROIPoolingParameter:
        return self.spec.roi_pooling_param if self._corners() else self.spec.roi_align_param

    def scale(self) -> float:
        return self._pool().spatial_scale

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes)
        pool, more = self._pool(), self._corners()
        return [(shapes[1][0], shapes[0][1], pool.pooled_h + more, pool.pooled_w + more)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        if self._corners():
            pool = self.spec.roi_pooling_param
            if not exporting.is_traced():
                list(self.regions(bottoms))  # of images that there are
            regions = padded(bottoms[1].detach().reshape(-1, 5), pool.pad_ratio)
            return traced_rois.at_corners(
                bottoms[0], regions, (pool.pooled_h, pool.pooled_w), pool.spatial_scale
            )
        pooled = [self._pooled(x, corners) for x, corners in self.regions(bottoms)]
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        return torch.stack(pooled) if pooled else bottoms[0].new_zeros(top)

    def _pooled(self, x: torch.Tensor, corners: np.ndarray) -> torch.Tensor:
        pool = self.spec.roi_align_param
        left, above, right, below = (corners * np.float32(pool.spatial_scale)).tolist()
        rows = self._places(above, below, pool.pooled_h, x)
        columns = self._places(left, right, pool.pooled_w, x)
        (height, width), (tall, wide) = x.shape[1:], (rows.numel(), columns.numel())
        y, z = rows.reshape(-1, 1).expand(tall, wide), columns.reshape(-1).expand(tall, wide)
        inside = (y >= -1) & (y <= height) & (z >= -1) & (z <= width)
        y, z = y.clamp(0, height - 1).reshape(1, -1), z.clamp(0, width - 1).reshape(1, -1)
        values = sampled(x[None], y, z, 0)[0] * inside.flatten()
        return values.reshape(-1, *rows.shape, *columns.shape).mean((2, 4))

    def _places(self, start: float, end: float, parts: int, like: torch.Tensor) -> torch.Tensor:
        """Where each part is looked at along an axis, (parts, places)."""
        part = max(end - start, 1) / parts
        count = self.spec.roi_align_param.sampling_ratio
        count = count if count > 0 else math.ceil(part)
        places = torch.arange(parts * count, device=like.device).to(like.dtype)
        return (start + (places + 0.5) * (part / count)).reshape(parts, count)


def _maximum(x: torch.Tensor, axis: int, part: Range) -> torch.Tensor:
    """Along a part of an axis; 0 where that is empty."""
    length = part[1] - part[0]
    if length <= 0:
        return x.narrow(axis, 0, 1).squeeze(axis) * 0
    return x.narrow(axis, part[0], length).max(axis).values


@layer_type("PSROIPooling", "R-FCN")
class PSROIPooling(Regions):
    """The mean of each of group_size x group_size parts of a region, each of channels of its own.

    Dai et al. 2016, section 2. The channel of class c and part (i, j) is (c * group_size + i) *
    group_size + j. Corners are rounded, the last pixel is inside, then multiplied by spatial_scale;
    a region is 0.1 pixels at least. A part that lies outside of the map is 0.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.psroi_pooling_param
        self.check(
            pool.output_dim > 0 and pool.group_size > 0,
            f"output_dim and group_size must be positive; found {pool.output_dim} and "
            f"{pool.group_size}",
        )

    def scale(self) -> float:
        return self.spec.psroi_pooling_param.spatial_scale

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes)
        pool = self.spec.psroi_pooling_param
        channels = pool.output_dim * pool.group_size**2
        self.check(
            shapes[0][1] == channels,
            f"needs output_dim * group_size^2 = {channels} channels; found shape {shapes[0]}",
        )
        return [(shapes[1][0], pool.output_dim, pool.group_size, pool.group_size)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        pool = self.spec.psroi_pooling_param
        if exporting.is_traced():
            scale = pool.spatial_scale
            return traced_rois.means(bottoms[0], bottoms[1], pool.group_size, scale)
        pooled = [self._pooled(x, corners) for x, corners in self.regions(bottoms)]
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        return torch.stack(pooled) if pooled else bottoms[0].new_zeros(top)

    def _pooled(self, x: torch.Tensor, corners: np.ndarray) -> torch.Tensor:
        pool = self.spec.psroi_pooling_param
        group, scale = pool.group_size, np.float32(pool.spatial_scale)
        start, end = rounded(corners[:2]) * scale, (rounded(corners[2:]) + 1) * scale
        size = np.maximum(end - start, np.float32(0.1))
        columns = _bins(start[0], size[0], group, x.shape[2])
        rows = _bins(start[1], size[1], group, x.shape[1])
        parts = x.unflatten(0, (pool.output_dim, group, group))
        means = [
            _mean(parts[:, i, j], row, column)
            for i, row in enumerate(rows)
            for j, column in enumerate(columns)
        ]
        return torch.stack(means, 1).unflatten(1, (group, group))


def _mean(x: torch.Tensor, row: Range, column: Range) -> torch.Tensor:
    """Of (C, H, W), over rows and columns; 0 where there are none."""
    part = x[:, row[0] : row[1], column[0] : column[1]]
    return part.mean((1, 2)) if part.numel() else x[:, 0, 0] * 0
