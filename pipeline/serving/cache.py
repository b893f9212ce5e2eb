"""Answers that are known: in this process, or in Redis where REDIS_URL names one.

An answer is kept for an account, what the database has of it, the model, and the hour: a new event,
a model that was swapped, or another hour is another question. Redis holds answers under hashes of
ids, for an hour; where it is slow or away, what this process knows is enough.
"""

import hashlib
import json
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from pipeline.settings import ConfigurationInvalid

_log = logging.getLogger(__name__)
VARIABLE: Final = "REDIS_URL"
_HOUR_S: Final = 3600
_TIMEOUT_S: Final = 0.1
_REST_S: Final = 5.0
"""Seconds for which a Redis that failed is not asked."""

Values = dict[str, Any]


@dataclass(frozen=True)
class Stamp:
    """What the database has of an account, as far as it tells an old answer from a new one.

    Attributes:
        account_id: Its id.
        rows: How many events it has before now.
        newest: When it wrote last; None for never.
        churned: Its newest churn date; None without one.
    """

    account_id: str
    rows: int = 0
    newest: datetime | None = None
    churned: datetime | None = None


def key_of(database: str, stamp: Stamp, version: str, reasons: bool, now: datetime) -> str:
    """Returns the name of an answer, which does not tell whose it is.

    Args:
        database: Id of the database.
        stamp: Of the account.
        version: Of the model, and what else its answers follow.
        reasons: Whether it says why.
        now: The moment, of which the hour counts.
    """
    moments = [one.isoformat() if one else "" for one in (stamp.newest, stamp.churned)]
    parts = [database, stamp.account_id, str(stamp.rows), *moments, version, str(reasons)]
    text = json.dumps([*parts, int(now.timestamp()) // _HOUR_S])
    return f"tens-insight:score:{hashlib.sha256(text.encode()).hexdigest()}"


class Cache(Protocol):
    """Keeps answers by their names."""

    def get_all(self, keys: Sequence[str]) -> list[Values | None]:
        """Returns the answers that are known, None for each other one."""

    def put(self, key: str, values: Values) -> None:
        """Keeps an answer; never raises."""

    def forget_old(self) -> None:
        """Forgets answers of hours before this one, which nobody can ask for any more."""


class InProcess:
    """Keeps the answers that were used last.

    Args:
        most: How many.
        clock: Seconds since 1970.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.time):
        self._most, self._clock = most, clock
        self._known: OrderedDict[str, tuple[float, Values]] = OrderedDict()
        self._lock = threading.Lock()

    def get_all(self, keys: Sequence[str]) -> list[Values | None]:
        """Returns the answers that are known, None for each other one."""
        with self._lock:
            for key in keys:
                if key in self._known:
                    self._known.move_to_end(key)
            return [self._known[key][1] if key in self._known else None for key in keys]

    def put(self, key: str, values: Values) -> None:
        """Keeps an answer."""
        with self._lock:
            self._known[key] = self._clock(), values
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def forget_old(self) -> None:
        """Forgets answers of hours before this one."""
        with self._lock:
            now = self._clock()
            oldest = now - now % _HOUR_S
            for key in [key for key, (since, _) in self._known.items() if since < oldest]:
                del self._known[key]


class InRedis:
    """Keeps answers in Redis, and beside it in this process.

    Args:
        url: Of Redis.
        beside: What is asked where Redis is away, or does not know.
    """

    def __init__(self, url: str, beside: InProcess):
        import redis

        self._failures = (redis.RedisError, OSError, ValueError)
        try:
            self._redis = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
            )
        except ValueError:
            raise ConfigurationInvalid(
                f"{VARIABLE} is no address of Redis: expected redis://HOST:PORT/NUMBER, rediss:// "
                "or unix://. It is not shown, because it may hold a password."
            ) from None
        self._beside = beside
        self._rest_until = 0.0

    def get_all(self, keys: Sequence[str]) -> list[Values | None]:
        """Returns the answers that are known, None for each other one."""
        found = self._beside.get_all(keys)
        missing = [place for place, one in enumerate(found) if one is None]
        if not missing or time.monotonic() < self._rest_until:
            return found
        try:
            texts: Any = self._redis.mget([keys[place] for place in missing])
            for place, text in zip(missing, texts, strict=True):
                answer = None if text is None else json.loads(text)
                if isinstance(answer, dict):
                    found[place] = answer
                    self._beside.put(keys[place], answer)
        except self._failures as error:
            self._failed(error)
        return found

    def put(self, key: str, values: Values) -> None:
        """Keeps an answer for an hour."""
        self._beside.put(key, values)
        if time.monotonic() < self._rest_until:
            return
        try:
            self._redis.set(key, json.dumps(values, ensure_ascii=False), ex=_HOUR_S)
        except self._failures as error:
            self._failed(error)

    def forget_old(self) -> None:
        """Forgets those of this process; Redis does so by itself."""
        self._beside.forget_old()

    def _failed(self, error: Exception) -> None:
        self._rest_until = time.monotonic() + _REST_S
        _log.warning("Redis is not asked for %g seconds: %s.", _REST_S, type(error).__name__)


def make_cache(most: int) -> Cache | None:
    """Returns where answers are kept; None where none are.

    Args:
        most: Answers that this process keeps; 0 for none at all.

    Raises:
        ConfigurationInvalid: REDIS_URL is no address.
    """
    if not most:
        return None
    own = InProcess(most)
    url = os.environ.get(VARIABLE, "")
    return InRedis(url, own) if url else own
