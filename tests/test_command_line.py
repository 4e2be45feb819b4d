"""How every command parses its arguments and ends."""

import os
import subprocess
import sys

import pytest

import caffe
import command_line


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError, caffe.CaffeError])
def test_an_error_of_the_users_is_one_line_and_status_1(capsys, error):
    def fails(path):
        raise error(f"{path}: no such file")

    assert command_line.run(fails, "a.jpg") == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: a.jpg: no such file\n")


@pytest.mark.parametrize("error", [RuntimeError, KeyError, KeyboardInterrupt])
def test_a_defect_or_an_interruption_is_raised_on(error):
    def fails():
        raise error

    with pytest.raises(error):
        command_line.run(fails)


def test_the_status_is_the_works_own():
    assert command_line.run(lambda: None) == 0
    assert command_line.run(int, "3") == 3


def test_help_shows_the_docstring_line_by_line():
    parser = command_line.parser("python -m x", "One.\n\n    python -m x FILE\n")
    assert "usage: python -m x" in parser.format_help()
    assert "\nOne.\n\n    python -m x FILE\n" in parser.format_help()


def test_a_users_error_does_not_wait_for_caffe():
    code = (
        "import sys, command_line\n"
        "assert command_line.run(open, 'no/such/file') == 1\n"
        "assert 'caffe' not in sys.modules and 'torch' not in sys.modules\n"
    )
    root = command_line.__file__.rpartition("/")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("asked", "shown"), [({}, []), ({"GLOG_minloglevel": "0"}, ["in the command", "behind it"])]
)
@pytest.mark.parametrize("imported", ["import caffe", ""])
def test_caffes_lines_are_for_those_who_ask_for_them(asked, shown, imported, tmp_path):
    code = f"""
import command_line
{imported}

def work():
    import caffe
    from pathlib import Path
    from solvers.progress import logging_to
    caffe.log("in the command")
    with logging_to(Path({str(tmp_path / "log.txt")!r})):
        caffe.log("in a run")
    caffe.log("behind it")

command_line.run(work)
"""
    root = command_line.__file__.rpartition("/")[0]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GLOG_")} | asked
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line.rpartition("] ")[2] for line in done.stderr.splitlines()] == shown
    assert (tmp_path / "log.txt").read_text() == "in a run\n"
