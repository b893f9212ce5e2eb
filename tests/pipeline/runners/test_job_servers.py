"""What Beam started for a command ends with it."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.runners.job_servers import end_job_servers

_RUN = """
import sys, types
from apache_beam.utils.subprocess_server import SubprocessServer
import pipeline.cli

def run_cli(arguments):
    for _ in range(2):
        process, _ = SubprocessServer(None, ["sleep", arguments[0]]).start_process()
        print(process.pid)
    return 3

pipeline.cli.run_cli = run_cli
sys.modules["tensorflow"] = types.ModuleType("tensorflow")  # nothing of it is called
pipeline.cli.main()
"""


def test_the_end_of_a_command_ends_them() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "300"], stdout=subprocess.PIPE, text=True, timeout=100
    )
    assert done.returncode == 3
    started = [Path(f"/proc/{pid}/cmdline") for pid in done.stdout.split()]
    assert started
    assert not [one for one in started if one.exists() and b"300" in one.read_bytes()]


def test_who_started_none_needs_no_beam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "apache_beam.utils.subprocess_server", raising=False)
    end_job_servers()
    assert "apache_beam.utils.subprocess_server" not in sys.modules
