"""Three stages at once: while an item is worked on, the next is read and the last one finished."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")
Worked = TypeVar("Worked")
Finished = TypeVar("Finished")


def pipeline(
    items: Sequence[Item],
    read: Callable[[Item], Read],
    work: Callable[[Read], Worked],
    finish: Callable[[Item, Worked | Exception], Finished],
) -> Iterator[Finished]:
    """finish(item, work(read(item))) of each item, in their order.

    work runs in the caller's thread, read and finish have a thread each, and no stage is more than
    an item ahead of the next. What read or work raises is given to finish in a result's place; what
    finish raises is raised here. However this ends, what finish has begun it ends.
    """
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "finish") as finisher:
        unread = iter(items)
        ahead = deque(reader.submit(read, item) for item in islice(unread, 1))
        behind: deque[Future[Finished]] = deque()
        for item in items:
            ahead.extend(reader.submit(read, following) for following in islice(unread, 1))
            behind.append(finisher.submit(finish, item, _outcome(work, ahead.popleft())))
            if len(behind) > 1:
                yield behind.popleft().result()
        for finished in behind:
            yield finished.result()


def _outcome(work: Callable[[Read], Worked], ready: Future[Read]) -> Worked | Exception:
    try:
        return work(ready.result())
    except Exception as error:
        return error
