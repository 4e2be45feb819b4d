"""Whether OpenMP's threads spin before they sleep: only where nobody else wants the processors.

To wake a thread that sleeps takes as long as a layer of a small net computes: threads that spin
between the layers save such a net a quarter of its time. Beside other work they spin away the time
of the thread that they wait for, and it takes several times as long. So passes look how often the
kernel takes a processor away from the process.

GNU's OpenMP reads GOMP_SPINCOUNT once (caffe/__init__.py); but while there are more of its threads
than processors it goes by OMP_WAIT_POLICY, and PASSIVE ones sleep at once. So a thread that does
nothing but keep a team of threads of its own ends the spinning, until it ends.
"""

import sys
import threading
import time
from contextlib import suppress

import torch

LOOK = 0.1  # seconds from one look to the next
TAKEN_AWAY = 100  # times in a second of the process' time, where others compute; else some 20

_looking = threading.Lock()  # several threads may run nets
_looked = 0.0
_used = 0.0  # seconds of the process' time, when looked at last
_taken = 0  # how often a processor was taken away until then
_team: threading.Event | None = None  # ends the team that ends the spinning

if sys.platform == "linux":
    import resource

    def look() -> None:
        """Let OpenMP's threads spin from now on, or sleep at once, by what others have wanted."""
        global _looked, _used, _taken
        now = time.monotonic()
        if now - _looked < LOOK or not _looking.acquire(blocking=False):
            return
        try:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            used = usage.ru_utime + usage.ru_stime
            spin(usage.ru_nivcsw - _taken <= TAKEN_AWAY * (used - _used))
            _looked, _used, _taken = now, used, usage.ru_nivcsw
        finally:
            _looking.release()
else:

    def look() -> None:
        """Elsewhere no process hears what others want, and OpenMP is another library."""


def spin(on: bool) -> None:
    """Let OpenMP's threads spin while they wait, or sleep at once."""
    global _team
    if on and _team:
        _team.set()
        _team = None
    elif not on and not _team:
        team = threading.Event()
        with suppress(RuntimeError):  # no further thread is to be had
            threading.Thread(target=_keep_team, args=(team,), daemon=True).start()
            _team = team


def _keep_team(end: threading.Event) -> None:
    torch.zeros(1 << 17).neg_()  # large enough for several threads
    end.wait()
