"""Background threads: order, how far ahead, errors, and that they end."""

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

from caffe import CaffeError
from caffe.feeding.prefetch import Batch, Prefetcher


def counting(size=3, until=None, broken=()):
    """Batch b is filled with b, an item a job; every now and then a job is slow."""

    def fill(tensor, number, i):
        time.sleep(0.002 * ((number * 7 + i * 5) % 3))
        if (number, i) in broken:
            raise CaffeError(f"item {i} of batch {number}")
        tensor[i] = number

    number = 0
    while number != until:
        tensor = torch.full((size,), -1.0)
        jobs = [lambda t=tensor, n=number, i=i: fill(t, n, i) for i in range(size)]
        number += 1
        yield Batch([tensor], jobs, {"item": number})
    raise CaffeError(f"there is no batch {number}")


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "caffe-prefetch"]


def wait_until(condition) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_batches_come_complete_and_in_order(ahead):
    prefetcher = Prefetcher(counting(), ahead)
    for number in range(20):
        batch = prefetcher.take()
        assert batch.tensors[0].tolist() == [number] * 3
        assert batch.position == {"item": number + 1}
    prefetcher.close()


def test_no_more_batches_are_begun_than_asked_for():
    begun = []

    def source():
        for number in range(100):
            begun.append(number)
            yield Batch([torch.zeros(1)], [lambda: None], {})

    prefetcher = Prefetcher(source(), 3)
    wait_until(lambda: len(begun) == 3)
    time.sleep(0.05)
    assert len(begun) == 3
    prefetcher.take()
    wait_until(lambda: len(begun) == 4)
    prefetcher.close()
    assert len(begun) == 4


def test_an_error_comes_when_its_batch_is_due_the_first_of_its_items_and_again():
    prefetcher = Prefetcher(counting(broken={(2, 1), (2, 2)}), 4)
    prefetcher.take()
    prefetcher.take()
    for _ in range(2):
        with pytest.raises(CaffeError, match="item 1 of batch 2"):
            prefetcher.take()
    prefetcher.close()


def test_an_error_of_the_source_comes_after_the_batches_before_it():
    prefetcher = Prefetcher(counting(until=2), 5)
    assert [prefetcher.take().tensors[0][0].item() for _ in range(2)] == [0, 1]
    for _ in range(2):
        with pytest.raises(CaffeError, match="there is no batch 2"):
            prefetcher.take()
    prefetcher.close()


def test_another_error_says_where_it_comes_from():
    def job():
        raise KeyError("x")

    prefetcher = Prefetcher(iter([Batch([], [job], {})] * 2), 1)
    with pytest.raises(RuntimeError, match=r"thread .* failed: KeyError\('x'\)"):
        prefetcher.take()
    prefetcher.close()


def test_threads_end_when_nobody_holds_the_prefetcher():
    before = len(threads())
    prefetcher = Prefetcher(counting(), 2)
    assert len(threads()) > before
    prefetcher.take()
    del prefetcher
    gc.collect()
    wait_until(lambda: len(threads()) <= before)


def test_the_interpreter_ends_while_threads_are_at_work():
    script = (
        "import numpy, torch\n"
        "from caffe.feeding.prefetch import Batch, Prefetcher\n"
        "def source():\n"
        "    while True:\n"
        "        a = numpy.zeros((1000, 1000))\n"
        "        yield Batch([torch.zeros(1)], [lambda: a.sum() and None] * 8, {})\n"
        "kept = Prefetcher(source(), 4)\n"
        "kept.take()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_many_threads_make_what_one_would(monkeypatch):
    monkeypatch.setattr("caffe.feeding.prefetch.THREADS", 8)
    made = Prefetcher(counting(size=16), 4)
    assert len(threads()) >= 8
    values = np.array([made.take().tensors[0].numpy() for _ in range(10)])
    np.testing.assert_array_equal(values, np.arange(10)[:, None].repeat(16, 1))
    made.close()
