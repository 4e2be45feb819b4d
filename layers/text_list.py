"""Text files of one entry a line, as splits and names of classes are listed; no library needed.

One rule for all of them: UTF-8, with or without a byte order mark, and the line ends of Unix,
Windows or old Macs. Space around an entry is no part of it; blank lines and lines that begin with #
are passed over.
"""

import os

CURE = "save it as UTF-8 (of a list in GBK, iconv -f GBK -t UTF-8 does so)"


def read_list(path: str | os.PathLike) -> list[str]:
    """The entries of a text file, in their order.

    Raises FileNotFoundError where there is none, and OSError, which names file and cure, for what
    can't be read or is not in UTF-8.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError(f"{path}: can't be read ({error.strerror})") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"line {_line(data, error.start)} holds the byte 0x{data[error.start]:02x}"
        raise OSError(f"{path}: can't be read as UTF-8 ({found}): {CURE}") from None
    if "\0" in text:
        found = f"line {_line(data, data.index(0))} holds a NUL, as UTF-16 does"
        raise OSError(f"{path}: can't be read as UTF-8 ({found}): {CURE}")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    entries = (line.strip() for line in lines)
    return [entry for entry in entries if entry and not entry.startswith("#")]


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1
