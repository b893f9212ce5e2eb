"""The parts of a change add up to it, and each is what its formula says."""

from contextlib import closing
from typing import Any

import numpy as np
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.contributions.mean_change import (
    MeanChange,
    PartsNotKept,
    change_between,
    find_side,
    mean_change,
)
from components.contributions.secants import Contributions, parts_of_moves
from pipeline.text.mean_change import change_lines
from tests.components.contributions.scored import (
    BASE,
    GROUPS,
    Scored,
    ask,
    publish_day,
    record,
    recorded_day,
)
from tests.property_tests import cases


def change(url: str, before: int, after: int, **options: Any) -> MeanChange:
    with closing(psycopg2.connect(url)) as one, one, one.cursor() as cursor:
        return mean_change(cursor, find_side(cursor, before), find_side(cursor, after), **options)


def by_name(found: MeanChange) -> dict[str, float]:
    return {one.feature_group or one.part: one.change for one in found.parts}


def expected(before: dict[str, Scored], after: dict[str, Scored]) -> dict[str, float]:
    """The same parts, computed account by account."""
    both = sorted(before.keys() & after.keys())
    a, b = (
        Contributions(
            np.array([side[name].p for name in both]),
            np.array([side[name].log_odds for name in both], float).reshape(len(both), 3),
        )
        for side in (before, after)
    )
    moves = parts_of_moves(a, b).mean(axis=0)
    mean = {
        0: np.mean([one.p for one in before.values()]),
        1: np.mean([one.p for one in after.values()]),
    }
    groups = dict(zip(GROUPS, moves.tolist(), strict=False))
    return {
        "came": mean[1] - b.probabilities.mean(),
        "left": a.probabilities.mean() - mean[0],
        **groups,
    }


def test_came_left_and_groups_are_told_apart(migrated_database: str) -> None:
    before = {"a": Scored([0.5, 0, 0]), "b": Scored([0, 1, 0]), "gone": Scored([3, 0, 0])}
    after = {"a": Scored([1.5, 0, 0]), "b": Scored([0, 1, -0.5]), "new": Scored([0, 0, 2])}
    found = change(migrated_database, recorded_day(0, before), recorded_day(1, after))
    parts = by_name(found)
    assert parts.pop("rest") == pytest.approx(0, abs=1e-7)
    assert parts == pytest.approx(expected(before, after), abs=1e-6)
    assert parts["tenure"] == pytest.approx(0, abs=1e-9)
    assert parts["silence"] > 0 > parts["volume"]
    assert parts["left"] < 0 < parts["came"]
    assert (found.accounts, found.in_both) == ((3, 3), 2)
    assert sum(one.change for one in found.parts) == pytest.approx(found.change, abs=1e-15)


ACCOUNTS = st.dictionaries(
    st.sampled_from([f"acc-{number}" for number in range(6)]),
    st.lists(st.floats(-4, 4, width=16), min_size=3, max_size=3),
    min_size=1,
)


@settings(max_examples=cases(24), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACCOUNTS, ACCOUNTS, st.booleans())
def test_parts_add_up_whatever_happened(
    migrated_database: str, former: dict[str, Any], latter: dict[str, Any], same_model: bool
) -> None:
    ask(
        migrated_database,
        "TRUNCATE tens_insight.publications, tens_insight.contribution_layouts, "
        "tens_insight.account_contributions, tens_insight.account_risk_score_history, "
        "tens_insight.score_changes, public.account_risk_scores",
    )
    before, after = ({name: Scored(c) for name, c in one.items()} for one in (former, latter))
    sides = recorded_day(0, before), recorded_day(1, after, "model-1" if same_model else "model-2")
    found = change(migrated_database, *sides)
    means = [float(np.mean([one.p for one in side.values()])) for side in (before, after)]
    assert found.means == pytest.approx(means, abs=1e-7)
    assert sum(one.change for one in found.parts) == pytest.approx(means[1] - means[0], abs=1e-6)
    parts = by_name(found)
    if before.keys() & after.keys():
        if same_model:
            assert abs(parts.pop("rest")) < 1e-6
            assert parts == pytest.approx(expected(before, after), abs=1e-6)
        assert sum(one.change for one in found.carriers) == pytest.approx(found.change, abs=1e-6)
    recorded = ask(
        migrated_database,
        "SELECT part, feature_group, accounts, change FROM tens_insight.score_changes "
        "WHERE publication_id = %s",
        sides[1],
    )
    told = sorted((one.part, one.feature_group, one.accounts) for one in found.parts)
    assert sorted(row[:3] for row in recorded) == told
    # Accounts may be added up in another order.
    kept = {row[:2]: row[3] for row in recorded}
    assert kept == pytest.approx(
        {(one.part, one.feature_group): one.change for one in found.parts}, abs=1e-12
    )


