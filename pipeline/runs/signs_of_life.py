"""A run at work says to the database each minute that it lives; one that is killed falls silent."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import psycopg2

from components.errors import TensInsightError

INTERVAL_S: Final = 60.0
SILENT_AFTER: Final = timedelta(minutes=10)
"""A restart of the server, or a machine without a moment's time, is no silence."""
_log = logging.getLogger(__name__)


class SignsOfLife:
    """Calls a function at intervals, beside the work of the process, until it is stopped.

    Args:
        tell: Says to the database that the run lives; its failure is logged, and no more.
        interval_s: Seconds between two calls.
    """

    def __init__(self, tell: Callable[[], None], interval_s: float = INTERVAL_S):
        self._tell = tell
        self._interval_s = interval_s
        self._ended = threading.Event()

    def start(self) -> None:
        """Begins; the process does not wait for it when it ends."""
        threading.Thread(target=self._work, name="signs of life", daemon=True).start()

    def stop(self) -> None:
        """Ends it; a call that is under way is not waited for."""
        self._ended.set()

    def _work(self) -> None:
        while not self._ended.wait(self._interval_s):
            try:
                self._tell()
            except (TensInsightError, psycopg2.Error) as error:
                _log.info("The database was not told that the run lives: %s", error)
