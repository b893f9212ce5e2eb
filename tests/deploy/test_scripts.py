"""The two scripts that schedulers call, on commands that fail."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "docs/deploy"


def _attempt(folder, code, until=99):
    """Runs a command that ends with a code until it is called for so many times; counts calls."""
    calls = folder / "calls"
    script = f'echo x >>"{calls}"; [ "$(wc -l <"{calls}")" -le {until} ] && exit {code}; exit 0'
    done = subprocess.run(
        [DEPLOY / "attempt.sh", "sh", "-c", script],
        env={**os.environ, "ATTEMPT_PAUSE": "0"},
        capture_output=True,
        text=True,
    )
    return done.returncode, len(calls.read_text().splitlines())


@pytest.mark.parametrize("code", [0, 1, 3, 4, 8, 130])
def test_a_code_that_would_come_back_is_passed_on(tmp_path, code):
    assert _attempt(tmp_path, code) == (code, 1)


def test_an_unreachable_database_is_tried_four_times(tmp_path):
    assert _attempt(tmp_path, 5) == (5, 4)


def test_a_database_that_comes_back_is_found(tmp_path):
    assert _attempt(tmp_path, 5, until=2) == (0, 3)


def _repeat(days, moment, *command):
    return subprocess.Popen(
        [DEPLOY / "compose/repeat.sh", days, moment, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # No shell can trap what was ignored when it began, as where tests run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_a_command_is_repeated_whatever_became_of_it():
    with _repeat("1", "1 second", "sh", "-c", "echo ran; exit 4") as loop:
        lines = [loop.stdout.readline().strip() for _ in range(5)]
        loop.terminate()
        assert loop.wait(timeout=5) == 143
    assert [lines[1], lines[4]] == ["ran", "ran"]
    assert lines[2].endswith("ended with code 4.")


def test_a_moment_that_has_passed_waits_for_the_next_turn():
    with _repeat("7", "1 hour ago", "false") as loop:
        said = loop.stdout.readline().split()[0]
        loop.terminate()
    due = time.mktime(time.strptime(said, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert due == pytest.approx(time.time() + 7 * 86400 - 3600, abs=10)


@pytest.mark.parametrize("pause", [n / 5000 for n in range(10)])
def test_a_signal_as_the_wait_begins_is_not_lost(pause):
    with _repeat("7", "1 hour ago", "false") as loop:
        loop.stdout.readline()
        time.sleep(pause)
        loop.terminate()
        assert loop.wait(timeout=5) == 143


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_too(end):
    with _repeat("1", "1 second", "sh", "-c", "echo $$; exec sleep 30") as loop:
        loop.stdout.readline()
        running = int(loop.stdout.readline())
        loop.send_signal(end)
        loop.wait(timeout=5)
    with pytest.raises(ProcessLookupError):
        os.kill(running, 0)


def test_a_moment_that_is_none_is_refused():
    with _repeat("1", "at noon or so", "true") as loop:
        assert loop.wait(timeout=5) == 2
