"""Names of classes in any script are drawn with their own characters, or by number."""

import sys

import numpy as np
import pytest

from data import fonts
from data.drawing import legend, with_legend
from data.fonts import written
from data.picture_grid import grid

PICTURE = np.full((60, 60, 3), 128, np.uint8)
LABELS = np.zeros((60, 60), np.uint8)
NOWHERE = "\U0010fffd"  # for private use: no font has it


def beside(name):
    """The legend's pixels beside a picture of one class."""
    return with_legend(PICTURE, legend(LABELS, [name]))[:, 60:]


def below(name, tmp_path):
    """The pixels of a grid whose legend is of one class."""
    grid([[PICTURE]], ["image"], tmp_path / "grid.png", legend(LABELS, [name]))
    return (tmp_path / "grid.png").read_bytes()


@pytest.mark.parametrize("pair", ["éè", "ßč", "Жд", "λμ", "قط"])
def test_characters_of_another_script_are_drawn_and_no_boxes(pair, tmp_path):
    one, other = (beside(character) for character in pair)
    assert one.shape != other.shape or (one != other).any()
    assert below(pair[0], tmp_path) != below(pair[1], tmp_path)


def test_a_name_that_no_font_has_is_drawn_by_its_number_and_told_once(tmp_path, capsys):
    fonts._warn.cache_clear()
    assert written(f"a{NOWHERE}", 3) == ("class 3", None)
    assert written(f"b{NOWHERE}", 4) == ("class 4", None)
    (line,) = capsys.readouterr().err.splitlines()
    assert "no font here has the characters of some names" in line
    np.testing.assert_array_equal(beside(NOWHERE), beside("class 0"))
    assert below(NOWHERE, tmp_path) == below("class 0", tmp_path)


def test_a_font_of_the_system_is_taken_where_ours_lacks_a_character(monkeypatch):
    from matplotlib import font_manager, ft2font

    class Fake:
        def __init__(self, file):
            self.file, self.style_name = file, "Bold" if "Bold" in file else "Regular"
            if "emoji" in file:
                raise RuntimeError("of bitmaps alone")

        def get_charmap(self):
            return {ord("猫"): 1} if "cjk" in self.file else {}

    files = ["/f/emoji.ttf", "/f/cjk-Bold.ttc", "/f/cjk-Regular.ttc"]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: files)
    monkeypatch.setattr(ft2font, "FT2Font", Fake)
    assert written("猫", 1) == ("猫", "/f/cjk-Regular.ttc")
    files.pop()
    assert written("猫猫", 1) == ("猫猫", "/f/cjk-Regular.ttc")  # its characters are known
    assert written.__wrapped__("cat", 1) == ("cat", None)


def test_a_sign_of_mathematics_and_an_underscore_are_what_they_are(tmp_path):
    written_as = {below(name, tmp_path) for name in ("$x$", "x", "_x", "$\\frac$")}
    assert len(written_as) == 4


def test_names_in_ascii_need_no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.font_manager", None)
    assert beside("cat").shape[1] > 12
