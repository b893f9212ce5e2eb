"""What the server asks of the database: events of accounts, and what is published of them.

Each thread has a connection of its own, whose transactions are read-only and may take a limited
time. Where the database is away, requests that need it are refused at once until it is tried again.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Final

import psycopg2
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import ContractBroken, OtherDatabase, TensInsightError
from components.feedback_example_gen.account_examples import (
    AccountRows,
    ExampleSource,
    account_examples,
    find_example_source,
    read_account_examples,
    read_account_rows,
)
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.postgres.failures import ServerBrokeOff, StatementCancelled, explained
from components.postgres.identity import DatabaseIdentity, read_identity
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import records, value
from pipeline.serving.cache import Cache, Stamp
from pipeline.serving.problems import Problem
from pipeline.serving.read_only import read_only_connection

_log = logging.getLogger(__name__)
_QUERIES: Final = queries(__package__)
_REST_S: Final = 1.0
"""Seconds for which a database that did not answer is not asked."""
_SOURCE_S: Final = 60.0
"""Seconds after which it is looked up again what the settings leave to the database."""


@dataclass(frozen=True)
class Asked:
    """One account that is asked for.

    Attributes:
        account_id: Its id.
        as_of: The moment, UTC; None for now.
        more: Makes events beside those of the database, as of a moment, columns of FEEDBACK_TYPES;
            None for none.
        known_as: Names the answer that may be known, of a database, a stamp and a moment; None
            where none is asked for.
    """

    account_id: str
    as_of: datetime | None = None
    more: Callable[[datetime], pa.Table] | None = None
    known_as: Callable[[str, Stamp, datetime], str] | None = None


@dataclass(frozen=True)
class PublishedScore:
    """A row of account_risk_scores; as_of is UTC."""

    account_id: str
    churn_probability: float
    health_score: float
    risk_category: str
    as_of: datetime
    model_version: str


@dataclass(frozen=True)
class Found:
    """What the database has of an account.

    Attributes:
        as_of: The moment, UTC.
        example: Serialized; None for an account that is not scored.
        label_source: By which its population is told.
        has_left: Of an account without an example: whether it has feedback at all.
        published: Its row of account_risk_scores; None without one.
        key: Name of its answer; empty where none may be known.
        known: The answer, if it is known: then there is no example.
    """

    as_of: datetime
    example: bytes | None
    label_source: str
    has_left: bool
    published: PublishedScore | None
    key: str = ""
    known: dict[str, Any] | None = None


class Database:
    """Reads accounts; called by some threads at once.

    Args:
        config: The settings of reading.
        statement_s: Seconds that a statement may take.
        require: Refuses a database that the models do not belong to.
        cache: Where answers are kept; None for nowhere.
    """

    def __init__(
        self,
        config: FeedbackExampleGenConfig,
        statement_s: int,
        require: Callable[[DatabaseIdentity], None],
        cache: Cache | None = None,
    ):
        self._cache = cache
        self._config, self._statement_s, self._require = config, statement_s, require
        self._own = threading.local()
        self._lock = threading.Lock()
        self._rest_until = 0.0
        self._problem = ""
        self._source: ExampleSource | None = None
        self._source_until = 0.0
        self._identity = ""

    @property
    def problem(self) -> str:
        """Why the database did not answer last; empty if it did."""
        return self._problem

    def read(self, asked: Sequence[Asked]) -> list[Found | Exception]:
        """Reads accounts in one transaction; what fails for one of them is its result.

        Raises:
            Problem: The database does not answer, or refuses.
        """
        if time.monotonic() < self._rest_until:
            raise _away()
        try:
            found = self._read(asked)
        except (TensInsightError, psycopg2.Error) as error:
            raise self._failed(error) from None
        self._problem = ""
        return found

    def close(self) -> None:
        """Closes the connection of this thread."""
        connection = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            with suppress(psycopg2.Error):
                connection.close()

    def _failed(self, error: Exception) -> Problem:
        self.close()
        if isinstance(error, StatementCancelled):
            return Problem(
                503,
                "database_slow",
                f"The database did not answer within {self._statement_s} seconds. Try again.",
                retry_after=1,
            )
        # What psycopg2 says in its own words may quote rows.
        own = isinstance(error, TensInsightError)
        said = str(error) if own else f"{type(error).__name__} of the database"
        if said != self._problem:
            _log.warning("%s", said)
        self._problem = said
        if not isinstance(error, ContractBroken | OtherDatabase):
            self._rest_until = time.monotonic() + _REST_S
        return _away()

    def _read(self, asked: Sequence[Asked]) -> list[Found | Exception]:
        was_open = self._open_connection() is not None
        try:
            return self._read_once(asked)
        except ServerBrokeOff:
            if not was_open:
                raise
        # The server was started again, or somebody on the way closed what was idle.
        self.close()
        return self._read_once(asked)

    def _read_once(self, asked: Sequence[Asked]) -> list[Found | Exception]:
        connection = self._open_connection() or self._connected()
        try:
            with explained(connection):
                found = self._read_all(connection, asked)
            connection.rollback()
        except BaseException:
            with suppress(psycopg2.Error):
                connection.rollback()
            raise
        return found

    def _open_connection(self) -> Connection | None:
        """Returns the connection of this thread, if it has one that is open."""
        connection: Connection | None = getattr(self._own, "connection", None)
        return None if connection is None or connection.closed else connection

    def _connected(self) -> Connection:
        connection = read_only_connection("tens-insight serve", self._statement_s)
        self._own.connection, self._own.is_known = connection, False
        return connection

    def _read_all(self, connection: Connection, asked: Sequence[Asked]) -> list[Found | Exception]:
        now = _now(connection)
        source = self._known_source(connection, now)
        published = _published(connection, sorted({one.account_id for one in asked}))
        known = self._known_answers(connection, source, asked, now)
        together: dict[datetime, set[str]] = {}
        for place, one in enumerate(asked):
            _, answer = known.get(place, ("", None))
            if answer is None and one.more is None and (one.as_of or now) <= now:
                together.setdefault(one.as_of or now, set()).add(one.account_id)
        read = {
            as_of: _examples_of_each(connection, source, sorted(accounts), as_of)
            for as_of, accounts in together.items()
        }
        more: dict[datetime, dict[int, Asked]] = {}
        for place, one in enumerate(asked):
            if one.more is not None and (one.as_of or now) <= now:
                more.setdefault(one.as_of or now, {})[place] = one
        added: dict[int, _Example | Exception] = {}
        for as_of, of_moment in more.items():
            added |= _examples_with_more(connection, source, of_moment, as_of)
        results: list[Found | Exception] = []
        for place, one in enumerate(asked):
            as_of, account = one.as_of or now, one.account_id
            key, answer = known.get(place, ("", None))
            found: _Example | Exception
            if answer is not None:
                found = _NOTHING
            elif as_of > now:
                found = in_future(as_of, now)
            elif one.more is None:
                found = read[as_of][account]
            else:
                found = added[place]
            if isinstance(found, Exception):
                results.append(found)
                continue
            results.append(
                Found(
                    as_of=as_of,
                    example=found.example,
                    label_source=source.label_source,
                    has_left=found.has_left,
                    published=published.get(account),
                    key=key,
                    known=answer,
                )
            )
        return results

    def _known_answers(
        self,
        connection: Connection,
        source: ExampleSource,
        asked: Sequence[Asked],
        now: datetime,
    ) -> dict[int, tuple[str, dict[str, Any] | None]]:
        """Returns names of answers that may be known, and those that are, by place."""
        wanted = {place: one for place, one in enumerate(asked) if one.known_as is not None}
        if self._cache is None or not wanted:
            return {}
        accounts = sorted({one.account_id for one in wanted.values()})
        stamps = _stamps(connection, source.churn_source, accounts, now)
        keys = [
            one.known_as(self._identity, stamps[one.account_id], now)
            for one in wanted.values()
            if one.known_as is not None
        ]
        answers = self._cache.get_all(keys)
        return dict(zip(wanted, zip(keys, answers, strict=True), strict=True))

    def _known_source(self, connection: Connection, now: datetime) -> ExampleSource:
        with self._lock:
            # Behind one address may be another database than before: each connection is looked at.
            is_known = getattr(self._own, "is_known", False)
            if self._source is None or not is_known or time.monotonic() > self._source_until:
                self._source = find_example_source(connection, self._config, now)
                identity = read_identity(connection)
                if identity.id != self._identity:
                    self._require(identity)
                    self._identity = identity.id
                self._source_until = time.monotonic() + _SOURCE_S
                self._own.is_known = True
            return self._source


@dataclass(frozen=True)
class _Example:
    """An account's example; None where it is not scored, and whether it has feedback at all."""

    example: bytes | None
    has_left: bool = False


