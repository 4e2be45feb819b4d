"""Who of the ranks is alive: each beats in the run's store, and looks for the others' beats."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.distributed import Store  # type: ignore[attr-defined]

from ..core.errors import CaffeError
from .rendezvous import TIMEOUT

EVERY = 1.0  # seconds between two beats
SILENT = 25.0  # seconds without one: the process is stopped, or its machine gone
SUSPECTED = 6.0  # the same, once an exchange has failed
GONE, RUNS = "gone", "runs"  # of a process on this machine
GRACE = 5.0  # seconds in which an exchange may fail by itself once a rank is lost


class RankLost(CaffeError):
    """Another rank has died, hangs or has stopped; `speaks`: this one is to say so, not another."""

    def __init__(self, message: object = "", speaks: bool = True) -> None:
        super().__init__(message)
        self.speaks = speaks


class Watch(threading.Thread):
    """Beats for its rank, and finds out who does not.

    Rank 0 looks at all, the others at rank 0; who finds one lost writes the verdict into the store,
    for all. Where the main thread waits for the lost rank and goes on waiting, the process ends.
    """

    def __init__(self, store: Store, rank: int, count: int, keeper: str) -> None:
        """keeper: who keeps the store."""
        super().__init__(name="caffe-watch", daemon=True)
        self._store, self._rank, self._keeper = store, rank, keeper
        self._host = socket.gethostname()
        self._others = [r for r in (range(count) if rank == 0 else (0,)) if r != rank]
        self._moves = 0  # of the main thread
        self._waiting = False
        self._suspects = False
        self._ended = threading.Event()
        self._found = threading.Event()
        self._verdict = ""
        self._alive = {other: ("", time.monotonic()) for other in self._others}
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
        self._found.wait(SILENT + GRACE)
        reason = str(error).partition("\n")[0] if error else ""
        verdict = self._verdict or f"the ranks have lost each other ({reason})"
        return RankLost(verdict, self._claim())

    def leave(self, why: str) -> bool:
        """This rank stops for a reason of its own, of which the others hear.

        Whether it is to say so itself: not where another has stopped for the same.
        """
        self._ended.set()
        own, stopped = f"rank {self._rank}", f" has stopped: {why}"
        try:
            first = self._store.compare_set("verdict", "", own + stopped).decode()
            self._claim()
        except RuntimeError:  # the store is gone too
            return True
        return first == own + stopped or not first.endswith(stopped)

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def run(self) -> None:
        beats = 0
        while not self._ended.wait(EVERY if beats else 0):
            beats += 1
            try:
                said = [beats, self._moves, int(self._waiting), os.getpid(), self._host]
                self._store.set(f"beat {self._rank}", " ".join(map(str, said)))
                self._look()
            except RuntimeError:
                if self._waiting or self._suspects:
                    self._judge(
                        f"{self._keeper} has died: it kept the store of the run, which is gone"
                    )
                    return self._stop_waiting()
            if self._verdict:
                return self._stop_waiting()

    def _look(self) -> None:
        if self._store.check(["verdict"]):
            self._judge(self._store.get("verdict").decode())
            return
        now = time.monotonic()
        patience = SUSPECTED if self._suspects else SILENT
        for other in self._others:
            if not self._store.check([f"beat {other}"]):
                continue
            said = self._store.get(f"beat {other}")
            beats, moves, waiting, pid, host = said.decode().split(" ", 4)
            at = f"rank {other} (process {pid} on {host})"
            silent = self._since(self._alive, other, beats, now)
            state = _state(pid) if host == self._host else ""
            if state == GONE:
                self._tell(f"{at} has died")
            elif silent > (TIMEOUT if state == RUNS else patience):
                self._tell(f"{at} was last heard of {silent:.0f} s ago: it hangs, or has died")
            elif self._since(self._moved, other, moves, now) > TIMEOUT and waiting == "0":
                self._tell(f"{at} hangs: it has done nothing for {TIMEOUT:g} s")

    @staticmethod
    def _since(of: dict[int, tuple[str, float]], other: int, value: str, now: float) -> float:
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


def _state(pid: str) -> str:
    """GONE where there is no such process on this machine, or only what its parent has not reaped.

    RUNS where it is not stopped: if it is silent all the same, other processes have the machine.
    "" where it is stopped, and where nobody knows.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return GONE if Path("/proc/self").exists() else ""  # else this is not Linux
    return GONE if state in "ZX" else "" if state in "Tt" else RUNS
