"""Requests that wait are put together: the more of them wait, the larger the batch.

Nothing is waited for to fill a batch. What comes while a batch is worked on waits, and is the next
one; so a single request is as fast as it can be, and load makes batches by itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from pipeline.serving.problems import overloaded, too_late

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """A bounded queue before some threads, each of which works on one batch at a time.

    Args:
        work: From n items to n results, in their order; a result that is an exception is raised
            for its item alone. Called in a thread.
        what: That does the work, for messages.
        most: Largest batch.
        waiting: Items that may wait.
        deadline_s: Seconds until an item is given up.
        threads: Batches that are worked on at once.
        told: Is told the size of each batch.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        what: str,
        *,
        most: int,
        waiting: int,
        deadline_s: float,
        threads: int = 1,
        told: Callable[[int], None] = lambda size: None,
    ):
        self._work, self._what, self._most, self._told = work, what, most, told
        self._waiting, self._deadline_s = waiting, deadline_s
        self._queue: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        """Threads without work: the one that worked last gets it, whose processor knows it yet."""
        self._pools = [
            ThreadPoolExecutor(1, thread_name_prefix=f"serve {what} {number}")
            for number in range(threads)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Items that wait."""
        return len(self._queue)

    def start(self) -> None:
        """Begins to work; inside of the event loop."""
        self._tasks = [asyncio.create_task(self._run(pool)) for pool in self._pools]

    async def stop(self) -> None:
        """Ends the work; what waits is never answered."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._idle.clear()
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)

    async def ask(self, item: Item) -> Result:
        """Waits for the result of an item.

        Raises:
            Problem: Too many wait, or the deadline is over.
        """
        (result,) = await self.ask_all([item])
        return result

    async def ask_all(self, items: Sequence[Item]) -> list[Result]:
        """Waits for the results of several items, in their order; all or none of them wait.

        Raises:
            Problem: Too many wait, or the deadline is over.
            Exception: What the first item has for a result that has one.
        """
        results = await self.ask_each(items)
        failed = [one for one in results if isinstance(one, Exception)]
        if failed:
            raise failed[0]
        return [one for one in results if not isinstance(one, Exception)]

    async def ask_each(self, items: Sequence[Item]) -> list[Result | Exception]:
        """Waits for several results as ask_all does; what an item fails with is its result.

        Raises:
            Problem: Too many wait, or the deadline is over.
        """
        if not items:
            return []
        # What is asked for at once may be more than may wait, but only where nothing else does.
        if self.waiting and self.waiting + len(items) > self._waiting:
            raise overloaded(self._what)
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in items]
        self._queue.extend(zip(items, futures, strict=True))
        for _ in range(min(len(items), len(self._idle))):
            self._idle.pop().set_result(None)
        try:
            _, late = await asyncio.wait(futures, timeout=self._deadline_s)
        finally:
            lost = [one for one in futures if one.cancel()]  # nobody waits for them any more
        if late or lost:
            raise too_late(self._what, self._deadline_s)
        return [_result_of(one) for one in futures]

    async def _run(self, pool: ThreadPoolExecutor) -> None:
        while True:  # without a name for a batch, which would keep its model until the next one
            await self._work_on(await self._next(), pool)

    async def _next(self) -> "list[tuple[Item, asyncio.Future[Result]]]":
        """Waits for an item, and returns all that wait by then, but those that were given up."""
        while not self._queue:
            work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(work)
            await work
        batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
        return [one for one in batch if not one[1].done()]

    async def _work_on(
        self, batch: "list[tuple[Item, asyncio.Future[Result]]]", pool: ThreadPoolExecutor
    ) -> None:
        if not batch:
            return
        self._told(len(batch))
        results: Sequence[Any]
        try:
            items = [item for item, _ in batch]
            loop = asyncio.get_running_loop()
            results = await loop.run_in_executor(pool, self._work, items)
        except Exception as error:
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


def _result_of(future: "asyncio.Future[Result]") -> Result | Exception:
    error = future.exception()
    if error is None:
        return future.result()
    assert isinstance(error, Exception)
    return error
