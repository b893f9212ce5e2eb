"""Kills, cuts and restarts, again and again: `make torture`. Nothing is trained.

    python -m bench.torture [--only "kill -9 in undo"] [--share 0.1]

Each campaign strikes at random moments of a publication, an undo or a reading on a database
server of its own, and looks at the tables after each blow. It ends with exit code 1 unless every
campaign struck as often as it should, and no table was mixed, no row lost and nothing published
twice. What survives what is in docs/reliability.md.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.torture_blows import (
    Tally,
    cut_publishing,
    kill_publishing,
    kill_undo,
    restart_in_publishing,
    terminate_readers,
)
from bench.torture_files import break_state_files, fill_disk
from bench.torture_ground import Ground


@dataclass(frozen=True)
class Campaign:
    """One kind of blow.

    Attributes:
        name: What is done.
        times: How often at least.
        strike: Does it so often, and counts what came of it.
    """

    name: str
    times: int
    strike: Callable[[Ground, int], Tally]


CAMPAIGNS: Final = (
    Campaign("kill -9 in publishing", 300, kill_publishing),
    Campaign("kill -9 in undo", 60, kill_undo),
    Campaign("connection cut in publishing", 60, cut_publishing),
    Campaign("server restarted in publishing", 30, restart_in_publishing),
    Campaign("backend ended in reading", 30, terminate_readers),
    Campaign("each state file broken", 36, break_state_files),
    Campaign("disk full in a run", 18, fill_disk),
)
"""One more campaign is one more line here, and a function from ground and times to a tally."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the campaigns and prints a line for each; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--only", choices=[campaign.name for campaign in CAMPAIGNS])
    parser.add_argument("--share", type=float, default=1.0, help="fraction of the times, for a try")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    folder.chmod(0o711)  # as root the server runs as nobody, who must pass to its own folder
    ground = Ground(folder)
    print(f"{'campaign':32}{'struck':>8}{'mixed':>8}{'lost':>8}{'twice':>8}{'other':>8}{'s':>8}")
    sound = True
    try:
        ground.prepare()
        for campaign in CAMPAIGNS:
            if options.only in (None, campaign.name):
                times = max(1, round(campaign.times * options.share))
                sound &= _run(campaign, ground, times)
    finally:
        ground.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("Nothing was mixed, lost or published twice." if sound else "NOT SOUND.")
    return 0 if sound else 1


def _run(campaign: Campaign, ground: Ground, times: int) -> bool:
    began = time.monotonic()
    tally = campaign.strike(ground, times)
    counts = (tally.struck, tally.mixed, tally.lost, tally.twice, len(tally.others))
    took = time.monotonic() - began
    print(f"{campaign.name:32}{''.join(f'{count:8}' for count in counts)}{took:8.0f}", flush=True)
    for other in tally.others[:5]:
        print(f"    {other}")
    if tally.skipped:
        print(f"    skipped: {tally.skipped}")
        return tally.sound
    return tally.sound and tally.struck >= times


if __name__ == "__main__":
    sys.exit(main())
