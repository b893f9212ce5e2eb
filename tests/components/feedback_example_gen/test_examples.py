"""CutoffExamples against an independent reference, and each rule of the population on its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feedback_example_gen.examples import (
    ExampleRules,
    record_batches,
    take_examples,
)
from components.feedback_example_gen.lifetime import LifetimeRows
from components.feedback_example_gen.reading.copy_columns import microseconds
from components.feedback_example_gen.reading.feedback_reader import Churn, Feedback
from tests.property_tests import cases
from transforms import event_spec
from transforms.columns import CATEGORIES

CUTOFF = datetime(2024, 3, 1, tzinfo=timezone.utc)
RULES = ExampleRules(lookback_days=10, horizon_days=5, max_events=4)
TICK = timedelta(microseconds=1)

Row = dict[str, Any]


@dataclass
class History:
    """Rows of feedback, and churn dates; None where there is no table of them."""

    rows: list[Row]
    churns: list[tuple[str, datetime]] | None


def day(number: float) -> datetime:
    return CUTOFF + timedelta(days=number)


def event(moment: datetime, account: str = "A", **changes: Any) -> Row:
    row = {
        "account_id": account,
        "created_at": moment,
        "sentiment": "neutral",
        "priority": 3,
        "product_area": "billing",
        "source": "email",
        "topic": "invoice",
        "customer_tier": "pro",
        "region": "NA",
    }
    return row | changes


def columns(history: History) -> tuple[Feedback, Churn | None]:
    """Does what the reader does, by Python's own sort."""
    rows = sorted(history.rows, key=lambda row: (row["account_id"], row["created_at"]))
    accounts = sorted({row["account_id"] for row in rows})
    counts = [sum(row["account_id"] == account for row in rows) for account in accounts]
    feedback = Feedback(
        account_ids=pa.array([account.encode() for account in accounts], pa.binary()),
        starts=np.cumsum([0, *counts]),
        created_us=np.array([microseconds(row["created_at"]) for row in rows], np.int64),
        numbers={"priority": np.array([row["priority"] for row in rows], np.int64)},
        strings={
            name: pa.array([row[name].encode() for row in rows], pa.binary()).dictionary_encode()
            for name in (column.name for column in CATEGORIES)
        },
    )
    if history.churns is None:
        return feedback, None
    known = sorted((accounts.index(who), when) for who, when in history.churns if who in accounts)
    return feedback, Churn(
        account=np.array([account for account, _ in known], np.int64),
        churned_us=np.array([microseconds(when) for _, when in known], np.int64),
    )


def examples(
    history: History,
    cutoff: datetime = CUTOFF,
    rules: ExampleRules = RULES,
    known_until: datetime | None = None,
    with_label: bool = True,
) -> dict[str, Row]:
    """Returns {account: features} as plain values; labels know of the horizon alone if not told."""
    feedback, churn = columns(history)
    known_until = known_until or cutoff + timedelta(days=rules.horizon_days)
    taken = take_examples(feedback, churn, cutoff, rules, known_until if with_label else None)
    found: dict[str, Row] = {}
    for batch in record_batches(feedback, taken):
        for row in batch.to_pylist():
            plain = {name: [_text(value) for value in values] for name, values in row.items()}
            scalars = {k: v if k in event_spec.LISTS else v[0] for k, v in plain.items()}
            assert scalars["account_id"] not in found
            found[scalars["account_id"]] = scalars
    return found


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


# Whole and half days around the cutoff, and a microsecond beside them: every edge is hit.
moments = st.builds(
    lambda halves, ticks: day(halves / 2) + ticks * TICK,
    st.integers(-40, 30),
    st.sampled_from([-1, 0, 0, 0, 1]),
)
accounts = st.sampled_from(["A", "B", "Ü-ß"])
rows = st.builds(
    event,
    moments,
    accounts,
    sentiment=st.sampled_from(["negative", "neutral", "positive", "puzzled"]),
    priority=st.integers(1, 5),
    product_area=st.sampled_from(["billing", "ui_ux"]),
    source=st.sampled_from(["email", "chat"]),
    topic=st.sampled_from(["a", "b", "c"]),
    customer_tier=st.sampled_from(["free", "pro"]),
    region=st.sampled_from(["NA", "EU"]),
)
churns = st.one_of(st.none(), st.lists(st.tuples(accounts, moments), max_size=5))
histories = st.builds(History, st.lists(rows, max_size=25), churns)


