"""The campaigns of `make torture` in small, and that they tell what they find."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import torture
from bench.torture_blows import Tally
from bench.torture_ground import ROWS, Look
from tests.server_folder import make_server_folder


@pytest.mark.slow
def test_each_campaign_strikes_and_finds_nothing() -> None:
    # In a process of its own: it forks, which threads of the tests would not survive.
    folder = make_server_folder("torture")
    done = subprocess.run(
        [sys.executable, "-m", "bench.torture", "--share", "0.01"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    shutil.rmtree(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    told = [line for line in lines[1:-1] if not line.startswith("    skipped: ")]
    assert [line[:32].strip() for line in told] == [one.name for one in torture.CAMPAIGNS]
    assert all(int(line[32:40]) >= 1 for line in told[:-1])
    # Not every machine lets a file system be mounted.
    assert int(told[-1][32:40]) == 1 or "    skipped: " in done.stdout


@pytest.mark.parametrize(
    ("look", "found"),
    [
        (Look(None, 0, 0), "mixed"),
        (Look(7, ROWS - 3, 0), "lost"),
        (Look(7, ROWS, 1), "twice"),
        (Look(5, ROWS, 0), "others"),
    ],
)
def test_what_is_wrong_is_counted_and_fails(
    look: Look, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally(struck=9)
    tally.see(look, {7})
    assert getattr(tally, found)
    assert not tally.sound
    campaign = torture.Campaign("made up", 9, lambda ground, times: tally)
    assert not torture._run(campaign, None, 9)  # type: ignore[arg-type]
    assert "made up" in capsys.readouterr().out


def test_too_few_blows_are_a_failure() -> None:
    campaign = torture.Campaign("made up", 9, lambda ground, times: Tally(struck=8))
    assert not torture._run(campaign, None, 9)  # type: ignore[arg-type]
