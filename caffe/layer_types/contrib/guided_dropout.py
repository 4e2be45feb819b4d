"""GuidedDropout: what is left out follows from a second bottom."""

import torch

from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type

TYPES = {"deterministic": "guidance_threshold", "stochastic": "sigmoid_scaler"}


@layer_type("GuidedDropout", "domain guided dropout")
class GuidedDropout(LayerType):
    """Zeroes channels of an item as its guidance says, and scales the rest (Xiao et al. 2016).

    Bottoms: x, N x C or with more axes, and the guidance, N x C. deterministic: channels stay whose
    guidance is above guidance_threshold. stochastic: in TRAIN a channel stays with a probability of
    sigmoid(sigmoid_scaler guidance), in TEST all do as they are. What stays of an item is times C
    over how many stay, or over the sum of the probabilities.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)

    @property
    def draws(self) -> bool:
        kind = self.spec.guided_dropout_param.type
        return kind == "stochastic" and self.phase == caffe_pb2.TRAIN

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.guided_dropout_param
        self.check(
            param.type in TYPES,
            f"guided_dropout_param {{ type }} is one of {', '.join(TYPES)}; found '{param.type}'",
        )
        field = TYPES[param.type]
        self.check(param.HasField(field), f"{param.type} needs a {field}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        x, guidance = shapes
        self.check(
            len(x) > 1 and guidance[:2] == x[:2] and set(guidance[2:]) <= {1},
            f"needs a guidance for each item and channel; found shapes {x} and {guidance}",
        )
        return [x]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, param = bottoms[0], self.spec.guided_dropout_param
        guidance = bottoms[1].detach().flatten(1)
        if param.type == "deterministic":
            mask = (guidance > param.guidance_threshold).to(x.dtype)
            total = mask.sum(1, keepdim=True)
        elif not self.draws:
            return x
        else:
            keep = torch.sigmoid(guidance * param.sigmoid_scaler)
            mask = torch.bernoulli(keep, generator=generator(x.device))
            total = keep.sum(1, keepdim=True)
        scaled = mask * x.shape[1] / total.where(total > 0, 1)
        return x * scaled.view(*x.shape[:2], *(1,) * (x.dim() - 2))
