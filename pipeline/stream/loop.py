"""Steps of the stream, one after the other, until a signal asks for the end."""

import contextlib
import logging
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import BrokerUnreachable, DatabaseUnreachable, StateDirectoryBusy
from components.page.numbers import count, counted
from components.postgres.connection import connect
from components.publishing.increment import PublishedMeanwhile
from components.streaming.snapshot import Unread
from components.streaming.step import Step, Stream

CHANNEL: Final = "tens_insight_feedback"
"""A NOTIFY on it ends the pause between two steps. Nothing depends on it."""
_BUSY_PAUSE_S: Final = 0.2
_TOLD_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 30.0
_LEAST_PAUSE: Final = 0.1
"""Of the pause so much is left, however long a step takes."""
_PREDECESSOR_S: Final = 5.0
_TOLD_EVERY_S: Final = 60.0
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger(__name__)


@dataclass
class Done:
    """What was done since it was told last, or at all.

    Attributes:
        steps: Transactions that wrote scores.
        published: Scores.
        wrote: Accounts with new feedback.
        due: Accounts that time or a loss made due.
        unread: Messages that could not be read, or named no row that is there.
        left_out: Accounts that wait for the next run, since a split gives or gave them another
            model; each time that they were due.
        up_to: The moment of the newest step, UTC; None before the first.
    """

    steps: int = 0
    published: int = 0
    wrote: int = 0
    due: int = 0
    unread: int = 0
    left_out: int = 0
    up_to: datetime | None = None

    def add(self, step: Step) -> None:
        """Adds a step."""
        self.steps += step.steps
        self.published += step.published
        self.wrote += step.wrote
        self.due += step.due
        self.unread += len(step.unread)
        self.left_out += step.left_out
        self.up_to = step.as_of

    def sentence(self) -> str:
        """Says it in a line."""
        moment = f"{self.up_to:%Y-%m-%d %H:%M:%S} UTC" if self.up_to else "-"
        left_out = (
            f" {self.left_out} were left out until the next run, which gives them the model of the "
            "split that begins, or ends."
            if self.left_out
            else ""
        )
        unscored = self.wrote + self.due - self.left_out - self.published
        gone = (
            f" {count(unscored)} of them got no score: they left, were silent for too long, or "
            "have a newer one."
            if unscored > 0
            else ""
        )
        return (
            f"{counted(self.published, 'score', 'scores')} published in "
            f"{counted(self.steps, 'step', 'steps')}: {counted(self.wrote, 'account', 'accounts')} "
            f"wrote, and {count(self.due)} more were due.{gone}{left_out} Read up to {moment}."
        )


def unread_sentence(unread: Sequence[Unread]) -> str:
    """Says how many messages could not be read, why, and where the first of each kind is."""
    kinds: dict[str, list[tuple[int, int]]] = {}
    for one in unread:
        kinds.setdefault(one.why, []).append((one.partition, one.offset))
    parts = []
    for why, found in sorted(kinds.items()):
        partition, offset = min(found)
        parts.append(f"{len(found)} {why} (partition {partition}, offset {offset})")
    return f"Messages of the topic that were not taken as they are: {'; '.join(parts)}."


