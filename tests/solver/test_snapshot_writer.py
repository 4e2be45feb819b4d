"""Snapshots written while training goes on: what is in the files, when, and what if it fails."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from support.snapshots import FORMATS, contents, make

import caffe
from caffe.core import host_memory
from caffe.solver import snapshot
from caffe.storage import caffemodel
from caffe.storage.content import host_copier

WAIT = 60  # seconds after which a thread that waits in vain fails


def in_background():
    return threading.current_thread() is not threading.main_thread()


def writers():
    return [thread for thread in threading.enumerate() if thread.name == "caffe-snapshot"]


@pytest.fixture
def go(monkeypatch):
    """An event; what is written in the background waits for it."""
    event, write = threading.Event(), snapshot.write

    def held(taken):
        if in_background():
            assert event.wait(WAIT), "training did not go on"
        return write(taken)

    monkeypatch.setattr(snapshot, "write", held)
    return event


def at(solver, iteration, do):
    """Call do() before the passes of an iteration, once."""
    waiting = [do]

    def on_start():
        if solver.iter == iteration and waiting:
            waiting.pop()()

    solver.add_callback(on_start, lambda: None)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("snapshot_format", FORMATS)
@pytest.mark.parametrize("diff", ["", "snapshot_diff: true"])
def test_files_are_those_of_their_iteration_though_training_goes_on(
    tmp_path, go, snapshot_format, diff
):
    """To the byte what a script that stops at these iterations writes."""
    caffe.set_random_seed(3)
    scripted = make(tmp_path, snapshot_format=snapshot_format, more=diff)
    for _ in range(3):
        scripted.step(2)
        scripted.snapshot()
    expected = files(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    caffe.set_random_seed(3)
    solver = make(tmp_path, snapshot_format=snapshot_format, more=f"snapshot: 2 {diff}")
    at(solver, 3, lambda: go.set() if not any(tmp_path.iterdir()) else None)
    solver.step(6)
    assert len(expected) == 6
    assert files(tmp_path) == expected


def test_what_an_action_asks_for_is_written_meanwhile_too(tmp_path, go):
    solver = make(tmp_path)
    solver.set_action_function(lambda: "snapshot" if solver.iter == 1 else None)
    at(solver, 3, go.set)
    solver.step(4)
    assert caffemodel.read_state(tmp_path / "s_iter_1.solverstate").iter == 1


@pytest.mark.parametrize("begin", ["step", "solve"])
def test_training_returns_once_everything_is_written(tmp_path, go, begin):
    solver = make(tmp_path, more="snapshot: 5 snapshot_after_train: false")

    def action():  # the last thing in the last iteration
        if solver.iter == 7:
            assert not any(tmp_path.iterdir())
            go.set()

    solver.set_action_function(action)
    solver.step(7) if begin == "step" else solver.solve()
    assert not writers()
    assert sorted(files(tmp_path)) == ["s_iter_5.caffemodel", "s_iter_5.solverstate"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_whatever_ends_training_the_snapshot_is_written(tmp_path, go, error):
    solver = make(tmp_path, more="snapshot: 2")

    def interrupt():
        go.set()
        raise error

    at(solver, 3, interrupt)
    with pytest.raises(error):
        solver.step(7)
    assert not writers()
    make(tmp_path).restore(tmp_path / "s_iter_2.solverstate")


def test_ctrl_c_in_the_wait_for_a_snapshot_leaves_it_to_be_written(tmp_path, go, monkeypatch):
    solver = make(tmp_path, more="snapshot: 2")
    wait, presses = threading.Event.wait, []

    def interrupted(event, timeout=None):
        if presses and not in_background():
            raise presses.pop()
        return wait(event, timeout)

    def press_twice():
        presses.append(KeyboardInterrupt("second"))
        raise KeyboardInterrupt("first")

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    at(solver, 3, press_twice)
    with pytest.raises(KeyboardInterrupt, match="second"):
        solver.step(7)
    assert not any(tmp_path.iterdir())
    (thread,) = writers()
    assert not thread.daemon  # the end of the interpreter waits for it
    go.set()
    solver.snapshot()
    for iteration in (2, 3):
        assert caffemodel.read_state(tmp_path / f"s_iter_{iteration}.solverstate").iter == iteration


def test_a_run_that_is_stopped_by_an_action_leaves_its_snapshots(tmp_path, go):
    solver = make(tmp_path, more="snapshot: 2")

    def action():
        if solver.iter == 3:
            go.set()
            return "stop"
        return None

    solver.set_action_function(action)
    solver.solve()
    for iteration in (2, 3):
        assert caffemodel.read_state(tmp_path / f"s_iter_{iteration}.solverstate").iter == iteration


def test_a_snapshot_waits_for_the_one_before(tmp_path, monkeypatch):
    write, written, asked = snapshot.write, [], threading.Event()

    def one_by_one(taken):
        if taken.state.iter == 1:
            assert asked.wait(WAIT)
        assert len(written) == taken.state.iter - 1
        write(taken)
        written.append((taken.state.iter, in_background()))

    monkeypatch.setattr(snapshot, "write", one_by_one)
    solver = make(tmp_path, more="snapshot: 1")
    solver.set_action_function(lambda: asked.set() if solver.iter == 2 else None)
    solver.step(4)
    # The last one has nothing to go on beside it.
    assert written == [(1, True), (2, True), (3, True), (4, False)]


def test_a_script_finds_the_files_when_its_snapshot_returns_and_those_before(tmp_path, go):
    solver = make(tmp_path, more="snapshot: 2")

    def script():
        go.set()
        state = solver.snapshot()
        assert Path(state).exists()
        assert (tmp_path / "s_iter_2.solverstate").exists()

    at(solver, 3, script)
    solver.step(4)
    assert (tmp_path / "s_iter_3.solverstate").exists()


def test_a_solver_may_go_back_to_a_snapshot_that_is_being_written(tmp_path, go):
    solver = make(tmp_path, more="snapshot: 2")
    kept = []
    at(solver, 2, lambda: kept.extend(contents(solver)))

    def back():
        go.set()
        solver.restore(tmp_path / "s_iter_2.solverstate")
        for ours, theirs in zip(contents(solver), kept, strict=True):
            assert np.array_equal(ours, theirs)

    at(solver, 3, back)
    solver.step(4)
    assert solver.iter == 4


# Errors.


def no_folder(solver, folder):
    """From now on the solver's snapshots are to go below a file, where there is no room."""
    (folder / "file").write_bytes(b"")
    solver.param.snapshot_prefix = str(folder / "file" / "s")


