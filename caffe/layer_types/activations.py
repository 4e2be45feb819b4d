"""Activations without parameters: ReLU, ELU, Sigmoid, TanH and their like (neuron_layer.hpp)."""

import torch
import torch.nn.functional as F

from .base import LayerType, Shape, layer_type


@layer_type("ReLU")
class ReLU(LayerType):
    """max(x, 0), and negative_slope * x below 0."""

    pointwise = True
    reads_values = False
    gradient_of_bottom = True

    @property
    def is_relu(self) -> bool:
        return not self.spec.relu_param.negative_slope

    @property
    def passes_on(self) -> bool:
        return self.is_relu

    @property
    def keeps_gradient(self) -> bool:
        return self.spec.relu_param.negative_slope >= 0  # the top has the bottom's signs

    @property
    def rereads_bottoms(self) -> bool:
        """In place too, where the top has the bottom's signs."""
        return super().rereads_bottoms or self.keeps_gradient

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        slope = self.spec.relu_param.negative_slope
        if slope:
            return F.leaky_relu(x, slope)
        # The gradient is decided by the bottom's sign, and in place by what is there now.
        in_place = self.spec.top[0] == self.spec.bottom[0]
        return F.relu(x) if in_place else F.threshold(x, 0, 0)


@layer_type("AbsVal")
class AbsVal(LayerType):
    """|x|; its gradient at 0 is 0."""

    gradient_of_bottom = True

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(
            self.spec.top[0] != self.spec.bottom[0],
            f"does not work in place; give its top another name than '{self.spec.bottom[0]}'",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].abs()


@layer_type("BNLL")
class BNLL(LayerType):
    """log(1 + exp(x)), the binomial normal log likelihood."""

    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.softplus(bottoms[0], threshold=50)


@layer_type("ELU")
class ELU(LayerType):
    """x, and alpha * (exp(x) - 1) below 0; its gradient at 0 is alpha."""

    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.elu(bottoms[0], self.spec.elu_param.alpha)


@layer_type("Sigmoid")
class Sigmoid(LayerType):
    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.sigmoid(bottoms[0])


@layer_type("Swish")
class Swish(LayerType):
    """x * sigmoid(beta * x)."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x * torch.sigmoid(self.spec.swish_param.beta * x)


@layer_type("TanH")
class TanH(LayerType):
    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.tanh(bottoms[0])


@layer_type("Threshold")
class Threshold(LayerType):
    """1 where x exceeds the threshold, else 0."""

    diff_bottoms = staticmethod(lambda index: False)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return (x > self.spec.threshold_param.threshold).to(x.dtype)
