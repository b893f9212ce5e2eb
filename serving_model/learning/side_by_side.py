"""Fits that do not depend on each other, on all cores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving_model.learning.blas import keep_blas_to_one_thread

Found = TypeVar("Found")


def side_by_side(tasks: Sequence[Callable[[], Found]]) -> list[Found]:
    """Runs tasks in threads, one for each core, and returns what they found, in order.

    TensorFlow and BLAS release Python's lock. BLAS keeps to one thread in each task.

    Args:
        tasks: That share nothing which one of them changes.
    """
    keep_blas_to_one_thread()
    with ThreadPoolExecutor(_cores()) as pool:
        return [one.result() for one in [pool.submit(task) for task in tasks]]


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
