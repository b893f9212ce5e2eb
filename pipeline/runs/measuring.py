"""Time and memory of a node: resident memory as Linux counts it, of this whole process."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from components.registry.node_costs import NodeCost

_CLEAR: Final = Path("/proc/self/clear_refs")
_STATUS: Final = Path("/proc/self/status")
_RESET_PEAK: Final = "5"
"""proc(5): sets the peak, VmHWM, back to what is resident now."""
_KIB_PER_MIB: Final = 1024


def start_measuring() -> Callable[[str, str], NodeCost]:
    """Begins; returns a function of a node's name and outcome that ends it."""
    known, began = _reset_peak(), time.monotonic()

    def measured(name: str, outcome: str) -> NodeCost:
        seconds = time.monotonic() - began
        return NodeCost(name, outcome, round(seconds, 2), _peak_mib() if known else None)

    return measured


def _reset_peak() -> bool:
    """Returns whether there is such a count here."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _peak_mib() -> float | None:
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / _KIB_PER_MIB, 1)
    return None
