"""Damaged inputs for the readers, and how many of them a test takes.

`make fuzz` sets FUZZ: so many times the inputs of a usual test run.
"""

import os
import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import caffe

FUZZ_INPUTS = round(800 * float(os.environ.get("FUZZ") or 1))  # a test
KILOBYTES = 300_000  # by which memory may grow in a test


def survives(
    path: Path, data: bytes, read: Callable[[str], object], count: int = FUZZ_INPUTS
) -> None:
    """Every damaged form of the file ends well or in a CaffeError, in bounded memory."""

    def from_file(damaged: bytes) -> None:
        path.write_bytes(damaged)
        read(str(path))

    survive(data, from_file, count)


def survive(data: bytes, read: Callable[[bytes], object], count: int = FUZZ_INPUTS) -> None:
    """Every damaged form of bytes that are in no file ends well or in a CaffeError, as above."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = set()
    for i, damaged in enumerate(mutations(data, len(data), count)):
        try:
            read(damaged)
        except caffe.CaffeError:
            outcomes.add("refused")
        except Exception as error:
            pytest.fail(f"damage {i} of seed {len(data)}: {type(error).__name__}: {error}")
        else:
            outcomes.add("read")
    assert "refused" in outcomes  # else the damages do not reach what is read
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES


def mutations(data: bytes, seed: int, count: int = FUZZ_INPUTS) -> Iterator[bytes]:
    """The data with one to four damages each: bits flipped, bytes changed, cut, inserted, moved."""
    draw = random.Random(seed)
    for _ in range(count):
        damaged = bytearray(data)
        for _ in range(draw.choice((1, 1, 2, 4))):
            draw.choice(_DAMAGES)(damaged, draw)
        yield bytes(damaged)


def _flip(data: bytearray, draw: random.Random) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _change(data: bytearray, draw: random.Random) -> None:
    if data:
        data[draw.randrange(len(data))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))


def _truncate(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data) + 1) :]


def _cut(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data) + 1)
    del data[at : at + draw.randint(1, 16)]


def _insert(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data) + 1)
    data[at:at] = draw.choice((draw.randbytes(draw.randint(1, 16)), b"\xff" * 8, b"9" * 10))


def _repeat(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data) + 1)
    piece = data[at : at + draw.randint(1, 64)]
    at = draw.randrange(len(data) + 1)
    data[at:at] = piece


_DAMAGES = (_flip, _flip, _change, _truncate, _cut, _insert, _repeat)
