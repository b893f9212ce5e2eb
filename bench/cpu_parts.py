"""CPU seconds of a benchmark, part by part."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


class CpuParts:
    """Counts what this process uses, and what its children used that have ended.

    A database server is no child of it: its time is not counted.

    Attributes:
        seconds: By name of the part, in the order in which parts began.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Counts the body of a `with` for a part, beside what was counted for it before."""
        before = _used()
        self.seconds.setdefault(name, 0.0)
        try:
            yield
        finally:
            self.seconds[name] += _used() - before


def _used() -> float:
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in each)
