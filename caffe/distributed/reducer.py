"""Gradients averaged over the ranks, in buckets, while the backward pass goes on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.distributed as dist

from .group import Group

BUCKET = 25 << 20  # bytes: smaller gradients travel together
TRAVEL_AS = {"fp32": torch.float32, "bf16": torch.bfloat16}  # in half the bytes


class _Flight(NamedTuple):
    """A bucket on its way: its gradients' places, and the tensor that travels."""

    places: list[int]
    tensor: torch.Tensor
    work: dist.Work


class Reducer:
    """Averages the gradients at the places 0, 1, ... of a net's parameters, each step once.

    gradient(place) is the tensor that is overwritten with the average. The buckets, and the order
    in which they travel, are the same on all ranks, whatever comes first on one of them.
    """

    def __init__(
        self,
        group: Group,
        sizes: Sequence[int],
        gradient: Callable[[int], torch.Tensor],
        travel_as: torch.dtype = torch.float32,
    ) -> None:
        """sizes: the number of values at each place; 0 where there is nothing to average.

        travel_as: what float32 gradients are rounded to, and added up in.
        """
        self._dtype = travel_as
        self.waited = 0.0  # seconds: what the backward pass did not hide
        self._group, self._gradient = group, gradient
        self._buckets = buckets(sizes)
        self._missing = {place for bucket in self._buckets for place in bucket}
        self._all = frozenset(self._missing)
        self._next = 0  # bucket to start
        self._flights: deque[_Flight] = deque()

    def ready(self, place: int, then: Callable[[int], None]) -> None:
        """The gradient at a place is complete; then(place) is called once it is averaged.

        That may be now or in a later call; with the last gradient all that is left is waited for.
        """
        if place not in self._all:
            then(place)
            return
        self._missing.discard(place)
        while self._next < len(self._buckets) and self._missing.isdisjoint(
            self._buckets[self._next]
        ):
            self._start(self._buckets[self._next])
            self._next += 1
        while self._flights and (not self._missing or self._flights[0].work.is_completed()):
            self._land(self._flights.popleft(), then)

    def missing(self) -> list[int]:
        """The places whose gradients are not on their way, in the order in which they travel."""
        return [place for bucket in self._buckets for place in bucket if place in self._missing]

    def reset(self) -> None:
        """Forget what is ready: the next step begins."""
        self._missing, self._next = set(self._all), 0
        self._flights.clear()

    def _start(self, places: list[int]) -> None:
        gradients = [self._gradient(place) for place in places]
        alone = len(gradients) == 1 and gradients[0].is_contiguous()
        tensor = gradients[0] if alone else torch.cat([g.flatten() for g in gradients])
        tensor = tensor.to(self._dtype)
        self._flights.append(_Flight(places, tensor, self._group.begin_sum(tensor)))

    def _land(self, flight: _Flight, then: Callable[[int], None]) -> None:
        began = time.perf_counter()
        self._group.end(flight.work)
        self.waited += time.perf_counter() - began
        mean = flight.tensor.float().mul_(1 / self._group.count)
        at = 0
        for place in flight.places:
            gradient = self._gradient(place)
            if gradient.data_ptr() != mean.data_ptr():
                values = mean.flatten()[at : at + gradient.numel()]
                gradient.copy_(values.view_as(gradient))
                at += gradient.numel()
            then(place)


def buckets(sizes: Sequence[int]) -> list[list[int]]:
    """The places of float32 gradients that travel together, from the last one down.

    One as large as a bucket travels alone, without a copy.
    """
    found: list[list[int]] = []
    room = 0
    for place in reversed(range(len(sizes))):
        size = 4 * sizes[place]
        if not size:
            continue
        if size > room or size >= BUCKET:
            found.append([])
            room = BUCKET
        found[-1].append(place)
        room = 0 if size >= BUCKET else room - size
    return found
