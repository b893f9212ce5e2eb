"""What each signal of the cold-start rule says, for plain accounts and for any."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property_tests import cases
from transforms.cold_start_rule import DEFINITION, RULE_SIGNALS
from transforms.history import History
from transforms.rule_signals import rule_signals

Event = tuple[float, str, int]
"""Days before the cutoff, sentiment, priority."""


def history(accounts: Sequence[Sequence[Event]]) -> History:
    """Returns a batch whose accounts list all their events, each oldest first."""
    sorted_events = [sorted(events, reverse=True) for events in accounts]
    flat = [(row, event) for row, events in enumerate(sorted_events) for event in events]
    newer = [len(events) - 1 - place for events in sorted_events for place in range(len(events))]

    def marks(of: Any) -> tf.Tensor:
        return tf.constant([float(of(event)) for _, event in flat], tf.float64)

    def tones(events: Sequence[Event], tone: str) -> int:
        return sum(one[1] == tone for one in events)

    lifetime = [[len(one), tones(one, "negative"), tones(one, "positive")] for one in sorted_events]
    numbers = {
        "tenure": [events[0][0] if events else 0.0 for events in sorted_events],
        "silence": [events[-1][0] if events else 0.0 for events in sorted_events],
    }
    return History(
        **{name: tf.constant(values, tf.float64) for name, values in numbers.items()},
        lifetime=tf.constant(np.reshape(lifetime, [-1, 3]), tf.float64),
        rows=tf.constant([row for row, _ in flat], tf.int64),
        newer=tf.constant(newer, tf.int64),
        age=marks(lambda event: event[0]),
        negative=marks(lambda event: event[1] == "negative"),
        positive=marks(lambda event: event[1] == "positive"),
        critical=marks(lambda event: event[2] >= 4),
        columns={},
    )


def signals(*events: Event) -> dict[str, float]:
    (found,) = rule_signals(history([events])).numpy().tolist()
    return dict(zip(RULE_SIGNALS, found, strict=True))


STEADY = [(10.0 + 10 * n, "neutral", 2) for n in range(30)]


def test_the_signals_of_one_account_are_those_of_the_definition() -> None:
    """A change here is another rule: raise DEFINITION with it."""
    assert DEFINITION == 1
    found = signals(*STEADY, (5.0, "negative", 5), (95.0, "positive", 1))
    count, tenure, silence = 32, 300.0, 5.0
    gap = (tenure - silence + 30) / count
    ever = (1 + 1) / (count + 3)
    falls = []
    for days, recent in ((30, 4), (60, 7), (90, 10)):
        expected = days * (count - recent) / max(tenure - days, days)
        falls.append(min(max((math.log1p(expected) - math.log1p(recent)) / 2, 0), 1))
    assert found == pytest.approx(
        {
            "silence": silence / (silence + 60),
            "overdue": silence / (silence + 3 * gap),
            "low_activity": math.exp(-60 * count / (tenure + 30)),
            "falling_activity": sum(falls) / 3,
            "negative_share": (ever + (1 + ever) / (10 + 1)) / 2,
            "negative_change": (1 + ever) / (4 + 1) - ever / (28 + 1),
            "recent_tone": (1 + 1 / 5) / 2,
            "critical_feedback": 1 - math.exp(-1),
            "newness": math.exp(-tenure / 60),
        }
    )


@pytest.mark.parametrize(
    ("signal", "worse", "better"),
    [
        ("silence", [(90.0, "neutral", 1)], [(2.0, "neutral", 1)]),
        ("overdue", [(90.0 + n, "neutral", 1) for n in range(9)], STEADY),
        ("low_activity", [(200.0, "neutral", 1)], STEADY),
        ("falling_activity", [one for one in STEADY if one[0] > 95], STEADY),
        ("negative_share", [(5.0, "negative", 1)], [(5.0, "positive", 1)]),
        ("negative_change", [*STEADY, (1.0, "negative", 1)], [*STEADY, (290.0, "negative", 1)]),
        ("recent_tone", [*STEADY, (1.0, "negative", 1)], [*STEADY, (1.0, "positive", 1)]),
        ("critical_feedback", [(5.0, "neutral", 5)], [(5.0, "neutral", 3)]),
        ("newness", [(5.0, "neutral", 1)], [(500.0, "neutral", 1)]),
    ],
)
def test_a_signal_rises_with_what_it_is_named_after(
    signal: str, worse: list[Event], better: list[Event]
) -> None:
    assert signals(*worse)[signal] > signals(*better)[signal] + 0.01


_events = st.tuples(
    st.floats(0.001, 5_000, allow_subnormal=False),
    st.sampled_from(["negative", "neutral", "positive"]),
    st.integers(1, 5),
)


@given(st.lists(st.lists(_events, max_size=12), min_size=1, max_size=5))
@settings(max_examples=cases(60))
def test_signals_lie_in_0_to_1_and_do_not_depend_on_other_accounts(
    accounts: list[list[Event]],
) -> None:
    found = rule_signals(history(accounts)).numpy()
    assert found.shape == (len(accounts), len(RULE_SIGNALS))
    assert ((found >= 0) & (found <= 1)).all()
    alone = np.concatenate([rule_signals(history([events])).numpy() for events in accounts])
    assert found == pytest.approx(alone, abs=1e-12)
