"""The table of alerts and its outbox: once each, also for two processes at a time."""

import threading
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from components.alerts import outbox
from components.alerts.alert import Alert
from components.alerts.alert_table import drop_old_alerts, read_alerts, record, tell, try_lock
from components.alerts.folding import fold
from components.alerts.outbox import Outcome
from components.alerts.spool import Kept, KeptDelivery, Settled
from components.publishing.erasure import erase_account
from pipeline.erasure.names import eraser
from tests.components.alerts.conftest import stored

FAILED = Alert("run_failed", "score", "it failed", {"exit_code": 7})
STALE = Alert("scores_stale", "account_risk_scores", "they are old")
ACT = Alert("policy_act", "retrain", "it trained")
OK = Outcome()


@pytest.fixture
def connection(migrated_database):
    with closing(psycopg2.connect(migrated_database)) as opened:
        yield opened


@pytest.fixture
def run(connection):
    """Calls a function in a transaction of its own."""

    def call(function, *arguments, **named):
        with connection, connection.cursor() as cursor:
            return function(cursor, *arguments, **named)

    return call


def ask(run, statement):
    def execute(cursor):
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []

    return run(execute)


def events(run):
    return ask(run, "SELECT sink, event FROM tens_insight.alert_deliveries ORDER BY 1, 2")


def deliver_all(run, *sinks):
    """Delivers all that is due; returns what each sink was told."""
    told = []
    while claimed := run(outbox.claim, sinks):
        for one in claimed:
            run(outbox.settle, one, OK)
            told.append((one.sink, one.alert.kind, one.event))
    return told


def test_an_alert_opens_once_is_seen_again_and_resolves(run):
    run(record, [FAILED], ["run_failed"])
    worse = replace(FAILED, sentence="it failed again", severity="warning")
    run(record, [worse, STALE], ["run_failed", "scores_stale"])
    first, second = sorted(run(read_alerts), key=lambda one: one.kind)
    assert (first.times_seen, second.times_seen) == (2, 1)
    assert (first.sentence, first.severity) == ("it failed again", "warning")
    assert first.evidence == {"exit_code": 7}
    run(record, [], ["run_failed"])
    assert [one.kind for one in run(read_alerts)] == ["scores_stale"]
    run(record, [FAILED], ["run_failed"])
    every = run(read_alerts, every=True)
    assert len(every) == 3
    assert len({one.alert_id for one in every}) == 3
    assert [one.resolved_at is None for one in every] == [True, True, False]


def test_what_was_not_looked_at_stays_open(run):
    others = replace(FAILED, key="train")
    run(record, [FAILED, others, STALE], ["run_failed", "scores_stale"])
    run(record, [], [("run_failed", "score"), "drift"])
    assert {one.key for one in run(read_alerts)} == {"train", "account_risk_scores"}


@pytest.mark.parametrize(
    ("holding", "looked_at", "said"),
    [
        ([STALE], ["drift"], "scores_stale account_risk_scores was not looked at"),
        ([ACT], ["policy_act"], "policy_act does not last"),
    ],
)
def test_a_look_that_contradicts_itself_is_refused(run, holding, looked_at, said):
    with pytest.raises(ValueError, match=said):
        run(record, holding, looked_at)


