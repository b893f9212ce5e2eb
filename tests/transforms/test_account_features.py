"""Every engineered feature against a plain-Python reference, on random histories."""

import atexit
import functools
import math
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property_tests import cases
from transforms import columns
from transforms import event_spec as spec
from transforms.account_features import (
    account_features,
    age_buckets,
    critical_priority_of,
    feature_names,
)
from transforms.history import history_of
from transforms.lifetime import life_of
from transforms.vocabularies import EVENT_VOCABULARIES, slots_in

WINDOWS = {"7d": 7, "14d": 14, "30d": 30, "60d": 60, "90d": 90, "lookback": math.inf}


class Event(NamedTuple):
    age: float
    sentiment: str
    priority: int
    area: str
    source: str
    topic: str


class Life(NamedTuple):
    """Of a life that the lists do not tell; independent of them, as the graph takes it."""

    event_days: int = 1
    gaps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Typical, longest, deviation."""
    since: tuple[float, float, float] = (-1.0, -1.0, -1.0)
    half_year: tuple[int, int, int] = (0, 0, 0)
    sources: tuple[tuple[str, int, float], ...] = ()
    """Spelling, events, days since the newest."""


class Account(NamedTuple):
    tenure: float
    silence: float
    life: int
    life_negative: int
    life_positive: int
    events: list[Event]
    whole: Life = Life()


# ------------------------------------------------------------------ the reference


def reference(account: Account) -> dict[str, float]:
    return {
        **reference_windows(account),
        **reference_shares(account),
        **reference_rhythm(account),
        **reference_recent(account),
        **reference_life(account),
        **reference_slots(account),
    }


def tones(events: list[Event], tone: str) -> int:
    return sum(1 for event in events if event.sentiment == tone)


def reference_windows(account: Account) -> dict[str, float]:
    found = {
        "count_lifetime": math.log1p(account.life),
        "negative_lifetime": math.log1p(account.life_negative),
        "positive_lifetime": math.log1p(account.life_positive),
    }
    for window, days in WINDOWS.items():
        events = [event for event in account.events if event.age <= days]
        priorities = [event.priority for event in events]
        found[f"count_{window}"] = math.log1p(len(events))
        found[f"negative_{window}"] = math.log1p(tones(events, "negative"))
        found[f"positive_{window}"] = math.log1p(tones(events, "positive"))
        found[f"critical_{window}"] = math.log1p(sum(p >= 4 for p in priorities))
        found[f"priority_mean_{window}"] = sum([*priorities, 3]) / (len(priorities) + 1)
        found[f"priority_max_{window}"] = max(priorities, default=0)
        if window != "lookback":
            found[f"trend_{window}"] = reference_trend(account, len(events), days)
    return found


def reference_trend(account: Account, recent: int, days: float) -> float:
    if account.tenure <= days:
        return 0.0
    earlier_rate = max(account.life - recent, 0) / max(account.tenure - days, days)
    return math.log((recent + 1) / (days * earlier_rate + 1))


def reference_shares(account: Account) -> dict[str, float]:
    found = {}
    lifetime = {"negative": account.life_negative, "positive": account.life_positive}
    for tone, ever in lifetime.items():
        usual = (ever + 1) / (account.life + 3)
        found[f"{tone}_share_lifetime"] = usual
        for window, days in WINDOWS.items():
            events = [event for event in account.events if event.age <= days]
            share = (tones(events, tone) + usual) / (len(events) + 1)
            rest = max(ever - tones(events, tone), 0) + usual
            rest /= max(account.life - len(events), 0) + 1
            found[f"{tone}_share_{window}"] = share
            found[f"{tone}_change_{window}"] = share - rest
    return found


def reference_rhythm(account: Account) -> dict[str, float]:
    ages = [event.age for event in account.events]
    gaps = [older - newer for older, newer in pairwise(ages)]
    lifetime = account.tenure
    if account.life >= 2:
        lifetime = (account.tenure - account.silence) / (account.life - 1)
    mean = longest = typical = lifetime
    spread = 0.0
    if gaps:
        mean, longest = math.fsum(gaps) / len(gaps), max(gaps)
        typical = math.prod(gap + 1 for gap in gaps) ** (1 / len(gaps)) - 1
        spread = float(np.std(gaps))
    pace = account.life / (account.tenure + 30)
    lengths = {"mean": mean, "typical": typical, "longest": longest, "lifetime": lifetime}
    return {
        "gap_spread": math.log1p(spread),
        **{f"gap_{name}": math.log1p(gap) for name, gap in lengths.items()},
        **{
            f"silence_to_{name}_gap": math.log((account.silence + 1) / (gap + 1))
            for name, gap in lengths.items()
        },
        "pace": math.log1p(30 * pace),
        "missed_events": math.log1p(account.silence * pace),
        "overdue": math.log1p(max(account.silence - mean, 0) / (spread + 1)),
    }


def reference_recent(account: Account) -> dict[str, float]:
    newest = account.events[::-1]
    weeks = {int(event.age // 7) for event in newest}
    quarter = len([week for week in weeks if week < 13])
    scores = [{"negative": -1, "neutral": 0, "positive": 1}[e.sentiment] for e in newest[:5]]
    ages = [event.age for event in newest[:5]]
    ages += [account.tenure] * (5 - len(ages))

    def since(chosen: list[Event]) -> float:
        return math.log1p(min([event.age for event in chosen], default=account.tenure))

    found = {
        "tenure": math.log1p(account.tenure),
        "newness_14d": math.exp(-account.tenure / 14),
        "newness_60d": math.exp(-account.tenure / 60),
        "since_last": math.log1p(account.silence),
        "since_critical": since([e for e in newest if e.priority >= 4]),
        "active_weeks": math.log1p(len(weeks)),
        "active_weeks_quarter": math.log1p(quarter),
        "active_share_quarter": quarter / (min(account.tenure / 7, 13) + 1),
        "tone_last_five": sum(scores) / len(scores) if scores else 0.0,
        **{f"tone_{n}": s for n, s in enumerate(scores + [0] * (5 - len(scores)), 1)},
        **{f"age_{n}": math.log1p(age) for n, age in enumerate(ages[1:], 2)},
    }
    for days in (7, 30, 90):
        for what in ("count", "negative", "positive"):
            chosen = [e.age for e in newest if what in ("count", e.sentiment)]
            faded = math.fsum(math.exp(-age / days) for age in chosen)
            found[f"{what}_fading_{days}d"] = math.log1p(faded)
    return found


def reference_life(account: Account) -> dict[str, float]:
    days, silence, tenure = account.whole.event_days, account.silence, account.tenure
    typical, longest, deviation = account.whole.gaps
    mean = (tenure - silence) / (days - 1) if days >= 2 else tenure
    typical, longest = (typical, longest) if days >= 2 else (tenure, tenure)
    gaps = {"mean": mean, "typical": typical, "longest": longest}
    pace = days / (tenure + 30)
    found = {
        "event_days": math.log1p(days),
        "events_a_day": math.log1p(account.life / days),
        **{f"day_gap_{name}": math.log1p(gap) for name, gap in gaps.items()},
        "day_gap_spread": math.log1p(deviation),
        "day_pace": math.log1p(30 * pace),
        "missed_days": math.log1p(silence * pace),
        "overdue_days": math.log1p(max(silence - mean, 0) / (deviation + 1)),
        **{
            f"silence_to_{name}_day_gap": math.log((silence + 1) / (gap + 1))
            for name, gap in gaps.items()
        },
    }
    for tone, since in zip(("negative", "neutral", "positive"), account.whole.since, strict=True):
        found[f"since_{tone}"] = math.log1p(min(since, tenure) if since >= 0 else tenure)
    covered = min(tenure, 180) + 30
    counts = zip(("pace", "negative_pace", "positive_pace"), account.whole.half_year, strict=True)
    found |= {f"{what}_180d": math.log1p(30 * count / covered) for what, count in counts}
    for slot in range(EVENT_VOCABULARIES["source"].size + 1):
        own = [one for one in account.whole.sources if reference_slot("source", one[0]) == slot]
        share = sum(count for _, count, _ in own) / (account.life + 1)
        found[f"source_share_lifetime[{slot}]"] = share
        newest = min([since for _, _, since in own], default=tenure)
        found[f"source_since[{slot}]"] = math.log1p(min(newest, tenure))
    return found


def reference_slot(name: str, word: str) -> int:
    """Words by number, and one slot for all others; case and outer blanks do not count."""
    known = [f"{name} {slot} ä" for slot in range(EVENT_VOCABULARIES[name].size)]
    spelled = word.strip(" \t\n\r\v\f").lower()
    return known.index(spelled) if spelled in known else len(known)


def reference_slots(account: Account) -> dict[str, float]:
    found = {}
    for name, words in EVENT_VOCABULARIES.items():
        counts = []
        for slot in range(words.size + 1):
            events = [e for e in account.events if reference_slot(name, getattr(e, name)) == slot]
            counts.append(len(events))
            fresh = math.exp(-min([e.age for e in events], default=math.inf) / 30)
            facets = {
                "count": (f"{name}[{slot}]", math.log1p(len(events))),
                "negative": (
                    f"{name}_negative[{slot}]",
                    math.log1p(tones(events, "negative")),
                ),
                "fresh": (f"{name}_fresh[{slot}]", fresh),
            }
            found |= dict(facets[facet] for facet in words.facets)
        shares = [count / sum(counts) for count in counts if count]
        found[f"{name}_entropy"] = -math.fsum(share * math.log(share) for share in shares)
        found[f"{name}_distinct"] = len(shares)
    return found


# ------------------------------------------------------------- the graph under test


def as_inputs(accounts: list[Account]) -> tuple[dict[str, Any], dict[str, tf.Tensor]]:
    events = [event for account in accounts for event in account.events]
    places = [(a, e) for a, one in enumerate(accounts) for e in range(len(one.events))]
    longest = max(len(account.events) for account in accounts)

    def sparse(values: list[Any], dtype: tf.DType) -> tf.SparseTensor:
        indices = np.array(places, np.int64).reshape(-1, 2)
        shape = (len(accounts), longest)
        return tf.SparseTensor(indices, tf.constant(values, dtype), shape)

    def scalar(values: list[float]) -> tf.Tensor:
        return tf.constant(values, tf.float32)

    lives = [account.whole for account in accounts]
    by_source = [(number, *one) for number, life in enumerate(lives) for one in life.sources]
    listed = tf.ragged.constant([[one[0] for one in life.sources] for life in lives], tf.string)

    def of_sources(place: int, dtype: tf.DType) -> tf.SparseTensor:
        values = tf.constant([one[place] for one in by_source], dtype)
        return tf.RaggedTensor.from_row_splits(values, listed.row_splits).to_sparse()

    inputs = {
        spec.EVENT_DAYS: scalar([life.event_days for life in lives]),
        **{n: scalar([one.gaps[i] for one in lives]) for i, n in enumerate(spec.DAY_GAPS)},
        **{n: scalar([one.since[i] for one in lives]) for i, n in enumerate(spec.DAYS_SINCE_TONE)},
        **{
            n: scalar([one.half_year[i] for one in lives])
            for i, n in enumerate(spec.HALF_YEAR_COUNTS)
        },
        spec.LIFE_SOURCE: of_sources(1, tf.string),
        spec.LIFE_SOURCE_COUNT: of_sources(2, tf.float32),
        spec.DAYS_SINCE_SOURCE: of_sources(3, tf.float32),
        spec.TENURE_DAYS: scalar([a.tenure for a in accounts])[:, None],
        spec.DAYS_SINCE_LAST_EVENT: scalar([a.silence for a in accounts]),
        "lifetime_count": scalar([a.life for a in accounts]),
        "lifetime_negative_count": scalar([a.life_negative for a in accounts]),
        "lifetime_positive_count": scalar([a.life_positive for a in accounts]),
        spec.EVENT_AGE_DAYS: sparse([e.age for e in events], tf.float32),
        columns.SENTIMENT.feature: sparse([e.sentiment for e in events], tf.string),
        columns.PRIORITY.feature: sparse([e.priority for e in events], tf.int64),
        columns.PRODUCT_AREA.feature: sparse([e.area for e in events], tf.string),
        columns.SOURCE.feature: sparse([e.source for e in events], tf.string),
        columns.TOPIC.feature: sparse([e.topic for e in events], tf.string),
    }
    slots = {
        name: slots_in(
            vocabulary_file(name),
            tf.constant([getattr(event, name) for event in events], tf.string),
            words.size,
        )
        for name, words in EVENT_VOCABULARIES.items()
    }
    return inputs, slots


@functools.cache
def vocabulary_file(name: str) -> tf.Tensor:
    folder = Path(tempfile.mkdtemp(prefix="vocabulary-"))
    atexit.register(shutil.rmtree, folder)
    words = "".join(f"{name} {slot} ä\n" for slot in range(EVENT_VOCABULARIES[name].size))
    (folder / name).write_text(words, encoding="utf-8")
    return tf.constant(str(folder / name))


def compute(accounts: list[Account]) -> list[dict[str, float]]:
    inputs, slots = as_inputs(accounts)
    life = life_of(inputs, {"source": vocabulary_file("source")})
    matrix, names = account_features(history_of(inputs), life, slots)
    assert len(set(names)) == len(names)
    return [dict(zip(names, row, strict=True)) for row in matrix.numpy().tolist()]


def assert_agree(accounts: list[Account]) -> None:
    for account, found in zip(accounts, compute(accounts), strict=True):
        expected = reference(account)
        assert found.keys() == expected.keys()
        wrong = {
            name: (value, expected[name])
            for name, value in found.items()
            if not math.isclose(value, expected[name], rel_tol=1e-5, abs_tol=1e-5)
        }
        assert not wrong, (account, wrong)


AGES = st.one_of(
    st.sampled_from([0.5, 6.5, 7.0, 14.0, 30.0, 60.0, 90.0, 91.0]),
    st.floats(2**-10, 180, width=32),
)


@st.composite
def values_of(draw: st.DrawFn, name: str) -> str:
    """A word of the vocabulary or the one after it, in one of its spellings, or another."""
    word = f"{name} {draw(st.integers(0, EVENT_VOCABULARIES[name].size))} ä"
    spelling = draw(st.sampled_from([str, str.upper, str.title, str.swapcase]))
    blanks = st.text(st.sampled_from(" \t\n\r\v\f"), max_size=2)
    spelled = draw(blanks) + spelling(word) + draw(blanks)
    return draw(st.sampled_from([word, spelled, spelled, word.replace(" ", "  "), ""]))


EVENTS = st.builds(
    Event,
    age=AGES,
    sentiment=st.sampled_from(columns.SENTIMENTS),
    priority=st.integers(1, 5),
    area=values_of("area"),
    source=values_of("source"),
    topic=values_of("topic"),
)


NUMBERS = st.one_of(st.just(0.0), st.floats(2**-10, 900, width=32))
LIVES = st.builds(
    Life,
    event_days=st.integers(1, 40),
    gaps=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    since=st.tuples(*[st.one_of(st.just(-1.0), NUMBERS)] * 3),
    half_year=st.tuples(*[st.integers(0, 40)] * 3),
    sources=st.lists(st.tuples(values_of("source"), st.integers(1, 40), NUMBERS), max_size=4).map(
        tuple
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> Account:
    events = sorted(draw(st.lists(EVENTS, max_size=12)), key=lambda event: -event.age)
    negative = tones(events, "negative") + draw(st.integers(0, 3))
    positive = tones(events, "positive") + draw(st.integers(0, 3))
    neutral = tones(events, "neutral") + draw(st.integers(0, 3))
    older = draw(st.sampled_from([0.0, 0.25, 30.0, 512.0]))
    tenure = (events[0].age if events else 200.0) + older
    tenure = float(np.float32(tenure))
    silence = events[-1].age if events else tenure / 2
    life = negative + neutral + positive
    return Account(tenure, silence, life, negative, positive, events, draw(LIVES))


@settings(max_examples=cases(40), deadline=None)
@given(st.lists(histories(), min_size=1, max_size=8))
def test_features_equal_the_reference(accounts: list[Account]) -> None:
    assert_agree(accounts)


SILENT = Account(200.0, 200.0, 1, 0, 1, [])
ONE_EVENT = Account(
    3.0, 3.0, 1, 1, 0, [Event(3.0, "negative", 5, "area 0 ä", "source 0 ä", "topic 0 ä")]
)
TIED = Account(
    10.0, 10.0, 6, 6, 0, [Event(10.0, "negative", 4, "AREA 2 Ä", " source 1 ä", "x")] * 6
)

RISING = [(event, priority) for priority, event in enumerate(TIED.events[:5], start=1)]
"""Events, and a priority from 1 to 5 for each."""


@pytest.mark.parametrize(
    "accounts", [[SILENT], [SILENT, SILENT], [ONE_EVENT], [TIED], [SILENT, TIED, SILENT, ONE_EVENT]]
)
def test_extreme_histories_agree_and_are_finite(accounts: list[Account]) -> None:
    assert_agree(accounts)
    assert all(math.isfinite(value) for row in compute(accounts) for value in row.values())


@pytest.mark.parametrize("lowest", [1, 4, 5])
def test_the_setting_moves_what_counts_as_critical(lowest: int) -> None:
    inputs, slots = as_inputs([TIED._replace(events=[e._replace(priority=p) for e, p in RISING])])
    life = life_of(inputs, {"source": vocabulary_file("source")})
    matrix, names = account_features(history_of(inputs, lowest), life, slots)
    found = dict(zip(names, matrix.numpy()[0].tolist(), strict=True))
    assert found["critical_lookback"] == pytest.approx(math.log1p(6 - lowest))
    assert critical_priority_of({"critical_priority": lowest}) == lowest
    assert critical_priority_of(None) == 4


def test_scalars_that_contradict_the_lists_stay_finite() -> None:
    none = Life(0, (-1.0, -1.0, -1.0), (-9.0, -9.0, -9.0), (-1, -1, -1), (("x", -1, -2.0),))
    nonsense = TIED._replace(tenure=-5.0, silence=-1.0, life=0, life_negative=0, whole=none)
    assert all(math.isfinite(value) for value in compute([nonsense])[0].values())


def test_an_account_does_not_see_its_neighbours() -> None:
    together = compute([TIED, ONE_EVENT, SILENT])
    alone = [compute([account])[0] for account in (TIED, ONE_EVENT, SILENT)]
    # To the last bits: newer TensorFlow computes the end of a batch by other instructions.
    assert together == [pytest.approx(one, rel=1e-6, abs=1e-7) for one in alone]


def test_names_cover_engineered_features_first_and_once() -> None:
    names = feature_names()
    engineered = tuple(compute([SILENT])[0])
    assert names[: len(engineered)] == engineered
    assert len(set(names)) == len(names)
    assert {"tier[0]", "region[0]", "tenure_bucket[7]", "silence_bucket[0]"} <= set(names)


@pytest.mark.parametrize(
    ("tenure", "silence", "buckets"),
    [(0, 0, (0, 0)), (13.9, 1.9, (0, 0)), (14, 2, (1, 1)), (959, 159, (6, 6)), (960, 160, (7, 7))],
)
def test_ages_fall_into_the_bucket_that_holds_its_lower_edge(
    tenure: float, silence: float, buckets: tuple[int, int]
) -> None:
    account = SILENT._replace(tenure=tenure, silence=silence)
    found = age_buckets(history_of(as_inputs([account])[0])).numpy()
    expected = np.zeros((1, 16))
    expected[0, [buckets[0], 8 + buckets[1]]] = 1
    np.testing.assert_array_equal(found, expected)
