"""What is kept of an answer names nobody, and large bodies wait in a queue with an end."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from pipeline.serving.accounts import AccountQuestion, Answered
from pipeline.serving.answers import Call, call_all
from pipeline.serving.batches import Batches
from pipeline.serving.cache import InProcess, Stamp
from pipeline.serving.database import Found
from pipeline.serving.problems import Problem
from pipeline.serving.scores import Scores
from serving_model.served.risk_bands import RiskBands

NOW = datetime(2026, 11, 30, 9, 15, tzinfo=timezone.utc)
ACCOUNT = "Köln/1"
VALUES = {"probability": 0.3, "risk_band": "medium"}


class Asking:
    """Answers at once what a function says."""

    def __init__(self, work: Callable[[Any], Any]):
        self._work = work

    async def ask(self, item: Any) -> Any:
        return self._work(item)


def champion_of(lifts: Sequence[float]) -> Any:
    properties = SimpleNamespace(label_source="account_churn")
    bands = RiskBands("lift", tuple(lifts), base_rate=0.1)
    made = SimpleNamespace(version="20261130-aaaaaaaa", bands=bands, properties=properties)
    made.of = lambda account_id: made
    return made


def scores_of(cache: InProcess, lifts: Sequence[float] = (1.5, 2.5, 4.0)) -> Scores:
    """A server with rules of risk bands, whose database has one account that does not change."""

    def answer(question: AccountQuestion) -> Answered:
        asked = question.asked
        assert asked.known_as is not None
        key = asked.known_as("database", Stamp(asked.account_id, 3, NOW), NOW)
        (known,) = cache.get_all([key])
        example = None if known else b"example"
        found = Found(NOW, example, "account_churn", False, None, key=key, known=known)
        return Answered(found, None if known else VALUES)

    parts: dict[str, Any] = {
        "settings": None,
        "follower": SimpleNamespace(champion=champion_of(lifts)),
        "accounts": Asking(answer),
        "model": None,
        "bodies": None,
    }
    return Scores(**parts, cache=cache, told_cached=lambda known: None)


def test_an_answer_is_kept_without_the_account_and_given_with_it() -> None:
    cache = InProcess(10)
    first, second = (
        asyncio.run(scores_of(cache).of_account(ACCOUNT, None, reasons=False)) for _ in range(2)
    )
    assert (first.pop("from"), second.pop("from")) == ("database", "cache")
    assert first == second
    assert first["account_id"] == ACCOUNT
    assert cache.get_all(list(cache._known)) == [{"as_of": NOW.isoformat(), **VALUES}]


def test_other_rules_of_risk_bands_are_another_question() -> None:
    cache = InProcess(10)
    for lifts, expected in (((1.5, 2.5, 4.0), "database"), ((1.1, 1.2, 1.3), "database")):
        told = asyncio.run(scores_of(cache, lifts).of_account(ACCOUNT, None, reasons=False))
        assert told["from"] == expected


def test_large_bodies_wait_in_a_queue_that_ends() -> None:
    go = threading.Event()

    async def ask() -> list[Any]:
        bodies: Batches[Call, Any] = Batches(call_all, "events", most=1, waiting=2, deadline_s=5)
        bodies.start()
        scores: Any = scores_of(InProcess(10))
        object.__setattr__(scores, "bodies", bodies)
        blocked = asyncio.create_task(bodies.ask(Call(go.wait)))
        await asyncio.sleep(0.05)
        body = b'{"account_id": "' + b" " * 40_000 + b'x"}'
        asked = [asyncio.create_task(scores.read(body)) for _ in range(5)]
        await asyncio.sleep(0.05)
        go.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
        await blocked
        await bodies.stop()
        return list(results)

    results = asyncio.run(ask())
    codes = [one.code for one in results if isinstance(one, Problem)]
    assert sorted(codes) == ["invalid", "invalid", "overloaded", "overloaded", "overloaded"]
