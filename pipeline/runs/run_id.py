"""The name of a run: made where it begins, and handed to everything that it does."""

import secrets
from datetime import datetime, timezone


def new_run_id(now: datetime | None = None) -> str:
    """Returns a name that no other run has; names of later runs sort after it.

    Args:
        now: When the run begins; default: now.
    """
    began = (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    thousandths = began.microsecond // 1000
    return f"{began:%Y%m%dT%H%M%S}.{thousandths:03d}-{secrets.token_hex(2)}"
