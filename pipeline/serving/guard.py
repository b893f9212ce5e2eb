"""Who is answered, and how much: tokens, rates, sizes of bodies; and what is counted.

It stands before all routes as plain ASGI. Neither a body nor an account is ever logged.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.errors import TensInsightError
from pipeline.serving.metrics import ServingMetrics
from pipeline.serving.pages import is_page, page_of
from pipeline.serving.problems import Problem
from pipeline.setting_groups import LEAST_TOKEN, ServingSettings
from pipeline.settings import ConfigurationInvalid

_log = logging.getLogger(__name__)
OPEN: Final = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""Answered without a token and without a limit: who asks is a machine that watches."""
_CLIENTS: Final = 10_000
_LOOK_S: Final = 1.0
BODY_S: Final = 30.0
"""Seconds until a body is there."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Tokens:
    """The bearer tokens that are known, kept as hashes.

    Args:
        settings: With tokens and the file of further ones.

    Raises:
        ConfigurationInvalid: The file cannot be read, or holds a token that is too short.
    """

    def __init__(self, settings: ServingSettings):
        given = [one.get_secret_value() for one in settings.serve_tokens]
        self._given = frozenset(map(_hash, given))
        self._file = Path(settings.serve_tokens_file) if settings.serve_tokens_file else None
        self._of_file: frozenset[bytes] = frozenset()
        self._state: object = None
        self._look_at = 0.0
        self._read()

    @property
    def any(self) -> bool:
        """Whether there are tokens at all."""
        return bool(self._given or self._file)

    def client(self, authorization: str, *, of_browser: bool = False) -> str | None:
        """Returns a name for who holds a token, which does not tell it; None for a stranger.

        Args:
            authorization: The header.
            of_browser: Whether a browser may send the token as a password, whatever the user's
                name.
        """
        kind, _, token = authorization.partition(" ")
        if of_browser and kind.lower() == "basic":
            token = _password(token)
        elif kind.lower() != "bearer":
            return None
        self._look()
        hashed = _hash(token.strip())
        known = [one for one in self._given | self._of_file if hmac.compare_digest(one, hashed)]
        return known[0].hex()[:12] if known else None

    def _look(self) -> None:
        if self._file is None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_S
        try:
            self._read()
        except ConfigurationInvalid as error:  # the tokens that were known go on
            _log.warning("%s", error)

    def _read(self) -> None:
        if self._file is None:
            return
        try:
            found = self._file.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            if state == self._state:
                return
            text = self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigurationInvalid(
                f"The file of tokens {self._file} cannot be read: see "
                "TENS_INSIGHT_SERVE_TOKENS_FILE."
            ) from None
        lines = [line.strip() for line in text.splitlines()]
        tokens = [line for line in lines if line and not line.startswith("#")]
        if any(len(one) < LEAST_TOKEN for one in tokens):
            raise ConfigurationInvalid(
                f"The file of tokens {self._file} holds one of less than {LEAST_TOKEN} characters."
            )
        self._of_file, self._state = frozenset(map(_hash, tokens)), state


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _password(credentials: str) -> str:
    """Returns the password of HTTP Basic; empty where there is none."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def require_safe_address(settings: ServingSettings, tokens: Tokens) -> None:
    """Refuses to listen where other machines reach it, without tokens.

    Raises:
        ConfigurationInvalid: Says what to set.
    """
    if settings.serve_host in _LOOPBACK or tokens.any or settings.serve_without_tokens:
        return
    raise ConfigurationInvalid(
        f"TENS_INSIGHT_SERVE_HOST is {settings.serve_host}, which other machines reach, and there "
        "are no tokens: everybody could ask for the scores of all accounts. Set "
        "TENS_INSIGHT_SERVE_TOKENS or TENS_INSIGHT_SERVE_TOKENS_FILE; or, where a proxy in front "
        "asks who is there, TENS_INSIGHT_SERVE_WITHOUT_TOKENS=true."
    )


class Rates:
    """How many requests a client may send: a bucket of a second's worth for each.

    Args:
        rate: Requests a second; 0 for no limit.
        clock: Seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic):
        self._rate, self._clock = rate, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Counts a request; returns the seconds until it may be sent again, 0 if it may now."""
        if not self._rate:
            return 0.0
        most, now = max(self._rate, 1.0), self._clock()
        left, since = self._left.pop(client, (most, now))
        left = min(most, left + (now - since) * self._rate)
        granted = left >= 1
        self._left[client] = (left - 1 if granted else left, now)
        while len(self._left) > _CLIENTS:  # who was not seen for longest has a full bucket again
            self._left.popitem(last=False)
        return 0.0 if granted else (1 - left) / self._rate


