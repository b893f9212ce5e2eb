"""Which code decided measured figures: the pipeline's, and the benchmark's own."""

import subprocess
from pathlib import Path

from pipeline.code_version import hash_sources

ROOT = Path(__file__).parents[1]
ROOMS = ("transforms", "serving_model", "components", "pipeline", "bench")


def fingerprint() -> str:
    """Returns 12 hexadecimal digits of the hash of all sources."""
    return hash_sources({room: ROOT / room for room in ROOMS})


def commit() -> str:
    """Returns the commit that is checked out, and whether sources differ from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--", *ROOMS)
    return f"{head}, with changes that are not committed" if changed else head


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
