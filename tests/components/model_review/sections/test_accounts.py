"""Today's accounts as the challenger scores them, beside the last published scores."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import ContractBroken, DatabaseUnreachable
from components.model_review.sections.accounts import (
    EDGES,
    ScoreComparison,
    Scored,
    ScoredSplit,
    band_transitions,
    compare_scores,
    in_order,
    largest_changes,
)
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.diff import difference, find_sides
from components.publishing.history import drop_expired
from components.publishing.previous_scores import (
    PreviousScores,
    PreviousState,
    Scores,
    read_previous,
)
from components.publishing.publication_log import read_log
from components.publishing.undo import undo
from serving_model.served.risk import risk_categories
from serving_model.served.risk_bands import CATEGORY_BOUNDS, RiskBands
from tests.components.model_review.publications import AS_OF, KEEP, publish_scores, query

CONTRACT = '{"mode": "probability"}'
CARD = {"model_version": "new", "calibrated_base_rate": 0.1}
CATEGORIES = ("critical", "high", "medium", "low")
COUNTED = "SELECT risk_category, count(*) FROM account_risk_scores GROUP BY 1"

ByAccount = Mapping[str, float]


def split(scores: ByAccount) -> ScoredSplit:
    return ScoredSplit(list(scores), np.array(list(scores.values())), [])


def stand(
    scores: ByAccount, rule: str = CONTRACT, shown: bool = True, **card: object
) -> ScoreComparison:
    """The section of a run that scored these accounts by the model `new`."""
    state = read_previous("new", patience_s=0)
    return compare_scores(split(scores), CARD | card, AS_OF.isoformat(), rule, state, shown)


def drawn(accounts: int, seed: int) -> dict[str, float]:
    """Accounts that are there by chance, a fifth of them with one probability."""
    random = np.random.default_rng(seed)
    there = [f"ACC-{number:04d}" for number in range(accounts) if random.random() < 0.9]
    found = np.where(random.random(len(there)) < 0.2, 0.25, random.beta(1, 3, len(there)))
    return dict(zip(there, found.tolist(), strict=True))


def test_both_sides_are_what_sql_says_of_them(migrated_database: str) -> None:
    before, after = drawn(500, 1), drawn(500, 2)
    old = publish_scores("old", 1, before)
    accounts = stand(after)
    assert accounts.before is not None
    assert (accounts.published, accounts.before_missing) == (False, "")
    assert_as_published(accounts.before)
    new = publish_scores("new", 2, after)
    assert_as_published(accounts.after)
    with closing(connect("tens-insight test")) as one, one.cursor() as cursor:
        sides = find_sides(cursor, str(old.publication_id), str(new.publication_id))
        expected = difference(cursor, *sides, top=20)
    assert accounts.common == expected.common
    assert accounts.appeared == expected.appeared.count > 0
    assert accounts.vanished == expected.vanished.count > 0
    assert sorted(accounts.band_transitions) == sorted(expected.matrix)
    found = [(one.account_id, one.before, one.after) for one in accounts.largest_changes]
    assert found == [(one.key, one.before, one.after) for one in expected.moved]
    for one in accounts.largest_changes:
        sides = zip((one.category_before, one.category_after), (one.before, one.after), strict=True)
        assert all(category == risk_categories([p])[0] for category, p in sides)
    assert stand(after).published is True


def assert_as_published(scored: Scored) -> None:
    """Asks the table for everything that is said of it."""
    counts = dict(query(COUNTED))
    assert scored.categories == tuple((name, counts.get(name, 0)) for name in CATEGORIES)
    ((accounts, mean, as_of, model),) = query(
        "SELECT count(*), avg(churn_probability), max(predicted_at), max(model_version) "
        "FROM account_risk_scores"
    )
    assert (scored.accounts, scored.model_version) == (accounts, model)
    assert scored.mean_probability == pytest.approx(mean)
    if model == "old":
        assert datetime.fromisoformat(scored.as_of) == as_of
    bins = dict(
        query(
            "SELECT least(width_bucket(churn_probability, %s), %s), count(*) "
            "FROM account_risk_scores GROUP BY 1",
            list(EDGES),
            len(EDGES) - 1,
        )
    )
    assert scored.histogram == tuple(bins.get(place, 0) for place in range(1, len(EDGES)))


def test_the_histogram_holds_both_ends_and_the_cuts(migrated_database: str) -> None:
    publish_scores("old", 1, {"a": 0.0, "b": 1.0, "c": 0.25, "d": 0.5, "e": 0.75})
    before = stand({"a": 0.5}).before
    assert before is not None
    assert_as_published(before)
    assert set(CATEGORY_BOUNDS) < set(EDGES)
    assert list(EDGES) == sorted({*EDGES, 0.0, 1.0})


@pytest.mark.parametrize("undone", [0, 1, 2, 3])
def test_the_newest_of_another_model_that_stands_is_taken(
    migrated_database: str, undone: int
) -> None:
    publish_scores("older", 1, {"a": 0.1})
    publish_scores("old", 2, {"a": 0.2})
    publish_scores("new", 3, {"a": 0.3})
    for _ in range(undone):
        undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    accounts = stand({"a": 0.4})
    assert accounts.published is (undone == 0)
    if undone == 3:
        assert accounts.before is None
        assert accounts.before_missing.startswith("There are no scores of another model")
        return
    expected = {0: ("old", 0.2, 2), 1: ("old", 0.2, 2), 2: ("older", 0.1, 1)}[undone]
    assert accounts.before is not None
    assert (accounts.before.model_version, accounts.before.mean_probability) == expected[:2]
    assert datetime.fromisoformat(accounts.before.as_of) == AS_OF + timedelta(days=expected[2])
    assert accounts.largest_changes[0].before == expected[1]


def test_the_state_holds_rows_that_a_publication_left_alone(migrated_database: str) -> None:
    publish_scores("older", 1, {"stays": 0.1, "again": 0.2})
    publish_scores("old", 2, {"again": 0.3}, KEEP)
    publish_scores("new", 3, {"again": 0.4, "fresh": 0.5}, KEEP)
    other = read_previous("new", patience_s=0).other
    assert other is not None
    found = zip(other.scores.accounts.to_pylist(), other.scores.probabilities, strict=True)
    assert dict(found) == {"stays": 0.1, "again": 0.3}
    assert other.model_version == "old"


def test_without_a_publication_it_says_why(migrated_database: str) -> None:
    accounts = stand({"a": 0.1, "b": 0.9})
    assert accounts.before is None
    assert accounts.before_missing == (
        "There are no scores of another model: none were published, or all were undone."
    )
    assert (accounts.published, accounts.largest_changes, accounts.band_transitions) == (
        False,
        (),
        (),
    )
    assert accounts.after.categories == (("critical", 1), ("high", 0), ("medium", 0), ("low", 1))
    publish_scores("new", 1, {"a": 0.1})
    assert read_previous("new", patience_s=0) == PreviousState(True, None, accounts.before_missing)


def test_scores_that_were_dropped_are_named(migrated_database: str) -> None:
    publish_scores("old", 1, {"a": 0.1})
    for day in (2, 3, 4):
        publish_scores("new", day, {"a": 0.2})
    with closing(connect("tens-insight test")) as one, one, one.cursor() as cursor:
        later = datetime.now(timezone.utc) + timedelta(days=9)
        drop_expired(cursor, ACCOUNT_RISK_SCORES, read_log(cursor, ACCOUNT_RISK_SCORES), 1, later)
    missing = stand({"a": 0.3}).before_missing
    assert missing.startswith("Publication 1 of model old is the newest of another model, and")
    assert "TENS_INSIGHT_HISTORY_DAYS" in missing


PREDECESSOR = """
ALTER TABLE account_risk_scores
    DROP CONSTRAINT account_risk_scores_churn_probability_check,
    DROP CONSTRAINT account_risk_scores_risk_category_check,
    ALTER churn_probability DROP NOT NULL;
