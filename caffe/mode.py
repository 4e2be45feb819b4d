"""Where tensors live, how precisely they are computed and where random numbers come from.

Caffe's mode, device and seed; the precision is our own.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from .errors import CaffeError

# Large tensors in huge pages, where Linux gives them to those who ask: to touch a new activation
# in pages of 4 KiB takes longer than to compute it. torch reads this at its first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

PRECISIONS = ("fp32", "tf32", "bf16")
MAY_ROUND = (torch.backends.cudnn, torch.backends.cuda.matmul)  # to TF32, on a GPU

_device = torch.device("cpu")
_gpu_id = 0
_precision = "fp32"
_for_now: ContextVar[str | None] = ContextVar("precision", default=None)
_recompute = False
_generators: dict[torch.device, torch.Generator] = {}
_seed: int | None = None


def device() -> torch.device:
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
    _tell_torch()
    torch.backends.cudnn.deterministic = True


def set_device(device_id: int) -> None:
    """Choose the GPU for GPU mode. Raises CaffeError where there is no such GPU."""
    global _gpu_id, _device
    gpu = _gpu(device_id)
    _gpu_id = device_id
    if _device.type == "cuda":
        _device = gpu


def _gpu(device_id: int) -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not 0 <= device_id < count:
        found = f"torch sees {count} GPU(s)" if count else "torch sees no GPU on this machine"
        raise CaffeError(
            f"GPU {device_id} was asked for, but {found}; run on the CPU: set_mode_cpu() in a "
            "script, solver_mode: CPU in a solver, no GPU= or --gpu in the command"
        )
    return torch.device("cuda", device_id)


def precision() -> str:
    """The precision that is set, one of PRECISIONS."""
    return _for_now.get() or _precision


def set_precision(name: str) -> None:
    """Choose how precisely the nets compute from their next pass on.

    fp32, the default: float32 throughout, Caffe's values. tf32: on a GPU convolutions and matrix
    products may round what they multiply to TF32 (11 significant bits); on the CPU the same as
    fp32. bf16: Convolution, Deconvolution and InnerProduct round what they multiply and what comes
    out to bfloat16 (8 significant bits), see precision.py. Parameters, their diffs, the solver's
    history and all that a script reads are float32 in each. Raises CaffeError for another name.
    """
    global _precision
    if name not in PRECISIONS:
        raise CaffeError(f"unknown precision {name!r}; there are {', '.join(PRECISIONS)}")
    _precision = name
    _tell_torch()


@contextmanager
def computing_in(name: str) -> Iterator[None]:
    """What this thread runs within is computed in this precision."""
    if name == precision():
        yield
        return
    rounded = [(each, each.allow_tf32) for each in MAY_ROUND]
    token = _for_now.set(name)
    try:
        _allow_tf32(name == "tf32")
        yield
    finally:
        _for_now.reset(token)
        for each, allowed in rounded:
            each.allow_tf32 = allowed


def _tell_torch() -> None:
    """Set what torch may round on a GPU; sums of bfloat16 products are float32 in any case."""
    _allow_tf32(_precision == "tf32")
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def _allow_tf32(on: bool) -> None:
    for each in MAY_ROUND:
        each.allow_tf32 = on


def recompute() -> bool:
    """Whether solvers let go of activations and compute them again."""
    return _recompute


def set_recompute(on: bool) -> None:
    """Choose whether solvers' iterations compute activations twice instead of keeping them.

    Off by default. On, the activations between poolings are computed again in the backward pass:
    of FCN-8s' forward pass almost all but fc6 and fc7. Values stay the same.
    """
    global _recompute
    _recompute = on


def set_random_seed(seed: int) -> None:
    """Seed fillers, dropout and every other draw of the engine (numpy and torch keep their own)."""
    global _seed
    _seed = seed
    _generators.clear()


def generator(on: torch.device | None = None) -> torch.Generator:
    """The engine's random generator for a device (default: the CPU's)."""
    on = on or torch.device("cpu")
    if on not in _generators:
        _generators[on] = torch.Generator(on)
        if _seed is None:
            _generators[on].seed()
        else:
            _generators[on].manual_seed(_seed)
    return _generators[on]


def draw_seed() -> int:
    """A seed for a generator that a layer keeps to itself (shuffles, augmentation)."""
    return int(torch.randint(2**63 - 1, (), generator=generator()))


Generators = dict[torch.device, torch.Generator]


def generator_states() -> dict[str, bytes]:
    """The states of the generators of the CPU and of the current device, by kind of device."""
    return {on.type: generator(on).get_state().numpy().tobytes() for on in _devices()}


def generators_at(states: dict[str, bytes]) -> Generators:
    """Generators that go on drawing where `generator_states` was called.

    States of a kind of device that does not run now are passed over. Raises CaffeError for bytes
    that are no state.
    """
    generators = {on: torch.Generator(on) for on in _devices() if on.type in states}
    for on, made in generators.items():
        try:
            made.set_state(torch.frombuffer(bytearray(states[on.type]), dtype=torch.uint8))
        except (RuntimeError, ValueError):
            raise CaffeError(
                f"the stored state of the random generator of {on.type} is damaged, or of another "
                "version of torch"
            ) from None
    return generators


def set_generators(generators: Generators) -> None:
    """Draw from these generators from now on."""
    _generators.update(generators)


def _devices() -> set[torch.device]:
    return {torch.device("cpu"), _device}
