"""The passes of a test that ranks share: who runs which, and where the data is afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..net import Net


def reads_by_rank(layer: Any) -> bool:
    """Whether a layer's place in its data is one of all ranks, which read it together."""
    return hasattr(layer, "take_turns")


def can_take_turns(net: Net) -> bool:
    """Whether a net's passes are the same whoever runs them: all data is read by rank."""
    return not any(layer.draws for layer in net._graph.layers) and all(
        bottoms or reads_by_rank(shown) or layer.type == "Parameter"
        for layer, shown, bottoms in zip(
            net._graph.layers, net.layers, net._graph.bottoms, strict=True
        )
    )


@contextmanager
def turns(net: Net, rank: int, count: int, passes: int) -> Iterator[None]:
    """Inside, each pass reads what pass rank, rank + count, ... of so many would.

    Afterwards the data is where it is after all of them.
    """
    readers = [layer for layer in net.layers if reads_by_rank(layer)]
    places = [layer.state_dict() for layer in readers]
    for layer in readers:
        layer.take_turns(rank, count)
    try:
        yield
    finally:
        for layer, place in zip(readers, places, strict=True):
            layer.take_turns(0, 1)
            layer.load_state_dict(place)
            layer.skip(passes)
