"""Fits that do not depend on each other, on all cores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Found = TypeVar("Found")


def side_by_side(tasks: Sequence[Callable[[], Found]]) -> list[Found]:
    """Runs tasks in threads, one for each core, and returns what they found, in order.

    TensorFlow and BLAS release Python's lock. BLAS keeps to one thread in each task: threads
    of its own would wait for each other's cores, and its sums would depend on how many
    there are.

    Args:
        tasks: That share nothing which one of them changes.
    """
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(_cores()) as pool:
        return [one.result() for one in [pool.submit(task) for task in tasks]]


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
