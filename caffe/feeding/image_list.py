"""Lists of images with labels, one `path label` a line (image_data_layer, convert_imageset)."""

from typing import NamedTuple

from ..core.errors import CaffeError
from ..core.files import PathLike, cannot_be_read


class Entry(NamedTuple):
    """A line of an image list; `line` counts from 1."""

    path: str
    label: int
    line: int


class ManyLabels(NamedTuple):
    """A line with several labels, as forks have them."""

    path: str
    label: tuple[float, ...]
    line: int


def read_lines(path: PathLike) -> list[tuple[int, str]]:
    """The lines of a list that are not blank, with their numbers from 1. Raises CaffeError."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
            lines = [line.rstrip("\r\n") for line in file]
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def read_image_list(path: PathLike) -> list[Entry]:
    """The entries of a list; a path may hold spaces, the label stands after the last one.

    Raises CaffeError naming file and line.
    """
    entries = []
    for number, line in read_lines(path):
        name, _, label = line.rpartition(" ")
        if not name or not _is_int32(label):
            raise CaffeError(
                f"{path}:{number}: expected 'path label' with an integer label; found {line!r}"
                f"{_cure(line)}"
            )
        entries.append(Entry(name, int(label), number))
    return entries


def read_many_labels(path: PathLike, count: int) -> list[ManyLabels]:
    """The entries of a list with so many labels in each line. Raises CaffeError."""
    entries = []
    for number, line in read_lines(path):
        name, *words = line.rsplit(maxsplit=count)
        try:
            labels = tuple(float(word) for word in words)
        except ValueError:
            labels = ()
        if len(labels) != count:
            raise CaffeError(f"{path}:{number}: expected 'path' and {count} labels; found {line!r}")
        entries.append(ManyLabels(name, labels, number))
    return entries


def _cure(line: str) -> str:
    """BVLC's Caffe would take 0 for a label that is followed by a space, or set off by a tab."""
    if "\0" in line:
        return "; it seems to be UTF-16: save it as UTF-8"
    if "\t" in line or line != line.rstrip():
        return "; write one space before the label, and none behind it"
    return ""


def _is_int32(text: str) -> bool:
    try:
        return -(2**31) <= int(text) < 2**31
    except ValueError:
        return False
