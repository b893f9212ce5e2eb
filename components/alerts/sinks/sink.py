"""What a sink is, and where its secrets come from."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from pydantic import SecretStr

from components.alerts.message import Message
from components.sinks import SinkFailed, post

TIMEOUT_S: Final = 5.0
"""For a connection, and for each answer."""
_LONGEST_SECRET: Final = 10_000
_HEAD: Final = re.compile(r"[^\r\n]*")


class Sink(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """What commands, tables and settings call it."""

    @property
    def forgets(self) -> bool:
        """Whether it must be told again and again what is open."""

    def send(self, message: Message) -> None:
        """Delivers one message.

        Raises:
            SinkFailed: It was not taken, or nobody knows whether it was.
        """

    def refresh(self, standing: Sequence[Message]) -> None:
        """Says again what is open, to a sink that forgets.

        Raises:
            SinkFailed: It was not taken.
        """


def secret_of(value: SecretStr, file: str) -> str:
    """Returns a secret: the setting, or the first line of the file that another one names.

    Raises:
        SinkFailed: The file cannot be read, or is empty.
    """
    if not file:
        return value.get_secret_value()
    try:
        with Path(file).open(encoding="utf-8") as opened:
            found = _HEAD.match(opened.read(_LONGEST_SECRET))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise SinkFailed(f"its secret cannot be read from {file}: {why}") from None
    secret = found.group().strip() if found else ""
    if not secret:
        raise SinkFailed(f"its secret cannot be read from {file}: the first line is empty")
    return secret


def post_json(url: str, content: object, key: str) -> None:
    """Posts a document.

    Args:
        url: Of http or https, perhaps with user and password.
        content: What JSON can hold.
        key: The idempotency key, a header.

    Raises:
        SinkFailed: It was not taken, or nobody knows whether it was.
    """
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    post(url, json.dumps(content).encode(), headers, TIMEOUT_S)
