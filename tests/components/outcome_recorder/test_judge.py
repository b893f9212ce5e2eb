"""The performance of publications that came true or not, and who left with a low score."""

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from serving_model.evaluation.metrics import auc, average_precision, brier_score, log_loss
from tests.components.outcome_recorder.published import put_publication, record

Tables = Any
FIRST = datetime(2024, 3, 4, tzinfo=timezone.utc)
"""A Monday."""
ACCOUNTS = [f"ACC-{number:03d}" for number in range(200)]
RNG = np.random.default_rng(5)
SCORES = dict(zip(ACCOUNTS, RNG.uniform(0.02, 0.9, len(ACCOUNTS)).tolist(), strict=True))
LEFT = [one for one, drawn in zip(ACCOUNTS, RNG.uniform(size=200), strict=True)
        if drawn < SCORES[one]]  # fmt: skip


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.fixture
def world(feedback: Tables) -> Tables:
    """200 accounts that were scored on day 0; who left did so on day 5."""
    feedback.add({"account_id": one, "created_at": day(-1)} for one in ACCOUNTS)
    feedback.churn((one, day(5)) for one in LEFT)
    return feedback


def performance(tables: Tables, band: str = "") -> dict[tuple[int, str], tuple[Any, ...]]:
    rows = tables.execute(
        "SELECT publication_id, metric, value, low, high FROM tens_insight.model_performance "
        "WHERE kind = 'realised' AND slice = 'overall' AND band = %s", band,
    )  # fmt: skip
    return {(number, metric): tuple(values) for number, metric, *values in rows}


def test_performance_is_that_of_the_outcomes(world: Tables) -> None:
    first = put_publication(world, day(0), SCORES)
    found = record(day(10), first)
    assert [(one.publication_id, one.is_main) for one in found.judged] == [(first, True)]
    labels = np.array([float(one in LEFT) for one in ACCOUNTS])
    scores = np.array(list(SCORES.values()))
    rows = performance(world)
    expected = {
        "accounts": 200, "left": len(LEFT), "auc": auc(labels, scores),
        "pr_auc": average_precision(labels, scores), "log_loss": log_loss(labels, scores),
        "brier": brier_score(labels, scores), "calibration_gap": np.mean(scores - labels),
    }  # fmt: skip
    for metric, value in expected.items():
        assert rows[first, metric][0] == pytest.approx(value), metric
        if metric != "accounts":
            assert rows[first, metric][1] < value < rows[first, metric][2]
    assert rows[first, "calibration_error"][1:] == (None, None)


def test_bands_are_judged_as_if_they_were_flags(world: Tables) -> None:
    first = put_publication(world, day(0), SCORES)
    record(day(10), first)
    for band, low, high in (("low", 0, 0.25), ("high", 0.5, 0.75), ("critical", 0.75, 1)):
        flagged = [one for one, score in SCORES.items() if low <= score < high]
        caught = len(set(flagged) & set(LEFT))
        rows = {metric: values for (_, metric), values in performance(world, band).items()}
        assert rows["flagged"] == (len(flagged), None, None)
        assert rows["precision"][0] == pytest.approx(caught / len(flagged))
        assert rows["recall"][0] == pytest.approx(caught / len(LEFT))
        assert rows["false_positives"][0] == len(flagged) - caught
        assert rows["false_negatives"][0] == len(LEFT) - caught
        assert rows["lift"][0] == pytest.approx(caught / len(flagged) / (len(LEFT) / 200))
        assert all(one[1] <= one[0] <= one[2] for name, one in rows.items() if name != "flagged")


def test_one_publication_of_a_week_is_judged_each_day_or_all_at_once(world: Tables) -> None:
    numbers = [put_publication(world, day(at), SCORES) for at in (0, 1, 6, 7, 8)]
    for at in range(9, 19):
        record(day(at), numbers[-1])
    assert {number for number, _ in performance(world)} == {numbers[0], numbers[3]}


def test_a_date_that_comes_later_corrects_performance_too(world: Tables) -> None:
    first = put_publication(world, day(0), SCORES)
    record(day(10), first)
    stayed = next(one for one in ACCOUNTS if one not in LEFT)
    world.churn([(stayed, day(6))])
    assert [one.publication_id for one in record(day(20), first).judged] == [first]
    assert performance(world)[first, "left"][0] == len(LEFT) + 1


