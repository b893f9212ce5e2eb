"""Where the repository is, and the roots that are made from it."""

import os
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
ROOTS: Final = Path(os.environ.get("REPLAY_ROOT") or CACHE / "tens-insight/image")


def root_of(stage: str) -> Path:
    """Returns the root of a stage by its name, "" for the last one."""
    return ROOTS / (stage or "image")
