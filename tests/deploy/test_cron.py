"""The lines for cron, as cron would run them, with a program in tens-insight's place."""

import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "docs/deploy"


@pytest.fixture
def machine(tmp_path):
    """A folder with programs and an environment file, as the page asks for."""
    (tmp_path / "environment").write_text(
        f"DATABASE_URL='postgresql://db/x?a=1&b=2'\nTENS_INSIGHT_STATE_DIR={tmp_path}\n"
    )
    programs = {"tens-insight": 'echo "$DATABASE_URL $*"; exit 4', "chronic": 'exec "$@"'}
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def _jobs():
    """Schedule, user and command of each line."""
    lines = (DEPLOY / "cron/tens-insight").read_text().splitlines()
    jobs = [line.split(maxsplit=6) for line in lines if line[:1].isdigit() or line[:1] == "*"]
    return [(" ".join(job[:5]), job[5], job[6]) for job in jobs]


def _runs():
    return [job for job in _jobs() if " run " in job[2]]


def test_alerts_are_looked_for_every_few_minutes_and_tell_by_their_sinks_alone(machine):
    (job,) = [job for job in _jobs() if job not in _runs()]
    schedule, user, command = job
    assert (schedule, user) == ("*/5 * * * *", "tens-insight")
    (machine / "tens-insight").write_text(f"#!/bin/sh\necho $* > {machine}/asked; echo out >&2\n")
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("/etc/tens-insight", str(machine))],
        env={"PATH": f"{machine}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout + done.stderr == ""  # cron would mail it every five minutes
    assert (machine / "asked").read_text() == "alerts check\n"


@pytest.mark.parametrize(("schedule", "user", "command"), _runs())
def test_a_line_runs_its_command_with_the_environment(machine, schedule, user, command):
    assert schedule == "0 5 * * *"
    assert user == "tens-insight"
    assert "%" not in command  # cron would make it a newline
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("/etc/tens-insight", str(machine))],
        env={"PATH": f"{machine}:{DEPLOY}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    expected = "postgresql://db/x?a=1&b=2 run auto --wait\n"
    assert (done.stdout, done.returncode) == (expected, 4), done.stderr


def test_one_run_is_scheduled():
    assert len(_runs()) == 1
