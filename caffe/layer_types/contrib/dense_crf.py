"""DenseCRF of DeepLab."""

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type
from . import permutohedral

Kernel = tuple[float, permutohedral.Lattice, torch.Tensor]  # weight, lattice, what normalises it


@layer_type("DenseCRF", "DeepLab")
class DenseCRF(LayerType):
    """Mean field iterations of a dense CRF with Potts' compatibility (Krähenbühl & Koltun 2011).

    Bottoms: scores N x C x H x W, the images' heights and widths (2 values an item; what lies
    beyond is padding, and 0 in the top), and the images N x 3 x H x W, without which only places
    count. Kernels: pos_w times a Gaussian of the places over pos_xy_std; bi_w times one of the
    places over bi_xy_std and the colours over bi_rgb_std; as many of each as are given, each
    divided by what it makes of ones. Top: probabilities, or without output_probability their
    logarithms. There is no gradient.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        crf = self.spec.dense_crf_param
        self.check(
            len(crf.pos_w) == len(crf.pos_xy_std)
            and len(crf.bi_w) == len(crf.bi_xy_std) == len(crf.bi_rgb_std),
            "needs a pos_xy_std for each pos_w, a bi_xy_std and a bi_rgb_std for each bi_w",
        )
        deviations = [*crf.pos_xy_std, *crf.bi_xy_std, *crf.bi_rgb_std]
        self.check(min(deviations, default=1) > 0, f"deviations are positive; found {deviations}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
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
        kernels = self._kernels(scores, shape, images)
        classes = F.softmax(scores, 1)
        for _ in range(crf.max_iter):
            total = scores
            for weight, on, norm in kernels:
                total = total + weight * norm * permutohedral.filtered(on, classes)
            classes = F.softmax(total, 1)
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
        lattices = [(weight, permutohedral.lattice(feature)) for weight, feature in features]
        return [(weight, on, permutohedral.per_pixel(on, like)) for weight, on in lattices]
