"""Pooling of regions by values between pixels: PSROIAlign, DeformablePSROIPooling and Apollo's."""

import numpy as np
import torch

from ...proto import caffe_pb2
from .. import exporting
from ..base import Shape, layer_type
from .rois import Regions
from .traced_rois import rounded


class SampledParts(Regions):
    """group_size x group_size parts of a region, each of channels of its own, at a few places.

    The channel of class c and part (i, j) is (c * group_size + i) * group_size + j. Top: R x
    output_dim x group_size x group_size.
    """

    def param(
        self,
    ) -> (
        caffe_pb2.PSROIAlignParameter
        | caffe_pb2.PSROIPoolingParameter
        | caffe_pb2.DeformablePSROIPoolingParameter
    ):
        raise NotImplementedError

    def scale(self) -> float:
        return self.param().spatial_scale

    def group(self) -> int:
        """The parts along an axis."""
        return self.param().group_size

    def outputs(self) -> int:
        """The channels of the top."""
        return self.param().output_dim

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.param()
        self.check(
            pool.output_dim > 0 and pool.group_size > 0 and pool.spatial_scale > 0,
            "output_dim, group_size and spatial_scale must be positive; found "
            f"{pool.output_dim}, {pool.group_size} and {pool.spatial_scale:g}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes[:2])
        outputs, group = self.outputs(), self.group()
        channels = outputs * group**2
        self.check(
            shapes[0][1] == channels,
            f"needs output_dim * {group}^2 = {channels} channels; found shape {shapes[0]}",
        )
        return [(shapes[1][0], outputs, group, group)]

    def corners(self, bottoms: list[torch.Tensor]) -> torch.Tensor:
        """Regions of 5 values, (R, 5), of images that there are."""
        if not exporting.is_traced():
            list(self.regions(bottoms))
        return bottoms[1].detach().reshape(-1, 5)

    def weighed(
        self, x: torch.Tensor, image: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
    ) -> torch.Tensor:
        """Sums over the parts' maps, of rows (R, K, i, j, H) and columns (R, K, i, j, W).

        Each of the K has output_dim / K of the classes.
        """
        # Products of matrices: of an Einsum OpenVINO and OpenCV keep the first run's shapes.
        count, *group = rows.shape[1:4]
        parts = x.unflatten(1, (count, -1, group[0] * group[1])).permute(1, 3, 0, 5, 2, 4)
        of_image = (image[:, None] == torch.arange(x.shape[0], device=x.device)).to(x)
        shown = of_image[:, None, None, :, None] * columns.flatten(2, 3)[:, :, :, None]
        shown = shown.flatten(3).permute(1, 2, 0, 3)  # k, ij, r, n w
        across = shown @ parts.flatten(4).flatten(2, 3)  # k, ij, r, e h
        across = across.unflatten(3, parts.shape[4:]).permute(2, 0, 1, 4, 3)  # r, k, ij, h, e
        found = (rows.flatten(2, 3)[:, :, :, None] @ across).squeeze(3)  # r, k, ij, e
        return found.mT.flatten(1, 2).unflatten(2, group)


def hats(places: torch.Tensor, counts: torch.Tensor, length: int) -> torch.Tensor:
    """What each of `length` pixels weighs in bilinear values at places (..., P), those that count.

    Sums over the places: (..., length). At a pixel itself there is no gradient, as in the paper's
    code, where the pixels before and behind a place are the same one then.
    """
    pixels = torch.arange(length, device=places.device).to(places)
    total = places.new_zeros(())
    for at, counted in zip(places.unbind(-1), counts.to(places).unbind(-1), strict=True):
        near = 1 - (at[..., None] - pixels).abs()
        total = total + near.where(near > 0, 0) * counted[..., None]
    return total


@layer_type("PSROIAlign", "several forks")
@layer_type("PSROIAlignPooling", "several forks")
class PSROIAlign(SampledParts):
    """As PSROIPooling, of sample_num x sample_num bilinear values in each part of a region.

    With psroi_align_param the last pixel is inside, a region is 0.1 pixels at least, its parts lie
    inside of the map, and the values divide a part of full size into sample_num + 1; those behind
    the part's end are 0. With psroi_pooling_param corners are where they are, the four values of a
    part are at a quarter and three quarters of it, and those outside of the map are 0.
    """

    def _aligned(self) -> bool:
        return not self.spec.HasField("psroi_pooling_param")

    def param(self) -> caffe_pb2.PSROIAlignParameter | caffe_pb2.PSROIPoolingParameter:
        aligned = self._aligned()
        return self.spec.psroi_align_param if aligned else self.spec.psroi_pooling_param

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        count = self._count()
        self.check(count > 0, f"sample_num must be positive; found {count}")

    def _count(self) -> int:
        return self.spec.psroi_align_param.sample_num if self._aligned() else 2

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, regions, group = bottoms[0], self.corners(bottoms), self.param().group_size
        columns, rows = (
            hats(*self._places(regions[:, i], regions[:, i + 2], length), length)
            for i, length in ((1, x.shape[3]), (2, x.shape[2]))
        )
        rows = rows[:, None, :, None].expand(-1, 1, group, group, -1)
        columns = columns[:, None, None].expand(-1, 1, group, group, -1)
        return self.weighed(x, regions[:, 0], rows, columns) / self._count() ** 2

    def _places(
        self, first: torch.Tensor, last: torch.Tensor, length: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Where the values lie along an axis, and which count: (R, parts, values)."""
        parts, count = self.param().group_size, self._count()
        inside = 1 if self._aligned() else 0
        start, end = first * self.scale(), (last + inside) * self.scale()
        extent = end - start
        if inside:
            extent = extent.clamp(min=0.1)
        part = (extent / parts)[:, None]
        begins = torch.arange(parts, device=first.device).to(first) * part + start[:, None]
        steps = torch.arange(1, count + 1, device=first.device).to(first)
        if inside:
            ends = (begins + part).clamp(0, length - 1)[..., None]
            places = (
                begins.clamp(0, length - 1)[..., None] + steps * (part / (count + 1))[..., None]
            )
            return places, places < ends
        places = begins[..., None] + (steps - 0.5) * (part / count)[..., None]
        return places, (places >= 0) & (places <= length - 1) & (part > 0)[..., None]


@layer_type("DeformablePSROIPooling", "Deformable ConvNets")
class DeformablePSROIPooling(SampledParts):
    """As PSROIPooling, of parts that move by bottom 2 times trans_std, as parts of the region.

    Dai et al. 2017, section 2.2. Bottom 2: R x 2 K x part_size x part_size, x and y for each of K
    parts of the classes; left out with no_trans. A part has sample_per_part x sample_per_part
    bilinear values; its top is their mean, without those that are more than half a pixel outside.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: index != 1)

    def param(self) -> caffe_pb2.DeformablePSROIPoolingParameter:
        return self.spec.deformable_psroi_pooling_param

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        pool = self.param()
        self.check(
            pool.no_trans or len(shapes) == 3, "needs a third bottom, or no_trans: true without it"
        )
        self.check(
            pool.sample_per_part > 0,
            f"sample_per_part must be positive; found {pool.sample_per_part}",
        )

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return None if index == 2 else super().example_bottom(index, shapes[:2], rng)

    def _part_size(self) -> int:
        return self.param().part_size or self.param().group_size

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops, pool, size = super().top_shapes(shapes), self.param(), self._part_size()
        if not pool.no_trans:
            trans = shapes[2]
            self.check(
                len(trans) == 4
                and (trans[0], *trans[2:]) == (shapes[1][0], size, size)
                and trans[1] % 2 == 0
                and pool.output_dim % max(1, trans[1] // 2) == 0,
                f"needs offsets {shapes[1][0]} x 2 K x {size} x {size}, K a divisor of output_dim "
                f"{pool.output_dim}; found shape {trans}",
            )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, regions, pool = bottoms[0], self.corners(bottoms), self.param()
        start = rounded(regions[:, 1:3]) * pool.spatial_scale - 0.5
        end = (rounded(regions[:, 3:]) + 1) * pool.spatial_scale - 0.5
        extent = (end - start).clamp(min=0.1)
        weights, counts = zip(
            *(
                self._axis(bottoms[2:], i, start[:, i], extent[:, i], x.shape[3 - i])
                for i in (0, 1)
            ),
            strict=True,
        )
        total = self.weighed(x, regions[:, 0], weights[1], weights[0])
        count = (counts[0] * counts[1]).to(x).clamp(min=1)
        return total / count.repeat_interleave(pool.output_dim // count.shape[1], 1)

    def _axis(
        self,
        trans: list[torch.Tensor],
        axis: int,
        start: torch.Tensor,
        extent: torch.Tensor,
        length: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of x (0) or y (1): the pixels' weights (R, K, i, j, length), and the number of values."""
        pool, group, size = self.param(), self.param().group_size, self._part_size()
        part, number = extent / group, torch.arange(group, device=start.device)
        begins = number.to(start) * part[:, None] + start[:, None]
        begins = begins[:, None, None, :] if axis == 0 else begins[:, None, :, None]
        begins = begins.expand(-1, 1, group, group)
        if not pool.no_trans:
            of_part = (number * size) // group
            moves = trans[0].unflatten(1, (-1, 2))[:, :, axis]
            moves = moves.index_select(2, of_part).index_select(3, of_part)
            begins = begins + moves * pool.trans_std * extent[:, None, None, None]
        step = (part / pool.sample_per_part)[:, None, None, None, None]
        samples = torch.arange(pool.sample_per_part, device=start.device).to(start)
        places = begins[..., None] + samples * step
        counts = ((places >= -0.5) & (places <= length - 0.5)).detach()
        return hats(places.clamp(0, length - 1), counts, length), counts.sum(-1)


@layer_type("DFMBPSROIAlign", "Apollo")
class DFMBPSROIAlign(SampledParts):
    """As PSROIAlign, of sample_per_part x sample_per_part bilinear values in each part of a region.

    A region is larger by pad_ratio of its sides at each end, the last pixel inside, then less
    heat_map_b and over heat_map_a, and 0.1 pixels at least. It has pooled_height x pooled_width
    parts, of group_height x group_width groups of channels. The values divide a part equally, but
    start at its beginning without what is behind the point. The top is the mean of those that are
    less than a pixel outside of the map, around which is 0. Of an image that there is not a
    region's top is 0. Bottom 2, R x 2 K x part_height x part_width: parts move by x and y, for each
    of K parts of the classes, times trans_std, as parts of the region; their gradient is that of
    places that are not cut off.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: index != 1)

    def pool(self) -> caffe_pb2.DFMBPSROIPoolingParameter:
        return self.spec.dfmb_psroi_pooling_param

    def scale(self) -> float:
        return 1 / self.pool().heat_map_a

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.pool()
        names = ["heat_map_a", "output_dim", "sample_per_part"]
        names += [f"{of}_{side}" for of in ("group", "pooled") for side in ("height", "width")]
        names += ["part_height", "part_width"] if len(shapes) == 3 else []
        for name in names:
            value = getattr(pool, name)
            self.check(value > 0, f"{name} must be positive; found {value:g}")
        for name in ("heat_map_b", "pad_ratio"):
            value = getattr(pool, name)
            self.check(value >= 0, f"{name} must not be negative; found {value:g}")

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return None if index == 2 else super().example_bottom(index, shapes[:2], rng)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes[:2])
        pool, (maps, regions, *trans) = self.pool(), shapes
        channels = pool.output_dim * pool.group_height * pool.group_width
        self.check(
            maps[1] == channels,
            f"needs output_dim * group_height * group_width = {channels} channels; found shape "
            f"{maps}",
        )
        for shape in trans:
            sides = (pool.part_height, pool.part_width)
            self.check(
                len(shape) == 4
                and (shape[0], *shape[2:]) == (regions[0], *sides)
                and shape[1] % 2 == 0 < shape[1]
                and pool.output_dim % (shape[1] // 2) == 0,
                f"needs moves R x 2 K x {sides[0]} x {sides[1]} for {regions[0]} regions, K a "
                f"divisor of output_dim {pool.output_dim}; found shape {shape}",
            )
        return [(regions[0], pool.output_dim, pool.pooled_height, pool.pooled_width)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        pool, (x, regions, *trans) = self.pool(), bottoms
        regions = regions.detach().reshape(-1, 5)
        pooled = pool.pooled_height, pool.pooled_width
        weights, counts = [], []
        for axis, length in enumerate((x.shape[3], x.shape[2])):
            places = self._places(regions[:, 1 + axis], regions[:, 3 + axis], axis, trans)
            inside = (places > -1) & (places < length)
            weight = hats(places, inside, length)
            weights.append(weight.expand(-1, -1, *pooled, -1))
            counts.append(inside.sum(-1))
        count = (counts[0] * counts[1]).to(x).clamp(min=1)
        each = pool.output_dim // count.shape[1]
        count = count[:, :, None].expand(-1, -1, each, -1, -1).flatten(1, 2)
        return self.weighed(self._parts(x), regions[:, 0], weights[1], weights[0]) / count

    def _parts(self, x: torch.Tensor) -> torch.Tensor:
        """The maps with channels for each part, of its group."""
        pool = self.pool()
        group, pooled = (
            (getattr(pool, f"{of}_height"), getattr(pool, f"{of}_width"))
            for of in ("group", "pooled")
        )
        if group == pooled:
            return x
        row, column = (
            torch.arange(pooled[i], device=x.device) * group[i] // pooled[i] for i in range(2)
        )
        at = (row[:, None] * group[1] + column).flatten()
        return x.unflatten(1, (-1, group[0] * group[1])).index_select(2, at).flatten(1, 2)

    def _places(
        self, first: torch.Tensor, last: torch.Tensor, axis: int, trans: list[torch.Tensor]
    ) -> torch.Tensor:
        """Where the values lie along x (axis 0) or y: (R, K, i, j, values), i or j, or both, 1."""
        pool = self.pool()
        parts = (pool.pooled_width, pool.pooled_height)[axis]
        more = (last - first + 1) * pool.pad_ratio
        start = (first - more - pool.heat_map_b) / pool.heat_map_a
        end = (last + more - pool.heat_map_b) / pool.heat_map_a
        extent = (end - start).clamp(min=0.1)
        part = extent / parts
        number = torch.arange(parts, device=first.device)
        begins = number.to(first) * part[:, None] + start[:, None]
        begins = begins[:, None, None] if axis == 0 else begins[:, None, :, None]
        if trans:
            moves = trans[0].unflatten(1, (-1, 2))[:, :, axis]
            for side, (count, size) in enumerate(
                ((pool.pooled_height, pool.part_height), (pool.pooled_width, pool.part_width))
            ):
                of_part = torch.arange(count, device=first.device) * size // count
                moves = moves.index_select(2 + side, of_part)
            begins = begins + moves * pool.trans_std * extent[:, None, None, None]
        whole = begins.trunc()
        begins = begins + (whole - begins).detach() if trans else whole
        steps = torch.arange(pool.sample_per_part, device=first.device).to(first) + 0.5
        step = (part / pool.sample_per_part)[:, None, None, None, None]
        return begins[..., None] + steps * step
