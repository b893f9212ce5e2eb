"""Posts JSON to a URL whose path may be a secret: no error says more of it than what failed."""

import base64
import email.utils
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from components.alerts.config import url_problem
from components.alerts.sinks.sink import TIMEOUT_S, SinkFailed

_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_TRANSIENT: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is redirected would arrive as a GET, or at somebody else."""

    def redirect_request(self, *arguments: Any) -> None:
        """Follows none."""


def post_json(url: str, content: object, key: str) -> None:
    """Posts a document.

    Args:
        url: Of http or https, perhaps with user and password.
        content: What JSON can hold.
        key: The idempotency key, a header.

    Raises:
        SinkFailed: It was not taken, or nobody knows whether it was.
    """
    request = _request(url, json.dumps(content).encode(), key)
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            status = int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(error.code, error.headers.get("Retry-After", "")) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SinkFailed(_said(error)) from None
    if not 200 <= status < 300:
        raise _refused(status, "")


def _request(url: str, body: bytes, key: str) -> urllib.request.Request:
    if problem := url_problem(url):
        raise SinkFailed(f"its URL is none: {problem}")
    parts = urlsplit(url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "tens-insight",
        "Idempotency-Key": key,
    }
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    return urllib.request.Request(address, data=body, headers=headers, method="POST")  # noqa: S310 -- url_problem allows http and https alone


def _refused(status: int, retry_after: str) -> SinkFailed:
    try:
        words = f" {HTTPStatus(status).phrase}"
    except ValueError:
        words = ""
    wait = _wait(retry_after)
    asked = f", and asks to wait {wait.total_seconds():.0f} s" if wait else ""
    # Another message may be taken, unless the address itself is wrong.
    alive = 400 <= status < 500 and status not in (*_BUSY, *_TRANSIENT, 401, 403, 404, 410)
    return SinkFailed(
        f"it answered {status}{words}{asked}",
        alive=alive,
        retry_after=wait,
        busy=status == HTTPStatus.TOO_MANY_REQUESTS or (status in _BUSY and wait is not None),
    )


def _wait(text: str) -> timedelta | None:
    """Reads Retry-After: seconds, or a moment."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=min(int(text), 86_400)) if len(text) < 10 else timedelta(days=1)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return max(timedelta(), moment - datetime.now(timezone.utc))
    except (TypeError, ValueError, OverflowError):
        return None


def _said(error: Exception) -> str:
    """Says what failed in words of ours: those of libraries may quote the URL."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return said_of_connection(cause)


def said_of_connection(cause: object) -> str:
    """Says why a connection failed, without its address.

    Args:
        cause: An error of socket, ssl, http or smtplib.
    """
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'no reason given'}"
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT_S:.0f} s"
    if isinstance(cause, socket.gaierror):
        return "its host name cannot be resolved"
    if isinstance(cause, ConnectionResetError | http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(cause, http.client.HTTPException):
        return f"it answered no HTTP ({type(cause).__name__})"
    if isinstance(cause, OSError) and cause.strerror:
        return f"no connection: {cause.strerror}"
    return f"no connection ({type(cause).__name__})"
