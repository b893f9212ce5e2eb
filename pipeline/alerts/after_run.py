"""What a run does about alerts at its end: it looks, and waits for that a short while at most."""

import logging
import sys
import threading
from typing import Final

from components.alerts.alert import FOREIGN_WRITER
from components.alerts.spool import Spool
from components.postgres.address import METADATA_URL_VARIABLE
from pipeline.alerts.look import Asked, alerts_folder, look
from pipeline.runs.record import NOT_STARTED, RunRecord
from pipeline.settings import Settings

_WITHIN_S: Final = 8.0
_LONGEST_S: Final = 15.0
"""A run is never longer by more than that; what was not delivered by then waits in the outbox."""
_NO_ANSWER: Final = ("ServerNotAnswering", "DatabaseUnreachable")
_log = logging.getLogger(__name__)


def look_after_run(settings: Settings, run: RunRecord) -> None:
    """Looks at the installation after a run; nothing that fails here fails the run.

    Args:
        settings: Of the run.
        run: Its record, as it was written.
    """
    if run.state == NOT_STARTED:  # the run that is at work looks at its end
        return
    thread = threading.Thread(target=_look, args=(settings, run), name="alerts", daemon=True)
    thread.start()
    thread.join(_LONGEST_S)
    if thread.is_alive():
        _log.info("Looking for alerts takes longer than the run waits for.")


def _look(settings: Settings, run: RunRecord) -> None:
    try:
        told = look(settings, _asked(settings, run))
    except Exception as error:
        _log.warning("Nobody looked for alerts after the run: %s", error)
        return
    for name, problem in told.problems.items():
        if problem:
            _log.warning("Sink %s of alerts failed: %s", name, problem)


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
