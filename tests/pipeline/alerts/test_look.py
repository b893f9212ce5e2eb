"""Looking at an installation: by a run, by a timer, by two at once, without a database."""

import json
import threading
import time
from contextlib import closing

import psycopg2
import pytest

from components.alerts import outbox
from components.errors import ContractBroken, DatabaseUnreachable
from pipeline.alerts.look import Asked, look
from pipeline.cli import run_cli
from pipeline.settings import load_settings
from tests.contract.conftest import execute, query
from tests.pipeline.alerts.conftest import TOKEN
from tests.pipeline.test_status import run_ends

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
BROKEN = ContractBroken("A table is missing.")


def open_kinds(url):
    return query(url, "SELECT kind FROM tens_insight.alerts WHERE resolved_at IS NULL ORDER BY 1")


def test_a_run_tells_of_itself_at_its_end(installation, told):
    run_ends(BROKEN)
    assert told() == [("opened", "run_failed")]
    run_ends(BROKEN)
    assert told() == []
    ((seen,),) = query(installation, "SELECT times_seen FROM tens_insight.alerts")
    assert seen >= 2
    run_ends()
    assert told() == [("resolved", "run_failed")]


def test_an_outage_is_told_once_from_the_state_directory_and_ends_once(
    installation, told, monkeypatch, capsys
):
    with monkeypatch.context() as away:
        away.setenv("DATABASE_URL", NOWHERE)
        for _ in range(3):
            assert run_cli(["alerts", "check"]) == 5
        run_ends(DatabaseUnreachable("No database answers."))
        assert told() == [("opened", "database_unreachable")]
        assert "could not be used: No database answers at" in capsys.readouterr().err
        assert run_cli(["alerts"]) == 5
        assert "database_unreachable" in capsys.readouterr().err
    assert run_cli(["alerts", "check"]) == 0
    assert open_kinds(installation) == [("database_unreachable",)]  # the run of today is missing
    assert told() == []
    run_ends()
    assert told() == [("resolved", "database_unreachable")]
    rows = query(installation, "SELECT kind, times_seen FROM tens_insight.alerts")
    assert [kind for kind, _ in rows] == ["database_unreachable"]
    assert rows[0][1] >= 5


def test_what_was_open_before_an_outage_is_not_told_again(installation, told, monkeypatch):
    run_ends(BROKEN)
    assert told() == [("opened", "run_failed")]
    with monkeypatch.context() as away:
        away.setenv("DATABASE_URL", NOWHERE)
        look(load_settings())
        assert told() == [("opened", "database_unreachable")]
    look(load_settings())
    assert told() == [("resolved", "database_unreachable")]


def test_a_database_that_goes_away_after_a_delivery_hears_of_it_later(
    installation, told, monkeypatch
):
    settle, cut = outbox.settle, []

    def lose(cursor, *arguments):
        if not cut:
            cut.append(cursor.connection)
            cursor.connection.close()
        return settle(cursor, *arguments)

    monkeypatch.setattr(outbox, "settle", lose)
    run_ends(BROKEN)
    assert told() == [("opened", "run_failed"), ("opened", "database_unreachable")]
    execute(installation, "UPDATE tens_insight.alert_deliveries SET next_attempt_at = now()")
    look(load_settings())
    assert told() == [("resolved", "database_unreachable")]
    run_ends()
    assert told() == [("resolved", "run_failed")]


def test_two_that_look_at_once_tell_once(installation, told, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_ALERT_DISK_FREE_PERCENT", "100")
    settings, start = load_settings(), threading.Barrier(3)

    def at_once():
        start.wait()
        look(settings)

    threads = [threading.Thread(target=at_once) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert told() == [("opened", "disk_nearly_full")]


def test_machines_that_look_at_once_tell_once(installation, told, monkeypatch, tmp_path):
    """Two state directories on one database: the lock and the index of the database."""
    run = "UPDATE tens_insight.publications SET as_of = as_of - interval '60 hours'"
    execute(installation, run)
    start, both = threading.Barrier(2), []
    for name in ("a", "b"):
        monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / name))
        both.append(load_settings())

    def at_once(settings):
        start.wait()
        look(settings)

    threads = [threading.Thread(target=at_once, args=(one,)) for one in both]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert told() == [("opened", "scores_stale")]


