"""The facts against a plain count, on random histories."""

import functools
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property_tests import cases
from transforms import columns
from transforms import event_spec as spec
from transforms.reason_facts import FACT_DAYS, Facts, fact_names, fact_word_names, reason_facts


class Event(NamedTuple):
    age: float
    sentiment: str
    priority: int
    area: str
    source: str
    topic: str


class Account(NamedTuple):
    tenure: float
    older: int
    older_negative: int
    events: list[Event]

    @property
    def silence(self) -> float:
        return self.events[-1].age if self.events else self.tenure

    def tones(self, tone: str) -> int:
        return sum(event.sentiment == tone for event in self.events)


EVENTS = st.builds(
    Event,
    st.integers(1, 179).map(lambda age: age + 0.5),
    st.sampled_from(columns.SENTIMENTS),
    st.integers(1, 5),
    st.sampled_from(["billing", " Billing", "ui_ux", "Ü"]),
    st.sampled_from(["chat", "email"]),
    st.sampled_from([f"topic {n}" for n in range(6)]),
)
ACCOUNTS = st.builds(
    lambda extra, older, negative, events: Account(
        180.0 + extra, older, min(older, negative), sorted(events, key=lambda e: -e.age)
    ),
    st.integers(0, 700),
    st.integers(0, 9),
    st.integers(0, 9),
    st.lists(EVENTS, max_size=12),
)


def inputs(accounts: list[Account]) -> dict[str, Any]:
    def ragged(field: str, dtype: tf.DType) -> tf.SparseTensor:
        values = [[getattr(event, field) for event in one.events] for one in accounts]
        return tf.ragged.constant(values, dtype, ragged_rank=1).to_sparse()

    negative = [one.tones(columns.NEGATIVE) + one.older_negative for one in accounts]
    positive = [one.tones(columns.POSITIVE) for one in accounts]
    return {
        spec.CUSTOMER_TIER: tf.constant([f"tier {n}" for n in range(len(accounts))]),
        spec.REGION: tf.constant(["EU"] * len(accounts)),
        spec.TENURE_DAYS: tf.constant([one.tenure for one in accounts]),
        spec.DAYS_SINCE_LAST_EVENT: tf.constant([one.silence for one in accounts]),
        "lifetime_count": tf.constant([float(len(a.events) + a.older) for a in accounts]),
        "lifetime_negative_count": tf.constant([float(n) for n in negative]),
        "lifetime_positive_count": tf.constant([float(n) for n in positive]),
        spec.EVENT_AGE_DAYS: ragged("age", tf.float32),
        columns.SENTIMENT.feature: ragged("sentiment", tf.string),
        columns.PRIORITY.feature: ragged("priority", tf.int64),
        columns.PRODUCT_AREA.feature: ragged("area", tf.string),
        columns.SOURCE.feature: ragged("source", tf.string),
        columns.TOPIC.feature: ragged("topic", tf.string),
    }


def reference(account: Account) -> dict[str, float]:
    events = account.events
    kinds = {
        "count": events,
        "negative": [e for e in events if e.sentiment == columns.NEGATIVE],
        "positive": [e for e in events if e.sentiment == columns.POSITIVE],
        "critical": [e for e in events if e.priority >= 4],
    }
    life = len(events) + account.older
    ever = {
        "": life,
        "negative_": len(kinds["negative"]) + account.older_negative,
        "positive_": len(kinds["positive"]),
    }
    found = {
        f"{kind}_{days}d": float(sum(e.age <= days for e in which))
        for kind, which in kinds.items()
        for days in FACT_DAYS
    }
    found |= {f"lifetime_{kind.strip('_') or 'count'}": number for kind, number in ever.items()}
    for kind, number in ever.items():
        recent = found[f"{kind or 'count_'}30d"]
        rate = 30 * (number - recent) / (account.tenure - 30)
        found[f"usual_{kind}per_30d"] = rate
    for kind in ("negative", "positive", "critical"):
        found[f"days_since_{kind}"] = min((e.age for e in kinds[kind]), default=-1.0)
    gap = (account.tenure - account.silence) / (life - 1) if life >= 2 else -1.0
    newest = events[-5:]
    return found | {
        "listed_events": len(events),
        "tenure_days": account.tenure,
        "days_since_last": account.silence,
        "usual_gap": gap,
        "newest": len(newest),
        "newest_negative": sum(e.sentiment == columns.NEGATIVE for e in newest),
        "newest_positive": sum(e.sentiment == columns.POSITIVE for e in newest),
    }


def tops(account: Account) -> dict[str, tuple[str, int]]:
    """The word of most events, by name of the fact, and how many share it."""
    negative = [e for e in account.events if e.sentiment == columns.NEGATIVE]
    found = {}
    for name, events, field in (
        ("top_negative_area", negative, "area"),
        ("top_area", account.events, "area"),
        ("top_topic", account.events, "topic"),
        ("top_channel", account.events, "source"),
    ):
        windows = ([e for e in events if e.age <= days] for days in FACT_DAYS)
        inside = next((window for window in windows if window), [])
        words = [getattr(e, field).strip().lower() for e in inside]
        counts = Counter(words)
        most = max(counts.values(), default=0)
        leading = [word for word in words if counts[word] == most]
        found[name] = (leading[-1] if leading else "", most)
    return found


def spec_of(value: Any) -> Any:
    if isinstance(value, tf.SparseTensor):
        return tf.SparseTensorSpec([None, None], value.dtype)
    return tf.TensorSpec([None], value.dtype)


@functools.cache
def graph() -> Any:
    """The facts as the served model computes them: in a graph, which is built once."""
    example = inputs([Account(200.0, 3, 1, [])])
    signature = {name: spec_of(value) for name, value in example.items()}
    return tf.function(reason_facts, input_signature=[signature])


def facts_of(accounts: list[Account]) -> tuple[list[dict], list[dict]]:
    found: Facts = graph()(inputs(accounts))
    numbers = [dict(zip(fact_names(), row, strict=True)) for row in found.numbers.numpy()]
    words = [
        {name: word.decode() for name, word in zip(fact_word_names(), row, strict=True)}
        for row in found.words.numpy()
    ]
    return numbers, words


@settings(max_examples=cases(75), deadline=None)
@given(st.lists(ACCOUNTS, min_size=1, max_size=8))
def test_the_facts_are_what_a_count_finds(accounts: list[Account]) -> None:
    numbers, words = facts_of(accounts)
    for place, account in enumerate(accounts):
        expected = reference(account)
        for name, (word, count) in tops(account).items():
            expected[f"{name}_count"] = count
            assert words[place][name] == word
        assert numbers[place].keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(numbers[place][name], value, rtol=1e-5, err_msg=name)
        assert words[place]["tier"] == f"tier {place}"


def test_a_young_account_has_no_usual_rate_yet() -> None:
    young = Account(59.0, 0, 0, [Event(1.5, columns.NEGATIVE, 5, "billing", "chat", "x")] * 3)
    old = young._replace(tenure=60.0)
    numbers, _ = facts_of([young, old])
    assert numbers[0]["usual_per_30d"] == numbers[0]["usual_negative_per_30d"] == -1
    assert numbers[1]["usual_per_30d"] == numbers[1]["usual_negative_per_30d"] == 0


def test_a_batch_without_any_event_has_facts_too() -> None:
    numbers, words = facts_of([Account(200.0, 3, 1, [])] * 2)
    assert numbers[0] == numbers[1]
    assert numbers[0]["count_90d"] == numbers[0]["listed_events"] == 0
    assert {words[0][name] for name in words[0] if name.startswith("top_")} == {""}
