"""The ranks as one: what they exchange, how they meet, and how one is lost."""

import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from support import ranks
from support.ranks import on_ranks
from support.small_nets import digits, lenet_solver

from caffe import CaffeError
from caffe.distributed import rendezvous, watch
from caffe.distributed.reducer import BUCKET, buckets


def test_each_kind_of_exchange():
    for found in on_ranks(3, ranks.exchanged):
        assert found == [[3, 3], ["rank 0", "rank 1", "rank 2"], 5, [0, 0, 0]]


def test_what_is_large_travels_alone_and_what_is_small_together():
    large, small = BUCKET // 4, 1000
    assert buckets([small, small, large, 0, small, small]) == [[5, 4], [2], [1, 0]]
    assert buckets([large - 1, 1, 1]) == [[2, 1], [0]]
    assert buckets([]) == buckets([0]) == []


# Who is lost.


@pytest.mark.slow
def test_a_rank_that_hangs_is_named_and_the_others_stop(tmp_path):
    began = time.monotonic()
    processes, pipes = ranks.start(
        2, ranks._in_group, rendezvous.new_uid(), 2, ranks.hang, (tmp_path / "heard",)
    )
    processes[0].join(60)
    assert processes[0].exitcode == 1
    assert time.monotonic() - began < 30
    processes[1].kill()
    assert ranks.outcomes(processes, pipes) == [None, None]
    heard = (tmp_path / "heard").read_text()
    (line,) = [line for line in heard.splitlines() if line.startswith("error")]
    assert re.match(r"error: rank 1 \(process \d+ on .+\) hangs: it has done nothing for", line)


def test_the_others_hear_why_a_rank_stops():
    others, own = on_ranks(2, ranks.stop)
    assert others == "rank 1 has stopped: the disk is full"
    assert own.startswith("the disk is full")


@pytest.mark.parametrize(("words", "speak"), [("aa", [False, True]), ("ab", [True, True])])
def test_an_error_that_all_ranks_have_is_said_by_one_that_names_itself(words, speak):
    found = ranks.outcomes(*ranks.start(2, ranks.fail, rendezvous.new_uid(), words))
    assert found == [(speaks, f"rank {rank}: ") for rank, speaks in enumerate(speak)]


def test_a_process_of_this_machine_that_runs_is_not_given_up_as_one_that_is_stopped():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        pid = str(process.pid)
        assert watch._state(pid) == watch.RUNS
        process.send_signal(signal.SIGSTOP)
        await_(lambda: watch._state(pid) == "")
        process.kill()
        await_(lambda: watch._state(pid) == watch.GONE)
    assert watch._state(pid) == watch.GONE


def await_(happens):
    until = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.01)


# Who never comes.


def test_a_rank_that_does_not_arrive_is_named():
    processes, pipes = ranks.start(1, ranks.arrive, rendezvous.new_uid(), 3)
    (error,) = ranks.outcomes(processes, pipes)
    assert error.startswith("rank(s) 1, 2 of 3 have not arrived within 1 s")


def test_a_port_in_use_is_an_error_of_rank_0():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (error,) = ranks.outcomes(*ranks.start(1, ranks.arrive, address, 2))
    assert error.startswith(f"rank 0 cannot listen at {address} ")
    assert "the port is in use" in error


def test_the_environment_names_a_place(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert rendezvous.from_environment() is None
    for name, value in (("RANK", "3"), ("WORLD_SIZE", "4")):
        monkeypatch.setenv(name, value)
    with pytest.raises(CaffeError, match="RANK=3, WORLD_SIZE=4, MASTER_ADDR=, MASTER_PORT="):
        rendezvous.from_environment()
    monkeypatch.setenv("MASTER_ADDR", "node0")
    monkeypatch.setenv("MASTER_PORT", "29500")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert rendezvous.from_environment() == rendezvous.Place(3, 4, "node0", 29500, local_rank=1)
    monkeypatch.setenv("RANK", "4")
    with pytest.raises(CaffeError, match="no place in a run"):
        rendezvous.from_environment()
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert rendezvous.from_environment() is None


# Who sees something else.


@pytest.mark.slow
def test_what_the_ranks_see_differently_is_named_with_both_values(tmp_path):
    one = digits(tmp_path)
    (tmp_path / "more").mkdir()
    other = digits(tmp_path / "more", 22)
    first = lenet_solver(one, tmp_path / "s")
    found = on_ranks(2, ranks.join_with, [first, first.replace("base_lr: 0.01", "base_lr: 0.1")])
    assert found[0] == found[1]
    assert re.match(
        r"the ranks differ in the solver's prototxt: rank 0 has \d+ characters, digest \w+, rank 1 "
        r"has \d+ characters, digest \w+; give all of them",
        found[0],
    )
    link = tmp_path / "link"
    link.symlink_to(one)
    found = on_ranks(2, ranks.join_linked, lenet_solver(link, tmp_path / "s"), link, other)
    assert found[0] == found[1]
    assert found[0].startswith(
        "the ranks differ in the data of layer 'data' of the training net: rank 0 has 23 records"
    )
    assert "rank 1 has 22 records" in found[0]


def test_weights_that_a_rank_changes_are_found_at_the_next_snapshot(tmp_path):
    found = on_ranks(2, ranks.differ_later, lenet_solver(digits(tmp_path), tmp_path / "s"))
    for error in found:
        assert error.startswith("the ranks differ in the digest of the weights: rank 0 has ")
    assert not [*tmp_path.glob("s_iter*")]


@pytest.mark.parametrize("passes", [5, 1])
def test_a_test_that_ranks_share_says_what_one_alone_says(tmp_path, passes):
    more = f"test_iter: {passes} test_interval: 4"
    text = lenet_solver(digits(tmp_path), tmp_path / "s", more=more)
    alone = ranks.tested(None, text)
    assert len(alone) == 3
    for found in on_ranks(2, ranks.tested, text):
        assert found == alone
