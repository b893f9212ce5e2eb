"""What a database server uses of processors, read from Linux."""

import os
from pathlib import Path


class ServerClock:
    """What a server has used of processors.

    Args:
        data: Its data folder.
    """

    def __init__(self, data: Path) -> None:
        self._postmaster = int((data / "postmaster.pid").read_text().split()[0])

    def seconds(self) -> float:
        """Returns user and system time of all its processes, those that have ended too."""
        children = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children").read_text()
        ticks = sum(_ticks(self._postmaster)) + sum(
            own for own, _ in (_ticks(int(child)) for child in children.split())
        )
        return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> tuple[int, int]:
    """Clock ticks of a process, and of its children that it has waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0  # it has ended, and its parent has counted it
    user, system, of_children, system_of_children = map(int, fields[11:15])
    return user + system, of_children + system_of_children
