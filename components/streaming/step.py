"""One step of the stream: what is new is read, scored and published, and the position with it.

A step reads in one snapshot: the position, the new rows, and the events of their accounts. It
publishes so many accounts at a time, each time in a transaction of its own; the last of them writes
the position too. Killed at any moment, the next step begins at the position that was committed
last and scores again what came after it, at a later moment: nothing is lost, and a score that was
written already is replaced by a newer one.
"""

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Protocol

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.account_scorer.config import AccountScorerConfig
from components.errors import NothingToPublish, StateDirectoryBusy
from components.feedback_example_gen.account_examples import (
    ExampleSource,
    find_example_source,
    read_account_examples,
)
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.moments import EARLIEST
from components.postgres.queries import queries
from components.postgres.rows import value
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.history import drop_old_history
from components.publishing.increment import (
    Increment,
    Incremented,
    PublishedMeanwhile,
    find_base,
    publish_increment,
)
from components.publishing.lock import analyze_publications, vacuum
from components.publishing.publication import PublishPolicy
from components.publishing.publication_log import read_log
from components.publishing.refusals import KeptRefusal, refused
from components.streaming.base_scores import BaseScores, read_base_scores
from components.streaming.champion import StreamChampion
from components.streaming.config import StreamConfig
from components.streaming.position import Position, Sweep, commit_position, read_position
from components.streaming.rescoring import increment_of
from components.streaming.snapshot import Found, Snapshot, Unread, read_snapshot

_QUERIES: Final = queries(__package__)
_TICK: Final = timedelta(microseconds=1)
_KEPT_UP: Final = timedelta(minutes=5)
_POSITION_KEPT: Final = timedelta(minutes=1)
_SWEPT_BESIDE: Final = 10
"""Of the accounts of a step one in so many is one that time made due, however many wrote."""
_IF_REAL: Final = (
    "let a run publish, or start the stream with TENS_INSIGHT_ACCEPT_SHIFT set to the reason"
)
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('tens-insight stream', 0))"


class Source(Protocol):
    """Where new feedback comes from."""

    name: str

    def require(self, cursor: Cursor) -> None:
        """Refuses a database in which it cannot work."""

    def begin(self, snapshot: Snapshot) -> Any:
        """Returns the place of a reading that takes what comes from now on."""

    def look(
        self, cursor: Cursor, position: Position, snapshot: Snapshot, as_of: datetime
    ) -> Found:
        """Finds the accounts of new rows.

        Args:
            cursor: Of the transaction of the snapshot.
            position: Of the last reading.
            snapshot: What the transaction sees.
            as_of: Feedback before it counts; later rows come due when their moment is over.
        """

    def done(self) -> None:
        """Is told that what the last look found is published."""

    def kept(self, place: Any) -> None:
        """Is told that a place was committed."""

    def open(self) -> None:
        """Opens what it reads from, once `require` has passed."""

    def close(self) -> None:
        """Closes it."""


@dataclass(frozen=True)
class StreamSettings:
    """What the stream is configured by."""

    reading: FeedbackExampleGenConfig
    scoring: AccountScorerConfig
    streaming: StreamConfig


@dataclass(frozen=True)
class Step:
    """What a step did.

    Attributes:
        as_of: The moment that it scored accounts at, UTC.
        wrote: Accounts with new feedback.
        due: Accounts that time or a loss made due.
        published: Scores that were written.
        steps: Transactions that wrote some.
        sweeping: Whether accounts are left that time or a loss made due.
        lost: Why all accounts are scored again, in a sentence; empty if they are not.
        is_behind: Whether the source was not told yet of all that was there when it was opened.
        unread: Messages that could not be read, or named no row that is there.
        left_out: Accounts that are not scored before the next run, since a split gives or gave them
            another model.
    """

    as_of: datetime
    wrote: int
    due: int
    published: int
    steps: int
    sweeping: bool
    lost: str = ""
    is_behind: bool = False
    unread: tuple[Unread, ...] = ()
    left_out: int = 0


