"""The state directory keeps alerts while the database is away, also on a full disk."""

import errno
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from components.alerts import spool as module
from components.alerts.alert import Alert
from components.alerts.outbox import Outcome
from components.alerts.spool import Spool, SpoolLedger
from components.errors import StateUnusable

AWAY = Alert("database_unreachable", "database", 'it said "no"\n數', {"n": 1})


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "alerts")


def test_what_is_kept_is_read_back_by_another_process(spool):
    ledger = SpoolLedger(spool)
    ledger.record([AWAY], ["database_unreachable"])
    ledger.queue(["a"], "info")
    (one,) = ledger.claim(["a"])
    ledger.settle(one, Outcome("no"))
    ledger.note_settled(one)
    again = spool.read()
    assert again == ledger._kept
    assert again.alerts[0].sentence == AWAY.sentence
    assert again.deliveries[0].problem == "no"
    spool.clear()
    spool.clear()
    assert spool.read().alerts == []


def test_what_is_open_in_the_database_is_not_opened_here(spool):
    spool.remember([("run_failed", "score")])
    ledger = SpoolLedger(spool)
    ledger.record([Alert("run_failed", "score", "x"), AWAY], ["run_failed", "database_unreachable"])
    assert [one.kind for one in ledger.standing()] == ["database_unreachable"]
    ledger.record([AWAY], ["database_unreachable"])
    assert [one.times_seen for one in ledger.standing()] == [2]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"alerts": [{}]}', "\0"])
def test_a_torn_file_counts_as_none(spool, tmp_path, content):
    (tmp_path / "alerts").mkdir()
    for name in ("spool.json", "open.json"):
        (tmp_path / "alerts" / name).write_text(content)
    assert spool.read().alerts == []
    assert spool.standing() == set()
    SpoolLedger(spool).record([AWAY], ["database_unreachable"])
    assert len(spool.read().alerts) == 1


def test_on_a_full_disk_there_is_room_that_was_kept(spool, tmp_path, monkeypatch):
    spool.remember([])
    reserve = tmp_path / "alerts" / "reserve"
    assert reserve.stat().st_size == 64 * 1024
    write = module.replace_text

    def full(path, text):
        if reserve.exists() and path != reserve:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, text)

    monkeypatch.setattr(module, "replace_text", full)
    SpoolLedger(spool).record([AWAY], ["database_unreachable"])
    assert len(spool.read().alerts) == 1
    assert not reserve.exists()
    spool.remember([])
    assert reserve.exists()


def test_a_disk_that_takes_nothing_at_all_is_said(spool, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "replace_text", full)
    spool.remember([])
    with pytest.raises(StateUnusable, match=r"cannot be kept in .*No space left.*Make room"):
        SpoolLedger(spool).record([AWAY], ["database_unreachable"])


def test_one_process_at_a_time(spool):
    with spool.locked(0) as first, spool.locked(0.2) as second:
        assert (first, second) == (True, False)
    with spool.locked(0) as third:
        assert third


def test_a_clock_that_jumps_back_stops_no_delivery(spool):
    ledger = SpoolLedger(spool)
    ledger.record([AWAY], ["database_unreachable"])
    ledger.queue(["a"], "info")
    (one,) = ledger._kept.deliveries
    later = replace(one, next_attempt_at=one.next_attempt_at + timedelta(days=9))
    ledger._keep(replace(ledger._kept, deliveries=[later]))
    assert len(ledger.claim(["a"])) == 1