@settings(max_examples=cases(300), deadline=None)
@given(
    histories,
    st.sampled_from([CUTOFF, CUTOFF - timedelta(days=3), CUTOFF + TICK]),
    st.builds(
        lambda halves, ticks: timedelta(days=halves / 2) + ticks * TICK,
        st.integers(2 * RULES.horizon_days, 36),
        st.sampled_from([0, 0, 1, 2]),
    ),
    st.one_of(st.none(), st.integers(1, 20)),
    st.booleans(),
)
def test_snapshots_agree_with_the_reference(
    reference: Callable[..., Row | None],
    assert_same: Callable[[Row, Row], None],
    history: History,
    cutoff: datetime,
    observed: timedelta,
    active_within_days: int | None,
    churn_is_final: bool,
) -> None:
    known_until = cutoff + observed
    rules = replace(RULES, active_within_days=active_within_days, churn_is_final=churn_is_final)
    expected = {}
    for account in {row["account_id"] for row in history.rows}:
        own = sorted(
            (row for row in history.rows if row["account_id"] == account),
            key=lambda row: row["created_at"],
        )
        dates = None
        if history.churns is not None:
            dates = [when for who, when in history.churns if who == account]
        example = reference(
            own,
            dates,
            cutoff,
            RULES.lookback_days,
            RULES.horizon_days,
            RULES.max_events,
            known_until,
            active_within_days,
            churn_is_final,
        )
        if example is not None:
            expected[account] = example
    found = examples(history, cutoff, rules, known_until=known_until)
    assert found.keys() == expected.keys()
    for account, snapshot in expected.items():
        assert_same(found[account], snapshot)
        to_churn = found[account]["days_to_churn"]
        assert found[account]["churned"] == (0 <= to_churn <= RULES.horizon_days)
        assert to_churn <= found[account]["days_observed"]
        if history.churns is None:
            assert to_churn == -1 or to_churn >= RULES.horizon_days


@settings(max_examples=cases(150), deadline=None)
@given(histories, st.lists(rows, max_size=6), st.booleans())
def test_what_happens_from_the_cutoff_on_changes_nothing_but_the_label(
    history: History, later: list[Row], with_label: bool
) -> None:
    past = History(
        [row for row in history.rows if row["created_at"] < CUTOFF],
        history.churns and [churn for churn in history.churns if churn[1] < CUTOFF],
    )
    future = [row | {"created_at": CUTOFF + abs(row["created_at"] - CUTOFF)} for row in later]
    whole = History(past.rows + future, past.churns)
    if past.churns is not None:
        whole.churns = past.churns + [(row["account_id"], row["created_at"]) for row in future]
    known = examples(past, with_label=with_label)
    seen = examples(whole, with_label=with_label)
    if with_label:
        for example in (*known.values(), *seen.values()):
            for label in event_spec.LABELS:
                del example[label]
    assert seen == known


@settings(max_examples=cases(150), deadline=None)
@given(histories, st.lists(st.tuples(accounts, st.integers(0, 20)), max_size=6))
def test_what_happens_after_labels_are_known_changes_nothing(
    history: History, later: list[tuple[str, int]]
) -> None:
    known_until = day(8)
    past = History(
        [row for row in history.rows if row["created_at"] < known_until],
        history.churns and [churn for churn in history.churns if churn[1] < known_until],
    )
    written_before = {row["account_id"] for row in past.rows}
    future = [(who, known_until + halves * timedelta(hours=12)) for who, halves in later]
    rows = [event(when, who) for who, when in future if who in written_before]
    whole = History(past.rows + rows, None if past.churns is None else past.churns + future)
    known = examples(past, known_until=known_until)
    assert examples(whole, known_until=known_until) == known


def test_no_label_is_given_where_none_is_asked_for() -> None:
    history = History([event(day(-1)), event(day(1))], [("A", day(2))])
    assert not set(event_spec.LABELS) & set(examples(history, with_label=False)["A"])


