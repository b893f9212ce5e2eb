"""Does work again when the server was at fault and another try may succeed."""

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

import psycopg2

from components.postgres.connection import ServerNotAnswering
from components.postgres.failures import ServerBrokeOff, is_transient, transient_reason

Result = TypeVar("Result")
_log = logging.getLogger(__name__)

ATTEMPTS: Final = 4
"""Of work that the server took up; waiting for an answer is bounded by time instead."""
_LONGEST_WAIT_S: Final = 2.0


def retried(
    work: Callable[[], Result],
    *,
    patience_s: float,
    attempts: int = ATTEMPTS,
    first_wait_s: float = 0.5,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Does the work, again from the start while its failure is transient.

    Transient are a lost server, a deadlock and a serialization failure; a lock timeout, a
    cancelled query and a missing privilege are not. A server that does not answer is waited
    for, since it may be restarting: a run has reached it before, at its start.

    Args:
        work: Opens its own connection, and may be done any number of times.
        patience_s: Seconds for which no answer is waited for, counted from the first silence.
        attempts: How often the server may break off, 1 or more.
        first_wait_s: Seconds before the second attempt; each later wait is doubled, up to 2.
        sleep: How to wait.
        clock: Seconds, which never go back.

    Raises:
        Exception: Whatever the work raised last.
    """
    broken_off, wait_s, silent_since = 0, first_wait_s, None
    while True:
        try:
            return work()
        except ServerNotAnswering:
            silent_since = clock() if silent_since is None else silent_since
            if clock() - silent_since >= patience_s:
                raise
            reason = f"no answer for {clock() - silent_since:.0f} of {patience_s:g} s"
        except (ServerBrokeOff, psycopg2.Error) as error:
            broken_off += 1
            reason = _reason(error)
            if not reason or broken_off >= attempts:
                raise
            reason, silent_since = f"{reason}, {broken_off} of {attempts}", None
        _log.warning("Postgres broke off (%s): trying again in %.1f s.", reason, wait_s)
        sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _reason(error: ServerBrokeOff | psycopg2.Error) -> str:
    """Returns why the work is tried again; "" where it is not."""
    if isinstance(error, ServerBrokeOff):
        return error.reason
    return transient_reason(error) if is_transient(error) else ""
