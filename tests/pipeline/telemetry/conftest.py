"""A server on loopback that takes posts as it is told to, and a state directory of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipeline.logs import logging_restored
from tests.environment import unset_settings


@dataclass(frozen=True)
class Post:
    """A request as it came."""

    path: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Receiver:
    """A server that keeps what it gets.

    Attributes:
        status: What it answers.
        first: What it answers before that, one after the other.
        hangs_s: Seconds before it answers.
        drips: Whether it answers a byte of a header at a time, without an end.
    """

    port: int = 0
    posts: list[Post] = field(default_factory=list)
    status: int = 200
    first: list[int] = field(default_factory=list)
    hangs_s: float = 0.0
    drips: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [one.path.partition("?")[0] for one in self.posts]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 -- the server calls it so
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.posts.append(Post(self.path, body, dict(self.headers)))
            over.wait(receiver.hangs_s)
            if receiver.drips:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not over.wait(0.05):
                    self.wfile.write(b"x")
                return
            status = receiver.first.pop(0) if receiver.first else receiver.status
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def state_dir(monkeypatch, tmp_path):
    """A state directory; settings that a test does not set have their defaults."""
    unset_settings(monkeypatch)
    folder = tmp_path / "state"
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(folder))
    monkeypatch.setenv("TENS_INSIGHT_SINK_TIMEOUT_SECONDS", "10")
    with logging_restored():
        yield folder


def eventually(condition, seconds=60.0):
    """Waits until a condition holds, and returns what it returned."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
    return found
