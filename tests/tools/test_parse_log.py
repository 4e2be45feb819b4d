"""parse_log and plot_log: tables and curves of Caffe's logs."""

import csv
import os
import tempfile
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from caffe.__main__ import main
from caffe.tools import parse_log, plot_log

# A log as BVLC Caffe 1.0 writes it.
LOG = """\
Log file created at: 2017/12/31 23:59:57
Running on machine: box
Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg
I1231 23:59:57.000000  4242 caffe.cpp:218] Using GPUs 0
I1231 23:59:57.100000  4242 solver.cpp:44] Initializing solver from parameters:
test_iter: 100
base_lr: 0.01
I1231 23:59:58.000000  4242 solver.cpp:279] Solving LeNet
I1231 23:59:58.000100  4242 solver.cpp:280] Learning Rate Policy: inv
I1231 23:59:58.500000  4242 solver.cpp:337] Iteration 0, Testing net (#0)
I1231 23:59:58.750000  4242 solver.cpp:404]     Test net output #0: accuracy = 0.0966
I1231 23:59:58.750001  4242 solver.cpp:404]     Test net output #1: loss = 2.36 (* 1 = 2.36 loss)
I1231 23:59:59.000000  4242 solver.cpp:228] Iteration 0 (0 iter/s, 1.1s/100 iters), loss = 2.4
I1231 23:59:59.000001  4242 solver.cpp:244]     Train net output #0: loss = 2.4 (* 1 = 2.4 loss)
I1231 23:59:59.000002  4242 sgd_solver.cpp:106] Iteration 0, lr = 0.01
I0101 00:00:03.000000  4242 solver.cpp:228] Iteration 100 (25 iter/s, 4s/100 iters), loss = 0.25
I0101 00:00:03.000001  4242 solver.cpp:244]     Train net output #0: loss = 0.2 (* 1 = 0.2 loss)
I0101 00:00:03.000002  4242 sgd_solver.cpp:106] Iteration 100, lr = 9.92565e-03
I0101 00:00:07.000000  4242 solver.cpp:337] Iteration 200, Testing net (#0)
I0101 00:00:08.000000  4242 solver.cpp:404]     Test net output #0: accuracy = 0.97
I0101 00:00:08.000001  4242 solver.cpp:404]     Test net output #1: loss = 1e-07 (* 1 = 1e-07 loss)
I0101 00:00:09.000000  4242 solver.cpp:228] Iteration 200 (25 iter/s, 4s/100 iters), loss = nan
I0101 00:00:09.000001  4242 solver.cpp:244]     Train net output #0: loss = -nan (* 1 = -nan loss)
I0101 00:00:09.000002  4242 sgd_solver.cpp:106] Iteration 200, lr = 0.00985258
*** Aborted at 1514764810 (unix time) ***
"""


@pytest.fixture
def log(tmp_path):
    """The log in a file last written at the end of 2017, as a log of December is by its start."""
    path = tmp_path / "train.log"
    path.write_text(LOG)
    at = time.mktime((2017, 12, 31, 23, 59, 59, 0, 0, -1))
    os.utime(path, (at, at))
    return path


