"""Laws of tables/upper_bounds.py (Appendix A), on label maps small enough to count by hand.

How maps are resampled is in test_resampling.py; where counting needs one way, it is CENTRE.
"""

import csv
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import tables.__main__
from data.drawing import write_palette_png
from tables import upper_bounds
from tables.resampling import READINGS, resampled
from tables.upper_bounds import FACTORS

VOID = 255
CENTRE = "centre-nearest"
SIZES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=20)


def test_a_cell_has_the_label_of_its_middle_pixel():
    label = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
    # Rows 0-3 and 4, columns 0-3 and 4-6; their middles are rows 2 and 4, columns 2 and 5.
    expected = np.empty_like(label)
    expected[:4, :4], expected[:4, 4:] = label[2, 2], label[2, 5]
    expected[4:, :4], expected[4:, 4:] = label[4, 2], label[4, 5]
    np.testing.assert_array_equal(resampled(label, 4, CENTRE), expected)


@given(hnp.arrays(np.uint8, SIZES), st.sampled_from(FACTORS))
def test_each_cell_is_one_of_its_own_labels_and_uniform(label, factor):
    result = resampled(label, factor, CENTRE)
    assert result.shape == label.shape
    for y in range(0, label.shape[0], factor):
        for x in range(0, label.shape[1], factor):
            cell = np.s_[y : y + factor, x : x + factor]
            assert len(np.unique(result[cell])) == 1
            assert result[y, x] in label[cell]


@given(hnp.arrays(np.uint8, SIZES, elements=st.integers(0, 4)), st.sampled_from([2, 4, 8]))
def test_maps_of_uniform_cells_lose_nothing(coarse, factor):
    label = coarse.repeat(factor, 0).repeat(factor, 1)
    np.testing.assert_array_equal(resampled(label, factor, CENTRE), label)
    assert upper_bounds.upper_bounds([label], [factor], CENTRE) == [1]


def test_bounds_counted_by_hand():
    # Cells of 2 x 2: the left one has 1 in the middle and one pixel 0, the right one is 0.
    label = np.array([[0, 1, 0, 0], [1, 1, 0, 0]], np.uint8)
    # Predicted 1 1 0 0 / 1 1 0 0. Class 0: 4 right of 5 true, 4 predicted; class 1: 3 of 3 and 4.
    assert upper_bounds.upper_bounds([label], [2], CENTRE) == [pytest.approx((4 / 5 + 3 / 4) / 2)]
    # One cell, whose middle is row 1, column 2: all 0. Class 0: 5 of 8; class 1: none of 3.
    assert upper_bounds.upper_bounds([label], [4], CENTRE) == [pytest.approx((5 / 8 + 0) / 2)]


def test_counts_of_several_maps_add_up_before_the_ratio():
    maps = [np.array([[0, 1], [1, 1]], np.uint8), np.zeros((2, 2), np.uint8)]
    assert upper_bounds.upper_bounds(maps, [2], CENTRE) == [pytest.approx((4 / 5 + 3 / 4) / 2)]


def test_void_is_not_scored_and_predicts_nothing():
    # The left cell is void where it counts: its three labelled pixels are wrong, its void is not.
    label = np.array([[1, 1, 0, 0], [1, VOID, 0, 0]], np.uint8)
    assert upper_bounds.upper_bounds([label], [2], CENTRE) == [pytest.approx((4 / 4 + 0 / 3) / 2)]
    label = np.array([[VOID, 1, 0, 0], [1, 1, 0, 0]], np.uint8)
    assert upper_bounds.upper_bounds([label], [2], CENTRE) == [1]


def write_maps(folder, maps, split="val"):
    lists = folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in maps))
    for name, label in maps.items():
        write_palette_png(folder / "SegmentationClass" / f"{name}.png", label)
    return folder


def test_command_prints_the_six_numbers_and_the_tables_show_them(tmp_path, capsys):
    label = np.zeros((64, 64), np.uint8)
    label[:, 32:] = 1
    data = write_maps(tmp_path / "set", {"a": label, "b": label})
    out = tmp_path / "runs" / "tables"
    assert upper_bounds.main(["--data", str(data), "--out", str(out)]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()[2:8]]
    # At 128 and 64 all is one class, as frequent as the other: its IU is 1/2, the other's 0.
    expected = ["25.0", "25.0", "100.0", "100.0", "100.0", "100.0"]
    assert printed == [[str(f), e] for f, e in zip(FACTORS, expected, strict=True)]
    assert tables.__main__.main(["--runs", str(tmp_path / "runs")]) == 0
    with open(out / "tables.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["table"].startswith("Appendix A")]
    assert [row["ours"] for row in rows] == expected
    assert rows[0]["ours_from"] == f"val of {data}, 2 label maps, majority-bilinear"
    # Another dataset's bounds have nothing to be compared with.
    assert {row["difference"] for row in rows} == {""}


@pytest.mark.parametrize("reading", READINGS)
def test_the_reading_is_an_option_and_stands_beside_the_numbers(tmp_path, capsys, reading):
    label = np.array([[0, 1, 1, VOID], [0, 0, 1, 2]], np.uint8)
    data = write_maps(tmp_path / "set", {"a": label})
    args = ["--data", str(data), "--out", str(tmp_path), "--reading", reading]
    assert upper_bounds.main(args) == 0
    assert f"1 label maps, {reading}:" in capsys.readouterr().out
    with open(tmp_path / upper_bounds.UPPER_BOUNDS, newline="") as file:
        (*_, last) = csv.DictReader(file)
    bound = upper_bounds.upper_bounds([label], [4], reading)[0]
    assert (last["reading"], float(last["mean_iu"])) == (reading, pytest.approx(bound, abs=1e-6))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda data: (data / "ImageSets/Segmentation/val.txt").unlink(), "no such split.*none"),
        (lambda data: (data / "ImageSets/Segmentation/val.txt").write_text("\n"), "is empty"),
        (lambda data: (data / "SegmentationClass/a.png").unlink(), "no such label map"),
        (lambda data: (data / "SegmentationClass/a.png").write_text("x"), "can't be read"),
        (
            lambda data: Image.new("RGB", (4, 4)).save(data / "SegmentationClass/a.png"),
            "mode RGB",
        ),
    ],
)
def test_bad_folders_are_told_in_a_line(tmp_path, capsys, break_it, message):
    data = write_maps(tmp_path / "set", {"a": np.zeros((4, 4), np.uint8)})
    break_it(data)
    assert upper_bounds.main(["--data", str(data), "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert re.search(message, error)
    assert not (tmp_path / upper_bounds.UPPER_BOUNDS).exists()
