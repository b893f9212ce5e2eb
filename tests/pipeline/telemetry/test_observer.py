"""Sinks that hang, fail or lie: a run ends as it would without them, and says what they did not."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from components.errors import DataGateStopped
from pipeline.alerts.sink_notes import note_sinks, read_notes
from pipeline.cli import run_cli
from pipeline.runs.attempt import attempted
from pipeline.runs.record import RunRecords
from pipeline.settings import load_settings
from pipeline.telemetry.pings import uuid_of
from tests.contract.conftest import query
from tests.pipeline.telemetry.conftest import eventually

TOKEN = "c0ffee-token-of-the-sink"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
HOLD = """
import time
from pipeline.runs.attempt import attempted
from pipeline.settings import load_settings
with attempted("score", load_settings()):
    print("at work", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(state_dir, monkeypatch):
    """Attempts to run, and returns the record and how long telling took in seconds."""
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def attempt(kind="score", error=None, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"TENS_INSIGHT_{name}", value)
        said, left = [], 0.0
        with (
            suppress(*[type(error)] if error else []),
            attempted(kind, load_settings(), on_wait=said.append) as one,
        ):
            left = time.monotonic()
            if error is not None:
                raise error
            one.complete(sentence="Published 7 account scores.")
        took = time.monotonic() - left
        (record,) = RunRecords(state_dir / "runs").newest(1)
        assert [f"Warning: {one}" for one in record.warnings] == said
        return record, took

    return attempt


def pinged(receiver):
    return {"PING_URLS": f'{{"any": "{receiver.url}/ping/{TOKEN}?create=1"}}'}


def test_a_run_pings_its_start_and_its_end_with_one_id(run, receiver):
    record, _ = run(**pinged(receiver))
    rid = uuid_of(record.run_id)
    assert [one.path for one in receiver.posts] == [
        f"/ping/{TOKEN}/start?create=1&rid={rid}",
        f"/ping/{TOKEN}?create=1&rid={rid}",
    ]
    assert b"complete, exit code 0" in receiver.posts[1].body


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (DataGateStopped("ACC-1 said 'sell everything'"), "/4"),
        (ValueError("ACC-1"), "/1"),
        (KeyboardInterrupt(), "/130"),
        (SystemExit(143), "/143"),
        (SystemExit(1000), "/fail"),
    ],
)
def test_a_run_that_fails_pings_its_exit_code_and_no_word_of_the_error(
    run, receiver, error, ending
):
    run(error=error, **pinged(receiver))
    assert receiver.paths() == [f"/ping/{TOKEN}/start", f"/ping/{TOKEN}{ending}"]
    body = receiver.posts[1].body.decode()
    assert type(error).__name__ in body
    assert "ACC-1" not in body
    assert "sell" not in body


def test_a_server_that_fails_for_a_moment_is_asked_once_more(run, receiver):
    receiver.first = [503, 200, 500]
    record, _ = run(**pinged(receiver))
    assert record.warnings == ()
    assert receiver.paths() == [*[f"/ping/{TOKEN}/start"] * 2, *[f"/ping/{TOKEN}"] * 2]


@pytest.mark.parametrize(("status", "times"), [(500, 2), (404, 1), (302, 1)])
def test_one_that_refuses_is_not_asked_for_long(run, receiver, status, times):
    receiver.status = status
    record, _ = run(**pinged(receiver))
    assert len(record.warnings) == 1
    assert len(receiver.posts) == 2 * times


def test_each_kind_of_run_has_its_own_check(run, receiver):
    urls = f'{{"train": "{receiver.url}/t", "score": "{receiver.url}/s/"}}'
    for kind in ("score", "train", "tune"):
        run(kind, PING_URLS=urls)
    assert receiver.paths() == ["/s/start", "/s", "/t/start", "/t"]


