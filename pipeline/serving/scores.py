"""What is scored: accounts of the database, events of a request, or both together."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final

import pyarrow as pa

from components.feedback_example_gen.account_examples import (
    AccountRows,
    ExampleSource,
    account_examples,
)
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.feedback_example_gen.request import ACCOUNT_CHURN, COLLAPSE, ReadRequest
from pipeline.serving.answers import Call, Question
from pipeline.serving.batches import Batches
from pipeline.serving.bodies import AccountAsked, Wanted, events_table, read_wanted
from pipeline.serving.cache import Cache, InProcess, Stamp, key_of
from pipeline.serving.champion import Champion, Follower
from pipeline.serving.database import Found
from pipeline.serving.examples import Asked
from pipeline.serving.lookup import PublishedScore
from pipeline.serving.problems import Problem
from pipeline.settings import Settings

Values = dict[str, Any]
_SMALL: Final = 32 * 1024
"""Bytes of a body that are read in some milliseconds."""
_NO_TABLE: Final = ChurnSource("", "", "")
"""Of accounts that a request brings along no churn date is known."""


@dataclass(frozen=True)
class Scores:
    """Scores accounts, each answer by one model.

    Attributes:
        settings: Of the installation.
        follower: Knows the champion.
        database: Requests that wait for the database.
        model: Requests that wait for the model.
        bodies: Requests whose events wait to be made examples.
        cache: Answers that are known; None where none are kept.
        told_cached: Is told of each account whether its answer was known.
        told_example: Is told of each account of the database that the model was asked about, and
            of its probability.
    """

    settings: Settings
    follower: Follower
    database: Batches[Asked, Found]
    model: Batches[Question | Call, Values]
    bodies: Batches[Call, Any]
    cache: Cache | None
    told_cached: Callable[[bool], None]
    told_example: Callable[[bytes, float], None] = lambda example, probability: None

    def keep(self, key: str, values: Values) -> None:
        """Keeps an answer, in a thread of its own where that may take long."""
        if isinstance(self.cache, InProcess):
            self.cache.put(key, values)
        elif self.cache is not None:
            asyncio.get_running_loop().run_in_executor(None, self.cache.put, key, values)

    def require_champion(self) -> Champion:
        """Returns the model that answers.

        Raises:
            Problem: There is none.
        """
        champion = self.follower.champion
        if champion is None:
            raise Problem(503, "no_champion", "No model answers now: see /readyz.", retry_after=5)
        return champion

    async def call(self, work: Callable[[Champion], Values]) -> Values:
        """Lets something else be asked of the model.

        Raises:
            Problem: There is none, or no time or room; or the work raises it.
        """
        champion = self.require_champion()
        return await self.model.ask(Call(partial(work, champion)))

    async def of_account(self, account_id: str, as_of: datetime | None, reasons: bool) -> Values:
        """Scores an account by what the database has of it.

        Raises:
            Problem: It is unknown, has left, or cannot be asked for now.
        """
        champion = self.require_champion().of(account_id)

        def known_as(database: str, stamp: Stamp, now: datetime) -> str:
            # Another server, or this one after a restart, may have other rules of risk bands.
            answering = f"{champion.version} {json.dumps(champion.bands.rule)}"
            return key_of(database, stamp, answering, reasons, now)

        now_only = known_as if self.cache is not None and as_of is None else None
        found = await self.database.ask(Asked(account_id, as_of, known_as=now_only))
        self.told_cached(found.known is not None)
        if found.known is not None:
            told = {"account_id": account_id, **found.known, "from": "cache"}
            return told | {"published": _published(found.published)}
        example = _example_of(account_id, found, champion)
        answer = await self.model.ask(Question(champion, example, reasons))
        self.told_example(example, answer["probability"])
        if self.cache is not None and found.key:
            # Without its account: what a cache holds names nobody.
            self.keep(found.key, {"as_of": found.as_of.isoformat(), **answer})
        return _told(account_id, found.as_of, answer, "database", found.published)

    async def read(self, body: bytes) -> Wanted:
        """Reads the body of a request for scores; a large one while others are answered.

        Raises:
            Problem: It is no such body, or there is no time or room.
        """
        if len(body) <= _SMALL:
            return read_wanted(body)
        wanted: Wanted = await self.bodies.ask(Call(partial(read_wanted, body)))
        return wanted

    async def of_request(self, wanted: Wanted) -> list[Values]:
        """Scores the accounts of a request, in their order; one without an answer says why.

        Raises:
            Problem: A single account has no answer, or there is no time or room for all.
        """
        champion = self.require_champion()
        accounts = wanted.accounts
        places = range(len(accounts))
        asked = [place for place in places if accounts[place].from_database]
        found, given = await asyncio.gather(
            self._what_if([accounts[place] for place in asked], wanted.as_of, champion),
            self._given(wanted, champion),
        )
        examples: dict[int, _Example | Problem] = given | dict(zip(asked, found, strict=True))
        ready = {place: one for place, one in examples.items() if isinstance(one, _Example)}
        answers = await self.model.ask_all(
            [
                Question(champion.of(accounts[place].account_id), one.example, wanted.reasons)
                for place, one in ready.items()
            ]
        )
        told: dict[int, Values] = {
            place: one.told(accounts[place].account_id, answer)
            for (place, one), answer in zip(ready.items(), answers, strict=True)
        }
        problems = {place: one for place, one in examples.items() if isinstance(one, Problem)}
        if len(examples) == 1 and problems:
            raise problems[0]
        told |= {
            place: {
                "account_id": accounts[place].account_id,
                "error": one.message,
                "code": one.code,
            }
            for place, one in problems.items()
        }
        return [told[place] for place in places]

    async def _what_if(
        self, accounts: Sequence[AccountAsked], as_of: datetime | None, champion: Champion
    ) -> "list[_Example | Problem]":
        asked = [Asked(one.account_id, as_of, partial(events_table, one)) for one in accounts]
        results: list[_Example | Problem] = []
        for one, found in zip(accounts, await self.database.ask_each(asked), strict=True):
            try:
                if isinstance(found, Exception):
                    raise found
                example = _example_of(one.account_id, found, champion)
                results.append(_Example(example, found.as_of, "what_if", found.published))
            except Problem as problem:
                results.append(problem)
        return results

    async def _given(self, wanted: Wanted, champion: Champion) -> "dict[int, _Example | Problem]":
        if all(one.from_database for one in wanted.accounts):
            return {}
        found: dict[int, _Example | Problem] = await self.bodies.ask(
            Call(partial(self._from_bodies, wanted, champion))
        )
        return found

    def _from_bodies(self, wanted: Wanted, champion: Champion) -> "dict[int, _Example | Problem]":
        as_of = wanted.as_of or datetime.now(timezone.utc).replace(microsecond=0)
        source = source_of(self.settings, champion)
        accounts = wanted.accounts
        waiting = [place for place in range(len(accounts)) if not accounts[place].from_database]
        found: dict[int, _Example | Problem] = {}
        while waiting:  # an account may be asked for twice, with other events
            first = {accounts[place].account_id: place for place in reversed(waiting)}
            together = {place: accounts[place] for place in sorted(first.values())}
            found |= _of_events(together, as_of, source)
            waiting = [place for place in waiting if place not in together]
        return found


@dataclass(frozen=True)
class _Example:
    """A serialized example, of which moment, where it is from, and what is published."""

    example: bytes
    as_of: datetime
    origin: str
    published: PublishedScore | None

    def told(self, account_id: str, answer: Mapping[str, Any]) -> Values:
        """Returns what is answered."""
        return _told(account_id, self.as_of, answer, self.origin, self.published)


def source_of(settings: Settings, champion: Champion) -> ExampleSource:
    """Returns how examples are made of what a request brings along."""
    request = ReadRequest(as_of=None, splits=("score",), config=settings.reading)
    label_source = champion.properties.label_source
    return ExampleSource(
        rules=request.rules,
        label_source=label_source,
        churn_source=_NO_TABLE if label_source == ACCOUNT_CHURN else None,
        collapse_duplicates=settings.reading.duplicate_events == COLLAPSE,
    )


def _of_events(
    accounts: Mapping[int, AccountAsked], as_of: datetime, source: ExampleSource
) -> "dict[int, _Example | Problem]":
    """Makes examples of accounts with different ids, all at once; by their places."""
    found: dict[int, _Example | Problem] = {}
    tables = {}
    for place, account in accounts.items():
        try:
            tables[place] = events_table(account, as_of)
        except Problem as problem:
            found[place] = problem
    if not tables:
        return found
    rows = pa.concat_tables(tables.values()).unify_dictionaries()
    made = account_examples(AccountRows(as_of, rows, None), source)
    examples = dict(zip(made.accounts, made.serialized, strict=True))
    for place in tables:
        account = accounts[place]
        if account.account_id in examples:
            found[place] = _Example(examples[account.account_id], as_of, "request", None)
        else:
            found[place] = _not_scored() if account.events else _without_events()
    return found


def _without_events() -> Problem:
    return Problem(
        422,
        "invalid",
        "An account without events cannot be scored: give some, or set from_database.",
    )


def _example_of(account_id: str, found: Found, champion: Champion) -> bytes:
    if found.label_source != champion.properties.label_source:
        raise Problem(
            503,
            "label_source",
            f"The champion learnt from {champion.properties.label_source}, and the database now "
            f"says by {found.label_source} who has left. Train again, or restore the table.",
        )
    if found.example is not None:
        return found.example
    if found.has_left:
        raise _not_scored(account_id=account_id, published=_published(found.published))
    raise Problem(
        404,
        "unknown_account",
        "No feedback before as_of names this account: check its spelling; ids are compared as "
        "they are.",
        account_id=account_id,
        as_of=found.as_of.isoformat(),
    )


def _not_scored(**facts: Any) -> Problem:
    return Problem(
        404,
        "not_scored",
        "The account has feedback, but is not scored: by its churn date or its silence it has "
        "left.",
        **facts,
    )


def _told(
    account_id: str,
    as_of: datetime,
    answer: Mapping[str, Any],
    origin: str,
    published: PublishedScore | None,
) -> Values:
    told = {"account_id": account_id, "as_of": as_of.isoformat(), **answer, "from": origin}
    return told if origin == "request" else told | {"published": _published(published)}


def _published(row: PublishedScore | None) -> Values | None:
    if row is None:
        return None
    return {
        "probability": row.churn_probability,
        "health_score": row.health_score,
        "risk_band": row.risk_category,
        "as_of": row.as_of.astimezone(timezone.utc).isoformat(),
        "model_version": row.model_version,
    }
