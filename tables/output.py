"""How the commands of this package end: their files are written, their text is printed."""

from collections.abc import Mapping
from pathlib import Path

from caffe.core.files import replacing

OUT = Path("runs/tables")  # the folder that they write to by default


def publish(text: str, folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files to a folder, each whole or not at all, then print the text and their paths."""
    for name, contents in files.items():
        with replacing(folder / name) as file:
            file.write(contents.encode() if isinstance(contents, str) else contents)
    print(text)
    print(f"written: {', '.join(str(folder / name) for name in files)}")
