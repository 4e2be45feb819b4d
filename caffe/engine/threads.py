"""How many threads a pass takes: to wake others takes longer than they save of a small one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from ..graph.build import Graph
from ..graph.flops import multiply_adds

# Multiply-adds of a forward pass: as a plan runs it, and in a solver's iteration
PASS = 1 << 24
STEP = 1 << 25
VALUE = 40  # so many multiply-adds take as long as to read and write a value


def is_small(graph: Graph, limit: int) -> bool:
    """Whether one thread is as fast as several, at the shapes that the blobs have now."""
    values = VALUE * sum(blob.count for blob in graph.blobs.values())
    return values < limit and values + sum(multiply_adds(graph).values()) < limit


def of_pass(small: bool) -> AbstractContextManager[None]:
    """torch computes inside on as many threads as a pass takes."""
    return on_threads(1) if small else nullcontext()


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """torch computes on so many threads inside, for this thread of Python."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
