"""What a run does about alerts at its end: it looks, and waits for that a short while at most."""

import queue
import sys
import threading
from typing import Final

from components.alerts.alert import FOREIGN_WRITER
from components.alerts.spool import Spool
from components.errors import TensInsightError
from components.postgres.address import METADATA_URL_VARIABLE
from pipeline.alerts.look import Asked, alerts_folder, look
from pipeline.runs.record import NOT_STARTED, RunRecord
from pipeline.settings import Settings

_WITHIN_S: Final = 8.0
_LONGEST_S: Final = 15.0
"""A run is never longer by more than that; what was not delivered by then waits in the outbox."""
_NO_ANSWER: Final = ("ServerNotAnswering", "DatabaseUnreachable")


def look_after_run(settings: Settings, run: RunRecord) -> tuple[str, ...]:
    """Looks at the installation after a run; nothing that fails here fails the run.

    Args:
        settings: Of the run.
        run: Its record, as it was written.

    Returns:
        What could not be done, a sentence each, without secrets.
    """
    if run.state == NOT_STARTED:  # the run that is at work looks at its end
        return ()
    said: queue.Queue[tuple[str, ...]] = queue.Queue()
    # A daemon: the process does not wait for one that hangs.
    threading.Thread(
        target=lambda: said.put(_look(settings, run)), name="alerts", daemon=True
    ).start()
    try:
        return said.get(timeout=_LONGEST_S)
    except queue.Empty:
        return ("Looking for alerts takes longer than the run waits for.",)


def _look(settings: Settings, run: RunRecord) -> tuple[str, ...]:
    try:
        found = look(settings, _asked(settings, run))
    except TensInsightError as error:
        return (f"Nobody looked for alerts after the run: {error}",)
    except Exception as error:  # its text may hold anything
        return (f"Nobody looked for alerts after the run: an unexpected {type(error).__name__}.",)
    return tuple(f"Sink {name}: {told}." for name, told in found.problems.items() if told)


def _asked(settings: Settings, run: RunRecord) -> Asked:
    """A run has just published: tables are compared where they were not as published before."""
    standing = Spool(alerts_folder(settings)).standing()
    gone = run.error in _NO_ANSWER and METADATA_URL_VARIABLE not in run.sentence
    return Asked(
        within_s=_WITHIN_S,
        compare=any(kind == FOREIGN_WRITER for kind, _ in standing),
        metadata="ml_metadata" in sys.modules,
        away=run.sentence if gone else "",
    )