def test_an_error_is_raised_by_the_iteration_that_finds_it_and_once(tmp_path):
    solver = make(tmp_path, more="snapshot: 2")
    no_folder(solver, tmp_path)
    at(solver, 2, lambda: [thread.join() for thread in writers()])
    with pytest.raises(caffe.CaffeError, match=r"file/s_iter_2\.caffemodel: cannot be written"):
        solver.step(7)
    assert solver.iter <= 3
    solver.param.snapshot_prefix = str(tmp_path / "s")
    solver.step(2)
    assert (tmp_path / "s_iter_4.solverstate").exists()


@pytest.mark.parametrize("error", [OSError("a disk"), MemoryError(), ZeroDivisionError("a bug")])
def test_no_error_of_the_thread_is_lost(tmp_path, monkeypatch, error):
    def fail(taken):
        raise error

    monkeypatch.setattr(snapshot, "write", fail)
    solver = make(tmp_path, more="snapshot: 2")
    with pytest.raises(type(error)) as caught:
        solver.step(3)
    assert caught.value is error


def test_an_error_does_not_hide_the_one_that_ends_training(tmp_path, go, caplog):
    solver = make(tmp_path, more="snapshot: 2")
    no_folder(solver, tmp_path)

    def interrupt():
        go.set()
        raise KeyboardInterrupt

    at(solver, 2, interrupt)
    with pytest.raises(KeyboardInterrupt):
        solver.step(7)
    (record,) = (r for r in caplog.records if r.levelname == "ERROR")
    assert "s_iter_2.caffemodel: cannot be written" in record.getMessage()


# Memory.


def test_without_memory_for_a_copy_the_snapshot_is_written_at_once(tmp_path, monkeypatch):
    solver = make(tmp_path, more="snapshot: 2")
    write, threads = snapshot.write, []

    def noted(taken):
        threads.append(in_background())
        write(taken)

    monkeypatch.setattr(snapshot, "write", noted)
    needed = snapshot.size(solver._taken())
    assert needed == sum(blob.nbytes for blob in contents(solver))
    monkeypatch.setattr(host_memory, "free", lambda: needed - 1)
    at(solver, 2, lambda: caffemodel.read_state(tmp_path / "s_iter_2.solverstate"))
    solver.step(3)
    assert threads == [False]


def test_a_snapshot_takes_no_memory_for_a_history_that_is_zero_still(tmp_path):
    solver = make(tmp_path)
    state = caffemodel.read_state(solver.snapshot())
    assert all(blob._data.untouched for blob in solver.history)
    assert not any(blob.values.any() for blob in state.history)


def test_what_is_shared_is_copied_once():
    first, second = torch.arange(6.0).view(2, 3), torch.ones(2, 3)
    copy = host_copier()
    copies = [copy(tensor) for tensor in (first, first, second, first.t())]
    for ours, theirs in zip(copies, (first, first, second, first.t()), strict=True):
        assert torch.equal(ours, theirs)
    assert copies[0] is copies[1]
    assert len({c.data_ptr() for c in (first, second, *copies)}) == 5


def test_a_tensor_that_takes_the_place_of_another_is_not_taken_for_it():
    copy = host_copier()
    assert [float(copy(torch.full((1000,), i))[0]) for i in range(20)] == list(range(20))


def test_writing_leaves_the_umask_alone(tmp_path, monkeypatch):
    """It is every thread's: files that another one makes meanwhile would be open to all."""
    monkeypatch.setattr(os, "umask", None)
    make(tmp_path).snapshot()
