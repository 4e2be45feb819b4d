"""Lists of images with labels, one `path label` a line (image_data_layer, convert_imageset)."""

from typing import NamedTuple

from ..core.errors import CaffeError
from ..core.files import PathLike, cannot_be_read


class Entry(NamedTuple):
    """A line of an image list; `line` counts from 1."""

    path: str
    label: int
    line: int


def read_image_list(path: PathLike) -> list[Entry]:
    """The entries of a list; a path may hold spaces, the label stands after the last ones.

    Blank lines and space at the end of a line are passed over. Raises CaffeError naming file and
    line.
    """
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
            lines = [line.rstrip(" \t\r\n") for line in file]
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    entries = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, label = line.replace("\t", " ").rpartition(" ")
        if not name.strip() or not _is_int32(label):
            cure = "; it seems to be UTF-16: save it as UTF-8" if "\0" in line else ""
            raise CaffeError(
                f"{path}:{number}: expected 'path label' with an integer label; found {line!r}"
                f"{cure}"
            )
        entries.append(Entry(line[: len(name)].rstrip(" \t"), int(label), number))
    return entries


def _is_int32(text: str) -> bool:
    try:
        return -(2**31) <= int(text) < 2**31
    except ValueError:
        return False