class Guard:
    """Stands before the routes.

    Args:
        app: The routes.
        settings: Of serving.
        tokens: Who is known.
        metrics: Is told what was answered.
    """

    def __init__(
        self, app: ASGIApp, settings: ServingSettings, tokens: Tokens, metrics: ServingMetrics
    ):
        self._app, self._tokens, self._metrics = app, tokens, metrics
        self._rates = Rates(settings.serve_rate)
        self._most = settings.serve_max_body_kb * 1024
        self._has_pages = settings.serve_pages
        self._is_alone = not tokens.any and not settings.serve_without_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        for_people = self._has_pages and is_page(scope["path"])
        answered = _Answered(send, page_of if for_people else Problem.response)
        try:
            self._admit(scope, for_people)
            await self._app(scope, _Limited(receive, scope, self._most), answered.send)
        except Problem as problem:
            await answered.tell(problem, scope, receive)
        except Exception as error:  # whatever it is: the next request is answered
            _log.exception("A request ended with an unexpected error.", exc_info=_named(error))
            await answered.tell(UNEXPECTED, scope, receive)
        route = str(scope.get("serve_route", "none"))
        self._metrics.requests.labels(route, str(answered.status)).inc()
        if scope["path"] not in OPEN:
            self._metrics.seconds.labels(route).observe(time.perf_counter() - begun)

    def _admit(self, scope: Scope, for_people: bool) -> None:
        if scope["path"] in OPEN:
            return
        headers = dict(scope["headers"])
        client = (scope.get("client") or ("", 0))[0]
        if self._tokens.any:
            authorization = headers.get(b"authorization", b"").decode("latin-1")
            known = self._tokens.client(authorization, of_browser=for_people)
            if known is None:
                raise Problem(401, "unauthorized", _FOR_PEOPLE if for_people else _BEARER)
            client = known
        elif for_people and self._is_alone and not _is_loopback(headers.get(b"host", b"")):
            raise Problem(403, "other_host", _OTHER_HOST)
        if wait := self._rates.take(client):
            raise Problem(
                429,
                "too_fast",
                "More requests came than one client may send in a second.",
                retry_after=max(1, round(wait + 0.5)),
            )


_BEARER: Final = "Send a token that is known: Authorization: Bearer TOKEN."
_FOR_PEOPLE: Final = "Give a token that is known as the password; the name may be any."
_OTHER_HOST: Final = (
    "Without tokens pages are shown at 127.0.0.1, localhost and [::1] alone: a site elsewhere "
    "could give its own name to this machine and read them."
)


def _is_loopback(host: bytes) -> bool:
    name = re.sub(r":[0-9]*$", "", host.decode("latin-1"))
    return name.strip("[]") in _LOOPBACK


UNEXPECTED: Final = Problem(
    500, "unexpected", "The request ended with an error that nobody expected; the log names it."
)


def _named(error: Exception) -> BaseException:
    """Returns the error for the log, without a text that may quote a body."""
    if isinstance(error, TensInsightError):
        return error
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)


class _Limited:
    """Receives a body up to a size, within a time."""

    def __init__(self, receive: Receive, scope: Scope, most: int):
        self._receive, self._most, self._size = receive, most, 0
        self._until, self._more = time.monotonic() + BODY_S, True
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            raise _too_large(most)

    async def __call__(self) -> Message:
        if not self._more:
            return await self._receive()
        try:
            left = max(0.0, self._until - time.monotonic())
            message = await asyncio.wait_for(self._receive(), left)
        except asyncio.TimeoutError:
            raise Problem(
                408, "too_slow", f"The body did not come within {BODY_S:g} seconds."
            ) from None
        self._more = message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise _too_large(self._most)
        return message


def _too_large(most: int) -> Problem:
    return Problem(413, "too_large", f"The body is larger than {most // 1024} KiB.")


class _Answered:
    """Remembers what was sent."""

    def __init__(self, send: Send, write: Callable[[Problem], Response]):
        self._send, self._write, self.status = send, write, 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def tell(self, problem: Problem, scope: Scope, receive: Receive) -> None:
        if self.status:  # an answer has begun: nothing can be said any more
            return
        await self._write(problem)(scope, receive, self.send)
