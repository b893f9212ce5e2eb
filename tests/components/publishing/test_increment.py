"""Incremental publications: what table, histories and log hold, and what stays what it was."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.errors import NothingToPublish, PublicationRefused
from components.postgres.connection import begin_writing, connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.history import drop_old_history
from components.publishing.increment import (
    Increment,
    Incremented,
    PublishedMeanwhile,
    publish_increment,
)
from components.publishing.lock import lock_table
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publication_log import PublicationLog, read_log
from components.publishing.publish import publish
from components.publishing.refusals import KeptRefusal
from components.publishing.undo import undo
from serving_model.served.risk_bands import RiskBands
from tests.components.publishing.policies import policy_with, publish_policy
from tests.components.publishing.test_undo import AS_OF, image, query
from tests.property_tests import cases

LAX = publish_policy(max_count_change=9.0)
STRICT = policy_with(publish_policy(max_count_change=0.5), max_mean_shift=0.2, max_moved_share=0.1)
MODEL = "model-1"


def run(hours: float, probabilities: dict[str, float], policy: PublishPolicy = LAX) -> int:
    """Publishes all accounts, as a run does."""
    as_of = AS_OF + timedelta(hours=hours)
    rows = [
        (name, p, 100 * (1 - p), category(p), as_of, MODEL) for name, p in probabilities.items()
    ]
    publication = Publication(as_of, MODEL, "account_churn", f"run-{hours}", len(rows))
    details = Details(lambda: [detail_row(name, p) for name, p in probabilities.items()], 60)
    return publish(
        ACCOUNT_RISK_SCORES,
        lambda: rows,
        publication=publication,
        policy=policy,
        details=details,
    ).publication_id


def category(p: float) -> str:
    return ("low", "medium", "high", "critical")[min(int(p * 4), 3)]


def detail_row(name: str, p: float) -> tuple[object, ...]:
    horizons = f'{{"60": {p!r}}}'
    return (name, horizons, 9.0, 1.0, "active", None, None, None, None, "pro", "EU")


def increment(
    hours: float, probabilities: dict[str, float], base: int, **changes: Any
) -> Increment:
    as_of = AS_OF + timedelta(hours=hours)
    names, values = list(probabilities), list(probabilities.values())
    count = len(names)
    rows = pa.table(
        {
            "account_id": pa.array(names, pa.string()),
            "churn_probability": pa.array(values, pa.float64()),
            "health_score": pa.array([100 * (1 - p) for p in values], pa.float64()),
            "risk_category": pa.array([category(p) for p in values], pa.string()),
            "predicted_at": pa.repeat(as_of.isoformat(), count),
            "model_version": pa.repeat(changes.get("model_version", MODEL), count),
        }
    )
    details = pa.table(
        {
            "account_id": pa.array(names, pa.string()),
            "churn_by_horizon": pa.array([f'{{"60": {p!r}}}' for p in values], pa.string()),
            "tenure_days": pa.repeat(9.5, count),
            "days_since_last_event": pa.repeat(0.5, count),
            "silence_state": pa.repeat("active", count),
            "base_log_odds": pa.nulls(count, pa.float64()),
            "other_log_odds": pa.nulls(count, pa.float64()),
            "reasons": pa.nulls(count, pa.string()),
            "other_reasons": pa.nulls(count, pa.string()),
            "customer_tier": pa.repeat("pro", count),
            "region": pa.repeat("EU", count),
            "percentile": pa.repeat(50.0, count),
            "lift": pa.nulls(count, pa.float64()),
            "base_rate": pa.nulls(count, pa.float64()),
            "holdout": pa.repeat("false", count),
        }
    )
    known: dict[str, Any] = {"model_version": MODEL, "label_source": "account_churn"} | changes
    return Increment(
        as_of=as_of,
        base=base,
        rows=[rows],
        details=[details],
        horizon_days=60,
        horizons=(60,),
        **known,
    )


def grow(
    hours: float,
    probabilities: dict[str, float],
    base: int,
    policy: PublishPolicy = LAX,
    **changes: Any,
) -> Incremented | KeptRefusal:
    with closing(connect("tens-insight test")) as connection:
        begin_writing(connection)
        with connection, connection.cursor() as cursor:
            return publish_increment(
                cursor, increment(hours, probabilities, base, **changes), policy
            )


def written(outcome: Incremented | KeptRefusal) -> int:
    assert isinstance(outcome, Incremented)
    assert outcome.publication_id is not None
    return outcome.publication_id


def log() -> PublicationLog:
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        return read_log(cursor, ACCOUNT_RISK_SCORES)


def scores() -> dict[str, tuple[float, datetime]]:
    rows = query("SELECT account_id, churn_probability, predicted_at FROM account_risk_scores")
    return {name: (p, moment) for name, p, moment in rows}


def details() -> dict[str, float]:
    return dict(
        query("SELECT account_id, days_since_last_event FROM tens_insight.account_risk_details")
    )


def hour(hours: float) -> datetime:
    return AS_OF + timedelta(hours=hours)


def test_an_increment_replaces_its_accounts_and_leaves_the_others(migrated_database: str) -> None:
    base = run(4, {"a": 0.1, "b": 0.3, "c": 0.9})
    number = written(grow(5, {"b": 0.6, "new": 0.2}, base))
    assert scores() == {
        "a": (0.1, hour(4)),
        "b": (0.6, hour(5)),
        "c": (0.9, hour(4)),
        "new": (0.2, hour(5)),
    }
    assert details() == {"a": 1.0, "b": 0.5, "c": 1.0, "new": 0.5}
    entry = log().newest
    assert entry is not None
    assert (entry.publication_id, entry.kind, entry.as_of) == (number, "incremental", hour(5))
    assert (entry.rows_written, entry.category_shares) == (2, {"high": 0.5, "low": 0.5})
    assert entry.mean_probability == pytest.approx(0.4)
    assert not entry.removes_others


def test_one_day_is_one_line_and_the_newest_row_of_an_account_counts(
    migrated_database: str,
) -> None:
    base = run(4, {"a": 0.1, "b": 0.3})
    first = written(grow(5, {"a": 0.6, "b": 0.2}, base))
    assert written(grow(6, {"a": 0.8}, base)) == first
    entry = log().newest
    assert entry is not None
    assert (entry.rows_written, entry.as_of) == (2, hour(6))
    assert entry.mean_probability == pytest.approx(0.5)
    assert entry.category_shares == {"critical": 0.5, "low": 0.5}
    assert entry.increment is not None
    assert entry.increment["shift"] == pytest.approx(0.6)
    assert entry.increment["category_shift"] == {"low": 0, "medium": -1, "critical": 1, "high": 0}
    history = query(
        "SELECT account_id, churn_probability FROM tens_insight.account_risk_score_history "
        "WHERE publication_id = %s ORDER BY 1",
        first,
    )
    assert history == [("a", 0.8), ("b", 0.2)]
    assert written(grow(25, {"a": 0.7}, base)) != first
    assert written(grow(26, {"a": 0.7}, base, model_version="model-2")) > first + 1


def test_older_scores_never_replace_newer_ones(migrated_database: str) -> None:
    base = run(4, {"a": 0.1, "b": 0.3})
    grow(6, {"a": 0.6}, base)
    outcome = grow(5, {"a": 0.7, "b": 0.5}, base)
    assert isinstance(outcome, Incremented)
    assert (outcome.written, outcome.newer) == (1, 1)
    assert scores() == {"a": (0.6, hour(6)), "b": (0.5, hour(5))}
    entry = log().newest
    assert entry is not None
    assert entry.as_of == hour(6)


def test_a_run_keeps_what_was_published_of_a_later_moment(migrated_database: str) -> None:
    base = run(4, {"a": 0.1, "b": 0.3, "leaves": 0.5})
    grow(5, {"a": 0.2}, base)
    grow(28.5, {"b": 0.6, "leaves": 0.4}, base)
    second = run(28, {"a": 0.15, "b": 0.35, "c": 0.2})
    assert scores() == {
        "a": (0.15, hour(28)),
        "b": (0.6, hour(28.5)),
        "c": (0.2, hour(28)),
        "leaves": (0.4, hour(28.5)),
    }
    assert details() == {"a": 1.0, "b": 0.5, "c": 1.0, "leaves": 0.5}
    full, kept = log().not_undone[-2:]
    assert (full.publication_id, kept.kind, kept.as_of) == (second, "incremental", hour(28.5))
    assert (full.rows_written, kept.rows_written) == (3, 2)
    assert kept.increment is not None
    assert kept.increment["base"] == second
    assert kept.increment["added"] == 1
    assert written(grow(29, {"a": 0.2}, second)) == kept.publication_id
    with pytest.raises(PublishedMeanwhile):
        grow(30, {"a": 0.2}, base)


def test_undo_takes_a_day_back_and_then_the_run(migrated_database: str) -> None:
    empty = image()
    run(4, {"a": 0.1, "b": 0.3})
    states = [image()]
    base = run(28, {"a": 0.2, "b": 0.4})
    states.append(image())
    first = written(grow(29, {"a": 0.5, "n": 0.1}, base))
    grow(30, {"a": 0.6}, base)
    with pytest.raises(PublicationRefused, match=f"that is {first}, and only that"):
        undo(ACCOUNT_RISK_SCORES, reason="No.", publication_id=base)
    undo(ACCOUNT_RISK_SCORES, reason="Model.", publication_id=first)
    assert image() == states[1]
    assert details() == {"a": 1.0, "b": 1.0}
    assert written(grow(31, {"b": 0.9}, base)) > first
    undo(ACCOUNT_RISK_SCORES, reason="Again.")
    undo(ACCOUNT_RISK_SCORES, reason="The run.")
    assert image() == states[0]
    undo(ACCOUNT_RISK_SCORES, reason="All.")
    assert image() == empty


def test_the_breaker_counts_a_whole_day(migrated_database: str) -> None:
    base = run(4, {f"a{n}": 0.1 for n in range(30)})
    for step in range(3):
        assert isinstance(grow(5 + step, {f"a{step}": 0.5}, base, STRICT), Incremented)
    before = image()
    refusal = grow(9, {"a3": 0.5}, base, STRICT)
    assert isinstance(refusal, KeptRefusal)
    assert refusal.broken_limits == [
        f"since publication {base}: 4 of 30 accounts moved by more than 0.3, 13.3% "
        "(max_moved_share is 10.0%)"
    ]
    assert image() == before
    # An account that goes back counts no more, and a new run begins another day.
    assert isinstance(grow(10, {"a0": 0.12}, base, STRICT), Incremented)
    assert isinstance(grow(11, {"a3": 0.5}, base, STRICT), Incremented)
    accepted = policy_with(STRICT, accept_shift="A campaign.")
    assert isinstance(grow(12, {"a4": 0.9}, base, accepted), Incremented)
    entry = log().newest
    assert entry is not None
    assert (entry.accepted_shift, len(entry.broken_limits)) == ("A campaign.", 1)


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        ({f"n{n}": 0.1 for n in range(4)}, "10 rows after 6, a change of 66.7%"),
        ({f"a{n}": 0.39 for n in range(6)}, "mean probability 0.3900 after 0.1000"),
    ],
)
def test_the_breaker_looks_at_the_whole_table(
    migrated_database: str, probabilities: dict[str, float], sentence: str
) -> None:
    base = run(4, {f"a{n}": 0.1 for n in range(6)})
    refusal = grow(5, probabilities, base, policy_with(STRICT, max_moved_share=1.0))
    assert isinstance(refusal, KeptRefusal)
    assert any(sentence in one for one in refusal.broken_limits)


def test_categories_by_capacity_follow_the_cuts_of_the_base(migrated_database: str) -> None:
    base = run(4, {"a": 0.1, "b": 0.3})
    bands = RiskBands("capacity", capacity=(1, 1, 1))
    changes = {"bands": bands, "cuts": (0.25, 0.5, 0.75)}
    assert isinstance(grow(5, {"a": 0.9, "b": 0.9}, base, **changes), Incremented)
    with pytest.raises(PublicationRefused, match="risk_category does not follow"):
        grow(6, {"a": 0.9}, base, bands=bands, cuts=(0.25, 0.5, 0.95))


def test_what_there_is_to_stand_upon(migrated_database: str) -> None:
    with pytest.raises(NothingToPublish, match="run score"):
        grow(5, {"a": 0.1}, 1)
    base = run(4, {"a": 0.1})
    with closing(connect("tens-insight test")) as other, other, other.cursor() as cursor:
        lock_table(cursor, ACCOUNT_RISK_SCORES)
        with pytest.raises(PublishedMeanwhile):
            grow(5, {"a": 0.1}, base)
    assert grow(5, {}, base) == Incremented(0, 0, None)
    whole = increment(6, {"a": 0.2}, base)
    broken = replace(whole, details=[whole.details[0].slice(0, 0)])
    with (
        closing(connect("tens-insight test")) as one,
        one,
        one.cursor() as cursor,
        pytest.raises(PublicationRefused, match="a score without details"),
    ):
        publish_increment(cursor, broken, LAX)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("public.account_risk_scores", "NEW.health_score := NEW.health_score - 1e-10"),
        ("tens_insight.account_risk_score_history", "NEW.churn_probability := 0"),
        ("tens_insight.account_risk_detail_history", "NEW.tenure_days := 0"),
        ("tens_insight.publications", "NEW.rows_written := 7"),
    ],
)
@pytest.mark.parametrize("grows", [False, True])
def test_triggers_that_change_what_is_written_are_found(
    migrated_database: str, table: str, change: str, grows: bool
) -> None:
    base = run(4, {"a": 0.1, "b": 0.2})
    if grows:
        grow(5, {"a": 0.3}, base)
    before = image()
    query(
        f"CREATE FUNCTION public.alters() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {change}; RETURN NEW; END $$;"
        f"CREATE TRIGGER alters BEFORE INSERT OR UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION public.alters()"
    )
    with pytest.raises(PublicationRefused, match="does not hold what was written|changed what is"):
        grow(6, {"a": 0.4}, base)
    assert image() == before


def test_history_of_the_day_is_kept_with_the_state_before_the_run(migrated_database: str) -> None:
    first = run(4, {"a": 0.1, "b": 0.3})
    grow(5, {"a": 0.2}, first)
    base = run(28, {"a": 0.3, "b": 0.4})
    grow(29, {"a": 0.5}, base)
    grow(50, {"b": 0.5}, base)
    with closing(connect("tens-insight test")) as connection:
        drop_old_history(connection, ACCOUNT_RISK_SCORES, 1)
    before = image()
    undo(ACCOUNT_RISK_SCORES, reason="One day.")
    undo(ACCOUNT_RISK_SCORES, reason="The other.")
    undo(ACCOUNT_RISK_SCORES, reason="The run.")
    assert {name: p for name, (p, _) in scores().items()} == {"a": 0.2, "b": 0.3}
    assert details() == {"a": 0.5, "b": 1.0}
    assert image() != before


@settings(max_examples=cases(12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.dictionaries(
            st.sampled_from("abcdef"), st.floats(0, 1, allow_subnormal=False), min_size=1
        ),
        min_size=1,
        max_size=6,
    )
)
def test_sums_of_a_line_are_those_of_its_rows(
    steps: list[dict[str, float]], migrated_database: str
) -> None:
    before = {"a": 0.5, "b": 0.2, "c": 0.9}
    base = run(4, before)
    now = dict(before)
    for place, step in enumerate(steps):
        grow(5 + place / 10, step, base)
        now |= step
    entry, table = log().newest, scores()
    assert {name: p for name, (p, _) in table.items()} == now
    assert entry is not None
    assert entry.increment is not None
    changed = {name for step in steps for name in step}
    assert entry.rows_written == len(changed)
    assert entry.mean_probability == pytest.approx(
        sum(now[name] for name in changed) / len(changed), abs=1e-9
    )
    assert entry.increment["shift"] == pytest.approx(
        sum(now.values()) - sum(before.values()), abs=1e-9
    )
    assert entry.increment["added"] == len(now) - len(before)
    assert entry.increment["moved"] == sum(abs(now[n] - p) > 0.3 for n, p in before.items())
    undo(ACCOUNT_RISK_SCORES, reason="Next case.")
    undo(ACCOUNT_RISK_SCORES, reason="Next case.")
