"""An answer is known again where nothing changed, and only there; a Redis away costs little."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import redis

from pipeline.serving.cache import InProcess, InRedis, Stamp, key_of, make_cache
from pipeline.settings import ConfigurationInvalid
from tests.programs import program

NOW = datetime(2026, 11, 30, 9, 15, tzinfo=timezone.utc)
STAMP = Stamp("Köln/1", 7, NOW - timedelta(days=2), None)
ANSWER = {"account_id": "Köln/1", "probability": 0.1 + 0.2, "reasons": []}


def test_each_change_is_another_name_and_no_name_tells_the_account() -> None:
    asked = ("database", STAMP, "20261130-aaaaaaaa", True, NOW)
    names = [
        key_of(*asked),
        key_of("other", *asked[1:]),
        *(
            key_of("database", replace(STAMP, **change), *asked[2:])
            for change in (
                {"account_id": "Köln/2"},
                {"rows": 8},
                {"newest": NOW - timedelta(days=2) + timedelta(microseconds=1)},
                {"newest": None},
                {"churned": NOW - timedelta(days=2)},
            )
        ),
        key_of("database", STAMP, "20261130-bbbbbbbb", True, NOW),
        key_of("database", STAMP, "20261130-aaaaaaaa", False, NOW),
        key_of(*asked[:4], NOW + timedelta(minutes=45)),
    ]
    assert len(set(names)) == len(names)
    assert key_of(*asked[:4], NOW + timedelta(minutes=44)) == names[0]
    assert not any("Köln" in name for name in names)


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    cache = InProcess(2)
    for key in ("a", "b"):
        cache.put(key, {"of": key})
    assert cache.get_all(["a", "none"]) == [{"of": "a"}, None]
    cache.put("c", {"of": "c"})
    assert cache.get_all(["a", "b", "c"]) == [{"of": "a"}, None, {"of": "c"}]


def test_answers_of_the_hour_before_are_gone_though_nobody_asks() -> None:
    """Who is to be forgotten is not kept until enough others were asked for."""
    now = [3601.0]
    cache = InProcess(10, clock=lambda: now[0])
    cache.put("old", ANSWER)
    now[0] = 7199.0
    cache.forget_old()
    assert cache.get_all(["old"]) == [ANSWER]
    now[0] = 7200.0
    cache.put("new", ANSWER)
    cache.forget_old()
    assert cache.get_all(["old", "new"]) == [None, ANSWER]


def test_it_can_be_switched_off_and_a_wrong_address_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert make_cache(0) is None
    assert isinstance(make_cache(1), InProcess)
    monkeypatch.setenv("REDIS_URL", "https://:tiger-7@host")
    with pytest.raises(ConfigurationInvalid, match="no address of Redis") as found:
        make_cache(1)
    assert "tiger" not in str(found.value)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    place = tmp_path / "redis.sock"
    command = [program("redis-server"), "--port", "0", "--unixsocket", str(place), "--save", ""]
    with (tmp_path / "redis.log").open("wb") as log:
        process = subprocess.Popen([*command, "--dir", str(tmp_path)], stdout=log, stderr=log)
    url = f"unix://{place}?db=0"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(redis.RedisError):
            if redis.Redis.from_url(url).ping():
                break
        time.sleep(0.05)
    try:
        yield url, process
    finally:
        process.kill()
        process.wait()


def test_servers_share_answers_in_redis_for_an_hour(
    redis_server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, process = redis_server
    one, other = InRedis(url, InProcess(10)), InRedis(url, InProcess(10))
    key = key_of("database", STAMP, "20261130-aaaaaaaa", True, NOW)
    assert other.get_all([key, "none"]) == [None, None]
    one.put(key, ANSWER)
    assert other.get_all([key, "none"]) == [ANSWER, None]
    redis.Redis.from_url(url).set("none", "[1]")  # what is no answer is none
    assert other.get_all(["none"]) == [None]
    assert 3590 < redis.Redis.from_url(url).ttl(key) <= 3600
    # One that is stopped does not answer: who asks waits a tenth of a second, once in a while.
    os.kill(process.pid, 19)
    begun = time.monotonic()
    assert other.get_all([key, "none"]) == [ANSWER, None]
    for _ in range(50):
        other.put("more", ANSWER)
        assert other.get_all(["more", "none"]) == [ANSWER, None]
    assert time.monotonic() - begun < 2
    os.kill(process.pid, 18)
