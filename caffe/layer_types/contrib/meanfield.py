"""MultiStageMeanfield: a conditional random field as a recurrent network (CRF-RNN)."""

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from . import permutohedral


@layer_type("MultiStageMeanfield", "CRF-RNN")
class MultiStageMeanfield(LayerType):
    """Mean field iterations of a dense CRF (Zheng et al. 2015, section 4).

    Bottoms: unaries N x C x H x W, what the first iteration starts from (the same), the image
    N x 3 x H x W. Each iteration takes the softmax, filters it over the pixels' places (deviation
    theta_gamma) and over places and colours (theta_alpha, theta_beta), each divided by what the
    filter makes of ones, mixes the classes by the parameters and subtracts from the unaries. Top:
    the last one's result, no softmax. Parameters, of 1 x 1 x C x C: the weights of both filters and
    the compatibility of the classes, at first -1 on the diagonal.
    """

    bottoms = (3, 3)
    param_names = ("spatial", "bilateral", "compatibility")

    @property
    def not_in_onnx(self) -> str:
        return (
            "its filter's lattice is made of the image's own colours, and ONNX has no operator for "
            "that; take the unaries out, by an output below this layer, and filter them here"
        )

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.multi_stage_meanfield_param
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        self.check(
            param.compatibility_mode == caffe_pb2.MultiStageMeanfieldParameter.POTTS,
            "knows compatibility_mode POTTS, as CRF-RNN does",
        )
        self.check(param.num_iterations > 0, "num_iterations must be positive; found 0")
        thetas = (param.theta_alpha, param.theta_beta, param.theta_gamma)
        self.check(min(thetas) > 0, f"theta_alpha, _beta, _gamma must be positive; found {thetas}")
        classes = shapes[0][1]
        spatial = self._weights(
            param.spatial_filter_weights_str, param.spatial_filter_weight, classes
        )
        bilateral = self._weights(
            param.bilateral_filter_weights_str, param.bilateral_filter_weight, classes
        )
        for diagonal in (spatial, bilateral, [-1.0] * classes):
            blob = self.add_param((1, 1, classes, classes), caffe_pb2.FillerParameter())
            blob.data[0, 0] = torch.diag(torch.tensor(diagonal)).numpy()

    def _weights(self, text: str, one: float, classes: int) -> list[float]:
        """A filter's weight for each class: as the text says, or all the same."""
        if not text:
            return [one] * classes
        try:
            found = [float(word) for word in text.split()]
        except ValueError:
            found = []
        self.check(
            len(found) in (1, classes),
            f"needs one filter weight, or one for each of {classes} classes; found {text!r}",
        )
        return found * classes if len(found) == 1 else found

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        unary, start, image = shapes
        self.check(
            start == unary and image == (unary[0], 3, *unary[2:]),
            f"needs two bottoms N x C x H x W and an image N x 3 x H x W of their size; found "
            f"{unary}, {start} and {image}",
        )
        return [unary]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        unary, start, image = bottoms
        each = (
            self._inferred(*item, [param[0, 0] for param in params])
            for item in zip(unary, start, image.detach(), strict=True)
        )
        return torch.stack(list(each))

    def _inferred(
        self,
        unary: torch.Tensor,
        scores: torch.Tensor,
        image: torch.Tensor,
        params: list[torch.Tensor],
    ) -> torch.Tensor:
        """The iterations on one item."""
        param = self.spec.multi_stage_meanfield_param
        shape = unary.shape
        unary, scores = unary.flatten(1).T, scores.flatten(1).T  # pixels x classes
        places = permutohedral.places(shape[1:], image)
        colours = image.flatten(1).T / param.theta_beta
        lattices = [
            permutohedral.lattice(places / param.theta_gamma),
            permutohedral.lattice(torch.cat([places / param.theta_alpha, colours], 1)),
        ]
        norms = [permutohedral.per_pixel(on, unary) for on in lattices]
        *weights, compatibility = params
        for _ in range(param.num_iterations):
            classes = F.softmax(scores, 1)
            spatial, bilateral = (
                (permutohedral.filtered(on, classes) * norm) @ weight.T
                for weight, on, norm in zip(weights, lattices, norms, strict=True)
            )
            message = spatial + bilateral
            scores = unary - message @ compatibility.T
        return scores.T.reshape(shape)
