"""Laws of infer.pipeline: order, what runs at the same time, errors, and that work is ended."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infer import pipeline

TIMEOUT = 60  # seconds after which a thread that should be there is missed


def keep(item, outcome):
    return item, outcome


def refuse(bad):
    def stage(item):
        if item in bad:
            raise ValueError(f"no {item}")
        return item

    return stage


@given(st.lists(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_every_item_is_read_worked_on_and_finished_in_order_an_error_in_a_results_place(
    items, unreadable, unworkable
):
    found = list(pipeline(items, refuse(unreadable), refuse(unworkable), keep))
    assert [item for item, _ in found] == items
    for item, outcome in found:
        if item in unreadable | unworkable:
            assert isinstance(outcome, ValueError)
            assert str(outcome) == f"no {item}"
        else:
            assert outcome == item


def test_an_item_is_worked_on_while_the_next_is_read_and_the_last_finished():
    read, finished = ([threading.Event() for _ in range(5)] for _ in range(2))

    def work(item):
        assert item == 4 or read[item + 1].wait(TIMEOUT)
        assert item == 0 or finished[item - 1].wait(TIMEOUT)
        assert threading.current_thread() is threading.main_thread()
        return item

    def marks(events):
        return lambda item, outcome=None: events[item].set() or outcome

    results = list(pipeline(range(5), lambda i: marks(read)(i, i), work, marks(finished)))
    assert results == [0, 1, 2, 3, 4]


def test_no_stage_is_more_than_an_item_ahead_of_the_next():
    begun, finished = [], []

    def read(item):
        begun.append(item)
        return item

    def work(item):
        return item, len(begun) <= item + 2 and len(finished) >= item - 1

    def finish(item, outcome):
        finished.append(item)
        return outcome

    assert list(pipeline(range(20), read, work, finish)) == [(i, True) for i in range(20)]


def test_an_error_of_the_last_stage_is_raised():
    def finish(item, outcome):
        if item == 2:
            raise OSError("full")
        return item

    found = pipeline(range(5), int, int, finish)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(OSError, match="full"):
        next(found)


def test_after_an_interruption_what_was_being_finished_is_finished():
    begun, finished = threading.Event(), []

    def work(item):
        if item == 1:
            assert begun.wait(TIMEOUT)
            raise KeyboardInterrupt
        return item

    def finish(item, outcome):
        begun.set()
        finished.append(item)

    with pytest.raises(KeyboardInterrupt):
        list(pipeline(range(3), int, work, finish))
    assert finished == [0]
    assert not [t for t in threading.enumerate() if t.name.startswith(("read_", "finish_"))]
