"""The first look at the database, begun while the process still loads TFX.

A large table keeps the server busy for a second, and nothing of it needs TFX. The snapshot is taken
then, and is that of the run. Who finds no plan of the same request makes one, such as a node in a
process of its own, and where the early one failed: so errors, and what is tried again, are those of
the node.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from components.feedback_example_gen.read_plan import ReadPlan, plan_reading
from components.feedback_example_gen.reading.database_snapshot import (
    DatabaseSnapshot,
    exported_snapshot,
)
from components.feedback_example_gen.request import ReadRequest

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Early:
    """A plan that was begun.

    Attributes:
        request: Of which.
        ended: Set when it has ended.
        found: The snapshot, and the plan inside it; None if that failed.
        snapshot: Holds the snapshot until it is closed.
        is_left: Whether nobody will take it any more.
    """

    request: ReadRequest
    ended: threading.Event = field(default_factory=threading.Event)
    found: tuple[DatabaseSnapshot, ReadPlan] | None = None
    snapshot: ExitStack = field(default_factory=ExitStack)
    is_left: bool = False


_begun: Final[list[_Early]] = []


@contextmanager
def planned_early(request: ReadRequest) -> Iterator[None]:
    """Lets the reading of a request be planned beside its block, in which the node takes the plan.

    Neither the end of the process nor that of a block that did not come to the node waits for the
    thread: of a plan that nobody took, the block or the thread, whichever ends last, closes the
    snapshot.

    Args:
        request: What the node will ask for.
    """
    early = _Early(request)
    _begun[:] = [early]
    threading.Thread(target=_work, args=(early,), name="early plan", daemon=True).start()
    try:
        yield
    finally:
        if early in _begun:
            _begun.clear()
            early.is_left = True
            if early.ended.is_set():
                early.snapshot.close()


@contextmanager
def planned_reading(request: ReadRequest) -> Iterator[tuple[DatabaseSnapshot, ReadPlan]]:
    """Yields the plan of a run and the snapshot that it was made in, which ends with the block.

    Args:
        request: What is asked for.

    Raises:
        DatabaseUnreachable: No connection, or the server went away.
        ContractBroken: As plan_reading.
        DataGateStopped: As plan_reading.
    """
    for early in list(_begun):
        if early.request != request:
            continue
        early.ended.wait()
        _begun.clear()
        if early.found is not None:
            with early.snapshot:
                yield early.found
            return
    with exported_snapshot() as snapshot:
        yield snapshot, plan_reading(snapshot, request)


def _work(early: _Early) -> None:
    try:
        snapshot = early.snapshot.enter_context(exported_snapshot())
        early.found = snapshot, plan_reading(snapshot, early.request)
    except Exception as error:  # whatever it is: the node tries again, and tells it
        early.snapshot.close()
        _log.info("The reading was not planned early: %s", error)
    early.ended.set()
    if early.is_left:
        early.snapshot.close()