def test_one_machine_does_not_resolve_what_is_true_of_another(
    installation, told, monkeypatch, tmp_path
):
    monkeypatch.setenv("TENS_INSIGHT_ALERT_DISK_FREE_PERCENT", "100")
    look(load_settings())
    monkeypatch.setenv("TENS_INSIGHT_ALERT_DISK_FREE_PERCENT", "0")
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "other"))
    look(load_settings())
    assert told() == [("opened", "disk_nearly_full")]


def test_an_answer_byte_by_byte_is_no_answer(installation, http):
    http.answers = ["drip"]
    execute(installation, "UPDATE tens_insight.publications SET as_of = as_of - interval '9 days'")
    began = time.monotonic()
    found = look(load_settings(), Asked(within_s=1.5))
    assert time.monotonic() - began < 4
    assert found.problems == {"webhook": "it did not answer in time"}


def test_a_dead_sink_is_told_by_the_others_and_its_end_too(
    installation, http, tmp_path, capsys, monkeypatch
):
    http.answers = [(500, {})]
    got = tmp_path / "got"
    monkeypatch.setenv("TENS_INSIGHT_ALERT_COMMAND", json.dumps(["sh", "-c", f"cat >> {got}"]))
    execute(installation, "UPDATE tens_insight.publications SET as_of = now() - interval '9 days'")
    assert run_cli(["alerts", "check"]) == 11
    assert f"Sink webhook failed: {http.url}: it answered 500" in capsys.readouterr().err
    assert run_cli(["alerts", "check"]) == 0  # nothing was due
    http.answers = [(200, {})]
    assert run_cli(["alerts", "test", "webhook"]) == 0
    look(load_settings())
    found = [json.loads(line) for line in got.read_text().splitlines()]
    assert [(one["kind"], one["event"]) for one in found] == [
        ("scores_stale", "opened"),
        ("sink_failed", "opened"),
        ("sink_failed", "resolved"),
    ]
    assert "it answered 500 Internal Server Error" in found[1]["sentence"]


