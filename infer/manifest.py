"""The record of a run over many images, a JSON line each, by which a broken-off run goes on."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def entry(image: Path, labels: Path, seconds: float, error: Exception | None, by: str) -> Entry:
    """The line of an image: its label map, or the error; and what tells it from a changed image.

    by: the digest of what labels the images, of `made_by`.
    """
    return {
        "image": str(image),
        "labels": None if error else str(labels),
        "seconds": round(seconds, 4),
        "error": error and str(error),
        "bytes": size(image),
        "by": by,
    }


def made_by(*facts: object) -> str:
    """The digest of what label maps depend on beside their images: the weights' content, ..."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def size(image: Path) -> int | None:
    """The bytes of an image's file, None where it is not there."""
    try:
        return image.stat().st_size
    except OSError:
        return None


def read_manifest(path: Path, by: str) -> dict[str, Entry]:
    """The last line of each image that was labelled so; a line that is cut off does not count."""
    found: dict[str, Entry] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return found
    for line in text.split("\n"):
        try:
            line_of = json.loads(line)
            if line_of["by"] == by:
                found[line_of["image"]] = line_of
        except (ValueError, TypeError, KeyError):
            continue
    return found


def is_done(line: Entry | None, image: Path, labels: Path) -> bool:
    """Whether a line says that an image, as it is now, has its label map, and that is there."""
    return bool(
        line
        and line["labels"] == str(labels)
        and line.get("bytes") == size(image)
        and labels.exists()
    )


def append(path: Path, line: Entry) -> None:
    """Add a line, whole, whoever else adds one."""
    text = json.dumps(line, ensure_ascii=False) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(file, text.encode("utf-8", "backslashreplace"))
    finally:
        os.close(file)


def close_last_line(path: Path) -> None:
    """End the line that a killed process has left open, so that the next begins anew."""
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
