"""What killed writes leave is removed, and what others still write is not."""

import os
import signal
import subprocess
import sys

import pytest

from caffe.core.files import remove_leftovers, replacing
from caffe.solver import snapshot_files


def test_leftovers_of_the_name_are_removed_and_nothing_else(tmp_path):
    names = [".a.txt.0123abcd", ".a.txt.0123abcz", ".b.txt.0123abcd", "a.txt", ".a.txt"]
    for name in names:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, r"a\.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
    remove_leftovers(tmp_path / "nowhere", "a")


def test_what_is_being_written_stays(tmp_path):
    with replacing(tmp_path / "a.txt") as file:
        file.write(b"whole")
        remove_leftovers(tmp_path, r"a\.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"whole"


def test_a_solver_removes_what_killed_snapshots_have_left(tmp_path):
    left = [".s_iter_4.caffemodel.0123abcd", ".s_iter_4.solverstate.h5.0123abcd"]
    others = [".t_iter_4.caffemodel.0123abcd", "s_iter_4.caffemodel"]
    for name in (*left, *others):
        (tmp_path / name).touch()
    snapshot_files.remove_leftovers(tmp_path / "s")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such kill")
def test_a_killed_write_leaves_a_file_without_a_lock(tmp_path):
    program = (
        "import os, sys; from caffe.core.files import replacing\n"
        f"with replacing({str(tmp_path / 'a.txt')!r}) as file:\n"
        "    print('there', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", program], **pipes, cwd=os.getcwd())
    assert process.stdout.readline() == b"there\n"
    remove_leftovers(tmp_path, r"a\.txt")
    assert len(list(tmp_path.iterdir())) == 1
    process.kill()
    process.communicate()
    remove_leftovers(tmp_path, r"a\.txt")
    assert not list(tmp_path.iterdir())