def test_performance_of_what_was_undone_goes(world: Tables) -> None:
    first = put_publication(world, day(0), SCORES)
    second = put_publication(world, day(7), SCORES)
    record(day(17), second)
    assert {number for number, _ in performance(world)} == {first, second}
    world.execute(
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 't', "
        "undo_reason = 't' WHERE publication_id = %s", second,
    )  # fmt: skip
    record(day(18), first)
    assert {number for number, _ in performance(world)} == {first}


def test_another_horizon_needs_probabilities_that_were_kept(world: Tables) -> None:
    first = put_publication(world, day(0), SCORES, horizons=(5, 10))
    assert [one.horizon_days for one in record(day(10), first).judged] == [10]


def test_a_publication_without_outcomes_has_no_performance(world: Tables) -> None:
    first = put_publication(world, day(0), SCORES)
    record(day(10), first, label_source="inactivity")
    assert performance(world) == {}


def test_who_left_with_a_low_score_is_noted_once(world: Tables) -> None:
    missed = [one for one in LEFT if SCORES[one] < 0.25]
    assert missed
    name = missed[0]
    world.add(
        {"account_id": name, "created_at": day(at), "sentiment": sentiment, "priority": priority}
        for at, sentiment, priority in (
            (0, "negative", 5), (2, "negative", 3), (3, "neutral", 4), (5, "positive", 5),
        )
    )  # fmt: skip
    first = put_publication(world, day(0), SCORES)
    second = put_publication(world, day(2), SCORES)
    assert record(day(10), first).missed == len(missed)
    assert record(day(12), second).missed == 0
    rows = world.execute("SELECT account_id FROM tens_insight.missed_churn ORDER BY 1")
    assert [one for (one,) in rows] == missed
    noted = world.execute(
        "SELECT left_at, publication_id, churn_probability, reasons, events_after, "
        "negative_after, neutral_after, positive_after, critical_after "
        "FROM tens_insight.missed_churn WHERE account_id = %s", name,
    )  # fmt: skip
    assert noted == [(day(5), first, SCORES[name], None, 3, 2, 1, 0, 2)]
    world.execute("DELETE FROM account_churn WHERE account_id = %s", name)
    record(day(13), second)
    rows = world.execute("SELECT account_id FROM tens_insight.missed_churn ORDER BY 1")
    assert [one for (one,) in rows] == missed[1:]


def keep_parts(tables: Tables, publication: int) -> None:
    """Keeps what scores are made of, as Monitor does: at 5 days half of the probability."""
    tables.execute(
        "INSERT INTO tens_insight.contribution_layouts (publication_id, horizons, horizon_days, "
        "groups, accounts, digest) VALUES (%s, '{5, 10}', 10, '{pace, tone}', 200, 0)",
        publication,
    )
    tables.execute(
        "INSERT INTO tens_insight.account_contributions SELECT publication_id, account_id, -3, "
        "ARRAY[churn_probability / 2, churn_probability], ARRAY[0.5, -0.25], "
        "CASE WHEN account_id < 'ACC-150' THEN 'pro' WHEN account_id < 'ACC-199' THEN 'free' END, "
        "NULL, 'active' "
        "FROM tens_insight.account_risk_score_history WHERE publication_id = %s",
        publication,
    )


def test_slices_and_horizons_are_judged_where_they_were_kept(world: Tables) -> None:
    first = put_publication(world, day(0), SCORES, horizons=(5, 10))
    keep_parts(world, first)
    assert [one.horizon_days for one in record(day(10), first).judged] == [5, 10]
    rows = world.execute(
        "SELECT horizon_days, slice, slice_value, value FROM tens_insight.model_performance "
        "WHERE metric = 'accounts'"
    )
    # Of the tier free there are fewer than 50; who left on day 5 is not within 5 days.
    assert sorted(rows) == [
        (5, "overall", "", 200), (10, "customer_tier", "pro", 150), (10, "overall", "", 200),
        (10, "silence_state", "active", 200),
    ]  # fmt: skip
    ((loss,),) = world.execute(
        "SELECT value FROM tens_insight.model_performance WHERE metric = 'brier' "
        "AND horizon_days = 5 AND slice = 'overall'"
    )
    halves = np.array(list(SCORES.values())) / 2
    assert loss == pytest.approx(float(np.mean(halves**2)), rel=1e-6)
    missed = world.execute("SELECT reasons, customer_tier FROM tens_insight.missed_churn")
    assert missed
    assert all(reasons == {"pace": 0.5, "tone": -0.25} for reasons, _ in missed)
