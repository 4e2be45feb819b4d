"""Who of the ranks is alive: each beats in the run's store, and looks for the others' beats."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed as dist

from ..core.errors import CaffeError
from .rendezvous import TIMEOUT

EVERY = 1.0  # seconds between two beats
DEAD = 15.0  # seconds without one: the process is gone, or stopped
SUSPECTED = 4.0  # the same, once an exchange has failed
GRACE = 5.0  # seconds in which an exchange may fail by itself once a rank is lost


class RankLost(CaffeError):
    """Another rank has died, hangs or has stopped; `speaks`: this rank is the one to say so."""

    speaks = False


class Watch(threading.Thread):
    """Beats for its rank, and finds out who does not.

    Rank 0 looks at all, the others at rank 0; who finds one lost writes the verdict into the store,
    for all. Where the main thread waits for the lost rank and goes on waiting, the process ends.
    """

    def __init__(self, store: dist.Store, rank: int, count: int, name: str) -> None:
        super().__init__(name="caffe-watch", daemon=True)
        self._store, self._rank, self._name_here = store, rank, name
        self._others = [r for r in (range(count) if rank == 0 else (0,)) if r != rank]
        self._moves = 0  # of the main thread
        self._waiting = False
        self._suspects = False
        self._ended = threading.Event()
        self._found = threading.Event()
        self._verdict = ""
        self._alive = {other: (b"", time.monotonic()) for other in self._others}
        self._moved = dict(self._alive)

    def move(self) -> None:
        """The main thread has done something: it does not hang."""
        self._moves += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, the main thread waits for other ranks.

        Raises RankLost for what torch.distributed raises where one is lost.
        """
        self.move()
        self._waiting = True
        try:
            if self._verdict:
                raise self.lost()
            yield
        except CaffeError:
            raise
        except RuntimeError as error:
            raise self.lost(error) from None
        finally:
            self._waiting = False

    def lost(self, error: Exception | None = None) -> RankLost:
        """What to raise where an exchange has failed: the verdict, once it is there."""
        self._suspects = True
        self._found.wait(DEAD + GRACE)
        reason = str(error).partition("\n")[0] if error else ""
        ours = RankLost(self._verdict or f"the ranks have lost each other ({reason})")
        ours.speaks = self._claim()
        return ours

    def leave(self, why: str) -> None:
        """This rank stops for a reason of its own; the others hear of it."""
        self._ended.set()
        try:
            self._store.compare_set("verdict", "", f"rank {self._rank} has stopped: {why}")
            self._claim()  # it says so itself
        except RuntimeError:  # the store is gone too
            pass

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def run(self) -> None:
        beats = 0
        while not self._ended.wait(EVERY if beats else 0):
            beats += 1
            try:
                said = f"{beats} {self._moves} {int(self._waiting)} {self._name_here}"
                self._store.set(f"beat {self._rank}", said)
                self._look()
            except RuntimeError:
                if self._waiting or self._suspects:
                    self._judge("the store of the run, at rank 0 or torchrun, is gone")
                    return self._stop_waiting()
            if self._verdict:
                return self._stop_waiting()

    def _look(self) -> None:
        if self._store.check(["verdict"]):
            self._judge(self._store.get("verdict").decode())
            return
        now = time.monotonic()
        patience = SUSPECTED if self._suspects else DEAD
        for other in self._others:
            if not self._store.check([f"beat {other}"]):
                continue
            said = self._store.get(f"beat {other}")
            beats, moves, waiting, name = said.split(b" ", 3)
            at = f"rank {other} ({name.decode()})"
            if self._since(self._alive, other, beats, now) > patience:
                self._tell(f"{at} has died, or its machine has")
            elif self._since(self._moved, other, moves, now) > TIMEOUT and waiting == b"0":
                self._tell(f"{at} hangs: it has done nothing for {TIMEOUT:g} s")

    @staticmethod
    def _since(of: dict[int, tuple[bytes, float]], other: int, value: bytes, now: float) -> float:
        """Seconds that the other rank's value has been the same."""
        if of[other][0] != value:
            of[other] = value, now
        return now - of[other][1]

    def _tell(self, verdict: str) -> None:
        """Judge, for all; whoever was first counts."""
        self._judge(self._store.compare_set("verdict", "", verdict).decode() or verdict)

    def _judge(self, verdict: str) -> None:
        self._verdict = verdict
        self._found.set()

    def _stop_waiting(self) -> None:
        """End the process if its main thread still waits for the lost rank after a while."""
        while not self._ended.wait(GRACE):
            if self._waiting:
                if self._claim():
                    print(f"error: {self._verdict}", file=sys.stderr, flush=True)
                os._exit(1)

    def _claim(self) -> bool:
        """Whether this rank is the first that wants to say the verdict."""
        try:
            return self._store.add("speaker", 1) == 1
        except RuntimeError:  # the store is gone
            return self._rank <= 1
