"""What if: the events of a page's form become a request for scores, as a client would send it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from pipeline.pages.page import from_form
from pipeline.serving.pages import PATH
from pipeline.serving.problems import Problem
from pipeline.serving.scores import Scores

ACCOUNT: Final = f"{PATH}/account"
"""The page with the form."""
_EVENTS: Final = 9
_FIELDS: Final = 200
_OLDEST: Final = 3650.0
"""Days."""


async def what_if(scores: Scores, request: Request) -> dict[str, Any] | None:
    """Scores an account as it is now, and with the events of the form.

    Args:
        scores: Scores accounts.
        request: For the page of an account.

    Returns:
        `now` and `what_if`, as POST /v1/score answers; `error` in their place where it does not;
        None where the form holds no event.
    """
    try:
        fields = _fields(request.scope["query_string"].decode("latin-1"))
        events = [_event(fields, n) for n in range(1, _EVENTS + 1) if fields.get(f"sentiment_{n}")]
        if not events:
            return None
        account = {
            "account_id": fields.get("id") or from_form(fields.get("key", "")),
            "from_database": True,
        }
        body = {"accounts": [account, account | {"events": events}]}
        now, then = await scores.of_request(await scores.read(json.dumps(body).encode()))
    except Problem as problem:
        return {"error": problem.message, **problem.facts}
    for one in (then, now):
        if "error" in one:
            return one
    return {"now": now, "what_if": then}


def _fields(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise Problem(400, "malformed", "The address has too many fields.") from None


def _event(fields: Mapping[str, str], number: int) -> dict[str, Any]:
    names = ("sentiment", "product_area", "source", "topic")
    event: dict[str, Any] = {name: fields.get(f"{name}_{number}", "") for name in names}
    event["customer_tier"] = from_form(fields.get("tier", ""))
    event["region"] = from_form(fields.get("region", ""))
    priority = fields.get(f"priority_{number}", "")
    event["priority"] = int(priority) if priority in set("12345") else priority
    days = _days(fields.get(f"days_{number}", ""), number)
    if days:
        moment = datetime.now(timezone.utc) - timedelta(days=days)
        event["created_at"] = moment.isoformat()
    return event


def _days(text: str, number: int) -> float:
    try:
        days = float(text.replace(",", ".") or 0)
    except ValueError:
        days = -1.0
    if not 0 <= days <= _OLDEST:
        raise Problem(
            422, "invalid", f"Event {number}: expected days from 0 to {_OLDEST:.0f}, such as 2."
        )
    return days
