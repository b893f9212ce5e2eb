"""Details stand with their scores: written, shown, kept and undone together."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import numpy as np
import psycopg2.errors
import pyarrow as pa
import pytest
from psycopg2 import sql

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.queries import queries
from components.postgres.tables import ACCOUNT_RISK_DETAILS, ACCOUNT_RISK_SCORES
from components.publishing import details as details_module
from components.publishing.details import Details, percentiles_of
from components.publishing.holdout import NOBODY, Holdout
from components.publishing.publication import Publication, Published, PublishPolicy
from components.publishing.publish import publish, publish_once
from components.publishing.undo import undo
from serving_model.served.risk_bands import CONTRACT_BANDS
from tests.components.publishing.policies import policy_with, publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
POLICY = publish_policy(max_count_change=9.0)
KEEP = policy_with(POLICY, remove_departed=False)
ODD = [
    "O'Brien",
    'say "x"',
    "back\\slash",
    "tab\there",
    "new\nline",
    "Ünï 客户 🙂",
    "\\N",
    " ",
    "{}",
]
SHOWN = "SELECT account_id, model_version FROM tens_insight.account_risk_details ORDER BY 1"


def detail(account: str, probability: float, text: str = "a reason") -> list[Any]:
    reasons = [{"group": "pace", "direction": "raises", "log_odds": 0.5, "text": text}]
    horizons = json.dumps({"30": probability / 2, "60": probability})
    others = json.dumps([{"group": "tenure", "log_odds": 0.25}])
    logs = (-3.0, 0.25, json.dumps(reasons), others)
    return [account, horizons, 100.0, 3.0, "active", *logs, "pro", "EU"]


def kept_tables(
    details: list[list[Any]], probabilities: dict[str, float], holdout: Holdout
) -> Iterator[pa.Table]:
    """The details with what follows from the scores, as AccountScorer hands them over."""
    columns = ACCOUNT_RISK_DETAILS.columns
    scores = np.array([probabilities.get(row[0], 0.0) for row in details])
    rows = {
        one.name: pa.array(values, pa.float64() if one.type == "double precision" else pa.string())
        for one, values in zip(columns, zip(*details, strict=True), strict=True)
    }
    held = ["true" if holdout.holds(row[0]) else "false" for row in details]
    whole = pa.table(
        rows
        | {
            "percentile": percentiles_of(scores),
            "lift": scores / 0.05,
            "base_rate": [0.05] * len(scores),
            "holdout": held,
        }
    )
    yield whole.slice(0, 1)
    yield whole.slice(1)


WAYS = pytest.mark.parametrize("straight", [False, True])


def publish_day(
    day: int,
    probabilities: dict[str, float],
    policy: PublishPolicy = POLICY,
    details: list[list[Any]] | None = None,
    attempt: str | None = None,
    holdout: Holdout = NOBODY,
    straight: bool = False,
    horizons_judged: tuple[int, ...] | None = None,
    **changes: Any,
) -> Published:
    """Publishes scores with details; an empty list stands for none at all.

    Args:
        straight: Whether the details can be copied straight into their history.
        horizons_judged: What the gate said of the model.
    """
    as_of, model = AS_OF + timedelta(days=day), f"model-{day}"
    rows = [
        (name, p, 100 * (1 - p), ("low", "medium", "high", "critical")[min(int(p * 4), 3)],
         as_of, model)
        for name, p in probabilities.items()
    ]  # fmt: skip
    if details is None:
        details = [detail(name, p) for name, p in probabilities.items()]
    publication = Publication(
        as_of, model, "none", f"run-{day}", len(rows), bands=CONTRACT_BANDS.against(0.05)
    )
    publication = replace(publication, **changes)
    kept = partial(kept_tables, details, probabilities, holdout) if straight else None
    given = None
    if details:
        given = Details(lambda: map(tuple, details), 60, holdout, kept, horizons_judged)
    if attempt:
        work = (ACCOUNT_RISK_SCORES, lambda: rows, publication, policy, attempt, given)
        return publish_once(*work)
    return publish(
        ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=policy, details=given
    )


def query(statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as reader, reader, reader.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def shown() -> list[tuple[str, str]]:
    return query(SHOWN)


def scores() -> list[tuple[str, str]]:
    return query("SELECT account_id, model_version FROM public.account_risk_scores ORDER BY 1")


@WAYS
def test_every_score_has_its_details(migrated_database: str, straight: bool) -> None:
    published = publish_day(1, {"a": 0.1, "b": 0.1, "c": 0.2, "d": 0.6}, straight=straight)
    rows = query(
        "SELECT account_id, publication_id, predicted_at, churn_probability, risk_category, "
        "risk_bands, percentile, lift, base_rate, (churn_by_horizon ->> '30')::float8, "
        "tenure_days, days_since_last_event, silence_state "
        "FROM tens_insight.account_risk_details ORDER BY 1"
    )
    same = (published.publication_id, AS_OF + timedelta(days=1))
    facts = (100.0, 3.0, "active")
    assert rows == [
        ("a", *same, 0.1, "low", "probability", 0.0, 2.0, 0.05, 0.05, *facts),
        ("b", *same, 0.1, "low", "probability", 0.0, 2.0, 0.05, 0.05, *facts),
        ("c", *same, 0.2, "low", "probability", pytest.approx(200 / 3), 4.0, 0.05, 0.1, *facts),
        ("d", *same, 0.6, "high", "probability", 100.0, pytest.approx(12), 0.05, 0.3, *facts),
    ]
    assert query("SELECT * FROM tens_insight.account_risk_reasons WHERE account_id = 'c'") == [
        ("c", 0.2, "low", "raises", "pace", 0.5, "a reason", pytest.approx(1.6487, abs=1e-4))
    ]


@WAYS
def test_odd_ids_and_words_survive(migrated_database: str, straight: bool) -> None:
    details = [detail(name, 0.1, name) for name in ODD]
    publish_day(1, dict.fromkeys(ODD, 0.1), details=details, straight=straight)
    found = query(
        "SELECT account_id, reasons -> 0 ->> 'text' FROM tens_insight.account_risk_details"
    )
    assert sorted(found) == sorted((name, name) for name in ODD)


@WAYS
def test_a_model_without_reasons_has_details_all_the_same(
    migrated_database: str, straight: bool
) -> None:
    details = [[*detail("a", 0.1)[:5], *[None] * 6]]
    publish_day(1, {"a": 0.1}, details=details, straight=straight)
    assert query(
        "SELECT reasons, base_log_odds, percentile FROM tens_insight.account_risk_details"
    ) == [(None, None, 0.0)]
    assert query("SELECT * FROM tens_insight.account_risk_reasons") == []


def changed(place: int, value: object) -> list[list[Any]]:
    rows = [detail("a", 0.1), detail("b", 0.2)]
    rows[1][place] = value
    return rows


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ([detail("a", 0.1)], "a score without details, in 1 rows .*'b'"),
        ([detail(one, 0.1) for one in "abc"], "details without a score, in 1 rows .*'c'"),
        ([*changed(0, "b"), detail("a", 0.1)], "details come twice, in 1 rows .*'a'"),
        (changed(1, '{"30": 0.1}'), "churn_by_horizon does not hold churn_probability"),
        (changed(1, '{"60": 0.20001}'), "churn_by_horizon does not hold churn_probability"),
        (changed(1, "{"), "cannot be stored: invalid input syntax for type json"),
        (changed(2, float("nan")), "are not days"),
        (changed(2, 2.0), "are not days"),
        (changed(3, -1.0), "are not days"),
        (changed(3, None), "days_since_last_event (must be a number|is missing in 1 of 1 rows)"),
        (changed(4, "asleep"), "silence_state is not"),
        (changed(5, float("nan")), "reasons without log-odds"),
        (changed(6, None), "reasons without log-odds"),
        (changed(7, None), "log-odds without reasons"),
        (changed(7, "{}"), "reasons is not a list"),
        (changed(7, '["\\u0000"]'), "cannot be stored: unsupported Unicode escape"),
    ],
)
@WAYS
def test_broken_details_publish_neither(
    migrated_database: str, details: list[Any], said: str, straight: bool
) -> None:
    publish_day(1, {"old": 0.5})
    with pytest.raises(PublicationRefused, match=said):
        publish_day(2, {"a": 0.1, "b": 0.2}, details=details, straight=straight)
    assert scores() == shown() == [("old", "model-1")]


def test_publishing_again_changes_nothing(migrated_database: str) -> None:
    state = "SELECT to_jsonb(one) - 'publication_id' FROM tens_insight.account_risk_details AS one"
    publish_day(1, {"a": 0.1, "b": 0.2})
    before = query(f"{state} ORDER BY account_id")
    publish_day(1, {"b": 0.2, "a": 0.1})
    assert query(f"{state} ORDER BY account_id") == before
    attempt = "6f1c1f9e-6f0e-4a3e-9d3e-0d1a5a3f4b11"
    assert publish_day(2, {"a": 0.3}, attempt=attempt) == publish_day(
        2, {"a": 0.3}, attempt=attempt
    )
    assert shown() == [("a", "model-2")]


def test_departed_accounts_lose_or_keep_their_details_with_their_scores(
    migrated_database: str,
) -> None:
    publish_day(1, {"a": 0.1, "b": 0.2})
    publish_day(2, {"b": 0.3}, KEEP)
    assert shown() == scores() == [("a", "model-1"), ("b", "model-2")]
    publish_day(3, {"b": 0.3}, KEEP)
    assert shown() == scores() == [("a", "model-1"), ("b", "model-3")]
    publish_day(4, {"b": 0.3})
    assert shown() == scores() == [("b", "model-4")]


def test_undo_brings_the_details_back_too(migrated_database: str) -> None:
    publish_day(1, {"a": 0.1, "b": 0.2})
    first = query("SELECT * FROM tens_insight.account_risk_details ORDER BY 1")
    publish_day(2, {"b": 0.3, "c": 0.4})
    undone = undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    assert undone.details == undone.rows == 2
    assert query("SELECT * FROM tens_insight.account_risk_details ORDER BY 1") == first
    undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    assert shown() == scores() == []


def test_an_undo_beyond_what_is_kept_shows_none_rather_than_others(migrated_database: str) -> None:
    for day in (1, 2, 3):
        publish_day(day, {"a": day / 10})
    assert undo(ACCOUNT_RISK_SCORES, reason="Once.").details == 1
    undone = undo(ACCOUNT_RISK_SCORES, reason="Twice.")
    assert (undone.rows, undone.details) == (1, 0)
    assert scores() == [("a", "model-1")]
    assert shown() == []
    publish_day(4, {"a": 0.4})
    assert shown() == [("a", "model-4")]


@pytest.mark.parametrize("policy", [POLICY, KEEP])
def test_scores_published_without_details_do_not_show_older_ones(
    migrated_database: str, policy: PublishPolicy
) -> None:
    publish_day(1, {"a": 0.1, "b": 0.2})
    publish_day(2, {"a": 0.3}, policy, details=[])
    assert shown() == ([] if policy is POLICY else [("b", "model-1")])
    undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    assert shown() == [("a", "model-1"), ("b", "model-1")]


@pytest.mark.parametrize("policy", [POLICY, KEEP])
def test_the_details_of_two_states_are_kept(migrated_database: str, policy: PublishPolicy) -> None:
    publish_day(1, {"departs": 0.1, "a": 0.1}, policy)
    for day in range(2, 6):
        publish_day(day, {"a": day / 10}, policy)
    kept = query(
        "SELECT account_id, publication_id FROM tens_insight.account_risk_detail_history "
        "ORDER BY 2, 1"
    )
    departed = [("departs", 1)] if policy is KEEP else []
    assert kept == [*departed, ("a", 4), ("a", 5)]


def test_a_refusal_of_the_circuit_breaker_leaves_the_details(migrated_database: str) -> None:
    publish_day(1, {"a": 0.1})
    with pytest.raises(PublicationRefused, match="would change too much"):
        publish_day(2, {"a": 0.9}, policy_with(POLICY, max_mean_shift=0.1))
    assert shown() == scores() == [("a", "model-1")]


def test_the_details_of_one_account_are_found_by_index(migrated_database: str) -> None:
    query(
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, run_id, "
        "published_by, removes_others) SELECT gen_random_uuid(), 'account_risk_scores', now(), "
        "'m', 'none', 1000, 0, '{}', '', 'test', true FROM generate_series(1, 20)"
    )
    query(
        "INSERT INTO tens_insight.account_risk_score_history SELECT run, 'ACC-' || account, 0.5, "
        "50, 'high', now(), 'm' FROM generate_series(1, 20) AS run, "
        "generate_series(1, 1000) AS account"
    )
    query(
        "INSERT INTO tens_insight.account_risk_detail_history SELECT 20, 'ACC-' || account, 50, "
        "1, 0.1, '{}', 1, 1, 'active', NULL, NULL, NULL FROM generate_series(1, 1000) AS account"
    )
    for table in ("account_risk_score_history", "account_risk_detail_history", "publications"):
        query(f"ANALYZE tens_insight.{table}")
    statement = "SELECT * FROM tens_insight.account_risk_details WHERE account_id = 'ACC-77'"
    assert len(query(statement)) == 1
    plan = str(query(f"EXPLAIN {statement}"))
    assert "account_risk_score_history_pkey" in plan
    assert "account_risk_detail_history_pkey" in plan


@WAYS
def test_the_log_says_for_how_many_days_scores_speak(
    migrated_database: str, straight: bool
) -> None:
    publish_day(1, {"a": 0.1, "b": 0.25}, straight=straight, horizons_judged=(60,))
    shown = "SELECT DISTINCT horizons_judged FROM tens_insight.account_risk_details"
    assert query(shown) == [([60],)]
    publish_day(2, {"a": 0.1, "b": 0.25}, details=[])
    publish_day(3, {"a": 0.1, "b": 0.25}, straight=straight)
    assert query(shown) == [(None,)]
    log = (
        "SELECT horizon_days, horizons, horizons_judged, holdout FROM tens_insight.publications "
        "ORDER BY as_of"
    )
    assert query(log) == [
        (60, [30, 60], [60], None),
        (None, [], None, None),
        (60, [30, 60], None, None),
    ]


@WAYS
def test_the_holdout_is_that_of_the_hash_whatever_the_id(
    migrated_database: str, straight: bool
) -> None:
    ids = [
        "\u00dc-\u00df",
        "\u65e5\u672c",
        "a'b",
        "%s",
        "\\",
        " ",
        *(f"ACC-{n}" for n in range(200)),
    ]
    holdout = Holdout(0.3, "other.salt-1")
    publish_day(1, dict.fromkeys(ids, 0.125), holdout=holdout, straight=straight)
    marked = {one for (one,) in query(
        "SELECT account_id FROM tens_insight.account_risk_details WHERE holdout"
    )}  # fmt: skip
    assert marked == {one for one in ids if holdout.holds(one)}
    assert 30 < len(marked) < 100
    recorded = query(
        "SELECT holdout ->> 'share', holdout ->> 'salt' FROM tens_insight.publications"
    )
    assert recorded == [("0.3", "other.salt-1")]
    publish_day(2, dict.fromkeys(ids, 0.125))
    assert query("SELECT count(*) FROM tens_insight.account_risk_details WHERE holdout") == [(0,)]


@pytest.mark.parametrize("hindrance", ["nothing", "trigger", "policy"])
def test_details_copied_straight_are_those_that_are_staged(
    migrated_database: str, monkeypatch: pytest.MonkeyPatch, hindrance: str
) -> None:
    """Where COPY is not possible, or a trigger may change rows, they are staged all the same."""
    rng = np.random.default_rng(8)
    values = [*rng.random(40), *[0.3] * 5, 1 / 3, 1e-7]
    scores = {f"ACC-{place}": float(one) for place, one in enumerate(values)}
    table = "tens_insight.account_risk_detail_history"
    shown = (
        "SELECT to_jsonb(one) - 'publication_id' - 'predicted_at' - 'model_version', "
        "float8send(percentile), float8send(lift), float8send(base_rate) "
        "FROM tens_insight.account_risk_details AS one ORDER BY account_id"
    )
    publish_day(1, scores, holdout=Holdout(0.5, "salt"))
    staged_rows = [(row, *map(bytes, numbers)) for row, *numbers in query(shown)]
    if hindrance == "trigger":
        query("CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        query(f"CREATE TRIGGER t BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION same()")
    staged: list[int] = []
    if hindrance == "policy":  # no role of a test is bound by one: the server's answer is given

        def refused(*of: object) -> None:
            raise psycopg2.errors.FeatureNotSupported("COPY FROM with row-level security")

        monkeypatch.setattr(details_module, "copy_rows", refused)
    before = details_module.stage_details
    monkeypatch.setattr(
        details_module, "stage_details", lambda *of: staged.append(1) or before(*of)
    )
    publish_day(2, scores, holdout=Holdout(0.5, "salt"), straight=True)
    assert [(row, *map(bytes, numbers)) for row, *numbers in query(shown)] == staged_rows
    assert len(staged) == (0 if hindrance == "nothing" else 1)


def test_the_check_joins_what_it_reads_of_the_json_and_not_the_json(migrated_database: str) -> None:
    """Else the join keeps all reasons of a publication, and writes them to temporary files."""
    publish_day(0, {"a": 0.25, "b": 0.5}, straight=True)
    history = sql.SQL("tens_insight.account_risk_detail_history")
    scores = sql.SQL("public.account_risk_scores")
    check = sql.SQL(queries("components.publishing")["account_risk_details_check"])
    with closing(connect("test")) as connection, connection.cursor() as cursor:
        statement = check.format(details=history, scores=scores)
        cursor.execute(sql.SQL("EXPLAIN (VERBOSE) ") + statement, {"horizon": "60"})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "jsonb_typeof(account_risk_detail_history.reasons)" in plan
    assert not re.search(r"(?<!jsonb_typeof\()account_risk_detail_history\.reasons\b", plan)
