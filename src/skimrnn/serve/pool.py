"""A bounded number of threads with a bounded number of requests before them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class BusyError(Exception):
    """There is more to do than may wait."""


class BoundedPool:
    """Threads that do the reading, so that the event loop is free to answer.

    Args:
        workers: threads.
        waiting: calls that may wait for one.
        wait_s: seconds that a call may wait.
    """

    def __init__(self, workers: int, waiting: int, wait_s: float) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="skimrnn-serve")
        self._places = threading.BoundedSemaphore(workers + waiting)
        self._wait_s = wait_s

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, done in a thread.

        Raises:
            BusyError: if no place is free, or no thread was in time.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError
        future = self._threads.submit(work)
        # Not when the caller stops waiting: a thread that works takes its place all the same.
        future.add_done_callback(lambda _: self._places.release())
        late = False

        def give_up() -> None:
            # Work that has waited too long is not begun: its client has likely gone, and the
            # others behind it would wait for nothing. Work that has begun cannot be cancelled.
            nonlocal late
            late = future.cancel()

        timer = asyncio.get_running_loop().call_later(self._wait_s, give_up)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if late:
                raise BusyError from None
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """Wait for the work that was begun."""
        self._threads.shutdown()
