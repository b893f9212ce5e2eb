"""Which alerts hold, by what was read."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from components.publishing.compare_table import Comparison
from pipeline.alerts.conditions import evaluate
from pipeline.alerts.facts import (
    AlarmMoment,
    Facts,
    FromDatabase,
    FromMetadata,
    RealisedAuc,
    StreamRefusal,
    StreamState,
)
from pipeline.runs.record import RunRecord
from pipeline.settings import default_settings
from pipeline.status import OutputState, Status

NOW = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
SETTINGS = default_settings()
HERE = "/var/lib/tens-insight"


def hours_ago(hours):
    return NOW - timedelta(hours=hours)


class Last:
    """A publication, as the log has it."""

    publication_id, model_version = 7, "m-1"

    def __init__(self, hours):
        self.as_of = self.published_at = hours_ago(hours)


def a_run(state="complete", hours=1, kind="score", **known):
    codes = {"complete": 0, "failed": 7}
    return RunRecord(
        **{
            "run_id": f"R{hours}",
            "kind": kind,
            "state": state,
            "started_at": hours_ago(hours),
            "ended_at": hours_ago(hours),
            "exit_code": codes.get(state),
            "error": "ContractBroken" if state == "failed" else "",
            "sentence": "A table is missing.",
            "state_dir": HERE,
        }
        | known
    )


def facts(*runs, age=1.0, comparison=None, **known):
    outputs = [
        OutputState("scores", "accounts", Last(age) if age is not None else None, one)
        for one in [comparison or Comparison("account_risk_scores", 9)]
    ]
    status = Status(HERE, "db", NOW, outputs, {}, "", 9, None, list(runs))
    of_database = {
        name: known.pop(name)
        for name in ("refused", "moments", "realised", "known_since", "streams", "stream_refused")
        if name in known
    }
    found = FromDatabase(
        **{
            "status": status,
            "refused": {},
            "moments": (),
            "realised": None,
            "known_since": hours_ago(9_000),
        }
        | of_database
    )
    return Facts(**{"now": NOW, "state_dir": HERE, "runs": runs, "database": found} | known)


def holding(*arguments, **named):
    """Kind and key of what holds."""
    return [one.identity for one in evaluate(facts(*arguments, **named), SETTINGS).holding]


def test_all_is_well():
    assert holding(a_run(), metadata=FromMetadata(), free_percent=40.0) == []


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, ("run_failed", "score")),
        ({"state": "killed"}, ("run_failed", "score")),
        ({"state": "no sign of life"}, ("run_failed", "score")),
        ({"state": "interrupted", "exit_code": 143}, ("run_failed", "score")),
        ({"state": "interrupted", "exit_code": 130}, None),
        ({"state": "not started", "exit_code": 9}, None),
        ({"state": "running"}, None),
        ({"exit_code": 4, "error": "DataGateStopped"}, ("data_gate_stopped", "score")),
        ({"exit_code": 8, "error": "PublicationRefused"}, ("run_failed", "score")),
        ({"exit_code": 5, "error": "ServerBrokeOff"}, ("database_unreachable", "database")),
        ({"exit_code": 5, "error": "StatementCancelled"}, ("run_failed", "score")),
        (
            {
                "exit_code": 5,
                "error": "ServerNotAnswering",
                "sentence": "No database answers at x (from METADATA_DATABASE_URL).",
            },
            ("metadata_unreachable", HERE),
        ),
        (
            {"exit_code": 6, "error": "StateUnusable", "sentence": "The files of model m are gone"},
            ("model_not_loadable", HERE),
        ),
        (
            {"exit_code": 6, "error": "StateUnusable", "sentence": f"{HERE}/metadata.sqlite is x"},
            ("metadata_unreachable", HERE),
        ),
        ({"exit_code": 6, "error": "StateUnusable"}, ("run_failed", "score")),
    ],
)
def test_one_run_that_ended_badly_is_one_alert(known, expected):
    run = a_run(**{"state": "failed"} | known)
    assert holding(run, a_run(hours=2)) == ([expected] if expected else [])


def test_what_the_breaker_refused_is_told_as_that():
    run = a_run("failed", exit_code=8, error="PublicationRefused")
    assert holding(run, refused={"R1": "account_risk_scores"}) == [("breaker_refused", "score")]


def test_a_failure_ends_with_the_next_run_of_its_kind():
    failed = a_run("failed", hours=5)
    assert holding(a_run(), failed) == []
    assert holding(a_run(kind="tune"), failed) == [("run_failed", "score")]
    assert holding(a_run(kind="train"), failed) == []  # it does all that a scoring run does
    assert holding(a_run(), a_run("failed", hours=5, kind="train")) == [("run_failed", "train")]
    both = (a_run("failed", kind="train"), failed)
    assert holding(*both) == [("run_failed", "score"), ("run_failed", "train")]
    assert holding(a_run("running"), a_run("not started", hours=2), failed) == [
        ("run_failed", "score")
    ]


def test_a_tuning_run_is_less_grave():
    (one,) = evaluate(facts(a_run("failed", kind="tune"), a_run()), SETTINGS).holding
    assert one.severity_told == "warning"


def test_a_failure_says_node_code_and_message_without_what_is_quoted():
    run = a_run(
        "failed", failed_node="AccountScorer", sentence="account_id 'ACC-1' comes 2 times.", log="l"
    )
    (one,) = evaluate(facts(run), SETTINGS).holding
    assert one.sentence == (
        "score R1, failed with code 7 at AccountScorer: account_id '...' comes 2 times."
    )
    assert one.evidence["failed_node"] == "AccountScorer"
    assert one.evidence["exit_code"] == 7
    unexpected = a_run("failed", exit_code=1, error="KeyError", sentence="Unexpected KeyError: ACC")
    (one,) = evaluate(facts(unexpected), SETTINGS).holding
    assert "ACC" not in one.sentence
    assert "an unexpected KeyError" in one.sentence


@pytest.mark.parametrize(
    ("runs", "age", "known", "missed"),
    [
        ((a_run(hours=25),), 25, {}, False),
        ((a_run(hours=27),), 27, {}, True),
        ((a_run(hours=3, kind="tune"), a_run(hours=27)), 27, {}, True),
        ((a_run("not started", hours=3), a_run(hours=27)), 27, {}, True),
        ((a_run("running", hours=27),), 27, {}, True),
        ((a_run("failed", hours=27),), 27, {}, False),  # that is told
        ((a_run(hours=27), a_run("failed", hours=28, kind="tune")), 27, {}, True),
        ((), 3, {}, False),  # Kubeflow leaves no record, but a publication
        ((), None, {}, True),
        ((), None, {"known_since": hours_ago(3)}, False),  # the tables were made just now
        ((a_run(hours=-5),), 27, {}, False),  # a clock that was ahead
    ],
)
def test_the_switch(runs, age, known, missed):
    found = [kind for kind, _ in holding(*runs, age=age, **known) if kind == "run_missed"]
    assert bool(found) is missed


def test_a_run_that_hangs_is_named():
    found = evaluate(facts(a_run("running", hours=27), age=3), SETTINGS)
    assert found.holding == []  # it published three hours ago
    (one,) = evaluate(facts(a_run("running", hours=27), age=27), SETTINGS).holding
    assert "score R27 is running since then" in one.sentence


@pytest.mark.parametrize(
    ("age", "said"),
    [(49, None), (51, "51.0 hours old, more than 50.0"), (-2, "2.0 hours in the future")],
)
def test_stale_scores(age, said):
    found = evaluate(facts(a_run(), age=age), SETTINGS).holding
    assert [one.kind for one in found] == (["scores_stale"] if said else [])
    assert not found or said in found[0].sentence


def test_bars_of_zero_are_never_told():
    alerts = replace(
        SETTINGS.alerts,
        alert_run_every_hours=0,
        alert_scores_max_age_hours=0,
        alert_disk_free_percent=0,
    )
    found = facts(age=9_000, free_percent=0.1)
    assert evaluate(found, replace(SETTINGS, alerts=alerts)).holding == []
    assert len(evaluate(found, SETTINGS).holding) == 3


def test_another_writer():
    one = Comparison("account_risk_scores", 36, foreign={"v1": 16}, missing=2)
    (found,) = evaluate(facts(a_run(), comparison=one), SETTINGS).holding
    assert found.identity == ("foreign_writer", "account_risk_scores")
    assert (
        "16 rows of model v1 are not ours; 2 rows that we published are missing" in found.sentence
    )
    blind = Comparison("account_risk_scores", 0, compared=False)
    assert "foreign_writer" not in evaluate(facts(a_run(), comparison=blind), SETTINGS).looked_at


def moment(**changes):
    values = {
        "opened_at": hours_ago(48),
        "slice_key": "region",
        "slice_value": "EU",
        "column_name": ":table",
        "metric": "share of events",
        "value": 0.5,
        "usual_low": 0.1,
        "usual_high": float("inf"),
        "window_end": NOW,
        "publication_id": 7,
        "measures": 3,
        "of_scores_alone": False,
    }
    return AlarmMoment(**values | changes)


def test_each_moment_of_the_monitor_is_one_alert():
    moments = (moment(), moment(opened_at=hours_ago(9), of_scores_alone=True, usual_high=0.2))
    first, second = evaluate(facts(a_run(), moments=moments), SETTINGS).holding
    assert first.identity == ("odd_scores", "since 2026-11-29 03:00 UTC")
    assert "region 'EU': share of events is 50.0%, usual are 10.0% to 20.0%; and 2 more" in (
        first.sentence
    )
    assert second.identity == ("drift", "since 2026-11-27 12:00 UTC")
    assert "is 50.0%; and 2 more measures" in second.sentence


@pytest.mark.parametrize(("high", "low"), [(0.59, True), (0.61, False), (None, False)])
def test_performance_is_low_where_all_of_its_interval_is(high, low):
    realised = RealisedAuc(0.55, 0.5, high, hours_ago(2_000), "m-1", 60, 3)
    found = holding(a_run(), realised=realised)
    assert found == ([("performance_low", "realised AUC")] if low else [])


def test_metadata_and_champion():
    unusable = FromMetadata(problem="it is locked away")
    assert holding(a_run(), metadata=unusable) == [("metadata_unreachable", HERE)]
    broken = FromMetadata(model_problem="gone", model_version="m-1", refused=("a", "b", "c"))
    assert holding(a_run(), metadata=broken) == [
        ("model_not_loadable", HERE),
        ("challenger_refused", HERE),
    ]
    looked = evaluate(facts(a_run()), SETTINGS).looked_at
    assert ("model_not_loadable", HERE) not in looked


def test_two_reasons_for_one_alert_are_one():
    run = a_run(
        "failed", exit_code=6, error="StateUnusable", sentence="The files of model m are gone"
    )
    broken = FromMetadata(model_problem="gone", model_version="m-1")
    assert holding(run, metadata=broken) == [("model_not_loadable", HERE)]


def test_the_disk():
    assert holding(a_run(), free_percent=4.9) == [("disk_nearly_full", HERE)]
    assert holding(a_run(), free_percent=5.1) == []


def test_streams():
    behind = [("stream_behind", "slot")]
    now = hours_ago(0.1)
    assert holding(a_run(), streams=[StreamState("scan", now)]) == []
    assert holding(a_run(), streams=[StreamState("slot", hours_ago(0.6))]) == behind
    for retained, safe, holds in ((49, 51, False), (50, 50, True), (9, None, False), (9, -1, True)):
        one = StreamState("slot", now, "tens_insight", False, retained, safe)
        assert holding(a_run(), streams=[one]) == (behind if holds else [])
    for caught_up_at, holds in ((hours_ago(0.2), False), (hours_ago(0.6), True)):
        one = StreamState("kafka", now, behind=1_234, caught_up_at=caught_up_at)
        found = evaluate(facts(a_run(), streams=[one]), SETTINGS).holding
        assert bool(found) == holds
    assert "for 0.6 hours, and 1234 messages were left" in found[0].sentence
    lost = StreamState("slot", now, "tens_insight", True, None, None)
    assert holding(a_run(), streams=[lost]) == behind


def test_a_stream_that_was_refused():
    refusal = StreamRefusal(7, "m-1", ["12% moved far"], hours_ago(0.6))
    known = {"streams": [StreamState("kafka", hours_ago(0.6))], "stream_refused": refusal}
    found = evaluate(facts(a_run(), **known), SETTINGS)
    assert [one.identity for one in found.holding] == [
        ("stream_behind", "kafka"),
        ("breaker_refused", "stream"),
    ]
    behind, refused = found.holding
    assert "for 0.6 hours, because its scores were refused (r7)" in behind.sentence
    assert "publications diff now r7" in refused.sentence
    assert "12% moved far" in refused.sentence


def test_without_the_database_less_is_known():
    away = Facts(NOW, HERE, [a_run("failed")], None, "No database answers.", free_percent=1.0)
    found = evaluate(away, SETTINGS)
    assert [one.identity for one in found.holding] == [
        ("database_unreachable", "database"),
        ("run_failed", "score"),
        ("disk_nearly_full", HERE),
    ]
    assert "run_failed" not in found.looked_at  # another machine's may be open
    refused = replace(away, runs=[a_run("failed", exit_code=8, error="PublicationRefused")])
    assert ("run_failed", "score") not in [
        one.identity for one in evaluate(refused, SETTINGS).holding
    ]
