"""Memory that is not there is refused before it is taken, whatever a prototxt asks for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from .errors import CaffeError

SMALL = 1 << 24  # bytes that are taken without asking

# Of a container: its limit and what it uses, in the two versions of Linux' control groups.
CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free() -> int:
    """Bytes of host memory that are free: of the machine, and of the container it runs in."""
    frees = [_machine()]
    for limit, used in CGROUPS:
        try:
            frees.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such version, or no limit
            continue
    return max(0, min(frees))


def _machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check(shape: tuple[int, ...], count: int) -> None:
    """Raise CaffeError where a float32 blob of this shape and count needs more than is free."""
    needed = 4 * count
    if needed > SMALL and needed > free():
        raise CaffeError(
            f"a blob of shape {shape} needs {needed:,} bytes of memory; {free():,} are free"
        )


@contextmanager
def end_named(where: str) -> Iterator[None]:
    """Where memory ends inside, a CaffeError that says where; other errors pass."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not exhausted(error):
            raise
        reason = str(error).partition(". ")[0]
        raise CaffeError(
            f"{where}: out of memory ({reason}); make the batch or the images smaller"
        ) from None


def exhausted(error: Exception) -> bool:
    """Whether this is what Python or torch raises where memory is not given."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    )
