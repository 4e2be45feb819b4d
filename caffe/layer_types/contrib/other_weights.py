"""Layers that compute with other weights than those that they learn."""

from ..base import LayerType, Shape, Window


class OtherWeights(LayerType):
    """Base of such a layer: what its type says of its weights does not hold for those it takes."""

    def windows(self, shapes: list[Shape]) -> tuple[Window, Window] | None:
        return None

    def output_axis(self, shape: Shape) -> int | None:
        return None

    def adds_weight_gradient(self, bottoms: list[Shape]) -> bool:
        return False