@dataclass
class Loop:
    """Runs a stream.

    Attributes:
        stream: What does a step.
        pause_s: Seconds from the beginning of a step to that of the next one, with nothing left to
            do.
        patience_s: Seconds for which a server that does not answer is waited for; infinite in a
            service.
        tell: Is told what was done, a line each minute.
    """

    stream: Stream
    pause_s: float
    patience_s: float
    tell: Callable[[str], object]
    ending: threading.Event = field(default_factory=threading.Event)
    total: Done = field(default_factory=Done)
    _listener: Connection | None = None
    _since: Done = field(default_factory=Done)
    _told_at: float = field(default_factory=time.monotonic)
    _unread: list[Unread] = field(default_factory=list)
    _unread_told_at: float = float("-inf")

    def run(self, *, once: bool) -> Done:
        """Does steps until the end is asked for, or until all is done that is there now.

        Raises:
            TensInsightError: A step cannot be done, now and again.
        """
        with self._until_signalled():
            self._open()
            try:
                self._steps(once=once)
            finally:
                self._tell_unread()
                self.stream.close()
                self._stop_listening()
        return self.total

    def _open(self) -> None:
        """Opens the stream; the server may need a moment to know that a former one was killed."""
        deadline = time.monotonic() + _PREDECESSOR_S
        while True:
            try:
                self.stream.open()
            except StateDirectoryBusy:
                self.stream.close()
                if self.ending.wait(_BUSY_PAUSE_S) or time.monotonic() > deadline:
                    raise
            else:
                return

    def _steps(self, *, once: bool) -> None:
        silent_since: float | None = None
        wait_s = _BUSY_PAUSE_S
        while not self.ending.is_set():
            begun = time.monotonic()
            try:
                if not self.stream.is_open:
                    self.stream.open()
                step = self.stream.step()
                self._tell(step)
                self.stream.keep_up()
            except PublishedMeanwhile:
                self.ending.wait(_BUSY_PAUSE_S)
                continue
            except (DatabaseUnreachable, BrokerUnreachable, StateDirectoryBusy) as error:
                # The server may hold the lock for a while of a connection that was lost.
                now = time.monotonic()
                silent_since = now if silent_since is None else silent_since
                if now - silent_since >= self.patience_s:
                    raise
                _log.warning("Trying again in %.1f s: %s", wait_s, error)
                self.stream.close()
                self._stop_listening()
                self.ending.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_PAUSE_S)
                continue
            silent_since, wait_s = None, _BUSY_PAUSE_S
            if step.sweeping:
                continue
            if once and step.is_behind:
                self.ending.wait(_TOLD_PAUSE_S)
                continue
            if once:
                return
            self._wait(begun)

    def _tell(self, step: Step) -> None:
        if step.lost:
            self.tell(f"All accounts are scored again: {step.lost}.")
        for one in (self.total, self._since):
            one.add(step)
        self._unread += step.unread
        if time.monotonic() - self._unread_told_at >= _TOLD_EVERY_S:
            self._tell_unread()
        if time.monotonic() - self._told_at < _TOLD_EVERY_S:
            return
        if self._since.steps or self._since.left_out:
            self.tell(self._since.sentence())
        self._since, self._told_at = Done(), time.monotonic()

    def _tell_unread(self) -> None:
        """Says which messages could not be read: the first at once, others once a minute."""
        if self._unread:
            self.tell(unread_sentence(self._unread))
            self._unread, self._unread_told_at = [], time.monotonic()

    def _wait(self, begun: float) -> None:
        """Waits until the pause is over, or something is said on the channel.

        Args:
            begun: When the step began: what it took is a part of the pause.
        """
        listener = self._listening()
        deadline = max(begun + self.pause_s, time.monotonic() + _LEAST_PAUSE * self.pause_s)
        if listener is None:
            self.ending.wait(deadline - time.monotonic())
            return
        # A signal does not interrupt select: it is looked for often enough.
        while not self.ending.is_set() and (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([listener], [], [], min(left, 0.5))
            if not ready:
                continue
            try:
                listener.poll()
            except psycopg2.Error:
                self._stop_listening()
                return
            if listener.notifies:
                listener.notifies.clear()
                # Rows that come together are found together.
                self.ending.wait(min(_BUSY_PAUSE_S, self.pause_s))
                return

    def _listening(self) -> Connection | None:
        """Returns a connection that listens; None where that cannot be had."""
        if self._listener is None:
            try:
                self._listener = connect("tens-insight stream listener")
                self._listener.autocommit = True
                with self._listener.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
            except (psycopg2.Error, DatabaseUnreachable):
                self._stop_listening()
        return self._listener

    def _stop_listening(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(psycopg2.Error):
                self._listener.close()
        self._listener = None

    @contextlib.contextmanager
    def _until_signalled(self) -> Iterator[None]:
        """Lets SIGTERM and Ctrl-C end the loop after the step that is being done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def end(number: int, frame: Any) -> None:
            self.ending.set()

        former = {one: signal.signal(one, end) for one in _ENDING}
        try:
            yield
        finally:
            for one, handler in former.items():
                signal.signal(one, handler)
