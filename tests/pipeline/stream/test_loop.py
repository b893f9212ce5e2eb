"""The loop of the stream: ends when asked to, wakes when told to, and goes on when cut off."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest

from components.errors import NothingToPublish
from components.streaming.step import Step, Stream
from pipeline.stream.loop import CHANNEL, Done, Loop
from tests.components.conftest import FeedbackTables
from tests.components.streaming.streamed import run, stream, table, write, wrong_scores

ROOT = Path(__file__).parents[3]


@pytest.fixture
def world(migrated_database: str) -> FeedbackTables:
    made = FeedbackTables(migrated_database)
    write(made, *(f"ACC-{n}" for n in range(25)), ago=1)
    run(made)
    return made


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


@contextmanager
def going(pause_s: float) -> Iterator[Loop]:
    """A loop in a thread of its own, once it has scored everyone."""
    loop = Loop(stream(), pause_s=pause_s, patience_s=60, tell=lambda said: None)
    thread = threading.Thread(target=lambda: loop.run(once=False))
    thread.start()
    until(lambda: loop.total.due >= 25)
    yield loop
    loop.ending.set()
    thread.join(20)
    assert not thread.is_alive()


def test_once_does_what_is_there_and_ends(world: FeedbackTables) -> None:
    done = Loop(stream(), pause_s=60, patience_s=1, tell=print).run(once=True)
    assert (done.due, done.published, done.steps) == (25, 25, 3)
    expected = "25 scores published in 3 steps: 0 accounts wrote, and 25 more were due. Read up to"
    assert done.sentence().startswith(expected)
    said = Done(steps=1, published=1, wrote=1, due=2).sentence()
    assert said.startswith(
        "1 score published in 1 step: 1 account wrote, and 2 more were due. 2 of"
    )
    write(world, "ACC-3")
    assert Loop(stream(), pause_s=60, patience_s=1, tell=print).run(once=True).wrote == 1


def test_a_notification_ends_the_pause(world: FeedbackTables) -> None:
    with going(pause_s=600) as loop:
        time.sleep(0.5)
        write(world, "ACC-1")
        time.sleep(0.5)
        assert loop.total.wrote == 0
        world.execute(f"NOTIFY {CHANNEL}")
        until(lambda: loop.total.wrote == 1)
    assert not wrong_scores(world)


def test_the_trigger_of_the_docs_ends_the_pause(world: FeedbackTables) -> None:
    text = (ROOT / "docs" / "streaming.md").read_text("utf-8")
    world.execute(re.search(r"CREATE FUNCTION tell_tens_insight.*?(?=```)", text, re.S)[0])  # type: ignore[index]
    with going(pause_s=600) as loop:
        time.sleep(0.5)
        write(world, "ACC-1")
        until(lambda: loop.total.wrote == 1)


def test_connections_that_are_cut_are_opened_again(world: FeedbackTables) -> None:
    with going(pause_s=0.2):
        for account in ("ACC-1", "ACC-2"):
            world.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name "
                "LIKE 'tens-insight stream%%' AND datname = current_database()"
            )
            before = table(world)[account]
            write(world, account)
            until(lambda: table(world)[account] != before)  # noqa: B023 -- waits at once
    assert not wrong_scores(world)


class Slow(Stream):
    """Reads nothing, for a while, and notes when."""

    is_open = True

    def open(self) -> None:
        self.begun: list[float] = []

    def step(self) -> Step:
        self.begun.append(time.monotonic())
        time.sleep(0.7)
        return Step(datetime.now(timezone.utc), 0, 0, 0, 0, sweeping=False)

    def keep_up(self) -> None:
        return

    def close(self) -> None:
        return


@pytest.mark.parametrize("pause_s", [1.0, 0.5])
def test_what_a_step_takes_is_a_part_of_the_pause(
    pause_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loop, "_listening", lambda self: None)
    slow = Slow(*[None] * 3)  # type: ignore[arg-type]
    loop = Loop(slow, pause_s=pause_s, patience_s=1, tell=print)
    threading.Timer(1.5, loop.ending.set).start()
    loop.run(once=False)
    between = slow.begun[1] - slow.begun[0]
    assert max(pause_s, 0.7 + pause_s / 10) <= between < 0.7 + pause_s


def test_sigterm_ends_it_after_its_step(world: FeedbackTables) -> None:
    loop = Loop(stream(), pause_s=60, patience_s=60, tell=print)
    timer = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    timer.start()
    assert loop.run(once=False).published == 25
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_no_other_step_could_do_ends_it(migrated_database: str) -> None:
    write(FeedbackTables(migrated_database), "ACC-1", ago=1)
    with pytest.raises(NothingToPublish):
        Loop(stream(), pause_s=60, patience_s=60, tell=print).run(once=False)
