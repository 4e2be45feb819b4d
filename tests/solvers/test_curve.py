"""Laws of solvers/curve.py. How the curve looks is for eyes to judge."""

import sys

import numpy as np
import pytest
from PIL import Image

import caffe
from solvers import curve

HEADER = "iteration,loss,overall_accuracy,mean_iu"


def pixels(png):
    with Image.open(png) as image:
        return np.asarray(image.convert("RGB"))


def drawn_curve(tmp_path, *rows):
    table = tmp_path / "metrics.csv"
    table.write_text("\n".join([HEADER, *rows]) + "\n")
    curve.curve(table, tmp_path / "curve.png")
    return pixels(tmp_path / "curve.png")


def test_curve_shows_both_series(tmp_path):
    picture = drawn_curve(tmp_path, "0,300,0.1,0.01", "10,200,0.2,0.1", "20,90,0.3,0.2")
    loss_only = drawn_curve(tmp_path, "0,300,0.1,", "10,200,0.2,", "20,90,0.3,")
    mean_iu_only = drawn_curve(tmp_path, "0,,0.1,0.01", "10,,0.2,0.1", "20,,0.3,0.2")
    blue, orange = [31, 119, 180], [255, 127, 14]

    def count(drawn, colour):
        return (drawn == colour).all(2).sum()

    assert count(picture, blue) > count(mean_iu_only, blue) + 100
    assert count(picture, orange) > count(loss_only, orange) + 100


def test_curve_takes_the_last_value_of_an_iteration_that_a_resumed_run_wrote_again(tmp_path):
    once = drawn_curve(tmp_path, "0,300,,0.01", "10,200,,0.1", "20,90,,0.2")
    again = drawn_curve(tmp_path, "0,300,,0.01", "10,50,,0.4", "20,10,,0.7", "10,200,,", "10,,,0.1",
                        "20,90,,0.2")  # fmt: skip
    np.testing.assert_array_equal(once, again)


def test_curve_of_a_run_that_has_scored_nothing_yet_is_drawn(tmp_path):
    assert drawn_curve(tmp_path).shape == drawn_curve(tmp_path, "5,0.0,,").shape


def test_curve_names_the_file_and_the_missing_column(tmp_path):
    table = tmp_path / "metrics.csv"
    table.write_text("iteration,accuracy\n0,1\n")
    with pytest.raises(ValueError, match=r"metrics\.csv: no column 'loss', only"):
        curve.curve(table, tmp_path / "curve.png")


def test_curve_names_the_line_of_a_cell_that_is_no_number(tmp_path):
    with pytest.raises(ValueError, match=r"metrics\.csv, line 3: mean_iu: .*'oops'"):
        drawn_curve(tmp_path, "0,1,,0.1", "1,1,,oops")


def test_an_older_picture_stays_whole_when_drawing_fails(tmp_path, monkeypatch):
    drawn_curve(tmp_path, "0,1,,0.1")
    before = (tmp_path / "curve.png").read_bytes()

    def fail(figure, file, **_):
        file.write(b"half a pict")
        raise OSError("No space left on device")

    monkeypatch.setattr(curve.Figure, "savefig", fail)
    with pytest.raises(caffe.CaffeError, match=r"curve\.png: cannot be written \(No space"):
        drawn_curve(tmp_path, "0,2,,0.2")
    assert (tmp_path / "curve.png").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.png", "metrics.csv"]


def test_drawing_leaves_pyplot_alone():
    assert "matplotlib.pyplot" not in sys.modules
