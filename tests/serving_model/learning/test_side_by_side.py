"""Fits beside each other: in order, each with one thread of BLAS, and errors come out."""

import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from serving_model.learning.side_by_side import side_by_side


def _slowly(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def _blas_threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_answers_come_in_the_order_of_the_tasks() -> None:
    waits = (0.05, 0.0, 0.02, 0.01)
    assert side_by_side([functools.partial(_slowly, wait) for wait in waits]) == list(waits)


def test_tasks_run_in_threads_of_their_own() -> None:
    here = threading.get_ident()
    assert here not in side_by_side([threading.get_ident, threading.get_ident])


def test_blas_keeps_to_one_thread_although_another_thread_set_two() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    threadpool_limits(limits=2, user_api="blas")
    before = _blas_threads()
    assert before == [2] * len(before) != []
    with ThreadPoolExecutor(1) as pool:
        ((*inside,),) = pool.submit(side_by_side, [_blas_threads]).result()
    assert inside == _blas_threads() == [1] * len(before)


def test_an_error_of_a_task_is_raised() -> None:
    def fails() -> float:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        side_by_side([functools.partial(_slowly, 0.0), fails])
