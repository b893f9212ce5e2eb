"""Delivers what is due: each sink in a thread of its own, none for longer than it may take."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from components.alerts.message import Message
from components.alerts.outbox import Claimed, Outbox, Outcome
from components.alerts.sinks.sink import Sink
from components.sinks import SinkFailed, once_more

_NOT_TRIED: Final = Outcome(tried=False)
_NO_ANSWER: Final = Outcome("it did not answer in time", alive=False)
_log = logging.getLogger(__name__)


@dataclass
class Report:
    """What became of the sinks that were asked.

    Attributes:
        problems: By sink why it failed last, without secrets; empty where it took the last.
        delivered: Messages that were taken.
    """

    problems: dict[str, str] = field(default_factory=dict)
    delivered: int = 0


def deliver(
    outbox: Outbox,
    sinks: Sequence[Sink],
    as_message: Callable[[Claimed], Message],
    *,
    within_s: float,
) -> Report:
    """Delivers until nothing is due, every sink has failed, or the time is over.

    Args:
        outbox: Where deliveries wait.
        sinks: Those that may be asked.
        as_message: Makes a message of a delivery.
        within_s: Seconds in all; a sink that has not answered by then counts as failed.
    """
    report, end = Report(), time.monotonic() + within_s
    left = {sink.name: sink for sink in sinks}
    while left and time.monotonic() < end:
        claimed = outbox.claim(list(left))
        if not claimed:
            break
        for name in _deliver_all(outbox, left, claimed, as_message, end, report):
            left.pop(name, None)
    return report


def _deliver_all(
    outbox: Outbox,
    sinks: dict[str, Sink],
    claimed: Sequence[Claimed],
    as_message: Callable[[Claimed], Message],
    end: float,
    report: Report,
) -> set[str]:
    """Delivers what was claimed, and returns the sinks that are not to be asked again now."""
    results: queue.Queue[tuple[Claimed, Outcome]] = queue.Queue()
    for name in {one.sink for one in claimed}:
        own = [(one, as_message(one)) for one in claimed if one.sink == name]
        # A daemon: the process does not wait for one that hangs.
        threading.Thread(
            target=_send_all, args=(sinks[name], own, results, end), name=name, daemon=True
        ).start()
    waiting, down = list(claimed), set()
    while waiting:
        try:
            one, outcome = results.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        waiting.remove(one)
        outbox.settle(one, outcome)
        _note(report, one, outcome)
        if outcome.problem:
            down.add(one.sink)
    for one in waiting:
        # Of a sink that hangs the first is under way, and the others wait behind it.
        first = next(other for other in waiting if other.sink == one.sink) is one
        outbox.settle(one, _NO_ANSWER if first else _NOT_TRIED)
        report.problems[one.sink] = _NO_ANSWER.problem
        down.add(one.sink)
    return down


def _note(report: Report, one: Claimed, outcome: Outcome) -> None:
    report.delivered += outcome.delivered
    if not outcome.tried or outcome.busy:
        return
    report.problems[one.sink] = outcome.problem
    if outcome.problem:
        _log.info("Sink %s did not take %s: %s", one.sink, one.event, outcome.problem)


def _send_all(
    sink: Sink,
    messages: Sequence[tuple[Claimed, Message]],
    results: "queue.Queue[tuple[Claimed, Outcome]]",
    end: float,
) -> None:
    down = False
    for one, message in messages:
        outcome = _NOT_TRIED if down or time.monotonic() >= end else attempt(sink, message)
        down = down or (bool(outcome.problem) and not outcome.alive)
        results.put((one, outcome))


def attempt(sink: Sink, message: Message) -> Outcome:
    """Sends one message; what fails at once is tried once more."""
    try:
        once_more(lambda: sink.send(message))
    except SinkFailed as error:
        return Outcome(
            str(error), retry_after=error.retry_after, alive=error.alive, busy=error.busy
        )
    except Exception as error:  # a sink never ends a run; what it says may hold a secret
        _log.warning("Sink %s failed with an unexpected %s", sink.name, type(error).__name__)
        return Outcome(f"an unexpected {type(error).__name__}", alive=False)
    return Outcome()


def refresh(
    sinks: Sequence[Sink], standing: Sequence[Message], *, within_s: float
) -> dict[str, str]:
    """Says to sinks that forget what is open, and returns by name why one failed; empty if not."""
    results: queue.Queue[tuple[str, str]] = queue.Queue()
    end, waiting = time.monotonic() + within_s, set()
    problems: dict[str, str] = {}
    for sink in sinks:
        own = [one for one in standing if not one.is_about(sink.name)]
        if sink.forgets and own:
            waiting.add(sink.name)
            threading.Thread(target=_refresh, args=(sink, own, results), daemon=True).start()
    while waiting:
        try:
            name, problem = results.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        waiting.remove(name)
        problems[name] = problem
    return problems | dict.fromkeys(waiting, _NO_ANSWER.problem)


def _refresh(
    sink: Sink, standing: Sequence[Message], results: "queue.Queue[tuple[str, str]]"
) -> None:
    try:
        sink.refresh(standing)
    except SinkFailed as error:
        results.put((sink.name, "" if error.busy else str(error)))
    except Exception as error:
        results.put((sink.name, f"an unexpected {type(error).__name__}"))
    else:
        results.put((sink.name, ""))
