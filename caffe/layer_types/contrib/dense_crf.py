"""DenseCRF of DeepLab and of constrained CNNs."""

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type
from . import permutohedral

Kernel = tuple[float, permutohedral.Lattice, torch.Tensor]  # weight, lattice, what normalises it


ITERATIONS = 10  # of constrained CNNs


@layer_type("DenseCRF", "DeepLab")
class DenseCRF(LayerType):
    """Mean field iterations of a dense CRF with Potts' compatibility (Krähenbühl & Koltun 2011).

    Bottoms: scores N x C x H x W, the images' heights and widths (2 values an item; what lies
    beyond is padding, and 0 in the top), and the images N x 3 x H x W, without which only places
    count. Kernels: pos_w times a Gaussian of the places over pos_xy_std; bi_w times one of the
    places over bi_xy_std and the colours over bi_rgb_std; as many of each as are given, each
    divided by what it makes of ones. Top: probabilities, or without output_probability their
    logarithms. There is no gradient.

    With densecrf_param (constrained CNNs) the bottoms are scores and images, whose values are cut
    to whole numbers, the top N x 1 x H x W the class of each pixel, after 10 iterations.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        if self._labels:
            self._check_labels()
            return
        crf = self.spec.dense_crf_param
        self.check(
            len(crf.pos_w) == len(crf.pos_xy_std)
            and len(crf.bi_w) == len(crf.bi_xy_std) == len(crf.bi_rgb_std),
            "needs a pos_xy_std for each pos_w, a bi_xy_std and a bi_rgb_std for each bi_w",
        )
        deviations = [*crf.pos_xy_std, *crf.bi_xy_std, *crf.bi_rgb_std]
        self.check(min(deviations, default=1) > 0, f"deviations are positive; found {deviations}")

    @property
    def _labels(self) -> bool:
        return self.spec.HasField("densecrf_param")

    def _check_labels(self) -> None:
        crf = self.spec.densecrf_param
        given = {field.name: value for field, value in crf.ListFields()}
        self.check(len(given) == 9, f"needs all nine fields of densecrf_param; found {given}")
        deviations = [value for name, value in given.items() if not name.startswith("wt_")]
        self.check(min(deviations) > 0, f"deviations are positive; found {deviations}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        if self._labels:
            scores, *images = shapes
            self.check(
                len(scores) == 4 and scores[1] > 2 and images == [(scores[0], 3, *scores[2:])],
                "needs scores N x C x H x W, of at least 3 classes, and images N x 3 x H x W; "
                f"found shapes {shapes}",
            )
            return [(scores[0], 1, *scores[2:])]
        scores, dims, *images = shapes
        self.check(
            len(scores) == 4
            and dims[:1] == scores[:1]
            and sum(size != 1 for size in dims[1:]) == 1
            and 2 in dims[1:]
            and images in ([], [(scores[0], 3, *scores[2:])]),
            "needs scores N x C x H x W, N x 2 numbers, and images N x 3 x H x W or none; found "
            f"shapes {shapes}",
        )
        return [scores]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        bottoms = [bottom.detach() for bottom in bottoms]
        if self._labels:
            items = [self._labelled(*item) for item in zip(*bottoms, strict=True)]
            return torch.stack(items) if items else bottoms[0][:, :1]
        scores, dims, *images = bottoms
        top = torch.zeros_like(scores)
        for i, (tall, wide) in enumerate(dims.reshape(-1, 2).long().tolist()):
            height, width = scores.shape[2:]
            if height > tall or width > wide:  # else the image is cropped: all of it counts
                height, width = min(tall, height), min(wide, width)
            part = scores[i, :, :height, :width]
            colours = [each[i, :, :height, :width] for each in images]
            top[i, :, :height, :width] = self._inferred(part, colours)
        return top

    def _inferred(self, scores: torch.Tensor, images: list[torch.Tensor]) -> torch.Tensor:
        """The iterations on one item."""
        crf, shape = self.spec.dense_crf_param, scores.shape
        scores = scores.flatten(1).T  # pixels x classes
        classes = _mean_field(scores, self._kernels(scores, shape, images), crf.max_iter)
        if not crf.output_probability:
            classes = classes.clamp(min=torch.finfo(torch.float32).tiny).log()
        return classes.T.reshape(shape)

    def _kernels(
        self, like: torch.Tensor, shape: torch.Size, images: list[torch.Tensor]
    ) -> list[Kernel]:
        crf, places = self.spec.dense_crf_param, permutohedral.places(shape[1:], like)
        if not len(places):
            return []
        features = [(w, places / xy) for w, xy in zip(crf.pos_w, crf.pos_xy_std, strict=True)]
        for image in images:
            colours = image.flatten(1).T
            features += [
                (w, torch.cat([places / xy, colours / rgb], 1))
                for w, xy, rgb in zip(crf.bi_w, crf.bi_xy_std, crf.bi_rgb_std, strict=True)
            ]
        return _on_lattices(features, like)

    def _labelled(self, scores: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """The classes 1 x H x W of one item."""
        crf, size = self.spec.densecrf_param, scores.shape[1:]
        rows = scores.flatten(1).T
        places = permutohedral.places(size, rows)
        if not len(places):
            return scores[:1]
        near = rows.new_tensor([crf.x_gauss, crf.y_gauss])
        far = rows.new_tensor([crf.x_bilateral, crf.y_bilateral])
        alike = rows.new_tensor([crf.b_bilateral, crf.g_bilateral, crf.r_bilateral])
        colours = image.flatten(1).T.trunc()
        features = [
            (crf.wt_gauss, places / near),
            (crf.wt_bilateral, torch.cat([places / far, colours / alike], 1)),
        ]
        classes = _mean_field(rows, _on_lattices(features, rows), ITERATIONS)
        return classes.argmax(1).to(scores.dtype).reshape(1, *size)


def _on_lattices(features: list[tuple[float, torch.Tensor]], like: torch.Tensor) -> list[Kernel]:
    lattices = [(weight, permutohedral.lattice(feature)) for weight, feature in features]
    return [(weight, on, permutohedral.per_pixel(on, like)) for weight, on in lattices]


def _mean_field(scores: torch.Tensor, kernels: list[Kernel], iterations: int) -> torch.Tensor:
    """Probabilities, pixels x classes."""
    classes = F.softmax(scores, 1)
    for _ in range(iterations):
        total = scores
        for weight, on, norm in kernels:
            total = total + weight * norm * permutohedral.filtered(on, classes)
        classes = F.softmax(total, 1)
    return classes
