"""`tens-insight serve` in a process of its own, and requests to it."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

TOKEN = "token-of-the-tests-0123456789"


@dataclass
class ServerProcess:
    """A server that was started, and what it says on standard error.

    Attributes:
        process: It.
        port: Where it listens.
        ready_s: Seconds from its start until it listened.
        said: Its lines.
    """

    process: subprocess.Popen[str]
    port: int = 0
    ready_s: float = 0.0
    said: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, program: Path, environment: dict[str, str], *arguments: str) -> "ServerProcess":
        begun = time.monotonic()
        process = subprocess.Popen(
            [program, "serve", "--port", "0", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        one = cls(process)
        listening = threading.Event()
        threading.Thread(target=one._read, args=(listening,), daemon=True).start()
        assert listening.wait(120), one.said
        assert one.port, one.said
        one.ready_s = time.monotonic() - begun
        return one

    def _read(self, listening: threading.Event) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if found := re.search(r"Listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                listening.set()
        listening.set()

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        method: str | None = None,
        timeout: float = 60,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, dict[str, str]]:
        """Sends one request; returns status, JSON or text, headers in lower case."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            sent = {"Authorization": f"Bearer {token}"} if token else {}
            sent |= headers or {}
            text = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method or ("GET" if body is None else "POST"), path, text, sent)
            answer = connection.getresponse()
            content = answer.read().decode()
            told = {name.lower(): value for name, value in answer.getheaders()}
            is_json = told.get("content-type", "").startswith("application/json")
            return answer.status, json.loads(content) if is_json else content, told
        finally:
            connection.close()

    def score(self, account_id: str, **query: str) -> tuple[int, Any]:
        """Asks for the score of an account of the database."""
        asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        path = f"/v1/accounts/{quote(account_id, safe='')}/score"
        status, content, _ = self.ask(f"{path}?{asked}" if asked else path)
        return status, content

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tells it to end; returns its exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        return self.process.wait(60)
