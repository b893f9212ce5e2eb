"""Errors of libraries that can be foreseen become sentences with a documented code."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from components.errors import DataGateStopped, StateDirectoryBusy, StateUnusable
from pipeline.exit_codes import CONFIGURATION_INVALID, STATE_DIRECTORY_BUSY, exit_code
from pipeline.foreseen import foreseen, unreadable_input
from pipeline.registry.store_file import store_error
from pipeline.runners.errors import ClusterUnusable
from pipeline.runs.attempt import attempted
from pipeline.settings import load_settings

PROGRAM = Path(sys.executable).with_name("tens-insight")


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EACCES, errno.EROFS, errno.EIO]
)
def test_a_disk_that_takes_nothing_is_named(number: int) -> None:
    found = foreseen(OSError(number, "what the system says", "/state/metadata.sqlite"))
    assert isinstance(found, StateUnusable)
    assert "/state/metadata.sqlite: " in str(found)
    assert exit_code(found) == CONFIGURATION_INVALID


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("No space left on device; writing file x", CONFIGURATION_INVALID),
        ("database or disk is full", CONFIGURATION_INVALID),
        ("database disk image is malformed query: SELECT 1", CONFIGURATION_INVALID),
        ("database is locked", STATE_DIRECTORY_BUSY),
    ],
)
def test_what_libraries_say_without_a_number_is_known_inside_other_errors(
    said: str, code: int
) -> None:
    error = RuntimeError("while running a step")
    error.__cause__ = ValueError(said)
    found = foreseen(error)
    assert found is not None
    assert exit_code(found) == code


@pytest.mark.parametrize("error", [KeyError("a bug"), DataGateStopped("ours"), OSError(2, "gone")])
def test_what_is_not_known_stays_what_it_is(error: Exception) -> None:
    assert foreseen(error) is None


def test_a_full_disk_in_mid_run_is_kept_with_the_run(tmp_path: Path) -> None:
    settings = load_settings(state_dir=tmp_path)
    with pytest.raises(StateUnusable, match="Make room"), attempted("score", settings):
        raise OSError(errno.ENOSPC, "No space left on device")
    (record,) = tmp_path.glob("runs/*.json")
    content = json.loads(record.read_text())
    assert (content["exit_code"], content["error"]) == (CONFIGURATION_INVALID, "StateUnusable")
    assert "Traceback" in next(tmp_path.glob("logs/*")).read_text()


def test_an_input_that_is_gone_empty_or_unreadable_is_named(tmp_path: Path) -> None:
    inputs = {"StatisticsGen": str(tmp_path / "statistics")}
    bug = KeyError("a bug")
    assert "does not exist" in str(unreadable_input(bug, inputs))
    (tmp_path / "statistics").mkdir()
    assert "is empty" in str(unreadable_input(bug, inputs))
    (tmp_path / "statistics" / "file").touch()
    assert unreadable_input(bug, inputs) is None
    assert "cannot be read" in str(unreadable_input(ValueError(f"{tmp_path}/statistics"), inputs))
    assert "earlier runs kept" in str(unreadable_input(EOFError("ends early"), inputs))
    assert unreadable_input(EOFError("ends early"), {}) is None


def test_hyperparameters_that_are_gone_are_found_again_by_tuning(tmp_path: Path) -> None:
    gone = unreadable_input(KeyError("a bug"), {"ModelTuner (artifact 5)": f"{tmp_path}/none"})
    assert "`tens-insight run tune`" in str(gone)
    assert "TENS_INSIGHT_HYPERPARAMETERS=settings" in str(gone)
    assert "run train" not in str(gone)


def test_a_lock_is_not_damage() -> None:
    assert isinstance(store_error(Path("x"), "database is locked"), StateDirectoryBusy)
    assert isinstance(store_error(Path("x"), "malformed"), StateUnusable)


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("| true; exit ${PIPESTATUS[0]}", 0, ""),
        (">&-", 0, ""),
        (">&- 2>&- <&-", 0, ""),
        (">/dev/full", 6, "Standard output could not be written: No space left on device"),
        ("--json >/dev/full", 2, ""),
        ("2>/dev/full", 0, ""),
    ],
)
def test_output_that_nobody_takes_leaves_the_code_of_the_work(
    ending: str, code: int, said: str
) -> None:
    command = f"{PROGRAM} --version {ending}"
    if "--json" in ending:
        command = f"{PROGRAM} status --no-such {ending}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def java_missing() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "No such file or directory", "java")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (grpc.FutureTimeoutError(), "does not answer (FutureTimeoutError). Run `tens-insight clu"),
        (
            RuntimeError("Pipeline job-1 failed in state FAILED: no slots"),
            "gave up a job: ...Pipel",
        ),
        (RuntimeError("Service failed to start up with error 1"), "has no job server: Service fai"),
        (java_missing(), "it needs Java, and `java` is not on PATH"),
        (
            RuntimeError("Pipeline j failed in state FAILED: MemoryError [while running 'Score']"),
            "TENS_INSIGHT_BEAM_WORKER_MEMORY_MB higher, or TENS_INSIGHT_ROWS_PER_BUCKET lower",
        ),
    ],
)
def test_what_an_engine_says_is_known(error: Exception, said: str) -> None:
    found = foreseen(error)
    assert isinstance(found, ClusterUnusable)
    assert said in str(found)


def test_an_error_of_the_code_in_a_worker_stays_unexpected() -> None:
    text = "Pipeline job-1 failed in state FAILED: KeyError: 3 [while running 'ScoreShards']"
    assert foreseen(RuntimeError(text)) is None
