"""The machine's own rate: a float32 product of 4096 x 4096 matrices, what the limit is told in."""

from collections.abc import Sequence

import torch

from caffe.graph.flops import SIDE

from .work import Work

FLOP = 2 * SIDE**3


class Product:
    """The product, in the precision of the work: on a GPU also TF32 or bfloat16."""

    def __init__(self, work: Work) -> None:
        torch.backends.cuda.matmul.allow_tf32 = work.precision == "tf32"
        dtype = torch.bfloat16 if work.precision == "bf16" else torch.float32
        self.a, self.b, self.product = (
            torch.rand(SIDE, SIDE, device=work.device, dtype=dtype) for _ in range(3)
        )

    def once(self) -> None:
        torch.mm(self.a, self.b, out=self.product)


def limits(flop: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """Seconds that so many floating-point operations take at the rate of each round's product."""
    return [work * taken / FLOP for work, taken in zip(flop, seconds, strict=True)]
