"""The summary names what was met, and nothing else."""

import json

import pytest

from components.registry.input_notes import input_notes
from pipeline.text.terminal import escape_controls
from tests.components.sample_properties import examples_properties, scores_properties

KNOWN = {f"unseen_{name}_share": 0.0 for name in ("area", "source", "topic", "tier", "region")}


def test_a_plain_input_says_nothing():
    assert list(input_notes(examples_properties(), scores_properties(**KNOWN))) == []
    assert list(input_notes(examples_properties(), scores_properties())) == []
    assert list(input_notes(examples_properties(), None)) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"duplicate_rows": 1}, "1 row repeats another in all but the id"),
        ({"duplicate_rows": 20}, "20 rows repeat another"),
        ({"accounts_changed_region": 4}, "0 accounts changed tier, 4 region; the newest row"),
        ({"accounts_with_one_row": 3}, "3 accounts with a single row"),
        ({"accounts_cut": 1}, "1 account with more than 500 events; the newest are read"),
        ({"accounts_with_slash": 2}, "2 accounts with a slash in the id, which GoInsight's API"),
        ({"accounts_alike": 2}, "2 accounts whose ids differ by case or blanks only, kept apart"),
        (
            {
                "topic_spellings": 2,
                "topic_spelling_rows": 9,
                "topic_spelling_examples": json.dumps([["Log\tin ", "log\tin"]]),
            },
            r"topic: 2 spellings in 9 rows by case or blanks only, such as 'Log\tin ' for "
            r"'log\tin'",
        ),
    ],
)
def test_each_kind_has_its_sentence(data, said):
    (note,) = input_notes(examples_properties(**data), scores_properties(**KNOWN))
    assert note.startswith(said)


def test_shares_outside_the_vocabulary_are_in_one_sentence():
    published = KNOWN | {
        "unseen_area_share": 0.012,
        "unseen_area_examples": '["ai_assistant", "x"]',
        "unseen_tier_share": 0.5,
    }
    assert list(input_notes(examples_properties(), scores_properties(**published))) == [
        "outside the model's vocabulary: 1.2% of areas ('ai_assistant', 'x'), 50.0% of tiers"
    ]


CHURN = {
    "churn_known_until": "2026-06-01T00:00:00+00:00",
    "churn_rows": 90,
    **{
        f"churn_rows_{kind}": 0
        for kind in (
            "unmatched", "repeated", "without_account", "without_date", "in_future",
            "before_feedback",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, []),
        ({"churn_rows_unmatched": 9}, ["9 of 90 churn rows match no account"]),
        (
            {"churn_rows_written_after": 1},
            ["1 churn row has feedback of the account after its date; it counts as come back"],
        ),
        (
            {"churn_spellings": [["punctuation", 4, "'A1'", "'A-1'"]]},
            ["churn rows that would match an account: 4 differ by punctuation, 'A1' for 'A-1'"],
        ),
        (
            {"churn_rows_without_account": 1, "churn_rows_in_future": 2},
            ["1 churn row without an account, 2 churn rows after as_of: no label"],
        ),
        (
            {"churn_known_until": "2026-05-02T00:00:00+00:00"},
            ["churn is known until 2026-05-02T00:00:00+00:00; no label looks beyond it"],
        ),
        ({"row_security": ["Row-level security applies"]}, ["Row-level security applies"]),
        (
            {"churn_rows_written_after": 2, "rows_after_churn": "final", "score_returned": 2},
            [
                "2 churn rows have feedback of the account after its date; its churn is final",
                "2 accounts have feedback after the churn date; their churn is final, and they are "
                "not scored (TENS_INSIGHT_ROWS_AFTER_CHURN)",
            ],
        ),
        (
            {"score_returned": 1},
            [
                "1 account has feedback after the churn date; they count as come back, and are "
                "scored"
            ],
        ),
        ({"score_silent": 7, "silent_days": 180}, []),
        (
            {"score_silent": 7, "silent_days": 90, "active_within_days": 90},
            [
                "7 accounts silent for more than 90 days without a churn date since, not scored: "
                "`tens-insight accounts --silent` (TENS_INSIGHT_ACTIVE_WITHIN_DAYS)"
            ],
        ),
        (
            {
                "score_silent": 1,
                "silent_days": 90,
                "active_within_days": 90,
                "silent_accounts": "scored",
            },
            [
                "1 account silent for more than 90 days without a churn date since, scored, though "
                "nothing was learnt from them (TENS_INSIGHT_SILENT_ACCOUNTS)"
            ],
        ),
    ],
)
def test_what_is_to_be_said_of_the_ground_truth(data, said):
    scored = {"score_cutoffs": "2026-06-01T00:00:00+00:00", "score_examples": 9, "score_churned": 0}
    properties = examples_properties(**CHURN | scored | data)
    assert list(input_notes(properties, scores_properties(**KNOWN))) == said


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ACC-1 Zoë 日本 \\", "ACC-1 Zoë 日本 \\"),
        ("a\tb\r\nc", "a\\tb\\r\\nc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202eabc", "\\u202eabc"),
    ],
)
def test_a_name_stays_in_its_line(name, shown):
    assert escape_controls(name) == shown
