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
from pipeline.serving.accounts import AccountQuestion, Answered, not_scored
from pipeline.serving.answers import Call, Question
from pipeline.serving.batches import Batches
from pipeline.serving.bodies import AccountAsked, Wanted, events_table, read_wanted
from pipeline.serving.cache import Cache, InProcess, Stamp, key_of
from pipeline.serving.champion import Champion, Follower
from pipeline.serving.examples import Asked
from pipeline.serving.lookup import PublishedScore, published_values
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
        accounts: Accounts that wait to be read, and to be asked the model about.
        model: Other requests that wait for the model.
        bodies: Requests whose events wait to be made examples.
        cache: Answers that are known; None where none are kept.
        told_cached: Is told of each account whether its answer was known.
        told_example: Is told of each account of the database that the model was asked about, and
            of its probability.
    """

    settings: Settings
    follower: Follower
    accounts: Batches[AccountQuestion, Answered]
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
        asked = Asked(account_id, as_of, known_as=now_only)
        answered = await self.accounts.ask(AccountQuestion(asked, champion, reasons))
        found, answer = answered.found, answered.answer
        self.told_cached(found.known is not None)
        if found.known is not None:
            told = {"account_id": account_id, **found.known, "from": "cache"}
            return told | {"published": published_values(found.published)}
        assert found.example is not None
        assert answer is not None
        self.told_example(found.example, answer["probability"])
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
            self._what_if([accounts[place] for place in asked], wanted, champion),
            self._given(wanted, champion),
        )
        told = given | dict(zip(asked, found, strict=True))
        if len(told) == 1 and isinstance(told[0], Problem):
            raise told[0]
        return [_values(accounts[place].account_id, told[place]) for place in places]

    async def _what_if(
        self, accounts: Sequence[AccountAsked], wanted: Wanted, champion: Champion
    ) -> list[Values | Problem]:
        questions = [
            AccountQuestion(
                Asked(one.account_id, wanted.as_of, partial(events_table, one)),
                champion.of(one.account_id),
                wanted.reasons,
            )
            for one in accounts
        ]
        results: list[Values | Problem] = []
        for one, answered in zip(accounts, await self.accounts.ask_each(questions), strict=True):
            if isinstance(answered, Problem):
                results.append(answered)
                continue
            if isinstance(answered, Exception):
                raise answered
            found, answer = answered.found, answered.answer
            assert answer is not None
            results.append(_told(one.account_id, found.as_of, answer, "what_if", found.published))
        return results

    async def _given(self, wanted: Wanted, champion: Champion) -> dict[int, Values | Problem]:
        if all(one.from_database for one in wanted.accounts):
            return {}
        accounts = wanted.accounts
        made: dict[int, _Example | Problem] = await self.bodies.ask(
            Call(partial(self._from_bodies, wanted, champion))
        )
        ready = {place: one for place, one in made.items() if isinstance(one, _Example)}
        answers = await self.model.ask_all(
            [
                Question(champion.of(accounts[place].account_id), one.example, wanted.reasons)
                for place, one in ready.items()
            ]
        )
        told: dict[int, Values | Problem] = {
            place: _told(accounts[place].account_id, one.as_of, answer, "request")
            for (place, one), answer in zip(ready.items(), answers, strict=True)
        }
        return told | {place: one for place, one in made.items() if isinstance(one, Problem)}

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
    """A serialized example, and of which moment."""

    example: bytes
    as_of: datetime


def _values(account_id: str, told: Values | Problem) -> Values:
    if isinstance(told, Problem):
        return {"account_id": account_id, "error": told.message, "code": told.code}
    return told


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
            found[place] = _Example(examples[account.account_id], as_of)
        else:
            found[place] = not_scored() if account.events else _without_events()
    return found


def _without_events() -> Problem:
    return Problem(
        422,
        "invalid",
        "An account without events cannot be scored: give some, or set from_database.",
    )


def _told(
    account_id: str,
    as_of: datetime,
    answer: Mapping[str, Any],
    origin: str,
    published: PublishedScore | None = None,
) -> Values:
    told = {"account_id": account_id, "as_of": as_of.isoformat(), **answer, "from": origin}
    return told if origin == "request" else told | {"published": published_values(published)}
