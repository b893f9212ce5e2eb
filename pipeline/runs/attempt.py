"""An attempt to run: named, logged, alone on its state directory, and recorded however it ends."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import DatabaseUnreachable, StateDirectoryBusy, TensInsightError
from components.postgres.connection import connect, database_is_configured
from components.postgres.failures import explained
from components.publishing.lock import user_on_host
from pipeline.exit_codes import PUBLISHED, UNEXPECTED, exit_code
from pipeline.foreseen import foreseen
from pipeline.logs import log_to_file
from pipeline.runs import run_table
from pipeline.runs.observers import observers_of
from pipeline.runs.record import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    NOT_STARTED,
    RUNNING,
    WAITING,
    RunRecord,
    RunRecords,
)
from pipeline.runs.run_id import new_run_id
from pipeline.runs.run_lock import run_lock
from pipeline.runs.signs_of_life import SignsOfLife
from pipeline.settings import ConfigurationInvalid, Settings, load_settings, state_settings
from pipeline.state_directory import not_writable, open_state_dir

if TYPE_CHECKING:
    from pipeline.runs.summary import RunSummary

_OURS: Final = ("pipeline", "components", "serving_model", "transforms")
_LOOKED_THROUGH: Final = 100
"""Newest records among which those that the database has not got yet are looked for."""
_KEPT_WARNINGS: Final = 50
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
_log = logging.getLogger(__name__)


class Terminated(SystemExit):
    """A signal asked the process to end; the exit code is 128 and its number, as in a shell.

    Attributes:
        signal_name: Such as SIGTERM.
    """

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.signal_name = signal.Signals(number).name


class Attempt:
    """One attempt, and what is known of it so far.

    Args:
        kind: train, score or tune.
        settings: Say where the state directory is.

    Attributes:
        result: What a run that published says, for the observers; None for any other.
        untold: What observers could not do, a sentence each; known when it has ended.
    """

    def __init__(self, kind: str, settings: Settings):
        now = datetime.now(timezone.utc)
        self.result: RunSummary | None = None
        self.untold: tuple[str, ...] = ()
        self._settings = settings
        self._observers = observers_of(settings)
        self._records = RunRecords(settings.runs_dir)
        self._answers = False
        self._has_log = False
        self._is_open = False
        self._life = SignsOfLife(self._tell_alive)
        self._record = RunRecord(
            run_id=new_run_id(now),
            kind=kind,
            state=WAITING,
            started_at=now,
            run_by=user_on_host(),
            pid=os.getpid(),
            state_dir=str(settings.state_dir),
        )

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self._record.run_id

    @property
    def holder(self) -> str:
        """Who it is, for others that wait."""
        one = self._record
        return f"{one.kind}, run {one.run_id}, by {one.run_by}, process {one.pid}"

    def note(self, **changes: Any) -> None:
        """Adds to the record what became known; it is written when the attempt ends."""
        self._record = replace(self._record, **changes)

    def open_state_dir(self) -> None:
        """Makes the state directory ready; without it no record is left there.

        Raises:
            ConfigurationInvalid: It cannot be written, or another user owns files in it.
        """
        open_state_dir(self._settings)
        self._is_open = True

    def open_log(self) -> None:
        """Sends what all libraries log to a file of this run.

        Raises:
            ConfigurationInvalid: Nothing can be written to state_dir.
        """
        path = self._settings.logs_dir / f"{self._record.kind}-{self.run_id}.log"
        try:
            log_to_file(path)
        except OSError as error:
            raise not_writable(self._settings.state_dir, error) from None
        self._has_log = True
        self.note(log=str(path))

    def begin(self, block: ExitStack) -> None:
        """Writes the first record; for the length of the block the attempt counts as alive.

        Raises:
            ConfigurationInvalid: Nothing can be written to state_dir.
        """
        try:
            block.enter_context(self._records.alive(self.run_id))
            self._records.write(self._record)
        except OSError as error:
            raise not_writable(self._settings.state_dir, error) from None

    def enter(self) -> None:
        """Says that it is alone at work now, and of those before it which were killed."""
        self.note(state=RUNNING)
        try:
            self._records.settle_killed()
            self._records.write(self._record)
        except OSError as error:
            raise not_writable(self._settings.state_dir, error) from None
        self._remove_left_rows()
        self._observers.began(self._record)

    def _remove_left_rows(self) -> None:
        """Removes rows of accounts, and unfinished files of workers, that killed runs left."""
        from components.feedback_example_gen.reading.divided_rows import remove_left_rows
        from components.whole_files import remove_left_attempts

        try:
            if left := remove_left_rows(self._settings.pipeline_root):
                _log.info("Removed the rows that %d killed runs had read.", left)
            remove_left_attempts(self._settings.pipeline_root)
        except OSError as error:
            _log.warning("Rows that a killed run had read were not removed: %s", error)

    def reached(self, database: str) -> None:
        """Says that the database answers, and tells it of the attempt."""
        self._answers = True
        self.note(database=database)
        self._tell_database()
        self._life.start()

    def complete(self, code: int = PUBLISHED, **changes: Any) -> None:
        """Says that it came to its end as it should.

        Args:
            code: Exit code of the command.
            **changes: What is known of it beside that.
        """
        self._answers = True
        self.note(state=COMPLETE, exit_code=code, **changes)

    def failed(self, error: BaseException, **changes: Any) -> None:
        """Says that it failed, and why.

        Args:
            error: Why.
            **changes: What is known of it beside that.
        """
        ended = isinstance(error, KeyboardInterrupt | SystemExit)
        busy = isinstance(error, StateDirectoryBusy)
        self.note(
            state=INTERRUPTED if ended else NOT_STARTED if busy else FAILED,
            exit_code=exit_code(error),
            error=type(error).__name__,
            sentence=_sentence(error),
            **changes,
        )
        if self._has_log:
            _log.error("The run ends with exit code %s: %s", exit_code(error), _sentence(error))
        # The next run tells a database that did not answer.
        self._answers = self._answers or not isinstance(error, DatabaseUnreachable)

    def close(self, warned: list[str]) -> None:
        """Writes the record for good, to the state directory and to the database.

        What cannot be written is logged: the run ended as it ended.

        Args:
            warned: What our own code logged as warnings.
        """
        self._life.stop()
        warnings = tuple(dict.fromkeys((*self._record.warnings, *warned)))
        self.note(ended_at=datetime.now(timezone.utc), warnings=warnings[:_KEPT_WARNINGS])
        self._write(self._record)
        if self._answers:
            self._tell_database()
        if self._record.state == COMPLETE:
            self._drop_old()
        self._tell_observers()

    def _look(self) -> tuple[str, ...]:
        """Looks for alerts, unless nothing can be kept in the state directory."""
        from pipeline.alerts.after_run import look_after_run

        return look_after_run(self._settings, self._record) if self._is_open else ()

    def _tell_observers(self) -> None:
        """Tells who looks on; what they could not do becomes part of the record."""
        of_alerts = self._look()  # first: metrics count the alerts that are open
        of_others = self._observers.ended(self._record, self.result)
        self.untold = (*of_alerts, *of_others)
        if not self.untold:
            return
        for problem in self.untold:
            _log.warning("%s", problem)
        self.note(warnings=tuple(dict.fromkeys((*self._record.warnings, *self.untold))))
        self._write(self._record)
        if self._answers:
            self._tell_database()
        if of_others:
            self._look()  # a sink of metrics that failed is itself an alert

    def _drop_old(self) -> None:
        """Removes records that are older than the history of publications."""
        days = self._settings.scoring.history_days
        try:
            self._records.drop_before(self._record.started_at - timedelta(days=days))
            if database_is_configured(os.environ):
                with _session() as cursor:
                    run_table.drop_old_runs(cursor, days)
        except (OSError, TensInsightError, psycopg2.Error) as error:
            _log.info("Old records of runs were not removed: %s", error)

    def _tell_alive(self) -> None:
        with _session() as cursor:
            run_table.tell_alive(cursor, self.run_id)

    def _write(self, record: RunRecord) -> None:
        if not self._is_open:
            return
        try:
            self._records.write(record)
        except OSError as error:
            if self._has_log:
                _log.warning("The record of run %s was not written: %s", record.run_id, error)

    def _tell_database(self) -> None:
        """Puts this record into the table, and those that it has not got yet."""
        if not database_is_configured(os.environ):
            return
        untold = [
            one
            for one in self._records.newest(_LOOKED_THROUGH)
            if not (one.in_database or one.at_work or one.run_id == self.run_id)
            and one.database in ("", self._record.database)
        ]
        try:
            with _session() as cursor:
                own, *others = run_table.with_publications(cursor, [self._record, *untold])
                own = own if own.sentence else replace(own, sentence=" ".join(own.published))
                run_table.put_records(cursor, [own, *others])
            with _session() as cursor:  # after the commit, at which triggers may be deferred
                altered = run_table.altered_columns(cursor, own)
        except (TensInsightError, psycopg2.Error) as error:
            if self._has_log:
                _log.warning("tens_insight.runs does not know of this run yet: %s", error)
            return
        if altered:
            said = (
                "tens_insight.runs does not hold what was written to it about this run: it differs "
                f"in {', '.join(altered)}. Triggers or rules of that table change it, so that "
                "`tens-insight status` on another machine may say something else."
            )
            _log.warning("%s", said)
            own = replace(own, warnings=tuple(dict.fromkeys((*own.warnings, said))))
        self._record = own
        self._write(replace(own, in_database=not (own.at_work or altered)))
        for one in others:
            self._write(replace(one, in_database=not one.at_work))


@contextmanager
def attempted(
    kind: str,
    settings: Settings,
    *,
    on_wait: Callable[[str], object] = lambda said: None,
    with_log: bool = True,
) -> Iterator[Attempt]:
    """Makes of its block an attempt to run: alone on the state directory, and recorded.

    Args:
        kind: train, score or tune.
        settings: Of the run.
        on_wait: Is told that it waits for another run, and what observers could not do.
        with_log: Whether a file gets what all libraries log; else the caller does that.

    Raises:
        StateDirectoryBusy: Another run is at work there.
        ConfigurationInvalid: Nothing can be written to state_dir.
        Terminated: A signal asked the process to end.
    """
    attempt = Attempt(kind, settings)
    with signals_raised(), kept_warnings() as warned, ExitStack() as block:
        try:
            attempt.open_state_dir()
            if with_log:
                attempt.open_log()
            attempt.begin(block)
            wait_s = 60 * settings.run.wait_minutes
            with run_lock(settings.state_dir, attempt.holder, wait_s=wait_s, on_wait=on_wait):
                attempt.enter()
                yield attempt
        except BaseException as error:
            known = foreseen(error)
            if known is not None:
                _log.error("%s", known, exc_info=error)
                attempt.failed(known)
                raise known from error
            attempt.failed(error)
            raise
        finally:
            attempt.close(warned)
            if attempt.result is None:  # else the summary says it
                for problem in attempt.untold:
                    on_wait(f"Warning: {problem}")


def load_run_settings(kind: str, **explicit: Any) -> Settings:
    """Does what load_settings does, and leaves a record where the settings are refused.

    Args:
        kind: Of the run that is to come.
        **explicit: As for load_settings.

    Raises:
        ConfigurationInvalid: As load_settings raises it.
    """
    try:
        return load_settings(**explicit)
    except ConfigurationInvalid as error:
        settings = state_settings(**explicit)
        if settings is not None:
            _record_refused(kind, settings, error)
        raise


def _record_refused(kind: str, settings: Settings, error: ConfigurationInvalid) -> None:
    attempt = Attempt(kind, settings)
    with suppress(ConfigurationInvalid):  # nothing can be written: the database may be told
        attempt.open_state_dir()
        attempt.open_log()
    attempt.failed(error)
    attempt.close([])


@contextmanager
def kept_warnings() -> Iterator[list[str]]:
    """Collects what our own code logs as warnings while its block runs."""
    handler = _Kept()
    loggers = [logging.getLogger(name) for name in _OURS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.said
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING and len(self.said) < _KEPT_WARNINGS:
            self.said.append(_storable(record.getMessage()))


@contextmanager
def signals_raised() -> Iterator[None]:
    """Raises Terminated in its block where a signal asks the process to end.

    Only where nobody else answers these signals, and in the main thread, which alone may.
    """
    ours = []
    if threading.current_thread() is threading.main_thread():
        ours = [one for one in _ENDING if signal.getsignal(one) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)  # asked once more, the process ends at once
    raise Terminated(number)


@contextmanager
def _session() -> Iterator[Cursor]:
    with (
        closing(connect("tens-insight record", statement_timeout_s=30)) as connection,
        explained(connection),
        connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted by Ctrl-C."
    if isinstance(error, Terminated):
        return f"Ended by {error.signal_name}, which somebody sent to the process."
    if isinstance(error, SystemExit):
        return f"Ended with {error.code}."
    if exit_code(error) == UNEXPECTED:
        return _storable(f"Unexpected {type(error).__name__}: {error}")
    return _storable(str(error))


def _storable(text: str) -> str:
    """Returns a text without the one character that Postgres cannot hold."""
    return text.replace("\0", "\\0")
