"""The device that nets run on: Caffe's mode and device."""

import os
from functools import partial

import torch

from . import precision
from .boost import integer
from .errors import CaffeError

# Large tensors in huge pages, where Linux gives them to those who ask: to touch a new activation
# in pages of 4 KiB takes longer than to compute it. torch reads this at its first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# glibc gives the free end of its memory back to the system where that is twice as large as the
# largest block that it has seen freed, of 32 MB at most: a small net would take its activations
# anew in every pass. No page of this block is touched.
torch.empty(28 << 20, dtype=torch.uint8)

# A process forked off (multiprocessing's default on Linux) has none of its parent's threads, and
# OpenMP waits for them for ever; with one thread it asks for none, as in PyTorch's data loaders.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))

_device = torch.device("cpu")
_gpu_id = 0


def current_device() -> torch.device:
    """The device that forward and backward run on."""
    return _device


def set_mode_cpu() -> None:
    """Run on the CPU (the default)."""
    global _device
    _device = torch.device("cpu")


def set_mode_gpu() -> None:
    """Run on the GPU that `set_device` chose, 0 by default.

    In the precision that `set_precision` chose, float32 by default, and with kernels that give the
    same bits each time. Raises CaffeError where there is no such GPU.
    """
    global _device
    _device = _gpu(_gpu_id)
    precision.tell_torch()
    torch.backends.cudnn.deterministic = True


def set_device(device_id: int) -> None:
    """Choose the GPU for GPU mode.

    Raises CaffeError where there is no such GPU, a TypeError too for what is no integer.
    """
    global _gpu_id, _device
    number = integer(device_id, "a GPU's id")
    gpu = _gpu(number)
    _gpu_id = number
    if _device.type == "cuda":
        _device = gpu


def gpu_count() -> int:
    """How many GPUs torch sees."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _gpu(device_id: int) -> torch.device:
    count = gpu_count()
    if not 0 <= device_id < count:
        found = f"torch sees {count} GPU(s)" if count else "torch sees no GPU on this machine"
        raise CaffeError(
            f"GPU {device_id} was asked for, but {found}; run on the CPU: set_mode_cpu() in a "
            "script, solver_mode: CPU in a solver, no GPU= or --gpu in the command"
        )
    return torch.device("cuda", device_id)
