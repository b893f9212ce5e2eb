"""The stream while two models share the accounts: each account has the model of a run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from bench.stream_ground import MODEL, said
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish
from components.publishing.split import Split
from components.publishing.undo import undo
from components.streaming.step import Step, Stream
from pipeline.stream.loop import Done
from serving_model.served.risk_bands import RiskBands
from tests.components.conftest import FeedbackTables
from tests.components.streaming.streamed import (
    LAX,
    champion,
    now,
    opened,
    rescored,
    run,
    stream,
    write,
)

SPLIT = Split(7, MODEL, "model-2", 0.5, "split-7-1")
ACCOUNTS = [f"ACC-{n:06d}" for n in range(12)]
SECOND = {one for one in ACCOUNTS if SPLIT.is_second(one)}


def second_said(examples: Sequence[bytes]) -> pa.Table:
    """Answers otherwise than the first model."""
    table = said(examples)
    columns = {name: table[name] for name in table.column_names}
    other = [1 - p for p in table["churn_probability"].to_pylist()]
    columns["churn_probability"] = pa.array(other)
    columns["churn_by_horizon"] = pa.array([f'{{"10": {p!r}}}' for p in other])
    columns["model_version"] = pa.array(["model-2"] * len(table))
    return pa.table(columns, schema=table.schema)


def both() -> Any:
    return champion(split=SPLIT, second=second_said)


def run_of_both(tables: FeedbackTables, moment: datetime | None = None) -> None:
    """Publishes all accounts, each with its model of the split."""
    as_of = moment or now(tables)
    scores = {
        name: 1 - p if SPLIT.is_second(name) else p for name, p in rescored(ACCOUNTS, as_of).items()
    }
    categories = RiskBands().categories(list(scores.values()), list(scores))
    rows = [
        (name, scores[name], 100 * (1 - scores[name]), str(category), as_of, SPLIT.version(name))
        for name, category in zip(scores, categories, strict=True)
    ]
    publication = Publication(as_of, MODEL, "inactivity", f"run-{as_of}", len(rows), split=SPLIT)
    publish(ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=PublishPolicy(LAX))


@pytest.fixture
def world(feedback: FeedbackTables) -> FeedbackTables:
    for days in (1, 3, 20):
        write(feedback, *ACCOUNTS, ago=days)
    return feedback


def table(tables: FeedbackTables) -> dict[str, tuple[Any, ...]]:
    rows = tables.execute(
        "SELECT account_id, churn_probability, predicted_at, model_version FROM account_risk_scores"
    )
    return {row[0]: row[1:] for row in rows}


def settled(one: Stream) -> list[Step]:
    steps = [one.step()]
    while steps[-1].sweeping:
        steps.append(one.step())
    return steps


def test_each_account_has_its_model_between_two_runs(world: FeedbackTables) -> None:
    run_of_both(world)
    before = table(world)
    with opened(stream(champion=both)) as one:
        assert sum(step.left_out for step in settled(one)) == 0
    after = table(world)
    assert all(after[name][1] > before[name][1] for name in ACCOUNTS)
    for name, (p, moment, model) in after.items():
        assert model == ("model-2" if name in SECOND else MODEL)
        expected = rescored([name], moment)[name]
        assert p == (1 - expected if name in SECOND else expected)
    ((kept, models),) = world.execute(
        "SELECT increment -> 'split' ->> 'salt', increment -> 'split' ->> 'b' "
        "FROM tens_insight.publications ORDER BY publication_id DESC LIMIT 1"
    )
    assert (kept, models) == (SPLIT.salt, "model-2")
    undo(ACCOUNT_RISK_SCORES, reason="A test.")
    assert table(world) == before


@pytest.mark.parametrize("begins", [True, False])
def test_who_gets_another_model_waits_for_the_next_run(world: FeedbackTables, begins: bool) -> None:
    (run if begins else run_of_both)(world)
    before = table(world)
    made = stream(champion=both) if begins else stream()
    with opened(made) as one:
        steps = settled(one)
        write(world, *sorted(SECOND)[:1])
        step = one.step()
    assert (step.wrote, step.published, step.left_out) == (1, 0, 1)
    assert sum(step.left_out for step in steps) == len(SECOND)
    after = table(world)
    assert {name for name in ACCOUNTS if after[name] == before[name]} == SECOND
    told = Done()
    told.add(step)
    assert "1 were left out until the next run" in told.sentence()


def test_a_run_keeps_what_both_models_published_later(world: FeedbackTables) -> None:
    run_of_both(world)
    earlier = now(world)
    with opened(stream(champion=both)) as one:
        settled(one)
    before = table(world)
    assert all(row[1] > earlier for row in before.values())
    run_of_both(world, earlier)
    assert table(world) == before
    ((salt,),) = world.execute(
        "SELECT increment -> 'split' ->> 'salt' FROM tens_insight.publications "
        "ORDER BY publication_id DESC LIMIT 1"
    )
    assert salt == SPLIT.salt
