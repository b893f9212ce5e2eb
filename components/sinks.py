"""What all sinks have in common: how they fail, and a post over HTTP whose address is a secret."""

import base64
import email.utils
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from components.config import url_problem

_AGAIN_AFTER_S: Final = 0.5
"""Most servers that break off are back by then."""
_AT_ONCE_S: Final = 1.0
_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_TRANSIENT: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)


class SinkFailed(Exception):
    """A sink did not take what it was given. The text holds no password, token or whole address.

    Attributes:
        alive: Whether it answers, and refused this message alone.
        retry_after: How long it asked to be left alone; None if it did not.
        busy: Whether it asked for that because it has too much to do.
        passing: Whether it may be over in a moment.
    """

    def __init__(
        self,
        said: str,
        *,
        alive: bool = False,
        retry_after: timedelta | None = None,
        busy: bool = False,
        passing: bool = True,
    ):
        super().__init__(said)
        self.alive = alive
        self.retry_after = retry_after
        self.busy = busy
        self.passing = passing and not (alive or retry_after or busy)


def once_more(send: Callable[[], object]) -> None:
    """Sends; what fails at once, and may be over in a moment, is sent once more.

    Args:
        send: Raises SinkFailed.

    Raises:
        SinkFailed: It was not taken, or nobody knows whether it was.
    """
    began = time.monotonic()
    try:
        send()
    except SinkFailed as error:
        if not error.passing or time.monotonic() - began >= _AT_ONCE_S:
            raise
    else:
        return
    time.sleep(_AGAIN_AFTER_S)
    send()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect may lead a token to another host, and would make a GET of the POST."""

    def redirect_request(self, *arguments: Any) -> None:
        """Follows none."""


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> None:
    """Posts, and wants an answer from 200 to 299, whose body is not read.

    User and password in the URL are sent as basic authentication. Proxies are those of the
    environment.

    Args:
        url: Of http or https.
        body: What is posted.
        headers: Beside the usual ones.
        timeout_s: Seconds for the connection and for each read.

    Raises:
        SinkFailed: No such answer; the text has scheme, host and port.
    """
    if problem := url_problem(url):
        raise SinkFailed(f"its URL is none: {problem}", passing=False)
    parts = urlsplit(url)
    request = urllib.request.Request(  # noqa: S310 -- url_problem allows http and https alone
        parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl(),
        data=body,
        headers={"User-Agent": "tens-insight", **_authorization(url), **headers},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout_s):
            return
    except urllib.error.HTTPError as error:
        error.close()
        failed = _refused(place(url), error.code, error.headers.get("Retry-After", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        failed = SinkFailed(
            f"{place(url)}: {said_of_connection(cause, timeout_s)}",
            passing=not isinstance(cause, TimeoutError | ssl.SSLError | ValueError),
        )
    # Outside of the handlers: errors of urllib hold the whole address, and are not chained.
    raise failed


def place(url: str) -> str:
    """Returns scheme, host and port of a URL: what stands before and after may be a secret."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def with_path(url: str, path: str, **query: str) -> str:
    """Returns a URL with more at the end of its path, and parameters beside those it has.

    Args:
        url: May have a path, a query, and user and password.
        path: Begins with a slash; empty for none.
        **query: Names and values that need no quoting.
    """
    parts = urlsplit(url)
    pairs = [parts.query, *(f"{name}={value}" for name, value in query.items())]
    joined = "&".join(filter(None, pairs))
    whole = parts._replace(path=parts.path.rstrip("/") + path, query=joined, fragment="")
    return whole.geturl()


def said_of_connection(cause: object, timeout_s: float) -> str:
    """Says why a connection failed in words of ours: those of libraries may quote the address.

    Args:
        cause: An error of socket, ssl, http or smtplib.
        timeout_s: How long an answer was waited for.
    """
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {cause.reason or 'no reason given'}"
    if isinstance(cause, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(cause, socket.gaierror):
        return "its host name cannot be resolved"
    if isinstance(cause, ConnectionResetError | http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(cause, http.client.HTTPException):
        return f"it answered no HTTP ({type(cause).__name__})"
    if isinstance(cause, OSError) and cause.strerror:
        return f"no connection: {cause.strerror}"
    return f"no connection ({type(cause).__name__})"


def _authorization(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return {}
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _refused(where: str, status: int, retry_after: str) -> SinkFailed:
    try:
        words = f" {HTTPStatus(status).phrase}"
    except ValueError:
        words = ""
    if 300 <= status < 400:
        words += ", a redirect, which is not followed"
    wait = _wait(retry_after)
    asked = f", and asks to wait {wait.total_seconds():.0f} s" if wait else ""
    # Another message may be taken, unless the address itself is wrong.
    alive = 400 <= status < 500 and status not in (*_BUSY, *_TRANSIENT, 401, 403, 404, 410)
    return SinkFailed(
        f"{where}: it answered {status}{words}{asked}",
        alive=alive,
        retry_after=wait,
        busy=status == HTTPStatus.TOO_MANY_REQUESTS or (status in _BUSY and wait is not None),
        passing=status >= 500 or status in _TRANSIENT,
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