_NOTHING: Final = _Example(None)


def _examples_of_each(
    connection: Connection, source: ExampleSource, accounts: Sequence[str], as_of: datetime
) -> dict[str, _Example | Exception]:
    """Reads some accounts together; where one has unsound rows, each is read alone."""
    try:
        found = read_account_examples(connection, source, accounts, as_of)
    except ContractBroken as error:
        if len(accounts) == 1:
            return {accounts[0]: _unsound(error)}
        return {
            name: one
            for account in accounts
            for name, one in _examples_of_each(connection, source, [account], as_of).items()
        }
    return {
        **dict.fromkeys(accounts, _NOTHING),
        **{account: _Example(None, has_left=True) for account in found.left},
        **dict(zip(found.accounts, map(_Example, found.serialized), strict=True)),
    }


def _examples_with_more(
    connection: Connection, source: ExampleSource, asked: Mapping[int, Asked], as_of: datetime
) -> dict[int, "_Example | Exception"]:
    """Makes examples of accounts as if they had written more than the database has; by place."""
    accounts = sorted({one.account_id for one in asked.values()})
    rows = read_account_rows(connection, source, accounts, as_of)
    found: dict[int, _Example | Exception] = {}
    waiting = dict(asked)
    while waiting:  # an account may be asked for twice, with other events
        first = {one.account_id: place for place, one in reversed(waiting.items())}
        together = {place: waiting.pop(place) for place in sorted(first.values())}
        try:
            found |= _of_rows(rows, source, together)
        except ContractBroken as error:
            if len(asked) == 1:
                return dict.fromkeys(asked, _unsound(error))
            for place, one in together.items():
                found |= _examples_with_more(connection, source, {place: one}, as_of)
    return found


