"""caffe.Timer: the time between start and stop, work on the GPU included (benchmark.cpp)."""

import time

import torch

from .device import current_device


class Timer:
    """`start()`, `stop()`, then `ms`."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._ms = 0.0

    def start(self) -> None:
        """Begin, unless it runs already."""
        if self._started is None:
            self._started = now()

    def stop(self) -> None:
        """End, if it runs."""
        if self._started is not None:
            self._ms = now() - self._started
            self._started = None

    @property
    def ms(self) -> float:
        """Milliseconds between the last start and stop; a running timer is stopped."""
        self.stop()
        return self._ms


def now() -> float:
    """The time in milliseconds, once the device has done what it was told."""
    device = current_device()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * time.perf_counter()