def test_another_model_is_one_part(migrated_database: str) -> None:
    before = {"a": Scored([0.5, 0, 0]), "b": Scored([0, 1, 0])}
    after = {"a": Scored([1.5, 0, 0]), "b": Scored([0, 1, 0]), "new": Scored([2, 0, 0])}
    first, second = recorded_day(0, before), recorded_day(1, after, "model-2")
    found = change(migrated_database, first, second)
    parts = by_name(found)
    assert parts.keys() == {"came", "left", "model"}
    assert parts["model"] == pytest.approx((after["a"].p - before["a"].p) / 2, abs=1e-7)


SHADOWS = """
INSERT INTO tens_insight.shadow_models
VALUES (%s, 1, 'model-1', 'former champion', '{30, 60}', 60, 3);
INSERT INTO tens_insight.shadow_scores
SELECT %s, 1, account_id, ARRAY[0.5, p]::real[]
FROM unnest(%s::text[], %s::float8[]) AS one (account_id, p)"""


@pytest.mark.parametrize("missing", ["", "b"])
def test_where_the_former_model_scored_too_feedback_and_model_are_told_apart(
    migrated_database: str, missing: str
) -> None:
    before = {"a": Scored([0.5, 0, 0]), "b": Scored([0, 1, 0])}
    after = {"a": Scored([1.5, 0, 0]), "b": Scored([0, 1, 0]), "new": Scored([2, 0, 0])}
    first, second = recorded_day(0, before), publish_day(1, after, "model-2")
    shadow = {name: p for name, p in {"a": 0.25, "b": 0.5, "new": 0.125}.items() if name != missing}
    ask(migrated_database, SHADOWS, second, second, list(shadow), list(shadow.values()))
    record(second, after)
    with closing(psycopg2.connect(migrated_database)) as one, one, one.cursor() as cursor:
        found = change_between(cursor, first, second)
    parts = by_name(found)
    assert sum(parts.values()) == pytest.approx(found.change, abs=1e-9)
    if missing:
        assert "feedback" not in parts
        return
    assert parts["feedback"] == pytest.approx(
        (0.25 - before["a"].p + 0.5 - before["b"].p) / 2, abs=1e-9
    )
    assert parts["model"] == pytest.approx((after["a"].p - 0.25 + after["b"].p - 0.5) / 2, abs=1e-9)
    lines = " ".join("\n".join(change_lines(found)).split())
    assert "their feedback, by the former model" in lines
    assert "another model (model-1, then model-2)" in lines


def test_no_account_in_common_is_a_change_of_accounts(migrated_database: str) -> None:
    first = recorded_day(0, {"a": Scored([0.5, 0, 0])})
    second = recorded_day(1, {"b": Scored([1.5, 0, 0])})
    found = change(migrated_database, first, second)
    assert by_name(found) == {"came": pytest.approx(found.change), "left": 0.0}
    assert found.carriers == []


