"""What is expected of windows that are open: on the day of publication, and partly known."""

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from components import ahead
from components.account_scorer.scored_run import ScoredRun
from components.outcome_recorder import early_estimates, foreseen
from components.outcome_recorder.calibration_lines import belief
from components.outcome_recorder.performance_rows import Judged
from components.postgres.connection import connect
from serving_model.evaluation.recalibration import fitted_line
from tests.components.outcome_recorder.published import put_publication, record

Tables = Any
FIRST = datetime(2024, 3, 4, tzinfo=timezone.utc)
"""A Monday."""
ACCOUNTS = [f"ACC-{number:03d}" for number in range(400)]
RNG = np.random.default_rng(5)
WHOLE = RNG.beta(1, 4, len(ACCOUNTS))
FIRST_HALF = 1 - np.sqrt(1 - WHOLE)
TIERS = np.where(np.arange(400) % 4 == 0, "enterprise", "free")
SHOWN = (
    "SELECT horizon_days, kind, slice, slice_value, band, metric, value, low, high "
    "FROM tens_insight.model_performance WHERE publication_id = %s ORDER BY 1, 2, 3, 4, 5, 6"
)


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


def put_details(tables: Tables, publication: int) -> None:
    """Details of a publication, as publishing writes them, and what the monitor keeps of them."""
    horizons = [json.dumps({"5": five, "10": ten}) for five, ten in zip(FIRST_HALF, WHOLE)]  # noqa: B905
    tables.execute(
        "INSERT INTO tens_insight.account_risk_detail_history (publication_id, account_id, "
        "percentile, churn_by_horizon, tenure_days, days_since_last_event, silence_state, "
        "customer_tier, region) SELECT %s, account_id, 50, within::jsonb, 9, 1, 'active', tier, "
        "'EU' FROM unnest(%s::text[], %s::text[], %s::text[]) AS one (account_id, within, tier)",
        publication, ACCOUNTS, horizons, TIERS.tolist(),
    )  # fmt: skip
    tables.execute(
        "INSERT INTO tens_insight.contribution_layouts (publication_id, horizons, horizon_days, "
        "groups, accounts, digest) VALUES (%s, '{5,10}', 10, '{}', 400, 0)", publication,
    )  # fmt: skip
    tables.execute(
        "INSERT INTO tens_insight.account_contributions SELECT %s, account_id, NULL, "
        "ARRAY[five, ten]::real[], NULL, tier, 'EU', 'active' FROM unnest(%s::text[], "
        "%s::float8[], %s::float8[], %s::text[]) AS one (account_id, five, ten, tier)",
        publication, ACCOUNTS, FIRST_HALF.tolist(), WHOLE.tolist(), TIERS.tolist(),
    )  # fmt: skip


def publish(tables: Tables, at: float, model: str = "model-1") -> int:
    scores = dict(zip(ACCOUNTS, WHOLE.tolist(), strict=True))
    number = put_publication(tables, day(at), scores, horizons=(5, 10), model=model)
    put_details(tables, number)
    return number


def found(tables: Tables, publication: int, kind: str, horizon: int = 10) -> dict[str, Any]:
    """Metrics of all accounts: value, low, high."""
    return {
        metric: tuple(values)
        for days, of, slice_, _, band, metric, *values in tables.execute(SHOWN, publication)
        if (days, of, slice_, band) == (horizon, kind, "overall", "")
    }


@pytest.fixture
def world(feedback: Tables) -> Tables:
    """Accounts that were there before, go on writing, and leave with the chance that is said."""
    feedback.add({"account_id": one, "created_at": day(at)} for one in ACCOUNTS for at in (-20, 40))
    random = np.random.default_rng(8)
    early = random.random(400) < FIRST_HALF
    late = random.random(400) < FIRST_HALF
    feedback.churn((one, day(2)) for one, gone in zip(ACCOUNTS, early, strict=True) if gone)
    feedback.churn(
        (one, day(7))
        for one, gone, before in zip(ACCOUNTS, late, early, strict=True)
        if gone and not before
    )
    return feedback


def test_each_horizon_of_a_publication_is_estimated_on_its_day(world: Tables) -> None:
    first = publish(world, 0)
    recorded = record(day(0), first)
    assert [(one.horizon_days, one.kind) for one in recorded.foreseen] == [
        (5, "estimated"), (10, "estimated"),
    ]  # fmt: skip
    rows = found(world, first, "estimated")
    assert rows["accounts"][0] == 400
    assert rows["left"][0] == pytest.approx(WHOLE.sum(), rel=0.02)
    assert rows["left"][1] < rows["left"][0] < rows["left"][2]
    assert rows["auc"][1] < rows["auc"][0] < rows["auc"][2]
    assert found(world, first, "estimated", 5)["left"][0] == pytest.approx(
        FIRST_HALF.sum(), rel=0.03
    )
    places = {(row[2], row[3]) for row in world.execute(SHOWN, first)}
    assert places == {
        ("overall", ""), ("customer_tier", "enterprise"), ("customer_tier", "free"),
        ("region", "EU"), ("silence_state", "active"),
    }  # fmt: skip
    ((precision,),) = world.execute(
        "SELECT value FROM tens_insight.model_performance WHERE publication_id = %s AND kind = "
        "'estimated' AND horizon_days = 10 AND slice = 'overall' AND band = 'medium' AND metric = "
        "'precision'", first,
    )  # fmt: skip
    assert precision == pytest.approx(WHOLE[(WHOLE >= 0.25) & (WHOLE < 0.5)].mean(), abs=0.02)


