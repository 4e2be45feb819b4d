"""A queue before the nets: one picture is worked on, a stated number waits, others are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Result = TypeVar("Result")
Given = ParamSpec("Given")


class Full(Exception):
    """As many wait as may."""


class OneAtATime:
    """Runs works one after another in a thread of its own; `length` of them may wait."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._worker = ThreadPoolExecutor(1, "net")
        self._inside = 0

    @property
    def waiting(self) -> int:
        """How many wait, besides the one that is worked on."""
        return max(0, self._inside - 1)

    async def run(
        self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """work(*args, **kwargs), once all that came before are done; Full if too many wait.

        Cancelled while it waits, it is not begun.
        """
        if self._inside > self.length:
            raise Full(f"{self.length} pictures are waiting already; try again in a moment")
        self._inside += 1
        try:
            return await asyncio.wrap_future(self._worker.submit(work, *args, **kwargs))
        finally:
            self._inside -= 1