def test_a_sink_of_metrics_that_fails_is_told_with_the_run(installation, told, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_PUSHGATEWAY_URL", "http://127.0.0.1:1")
    run_ends()
    assert told() == [("opened", "sink_failed")]
    (warnings,) = query(
        installation, "SELECT warnings FROM tens_insight.runs ORDER BY started_at DESC LIMIT 1"
    )
    assert "Sink pushgateway" in str(warnings)
    look(load_settings())
    monkeypatch.delenv("TENS_INSIGHT_PUSHGATEWAY_URL")
    run_ends()
    look(load_settings())
    assert told() == [("resolved", "sink_failed")]


def test_a_sink_that_fails_is_a_warning_of_the_run(installation, http):
    http.answers = [(500, {})]
    run_ends(BROKEN)
    (warnings,) = query(
        installation, "SELECT warnings FROM tens_insight.runs ORDER BY started_at DESC LIMIT 1"
    )
    assert f"Sink webhook: {http.url}: it answered 500 Internal Server Error." in warnings[0]


def test_secrets_are_in_no_log_table_file_or_message(installation, http, capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_ALERT_ALERTMANAGER_URL", f"http://ann:{TOKEN}@127.0.0.1:1/x")
    monkeypatch.setenv("TENS_INSIGHT_ALERT_SMTP_PASSWORD", TOKEN)
    http.answers = [(500, {TOKEN: TOKEN})]
    run_ends(BROKEN)
    assert run_cli(["alerts", "check"]) in (0, 11)
    for command in (["alerts"], ["alerts", "--json"], ["alerts", "test", "webhook"]):
        run_cli(command)
    assert run_cli(["explain-config"]) == 0
    assert run_cli(["explain-config", "--json"]) == 0
    monkeypatch.setenv("TENS_INSIGHT_ALERT_WEBHOOK_URL", f"ftp://x/{TOKEN}")
    assert run_cli(["alerts", "check"]) == 6
    monkeypatch.setenv("TENS_INSIGHT_ALERT_WEBHOOK_URL", f" http://x/{TOKEN}")
    assert run_cli(["status", "--json"]) == 6
    captured = capsys.readouterr()
    assert "webhook" in captured.out
    said = [captured.out, captured.err, repr(load_settings.__module__)]
    state = load_settings_without(monkeypatch).state_dir
    said += [path.read_text() for path in state.rglob("*") if path.is_file()]
    for table in ("alerts", "alert_deliveries", "runs"):
        said.append(str(query(installation, f"SELECT * FROM tens_insight.{table}")))
    assert "it answered 500" in said[-2]
    assert not [one for one in said if TOKEN in one]


def load_settings_without(monkeypatch):
    monkeypatch.delenv("TENS_INSIGHT_ALERT_WEBHOOK_URL")
    return load_settings()


def test_a_file_of_settings_that_cannot_be_read_shows_no_line(monkeypatch, tmp_path, capsys):
    file = tmp_path / "settings.yaml"
    file.write_text(f"alert_webhook_url: http://x/{TOKEN}: [\n")
    monkeypatch.setenv("TENS_INSIGHT_CONFIG", str(file))
    assert run_cli(["status"]) == 6
    said = capsys.readouterr().err
    assert "line 1, column" in said
    assert TOKEN not in said


def test_settings_know_no_secret_by_heart(installation, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_ALERT_SMTP_PASSWORD", TOKEN)
    settings = load_settings()
    assert TOKEN not in repr(settings)
    assert not any(name.startswith("alert_") for name in settings.portable())
    assert settings.plain_value("alert_smtp_password") == "**********"


def test_a_wrong_setting_of_something_else_does_not_silence_alerts(
    installation, told, monkeypatch, capsys
):
    monkeypatch.setenv("TENS_INSIGHT_HORIZON_DAYS", "0")
    assert run_cli(["run", "score"]) == 6
    assert told() == [("opened", "run_failed")]
    assert run_cli(["alerts", "check"]) == 6
    assert told() == []


def test_ids_of_accounts_are_told_to_nobody(installation, http):
    run_ends(ContractBroken('A trigger said: A7, (A12) and "A13" are wrong; ABC is not.'))
    (body,) = http.bodies
    assert "A trigger said: '...', ('...') and '...' are wrong; ABC is not." in json.dumps(
        body["attachments"][0]["text"], ensure_ascii=False
    )


def test_a_message_with_anything_in_it_arrives(installation, http, capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_ALERT_COMMAND", json.dumps(["sh", "-c", "cat >/dev/null"]))
    run_ends(ContractBroken('Größe\n数 "x\n" \x00 \u2028 {}%s <b> it\'s' + "y" * 5000))
    (body,) = http.bodies
    assert "Größe 数 '...'" in body["attachments"][0]["text"]
    assert run_cli(["alerts"]) == 0
    out = capsys.readouterr().out
    assert "\u2028" not in out


def test_the_list_fits_a_terminal(installation, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TENS_INSIGHT_ALERT_DISK_FREE_PERCENT", "100")
    assert run_cli(["alerts"]) == 0
    assert capsys.readouterr().out == "No alert is open.\n"
    run_ends(ContractBroken("A table is missing. " * 9))
    look(load_settings())
    assert run_cli(["alerts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[:3] == ["severity", "kind", "about"]
    assert "  what to do: docs/operations.md#run_failed" in lines
    run_ends()
    assert run_cli(["alerts", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["alerts"]
    assert [one["kind"] for one in shown] == ["disk_nearly_full"]
    assert run_cli(["alerts", "--all"]) == 0
    assert "run_failed" in capsys.readouterr().out
    assert run_cli(["alerts", "--all", "check"]) == 2
    assert run_cli(["alerts", "check", "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["open"][0]["evidence"]["limit_percent"] == 100
    assert checked["exit"] == 0


def test_a_sink_that_is_not_set_cannot_be_tried(installation, capsys):
    assert run_cli(["alerts", "test", "email"]) == 6
    assert "set TENS_INSIGHT_ALERT_EMAIL_TO" in capsys.readouterr().err
    assert run_cli(["alerts", "test", "fax"]) == 2


def test_a_lock_that_another_holds_is_said(installation, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.alerts.look._WAIT_S", 0.2)
    with closing(psycopg2.connect(installation)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('tens-insight alerts', 0))")
        assert run_cli(["alerts", "check"]) == 9
    assert "Another process is looking" in capsys.readouterr().out


@pytest.mark.parametrize("table", ["alerts", "alert_deliveries"])
def test_without_its_tables_alerts_are_kept_until_they_are_there(installation, told, table, capsys):
    execute(installation, f"DROP TABLE tens_insight.{table}")
    assert run_cli(["alerts", "check"]) == 5
    assert told() == [("opened", "database_unreachable")]
    assert "db init" in capsys.readouterr().err
    assert run_cli(["db", "init"]) == 0
    assert run_cli(["alerts", "check"]) == 0
    assert told() == [("resolved", "database_unreachable")]
