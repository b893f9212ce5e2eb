"""Processes that are left running end when they are told to, and no others."""

import os
import sys

import pytest

from pipeline.runners import processes
from pipeline.runners.errors import ClusterUnusable
from pipeline.runners.processes import Background

DEAF = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def started(log, code):
    return processes.start("helper", [sys.executable, "-c", code], log, os.environ)


def test_one_that_does_not_listen_to_signals_is_killed(log, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE_S", 0.3)
    one = started(log, f"{DEAF}; time.sleep(60)")
    processes.wait_for(one, log, lambda: log.read_text() != "", 30, "printed")
    assert one.alive
    assert processes.stop([one]) == ["helper"]
    assert not one.alive
    assert processes.stop([one]) == []


def test_a_number_that_another_process_has_now_is_left_alone():
    other = Background("helper", os.getpid(), born="1")
    assert not other.alive
    assert processes.stop([other]) == []


def test_one_that_ends_is_told_with_the_end_of_its_log(log):
    one = started(log, "print('no room left'); raise SystemExit(3)")
    with pytest.raises(ClusterUnusable, match="helper ended before listening.*no room left"):
        processes.wait_for(one, log, lambda: False, 30, "listening")


def test_a_program_that_is_not_there_is_told(log):
    with pytest.raises(ClusterUnusable, match="helper cannot be started: .*no-such-program"):
        processes.start("helper", ["no-such-program"], log, {})


def test_what_was_started_is_kept(tmp_path):
    path = tmp_path / "cluster.json"
    assert processes.read(path) == ([], {})
    kept = [Background("helper", 7, "12")]
    processes.write(path, kept, {"beam_runner": "flink"})
    assert processes.read(path) == (kept, {"beam_runner": "flink"})
    path.write_text('{"processes": 3}')
    with pytest.raises(ClusterUnusable, match="does not hold what `tens-insight cluster start`"):
        processes.read(path)
