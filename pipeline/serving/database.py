"""What the server asks of the database: events of accounts, and what is published of them.

Each thread has a connection of its own, whose transactions are read-only and may take a limited
time. Where the database is away, requests that need it are refused at once until it is tried again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Final

import psycopg2
import pyarrow as pa
from psycopg2 import sql
from psycopg2.errors import CharacterNotInRepertoire, UntranslatableCharacter
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

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
from components.postgres.failures import ServerBrokeOff, StatementCancelled, explained, place_of
from components.postgres.identity import DatabaseIdentity, read_identity
from components.postgres.local_settings import SettledConnection
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import records, value
from pipeline.serving.cache import Cache, Stamp
from pipeline.serving.connections import Connections, ServerHangs
from pipeline.serving.problems import Problem

_log = logging.getLogger(__name__)
_QUERIES: Final = queries(__package__)
_REST_S: Final = 1.0
"""Seconds for which a database that did not answer is not asked."""
_SOURCE_S: Final = 60.0
"""Seconds after which it is looked up again what the settings leave to the database."""
_OF_ROWS: Final = 3
"""Statements that take long where there are many rows."""
ANSWERS: Final = "answers"
AWAY: Final = "away"
REFUSES: Final = "refuses"


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
    churn_probability: float | None
    health_score: float | None
    risk_category: str | None
    as_of: datetime
    model_version: str | None


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


@dataclass(frozen=True)
class _LookedUp:
    """What the database has of an account, but its events; a field for each column."""

    account_id: str
    now: datetime
    churn_probability: float | None
    health_score: float | None
    risk_category: str | None
    predicted_at: datetime | None
    model_version: str | None
    rows: int | None
    newest: datetime | None
    churned: datetime | None

    @property
    def stamp(self) -> Stamp:
        """What tells an old answer from a new one."""
        return Stamp(self.account_id, self.rows or 0, self.newest, self.churned)

    @property
    def published(self) -> PublishedScore | None:
        """Its row of account_risk_scores."""
        if self.predicted_at is None:
            return None
        return PublishedScore(
            account_id=self.account_id,
            churn_probability=self.churn_probability,
            health_score=self.health_score,
            risk_category=self.risk_category,
            as_of=self.predicted_at,
            model_version=self.model_version,
        )


class _ImpossibleIdError(Exception):
    """An id has letters that the encoding of the database does not have."""


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
        self._connections = Connections(statement_s)
        self._lock = threading.Lock()
        self._rest_until = 0.0
        self._problem = ""
        self._state = ANSWERS
        self._source: ExampleSource | None = None
        self._source_until = 0.0
        self._identity = ""

    @property
    def state(self) -> str:
        """How the database answered last: ANSWERS, AWAY or REFUSES."""
        return self._state

    def read(self, asked: Sequence[Asked]) -> list[Found | Exception]:
        """Reads accounts in one transaction; what fails for one of them is its result.

        Raises:
            Problem: The database does not answer, or refuses.
        """
        if time.monotonic() < self._rest_until:
            raise _away()
        try:
            found = self._read(asked)
        except _ImpossibleIdError:
            if len(asked) > 1:  # the other accounts are read without this one
                return [one for each in asked for one in self._alone(each)]
            found = [_impossible_id(asked[0])]
        except (TensInsightError, psycopg2.Error) as error:
            raise self._failed(error) from None
        self._problem, self._state = "", ANSWERS
        return found

    def _alone(self, asked: Asked) -> list[Found | Exception]:
        try:
            return self.read([asked])
        except Problem as problem:
            return [problem]

    def close(self) -> None:
        """Closes the connection of this thread."""
        self._connections.close()

    def end_hanging(self) -> None:
        """Ends the wait for a server that says nothing any more; called now and then."""
        self._connections.end_hanging()

    def _failed(self, error: Exception) -> Problem:
        connection = self._connections.open()
        place = place_of(connection) if connection is not None else None
        self.close()
        if isinstance(error, StatementCancelled):
            return self._slow()
        # What psycopg2 says in its own words may quote rows.
        own = isinstance(error, TensInsightError)
        said = str(error) if own else f"{type(error).__name__} of the database"
        if said != self._problem:
            _log.warning("%s", said)
        self._problem, self._state = said, AWAY
        if isinstance(error, OtherDatabase):
            self._state = REFUSES
            return _other_database()
        if isinstance(error, ContractBroken):
            self._state = REFUSES
            names = (place.name, f'"{place.user}"') if place is not None else ()
            return _contract_broken(said, names)
        self._rest_until = time.monotonic() + _REST_S
        return self._slow() if isinstance(error, ServerHangs) else _away()

    def _slow(self) -> Problem:
        return Problem(
            503,
            "database_slow",
            f"The database did not answer within {self._statement_s} seconds. Try again.",
            retry_after=1,
        )

    def _read(self, asked: Sequence[Asked]) -> list[Found | Exception]:
        was_open = self._connections.open() is not None
        try:
            return self._read_once(asked)
        except ServerBrokeOff:
            if not was_open:
                raise
        # The server was started again, or somebody on the way closed what was idle.
        self.close()
        return self._read_once(asked)

    def _read_once(self, asked: Sequence[Asked]) -> list[Found | Exception]:
        with self._connections.step():
            connection = self._connections.get()
        try:
            found = self._read_all(connection, asked)
            with self._connections.step():
                connection.rollback()
        except BaseException:
            with suppress(psycopg2.Error, TensInsightError), self._connections.step():
                connection.rollback()
            raise
        return found

    def _read_all(self, connection: Connection, asked: Sequence[Asked]) -> list[Found | Exception]:
        source = self._known_source(connection)
        looked_up = self._look_up(connection, source, asked)
        now = next(iter(looked_up.values())).now.astimezone(timezone.utc)
        known = self._known_answers(looked_up, asked, now)
        together: dict[datetime, set[str]] = {}
        for place, one in enumerate(asked):
            _, answer = known.get(place, ("", None))
            if answer is None and one.more is None and (one.as_of or now) <= now:
                together.setdefault(one.as_of or now, set()).add(one.account_id)
        read: dict[datetime, dict[str, _Example | Exception]] = {}
        for as_of, accounts in together.items():
            with self._connections.step(_OF_ROWS), explained(connection):
                read[as_of] = _examples_of_each(connection, source, sorted(accounts), as_of)
        more: dict[datetime, dict[int, Asked]] = {}
        for place, one in enumerate(asked):
            if one.more is not None and (one.as_of or now) <= now:
                more.setdefault(one.as_of or now, {})[place] = one
        added: dict[int, _Example | Exception] = {}
        for as_of, of_moment in more.items():
            with self._connections.step(_OF_ROWS), explained(connection):
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
                    published=looked_up[account].published,
                    key=key,
                    known=answer,
                )
            )
        return results

    def _look_up(
        self, connection: Connection, source: ExampleSource, asked: Iterable[Asked]
    ) -> dict[str, _LookedUp]:
        accounts = sorted({one.account_id for one in asked})
        with_stamps = self._cache is not None and any(one.known_as is not None for one in asked)
        query = _look_up_query(connection, source.churn_source, with_stamps)
        with self._connections.step(), explained(connection), Cursor(connection) as cursor:
            try:
                # In one go: a transaction would begin with a journey of its own for its settings.
                cursor.execute(_settings(connection) + query, {"accounts": accounts})
            except (UntranslatableCharacter, CharacterNotInRepertoire):
                raise _ImpossibleIdError from None
            return {one.account_id: one for one in records(cursor, _LookedUp)}

    def _known_answers(
        self, looked_up: Mapping[str, _LookedUp], asked: Sequence[Asked], now: datetime
    ) -> dict[int, tuple[str, dict[str, Any] | None]]:
        """Returns names of answers that may be known, and those that are, by place."""
        wanted = {place: one for place, one in enumerate(asked) if one.known_as is not None}
        if self._cache is None or not wanted:
            return {}
        keys = [
            one.known_as(self._identity, looked_up[one.account_id].stamp, now)
            for one in wanted.values()
            if one.known_as is not None
        ]
        answers = self._cache.get_all(keys)
        return dict(zip(wanted, zip(keys, answers, strict=True), strict=True))

    def _known_source(self, connection: Connection) -> ExampleSource:
        with self._lock:
            # Behind one address may be another database than before: each connection is looked at.
            is_due = self._connections.is_new or time.monotonic() > self._source_until
            if self._source is None or is_due:
                with self._connections.step(_OF_ROWS), explained(connection):
                    self._source = find_example_source(connection, self._config, _now(connection))
                    identity = read_identity(connection)
                if identity.id != self._identity:
                    self._require(identity)
                    self._identity = identity.id
                self._source_until = time.monotonic() + _SOURCE_S
                self._connections.known()
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


_COMPOSED: Final[dict[tuple[ChurnSource | None, bool], str]] = {}
"""Statements: to compose one takes as long as to run it."""


def _look_up_query(connection: Connection, churn: ChurnSource | None, with_stamps: bool) -> str:
    if (churn, with_stamps) not in _COMPOSED:
        of_churn = with_stamps and churn is not None
        stamps = ["wrote.rows, newest" if with_stamps else "NULL AS rows, NULL AS newest"]
        stamps.append("churned" if of_churn else "NULL AS churned")
        joins: list[sql.Composable] = [sql.SQL(_QUERIES["wrote"])] if with_stamps else []
        if with_stamps and churn is not None:
            joins.append(
                sql.SQL(_QUERIES["churned"]).format(
                    table=table_identifier(churn.table),
                    account_column=sql.Identifier(churn.account_column),
                    date_column=sql.Identifier(churn.date_column),
                )
            )
        query = sql.SQL(_QUERIES["looked_up"]).format(
            stamps=sql.SQL(", ".join(stamps)), joins=sql.SQL("").join(joins)
        )
        _COMPOSED[churn, with_stamps] = query.as_string(connection)
    return _COMPOSED[churn, with_stamps]


def _settings(connection: Connection) -> str:
    """Returns the settings with which a transaction begins; nothing where it has begun."""
    idle = connection.info.transaction_status == TRANSACTION_STATUS_IDLE
    if not idle or not isinstance(connection, SettledConnection):
        return ""
    return connection.local_settings.replace("%", "%%") + ";"


def _now(connection: Connection) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["now"])
        now: datetime = value(cursor)
    return now.astimezone(timezone.utc)


def _impossible_id(asked: Asked) -> Problem:
    return Problem(
        404,
        "unknown_account",
        "No account can have this id: the encoding of the database has not all of its letters.",
        account_id=asked.account_id,
    )


def _other_database() -> Problem:
    return Problem(
        503,
        "other_database",
        "The models belong to another database than the one that DATABASE_URL names: correct it or "
        "TENS_INSIGHT_STATE_DIR, or let the models pass to this one (`tens-insight db adopt`).",
        retry_after=60,
    )


def _contract_broken(said: str, names: Iterable[str]) -> Problem:
    """Says what is missing, without the names of a user and a host."""
    for name in names:
        said = said.replace(name, "the database" if "@" in name else "the server's role")
    return Problem(
        503,
        "database_contract",
        f"{said} For the rights of the server's role: `tens-insight db grants --server ROLE`.",
        retry_after=60,
    )


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
