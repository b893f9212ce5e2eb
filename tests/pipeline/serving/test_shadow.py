"""Models in shadow are asked sometimes, fail for themselves, and are never in the way."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.serving import shadow
from pipeline.serving.champion import Shadow
from pipeline.serving.metrics import ServingMetrics
from pipeline.serving.shadow import Shadows


class Scorer:
    """Answers each account with one probability, and remembers how many it was asked about."""

    def __init__(self, probability: float):
        self._probability = probability
        self.sizes: list[int] = []

    def score_batches(self, batches: list[Any]) -> Any:
        (batch,) = batches
        self.sizes.append(len(batch))
        return SimpleNamespace(probabilities=np.full(len(batch), self._probability))


def made(*scorers: Scorer, busy: bool = False) -> tuple[Shadows, ServingMetrics]:
    metrics = ServingMetrics()
    roles = ("pinned", "former champion")
    found = [
        Shadow(role, number, scorer)  # type: ignore[arg-type]
        for number, (role, scorer) in enumerate(zip(roles, scorers, strict=False))
    ]
    return Shadows(lambda: found, lambda: busy, metrics), metrics


def value(metrics: ServingMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"tens_insight_serve_shadow_{name}", labels)


def test_what_they_say_is_counted_and_one_that_fails_stops_nobody() -> None:
    sound, broken = Scorer(0.3), Scorer(float("nan"))
    asked, metrics = made(broken, sound)
    asked.compare(asked._found(), [(b"a", 0.25), (b"b", 0.29)])
    role = "former champion"
    assert value(metrics, "accounts_total", role="pinned", outcome="failed") == 2
    assert value(metrics, "accounts_total", role=role, outcome="asked") == 2
    assert value(metrics, "probability_total", role=role, by="shadow") == pytest.approx(0.6)
    assert value(metrics, "probability_total", role=role, by="champion") == pytest.approx(0.54)
    assert value(metrics, "difference_bucket", role=role, le="0.02") == 1
    assert value(metrics, "difference_count", role=role) == 2


def test_more_than_there_is_time_for_is_dropped_and_nothing_is_asked_beside_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shadow, "_PAUSE_S", 0.001)

    async def during(asked: Shadows) -> None:
        for number in range(300):
            asked.offer(b"x", number / 300)
        running = asyncio.create_task(asked.run())
        await asyncio.sleep(0.2)
        running.cancel()
        asked.stop()

    busy = Scorer(0.5)
    asked, metrics = made(busy, busy=True)
    asyncio.run(during(asked))
    assert busy.sizes == []
    assert value(metrics, "dropped_total") == 300 - 256
    free = Scorer(0.5)
    asyncio.run(during(made(free)[0]))
    assert free.sizes
    assert max(free.sizes) == 32


def test_after_a_question_it_rests_for_most_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "_PAUSE_S", 0.001)
    asked, _ = made(Scorer(0.5))
    took: list[float] = []

    async def ask() -> float:
        took.append(0.01)
        return took[-1]

    async def during() -> None:
        asked.offer(b"x", 0.5)
        running = asyncio.create_task(asked.run())
        await asyncio.sleep(0.2)
        running.cancel()
        asked.stop()

    monkeypatch.setattr(asked, "_ask", ask)
    asyncio.run(during())
    assert len(took) == 1, "a question of 10 ms is followed by a rest of 2 s"


def test_without_such_models_nothing_is_kept() -> None:
    asked, metrics = made()
    asked.offer(b"x", 0.5)
    assert not asked._waiting
    assert value(metrics, "dropped_total") == 0