@dataclass
class Stream:
    """Scores accounts that wrote, with the champion, until somebody ends it.

    Attributes:
        settings: How.
        source: Where new feedback comes from.
        champion: Returns the champion; asked at each step.
        before_commit: Is called before each commit of scores; tests kill the process there.
    """

    settings: StreamSettings
    source: Source
    champion: Callable[[], StreamChampion]
    before_commit: Callable[[], object] = lambda: None
    _reader: Connection | None = None
    _writer: Connection | None = None
    _position: Position | None = None
    _kept: Position | None = None
    _is_kept_known: bool = False
    _after: str | None = None
    _base: BaseScores | None = None
    _examples: tuple[int, ExampleSource] | None = None
    _kept_up: datetime = field(default=datetime.min.replace(tzinfo=timezone.utc))

    def open(self) -> None:
        """Connects, and makes sure that no other process streams into this database.

        Raises:
            DatabaseUnreachable: No connection.
            ContractBroken: The source cannot work in this database.
            StateDirectoryBusy: Another process streams.
        """
        self.close()
        self._reader = connect("tens-insight stream reader")
        self._writer = connect("tens-insight stream")
        with explained(self._writer), self._writer, self._writer.cursor() as cursor:
            cursor.execute(_LOCK)
            if not value(cursor):
                raise StateDirectoryBusy(
                    "Another `tens-insight stream` publishes into this database (pg_stat_activity, "
                    "application_name 'tens-insight stream'). Nothing was done; end that one first."
                )
            self.source.require(cursor)
        self.source.open()
        begin_writing(self._writer)
        self._reader.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as is known."""
        return self._reader is not None

    def close(self) -> None:
        """Closes the connections, and forgets what is not committed."""
        self.source.close()
        for one in (self._reader, self._writer):
            if one is not None:
                with suppress(psycopg2.Error):
                    one.close()
        self._reader = self._writer = self._position = self._kept = self._base = None
        self._is_kept_known, self._examples, self._after = False, None, None

    def step(self) -> Step:
        """Does one step.

        Raises:
            PublishedMeanwhile: Another publication is at work, or came between: do it again.
            PublicationRefused: The rows are broken, or the day moved too far.
            NothingToPublish: There is no full publication to stand upon, or no champion.
            DatabaseUnreachable: A connection was lost: close, open, and do it again.
        """
        assert self._reader is not None
        try:
            with explained(self._reader), self._reader, self._reader.cursor() as cursor:
                return self._step(cursor)
        except PublishedMeanwhile:
            self._is_kept_known = False  # what was committed last is read again
            raise

    def keep_up(self) -> None:
        """Vacuums what the steps rewrite, and drops old history, every few minutes.

        Outside of their transactions; what fails is logged there.
        """
        now = datetime.now(timezone.utc)
        if now - self._kept_up < _KEPT_UP:
            return
        self._kept_up = now
        with closing(connect("tens-insight stream upkeep")) as connection:
            vacuum(connection, ACCOUNT_RISK_SCORES.name)
            days = self.settings.scoring.history_days
            drop_old_history(connection, ACCOUNT_RISK_SCORES, days)
            analyze_publications(connection, ACCOUNT_RISK_SCORES.history)
            if ACCOUNT_RISK_SCORES.details is not None:
                vacuum(connection, ACCOUNT_RISK_SCORES.details.history, "tens_insight")

    def _step(self, cursor: Cursor) -> Step:
        snapshot = read_snapshot(cursor)
        base = self._read_base(cursor)
        if not self._is_kept_known:
            self._kept = self._position = read_position(cursor, self.source.name)
            self._is_kept_known, self._after = True, None
        as_of = self._moment(snapshot, base)
        position, found = self._look(cursor, snapshot, as_of)
        if self._position is None or found.lost:
            # What the source tells from now on may begin after what this snapshot sees.
            due, after = list[str](), None
            accounts = due
        else:
            due, position, after = self._due(cursor, position, as_of, len(found.accounts))
            accounts = sorted({*found.accounts, *due})
        asked = len(accounts)
        accounts = self._streamed(base, accounts)
        published, steps = self._score(cursor, base, accounts, as_of, position)
        if not accounts and self._is_stale(position):
            self._publish(None, position, base)
        self._position, self._after = position, after
        self.source.done()
        return Step(
            as_of=as_of,
            wrote=len(found.accounts),
            due=len(due),
            published=published,
            steps=steps,
            sweeping=position.sweep is not None,
            lost=found.lost,
            is_behind=found.is_behind,
            unread=found.unread,
            left_out=asked - len(accounts),
        )

    def _streamed(self, base: BaseScores, accounts: list[str]) -> list[str]:
        """Leaves out the accounts that get another model with the next run."""
        if not accounts:
            return accounts
        champion = self.champion()
        return [one for one in accounts if champion.is_streamed(one, base.entry)]

    def _score(
        self,
        cursor: Cursor,
        base: BaseScores,
        accounts: Sequence[str],
        as_of: datetime,
        position: Position,
    ) -> tuple[int, int]:
        """Scores and publishes accounts, so many at a time, and the position with the last."""
        if not accounts:
            return 0, 0
        champion, published, steps = self.champion(), 0, 0
        source = self._example_source(cursor, base, champion, as_of)
        most = self.settings.streaming.stream_accounts
        for start in range(0, len(accounts), most):
            part = accounts[start : start + most]
            examples = read_account_examples(cursor.connection, source, part, as_of)
            holdout = self.settings.scoring.holdout
            increment = increment_of(champion, base, examples, as_of, holdout)
            is_last = start + most >= len(accounts)
            published += self._publish(increment, position if is_last else None, base)
            steps += 1
        return published, steps

    def _moment(self, snapshot: Snapshot, base: BaseScores) -> datetime:
        """Returns the moment of the step: later than all before, whatever the clock does."""
        before = [base.entry.as_of.astimezone(timezone.utc)]
        if self._position is not None:
            before.append(self._position.read_up_to)
        return max(snapshot.now, max(before) + _TICK)

    def _look(self, cursor: Cursor, snapshot: Snapshot, as_of: datetime) -> tuple[Position, Found]:
        """Finds who wrote, and begins a sweep where one is due."""
        midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
        position = self._position
        if position is None:
            # Nobody knows what was written since the publication that the table shows.
            place = self.source.begin(snapshot)
            begun = _now(cursor, as_of)
            return Position(place, begun, midnight, Sweep(begun, everyone=True)), Found([], place)
        found = self.source.look(cursor, position, snapshot, as_of)
        position = position.at(found.place, as_of)
        if found.lost:
            begun = _now(cursor, as_of)
            position = replace(position, read_up_to=begun, sweep=Sweep(begun, everyone=True))
        if position.swept < midnight:
            # Time alone moves every score: silence, tenure, what leaves a window.
            everyone = position.sweep is not None and position.sweep.everyone
            since = max(midnight, position.sweep.since) if position.sweep else midnight
            position = replace(position, swept=midnight, sweep=Sweep(since, everyone))
        return position, found

    def _due(
        self, cursor: Cursor, position: Position, as_of: datetime, wrote: int
    ) -> tuple[list[str], Position, str | None]:
        """Returns the next accounts of the sweep, the position after them, and the last of them."""
        sweep, former = position.sweep, self._position
        if sweep is None:
            return [], position, None
        is_begun = former is not None and former.sweep == sweep
        at_once = self.settings.streaming.stream_accounts
        most = max(at_once - wrote, at_once // _SWEPT_BESIDE, 1)
        values = {
            "since": sweep.since,
            "after": self._after if is_begun else None,
            "most": most,
            "as_of": as_of,
            "earliest": EARLIEST,
        }
        query = "accounts_due_of_all" if sweep.everyone else "accounts_due"
        cursor.execute(_QUERIES[query], values)
        due = [account for (account,) in cursor.fetchall()]
        if len(due) < most:
            return due, replace(position, sweep=None), None
        return due, position, due[-1]

    def _is_stale(self, position: Position) -> bool:
        kept = self._kept
        return (
            kept is None
            or kept.sweep != position.sweep
            or position.read_up_to - kept.read_up_to >= _POSITION_KEPT
        )

    def _publish(
        self, increment: Increment | None, position: Position | None, base: BaseScores
    ) -> int:
        """Writes scores, the position, or both, in one transaction; returns how many scores."""
        assert self._writer is not None
        outcome: Incremented | KeptRefusal | None = None
        with explained(self._writer), self._writer, self._writer.cursor() as cursor:
            if increment is not None:
                policy = PublishPolicy(self.settings.scoring, remove_departed=False)
                outcome = publish_increment(cursor, increment, policy)
            if position is not None and not isinstance(outcome, KeptRefusal):
                commit_position(cursor, self.source.name, position, self._kept)
            self.before_commit()
        if isinstance(outcome, KeptRefusal):
            raise refused(outcome, ACCOUNT_RISK_SCORES, base.entry, _IF_REAL)
        if position is not None:
            self._kept = position
            self.source.kept(position.place)
        return outcome.written if outcome is not None else 0

    def _read_base(self, cursor: Cursor) -> BaseScores:
        log = read_log(cursor, ACCOUNT_RISK_SCORES)
        base = find_base(log)
        if self._base is None or self._base.entry.publication_id != base.publication_id:
            self._base = read_base_scores(cursor, log, base)
        return self._base

    def _example_source(
        self, cursor: Cursor, base: BaseScores, champion: StreamChampion, as_of: datetime
    ) -> ExampleSource:
        """Looks up how examples are made; what the base was made with holds until the next one."""
        number = base.entry.publication_id
        if self._examples is None or self._examples[0] != number:
            source = find_example_source(cursor.connection, self.settings.reading, as_of)
            self._examples = (number, source)
        _require_fit(self._examples[1], champion)
        return self._examples[1]


def _now(cursor: Cursor, as_of: datetime) -> datetime:
    """Returns the moment since which a source tells all, UTC, once it has begun.

    It may take a while to begin, as a replication slot waits for transactions. What a run reads
    and publishes meanwhile lacks rows that commit later and are not told: its scores are due too.
    """
    cursor.execute("SELECT clock_timestamp()")
    now: datetime = value(cursor)
    return max(as_of, now.astimezone(timezone.utc))


def _require_fit(source: ExampleSource, champion: StreamChampion) -> None:
    if source.label_source != champion.label_source:
        raise NothingToPublish(
            f"The champion {champion.model_version} learnt from {champion.label_source}, and the "
            f"label is {source.label_source} now: `tens-insight run train` trains one that fits."
        )
