"""A queue that is bounded, a batch that load makes, a deadline that holds."""

import asyncio
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.serving.batches import Batches
from pipeline.serving.problems import Problem


def batches(work: Any, **changes: Any) -> Batches[Any, Any]:
    bounds = {"most": 4, "waiting": 6, "deadline_s": 5.0, **changes}
    return Batches(work, "the model", **bounds)


async def during(made: Batches[Any, Any], do: Any) -> Any:
    made.start()
    try:
        return await do()
    finally:
        await made.stop()


def test_a_single_request_does_not_wait_for_others() -> None:
    sizes: list[int] = []
    made = batches(lambda items: [one * 2 for one in items], told=sizes.append)

    async def do() -> Any:
        return await made.ask(21)

    assert asyncio.run(during(made, do)) == 42
    assert sizes == [1]


def test_the_thread_that_worked_last_works_next() -> None:
    """Its processor has what it needs in its caches."""
    threads: list[str] = []
    made = batches(lambda items: [threads.append(threading.current_thread().name)], threads=3)

    async def do() -> None:
        for _ in range(6):
            await made.ask(0)

    asyncio.run(during(made, do))
    assert len(set(threads)) == 1


def test_threads_work_beside_each_other() -> None:
    together = threading.Barrier(3)

    def work(items: Sequence[int]) -> Sequence[int]:
        together.wait(5)
        return items

    made = batches(work, most=1, threads=3)

    async def do() -> Any:
        return await asyncio.gather(*(made.ask(one) for one in range(6)))

    assert asyncio.run(during(made, do)) == list(range(6))


def test_what_waits_becomes_a_batch_in_its_order() -> None:
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        begun.set()
        go.wait(5)
        return [one * 2 for one in items]

    made = batches(work, told=sizes.append)

    async def do() -> Any:
        first = asyncio.create_task(made.ask(0))
        await asyncio.to_thread(begun.wait, 5)
        others = [asyncio.create_task(made.ask(one)) for one in range(1, 7)]
        await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(during(made, do)) == [0, 2, 4, 6, 8, 10, 12]
    assert sizes == [1, 4, 2]


def test_beyond_the_queue_it_is_refused_at_once_and_says_when_to_try_again() -> None:
    begun, go = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> Sequence[int]:
        begun.set()
        go.wait(5)
        return items

    made = batches(work, waiting=2)

    async def do() -> Any:
        first = asyncio.create_task(made.ask(0))
        await asyncio.to_thread(begun.wait, 5)
        waiting = [asyncio.create_task(made.ask(one)) for one in (1, 2)]
        await asyncio.sleep(0)
        begun_at = time.monotonic()
        with pytest.raises(Problem) as refused:
            await made.ask(3)
        took = time.monotonic() - begun_at
        go.set()
        return refused.value, took, await asyncio.gather(first, *waiting)

    problem, took, answers = asyncio.run(during(made, do))
    assert (problem.status, problem.code, problem.retry_after) == (503, "overloaded", 1)
    assert took < 1
    assert answers == [0, 1, 2]


def test_a_request_that_waits_too_long_is_given_up_and_not_worked_on() -> None:
    seen: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> Sequence[int]:
        seen.extend(items)
        begun.set()
        go.wait(5)
        return items

    made = batches(work, deadline_s=0.1)

    async def do() -> None:
        first = asyncio.create_task(made.ask(0))
        await asyncio.to_thread(begun.wait, 5)
        for task in (first, asyncio.create_task(made.ask(1))):
            with pytest.raises(Problem) as late:
                await task
            assert (late.value.status, late.value.code) == (503, "deadline")
        go.set()
        assert await made.ask(2) == 2

    asyncio.run(during(made, do))
    assert seen == [0, 2]


def test_an_error_is_of_its_item_alone_and_one_of_the_work_of_its_batch() -> None:
    def work(items: Sequence[int]) -> list[Any]:
        if 9 in items:
            raise RuntimeError("all of it")
        return [ValueError("this one") if one == 1 else one for one in items]

    made = batches(work)

    async def do() -> None:
        assert await asyncio.gather(made.ask(0), made.ask(1), return_exceptions=True) != [0, 1]
        with pytest.raises(ValueError, match="this one"):
            await made.ask_all([0, 1, 2])
        with pytest.raises(RuntimeError, match="all of it"):
            await made.ask(9)
        assert await made.ask_all([0, 2]) == [0, 2]

    asyncio.run(during(made, do))


def test_more_than_may_wait_is_taken_whole_where_nothing_else_waits() -> None:
    made = batches(lambda items: items, waiting=2)

    async def do() -> Any:
        return await made.ask_all(list(range(50)))

    assert asyncio.run(during(made, do)) == list(range(50))


def test_what_was_answered_is_kept_no_longer() -> None:
    """An item names the model that is asked: while nothing else comes, it would keep it."""

    class Model:
        pass

    made = batches(lambda items: [0 for _ in items])

    async def do() -> Any:
        model = Model()
        await made.ask(model)
        kept = weakref.ref(model)
        del model
        await asyncio.sleep(0.05)
        return kept()

    assert asyncio.run(during(made, do)) is None
