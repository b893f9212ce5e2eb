"""What a database says of its own ground truth, as a run and `db check` read it."""

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.data_checker.actions import decide
from components.data_checker.config import DataCheckerConfig
from components.data_checker.ground_truth import check_facts
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.ground_truth import GroundTruth, read_ground_truth
from components.feedback_example_gen.read_plan import plan_reading
from components.feedback_example_gen.reading.database_snapshot import exported_snapshot
from components.feedback_example_gen.request import ReadRequest
from components.postgres.connection import connect

Tables = Any
AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
FIRST = AS_OF - timedelta(days=300)
READING = FeedbackExampleGenConfig(lookback_days=30)
ACCOUNTS = [f"ACC-{number:04d}" for number in range(200)]
LEFT = ACCOUNTS[::2]


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


@pytest.fixture
def world(feedback: Tables) -> Tables:
    """200 accounts; each second one left, one of them in two days, the last a day ago."""
    feedback.add({"account_id": one, "created_at": ago(300)} for one in ACCOUNTS)
    feedback.churn((one, ago(199 - 2 * place)) for place, one in enumerate(LEFT))
    return feedback


def truth(names_accounts: bool = True, has_churn: bool = True, **changes: Any) -> GroundTruth:
    reading = FeedbackExampleGenConfig(lookback_days=30, **changes)
    with closing(connect("tens-insight test")) as connection:
        return read_ground_truth(
            connection, reading, FIRST, AS_OF, has_churn=has_churn, names_accounts=names_accounts
        )


def said(found: GroundTruth, **limits: Any) -> list[str]:
    """Why checks stop or warn."""
    config = DataCheckerConfig(**limits)
    checks = decide(check_facts(found.churn, found.accounts, config), config.data_checks)
    return [one.message for one in checks if one.verdict in ("stopped", "warned")]


def test_a_sound_table_passes(world: Tables) -> None:
    found = truth()
    assert said(found) == []
    assert found.churn is not None
    assert (found.churn.rows, found.churn.rows_unmatched) == (100, 0)
    assert (found.churn.age_days, found.churn.longest_gap_days) == (1, 2)
    assert found.churn.known_until == AS_OF.isoformat()
    assert found.accounts.ids is None


@pytest.mark.parametrize(
    ("respell", "rule"),
    [
        ("lower(account_id)", "upper and lower case, 'acc-0000' for 'ACC-0000'"),
        ("account_id || ' '", "blanks or invisible characters, 'ACC-0000 ' for 'ACC-0000'"),
        (
            "account_id || chr(160)",
            r"blanks or invisible characters, 'ACC-0000\xa0' for 'ACC-0000'",
        ),
        ("replace(account_id, '-', '')", "punctuation, 'ACC0000' for 'ACC-0000'"),
        ("'crm:' || account_id", "a prefix 'crm:', 'crm:ACC-0000' for 'ACC-0000'"),
    ],
)
def test_half_of_the_ids_in_another_spelling(world: Tables, respell: str, rule: str) -> None:
    half = "right(account_id, 1) IN ('0', '2', '4')"
    world.execute(f"UPDATE account_churn SET account_id = {respell} WHERE {half}")
    matching, spelling = said(truth())
    assert "60 of 100 churn rows match no account: 60.0%, at most 40.0% may" in matching
    assert f"60 differ by {rule}" in spelling
    assert said(truth(), max_unmatched_churn_share=0.7, max_misspelt_share=0.6) == []


def test_what_a_run_keeps_names_no_account(world: Tables) -> None:
    world.execute("UPDATE account_churn SET account_id = lower(account_id)")
    found = truth(names_accounts=False)
    assert found.churn is not None
    assert found.churn.spellings == (
        ("upper and lower case", 100, "'aaa-9999'", "'AAA-9999'"),
    )  # fmt: skip
    assert "no churn row matches an account: none of the 100 ids" in said(found)[0]


def test_ids_padded_by_their_type_match(world: Tables) -> None:
    world.execute("ALTER TABLE account_churn ALTER account_id TYPE char(20)")
    assert said(truth()) == []


def test_rows_that_cannot_count_are_counted_apart(world: Tables) -> None:
    world.execute("ALTER TABLE account_churn ADD status text")
    world.churn(
        [
            (None, ago(5)), ("", ago(5)), ("ACC-0001", None), ("ACC-0003", datetime.max),
            ("ACC-0005", AS_OF), ("ACC-0007", ago(-40)), ("long-ago", ago(900)),
            (LEFT[0], ago(199)), ("never-wrote", ago(9)),
        ]
    )  # fmt: skip
    world.execute("UPDATE account_churn SET churned_at = 'infinity' WHERE account_id = 'ACC-0003'")
    world.churn([("ACC-0009", ago(3))])
    world.execute(
        "UPDATE account_churn SET churned_at = '0044-03-15 00:00+00 BC' "
        "WHERE account_id = 'ACC-0009'"
    )
    found = truth().churn
    assert found is not None
    assert (found.rows, found.rows_unmatched, found.rows_repeated) == (102, 1, 1)
    assert (found.rows_without_account, found.rows_without_date) == (2, 3)
    assert (found.rows_in_future, found.rows_before_feedback) == (2, 1)
    assert said(truth()) == []


