"""What a request can end with other than an answer: status, code, sentence."""

import json
from typing import Any, Final

from starlette.responses import Response

JSON: Final = "application/json"


class Problem(Exception):
    """A request that is not answered, for a reason that its sender can act on.

    Attributes:
        status: Of HTTP.
        code: In a word, for programs.
        message: A sentence, for people. It quotes nothing of a body.
        retry_after: Seconds after which it may be tried again; None where that would not help.
        facts: Further values for programs.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        **facts: Any,
    ):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.retry_after, self.facts = retry_after, facts

    def response(self) -> Response:
        """Returns what the sender gets."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == _UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        told = {"error": self.message, "code": self.code, **self.facts}
        return json_response(told, self.status, headers)


_UNAUTHORIZED: Final = 401


def json_response(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Returns values as JSON, letters outside ASCII as they are.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half of a surrogate pair, as a client may send it in an escape, is sent back in one.
    return Response(text.encode(errors="backslashreplace"), status, headers, JSON)


def overloaded(what: str) -> Problem:
    """Says that too many requests wait.

    Args:
        what: For which they wait.
    """
    return Problem(
        503,
        "overloaded",
        f"Too many requests wait for {what}. Send fewer at once, or try again.",
        retry_after=1,
    )


def too_late(what: str, seconds: float) -> Problem:
    """Says that a request waited for too long."""
    return Problem(
        503,
        "deadline",
        f"There was no answer of {what} within {seconds:g} seconds. Try again.",
        retry_after=1,
    )
