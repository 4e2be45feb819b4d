"""caffe.core.log: glog lines on stderr, unless the script logs itself."""

import logging
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

import caffe
from caffe.core.log import OUR_LEVEL, glog, info, init_log, log

ROOT = Path(__file__).parents[2]
LOGGER = logging.getLogger("caffe")

# As tools/extra/extract_seconds.py and common parsers of solver logs read a line.
LINE = re.compile(r"([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{6}) +(\d+) ([\w.]+:\d+)\] (.*)")


@contextmanager
def plain_script():
    """Without pytest's handlers, "caffe" as at its import.

    As a decorator: pytest's handlers come after the fixtures.
    """
    root = logging.getLogger()
    before = [(logger, logger.handlers, logger.level) for logger in (root, LOGGER)]
    root.handlers, LOGGER.handlers = [], list(LOGGER.handlers)
    LOGGER.setLevel(OUR_LEVEL)
    try:
        yield
    finally:
        for logger, handlers, level in before:
            logger.handlers = handlers
            logger.setLevel(level)


@plain_script()
def test_a_line_is_glogs(capsys):
    before = datetime.now()
    info("solver.cpp:239", "Iteration %d, loss = %g", 100, 0.25)
    match = LINE.fullmatch(capsys.readouterr().err.rstrip("\n"))
    letter, month, day, clock, thread, source, message = match.groups()
    assert (letter, source, message) == ("I", "solver.cpp:239", "Iteration 100, loss = 0.25")
    assert int(thread) == threading.get_native_id()
    year = before.year
    then = datetime.strptime(f"{year}{month}{day} {clock}", "%Y%m%d %H:%M:%S.%f")
    assert before <= then <= datetime.now()


@pytest.mark.parametrize(
    ("level", "letter"), [("info", "I"), ("warning", "W"), ("error", "E"), ("critical", "F")]
)
@plain_script()
def test_the_letter_is_the_level_and_the_source_is_the_callers_by_default(capsys, level, letter):
    getattr(LOGGER, level)("100%%")
    match = LINE.fullmatch(capsys.readouterr().err.rstrip("\n"))
    assert match[1] == letter
    assert re.fullmatch(r"test_log\.py:\d+", match[6])


@plain_script()
def test_log_takes_any_text_and_names_its_caller(capsys):
    log("50% done")
    match = LINE.fullmatch(capsys.readouterr().err.rstrip("\n"))
    assert match[7] == "50% done"
    assert match[6].startswith("test_log.py:")


@pytest.mark.parametrize("value", ["1", "2"])
@plain_script()
def test_minloglevel_silences_what_is_below(capsys, monkeypatch, value):
    monkeypatch.setenv("GLOG_minloglevel", value)
    LOGGER.info("no")
    LOGGER.warning("maybe")
    LOGGER.error("yes")
    err = capsys.readouterr().err
    assert [line.split()[-1] for line in err.splitlines()] == ["maybe", "yes"][int(value) - 1 :]


@plain_script()
def test_a_script_with_a_handler_of_its_own_gets_the_records_and_stderr_nothing(capsys):
    got = []
    handler = logging.Handler()
    handler.emit = lambda record: got.append(record.getMessage())
    for logger in (LOGGER, logging.getLogger()):
        logger.addHandler(handler)
        LOGGER.info("once")
        logger.removeHandler(handler)
        assert got == (["once"] if logger is LOGGER else []), "the root logger wants warnings only"
        got.clear()
    logging.getLogger().addHandler(handler)
    LOGGER.setLevel(logging.INFO)  # the script asks for more of Caffe than of others
    LOGGER.info("twice")
    assert got == ["twice"]
    assert capsys.readouterr().err == ""
    logging.getLogger().removeHandler(handler)
    LOGGER.info("again")
    assert capsys.readouterr().err.endswith("again\n"), "nobody else logs any more"


@plain_script()
def test_init_log_to_stderr_writes_each_line_once_from_its_level_on(capsys):
    for _ in range(2):  # calling it again replaces
        init_log(1, True)
    LOGGER.info("no")
    LOGGER.warning("yes")
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()] == ["yes"]


@plain_script()
def test_init_log_without_stderr_leaves_errors_there_and_writes_a_file_where_asked(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("GLOG_log_dir", str(tmp_path))
    init_log()
    LOGGER.info("in the file")
    LOGGER.error("in both")
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()] == ["both"]
    text = (tmp_path / "caffe.INFO").read_text()
    assert [LINE.fullmatch(line)[7] for line in text.splitlines()[3:]] == ["in the file", "in both"]
    assert (tmp_path / "caffe.INFO").resolve().name.startswith("caffe.")


@plain_script()
def test_a_log_dir_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(caffe.CaffeError, match="GLOG_log_dir"), glog(log_dir=tmp_path / "no"):
        pass


def test_glog_writes_in_its_block_and_leaves_no_trace(capsys):
    """Also under pytest, whose root logger has handlers."""
    before = (list(LOGGER.handlers), LOGGER.level)
    with glog():
        LOGGER.info("inside")
    LOGGER.info("outside")
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()] == ["inside"]
    assert (LOGGER.handlers, LOGGER.level) == before


@pytest.mark.parametrize(
    ("setup", "expected"),
    [
        (lambda: None, 1),
        (lambda: logging.basicConfig(level=logging.INFO), 1),
        (lambda: logging.basicConfig(), 0),
        (lambda: LOGGER.setLevel(logging.WARNING), 0),
        (lambda: init_log(0, True), 1),
    ],
    ids=["nothing", "root at info", "root at warning", "caffe at warning", "init_log"],
)
@plain_script()
def test_a_line_comes_once_or_as_the_script_says(capsys, setup, expected):
    setup()
    LOGGER.info("hello")
    assert capsys.readouterr().err.count("hello") == expected


def test_a_plain_script_needs_no_setting_up(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import caffe\ncaffe.log('hi')")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script], env=env, capture_output=True, text=True, check=True
    )
    match = LINE.fullmatch(done.stderr.rstrip("\n"))
    assert match[6] == "script.py:2"
    assert match[7] == "hi"
