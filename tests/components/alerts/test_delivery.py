"""Deliveries: in order, none for longer than it may take, a sink that fails alone."""

import threading
import time
from datetime import timedelta

import pytest

from components.alerts.alert import Alert
from components.alerts.delivery import deliver, refresh
from components.alerts.message import Message
from components.alerts.outbox import Outcome, delay
from components.alerts.spool import Spool, SpoolLedger
from components.sinks import SinkFailed
from tests.components.alerts.conftest import message


class Recorder:
    """A sink that keeps what it gets; `fails` says what becomes of each message."""

    forgets = True

    def __init__(self, name, fails=lambda count: None):
        self.name, self.sent, self.again, self._fails = name, [], [], fails

    def send(self, message):
        self.sent.append((message.alert.kind, message.event))
        if problem := self._fails(len(self.sent)):
            raise problem

    def refresh(self, standing):
        self.again.append(len(standing))
        if problem := self._fails(1):
            raise problem


@pytest.fixture
def ledger(tmp_path):
    return SpoolLedger(Spool(tmp_path / "alerts"))


def as_message(claimed):
    return Message(claimed.alert, claimed.event, "docs", "here")


def opens(ledger, *kinds, sinks=("a", "b")):
    ledger.record([Alert(kind, "x", "it is so") for kind in kinds], list(kinds))
    ledger.queue(sinks, "info")


def test_each_sink_is_told_once_of_the_beginning_and_once_of_the_end(ledger):
    a, b = Recorder("a"), Recorder("b")
    for _ in range(3):
        opens(ledger, "drift", "scores_stale")
        deliver(ledger, [a, b], as_message, within_s=5)
    ledger.record([], ["drift", "scores_stale"])
    for _ in range(2):
        ledger.queue(["a", "b"], "info")
        deliver(ledger, [a, b], as_message, within_s=5)
    for sink in (a, b):
        assert sorted(sink.sent) == [
            ("drift", "opened"),
            ("drift", "resolved"),
            ("scores_stale", "opened"),
            ("scores_stale", "resolved"),
        ]


def test_the_end_waits_for_the_beginning(ledger):
    down = Recorder("a", lambda count: SinkFailed("no") if count <= 2 else None)
    opens(ledger, "drift", sinks=["a"])
    assert deliver(ledger, [down], as_message, within_s=5).problems == {"a": "no"}
    ledger.record([], ["drift"])
    ledger.queue(["a"], "info")
    assert deliver(ledger, [down], as_message, within_s=5).delivered == 0  # it has to wait
    make_due(ledger)
    assert deliver(ledger, [down], as_message, within_s=5).delivered == 2
    assert down.sent[-2:] == [("drift", "opened"), ("drift", "resolved")]


def make_due(ledger):
    from dataclasses import replace

    kept = ledger._kept
    ledger._keep(
        replace(
            kept,
            deliveries=[
                replace(one, next_attempt_at=one.created_at - timedelta(days=1))
                for one in kept.deliveries
            ],
        )
    )


def test_a_sink_that_hangs_holds_up_no_other_and_no_caller(ledger):
    gate = threading.Event()
    hangs = Recorder("a", lambda count: gate.wait(30))
    well = Recorder("b")
    opens(ledger, "drift", "scores_stale")
    began = time.monotonic()
    report = deliver(ledger, [hangs, well], as_message, within_s=0.5)
    assert time.monotonic() - began < 2
    gate.set()
    assert report.problems == {"a": "it did not answer in time", "b": ""}
    assert len(well.sent) == 2
    first, second = (one for one in ledger._kept.deliveries if one.sink == "a")
    assert {first.attempts, second.attempts} == {1, 0}  # one was under way, one waited behind it


def test_a_sink_that_is_down_is_not_asked_for_each_message(ledger):
    down = Recorder("a", lambda count: SinkFailed("no"))
    opens(ledger, "drift", "scores_stale", "run_missed", sinks=["a"])
    deliver(ledger, [down], as_message, within_s=5)
    assert len(down.sent) == 2  # once more at once, and no other message


def test_a_message_that_is_refused_keeps_no_other_from_its_sink(ledger):
    picky = Recorder("a", lambda count: SinkFailed("400", alive=True) if count == 1 else None)
    opens(ledger, "drift", "scores_stale", sinks=["a"])
    assert deliver(ledger, [picky], as_message, within_s=5).delivered == 1


def test_a_sink_that_is_busy_did_not_fail(ledger):
    busy = Recorder("a", lambda count: SinkFailed("429", retry_after=timedelta(0), busy=True))
    opens(ledger, "drift", sinks=["a"])
    assert deliver(ledger, [busy], as_message, within_s=5).problems == {}


def test_a_sink_with_a_fault_of_its_own_fails_alone(ledger, caplog):
    broken = Recorder("a", lambda count: ZeroDivisionError("http://x/TOKEN"))
    opens(ledger, "drift")
    report = deliver(ledger, [broken, Recorder("b")], as_message, within_s=5)
    assert report.problems == {"a": "an unexpected ZeroDivisionError", "b": ""}
    assert "TOKEN" not in caplog.text


def test_sinks_that_forget_are_told_again():
    well, down = Recorder("a"), Recorder("b", lambda count: SinkFailed("no"))
    assert refresh([well, down], [message()], within_s=5) == {"a": "", "b": "no"}
    assert refresh([well], [], within_s=5) == {}
    well.forgets = False
    assert refresh([well], [message()], within_s=5) == {}
    assert well.again == [1]


@pytest.mark.parametrize(
    ("attempts", "outcome", "seconds"),
    [
        (1, Outcome("x"), 30),
        (2, Outcome("x"), 60),
        (5, Outcome("x"), 480),
        (40, Outcome("x"), 3600),
        (1, Outcome("x", retry_after=timedelta(seconds=90)), 90),
        (1, Outcome("x", retry_after=timedelta(days=9)), 3600),
        (1, Outcome(tried=False), 0),
    ],
)
def test_pauses_double_up_to_an_hour(attempts, outcome, seconds):
    assert delay(attempts, outcome) == timedelta(seconds=seconds)