@pytest.mark.parametrize(
    ("churned_at", "label"),
    [
        (CUTOFF - TICK, None),
        (CUTOFF, 1),
        (day(5) - TICK, 1),
        (day(5), 0),
    ],
)
def test_a_churn_counts_from_the_cutoff_to_the_horizon(
    churned_at: datetime, label: int | None
) -> None:
    found = examples(History([event(day(-3))], [("A", churned_at)]))
    assert (found["A"]["churned"] if "A" in found else None) == label


@pytest.mark.parametrize(
    ("written_at", "label"),
    [(CUTOFF, 0), (day(5) - TICK, 0), (day(5), 1)],
)
def test_without_a_table_silence_through_the_horizon_is_churn(
    written_at: datetime, label: int
) -> None:
    found = examples(History([event(day(-3)), event(written_at)], None))
    assert found["A"]["churned"] == label


def label_of(history: History, known_until: datetime) -> tuple[int, float]:
    found = examples(history, known_until=known_until)["A"]
    return found["churned"], pytest.approx(found["days_to_churn"], abs=1e-5)


@pytest.mark.parametrize(
    ("churned_at", "known_until", "label"),
    [
        ([], day(20), (0, -1)),
        ([day(3)], day(5), (1, 3)),
        ([day(12)], day(20), (0, 12)),
        ([day(12)], day(12) - TICK, (0, -1)),
        ([day(12)], day(12), (0, -1)),
        ([day(8), day(2), day(12)], day(20), (1, 2)),
        ([day(-6), day(7), day(9)], day(20), (0, 7)),
    ],
)
def test_the_first_churn_that_is_known_is_the_one(
    churned_at: list[datetime], known_until: datetime, label: tuple[int, float]
) -> None:
    history = History([event(day(-3))], [("A", moment) for moment in churned_at])
    assert label_of(history, known_until) == label


@pytest.mark.parametrize(
    ("written_at", "known_until", "label"),
    [
        ([], day(5), (1, 5)),
        ([day(5)], day(20), (1, 5)),
        ([day(5), day(6)], day(9), (1, 5)),
        ([CUTOFF], day(20), (0, 5)),
        ([CUTOFF], day(5), (0, -1)),
        ([day(3)], day(8), (0, -1)),
        ([day(3)], day(9), (0, 8)),
        ([day(3), day(8)], day(9), (0, -1)),
        ([day(3), day(8) + TICK], day(9), (0, 8)),
        ([day(1), day(2), day(9), day(15)], day(20), (0, 7)),
        ([day(n) for n in range(20)], day(20), (0, -1)),
    ],
)
def test_the_first_silence_that_is_over_is_the_one(
    written_at: list[datetime], known_until: datetime, label: tuple[int, float]
) -> None:
    rows = [event(day(-3)), *map(event, written_at)]
    assert label_of(History(rows, None), known_until) == label


@pytest.mark.parametrize(("churned_at", "label"), [(day(60) - TICK, 1), (day(60), 0)])
def test_a_microsecond_before_a_whole_day_is_told_apart(churned_at: datetime, label: int) -> None:
    """It is less than float32 holds at sixty days: the nearest value would be 60 in both cases."""
    rules = ExampleRules(lookback_days=10, horizon_days=60, max_events=4)
    history = History([event(day(-3))], [("A", churned_at)])
    found = examples(history, rules=rules, known_until=day(90))["A"]
    assert (found["days_to_churn"] <= 60) == (found["churned"] == 1) == (label == 1)
    assert found["days_to_churn"] == pytest.approx(60)


@pytest.mark.parametrize(("wrote_again", "there"), [(0, False), (1, True)])
def test_who_writes_after_the_churn_has_come_back(wrote_again: int, there: bool) -> None:
    left = day(-4)
    rows = [event(day(-6)), event(left + wrote_again * TICK)]
    assert ("A" in examples(History(rows, [("A", left)]))) is there


def test_who_left_twice_must_write_after_the_last_time() -> None:
    rows = [event(day(-8)), event(day(-5))]
    assert "A" in examples(History(rows, [("A", day(-6))]))
    assert "A" not in examples(History(rows, [("A", day(-6)), ("A", day(-4))]))


@pytest.mark.parametrize(("wrote_again", "returned"), [(0, 0), (1, 1)])
def test_a_final_churn_lets_nobody_come_back(wrote_again: int, returned: int) -> None:
    left = day(-4)
    history = History([event(day(-6)), event(left + wrote_again * TICK)], [("A", left)])
    for churn_is_final in (False, True):
        rules = replace(RULES, churn_is_final=churn_is_final)
        taken = take_examples(*columns(history), CUTOFF, rules, day(5))
        assert taken.beside.returned == returned
        assert len(taken.account) == (0 if churn_is_final else returned)


