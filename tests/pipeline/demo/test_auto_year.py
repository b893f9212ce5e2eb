"""The log of the automatic year: what a person reads of each call."""

from datetime import datetime, timezone

from pipeline.demo.auto_year import Call, log_lines

WEEK = datetime(2026, 5, 3, tzinfo=timezone.utc)
REFUSED = {
    "gate": {
        "checks": [
            {"name": "auc", "slice": "overall", "verdict": "failed", "value": 0.5628},
            {"name": "log_loss", "slice": "overall", "verdict": "passed", "value": 0.1},
            {"name": "auc", "slice": "region EU", "verdict": "failed", "value": 0.4},
            {"name": "auc", "slice": "region NA", "verdict": "failed", "value": 0.3},
        ]
    },
    "published": {"model_version": "20260308-2285ab87"},
}


def _act(**values):
    return {"kind": "train", "as_of": WEEK.isoformat(), "reason": "It is old.", **values}


def test_a_refused_training_says_what_failed():
    (_, _, *lines) = log_lines({WEEK: Call.of(0, REFUSED)}, [_act()])
    assert lines == [
        "2026-05-03  train: It is old.",
        "            not blessed: auc 0.5628, auc of region EU 0.4000, and 1 check more",
        "            published with 20260308-2285ab87",
    ]


def test_a_failed_call_says_why_and_a_model_is_named_once():
    failed = Call.of(5, {"error": "No database answers at x. Start it."})
    fine = Call.of(0, {"published": {"model_version": "20260308-2285ab87"}})
    weeks = {WEEK.replace(day=day): call for day, call in ((3, fine), (10, failed), (17, fine))}
    (_, _, *lines) = log_lines(weeks, [])
    assert lines == [
        "2026-05-03  published with 20260308-2285ab87",
        "2026-05-10  exit code 5: No database answers",
    ]