INSERT INTO account_risk_scores VALUES ('a', 0.5, 50, 'high', now(), 'other')"""


@pytest.mark.parametrize("probability", ["NULL", "70", "'NaN'"])
def test_rows_of_a_predecessor_that_are_no_scores_are_not_compared(
    migrated_database: str, probability: str
) -> None:
    query(f"{PREDECESSOR}, ('b', {probability}, 30, 'low', now(), 'other')")
    publish_scores("new", 1_000, {"a": 0.1})
    missing = stand({"a": 0.3}).before_missing
    assert "of model other is the newest of another model, and 1 of its 2 rows have no" in missing


def test_a_predecessors_own_categories_are_counted_too(migrated_database: str) -> None:
    query(f"{PREDECESSOR}, ('b', 0.6, 40, 'watch', now(), 'other')")
    publish_scores("new", 1_000, {"a": 0.1, "b": 0.6})
    accounts = stand({"a": 0.1, "b": 0.6})
    assert accounts.before is not None
    assert accounts.before.model_version == "other"
    assert [one for one in accounts.before.categories if one[1]] == [("high", 1), ("watch", 1)]
    assert accounts.band_transitions == (("high", "low", 1), ("watch", "high", 1))


def test_categories_follow_the_rule_of_the_settings(migrated_database: str) -> None:
    after = drawn(300, 3)
    by_capacity = stand(after, json.dumps(RiskBands("capacity", capacity=(7, 20, 30)).rule))
    low = len(after) - 57
    assert [count for _, count in by_capacity.after.categories] == [7, 20, 30, low]
    assert "the 7 highest critical" in by_capacity.bands
    lifts = json.dumps(RiskBands("lift", lifts=(1.5, 2.5, 4.0)).rule)
    by_lift = stand(after, lifts, risk_bands='{"mode": "probability"}')
    above = sum(p >= 0.4 for p in after.values())
    assert by_lift.after.categories[0] == ("critical", above)


def test_accounts_are_not_named_where_they_must_not_be(migrated_database: str) -> None:
    publish_scores("old", 1, {"a": 0.1, "b": 0.2})
    accounts = stand({"a": 0.9, "b": 0.2}, shown=False)
    assert (accounts.largest_changes, accounts.accounts_shown) == ((), False)
    assert accounts.band_transitions == (("low", "critical", 1), ("low", "low", 1))
    shown = stand({"a": 0.9, "b": 0.2})
    assert [(one.account_id, one.after) for one in shown.largest_changes] == [("a", 0.9)]


def test_a_score_that_is_none_is_named(migrated_database: str) -> None:
    with pytest.raises(ValueError, match="'b' is nan"):
        stand({"a": 0.1, "b": float("nan")})


def test_a_database_that_cannot_be_read_says_so(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ContractBroken):
        read_previous("new", patience_s=0)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnreachable) as caught:
        read_previous("new", patience_s=0)
    assert "secret" not in str(caught.value)


class Row(NamedTuple):
    """One account on one side."""

    probability: float
    category: str


ROWS = st.builds(
    Row,
    st.sampled_from([0.0, 0.1, 0.3, 1.0]) | st.floats(0, 1),
    st.sampled_from(["low", "medium", "high", "critical", "watch"]),
)
BOTH = st.dictionaries(st.text(max_size=3), st.tuples(ROWS, ROWS), max_size=30)
ORDER = ["critical", "high", "medium", "low", "watch"]
Both = dict[str, tuple[Row, Row]]


def sides(both: Both) -> list[Scores]:
    """The same accounts before and after, column by column."""
    return [
        Scores(
            pa.array(list(both), pa.string()),
            np.array([rows[side].probability for rows in both.values()], np.float64),
            np.array([rows[side].category for rows in both.values()], np.str_),
        )
        for side in (0, 1)
    ]


@given(BOTH)
def test_transitions_are_a_cross_table(both: Both) -> None:
    frame = pd.DataFrame(
        [(before.category, after.category) for before, after in both.values()],
        columns=["before", "after"],
    )
    table = pd.crosstab(frame["before"], frame["after"]).reindex(index=ORDER, columns=ORDER)
    counted = table.stack()
    expected = [(*pair, int(count)) for pair, count in counted[counted > 0].items()]
    before, after = sides(both)
    assert list(band_transitions(before.categories, after.categories)) == expected


@given(BOTH, st.integers(0, 5))
def test_movers_are_the_furthest_of_those_that_move(both: Both, most: int) -> None:
    found = largest_changes(*sides(both), most)
    everyone = sorted(both, key=lambda one: (-abs(both[one][1][0] - both[one][0][0]), one))
    moved = [one for one in everyone if both[one][0].probability != both[one][1].probability]
    assert [one.account_id for one in found] == moved[:most]
    for one in found:
        before = Row(one.before, one.category_before)
        assert (before, Row(one.after, one.category_after)) == both[one.account_id]


@given(st.dictionaries(st.text(max_size=3), ROWS, max_size=20), st.data())
def test_accounts_of_both_sides_are_found_whatever_their_order(
    accounts: dict[str, Row], data: st.DataObject
) -> None:
    before = data.draw(st.permutations(list(accounts)))[: len(accounts) // 2 + 1]
    after = data.draw(st.permutations(list(accounts)))[: len(accounts) // 2 + 1]
    if not before:
        return
    then, _ = sides({name: (accounts[name],) * 2 for name in before})
    state = PreviousState(False, PreviousScores(1, "old", AS_OF, then))
    now = {name: accounts[name].probability for name in after}
    found = compare_scores(split(now), CARD, AS_OF.isoformat(), CONTRACT, state, True)
    assert found.common == len({*before} & {*after})
    assert (found.appeared, found.vanished) == (len(after) - found.common,) * 2
    assert found.largest_changes == ()


def test_categories_of_a_predecessor_come_last() -> None:
    assert in_order(["watch", "low", "at risk"]) == [*ORDER[:4], "at risk", "watch"]