def table(path, delimiter=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_the_tables_are_those_of_bvlcs_parse_log(log, tmp_path, capsys):
    """A row's rate is the one logged before it, the first row's that of the second."""
    assert main(["parse_log", str(log), str(tmp_path / "out"), "--verbose"]) == 0
    assert table(tmp_path / "out" / "train.log.test") == [
        ["NumIters", "Seconds", "LearningRate", "accuracy", "loss"],
        ["0.0", "0.75", "0.00992565", "0.0966", "2.36"],
        ["200.0", "10.0", "0.00992565", "0.97", "1e-07"],
    ]
    assert table(tmp_path / "out" / "train.log.train") == [
        ["NumIters", "Seconds", "LearningRate", "loss"],
        ["0.0", "1.000001", "0.01", "2.4"],
        ["100.0", "5.000001", "0.01", "0.2"],
        ["200.0", "11.000001", "0.00992565", "nan"],
    ]
    said = capsys.readouterr().out.splitlines()
    assert said == [f"Wrote {tmp_path}/out/train.log.{kind}" for kind in ("train", "test")]


def test_the_delimiter_and_a_log_without_tests(log, tmp_path, capsys):
    log.write_text("\n".join(line for line in LOG.splitlines() if "Test" not in line))
    arguments = ["parse_log", str(log), str(tmp_path), "--verbose", "--delimiter=;"]
    assert main(arguments) == 0
    assert table(f"{log}.train", ";")[0] == ["NumIters", "Seconds", "LearningRate", "loss"]
    assert not os.path.exists(f"{log}.test")
    assert "Not writing" in capsys.readouterr().out


def test_glogs_newer_lines_name_their_year(log):
    dated = "".join(
        line.replace("I1231", "I20161231").replace("I0101", "I20170101")
        for line in LOG.splitlines(keepends=True)
    )
    expected = parse_log.parse_log(log)
    log.write_text(dated)
    assert str(parse_log.parse_log(log)) == str(expected)  # as text, for nan


@pytest.mark.parametrize("first", ["0228", "1231"])
def test_a_leap_day_in_an_older_log_counts(tmp_path, first):
    path = tmp_path / "log"
    line = "I{} 12:00:00.000000 1 solver.cpp:1] {}\n"
    path.write_text(
        line.format(first, "Solving x")
        + line.format("0229", "Iteration 7, loss = 1")
        + line.format("0301", "Iteration 8, loss = 1")
    )
    at = time.mktime((2025, 6, 1, 0, 0, 0, 0, 0, -1))
    os.utime(path, (at, at))
    days = [(iteration, seconds / 86400) for iteration, seconds, _ in parse_log.lines(path)]
    before = 1 if first == "0228" else 60
    assert days == [(7, before), (8, before + 1)]


def test_a_resumed_log_has_a_row_for_each_pass(log):
    """The test that a resumed run repeats is a row of its own."""
    head, tail = LOG[: LOG.index("I0101 00:00:09")], LOG[LOG.index("I0101 00:00:07") :]
    log.write_text(head + tail.replace("0.97", "0.98"))
    _, tests = parse_log.parse_log(log)
    assert [(row["NumIters"], row["accuracy"]) for row in tests] == [
        (0, 0.0966),
        (200, 0.97),
        (200, 0.98),
    ]


def test_values_of_one_name_in_a_row_are_numbered(log):
    """An output of several values, or two test nets with outputs of one name."""
    line = "I0101 00:00:08.100000  4242 solver.cpp:404]     Test net output #{}: accuracy = {}\n"
    at = LOG.index("I0101 00:00:09")
    log.write_text(
        LOG[:at]
        + "I0101 00:00:08.050000  4242 solver.cpp:337] Iteration 200, Testing net (#1)\n"
        + line.format(0, 0.5)
        + line.format(1, 0.6)
        + LOG[at:]
    )
    _, tests = parse_log.parse_log(log)
    last = {"accuracy": 0.97, "loss": 1e-07, "accuracy#1": 0.5, "accuracy#2": 0.6}
    assert {k: v for k, v in tests[-1].items() if k in last} == last


def test_a_log_of_steps_alone_counts_from_its_first_line(log):
    log.write_text(LOG[LOG.index("I1231 23:59:58.500000") :])
    train, _ = parse_log.parse_log(log)
    assert [row["Seconds"] for row in train] == [0.500001, 4.500001, 10.500001]


@given(st.text(max_size=50), st.integers(0, len(LOG)))
def test_any_text_in_any_place_of_a_log_leaves_a_log(text, at):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(LOG[:at] + text + LOG[at + len(text) :])
        file.flush()
        train, test = parse_log.parse_log(file.name)
    assert len(train) + len(test) >= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.log", "."], "no.log: cannot be read"),
        (["setup.py", "."], "setup.py: no line of Caffe's log in it"),
        (["setup.py", ".", "--delimiter", "::"], "--delimiter is one character"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message, capsys):
    assert main(["parse_log", *arguments]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


# plot_log.

CURVES = {  # chart type: points of the log above
    0: [(0, 0.0966), (200, 0.97)],
    1: [(0.75, 0.0966), (10, 0.97)],
    2: [(0, 2.36), (200, 1e-07)],
    3: [(0.75, 2.36), (10, 1e-07)],
    4: [(0, 0.01), (100, 0.00992565), (200, 0.00985258)],
    5: [(1.000002, 0.01), (5.000002, 0.00992565), (11.000002, 0.00985258)],
    6: [(0, 2.4), (100, 0.25), (200, float("nan"))],
    7: [(1, 2.4), (5, 0.25), (11, float("nan"))],
}


@pytest.mark.parametrize("chart", CURVES)
def test_chart_types_are_bvlcs(log, tmp_path, monkeypatch, chart):
    drawn = []

    class Figure(plot_log.Figure):
        def savefig(self, *args, **keywords):
            drawn.extend(self.axes)
            super().savefig(*args, **keywords)

    monkeypatch.setattr(plot_log, "Figure", Figure)
    other = tmp_path / "other.log"
    other.write_text(LOG)
    out = tmp_path / "chart.png"
    assert main(["plot_log", str(chart), str(out), str(log), str(other)]) == 0
    with Image.open(out) as picture:
        assert picture.format == "PNG"
    (axes,) = drawn
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train.log", "other.log"]
    first, second = (line.get_xydata() for line in axes.get_lines())
    np.testing.assert_allclose(first, CURVES[chart], atol=2e-6)
    assert len(second) == len(first)


def test_an_accuracy_may_be_called_acc(log):
    log.write_text(LOG.replace("accuracy", "acc/top-1"))
    assert [y for _, _, y in plot_log.points(log, "Test accuracy")] == [0.0966, 0.97]


def test_a_log_without_the_curve_is_an_error_and_leaves_the_old_picture(log, tmp_path, capsys):
    log.write_text("\n".join(line for line in LOG.splitlines() if "Test" not in line))
    out = tmp_path / "chart.png"
    out.write_text("old")
    assert main(["plot_log", "0", str(out), str(log)]) == 1
    assert "nothing in this log is a test accuracy" in capsys.readouterr().err
    assert out.read_text() == "old"


def test_the_help_lists_the_chart_types(capsys):
    with pytest.raises(SystemExit):
        main(["plot_log", "-help"])
    out = capsys.readouterr().out
    assert "0: Test accuracy vs. Iters\n" in out
    assert "7: Train loss vs. Seconds\n" in out