def test_an_export_that_stopped(world: Tables) -> None:
    world.execute("DELETE FROM account_churn WHERE churned_at > %s", ago(40))
    found = truth()
    (age,) = said(found)
    assert "the newest churn is 41 days older than as_of, the longest of" in age
    assert "2 days, and 14 are allowed" in age
    assert found.known.end(AS_OF) == ago(41)
    assert said(truth(max_churn_age_days=45)) == []
    assert truth(max_churn_age_days=45).known == found.known


def test_a_hole_is_a_warning(world: Tables) -> None:
    world.execute("DELETE FROM account_churn WHERE churned_at BETWEEN %s AND %s", ago(90), ago(60))
    (hole,) = said(truth())
    assert "no churn in 1 intervals" in hole


def test_a_table_without_rows_would_make_everybody_stay(world: Tables) -> None:
    world.execute("TRUNCATE account_churn")
    (empty,) = said(truth())
    assert "everybody would seem to have stayed" in empty
    assert said(truth(has_churn=False)) == []


def publish(world: Tables, accounts: list[str], days_ago: float = 1) -> None:
    ((number,),) = world.execute(
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, run_id, published_by) "
        "VALUES (gen_random_uuid(), 'account_risk_scores', %s, 'v', 'account_churn', %s, 0, '{}', "
        "'run', 'me') RETURNING publication_id",
        ago(days_ago),
        len(accounts),
    )
    world.execute(
        "INSERT INTO tens_insight.account_risk_score_history (publication_id, account_id) "
        "SELECT %s, unnest(%s)",
        number,
        accounts,
    )


@pytest.mark.parametrize("days_ago", [0, 1])  # published again as of the same moment, or later
@pytest.mark.parametrize("churn_too", [True, False])
def test_ids_that_all_got_a_prefix(world: Tables, churn_too: bool, days_ago: int) -> None:
    publish(world, ACCOUNTS, days_ago)
    assert said(truth()) == []
    world.execute("UPDATE feedback_enriched SET account_id = 'crm:' || account_id")
    if churn_too:
        world.execute("UPDATE account_churn SET account_id = 'crm:' || account_id")
    told = said(truth())
    new = told[-1]
    assert "all accounts are new: none of the 200 accounts that were published last" in new
    assert "200 differ by a missing prefix 'crm:', 'ACC-0000' for 'crm:ACC-0000'" in new
    if not churn_too:
        assert "no churn row matches an account" in told[0]
        assert "100 differ by a missing prefix 'crm:'" in told[1]
    assert len(told) == (1 if churn_too else 3)


def test_new_rows_that_name_accounts_in_another_spelling(world: Tables) -> None:
    publish(world, ACCOUNTS, days_ago=7)
    world.add({"account_id": f"crm:{one}", "created_at": ago(2)} for one in ACCOUNTS[1::2])
    world.add([{"account_id": "really-new", "created_at": ago(2)}])
    (twice,) = said(truth())
    assert "100 accounts are newer than the last publication" in twice
    assert "100 differ by a prefix 'crm:', 'crm:ACC-0001' for 'ACC-0001'" in twice
    assert said(truth(), max_misspelt_share=0.5) == []


def test_dates_of_an_import_are_a_warning(world: Tables) -> None:
    world.execute(
        "UPDATE account_churn SET churned_at = %s WHERE churned_at < %s", ago(99), ago(99)
    )
    (day,) = said(truth())
    assert "51 of 100 churn rows are of 2024-02-23: if that is the day of an import" in day


def test_accounts_that_write_after_they_left_are_a_warning(world: Tables) -> None:
    world.add({"account_id": one, "created_at": ago(1.5)} for one in LEFT[:30])
    (after,) = said(truth())
    assert "30 of 100 churn rows have feedback of the account after their date" in after


def test_a_few_accounts_may_go(world: Tables) -> None:
    publish(world, [*ACCOUNTS[:80], *(f"gone-{number}" for number in range(20))])
    assert said(truth()) == []
    (lost,) = said(truth(), max_lost_accounts_share=0.1)
    assert "20 of the 100 accounts that were published last have no feedback any more" in lost


def test_only_the_newest_publication_that_stands_is_compared(world: Tables) -> None:
    publish(world, ["old"], 9)
    publish(world, ACCOUNTS, 5)
    publish(world, ["undone"], 2)
    world.execute(
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'me', "
        "undo_reason = 'a test' WHERE as_of = %s",
        ago(2),
    )
    publish(world, ["later"], -1)
    assert truth().accounts.ids == 200


def test_without_our_tables_nothing_is_compared(world: Tables) -> None:
    world.execute("DROP SCHEMA tens_insight CASCADE")
    assert truth().accounts.ids is None


def test_a_run_asks_no_label_of_what_nobody_recorded(world: Tables) -> None:
    world.execute("DELETE FROM account_churn WHERE churned_at > %s", ago(40))
    reading = FeedbackExampleGenConfig(lookback_days=30, horizon_days=20, cutoff_interval_days=10)
    request = ReadRequest(as_of=AS_OF, splits=("train", "eval", "score"), config=reading)
    with exported_snapshot() as snapshot:
        plan = plan_reading(snapshot, request)
    assert plan.cutoffs.eval == (ago(41 + 20),)
    assert max(plan.cutoffs.train) == ago(41 + 40)
    assert plan.cutoffs.score == (AS_OF,)
    assert plan.cutoffs.known_until("eval", ago(61)) == ago(41)
    assert plan.truth.churn is not None
    assert plan.truth.churn.known_until == ago(41).isoformat()