def test_an_attempt_beside_a_run_at_work_is_only_noted(run, receiver, state_dir, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_PING_URLS", f'{{"any": "{receiver.url}/hc"}}')
    with attempted("score", load_settings()) as one:
        eventually(lambda: receiver.posts)
        assert run_cli(["run", "score"]) == 9
        one.complete()
    assert receiver.paths() == ["/hc/start", "/hc/log", "/hc"]


def test_settings_that_are_refused_ping_too(run, receiver, monkeypatch):
    run(**pinged(receiver))
    monkeypatch.setenv("TENS_INSIGHT_HORIZON_DAYS", "-1")
    assert run_cli(["run", "train"]) == 6
    assert receiver.paths()[2:] == [f"/ping/{TOKEN}/6"]


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ({"status": 500}, ": it answered 500 Internal Server Error."),
        ({"status": 404}, ": it answered 404 Not Found."),
        (
            {"status": 301},
            ": it answered 301 Moved Permanently, a redirect, which is not followed.",
        ),
        ({"hangs_s": 60}, ": no answer within 0.5 s."),
        ({"drips": True}, "it was not done in time, and the run waits no longer."),
    ],
)
def test_a_server_that_fails_or_hangs_neither_fails_nor_holds_up_a_run(
    run, receiver, state_dir, does, said
):
    vars(receiver).update(does)
    timeout_s = 10 if "status" in does else 0.5
    everywhere = {
        "SINK_TIMEOUT_SECONDS": str(timeout_s),
        "PUSHGATEWAY_URL": f"http://user:{TOKEN}@127.0.0.1:{receiver.port}",
        "OPENLINEAGE_URL": receiver.url,
        "OPENLINEAGE_API_KEY": TOKEN,
        **pinged(receiver),
    }
    record, took = run(**everywhere)
    assert record.state == "complete"
    assert record.exit_code == 0
    assert took < 3 * timeout_s + 5
    names = ("ping", "pushgateway", "openlineage_url")
    assert sorted(one.split(":")[0] for one in record.warnings) == sorted(
        f"Sink {name}" for name in names
    )
    for warning in record.warnings:
        assert warning.endswith(said)
        assert "/ping/" not in warning
    notes = read_notes(state_dir / "alerts")
    assert sorted(name for name, note in notes.items() if note.problem) == sorted(names)
    assert not any("elsewhere" in one.path for one in receiver.posts)
    secret = TOKEN.encode()
    for path in state_dir.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/TOKEN", "http://127.0.0.1:1: no connection: Connection refused."),
        (
            "http://no-such-host.invalid/TOKEN",
            "http://no-such-host.invalid: its host name cannot be resolved.",
        ),
        ("https://127.0.0.1:{port}/TOKEN", ": TLS failed: "),
    ],
)
def test_a_server_that_is_not_there_is_told_without_its_address(run, receiver, url, said):
    address = url.format(port=receiver.port).replace("TOKEN", TOKEN)
    record, _ = run(PING_URLS=f'{{"any": "{address}"}}')
    (warning,) = record.warnings
    assert said in warning
    assert TOKEN not in warning


def test_a_sink_that_comes_back_is_told_as_well(run, receiver, state_dir):
    receiver.status = 503
    run(**pinged(receiver))
    run(**pinged(receiver))
    first = read_notes(state_dir / "alerts")["ping"]
    assert first.took_at is None
    assert "it answered 503" in first.problem
    receiver.status = 200
    record, _ = run(**pinged(receiver))
    assert record.warnings == ()
    second = read_notes(state_dir / "alerts")["ping"]
    assert second.problem == ""
    receiver.status = 503
    run(**pinged(receiver))
    third = read_notes(state_dir / "alerts")["ping"]
    assert third.took_at == second.took_at
    assert "it answered 503" in third.problem


def test_a_sink_that_fails_is_an_alert_until_it_takes_something_or_is_gone(
    migrated_database, state_dir, receiver, monkeypatch
):
    def run(kind="score"):
        with attempted(kind, load_settings()) as one:
            one.complete()

    def of_sinks():
        assert run_cli(["alerts", "check"]) == 0
        return query(
            migrated_database,
            "SELECT key, sentence, resolved_at IS NULL FROM tens_insight.alerts "
            "WHERE kind = 'sink_failed' ORDER BY first_seen",
        )

    monkeypatch.setenv("TENS_INSIGHT_PING_URLS", f'{{"score": "{receiver.url}/{TOKEN}"}}')
    receiver.status = 503
    run()
    run("tune")  # has no check: what is known of the other's stays
    ((key, sentence, is_open),) = of_sinks()
    assert key.startswith("ping of ")
    assert f"{receiver.url}: it answered 503 Service Unavailable. It is tried again." in sentence
    assert is_open
    assert TOKEN not in sentence
    receiver.status = 200
    run()
    assert [is_open for *_, is_open in of_sinks()] == [False]
    receiver.status = 500
    run()
    assert [is_open for *_, is_open in of_sinks()] == [False, True]
    monkeypatch.delenv("TENS_INSIGHT_PING_URLS")
    run()
    assert [is_open for *_, is_open in of_sinks()] == [False, False]
    assert read_notes(state_dir / "alerts") == {}


