"""What a run does about alerts at its end: it looks, and lets another process tell the sinks.

A process of its own, because a run that is killed while it tells something leaves it open whether
that was told, and the next look would tell it again. It is started only where there is something
to tell, and goes on where the run does not wait any longer.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from pydantic import SecretStr

from components.alerts.alert import FOREIGN_WRITER
from components.alerts.sinks.configured import SINKS
from components.alerts.spool import Spool
from components.config import setting_fields
from components.errors import TensInsightError
from components.postgres.address import METADATA_URL_VARIABLE
from pipeline.alerts.look import Asked, look
from pipeline.alerts.sink_notes import read_notes
from pipeline.runs.record import NOT_STARTED, RunRecord
from pipeline.settings import Settings, variable

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
    end = time.monotonic() + _LONGEST_S
    said: queue.Queue[tuple[str, ...]] = queue.Queue()
    # A daemon: the process does not wait for one that hangs.
    threading.Thread(
        target=lambda: said.put(_look(settings, run, end)), name="alerts", daemon=True
    ).start()
    try:
        return said.get(timeout=_LONGEST_S)
    except queue.Empty:
        return ("Looking for alerts takes longer than the run waits for; it goes on.",)


def _look(settings: Settings, run: RunRecord, end: float) -> tuple[str, ...]:
    try:
        found = look(settings, _asked(settings, run))
        if not found.undelivered:
            return ()
        if not tell_apart(settings, end - time.monotonic()):
            return (
                "Sinks of alerts took longer than the run waits for; they are told all the same.",
            )
    except TensInsightError as error:
        return (f"Nobody looked for alerts after the run: {error}",)
    except Exception as error:  # its text may hold anything
        return (f"Nobody looked for alerts after the run: an unexpected {type(error).__name__}.",)
    notes = read_notes(settings.alerts_dir)
    failed = [name for name in SINKS if name in notes and notes[name].problem]
    return tuple(f"Sink {name}: {notes[name].problem}." for name in failed)


def tell_apart(settings: Settings, within_s: float) -> bool:
    """Starts a process that tells the sinks, and tells whether it ended in time.

    Args:
        settings: Of the run, which may not come from the environment alone.
        within_s: Seconds to wait for it.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "alerts", "check"],
        env=os.environ | _variables(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(max(within_s, 0))
    except subprocess.TimeoutExpired:
        return False
    return True


def _variables(settings: Settings) -> Mapping[str, str]:
    """Returns the variables by which another process has the same sinks and state directory."""
    names = ("state_dir", *setting_fields(type(settings.alerts)))
    return {variable(name): _text(settings.value(name)) for name in names}


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, tuple) else str(value)


def _asked(settings: Settings, run: RunRecord) -> Asked:
    """A run has just published: tables are compared where they were not as published before."""
    standing = Spool(settings.alerts_dir).standing()
    gone = run.error in _NO_ANSWER and METADATA_URL_VARIABLE not in run.sentence
    return Asked(
        deliver=False,
        compare=any(kind == FOREIGN_WRITER for kind, _ in standing),
        metadata="ml_metadata" in sys.modules,
        away=run.sentence if gone else "",
    )