def test_a_second_run_writes_the_same(world: Tables) -> None:
    first = publish(world, 0)
    record(day(5), first)
    rows = world.execute(SHOWN, first)
    record(day(5), first)
    assert world.execute(SHOWN, first) == rows


def test_a_closed_shorter_window_makes_the_longer_one_partly_known(world: Tables) -> None:
    first = publish(world, 0)
    recorded = record(day(5), first)
    assert ("partial", 10) in [(one.kind, one.horizon_days) for one in recorded.foreseen]
    before, partly = (found(world, first, kind) for kind in ("estimated", "partial"))
    width, partly_width = (rows["left"][2] - rows["left"][1] for rows in (before, partly))
    assert partly_width < width
    record(day(10), first)
    realised = found(world, first, "realised")
    for name in ("auc", "log_loss", "brier", "left"):
        for rows in (before, partly):
            assert rows[name][1] <= realised[name][0] <= rows[name][2], name
    # What was expected stays beside what came true.
    assert found(world, first, "partial") == partly
    assert record(day(11), first).foreseen[-1].kind == "estimated"


def test_a_late_date_leaves_what_was_expected_of_a_window_that_is_measured(world: Tables) -> None:
    first = publish(world, 0)
    record(day(5), first)
    record(day(10), first)
    before = found(world, first, "partial")
    world.churn((one, day(3)) for one in ACCOUNTS[:9])
    recorded = record(day(11), first)
    assert {one.horizon_days for one in recorded.judged} == {5, 10}
    assert found(world, first, "partial") == before


def test_early_churn_counts_as_churn_and_the_others_by_their_chance(world: Tables) -> None:
    first = publish(world, 0)
    record(day(5), first)
    ((early,),) = world.execute(
        "SELECT accounts_left FROM tens_insight.outcome_windows WHERE horizon_days = 5"
    )
    rest = (WHOLE - FIRST_HALF) / (1 - FIRST_HALF)
    left = found(world, first, "partial")["left"][0]
    assert early < left
    assert left == pytest.approx(early + rest.mean() * (400 - early), rel=0.12)


@pytest.mark.slow
def test_what_a_window_told_is_kept_as_a_line_and_believed_for_the_next(world: Tables) -> None:
    first = publish(world, 0)
    record(day(10), first)
    rows = found(world, first, "realised")
    labels = np.array([
        one in {name for (name,) in world.execute("SELECT account_id FROM account_churn")}
        for one in ACCOUNTS
    ], dtype=float)  # fmt: skip
    line = fitted_line(labels, WHOLE)
    assert rows["calibration_intercept"][0] == pytest.approx(line.intercept, abs=1e-6)
    low = line.intercept - 1.96 * line.intercept_deviation
    assert rows["calibration_intercept"][1] == pytest.approx(low, abs=1e-6)
    assert rows["calibration_slope"][0] == pytest.approx(line.slope, abs=1e-6)
    gone = {one for (one,) in world.execute(
        "SELECT account_id FROM account_churn WHERE churned_at < %s", day(5)
    )}  # fmt: skip
    there = np.array([one not in gone for one in ACCOUNTS])
    rest = ((WHOLE - FIRST_HALF) / (1 - FIRST_HALF))[there]
    later = fitted_line(labels[there], rest)
    assert rows["calibration_intercept_after_5"][0] == pytest.approx(later.intercept, abs=1e-4)
    assert rows["calibration_slope_after_5"][0] == pytest.approx(later.slope, abs=1e-4)
    connection = connect("tens-insight test")
    with connection, connection.cursor() as cursor:
        for model, as_of, centre in (
            ("model-1", day(10), line.centre), ("model-2", day(10), -9.0),
            ("model-1", day(9.9), -9.0),
        ):  # fmt: skip
            known = belief(cursor, Judged(9, 10, True, as_of, model), as_of, -9.0)
            assert known.centre == pytest.approx(centre), model
    connection.close()