def test_two_that_note_sinks_at_once_lose_nothing(tmp_path):
    folder, names = tmp_path / "state" / "alerts", [f"sink{number}" for number in range(8)]
    folder.parent.mkdir()
    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(lambda name: note_sinks(folder, {name: "it is away"}), names))
    assert sorted(read_notes(folder)) == names


def test_torn_notes_count_as_none(run, receiver, state_dir):
    run(**pinged(receiver))
    for torn in ("", "{", "[]", '{"ping": 1}', '{"ping": {"problem": "x"}}'):
        (state_dir / "alerts/sinks.json").write_text(torn)
        assert read_notes(state_dir / "alerts") == {}
        run(**pinged(receiver))
        assert read_notes(state_dir / "alerts")["ping"].problem == ""


def test_the_textfile_is_readable_and_replaced_whole(run, tmp_path):
    file = tmp_path / "tens-insight.prom"
    record, _ = run(METRICS_TEXTFILE=str(file))
    assert record.warnings == ()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(tmp_path.glob("*.prom*")) == [file]
    text = file.read_text()
    assert 'tens_insight_run_success_timestamp_seconds{kind="score"} ' in text
    assert 'tens_insight_run_state{kind="score",state="complete"} 1.0\n' in text
    assert "tens_insight_database_up 0.0\n" in text


def test_a_disk_that_is_full_in_the_middle_leaves_the_old_textfile(run, tmp_path):
    file = tmp_path / "told" / "tens-insight.prom"
    file.parent.mkdir()
    run(METRICS_TEXTFILE=str(file))
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    settings = load_settings()
    from pipeline.telemetry.gather import gather
    from pipeline.telemetry.metric_sinks import send_metrics

    samples = gather(settings, ask_database=False).samples
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
        told = send_metrics(settings, samples)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)
    assert told == {"textfile": f"{file} cannot be written: {os.strerror(errno.EFBIG)}"}
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_fails_no_run(run, tmp_path):
    record, _ = run(
        METRICS_TEXTFILE=str(tmp_path / "none" / "a.prom"),
        OPENLINEAGE_FILE=str(tmp_path / "none" / "events.ndjson"),
    )
    assert record.state == "complete"
    assert sorted(record.warnings) == [
        f"Sink openlineage_file: {tmp_path}/none/events.ndjson cannot be written: No such file or "
        "directory.",
        f"Sink textfile: {tmp_path}/none/a.prom cannot be written: No such file or directory.",
    ]


def test_a_run_that_is_killed_leaves_a_start_and_the_last_success(
    run, receiver, state_dir, tmp_path, monkeypatch
):
    file = tmp_path / "tens-insight.prom"
    run(METRICS_TEXTFILE=str(file), **pinged(receiver))
    success = [line for line in file.read_text().splitlines() if "run_success" in line]
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "at work\n"
        eventually(lambda: 'state="running"} 1.0' in file.read_text())
        eventually(lambda: len(receiver.posts) == 3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert receiver.paths()[2:] == [f"/ping/{TOKEN}/start"]  # and no end: the check alerts
    text = file.read_text()
    assert [line for line in text.splitlines() if "run_success" in line] == success
    assert 'tens_insight_run_state{kind="score",state="running"} 1.0' in text
    assert run_cli(["metrics", "--send"]) == 0
    assert 'tens_insight_run_state{kind="score",state="killed"} 1.0' in file.read_text()


def test_two_runs_at_once_on_two_state_directories_write_one_whole_file(
    state_dir, tmp_path, monkeypatch
):
    file, events = tmp_path / "both.prom", tmp_path / "events.ndjson"
    monkeypatch.setenv("TENS_INSIGHT_METRICS_TEXTFILE", str(file))
    monkeypatch.setenv("TENS_INSIGHT_OPENLINEAGE_FILE", str(events))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with (
        attempted("score", load_settings(state_dir=state_dir / "a")) as first,
        attempted("train", load_settings(state_dir=state_dir / "b"), with_log=False) as second,
    ):
        second.complete()
        first.complete()
    assert file.read_text().endswith("\n")
    lines = events.read_text().splitlines()
    assert len(lines) == 4


def test_an_observer_that_raises_is_told_by_its_class_alone(run, monkeypatch):
    from pipeline.telemetry.observer import Telemetry

    def fails(*_):
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(Telemetry, "began", fails)
    monkeypatch.setattr(Telemetry, "ended", fails)
    record, _ = run()
    assert record.warnings == ("Telemetry failed with an unexpected RuntimeError.",)
