"""How many threads a pass takes: to wake others takes longer than they save of a small one."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from ..layer_types.base import Shape
from .schedule import Step

SMALL = 1 << 24  # multiply-adds
VALUE = 40  # so many multiply-adds take as long as to read and write a value


def is_small(steps: Sequence[Step], shapes: dict[str, Shape]) -> bool:
    """Whether one thread computes these steps as fast as several; shapes: of the blobs."""
    products = sum(
        step.layer.multiply_adds(
            *([shapes[name] for name in of] for of in (step.bottoms, step.tops))
        )
        for step in steps
    )
    return products + VALUE * sum(map(math.prod, shapes.values())) < SMALL


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes on one thread inside, for this thread of Python."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