@pytest.mark.slow
def test_a_model_that_promised_too_little_is_expected_to_do_so_again(world: Tables) -> None:
    world.churn((one, day(3)) for one in ACCOUNTS[::3])
    first = publish(world, 0)
    record(day(10), first)
    second = publish(world, 11)
    other = publish(world, 11.5, "model-2")
    record(day(11), second)
    record(day(11.5), other)
    expected = [found(world, one, "estimated")["left"][0] for one in (first, second, other)]
    assert expected[1] > expected[0] + 5
    assert expected[2] == pytest.approx(expected[0], rel=0.02)


@pytest.mark.slow
def test_daily_estimates_are_dropped_but_for_one_a_week(world: Tables) -> None:
    numbers = [publish(world, at) for at in (0, 1, 2)]
    for at, number in enumerate(numbers):
        record(day(at), number)
    later = publish(world, 10.5)
    record(day(10.5), later)
    kept = world.execute(
        "SELECT DISTINCT publication_id FROM tens_insight.model_performance "
        "WHERE kind = 'estimated' ORDER BY 1"
    )
    assert [number for (number,) in kept] == [numbers[0], later]


def test_a_publication_that_was_undone_is_not_estimated(world: Tables) -> None:
    first = publish(world, 0)
    world.execute(
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'x', undo_reason = 'x'"
    )
    assert record(day(0), first).foreseen == []


def test_without_kept_probabilities_of_the_shorter_window_nothing_is_said(world: Tables) -> None:
    first = publish(world, 0)
    world.execute("DELETE FROM tens_insight.contribution_layouts")
    kinds = {one.kind for one in record(day(5), first).foreseen}
    assert kinds == {"estimated"}


@pytest.fixture
def scored(world: Tables, tmp_path: Any) -> Any:
    """Writes the shards of a publication in another order, some without a tier; returns the run."""

    def write(at: float) -> ScoredRun:
        order = np.random.default_rng(4).permutation(len(ACCOUNTS))
        world.execute(
            "UPDATE tens_insight.account_risk_detail_history SET customer_tier = NULL "
            "WHERE account_id < 'ACC-060'"
        )
        tiers = [None if name < "ACC-060" else str(TIERS[int(name[4:])]) for name in ACCOUNTS]
        columns = {
            "account_id": ACCOUNTS,
            "churn_probability": WHOLE.tolist(),
            "churn_by_horizon": [
                json.dumps({"5": five, "10": ten})
                for five, ten in zip(FIRST_HALF.tolist(), WHOLE.tolist(), strict=True)
            ],
            "customer_tier": tiers,
            "region": ["EU"] * 400,
            "silence_state": ["active"] * 400,
        }
        table = pa.table(columns).take(pa.array(order))
        for place, part in enumerate((table.slice(0, 150), table.slice(150))):
            pyarrow.parquet.write_table(part, tmp_path / f"scores-{place}.parquet")
        bands = np.select(
            [WHOLE < 0.25, WHOLE < 0.5, WHOLE < 0.75], ["low", "medium", "high"], "critical"
        )
        return ScoredRun(
            as_of=day(at),
            examples="",
            example_count=400,
            scores=str(tmp_path),
            model_version="model-1",
            horizon_days=10,
            bands=pa.array(bands[order].tolist()),
        )

    return write


def test_what_is_estimated_of_the_shards_is_what_the_tables_give(
    world: Tables, scored: Any
) -> None:
    first = publish(world, 0)
    early = early_estimates.early_estimates(scored(0))
    assert early is not None
    with closing(connect("test")) as connection, connection.cursor() as cursor:
        (published,) = foreseen._published(cursor, first)
        scores = foreseen._scores(cursor, published)
        found = foreseen.estimates(cursor, published, scores)
    assert early.is_of(published)
    assert early.scores.to_pydict() == scores.to_pydict()
    assert [*early.performances] == [5, 10]
    assert repr(early.performances) == repr(found.performances)
    assert all(early.beliefs[days].is_same(found.beliefs[days]) for days in (5, 10))


@pytest.mark.parametrize("other", ["nothing", "closed window", "other model"])
def test_an_early_estimate_counts_as_long_as_what_it_believes(
    world: Tables, scored: Any, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    publish(world, 0)
    if other != "closed window":
        record(day(10), publish(world, 10))
    second = publish(world, 10, "model-2" if other == "other model" else "model-1")
    estimated: list[int] = []
    before = foreseen._before_outcomes

    def counted(*of: Any) -> Any:
        blas = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        estimated.append(max(blas))
        return before(*of)

    monkeypatch.setattr(foreseen, "_before_outcomes", counted)
    run = scored(10)
    threadpool_limits(limits=2, user_api="blas")
    with ahead.followed_by([early_estimates.begun_early]):
        ahead.begin(run)
        record(day(10), second, scores=run.scores)
    assert len(estimated) == (2 if other == "nothing" else 4)
    assert {*estimated} == {1}, "threads of BLAS"
    rows = world.execute(SHOWN, second)
    record(day(10), second)
    assert world.execute(SHOWN, second) == rows
