"""Work of later nodes that is begun early."""

import threading

import pytest

from components import ahead


def fail() -> int:
    raise ValueError("no server")


def test_what_was_begun_is_taken_once() -> None:
    done: list[str] = []

    def work() -> int:
        done.append(threading.current_thread().name)
        return len(done)

    with ahead.followed_by([lambda made: [((made, "piece"), work)]]):
        ahead.begin("run")
        assert ahead.taken(("run", "piece"), work) == 1
        assert done == ["ahead"]
        assert ahead.taken(("run", "piece"), work) == 2
    assert done == ["ahead", threading.current_thread().name]


def test_who_takes_waits_for_work_that_goes_on() -> None:
    go_on = threading.Event()
    with ahead.followed_by([lambda made: [("piece", lambda: go_on.wait(30))]]):
        ahead.begin("run")
        threading.Timer(0.05, go_on.set).start()
        assert ahead.taken("piece", lambda: pytest.fail("not waited for")) is True


def test_work_that_failed_is_done_by_who_takes_it() -> None:
    with ahead.followed_by([lambda made: [("piece", fail), ("next", lambda: 7)]]):
        ahead.begin("run")
        assert ahead.taken("piece", lambda: 5) == 5
        assert ahead.taken("next", fail) == 7
        ahead.begin("run")
        with pytest.raises(ValueError, match="no server"):
            ahead.taken("piece", fail)


def test_nothing_is_begun_where_no_node_follows() -> None:
    begun: list[int] = []
    with ahead.followed_by([lambda made: [("piece", lambda: begun.append(1))]]):
        pass
    ahead.begin("run")
    assert ahead.taken("piece", lambda: "here") == "here"
    assert begun == []


def test_what_nobody_took_is_gone_with_the_run() -> None:
    with ahead.followed_by([lambda made: [("piece", lambda: "former run")]]):
        ahead.begin("run")
    assert ahead.taken("piece", lambda: "this run") == "this run"


def test_the_end_of_a_run_stops_and_waits_for_what_nobody_takes() -> None:
    begun, steps = threading.Event(), 0
    later: list[int] = []

    def work() -> None:
        nonlocal steps
        begun.set()
        while True:
            ahead.require_wanted()
            steps += 1

    with ahead.followed_by([lambda made: [("long", work), ("next", lambda: later.append(1))]]):
        ahead.begin("run")
        assert begun.wait(30)
    assert not [one for one in threading.enumerate() if one.name == "ahead"]
    assert steps > 0
    assert later == []


def test_the_thread_does_not_hold_back_the_end_of_the_process() -> None:
    found: list[bool] = []
    with ahead.followed_by(
        [lambda made: [("piece", lambda: found.append(threading.current_thread().daemon))]]
    ):
        ahead.begin("run")
        ahead.taken("piece", fail)
    assert found == [True]


def test_what_is_left_aside_holds_nobody_up_and_has_ended_with_the_run() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait(30)
        ended.set()

    with ahead.followed_by([lambda made: []]):
        ahead.aside(work)
        assert not ended.is_set()
        go_on.set()
    assert ended.is_set()


def test_nothing_is_left_aside_where_no_node_follows() -> None:
    done: list[str] = []
    ahead.aside(lambda: done.append(threading.current_thread().name))
    assert done == [threading.current_thread().name]
