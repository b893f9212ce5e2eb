"""Undo restores the former rows to the last bit, or says why it cannot."""

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT, OutputTable
from components.publishing.history import drop_expired
from components.publishing.publication import NO_LABEL, Publication, Published, PublishPolicy
from components.publishing.publication_log import read_log
from components.publishing.publish import publish
from components.publishing.undo import undo
from tests.components.publishing.policies import policy_with, publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
POLICY = publish_policy(max_count_change=9.0)
KEEP = policy_with(POLICY, remove_departed=False)
COPIES = {
    "account_risk_scores": "account_id",
    "product_area_impact": "product_area, segment",
}
ODD = ["O'Brien", "back\\slash", "tab\there", "Ünïcödé 客户 🙂", "\\N", " "]


def publish_scores(
    day: int, probabilities: dict[str, float], policy: PublishPolicy = POLICY
) -> Published:
    as_of, model = AS_OF + timedelta(days=day), f"model-{day}"
    rows = [
        (name, p, 100 * (1 - p), ("low", "medium", "high", "critical")[min(int(p * 4), 3)],
         as_of, model)
        for name, p in probabilities.items()
    ]  # fmt: skip
    publication = Publication(as_of, model, "account_churn", f"run-{day}", len(rows))
    return publish(ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=policy)


def publish_areas(day: int, scores: dict[str, float]) -> Published:
    as_of = AS_OF + timedelta(days=day)
    rows = [(name, "pro", p, 9, -0.1, 4, 3, as_of, "weights-1") for name, p in scores.items()]
    publication = Publication(as_of, "weights-1", NO_LABEL, f"run-{day}", len(rows))
    policy = policy_with(POLICY, allow_empty=True)
    return publish(PRODUCT_AREA_IMPACT, lambda: rows, publication=publication, policy=policy)


