"""A program of the user's, which gets each message as JSON on standard input."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from components.alerts.config import AlertsConfig
from components.alerts.message import Message
from components.alerts.sinks.sink import TIMEOUT_S
from components.sinks import SinkFailed

_SECRETS: Final = re.compile(
    r"DATABASE_URL$|^REDIS_URL$|^PGPASSWORD$|^TENS_INSIGHT_.*(URLS?|PASSWORD|KEY|TOKENS?|SECRET)$"
)
"""Variables that may hold secrets, which the program does not need."""


class Command:
    """Starts the program for each message.

    Args:
        config: With the program and its arguments.
    """

    name = "command"
    forgets = False

    def __init__(self, config: AlertsConfig):
        self._config = config

    def send(self, message: Message) -> None:
        """Starts it, and waits for its end; what it says is not looked at."""
        text = json.dumps(message.as_json(), ensure_ascii=False)
        try:
            process = subprocess.Popen(
                self._config.alert_command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(os.environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else "it cannot be named so"
            raise SinkFailed(f"the program cannot be started: {said}") from None
        try:
            process.communicate(f"{text}\n".encode(), timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise SinkFailed(
                f"the program did not end within {TIMEOUT_S:.0f} s, and was ended"
            ) from None
        if process.returncode:
            raise SinkFailed(f"the program ended with {process.returncode}", alive=True)

    def refresh(self, standing: Sequence[Message]) -> None:
        """Says nothing: it was told."""


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not _SECRETS.search(name)}
