"""How memory for blobs is taken from the system, and kept."""

import ctypes
import os
import sys

# Large tensors in huge pages, where Linux gives them to those who ask: to touch a new activation
# in pages of 4 KiB takes longer than to compute it. torch reads this at its first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# Of glibc's mallopt(3): two parameters, and the variables that a user sets them with.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
SET_BY_USER = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}

MAPPED = 48 << 20  # bytes from which on a block is given back to the system when it is freed
KEPT = 512 << 20  # bytes of smaller ones that are kept for those to come


def keep_freed() -> None:
    """Have glibc keep what a pass frees for the next one; other C libraries go their way.

    By itself it gives blocks of 32 MB back, and the system clears every page that it gives out.
    Larger ones than MAPPED are still given back, so that memory is not cut up into pieces.
    """
    if sys.platform != "linux" or not SET_BY_USER.isdisjoint(os.environ):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(M_MMAP_THRESHOLD, MAPPED)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT)