def query(statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as reader, reader, reader.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def image(target: OutputTable = ACCOUNT_RISK_SCORES) -> list[tuple[str, str]]:
    """Every row of a table as text that loses nothing, and the bytes of its doubles."""
    doubles = " || ".join(
        f"encode(float8send({column.name}), 'hex')"
        for column in target.columns
        if column.type == "double precision"
    )
    return query(
        f"SELECT one::text, {doubles} FROM public.{target.name} AS one "
        f"ORDER BY {COPIES[target.name]}"
    )


def undo_scores(**how: Any) -> Any:
    return undo(ACCOUNT_RISK_SCORES, **{"reason": "The test wants it."} | how)


def test_undo_brings_the_rows_back_to_the_last_bit(migrated_database: str) -> None:
    first = dict.fromkeys(ODD, 0.1 + 0.2) | {"zero": 0.0, "departs": 0.7}
    publish_scores(1, first)
    before = image()
    second = publish_scores(2, dict.fromkeys(ODD, 0.3) | {"zero": -0.0, "new": 0.9})
    assert image() != before
    undone = undo_scores(reason="Wrong model.")
    assert image() == before
    assert (undone.rows, undone.removed) == (len(first), 1)
    assert undone.entry.publication_id == second.publication_id
    ((reason, by),) = query(
        "SELECT undo_reason, undone_by FROM tens_insight.publications WHERE undone_at IS NOT NULL"
    )
    assert reason == "Wrong model."
    assert by.startswith("postgres@local socket (")


def test_undo_again_goes_one_further_back(migrated_database: str) -> None:
    images = [image()]
    for day, policy in enumerate([POLICY, KEEP, KEEP, POLICY, KEEP], 1):
        publish_scores(day, {"stays": day / 10, f"only-{day}": 0.5}, policy)
        images.append(image())
    assert len(images[3]) == 4
    while len(images) > 1:
        images.pop()
        undo_scores()
        assert image() == images[-1]
    with pytest.raises(PublicationRefused, match="no publication to account_risk_scores to undo"):
        undo_scores()


@pytest.mark.parametrize("policy", [POLICY, KEEP])
def test_rows_of_a_predecessor_come_back(migrated_database: str, policy: PublishPolicy) -> None:
    query(
        "INSERT INTO public.account_risk_scores VALUES "
        "('ACC-1', 0.30000000000000004, 70, 'medium', '2025-12-31 23:59:59.123457+00', 'other'),"
        "('ACC-2', 0.5, 50, 'high', 'infinity', 'other')"
    )
    before = image()
    publish_scores(1, {"ACC-1": 0.4, "ACC-3": 0.4}, policy)
    publish_scores(2, {"ACC-3": 0.5}, policy)
    undo_scores()
    undo_scores()
    assert image() == before
    with pytest.raises(PublicationRefused, match="there is no publication to undo"):
        undo_scores()
    assert query("SELECT kind, rows_written FROM tens_insight.publications ORDER BY as_of") == [
        ("existing", 2),
        ("published", 2),
        ("published", 1),
    ]


def test_rows_that_came_after_everything_was_undone_come_back_too(
    migrated_database: str,
) -> None:
    publish_scores(1, {"ACC-1": 0.1})
    undo_scores()
    query("INSERT INTO public.account_risk_scores VALUES ('X', 0.1, 90, 'low', now(), 'other')")
    before = image()
    publish_scores(2, {"ACC-1": 0.2})
    undo_scores()
    assert image() == before


def test_the_areas_are_undone_apart_from_the_scores(migrated_database: str) -> None:
    publish_scores(1, {"ACC-1": 0.1})
    publish_areas(1, {"billing": 10.0, "ui_ux": 1 / 3})
    scores, areas = image(), image(PRODUCT_AREA_IMPACT)
    publish_areas(2, {})
    assert image(PRODUCT_AREA_IMPACT) == []
    undo(PRODUCT_AREA_IMPACT, reason="The window was empty.")
    assert image(PRODUCT_AREA_IMPACT) == areas
    assert image() == scores


def test_what_was_undone_counts_no_more(migrated_database: str) -> None:
    publish_scores(1, {"ACC-1": 0.1, "ACC-2": 0.1})
    publish_scores(5, {"ACC-1": 0.9, "ACC-2": 0.9})
    undo_scores()
    strict = policy_with(POLICY, max_mean_shift=0.05, max_moved_share=0.0)
    publish_scores(3, {"ACC-1": 0.11, "ACC-2": 0.1}, strict)
    with pytest.raises(PublicationRefused, match="an older run never replaces a newer one"):
        publish_scores(2, {"ACC-1": 0.1})


def test_a_change_by_hand_is_found_and_undone_only_if_told(migrated_database: str) -> None:
    publish_scores(1, {"ACC-1": 0.1, "ACC-2": 0.2})
    before = image()
    publish_scores(2, {"ACC-1": 0.0, "ACC-2": 0.2})
    for change in (
        "UPDATE public.account_risk_scores SET churn_probability = '-0' WHERE account_id = 'ACC-1'",
        "DELETE FROM public.account_risk_scores WHERE account_id = 'ACC-1'",
        "INSERT INTO public.account_risk_scores VALUES ('ACC-1', 0.1, 90, 'low', now(), 'me')",
    ):
        query(change)
        changed = image()
        with pytest.raises(PublicationRefused, match=r"1 rows differ .*'ACC-1'.*--force"):
            undo_scores()
        assert image() == changed
    undo_scores(force=True)
    assert image() == before


def test_only_the_newest_can_be_named(migrated_database: str) -> None:
    first = publish_scores(1, {"ACC-1": 0.1})
    second = publish_scores(2, {"ACC-1": 0.2})
    with pytest.raises(PublicationRefused, match=f"that is {second.publication_id}, and only"):
        undo_scores(publication_id=first.publication_id)
    undo_scores(publication_id=second.publication_id)
    with pytest.raises(PublicationRefused, match=f"that is {first.publication_id}, and only"):
        undo_scores(publication_id=second.publication_id)


def expire(later: timedelta, days: int) -> int:
    with closing(connect("tens-insight test")) as one, one, one.cursor() as cursor:
        log, now = read_log(cursor, ACCOUNT_RISK_SCORES), datetime.now(timezone.utc) + later
        return drop_expired(cursor, ACCOUNT_RISK_SCORES, log, days, now)


def history() -> list[tuple[str, str]]:
    return query(
        "SELECT model_version, account_id FROM tens_insight.account_risk_score_history ORDER BY 1,2"
    )


def test_retention_spares_the_two_newest_states(migrated_database: str) -> None:
    for day in range(1, 5):
        publish_scores(day, {"ACC-1": day / 10})
    undo_scores()
    assert expire(timedelta(days=399), 400) == 0
    assert expire(timedelta(days=401), 400) == 2
    assert history() == [("model-2", "ACC-1"), ("model-3", "ACC-1")]
    before = image()
    publish_scores(5, {"ACC-1": 0.9})
    undo_scores()
    undo_scores()
    assert before != image()
    with pytest.raises(PublicationRefused, match=r"was dropped \(TENS_INSIGHT_HISTORY_DAYS"):
        undo_scores()


def test_retention_spares_rows_that_kept_accounts_still_show(migrated_database: str) -> None:
    publish_scores(1, {"departed": 0.1, "stays": 0.1, "then": 0.1}, KEEP)
    publish_scores(2, {"stays": 0.2, "then": 0.2}, KEEP)
    publish_scores(3, {"stays": 0.3}, KEEP)
    before = image()
    publish_scores(4, {"stays": 0.4}, KEEP)
    assert expire(timedelta(days=999), 1) == 3
    assert history() == [
        ("model-1", "departed"),
        ("model-2", "then"),
        ("model-3", "stays"),
        ("model-4", "stays"),
    ]
    assert expire(timedelta(days=999), 1) == 0
    undo_scores()
    assert image() == before
    with pytest.raises(PublicationRefused, match="was dropped"):
        undo_scores()


def test_publishing_drops_what_is_older_than_the_setting(migrated_database: str) -> None:
    for day in range(1, 4):
        publish_scores(day, {"ACC-1": day / 10})
    query(
        "UPDATE tens_insight.publications SET published_at = now() - interval '31 days' "
        "WHERE run_id = 'run-1'"
    )
    publish_scores(4, {"ACC-1": 0.4}, policy_with(POLICY, history_days=32))
    assert len(history()) == 4
    publish_scores(5, {"ACC-1": 0.5}, policy_with(POLICY, history_days=30))
    assert history()[0] == ("model-2", "ACC-1")


def test_a_failure_of_retention_leaves_the_publication(migrated_database: str, caplog) -> None:
    query("ALTER TABLE tens_insight.publications ADD CHECK (dropped_up_to IS NULL)")
    for day in range(1, 4):
        publish_scores(day, {"ACC-1": day / 10})
        query("UPDATE tens_insight.publications SET published_at = now() - interval '9 days'")
    publish_scores(4, {"ACC-1": 0.4}, policy_with(POLICY, history_days=1))
    assert "old history of account_risk_scores was not dropped" in caplog.text
    assert len(image()) == 1
    assert len(history()) == 4


def test_the_history_of_one_account_and_of_one_publication_use_an_index(
    migrated_database: str,
) -> None:
    query(
        "INSERT INTO tens_insight.account_risk_score_history "
        "SELECT run, 'ACC-' || account, 0.5, 50, 'high', now(), 'model' "
        "FROM generate_series(1, 20) AS run, generate_series(1, 1000) AS account"
    )
    query("ANALYZE tens_insight.account_risk_score_history")
    for condition, index in (
        ("account_id = 'ACC-77'", "account_risk_score_history_pkey"),
        ("publication_id = 7", "account_risk_score_history_publication"),
    ):
        plan = query(
            f"EXPLAIN SELECT * FROM tens_insight.account_risk_score_history WHERE {condition}"
        )
        assert index in str(plan)
    plan = query("EXPLAIN SELECT * FROM tens_insight.account_risk_score_runs WHERE account_id='A'")
    assert "account_risk_score_history_pkey" in str(plan)