def test_two_processes_that_see_the_same_open_one_alert(migrated_database, run):
    start = threading.Barrier(4)

    def see():
        with closing(psycopg2.connect(migrated_database)) as own:
            start.wait()
            for _ in range(10):
                with own, own.cursor() as cursor:
                    record(cursor, [FAILED, STALE], ["run_failed", "scores_stale"])

    threads = [threading.Thread(target=see) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [one.times_seen for one in run(read_alerts, every=True)] == [40, 40]


def test_one_process_looks_at_a_time(migrated_database, connection):
    with (
        closing(psycopg2.connect(migrated_database)) as other,
        connection.cursor() as cursor,
        other.cursor() as second,
    ):
        assert try_lock(cursor)
        assert not try_lock(second)
        connection.rollback()
        assert try_lock(second)


def test_a_message_is_told_once_and_never_open(run):
    with pytest.raises(ValueError, match="run_failed lasts"):
        run(tell, FAILED)
    run(tell, ACT)
    run(tell, ACT)
    assert run(read_alerts) == []
    run(outbox.queue, ["a"], "info")
    assert deliver_all(run, "a") == [("a", "policy_act", "told")] * 2
    run(record, [], ["policy_act"])
    run(outbox.queue, ["a"], "info")
    assert deliver_all(run, "a") == []


def test_every_sink_is_told_of_both_ends_once_and_in_order(run):
    run(record, [FAILED], ["run_failed"])
    run(outbox.queue, ["a", "b"], "info")
    run(record, [], ["run_failed"])  # it ended before anything was delivered
    run(outbox.queue, ["a", "b"], "info")
    first = run(outbox.claim, ["a", "b"])
    assert {one.event for one in first} == {"opened"}
    assert run(outbox.claim, ["a", "b"]) == []  # of another process, meanwhile
    for one in first:
        run(outbox.settle, one, OK)
    assert deliver_all(run, "a", "b") == [
        ("a", "run_failed", "resolved"),
        ("b", "run_failed", "resolved"),
    ]
    run(outbox.queue, ["a", "b"], "info")
    assert deliver_all(run, "a", "b") == []


def test_what_opened_and_ended_before_anybody_queued_it_is_told_too(run):
    """The process that opened it was killed before it came to the outbox."""
    run(record, [FAILED], ["run_failed"])
    run(record, [], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    assert deliver_all(run, "a") == [("a", "run_failed", "opened"), ("a", "run_failed", "resolved")]


def test_a_new_sink_is_told_what_is_open_and_no_history(run):
    run(record, [FAILED], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    run(record, [STALE], ["run_failed", "scores_stale"])
    run(outbox.queue, ["a", "b"], "info")
    assert [one for one in events(run) if one[0] == "b"] == [("b", "opened")]


def test_nobody_without_sinks_takes_a_message_from_those_who_have_some(run):
    run(tell, ACT)
    run(outbox.queue, [], "info")
    run(outbox.queue, ["a"], "info")
    assert deliver_all(run, "a") == [("a", "policy_act", "told")]


def test_lesser_severities_are_left_out_and_a_sink_is_not_told_that_it_fails(run):
    failing = Alert("sink_failed", "a of /var", "it fails")
    run(record, [FAILED, failing], ["run_failed", "sink_failed"])
    run(tell, ACT)
    run(outbox.queue, ["a", "b"], "warning")
    assert sorted(deliver_all(run, "a", "b")) == [
        ("a", "run_failed", "opened"),
        ("b", "run_failed", "opened"),
        ("b", "sink_failed", "opened"),
    ]


def test_what_fails_waits_and_is_given_up_after_days_with_its_end(run):
    run(record, [FAILED], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    (one,) = run(outbox.claim, ["a"])
    run(outbox.settle, one, Outcome("no answer"))
    assert run(outbox.claim, ["a"]) == []
    ((wait, problem),) = ask(
        run,
        "SELECT next_attempt_at - tried_at, problem FROM tens_insight.alert_deliveries",
    )
    assert timedelta(seconds=29) < wait < timedelta(seconds=40)
    assert problem == "no answer"
    ask(run, "UPDATE tens_insight.alert_deliveries SET created_at = now() - interval '4 days'")
    waiting = "SELECT count(*) FROM tens_insight.alert_deliveries WHERE given_up_at IS NULL"
    run(outbox.queue, ["a"], "info")
    assert ask(run, waiting) == [(1,)]  # what is open is news as long as it is
    run(record, [], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    run(outbox.queue, ["a"], "info")
    assert ask(run, waiting) == [(0,)]
    assert deliver_all(run, "a") == []


def test_two_that_claim_at_once_do_not_get_the_same(run, connection, migrated_database):
    run(record, [FAILED], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    with (
        closing(psycopg2.connect(migrated_database)) as other,
        connection.cursor() as first,
        other.cursor() as second,
    ):
        assert len(outbox.claim(first, ["a"])) == 1  # and has not committed yet
        second.execute("SET lock_timeout = '1s'")
        assert outbox.claim(second, ["a"]) == []


def test_who_claims_and_is_killed_leaves_it_to_the_next(run):
    run(record, [FAILED], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    assert len(run(outbox.claim, ["a"])) == 1
    assert run(outbox.claim, ["a"]) == []
    ask(run, "UPDATE tens_insight.alert_deliveries SET next_attempt_at = now()")  # minutes later
    (again,) = run(outbox.claim, ["a"])
    assert again.attempts == 2


def test_a_clock_that_was_wrong_stops_no_delivery(run):
    run(record, [FAILED], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    ask(run, "UPDATE tens_insight.alert_deliveries SET next_attempt_at = now() + interval '1 year'")
    assert len(run(outbox.claim, ["a"])) == 1
    ask(
        run,
        "UPDATE tens_insight.alerts SET first_seen = now() + interval '1 day', "
        "last_seen = now() + interval '1 day'",
    )
    run(record, [FAILED], ["run_failed"])
    run(record, [], ["run_failed"])
    (one,) = run(read_alerts, every=True)
    assert one.first_seen <= one.last_seen <= one.resolved_at


def test_old_alerts_go_with_their_deliveries(run):
    run(record, [FAILED, STALE], ["run_failed", "scores_stale"])
    run(tell, ACT)
    run(outbox.queue, ["a"], "info")
    run(record, [STALE], ["run_failed", "scores_stale"])
    ask(
        run,
        "UPDATE tens_insight.alerts SET first_seen = first_seen - interval '401 days', "
        "last_seen = last_seen - interval '401 days', "
        "resolved_at = resolved_at - interval '401 days'",
    )
    run(drop_old_alerts, 400)
    assert [one.kind for one in run(read_alerts, every=True)] == ["scores_stale"]
    assert events(run) == [("a", "opened")]


NOW = datetime.now(timezone.utc)
ID = "6f1f3f63-3a35-4d1c-9d0d-0a51b8f2a001"


def kept(**changes):
    alert = stored(kind="database_unreachable", key="database", first_seen=NOW, last_seen=NOW)
    delivery = KeptDelivery(ID, "a", "opened", NOW, NOW, 1, NOW, delivered_at=NOW)
    return Kept([replace(alert, **changes)], [delivery])


def test_what_was_kept_elsewhere_is_folded_once(run):
    for _ in range(2):
        run(fold, kept())
        run(outbox.queue, ["a", "b"], "info")
    assert events(run) == [("a", "opened"), ("b", "opened")]
    run(record, [], ["database_unreachable"])
    run(fold, kept())  # the process was killed before it cleared the file
    assert run(read_alerts) == []
    run(outbox.queue, ["a", "b"], "info")
    assert deliver_all(run, "a", "b") == [
        ("b", "database_unreachable", "opened"),
        ("a", "database_unreachable", "resolved"),
        ("b", "database_unreachable", "resolved"),
    ]


def test_what_two_machines_saw_is_one_alert_and_told_once(run):
    run(record, [Alert("database_unreachable", "database", "x")], ["database_unreachable"])
    run(outbox.queue, ["a"], "info")
    run(fold, kept())
    assert len(run(read_alerts)) == 1
    assert deliver_all(run, "a") == []


def test_a_clock_ahead_does_not_fold_the_future(run):
    ahead = NOW + timedelta(days=3)
    run(fold, kept(first_seen=ahead, last_seen=ahead, resolved_at=ahead))
    (one,) = run(read_alerts, every=True)
    assert one.first_seen <= one.resolved_at <= datetime.now(timezone.utc)


def test_what_was_delivered_when_the_database_went_away_is_not_delivered_again(run):
    run(record, [FAILED], ["run_failed"])
    run(outbox.queue, ["a"], "info")
    (one,) = run(outbox.claim, ["a"])
    run(fold, Kept(settled=[Settled(one.alert.alert_id, "a", "opened")]))
    ask(run, "UPDATE tens_insight.alert_deliveries SET next_attempt_at = now()")
    assert run(outbox.claim, ["a"]) == []


def test_an_account_that_is_forgotten_is_in_no_sentence(run, migrated_database, monkeypatch):
    run(record, [replace(FAILED, sentence="A trigger named ACC-17 in it.")], ["run_failed"])
    assert erase_account("ACC-17", eraser("ACC-17")).removed["tens_insight.alerts"] == 1
    assert run(read_alerts)[0].sentence == "A trigger named [forgotten] in it."
