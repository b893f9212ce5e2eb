"""What a sink is, and how it fails."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from pydantic import SecretStr

from components.alerts.message import Message

TIMEOUT_S: Final = 5.0
"""For a connection, and for each answer."""
_LONGEST_SECRET: Final = 10_000
_HEAD: Final = re.compile(r"[^\r\n]*")


class SinkFailed(Exception):
    """A sink did not take a message. The text holds no address, password or token.

    Attributes:
        alive: Whether it answers, and refused this message alone.
        retry_after: How long it asked to be left alone; None if it did not.
        busy: Whether it asked for that because it has too much to do.
    """

    def __init__(
        self,
        said: str,
        *,
        alive: bool = False,
        retry_after: timedelta | None = None,
        busy: bool = False,
    ):
        super().__init__(said)
        self.alive = alive
        self.retry_after = retry_after
        self.busy = busy


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
