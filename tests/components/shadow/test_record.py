"""Shadow scores are written once and again, thinned out, and forgotten."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.errors import PublicationRefused
from components.publishing.erasure import erase_account
from components.registry.rule import PINNED_SHADOW
from components.shadow.retention import ShadowLine, expired_shadows
from pipeline.erasure.names import eraser
from tests.components.outcome_recorder.published import put_publication
from tests.components.shadow.shadows import record, shadow

Tables = Any
AS_OF = datetime(2024, 3, 1, tzinfo=timezone.utc)
ODD = {"ACC-1": 0.25, "Ü-ß": 0.5, 'a"b': 0.125, "a\nb": 0.75, "\\N": 0.5, "{}": 1.0}
ROWS = (
    "SELECT place, account_id, probabilities FROM tens_insight.shadow_scores "
    'ORDER BY place, account_id COLLATE "C"'
)


def test_scores_are_written_and_replaced(feedback: Tables) -> None:
    number = put_publication(feedback, AS_OF, ODD)
    done = record(number, shadow("old", ODD), shadow("pinned", ODD, role=PINNED_SHADOW))
    assert (done.rows, done.dropped) == (12, ())
    assert feedback.execute(ROWS) == [
        (place, account, pytest.approx([ODD[account] / 4, ODD[account]]))
        for place in (1, 2)
        for account in sorted(ODD)
    ]
    again = record(number, shadow("old", {"ACC-1": 0.5}))
    assert again.rows == 1
    assert feedback.execute(ROWS) == [(1, "ACC-1", [0.125, 0.5])]
    lines = "SELECT place, model_version, role, horizons, accounts, kept"
    assert feedback.execute(f"{lines} FROM tens_insight.shadow_models") == [
        (1, "old", "former champion", [5, 10], 1, True)
    ]
    assert record(number).rows == 0
    assert feedback.execute(ROWS) == []


def test_a_forgotten_account_is_gone_and_does_not_come_back(feedback: Tables) -> None:
    number = put_publication(feedback, AS_OF, ODD)
    record(number, shadow("old", ODD))
    erased = erase_account("ACC-1", eraser("ACC-1"))
    assert erased.removed["tens_insight.shadow_scores"] == 1
    assert "ACC-1" not in [row[1] for row in feedback.execute(ROWS)]
    record(number, shadow("old", ODD))  # of shards that still name it
    assert "ACC-1" not in [row[1] for row in feedback.execute(ROWS)]
    assert len(feedback.execute(ROWS)) == len(ODD) - 1


def test_a_publication_that_is_not_in_the_log_is_an_error(feedback: Tables) -> None:
    with pytest.raises(PublicationRefused, match="no publication 7"):
        record(7, shadow("old", ODD))


def lines(days: range, version: str = "old", horizon: int = 10) -> list[ShadowLine]:
    """One line a day; its publication has the number of the day."""
    return [ShadowLine(one, version, AS_OF + timedelta(days=one), False, horizon) for one in days]


def test_as_much_is_kept_as_outcomes_need() -> None:
    now = AS_OF + timedelta(days=199)
    kept = set(range(200)) - set(expired_shadows(lines(range(200), horizon=60), now, 400))
    assert set(range(192, 200)) <= kept  # the last eight days
    mondays = {one for one in range(200) if (AS_OF + timedelta(days=one)).weekday() == 0}
    assert {one for one in mondays if one > 199 - 60 - 35} <= kept
    firsts = {one for one in range(200) if (AS_OF + timedelta(days=one)).day == 1}
    assert firsts <= kept
    assert len(kept) <= 8 + 15 + len(firsts)


def test_a_model_that_scores_no_more_is_dropped_in_the_end() -> None:
    old = lines(range(20))
    soon = AS_OF + timedelta(days=30)
    assert len(expired_shadows(old, soon, 400)) < len(old)
    late = AS_OF + timedelta(days=500)
    assert expired_shadows(old, late, 400) == list(range(20))


def test_what_is_kept_for_one_model_is_kept_for_all_of_its_publication() -> None:
    """A second model joins on day 10: its first of the month is kept for both."""
    both = [*lines(range(40)), *lines(range(10, 40), "second")]
    assert 10 not in expired_shadows(both, AS_OF + timedelta(days=150), 400)
    alone = expired_shadows(lines(range(40)), AS_OF + timedelta(days=150), 400)
    assert 10 in alone