@pytest.mark.parametrize(
    ("last", "active_within_days", "silent"),
    [
        (day(-12), 12, 0),
        (day(-12) - TICK, 12, 1),
        (day(-10) - TICK, None, 1),
        (day(-10), None, 0),
    ],
)
def test_an_account_is_silent_beyond_the_limit_or_counted_so_beyond_the_lookback(
    last: datetime, active_within_days: int | None, silent: int
) -> None:
    rules = replace(RULES, active_within_days=active_within_days)
    rows = [event(last), event(day(-1), "B"), event(day(-1), "C"), event(day(-30), "D")]
    churns = [("A", day(2)), ("C", day(-0.5)), ("D", day(-20))]
    taken = take_examples(*columns(History(rows, churns)), CUTOFF, rules, day(5))
    assert (taken.beside.silent, taken.beside.silent_churned) == (silent, silent)
    left_out = silent if active_within_days else 0
    assert len(taken.account) == 2 - left_out
    assert taken.labels is not None
    assert taken.labels.churned.tolist() == ([0] if left_out else [1, 0])


@pytest.mark.parametrize("scores_silent", [False, True])
def test_silent_accounts_are_scored_by_setting_and_never_learnt_from(scores_silent: bool) -> None:
    rules = replace(RULES, active_within_days=12, scores_silent=scores_silent)
    history = columns(History([event(day(-13)), event(day(-1), "B")], []))
    assert len(take_examples(*history, CUTOFF, rules, day(5)).account) == 1
    scored = take_examples(*history, CUTOFF, rules, None)
    assert len(scored.account) == 1 + scores_silent
    assert scored.beside.silent == 1


def test_by_inactivity_the_limit_is_who_counts_and_the_lookback_what_is_listed() -> None:
    history = History([event(day(-12)), event(day(-9), "B")], None)
    assert set(examples(history)) == {"B"}
    wide = examples(history, rules=replace(RULES, active_within_days=12))
    assert set(wide) == {"A", "B"}
    assert wide["A"]["event_age_days"] == []
    assert set(examples(history, rules=replace(RULES, active_within_days=8))) == set()
    assert take_examples(*columns(history), CUTOFF, RULES, day(5)).beside.silent is None


def test_silence_through_the_lookback_is_a_state_where_churn_is_dated() -> None:
    rows = [event(day(-40), sentiment="negative"), event(day(-30), region="EU")]
    silent = examples(History(rows, []))["A"]
    assert silent["event_age_days"] == silent["event_topic"] == []
    assert silent["days_since_last_event"] == 30
    assert silent["tenure_days"] == 40
    assert (silent["lifetime_count"], silent["lifetime_negative_count"]) == (2, 1)
    assert silent["region"] == "EU"


@pytest.mark.parametrize(("moment", "there"), [(day(-10), True), (day(-10) - TICK, False)])
def test_silence_through_the_lookback_has_left_where_silence_is_churn(
    moment: datetime, there: bool
) -> None:
    assert ("A" in examples(History([event(moment)], None))) is there


@pytest.mark.parametrize(
    ("active", "lookback", "there", "listed"),
    [(5, 30, False, 0), (25, 30, True, 2), (25, 10, True, 0)],
)
def test_who_belongs_and_how_far_the_lists_reach_are_apart_where_silence_is_churn(
    active: int, lookback: int, there: bool, listed: int
) -> None:
    rules = ExampleRules(lookback, horizon_days=5, max_events=4, active_within_days=active)
    found = examples(History([event(day(-28)), event(day(-20))], None), rules=rules)
    assert ("A" in found) is there
    assert not there or len(found["A"]["event_age_days"]) == listed


