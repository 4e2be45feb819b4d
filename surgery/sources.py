"""The first of a net's sources that can be fetched and read; or a local copy of one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

import command_line
from caffe import CaffeError
from data.download import DownloadError, download
from data.weight_sources import Input, WeightSource

from .first_filters import fold, recognised
from .layout import Layers
from .readers import read_layers

Result = TypeVar("Result")


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options --source and --file."""
    parser.add_argument("--source", metavar="NAME", help="the only source to take, as keras")
    parser.add_argument("--file", type=Path, help="a local copy; --source says what it is of")


def from_first(
    net: str,
    sources: Sequence[WeightSource],
    folder: Path,
    use: Callable[[Path, Input | None], Result],
    *,
    command: str,
    source: str | None = None,
    file: Path | None = None,
) -> Result:
    """use(path, input) of the first of a net's sources for which that works.

    command  of make, that takes FILE= and SOURCE=: for the cure
    source   the name of the only one to try; with `file`, the one that the file is a copy of
    file     a local copy; without `source` nothing is said of its input: None

    Files are fetched to `folder`. Raises OSError that has each source's error, and the cure;
    ValueError for a source that there is none of.
    """
    chosen = [each for each in sources if source in (None, each.name)]
    if not chosen:
        names = ", ".join(each.name for each in sources)
        raise ValueError(f"{net} has no source {source!r}; choose from {names}")
    if file:
        return use(file, chosen[0].input if source else None)
    failures = []
    for each in chosen:
        path = folder / each.file
        was_there = path.exists()
        try:
            _fetch(each, path)
            result = use(path, each.input)
        except (OSError, ValueError, CaffeError) as error:
            if each.digest is None and not was_there:  # what came may be an error page
                path.unlink(missing_ok=True)
            failures.append(f"{each.name}: {error}")
            continue
        for line in (*failures, *([f"{path}: {each.note}"] if each.note else [])):
            command_line.warn(line)
        return result
    lines = "".join(f"  {line}\n" for line in failures)
    raise OSError(
        f"{net}: none of its sources gave its weights\n{lines}run again if that may help; or get "
        f"one of these files by other means and give it: {command} FILE=path"
        f" SOURCE={chosen[0].name} (or whichever it is of)"
    )


def _fetch(source: WeightSource, path: Path) -> None:
    """Download a source's file from the first of its addresses that has it."""
    errors = []
    for url in source.urls:
        try:
            return download(url, path, source.digest)
        except DownloadError as error:
            errors.append(str(error).partition("; ")[0])  # the cure is said once, of all
    raise DownloadError("; ".join(errors))


def read_for_caffe(path: Path, given: Input | None) -> tuple[Layers, Input]:
    """The weights in a file, for images of blue, green, red from 0 to 255, and what they saw.

    given  the input that they are said to be for. A caffemodel without it is taken for Caffe's;
           other files' first filters must be those of a net that is known

    What is said and what the filters tell must agree: ValueError where they do not, or where
    neither tells.
    """
    layers = read_layers(path)
    first = _first_convolution(layers)
    if first is None:
        return layers, given or Input()
    filters = layers[first][0]
    try:
        found = recognised(filters)
    except ValueError as error:
        raise ValueError(f"{path}: {first}: {error}") from None
    by_kind = given is None and ".caffemodel" in path.name
    if by_kind:
        given = Input(mean=found[1].mean if found else None)
    seen = _agreed(path, first, given, found)
    if found:
        print(f"{path}: {first} has the filters of {found[0]}, {_order(seen)}")
    elif not by_kind:
        print(
            f"{path}: {first} has filters of no net that is known; that they are {_order(seen)} is "
            "the source's word"
        )
    return {**layers, first: [fold(filters, seen), *layers[first][1:]]}, seen


def _first_convolution(layers: Layers) -> str | None:
    """The first layer that sees three channels: conv1, conv1/7x7_s2, conv1_1, features.0, ..."""
    names = [
        name
        for name, arrays in layers.items()
        if name.startswith(("conv1", "features.0"))
        and arrays[0].ndim == 4
        and arrays[0].shape[1] == 3
    ]
    return min(names, default=None)


def _agreed(path: Path, layer: str, given: Input | None, found: tuple[str, Input] | None) -> Input:
    if found is None:
        if given is None or given.channels is None:
            raise ValueError(
                f"{path}: nothing tells whether {layer} sees blue, green, red or red, green, blue: "
                "its filters are of no net that is known. Say which source has the same input "
                "(SOURCE=, --source; docs/weights.md tells how to find out)"
            )
        return given
    net, seen = found
    if given is None:
        return seen
    if given.channels not in (None, seen.channels) or not np.allclose(given.std, seen.std):
        raise ValueError(
            f"{path}: {layer} has the filters of {net}, {_order(seen)}, but is said to be "
            f"{_order(given)}: give the source that the file is of (SOURCE=, --source)"
        )
    return given._replace(channels=seen.channels)


def _order(seen: Input) -> str:
    order = {"bgr": "for blue, green, red", "rgb": "for red, green, blue"}[seen.channels or "bgr"]
    return f"{order}, divided by {seen.std}" if set(seen.std) != {1} else order
