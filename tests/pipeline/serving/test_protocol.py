"""A client that is slow, endless or gone costs its own connection, and no line of the log."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipeline.serving import guard, protocol
from pipeline.serving.app import HANDLERS
from pipeline.serving.guard import Guard, Tokens
from pipeline.serving.metrics import ServingMetrics
from pipeline.serving.protocol import BoundedProtocol
from pipeline.setting_groups import ServingSettings

SHORT_S = 0.4
CANARY = "canary-4411"


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a small server listens, which tells the size of bodies and is soon out of patience."""
    for place, name in ((protocol, "HEAD_S"), (protocol, "LINGER_S"), (guard, "BODY_S")):
        monkeypatch.setattr(place, name, SHORT_S)

    async def size(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    settings = ServingSettings(serve_max_body_kb=64)

    async def fail(request: Request) -> PlainTextResponse:
        raise RuntimeError(CANARY)

    paths = [Route("/", size, methods=["GET", "POST"]), Route("/fail", fail)]
    routes = Starlette(routes=paths, exception_handlers=HANDLERS)
    app = Guard(routes, settings, Tokens(settings), ServingMetrics())
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=BoundedProtocol, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def answered(port: int, *parts: bytes, pause_s: float = 0.0) -> tuple[bytes, float]:
    """Sends parts until the server has enough; returns what it said until it closed, and when."""
    begun = time.monotonic()
    told: list[bytes] = []

    def read() -> None:
        with suppress(ConnectionError):
            while more := client.recv(65_536):
                told.append(more)

    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
        reading = threading.Thread(target=read)
        reading.start()
        with suppress(ConnectionError):
            for part in parts:
                client.sendall(part)
                time.sleep(pause_s)
        reading.join()
        return b"".join(told), time.monotonic() - begun


def test_who_sends_no_whole_head_is_given_up(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    for parts in ([b""], [head], [head, *[b"a: b\r\n"] * 50]):
        told, took = answered(port, *parts, pause_s=0.05)
        assert told == b""
        assert SHORT_S / 2 < took < 5
    # Another one on a connection that was good for a request before.
    told, took = answered(port, head + b"\r\n" + head, *[b"a: b\r\n"] * 50, pause_s=0.05)
    assert told.count(b"200 OK") == 1
    assert took < 5


def test_a_head_without_end_is_refused(port: int) -> None:
    told, took = answered(port, b"GET / HTTP/1.1\r\na: ", *[b"x" * 65_536] * 400)
    assert took < 5
    assert told == b""


def test_who_sends_no_whole_body_is_told_so_and_given_up(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    told, took = answered(port, head, *[b"a"] * 60, pause_s=0.05)
    assert told.startswith(b"HTTP/1.1 408")
    assert took < 5


def test_chunks_without_end_are_refused_and_given_up(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    told, took = answered(port, head, *[b"4000\r\n" + b"a" * 16_384 + b"\r\n"] * 6)
    assert told.startswith(b"HTTP/1.1 413")
    assert took < 5


def test_who_breaks_off_a_body_is_no_line_of_the_log(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"
    with caplog.at_level(logging.INFO):
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
            client.sendall(head)
            time.sleep(0.1)
        close = b"Connection: close\r\nContent-Length: 3\r\n\r\nabc"
        assert answered(port, b"POST / HTTP/1.1\r\nHost: localhost\r\n" + close)[0].endswith(b"3")
    assert "unexpected" not in caplog.text


def test_an_unexpected_error_is_told_in_json_and_not_quoted(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"GET /fail HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    told, _ = answered(port, head)
    assert json.loads(told.partition(b"\r\n\r\n")[2])["code"] == "unexpected"
    (named,) = [one for one in caplog.records if "unexpected error" in one.message]
    assert CANARY not in logging.Formatter().format(named)
    assert CANARY not in told.decode()
