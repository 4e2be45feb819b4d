"""Names of classes in pictures, in whatever script they are: a font that has their characters."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import command_line

if TYPE_CHECKING:
    from matplotlib.text import Text

REGULAR = ("Regular", "Book", "Normal", "Roman")


class Written(NamedTuple):
    """A name as it can be drawn; font is a file, None where any font will do."""

    text: str
    font: str | None


@cache
def written(name: str, index: int) -> Written:
    """How the name of class number `index` is drawn: as it is, or by its number.

    By its number where no font of the system has all of its characters: they would be boxes. The
    first one is warned of.
    """
    if name.isascii():
        return Written(name, None)
    font = _with_characters(frozenset(name))
    if font:
        return Written(name, font)
    _warn()
    return Written(f"class {index}", None)


@cache
def _warn() -> None:
    command_line.warn(
        "no font here has the characters of some names: in pictures these classes are numbered; "
        "install a font of their script (Noto Sans; of Chinese, Japanese and Korean fonts-noto-cjk)"
    )


def set_name(text: Text, name: Written) -> None:
    """Let a text of a matplotlib figure show a name in its font, $ and all."""
    from matplotlib.font_manager import FontProperties  # here: infer.py draws without matplotlib

    text.set_text(name.text)
    text.set_parse_math(False)
    if name.font:
        text.set_fontproperties(FontProperties(fname=name.font, size=text.get_fontsize()))


@cache
def _with_characters(characters: frozenset[str]) -> str | None:
    """The file of a font that has them: DejaVu Sans, one of the system, if there is a regular."""
    from matplotlib import font_manager  # here: it takes a second, and ASCII needs none
    from matplotlib.ft2font import FT2Font

    codes = set(map(ord, characters))
    found = []
    files = sorted(font_manager.findSystemFonts())
    for file in (font_manager.findfont("DejaVu Sans"), *files):
        try:
            font = FT2Font(file)
        except (OSError, RuntimeError):  # of bitmaps alone, as of emoji, or damaged
            continue
        if codes <= font.get_charmap().keys():
            if font.style_name in REGULAR:
                return file
            found.append(file)
    return found[0] if found else None