def test_a_life_is_told_however_short_the_lookback() -> None:
    rows = [
        event(day(-200), source="chat", sentiment="negative"),
        event(day(-170), source="chat", sentiment="positive"),
        event(day(-169.5), source="email", sentiment="positive"),
        event(day(-3), source="email"),
        event(day(0), source="phone", sentiment="negative"),
    ]
    found = examples(History(rows, []))["A"]
    assert found["event_age_days"] == [3]
    assert [found[name] for name in event_spec.HALF_YEAR_COUNTS] == [3, 0, 2]
    assert [found[name] for name in event_spec.DAYS_SINCE_TONE] == [200, 3, 169.5]
    assert found["lifetime_event_days"] == 3
    assert found["day_gap_longest"] == 167
    assert found["lifetime_source"] == ["chat", "email"]
    assert found["lifetime_source_count"] == [2, 2]
    assert found["days_since_source"] == [170, 3]


def test_a_life_is_the_same_to_the_last_bit_whichever_accounts_share_the_bucket() -> None:
    own = [event(day(-days), "B") for days in (200, 170, 137, 91, 17, 3)]
    others = [event(day(-days), "A") for days in (180, 179, 150, 101, 34, 12, 5)]
    alone = LifetimeRows.of(columns(History(own, []))[0])
    second = LifetimeRows.of(columns(History(others + own, []))[0])
    for name in ("gap_logs", "gap_squares"):
        of_alone, of_second = getattr(alone, name), getattr(second, name)
        assert of_alone[-1] - of_alone[0] == of_second[-1] - of_second[len(others)]


@settings(max_examples=cases(60), deadline=None)
@given(histories, st.lists(rows, max_size=6))
def test_what_is_scored_at_a_moment_is_what_training_makes_of_it_later(
    history: History, later: list[Row]
) -> None:
    """The reader of a scoring run has no row from as_of on; training has, and must not look."""
    past = [row for row in history.rows if row["created_at"] < CUTOFF]
    future = [row | {"created_at": CUTOFF + abs(row["created_at"] - CUTOFF)} for row in later]
    scored = examples(History(past, None), with_label=False)
    learnt = examples(History(past + future, None), known_until=day(60))
    for example in learnt.values():
        for label in event_spec.LABELS:
            del example[label]
    assert learnt == scored


def test_the_newest_events_are_kept_newest_last() -> None:
    rows = [event(day(-age), topic=f"t{age}", priority=age % 5 + 1) for age in range(1, 10)]
    found = examples(History(rows, []))["A"]
    assert found["event_topic"] == ["t4", "t3", "t2", "t1"]
    assert found["event_age_days"] == [4, 3, 2, 1]
    assert found["event_priority"] == [5, 4, 3, 2]
    assert found["lifetime_count"] == 9


def test_the_newest_row_before_the_cutoff_gives_tier_and_region() -> None:
    rows = [
        event(day(-5), customer_tier="free", region="EU"),
        event(day(-2), customer_tier="enterprise", region="APAC"),
        event(day(-3), customer_tier="pro", region="NA"),
        event(day(1), customer_tier="later", region="later"),
    ]
    found = examples(History(rows, []))["A"]
    assert (found["customer_tier"], found["region"]) == ("enterprise", "APAC")


def test_a_cutoff_between_seconds_keeps_the_second() -> None:
    cutoff = CUTOFF + timedelta(seconds=7, microseconds=999_999)
    found = examples(History([event(CUTOFF)], []), cutoff)["A"]
    assert found["cutoff"] == int(CUTOFF.timestamp()) + 7


def test_many_accounts_need_several_batches() -> None:
    rows = [event(day(-1), account=f"{number:05d}", topic=f"t{number}") for number in range(9000)]
    feedback, _ = columns(History([], None))
    assert (
        list(record_batches(feedback, take_examples(feedback, None, CUTOFF, RULES, day(5)))) == []
    )
    ids = pa.array([row["account_id"].encode() for row in rows])
    one_each = np.arange(len(rows) + 1)
    many = Feedback(
        account_ids=ids,
        starts=one_each,
        created_us=np.full(len(rows), microseconds(day(-1))),
        numbers={"priority": np.full(len(rows), 3)},
        strings={
            name: pa.array([row[name].encode() for row in rows]).dictionary_encode()
            for name in (column.name for column in CATEGORIES)
        },
    )
    batches = list(record_batches(many, take_examples(many, None, CUTOFF, RULES, day(5))))
    assert len(batches) > 1
    found = [row for batch in batches for row in batch.to_pylist()]
    assert [row["account_id"][0] for row in found] == ids.to_pylist()
    assert [row["event_topic"] for row in found] == [[row["topic"].encode()] for row in rows]
