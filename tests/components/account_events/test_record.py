"""Events of real publications: told once, within a budget, withdrawn with an undo."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import psycopg2
import pytest

from components.account_events import record as module
from components.account_events.config import AccountEventsConfig
from components.account_events.notification import CHANNEL, EVENTS, IDS_AT_ONCE, notify
from components.account_events.record import record_events
from components.errors import PublicationRefused
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.erasure import erase_account
from components.publishing.undo import undo
from tests.components.contributions.scored import AS_OF, Scored, ask, recorded_day

CONFIG = AccountEventsConfig(events_per_day=3, event_tier_weights={"enterprise": 2.0})
ROWS = (
    "SELECT account_id, kind, left_out, ended_at, withdrawn_at IS NOT NULL "
    "FROM tens_insight.account_events ORDER BY event_id"
)


def all_at(p, count=5, **changes):
    return {f"A{number}": Scored(probability=p, **changes) for number in range(count)}


@pytest.fixture
def listened(migrated_database):
    """Returns the payloads that arrived since it was asked last."""
    with closing(psycopg2.connect(migrated_database)) as listener:
        listener.autocommit = True
        with listener.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

        def found():
            with listener.cursor() as cursor:
                cursor.execute("SELECT 1")  # before it answers it hands over what has arrived
            listener.poll()
            payloads = [json.loads(one.payload) for one in listener.notifies]
            listener.notifies.clear()
            return payloads

        yield found


def told(day, accounts, model="model-1", **config):
    """Publishes, and records the events."""
    number = recorded_day(day, accounts, model)
    return number, record_events(number, replace(CONFIG, **config), patience_s=0)


def test_the_first_publication_tells_no_more_than_the_budget(migrated_database, listened):
    worth = Scored(probability=0.6, tier="enterprise")
    number, found = told(0, all_at(0.7) | {"A9": worth})
    assert found.left_out == {"budget": 3}
    rows = ask(migrated_database, ROWS)
    assert [row[0] for row in rows if row[2] is None] == ["A9", "A0", "A1"]
    assert {row[1] for row in rows} == {"entered high"}
    assert listened() == [{"events": list(found.told)}]
    assert record_events(number, CONFIG, patience_s=0) is None
    assert (ask(migrated_database, ROWS), listened()) == (rows, [])
    _, again = told(1, all_at(0.7) | {"A9": worth})
    assert (again.told, again.left_out) == ((), {})
    counted = ask(
        migrated_database,
        "SELECT told, left_out FROM tens_insight.event_publications ORDER BY publication_id",
    )
    assert counted == [(3, 3), (0, 0)]


def test_two_publications_of_a_day_share_its_budget(migrated_database):
    told(0, all_at(0.1))
    assert len(told(1.25, all_at(0.6, 2) | {"B": Scored(probability=0.1)})[1].told) == 2
    assert told(1.5, all_at(0.6, 5))[1].left_out == {"budget": 2}
    assert len(told(2, all_at(0.6, 8))[1].told) == 3


def test_another_model_tells_nothing_of_its_own_doing(migrated_database):
    told(0, all_at(0.1) | {"S": Scored(probability=0.1)})
    accounts = all_at(0.9) | {"S": Scored(probability=0.1, state="silent")}
    _, found = told(1, accounts, "model-2")
    assert found.left_out == {"another model": 5}
    assert ask(migrated_database, ROWS)[0][:3] == ("S", "silent", None)
    _, after = told(2, accounts | {"B": Scored(probability=0.6)}, "model-2")
    assert [len(after.told), after.left_out] == [1, {}]
    accounts = all_at(0.1)
    assert told(20, accounts, "model-2")[1].told == ()  # who was not told is told no recovery
    assert told(40, accounts, "model-2")[1].left_out == {}


def test_an_undo_withdraws_and_opens_again(migrated_database, listened):
    _, first = told(0, {"A": Scored(probability=0.6), "B": Scored(probability=0.1)})
    _, over = told(10, {"A": Scored(probability=0.1), "B": Scored(probability=0.8)})
    assert (len(first.told), len(over.told)) == (1, 2)
    rows = ask(migrated_database, ROWS)
    end = AS_OF + timedelta(days=10)
    assert rows[0] == ("A", "entered high", None, end, False)
    assert {row[:2] for row in rows[1:]} == {("A", "recovered"), ("B", "entered critical")}
    listened()
    undo(ACCOUNT_RISK_SCORES, reason="wrong")
    assert listened() == [{"withdrawn": sorted(over.told)}]
    rows = ask(migrated_database, ROWS)
    assert [row[3:] for row in rows] == [(None, False), (None, True), (None, True)]
    _, again = told(11, {"A": Scored(probability=0.6), "B": Scored(probability=0.8)})
    assert len(again.told) == 1


def test_a_second_jump_is_told_when_the_first_is_so_many_days_old(migrated_database):
    def at(day, p):
        return told(day, {"A": Scored(probability=p), "B": Scored(probability=0.1)})[1]

    at(0, 0.02)
    assert len(at(1, 0.24).told) == 1
    at(2, 0.02)
    assert (at(3, 0.24).told, at(4, 0.02).told) == ((), ())
    assert len(at(8, 0.24).told) == 1
    kinds = ask(migrated_database, "SELECT DISTINCT kind FROM tens_insight.account_events")
    assert kinds == [("jumped",)]


def test_who_is_to_be_left_alone_is_not_told(migrated_database):
    number = recorded_day(0, all_at(0.6, 1))
    ask(
        migrated_database,
        "INSERT INTO tens_insight.account_risk_detail_history (publication_id, account_id, "
        "percentile, churn_by_horizon, tenure_days, days_since_last_event, silence_state, holdout) "
        "VALUES (%s, 'A0', 50, '{}', 1, 1, 'active', true)",
        number,
    )
    found = record_events(number, CONFIG, patience_s=0)
    assert (found.told, found.left_out) == ((), {"holdout": 1})


def test_old_events_go_and_those_that_go_on_stay(migrated_database):
    told(0, {"A": Scored(probability=0.6), "B": Scored(probability=0.6)})
    told(10, {"A": Scored(probability=0.6), "B": Scored(probability=0.1)})
    told(60, {"A": Scored(probability=0.6), "B": Scored(probability=0.1)}, history_days=30)
    assert [row[:2] for row in ask(migrated_database, ROWS)] == [("A", "entered high")]
    handled = ask(migrated_database, "SELECT count(*) FROM tens_insight.event_publications")
    assert handled == [(1,)]
    assert told(61, {"A": Scored(probability=0.6)}, history_days=30)[1].told == ()


def test_forgotten_accounts_have_no_events(migrated_database):
    told(0, {"A": Scored(probability=0.6), "B": Scored(probability=0.6)})
    erased = erase_account("A", lambda text: text)
    assert erased.removed["tens_insight.account_event_log"] == 1
    assert [row[0] for row in ask(migrated_database, ROWS)] == ["B"]


def test_a_publication_that_is_not_there_is_refused(migrated_database):
    with pytest.raises(PublicationRefused, match="There is no publication 4711"):
        record_events(4711, CONFIG, patience_s=0)


def test_a_publication_that_was_undone_gives_none(migrated_database):
    recorded_day(0, all_at(0.1))
    number = recorded_day(1, all_at(0.9))
    undo(ACCOUNT_RISK_SCORES, reason="wrong")
    assert record_events(number, CONFIG, patience_s=0) is None
    assert ask(migrated_database, ROWS) == []


def test_a_failure_leaves_nothing_half_done(migrated_database, monkeypatch, listened):
    number = recorded_day(0, all_at(0.6))
    monkeypatch.setattr(module, "_drop_old", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        record_events(number, CONFIG, patience_s=0)
    assert (ask(migrated_database, ROWS), listened()) == ([], [])
    monkeypatch.undo()


def test_no_payload_is_too_long(migrated_database, listened):
    ids = [2**63 - 1 - number for number in range(2 * IDS_AT_ONCE + 1)]
    with closing(psycopg2.connect(migrated_database)) as one, one, one.cursor() as cursor:
        notify(cursor, EVENTS, ids)
        notify(cursor, EVENTS, [])
    payloads = listened()
    assert [len(one["events"]) for one in payloads] == [IDS_AT_ONCE, IDS_AT_ONCE, 1]
    assert [one for payload in payloads for one in payload["events"]] == ids
