"""What a run says of outcomes in a line."""

from components.registry.published_properties import RecordedOutcomesProperties
from pipeline.text.outcomes import recorded_words

NOTHING = {
    "as_of": "2026-06-01T00:00:00+00:00", "label_source": "account_churn", "measured": 0,
    "accounts": 0, "left": 0, "unknown": 0, "waiting": 0, "open": 0,
}  # fmt: skip


def said(**changes):
    return recorded_words(RecordedOutcomesProperties(**{**NOTHING, **changes}))


def test_what_was_measured_corrected_and_waits_is_told():
    counts = {"measured": 3, "accounts": 4200, "left": 310, "unknown": 12}
    assert said(**counts, waiting=1, corrected_rows=4, corrected_windows=2) == (
        "3 windows measured: 4200 scores, 310 left, 12 unknown; 1 window waiting: over, but the "
        "churn dates do not tell yet who left; corrected 4 outcomes of 2 windows measured before"
    )


def test_where_nothing_is_over_the_next_end_is_told():
    assert said() == "no window was measured"
    assert said(open=3, next_closes_at="2026-07-01T00:00:00+00:00").endswith(
        "the next one closes at 2026-07-01 00:00 UTC"
    )
