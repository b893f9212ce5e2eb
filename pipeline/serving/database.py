"""What the server asks of the database: events of accounts, and what is published of them.

Each thread has a connection of its own, whose transactions are read-only and may take a limited
time. Where the database is away, requests that need it are refused at once until it is tried again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import psycopg2

from components.errors import ContractBroken, OtherDatabase, TensInsightError
from components.feedback_example_gen.account_examples import ExampleSource, find_example_source
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.postgres.failures import ServerBrokeOff, StatementCancelled, explained, place_of
from components.postgres.identity import DatabaseIdentity, read_identity
from components.postgres.local_settings import SettledConnection
from pipeline.serving.cache import Cache
from pipeline.serving.connections import Connections, ServerHangs
from pipeline.serving.examples import (
    NOTHING,
    Asked,
    Example,
    examples_of_each,
    examples_with_more,
)
from pipeline.serving.lookup import ImpossibleIdError, LookedUp, PublishedScore, clock, look_up
from pipeline.serving.problems import Problem

_log = logging.getLogger(__name__)
_REST_S: Final = 1.0
"""Seconds for which a database that did not answer is not asked."""
_SOURCE_S: Final = 60.0
"""Seconds after which it is looked up again what the settings leave to the database."""
_OF_ROWS: Final = 3
"""Statements that take long where there are many rows."""
ANSWERS: Final = "answers"
AWAY: Final = "away"
REFUSES: Final = "refuses"
_NO_ANSWER: Final[tuple[str, None]] = ("", None)


@dataclass(frozen=True)
class Found:
    """What the database has of an account.

    Attributes:
        as_of: The moment, UTC.
        example: Serialized; None for an account that is not scored.
        label_source: By which its population is told.
        has_left: Of an account without an example: whether it has feedback at all.
        published: Its row of account_risk_scores; None without one.
        key: Name of its answer; empty where none may be known, or where the account wrote while it
            was read.
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
        """Reads accounts; what fails for one of them is its result.

        Raises:
            Problem: The database does not answer, or refuses.
        """
        if time.monotonic() < self._rest_until:
            raise _away()
        try:
            found = self._read(asked)
        except ImpossibleIdError:
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
        return self._read_all(connection, asked)

    def _read_all(
        self, connection: SettledConnection, asked: Sequence[Asked]
    ) -> list[Found | Exception]:
        source = self._known_source(connection)
        looked_up = self._look_up(connection, source, asked)
        now = next(iter(looked_up.values())).now.astimezone(timezone.utc)
        known = self._known_answers(looked_up, asked, now)
        waiting = {
            place: one
            for place, one in enumerate(asked)
            if known.get(place, _NO_ANSWER)[1] is None and (one.as_of or now) <= now
        }
        examples = self._examples(connection, source, waiting, now)
        results: list[Found | Exception] = []
        for place, one in enumerate(asked):
            as_of = one.as_of or now
            key, answer = known.get(place, _NO_ANSWER)
            looked = looked_up[one.account_id]
            found = in_future(as_of, now) if as_of > now else examples.get(place, NOTHING)
            if isinstance(found, Exception):
                results.append(found)
                continue
            results.append(
                Found(
                    as_of=as_of,
                    example=found.example,
                    label_source=source.label_source,
                    has_left=found.has_left,
                    published=looked.published,
                    # Between the two statements it may have written.
                    key=key if answer or found.rows == looked.stamp.rows else "",
                    known=answer,
                )
            )
        return results

    def _examples(
        self,
        connection: SettledConnection,
        source: ExampleSource,
        waiting: Mapping[int, Asked],
        now: datetime,
    ) -> dict[int, Example | Exception]:
        """Makes examples by place, those of one moment together."""
        parts: dict[tuple[datetime, bool], dict[int, Asked]] = {}
        for place, one in waiting.items():
            parts.setdefault((one.as_of or now, one.more is not None), {})[place] = one
        found: dict[int, Example | Exception] = {}
        for (as_of, with_more), part in parts.items():
            make = examples_with_more if with_more else examples_of_each
            with self._connections.step(_OF_ROWS), explained(connection):
                found |= make(connection, source, part, as_of)
        return found

    def _look_up(
        self, connection: SettledConnection, source: ExampleSource, asked: Iterable[Asked]
    ) -> dict[str, LookedUp]:
        accounts = sorted({one.account_id for one in asked})
        with_stamps = self._cache is not None and any(one.known_as is not None for one in asked)
        with self._connections.step(), explained(connection):
            return look_up(connection, accounts, source.churn_source, with_stamps)

    def _known_answers(
        self, looked_up: Mapping[str, LookedUp], asked: Sequence[Asked], now: datetime
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

    def _known_source(self, connection: SettledConnection) -> ExampleSource:
        with self._lock:
            # Behind one address may be another database than before: each connection is looked at.
            is_due = self._connections.is_new or time.monotonic() > self._source_until
            if self._source is None or is_due:
                with (
                    self._connections.step(_OF_ROWS),
                    explained(connection),
                    connection.one_snapshot(),
                ):
                    self._source = find_example_source(connection, self._config, clock(connection))
                    identity = read_identity(connection)
                if identity.id != self._identity:
                    self._require(identity)
                    self._identity = identity.id
                self._source_until = time.monotonic() + _SOURCE_S
                self._connections.known()
            return self._source


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
