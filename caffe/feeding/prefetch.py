"""Batches made ahead of their use by background threads (base_data_layer.cpp)."""

import atexit
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

import numpy as np
import torch

from ..core.device import current_device
from ..core.errors import CaffeError, anew

THREADS = min(os.cpu_count() or 1, 8)


def empty(*shape: int) -> torch.Tensor:
    """A float32 tensor on the host, in GPU mode of memory that a copy to the GPU may outlast."""
    if current_device().type == "cuda":
        return torch.empty(shape, pin_memory=True)
    return torch.from_numpy(np.empty(shape, np.float32))  # numpy asks for huge pages, torch not


@dataclass
class Batch:
    """Tensors, a job for each part of them that is to be filled, and where the next batch starts.

    Jobs run in any order and in several threads.
    """

    tensors: Sequence[torch.Tensor]
    jobs: Sequence[Callable[[], None]]
    position: dict[str, int]
    waiting: int = field(init=False)  # jobs not begun
    missing: int = field(init=False)  # jobs not done
    errors: dict[int, BaseException] = field(default_factory=dict)  # by job

    def __post_init__(self) -> None:
        self.waiting = self.missing = len(self.jobs)


class _Line:
    """The batches in the making: what the threads share, and nothing else refers to."""

    def __init__(self, batches: Iterator[Batch], ahead: int) -> None:
        self.batches, self.ahead = batches, ahead
        self.made: deque[Batch] = deque()
        self.beginning = False  # a thread is at the iterator
        self.stopped = False
        self.change = threading.Condition()
        self.threads = [
            threading.Thread(target=self._work, name="caffe-prefetch", daemon=True)
            for _ in range(THREADS)
        ]

    def _work(self) -> None:
        while task := self._next():
            task()

    def _next(self) -> Callable[[], None] | None:
        """What to do next, waiting for it; None once there is nothing more to do."""
        with self.change:
            while not self.stopped:
                for batch in self.made:
                    if batch.waiting:
                        number = len(batch.jobs) - batch.waiting
                        batch.waiting -= 1
                        return partial(self._fill, batch, number)
                failed = self.made and self.made[-1].errors
                if len(self.made) < self.ahead and not self.beginning and not failed:
                    self.beginning = True
                    return self._begin
                self.change.wait()
            return None

    def _begin(self) -> None:
        try:
            batch = next(self.batches)
        except BaseException as failure:
            batch = Batch((), (), {}, errors={0: failure})
        with self.change:
            self.made.append(batch)
            self.beginning = False
            self.change.notify_all()

    def _fill(self, batch: Batch, number: int) -> None:
        error = None
        try:
            batch.jobs[number]()
        except BaseException as failure:
            error = failure
        with self.change:
            if error:
                batch.errors[number] = error
            batch.missing -= 1
            if not batch.missing:
                self.change.notify_all()

    def take(self) -> Batch:
        with self.change:
            while not self.made or self.made[0].missing:
                self.change.wait()
            batch = self.made[0]
            if batch.errors:
                _raise(batch.errors[min(batch.errors)])
            self.made.popleft()
            self.change.notify_all()
            return batch

    def stop(self) -> None:
        with self.change:
            self.stopped = True
            self.change.notify_all()


def _raise(error: BaseException) -> NoReturn:
    """The error anew: one kept here that has passed through the net's frames would keep the net."""
    if isinstance(error, CaffeError):
        raise anew(error)
    raise RuntimeError(f"a thread that prepares batches failed: {error!r}") from error


_lines: weakref.WeakSet[_Line] = weakref.WeakSet()
_threads: set[threading.Thread] = set()  # a line may be gone before the last of its threads


class Prefetcher:
    """Runs through `batches` in background threads, at most `ahead` batches further than `take`.

    What the iterator and the jobs do must be fixed by the iterator's own state: then the batches
    are the same whatever the threads do. The threads end with this object, or the interpreter.
    """

    def __init__(self, batches: Iterator[Batch], ahead: int) -> None:
        self._line = _Line(batches, ahead)
        weakref.finalize(self, self._line.stop)
        _lines.add(self._line)
        _threads.difference_update([thread for thread in _threads if not thread.is_alive()])
        for thread in self._line.threads:
            thread.start()
            _threads.add(thread)

    @property
    def stopped(self) -> bool:
        """Whether nothing is made any more: closed, or copied by a fork without its threads."""
        return self._line.stopped

    def take(self) -> Batch:
        """The next batch, complete. Raises what its first failing job raised, again and again."""
        return self._line.take()

    def close(self) -> None:
        """End the threads, whatever they are at."""
        self._line.stop()
        for thread in self._line.threads:
            thread.join()


@atexit.register
def _stop_all() -> None:
    for line in list(_lines):
        line.stop()
    for thread in _threads:
        thread.join()


def _stopped_by_fork() -> None:
    for line in _lines:
        line.change, line.stopped = threading.Condition(), True  # the parent may hold the old one
    _threads.clear()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_stopped_by_fork)
