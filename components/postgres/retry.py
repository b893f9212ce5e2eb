"""Does work again when the server was at fault and another try may succeed."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg2

from components.postgres.connection import ServerNotAnswering
from components.postgres.failures import ServerBrokeOff, is_transient

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


def retried(
    work: Callable[[], Result],
    *,
    attempts: int = 4,
    first_wait_s: float = 0.5,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Does the work, again from the start while its failure is transient.

    Transient are a lost server, a deadlock and a serialization failure; a lock
    timeout, a cancelled query and a missing privilege are not. A server that does not
    answer is waited for only after a first attempt reached it: it may be restarting.

    Args:
        work: Opens its own connection, and may be done any number of times.
        attempts: How often at most, 1 or more.
        first_wait_s: Seconds before the second attempt; each later wait is doubled.
        sleep: How to wait.

    Raises:
        Exception: Whatever the work raised last.
    """
    for attempt in range(1, attempts):
        try:
            return work()
        except ServerBrokeOff as error:
            reason = _reason(error.__cause__)
        except psycopg2.Error as error:
            if not is_transient(error):
                raise
            reason = _reason(error)
        except ServerNotAnswering:
            if attempt == 1:
                raise
            reason = "no answer"
        wait_s = first_wait_s * 2 ** (attempt - 1)
        _log.warning(
            "Postgres broke off (%s): attempt %d of %d follows in %.1f s.",
            reason, attempt + 1, attempts, wait_s,
        )  # fmt: skip
        sleep(wait_s)
    return work()


def _reason(error: BaseException | None) -> str:
    code = getattr(error, "pgcode", None)
    return f"SQLSTATE {code}" if code else "connection lost"
