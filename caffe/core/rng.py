"""The engine's random numbers: a generator for each device, seeded as Caffe's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .boost import integer
from .device import current_device
from .errors import CaffeError, caffe_error

_generators: dict[torch.device, torch.Generator] = {}
_seed: int | None = None


def set_random_seed(seed: int) -> None:
    """Seed fillers, dropout and every other draw of the engine (numpy and torch keep their own).

    Raises CaffeError, a TypeError too, for what is no integer, and one for more than 64 bits.
    """
    global _seed
    number = integer(seed, "a random seed")
    if not -(2**63) <= number < 2**64:
        raise caffe_error(ValueError, f"a random seed has at most 64 bits; found {seed}")
    _seed = number
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


@contextmanager
def drawing_from(states: dict[str, bytes]) -> Iterator[None]:
    """Draw as where `generator_states` was called; afterwards go on as if nobody had drawn."""
    before = dict(_generators)
    _generators.update(generators_at(states))
    try:
        yield
    finally:
        _generators.clear()
        _generators.update(before)


_at_fork: dict[str, bytes] = {}


def _note_states() -> None:
    """Wait until no thread draws: in a forked process its generator would be locked for ever."""
    on = torch.device("cpu")
    if on in _generators:
        _at_fork[on.type] = _generators[on].get_state().numpy().tobytes()


def _draw_on() -> None:
    for on in [on for on in _generators if on.type in _at_fork]:
        _generators[on] = torch.Generator(on)
        _generators[on].set_state(torch.frombuffer(bytearray(_at_fork[on.type]), dtype=torch.uint8))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_note_states, after_in_child=_draw_on)


def _devices() -> set[torch.device]:
    return {torch.device("cpu"), current_device()}
