"""The memory of this process: what it takes, and how what was freed goes back to the system.

The C library keeps what was freed for the next request of the same size, and what refers to itself
waits for the collector: what comes next would have all of it below its own.
"""

import ctypes
import gc
from pathlib import Path
from typing import Final

LARGE_MIB: Final = 1536
"""Resident memory above which it is given back within a run: no small run gets there."""
_STATUS: Final = Path("/proc/self/status")
_KIB_PER_MIB: Final = 1024


def status_mib(field: str) -> float | None:
    """Returns a field of proc_pid_status(5), such as VmRSS, in MiB; None where there is none."""
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return round(int(line.split()[1]) / _KIB_PER_MIB, 1)
    return None


def release_memory() -> None:
    """Collects and gives back what was freed, if this process is large."""
    if (status_mib("VmRSS") or 0) >= LARGE_MIB:
        gc.collect()
        give_back()


def give_back() -> None:
    """Gives back what the C library keeps of what was freed."""
    # Not every C library has it.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
