"""What is recorded of scores whose window is over, on a real Postgres: each rule on its own."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.feedback_example_gen.churn_rhythm import KnownChurn
from components.publishing.erasure import erase_account
from components.publishing.undo import undo
from pipeline.erasure.names import eraser
from tests.components.outcome_recorder.published import (
    counts,
    outcomes,
    put_publication,
    record,
    require_counts,
)

Tables = Any
FIRST = datetime(2024, 3, 1, tzinfo=timezone.utc)
TICK = timedelta(microseconds=1)


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.fixture
def world(feedback: Tables) -> Tables:
    """Four accounts that were scored on day 0; B left on day 4, the others go on writing."""
    feedback.add(
        {"account_id": account, "created_at": day(when)}
        for account in "ABCD"
        for when in (-5, -1, 3, 9, 12)
    )
    feedback.churn([("B", day(4)), ("Z", day(5))])
    return feedback


def test_a_window_is_measured_on_the_first_day_on_which_it_is_over(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    before = record(day(10) - TICK, first)
    assert (before.measured, before.open.windows, before.open.next) == ([], 1, day(10))
    assert outcomes(world) == {}
    (measured,) = record(day(10), first).measured
    assert (measured.accounts, measured.left_count, measured.unknown_count) == (4, 1, 0)
    found = outcomes(world, 10)
    assert found == {(first, one): "left" if one == "B" else "stayed" for one in "ABCD"}
    require_counts(world)


def test_a_second_run_gives_the_same_rows(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD", horizons=(5, 10))
    record(day(11), first)
    shown = "SELECT to_jsonb(one) FROM tens_insight.score_outcomes AS one ORDER BY 1"
    kept = "SELECT to_jsonb(one) FROM tens_insight.account_departures AS one ORDER BY 1"
    rows, departures = world.execute(shown), world.execute(kept)
    again = record(day(12), first)
    assert (again.measured, again.corrections) == ([], [])
    assert (world.execute(shown), world.execute(kept)) == (rows, departures)


def test_dates_at_the_ends_of_a_window(world: Tables) -> None:
    world.churn([("A", day(0)), ("C", day(10) - TICK), ("D", day(10))])
    first = put_publication(world, day(0), "ABCD")
    record(day(10), first)
    assert outcomes(world, 10) == {
        (first, "A"): "left", (first, "B"): "left", (first, "C"): "left", (first, "D"): "stayed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "account", "before", "after"),
    [
        ("INSERT INTO account_churn VALUES ('A', '2024-03-08')", "A", "stayed", "left"),
        ("DELETE FROM account_churn WHERE account_id = 'B'", "B", "left", "stayed"),
        ("UPDATE account_churn SET churned_at = '2024-03-15'", "B", "left", "stayed"),
        ("UPDATE account_churn SET churned_at = '2024-03-09' WHERE account_id = 'B'", "B", "left",
         "left"),
    ],
)  # fmt: skip
def test_a_date_that_changes_later_corrects_what_was_measured(
    world: Tables, change: str, account: str, before: str, after: str
) -> None:
    first = put_publication(world, day(0), "ABCD")
    record(day(10), first)
    assert outcomes(world, 10)[first, account] == before
    world.execute(change)
    (correction,) = record(day(20), first).corrections
    assert (correction.publication_id, correction.horizon_days, correction.rows) == (first, 10, 1)
    assert outcomes(world, 10)[first, account] == after
    require_counts(world)
    ((corrected_at, rows),) = world.execute(
        "SELECT corrected_at, rows_corrected FROM tens_insight.outcome_windows"
    )
    assert corrected_at is not None
    assert rows == 1
    assert record(day(21), first).corrections == []


def test_a_late_date_corrects_every_window_that_it_lies_in(world: Tables) -> None:
    numbers = [put_publication(world, day(at), "ABCD", horizons=(5, 10)) for at in range(4)]
    record(day(14), numbers[-1])
    world.churn([("C", day(6))])
    found = {(one.publication_id, one.horizon_days) for one in record(day(15), 4).corrections}
    first = numbers[0]
    expected = {(number, 10) for number in numbers} | {(number, 5) for number in numbers[2:]}
    assert (first, 5) not in found  # over on day 5
    assert found == expected
    require_counts(world)


def test_an_export_that_may_be_late_says_of_nobody_that_he_stayed(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    late = KnownChurn(((day(5), day(10)),))
    found = record(day(10), first, known=late)
    assert (found.measured, found.waiting) == ([], 1)
    assert outcomes(world) == {}
    assert len(record(day(11), first).measured) == 1


def test_an_export_without_any_date_is_waited_for(world: Tables) -> None:
    world.execute("DELETE FROM account_churn")
    first = put_publication(world, day(0), "ABCD")
    found = record(day(10), first, known=None)
    assert (found.measured, found.waiting, outcomes(world)) == ([], 1, {})


def test_a_hole_leaves_unknown_who_is_not_known_to_have_left(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    hole = KnownChurn(((day(5), day(7)),))
    record(day(12), first, known=hole)
    unknown = "unknown: churn dates missing"
    found = outcomes(world, 10)
    assert found == {(first, one): "left" if one == "B" else unknown for one in "ABCD"}
    require_counts(world)
    assert record(day(13), first, known=hole).measured == []
    world.churn([("C", day(6))])  # the export was completed
    (again,) = record(day(14), first).measured
    assert again.again
    assert outcomes(world, 10)[first, "C"] == "left"
    assert outcomes(world, 10)[first, "A"] == "stayed"
    require_counts(world)


def test_what_was_recorded_holds_where_nothing_is_known_any_more(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    record(day(10), first)
    world.execute("DELETE FROM account_churn WHERE account_id = 'B'")
    hidden = KnownChurn(((day(3), day(6)),))
    assert record(day(11), first, known=hidden).corrections == []
    assert outcomes(world, 10)[first, "B"] == "left"
    assert len(record(day(12), first).corrections) == 1


def test_a_broken_export_takes_nothing_back(world: Tables) -> None:
    many = [f"M-{number}" for number in range(30)]
    world.add({"account_id": one, "created_at": day(-1)} for one in many)
    world.churn((one, day(2)) for one in many)
    first = put_publication(world, day(0), ["A", "B", *many])
    second = put_publication(world, day(1), ["A", "B", *many])
    record(day(10), first)
    world.execute("DELETE FROM account_churn WHERE account_id <> 'B'")
    found = record(day(11), second)
    assert found.withheld is not None
    assert "30 of 31 departures that were recorded from account_churn" in found.withheld
    assert (found.measured, found.waiting) == ([], 1)
    assert outcomes(world, 10)[first, "M-3"] == "left"
    world.churn((one, day(2)) for one in many)
    assert len(record(day(12), second).measured) == 1


def test_an_account_that_was_merged_is_unknown_until_it_is_back(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    world.execute("UPDATE feedback_enriched SET account_id = 'A' WHERE account_id IN ('B', 'C')")
    present = put_publication(world, day(10), "AD")
    record(day(10), present)
    # Of B its date is known.
    assert outcomes(world, 10) == {
        (first, "A"): "stayed", (first, "B"): "left", (first, "C"): "unknown: account gone",
        (first, "D"): "stayed",
    }  # fmt: skip
    require_counts(world)
    world.add([{"account_id": "C", "created_at": day(2)}])
    (correction,) = record(day(11), present).corrections
    assert (correction.rows, correction.more_unknown) == (1, -1)
    assert outcomes(world, 10)[first, "C"] == "stayed"
    require_counts(world)


def test_what_was_measured_before_an_account_was_merged_stays(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    second = put_publication(world, day(1), "ABCD")
    record(day(10), first)
    world.execute("DELETE FROM feedback_enriched WHERE account_id = 'C'")
    record(day(11), put_publication(world, day(11), "AD"))
    assert outcomes(world, 10)[first, "C"] == "stayed"
    assert outcomes(world, 10)[second, "C"] == "unknown: account gone"
    require_counts(world)


def test_history_that_was_dropped_is_lost(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    second = put_publication(world, day(1), "ABCD")
    world.execute("DELETE FROM tens_insight.account_risk_score_history WHERE account_id < 'C'")
    world.execute(
        "UPDATE tens_insight.publications SET dropped_up_to = %s WHERE publication_id = %s",
        second, first,
    )  # fmt: skip
    record(day(12), second)
    assert counts(world) == [(first, 10, 0, 0, 4, 0), (second, 10, 0, 2, 0, 0)]
    assert outcomes(world, 10)[first, "C"] == "unknown: history lost"


def test_another_label_source_tells_nothing_of_older_scores(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    record(day(10), first, label_source="inactivity")
    assert set(outcomes(world, 10).values()) == {"unknown: label source changed"}
    require_counts(world)
    (again,) = record(day(11), first).measured
    assert again.again
    assert outcomes(world, 10)[first, "B"] == "left"
    require_counts(world)


def test_silence_is_churn_where_there_is_no_table(world: Tables) -> None:
    world.execute(
        "DELETE FROM feedback_enriched WHERE account_id = 'A' AND created_at > %s", day(0)
    )
    world.execute(
        "DELETE FROM feedback_enriched WHERE account_id = 'C' AND created_at > %s", day(3)
    )
    first = put_publication(world, day(0), "ABCD", label_source="inactivity", horizons=(10, 20))
    record(day(20), first, label_source="inactivity")
    found = outcomes(world)
    assert [found[first, 10, one] for one in "ABCD"] == ["left", "stayed", "stayed", "stayed"]
    assert [found[first, 20, one] for one in "ABCD"] == ["left", "stayed", "left", "stayed"]
    ((left_at,),) = world.execute(
        "SELECT left_at FROM tens_insight.score_outcomes "
        "WHERE account_id = 'C' AND horizon_days = 20"
    )
    assert left_at == day(13) + TICK
    require_counts(world)
    world.add([{"account_id": "A", "created_at": day(7)}])  # a row that arrived late
    found_later = record(day(21), first, label_source="inactivity")
    assert {one.horizon_days for one in found_later.corrections} == {10, 20}
    assert outcomes(world)[first, 10, "A"] == "stayed"
    require_counts(world)


def test_an_undone_publication_has_no_outcomes(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    second = put_publication(world, day(1), "ABCD")
    world.execute(
        "INSERT INTO account_risk_scores SELECT account_id, churn_probability, health_score, "
        "risk_category, predicted_at, model_version FROM tens_insight.account_risk_score_history "
        "WHERE publication_id = %s", second,
    )  # fmt: skip
    from components.postgres.tables import ACCOUNT_RISK_SCORES

    undo(ACCOUNT_RISK_SCORES, reason="a test")
    record(day(12), first)
    assert {number for number, _ in outcomes(world, 10)} == {first}


def test_scores_of_others_and_product_areas_have_none(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    world.execute("UPDATE tens_insight.publications SET kind = 'existing'")
    areas = put_publication(world, day(0), "ABCD")
    world.execute(
        "UPDATE tens_insight.publications SET target_table = 'product_area_impact' "
        "WHERE publication_id = %s", areas,
    )  # fmt: skip
    found = record(day(12), first)
    assert (found.measured, found.open.windows, counts(world)) == ([], 0, [])


def test_a_forgotten_account_leaves_no_row_and_does_not_come_back(world: Tables) -> None:
    first = put_publication(world, day(0), "ABCD")
    record(day(10), first)
    erase_account("B", eraser("B"))
    kept = "SELECT account_id FROM tens_insight.account_departures"
    assert world.execute(kept) == []
    record(day(11), first)
    assert world.execute(kept) == []
    assert {account for _, account in outcomes(world, 10)} == set("ACD")
    ((left,),) = world.execute("SELECT accounts_left FROM tens_insight.outcome_windows")
    assert left == 1  # a count names nobody
