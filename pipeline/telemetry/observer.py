"""Tells sinks about an attempt to run, in threads beside it.

Nothing that a sink does reaches the run: what is told when it begins is sent meanwhile, and at
its end what is left gets a few seconds, all sinks at once.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from components.sinks import SinkFailed
from pipeline.exit_codes import DATABASE_UNREACHABLE
from pipeline.runs.record import COMPLETE, NOT_STARTED, RunRecord
from pipeline.settings import Settings
from pipeline.telemetry.pings import check_of, ping_end, ping_start
from pipeline.telemetry.sinks import configured_sinks, note_problems

if TYPE_CHECKING:
    from pipeline.runs.summary import RunSummary

WAITS: Final = 3
"""How many timeouts a run that has ended waits for its sinks at most."""
_LATE: Final = "it was not done in time, and the run waits no longer"

Send = Callable[[], object]
Jobs = Mapping[str, Send]
"""By name of the sink what sends something to it; raises SinkFailed."""


class Courier:
    """Does what it is given in a thread of its own, one after the other, and keeps what failed.

    Args:
        sinks: Names of the sinks that it goes to.
    """

    def __init__(self, sinks: Sequence[str]):
        self._problems: dict[str, str] = dict.fromkeys(sinks, "")
        self._done: dict[str, int] = dict.fromkeys(sinks, 0)
        self._given = 0
        self._queue: queue.SimpleQueue[Callable[[], Jobs] | None] = queue.SimpleQueue()
        # A daemon: the process ends without it.
        self._thread = threading.Thread(target=self._work, name="telemetry", daemon=True)
        self._thread.start()

    def give(self, jobs: Callable[[], Jobs]) -> None:
        """Gives it what to do next; the function is called in its thread."""
        self._given += 1
        self._queue.put(jobs)

    def finish(self, deadline: float) -> Mapping[str, str]:
        """Waits for it.

        Args:
            deadline: By time.monotonic().

        Returns:
            By name of the sink why something failed; empty if nothing did.
        """
        self._queue.put(None)
        self._thread.join(max(deadline - time.monotonic(), 0))
        return {
            name: problem or (_LATE if self._done[name] < self._given else "")
            for name, problem in self._problems.items()
        }

    def _work(self) -> None:
        for jobs in iter(self._queue.get, None):
            try:
                found = jobs()
            except Exception as error:
                found = dict.fromkeys(self._problems, partial(_raise, error))
            for name in self._problems:
                if name in found:
                    self._problems[name] = _problem(found[name]) or self._problems[name]
                self._done[name] += 1


def _raise(error: Exception) -> None:
    raise error


def _problem(send: Send) -> str:
    try:
        send()
    except SinkFailed as error:
        return str(error)
    except Exception as error:
        return _unexpected(error)
    return ""


def _unexpected(error: Exception) -> str:
    """Names the class alone: the text may hold an address with a secret."""
    return f"an unexpected {type(error).__name__}"


@dataclass(frozen=True)
class _Told:
    """What sinks are told: that an attempt began, or how it ended."""

    record: RunRecord
    result: "RunSummary | None" = None
    has_ended: bool = False


class Telemetry:
    """The sinks of the settings; without any it does nothing.

    Args:
        settings: Of the run.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._has_begun = False
        self._couriers: list[tuple[Courier, Callable[[_Told], Jobs]]] = []

    def began(self, record: RunRecord) -> None:
        """Tells that the attempt begins to work; waits for nobody."""
        self._has_begun = True
        self._tell(_Told(record))

    def ended(self, record: RunRecord, result: "RunSummary | None") -> Sequence[str]:
        """Tells how it ended, and waits a little for the sinks."""
        self._tell(_Told(record, result, has_ended=True))
        wait_s = WAITS * self._settings.telemetry.sink_timeout_seconds
        deadline = time.monotonic() + wait_s
        problems: dict[str, str] = {}
        for courier, _ in self._couriers:
            problems |= courier.finish(deadline)
        note_problems(self._settings, problems)
        return [f"Sink {name}: {problem}." for name, problem in problems.items() if problem]

    def _tell(self, told: _Told) -> None:
        if not self._couriers:
            self._couriers = [
                (Courier(sinks), jobs) for sinks, jobs in self._wanted(told.record.kind) if sinks
            ]
        for courier, jobs in self._couriers:
            courier.give(partial(jobs, told))

    def _wanted(self, kind: str) -> list[tuple[list[str], Callable[[_Told], Jobs]]]:
        """Returns the sinks that are set, by what they are told."""
        is_set = configured_sinks(self._settings)

        def among(*names: str) -> list[str]:
            return [name for name in names if name in is_set]

        return [
            (["ping"] if check_of(self._settings, kind) else [], self._pings),
            (among("textfile", "pushgateway"), self._metrics),
            (among("openlineage_file", "openlineage_url"), self._lineage),
        ]

    def _pings(self, told: _Told) -> Jobs:
        url = check_of(self._settings, told.record.kind)
        ping = ping_end if told.has_ended else ping_start
        return {"ping": lambda: ping(url, told.record, self._timeout_s)}

    def _metrics(self, told: _Told) -> Jobs:
        from pipeline.telemetry.gather import gather, has_database
        from pipeline.telemetry.metric_sinks import metric_sinks

        # A server that did not answer the run would be waited for again.
        ask = has_database() and told.record.exit_code != DATABASE_UNREACHABLE
        patience_s = max(1, round(self._timeout_s))
        samples = gather(self._settings, ask_database=ask, patience_s=patience_s).samples
        succeeded = told.has_ended and told.record.state == COMPLETE
        return metric_sinks(self._settings, samples, succeeded=succeeded)

    def _lineage(self, told: _Told) -> Jobs:
        from pipeline.telemetry.lineage import events_of
        from pipeline.telemetry.lineage_sinks import append_events, post_events

        if told.record.state == NOT_STARTED:
            return {}
        events = events_of(
            self._settings,
            told.record,
            told.result,
            start=not (told.has_ended and self._has_begun),
            end=told.has_ended,
        )
        telemetry = self._settings.telemetry
        jobs: dict[str, Send] = {}
        if telemetry.openlineage_file:
            path = Path(telemetry.openlineage_file)
            jobs["openlineage_file"] = lambda: append_events(path, events)
        if telemetry.openlineage_url.get_secret_value():
            jobs["openlineage_url"] = lambda: post_events(telemetry, events, self._timeout_s)
        return jobs

    @property
    def _timeout_s(self) -> float:
        return self._settings.telemetry.sink_timeout_seconds