def test_those_that_carry_most_come_first(migrated_database: str) -> None:
    before = {f"acc-{n:02}": Scored([0.1, 0, 0]) for n in range(20)} | {"gone": Scored([5, 0, 0])}
    after = {f"acc-{n:02}": Scored([0.1 + n / 10, 0, -0.1]) for n in range(20)}
    first, second = recorded_day(0, before), recorded_day(1, after)
    found = change(migrated_database, first, second)
    assert [one.account_id for one in found.carriers[:3]] == ["gone", "acc-19", "acc-18"]
    assert len(found.carriers) == 10
    gone, most = found.carriers[:2]
    assert gone.after is None
    assert gone.groups == {}
    assert most.groups["silence"] > 0 > most.groups["volume"]
    assert sum(most.groups.values()) == pytest.approx(most.after - most.before, abs=1e-7)
    everyone = change(migrated_database, first, second, carriers=100)
    assert sum(one.change for one in everyone.carriers) == pytest.approx(found.change, abs=1e-7)
    assert change(migrated_database, first, second, carriers=0).carriers == []


def test_publications_without_parts_are_told(migrated_database: str) -> None:
    publish_day(0, {"a": Scored([0.5, 0, 0])})
    with pytest.raises(PartsNotKept, match="publication 1 are made of is not kept"):
        change(migrated_database, 1, 1)
    with pytest.raises(PartsNotKept, match="no publication 9 of account scores"):
        change(migrated_database, 9, 1)


def test_scores_without_reasons_have_no_groups(migrated_database: str) -> None:
    first = recorded_day(0, {"a": Scored(probability=0.25)})
    second = recorded_day(1, {"a": Scored(probability=0.5)})
    assert by_name(change(migrated_database, first, second)) == {
        "came": 0.0,
        "left": 0.0,
        "model": 0.25,
    }


def test_the_base_is_the_models(migrated_database: str) -> None:
    """A base that differs belongs to no group, and is not hidden in one."""
    before = {"a": Scored([0.5, 0, 0])}
    after = {"a": Scored([0.5, 0, 0], base=BASE + 1)}
    first, second = recorded_day(0, before), recorded_day(1, after)
    parts = by_name(change(migrated_database, first, second))
    assert parts["rest"] == pytest.approx(after["a"].p - before["a"].p, abs=1e-7)


def between(url: str, before: int, after: int) -> MeanChange:
    with closing(psycopg2.connect(url)) as one, one, one.cursor() as cursor:
        return change_between(cursor, before, after)


def test_steps_are_added_up_where_another_model_began_in_between(migrated_database: str) -> None:
    days = [
        {"a": Scored([0, 0, 0]), "b": Scored([1, 0, 0])},
        {"a": Scored([1, 0, 0]), "b": Scored([1, 0, 0])},
        {"a": Scored([0, 2, 0]), "b": Scored([0, 0.5, 0]), "c": Scored([0, 0, 1])},
        {"a": Scored([0, 2, 0]), "b": Scored([0, 0.5, 0.5]), "c": Scored([0, 0, 1])},
    ]
    models = ("model-1", "model-1", "model-2", "model-2")
    ids = [recorded_day(number, *one) for number, one in enumerate(zip(days, models, strict=True))]
    found = between(migrated_database, ids[0], ids[3])
    parts = by_name(found)
    assert found.steps == 3
    assert sum(parts.values()) == pytest.approx(found.change, abs=1e-7)
    assert parts["silence"] == pytest.approx((days[1]["a"].p - days[0]["a"].p) / 2, abs=1e-6)
    assert parts["volume"] == pytest.approx((days[3]["b"].p - days[2]["b"].p) / 3, abs=1e-6)
    model = sum(days[2][name].p - days[1][name].p for name in "ab") / 2
    assert parts["model"] == pytest.approx(model, abs=1e-6)
    assert {one.part for one in found.parts} == {"came", "left", "group", "model", "rest"}


def test_a_step_that_is_missing_leaves_one_part(migrated_database: str) -> None:
    first = recorded_day(0, {"a": Scored([0, 0, 0])})
    recorded_day(1, {"a": Scored([1, 0, 0])}, "model-2")
    last = recorded_day(2, {"a": Scored([2, 0, 0])}, "model-2")
    ask(migrated_database, "DELETE FROM tens_insight.score_changes WHERE publication_id = %s", 2)
    found = between(migrated_database, first, last)
    assert (found.steps, by_name(found).keys()) == (1, {"came", "left", "model"})
