"""A layer type's gradient against differences, in float64."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import torch
from google.protobuf import text_format

import caffe
from caffe.layer_types import REGISTRY, LayerType
from caffe.proto import caffe_pb2


def expression_types() -> set[str]:
    """The layer types with an expression: all but Python and the data layers."""
    return {k for k, t in REGISTRY.items() if t.expression is not LayerType.expression}


def layer_of(
    kind: str, body: str, shapes: Sequence[tuple[int, ...]], tops: int = 1, phase: int = caffe.TRAIN
) -> LayerType:
    """A layer on bottoms x0, x1, ... of these shapes, after setup."""
    names = "".join(f' bottom: "x{i}"' for i in range(len(shapes)))
    names += "".join(f' top: "y{i}"' for i in range(tops))
    spec = caffe_pb2.LayerParameter()
    text_format.Parse(f'name: "l" type: "{kind}" {names} {body}', spec)
    layer = REGISTRY[kind](spec, phase)
    layer.setup_from(list(shapes))
    return layer


def check_gradient(
    kind: str,
    body: str,
    shapes: Sequence[tuple[int, ...]],
    seed: int,
    tops: int = 1,
    classes: Mapping[int, int] | None = None,
    shifts: Mapping[int, float] | None = None,
    params: float | None = None,
    phase: int = caffe.TRAIN,
    given: Mapping[int, Callable[[np.random.RandomState], np.ndarray]] | None = None,
    learnt: Collection[int] | None = None,
) -> None:
    """gradcheck of the expression by its bottoms and parameters.

    classes: bottoms of class numbers, and how many there are; shifts: what is added to bottoms;
    params: the value of all parameters, else they are drawn; given: bottoms without a gradient;
    learnt: the parameters that have a gradient, by default all of those that are drawn.
    """
    layer = layer_of(kind, body, shapes, tops, phase)
    rng = np.random.RandomState(seed)

    def values(shape: tuple[int, ...], shift: float = 0.0) -> torch.Tensor:
        """No two are closer than 0.03, nor one to 0: a step of gradcheck crosses no kink."""
        count = math.prod(shape)
        v = (rng.permutation(count) - count / 2 + 0.5) * 0.1 + rng.uniform(-0.015, 0.015, count)
        return torch.tensor(v.reshape(shape) + shift, requires_grad=True)

    bottoms = [
        values(shape, 0.033 * i + (shifts or {}).get(i, 0)).requires_grad_(layer.diff_bottoms(i))
        for i, shape in enumerate(shapes)
    ]
    for at, count in (classes or {}).items():
        bottoms[at] = torch.tensor(rng.randint(0, count, shapes[at]), dtype=torch.float64)
    for at, make in (given or {}).items():
        bottoms[at] = torch.tensor(make(rng), dtype=torch.float64)
    tensors = [values(blob.shape) for blob in layer.blobs]
    if params is not None:
        tensors = [torch.full_like(p, params) for p in tensors]
    if learnt is not None:
        tensors = [p.detach().requires_grad_(i in learnt) for i, p in enumerate(tensors)]

    def forward(*tensors: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        caffe.set_random_seed(seed)  # Dropout: the same mask each time
        out = layer.expression(list(tensors[: len(bottoms)]), list(tensors[len(bottoms) :]))
        return out if isinstance(out, torch.Tensor) else tuple(out)

    assert torch.autograd.gradcheck(forward, [*bottoms, *tensors])