def _of_rows(
    rows: AccountRows, source: ExampleSource, asked: Mapping[int, Asked]
) -> dict[int, "_Example | Exception"]:
    """Makes the examples of different accounts, of their rows and of what is added to them."""
    found: dict[int, _Example | Exception] = {}
    known = {one.decode() for one in rows.feedback["account_id"].unique().to_pylist()}
    tables = [rows.feedback]
    for place, one in asked.items():
        assert one.more is not None
        if one.account_id not in known:
            found[place] = _NOTHING
            continue
        try:
            tables.append(one.more(rows.as_of))
        except Problem as problem:
            found[place] = problem
    together = pa.concat_tables(tables).unify_dictionaries()
    made = account_examples(replace(rows, feedback=together), source)
    examples = dict(zip(made.accounts, map(_Example, made.serialized), strict=True))
    left = _Example(None, has_left=True)
    return {
        place: found.get(place) or examples.get(one.account_id, left)
        for place, one in asked.items()
    }


def _unsound(error: ContractBroken) -> Problem:
    return Problem(503, "unsound_feedback", str(error))


def _stamps(
    connection: Connection, churn: ChurnSource | None, accounts: Sequence[str], as_of: datetime
) -> dict[str, Stamp]:
    found = {account: Stamp(account) for account in accounts}
    values = {"accounts": list(accounts), "as_of": as_of}
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["stamps"], values)
        found |= {one.account_id: one for one in records(cursor, Stamp)}
        if churn is not None:
            query = sql.SQL(_QUERIES["churn_stamps"]).format(
                table=table_identifier(churn.table),
                account_column=sql.Identifier(churn.account_column),
                date_column=sql.Identifier(churn.date_column),
            )
            cursor.execute(query, values)
            for account, churned in cursor.fetchall():
                found[account] = replace(found[account], churned=churned)
    return found


def _now(connection: Connection) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["now"])
        now: datetime = value(cursor)
    return now.astimezone(timezone.utc)


def _published(connection: Connection, accounts: Sequence[str]) -> dict[str, PublishedScore]:
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["published"], {"accounts": list(accounts)})
        return {one.account_id: one for one in records(cursor, PublishedScore)}


def _away() -> Problem:
    # What it said names users and hosts: that is for the log.
    return Problem(
        503,
        "database_away",
        "The database cannot be asked now; events that a request brings along are scored all the "
        "same. Try again.",
        retry_after=2,
    )


def in_future(as_of: datetime, now: datetime) -> Problem:
    """Says that a moment has not come yet."""
    return Problem(
        422,
        "as_of_in_future",
        f"as_of is {as_of.isoformat()}, but the database's clock shows {now.isoformat()}.",
    )
