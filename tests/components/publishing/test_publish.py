"""A publication replaces the whole table, is checked as a whole and comes out the same again."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import pytest

from components.errors import ContractBroken, PublicationRefused
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.lock import vacuum, vacuum_aside
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish, publish_once
from tests.components.publishing.policies import policy_with, publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
POLICY = publish_policy(max_count_change=0.2, max_mean_shift=0.05)
PROBABILITIES = {"ACC-1": 0.1, "ACC-2": 0.25, "ACC-3": 0.5, "ACC-4": 0.75, "ACC-5": 1.0}


def score(account_id: str, probability: float, model: str = "model-1") -> tuple[object, ...]:
    category = ("low", "medium", "high", "critical")[min(int(probability * 4), 3)]
    return (account_id, probability, 100 * (1 - probability), category, AS_OF, model)


def scores(probabilities: dict[str, float] = PROBABILITIES) -> list[tuple[object, ...]]:
    return [score(account_id, p) for account_id, p in probabilities.items()]


def publication(rows: list[Any], **changes: Any) -> Publication:
    whole = Publication(
        as_of=AS_OF,
        model_version="model-1",
        label_source="account_churn",
        run_id="run-1",
        expected_rows=len(rows),
        feedback_rows=123,
    )
    return replace(whole, **changes)


def publish_rows(rows: list[Any], policy: PublishPolicy = POLICY, **changes: Any):
    return publish(
        ACCOUNT_RISK_SCORES,
        lambda: iter(rows),
        publication=publication(rows, **changes),
        policy=policy,
    )


def query(statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as reader, reader, reader.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def table() -> list[tuple[Any, ...]]:
    return query('SELECT * FROM public.account_risk_scores ORDER BY account_id COLLATE "C"')


def log_size() -> int:
    return query("SELECT count(*) FROM tens_insight.publications")[0][0]


def test_rows_arrive_and_are_recorded(migrated_database: str) -> None:
    published = publish_rows(scores())
    assert table() == scores()
    assert (published.written, published.removed) == (5, 0)
    assert published.categories == {"low": 1, "medium": 1, "high": 1, "critical": 2}
    assert published.mean_probability == pytest.approx(0.52)
    assert abs(published.published_at - datetime.now(timezone.utc)) < timedelta(minutes=5)
    assert query(
        "SELECT target_table, as_of, model_version, label_source, rows_written, rows_removed, "
        "mean_probability, category_shares, feedback_rows, run_id, published_at "
        "FROM tens_insight.publications"
    ) == [
        (
            "account_risk_scores",
            AS_OF,
            "model-1",
            "account_churn",
            5,
            0,
            published.mean_probability,
            {"low": 0.2, "medium": 0.2, "high": 0.2, "critical": 0.4},
            123,
            "run-1",
            published.published_at,
        )
    ]


def test_publishing_again_leaves_identical_rows(migrated_database: str) -> None:
    publish_rows(scores())
    before = table()
    published = publish_rows(scores())
    assert table() == before
    assert (published.written, published.removed) == (5, 0)


def test_departed_accounts_are_removed_or_kept(migrated_database: str) -> None:
    publish_rows(scores())
    rows = scores({"ACC-2": 0.3, "ACC-3": 0.5, "ACC-4": 0.75, "ACC-5": 0.7, "ACC-6": 0.5})
    kept = publish_rows(rows, policy_with(POLICY, remove_departed=False))
    assert kept.removed == 0
    assert table() == [score("ACC-1", 0.1), *rows]
    removed = publish_rows(rows)
    assert removed.removed == 1
    assert table() == rows


@pytest.mark.parametrize(
    "account_id",
    ["O'Brien", 'say "x"', "back\\slash", "tab\there", "line\nline", "Ünïcödé 客户 🙂", "\\N"],
)
def test_odd_account_ids_survive(migrated_database: str, account_id: str) -> None:
    rows = scores({account_id: 0.4})
    publish_rows(rows)
    publish_rows(rows)
    assert table() == rows


def _broken(position: int, value: object) -> list[tuple[object, ...]]:
    rows = scores()
    row = list(rows[2])
    row[position] = value
    return [*rows[:2], tuple(row), *rows[3:]]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (_broken(1, float("nan")), "churn_probability is not a number from 0 to 1.*'ACC-3'"),
        (_broken(1, float("inf")), "churn_probability is not a number from 0 to 1"),
        (_broken(1, -0.01), "churn_probability is not a number from 0 to 1"),
        (_broken(1, 1.01), "churn_probability is not a number from 0 to 1"),
        (_broken(2, 50.00001), "health_score is not 100 x"),
        (_broken(2, float("nan")), "health_score is not 100 x"),
        (_broken(3, "medium"), "risk_category does not follow"),
        (_broken(3, "severe"), "risk_category does not follow"),
        (_broken(0, "ACC-1"), "account_id .*'ACC-1'.* comes 2 times"),
        (_broken(0, ""), "account_id is empty"),
        (_broken(0, "nul\0"), "account_id holds a NUL"),
        (_broken(4, AS_OF + timedelta(seconds=1)), "predicted_at has several values"),
        (_broken(5, "model-2"), "model_version has several values"),
        ([], "no rows to publish"),
    ],
)
def test_broken_rows_leave_the_table_alone(migrated_database: str, rows: list, said: str) -> None:
    publish_rows(scores({"ACC-9": 0.5}))
    with pytest.raises(PublicationRefused, match=said):
        publish_rows(rows, policy_with(POLICY, accept_shift="A reason."))
    assert table() == scores({"ACC-9": 0.5})
    assert log_size() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expected_rows": 6}, "5 rows came .*, expected 6"),
        ({"expected_rows": 4}, "5 rows came .*, expected 4"),
        ({"model_version": "model-2"}, "model_version is model-1, not model-2"),
    ],
)
def test_rows_that_are_not_as_announced_are_refused(
    migrated_database: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(PublicationRefused, match=said):
        publish_rows(scores(), **changes)
    assert table() == []


def test_an_older_run_never_replaces_a_newer_one(migrated_database: str) -> None:
    publish_rows(scores(), run_id="run-new")
    with pytest.raises(PublicationRefused, match=r"2026-06-01 00:00:00 UTC \(run run-new\), newer"):
        publish_rows(scores({"ACC-1": 0.5}), as_of=AS_OF - timedelta(microseconds=1))
    assert table() == scores()
    publish_rows(scores(), as_of=AS_OF + timedelta(days=1))
    assert log_size() == 2


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ({**PROBABILITIES, "ACC-6": 0.5, "ACC-7": 0.52}, "7 rows after 5, a change of 40.0%"),
        ({"ACC-3": 0.52, "ACC-4": 0.52, "ACC-5": 0.52}, "3 rows after 5, a change of 40.0%"),
        (
            {**PROBABILITIES, "ACC-1": 0.4},
            "mean probability 0.5800 after 0.5200, a shift of 0.0600",
        ),
    ],
)
def test_a_sudden_shift_is_stopped_unless_accepted(
    migrated_database: str, probabilities: dict[str, float], said: str
) -> None:
    publish_rows(scores())
    with pytest.raises(PublicationRefused, match=said):
        publish_rows(scores(probabilities))
    assert table() == scores()
    publish_rows(scores(probabilities), policy_with(POLICY, accept_shift="A reason."))
    assert table() == scores(probabilities)


def test_a_change_within_the_limits_passes(migrated_database: str) -> None:
    publish_rows(scores())
    rows = scores({**PROBABILITIES, "ACC-1": 0.3, "ACC-6": 0.5})
    publish_rows(rows)
    assert table() == rows


def test_an_error_of_the_source_surfaces_as_itself(migrated_database: str) -> None:
    publish_rows(scores())

    def failing():
        yield from scores()
        raise KeyError("the source is broken")

    with pytest.raises(KeyError, match="the source is broken"):
        publish(
            ACCOUNT_RISK_SCORES,
            failing,
            publication=publication(scores()),
            policy=POLICY,
        )
    assert table() == scores()
    assert log_size() == 1


def test_a_commit_whose_answer_was_lost_is_not_done_twice(migrated_database: str) -> None:
    attempt = "6f1c1f9e-6f0e-4a3e-9d3e-0d1a5a3f4b11"
    work = (ACCOUNT_RISK_SCORES, scores, publication(scores()), POLICY, attempt)
    first = publish_once(*work)
    assert publish_once(*work) == first
    assert log_size() == 1


def test_the_tables_own_constraints_are_explained(migrated_database: str) -> None:
    query("ALTER TABLE public.account_risk_scores ALTER account_id TYPE varchar(5)")
    with pytest.raises(
        PublicationRefused, match=r"account_id is character varying\(5\), which .*longest has"
    ):
        publish_rows(scores({"ACC-LONG": 0.5}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DROP TABLE public.account_risk_scores", "account_risk_scores.*db init"),
        ("DROP SCHEMA tens_insight CASCADE", "tens_insight.publications.*db init"),
        ("ALTER TABLE tens_insight.publications DROP COLUMN kind CASCADE", "kind.*db init"),
        ("DROP TABLE tens_insight.refusals CASCADE", "refusals.*db init"),
        (
            "ALTER TABLE public.account_risk_scores DROP COLUMN health_score",
            "health_score.*owner add the column",
        ),
    ],
)
def test_missing_tables_and_columns_are_named(
    migrated_database: str, change: str, said: str
) -> None:
    query(change)
    with pytest.raises(ContractBroken, match=said):
        publish_rows(scores())


GRANTS = (
    "GRANT USAGE ON SCHEMA tens_insight TO PUBLIC",
    "GRANT SELECT, INSERT, UPDATE ON tens_insight.publications TO PUBLIC",
    "GRANT SELECT, INSERT, DELETE ON tens_insight.account_risk_score_history, "
    "tens_insight.account_risk_detail_history, tens_insight.refusals TO PUBLIC",
    "GRANT SELECT, INSERT ON tens_insight.account_risk_scores_refused TO PUBLIC",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON public.account_risk_scores TO PUBLIC",
)


@pytest.mark.parametrize(
    ("revoke", "said"),
    [
        ("REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC", "GRANT TEMPORARY ON DATABASE"),
        ("REVOKE USAGE ON SCHEMA tens_insight FROM PUBLIC", "GRANT USAGE ON SCHEMA tens_insight"),
        (
            "REVOKE UPDATE ON public.account_risk_scores FROM PUBLIC",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON public.account_risk_scores TO",
        ),
        (
            "REVOKE DELETE ON public.account_risk_scores FROM PUBLIC",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON public.account_risk_scores TO",
        ),
        (
            "REVOKE INSERT ON tens_insight.publications FROM PUBLIC",
            "GRANT SELECT, INSERT, UPDATE ON tens_insight.publications TO",
        ),
        (
            "REVOKE INSERT ON tens_insight.account_risk_score_history FROM PUBLIC",
            "GRANT SELECT, INSERT, DELETE ON tens_insight.account_risk_score_history TO",
        ),
        (
            "REVOKE SELECT ON tens_insight.refusals FROM PUBLIC",
            "GRANT SELECT, INSERT, DELETE ON tens_insight.refusals TO",
        ),
    ],
)
def test_a_missing_right_is_named_with_the_grant(
    migrated_database: str, password_url: str, monkeypatch, revoke: str, said: str
) -> None:
    database = '"' + urlsplit(migrated_database).path.lstrip("/") + '"'
    for statement in (*GRANTS, revoke.format(database=database)):
        query(statement)
    monkeypatch.setenv("DATABASE_URL", password_url)
    with pytest.raises(ContractBroken, match=said):
        publish_rows(scores())
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    assert table() == []


def test_the_granted_rights_suffice_and_vacuum_is_left_out(
    migrated_database: str, password_url: str, monkeypatch, caplog
) -> None:
    for statement in GRANTS:
        query(statement)
    monkeypatch.setenv("DATABASE_URL", password_url)
    publish_rows(scores())
    assert caplog.messages == []
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    assert table() == scores()
    assert _vacuums() == 0


def test_no_warning_is_drawn_where_the_role_may_not_vacuum(
    migrated_database: str, password_url: str, monkeypatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", password_url)
    with closing(connect("tens-insight test")) as connection:
        assert not vacuum(connection, "account_risk_scores")
        assert connection.notices == []


def test_a_failed_vacuum_is_logged_and_not_raised(migrated_database: str, caplog) -> None:
    with closing(connect("tens-insight test")) as connection:
        assert not vacuum(connection, "no_such_table")
    assert "no_such_table was not vacuumed" in caplog.text


def test_no_server_for_the_vacuum_beside_is_logged_and_not_raised(monkeypatch, caplog) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    vacuum_aside("account_risk_detail_history", "tens_insight")
    assert "account_risk_detail_history was not vacuumed" in caplog.text


def test_the_owner_vacuums(migrated_database: str) -> None:
    publish_rows(scores())
    assert _vacuums() == 1


def _vacuums() -> int:
    """Counts them since the table was made; the server publishes its counters a moment late."""
    query("SELECT pg_stat_force_next_flush()")
    statement = "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'account_risk_scores'"
    return query(statement)[0][0]
