"""How brokers of Kafka are reached, and what is said where they are not."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import kafka
import kafka.admin
from kafka.errors import KafkaError

from components.errors import BrokerUnreachable
from components.streaming.config import StreamConfig

REQUEST_MS: Final = 10_000
_LIBRARY: Final = logging.getLogger("kafka")
_CONNECTIONS: Final = logging.getLogger("kafka.net.connection")
_LOST: Final = "Connection lost: "
_SAYS_NOTHING: Final = "socket disconnected"


class _LastWord(logging.Handler):
    """Remembers why a connection was lost: what is raised says only that there is none."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a line that says more than that the connection is gone."""
        said = record.getMessage().rpartition(_LOST)[2]
        if _SAYS_NOTHING not in said or not self.said:
            self.said = said


_last_word = _LastWord()


def make_clients(config: StreamConfig, bootstrap: Sequence[str]) -> tuple[Any, Any]:
    """Returns what asks brokers about topics, and what reads their messages.

    Args:
        config: How they are reached.
        bootstrap: Addresses of brokers, HOST:PORT.

    Raises:
        KafkaError: None of them answers, or they refuse us.
    """
    # It tells each try of each connection; what comes of them we say ourselves.
    _LIBRARY.propagate = False
    if _last_word not in _CONNECTIONS.handlers:
        _CONNECTIONS.addHandler(_last_word)
    _last_word.said = ""
    given = _settings(config, bootstrap)
    admin = kafka.admin.KafkaAdminClient(**given)
    try:
        consumer = kafka.KafkaConsumer(
            **given,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            max_poll_records=2_000,
            fetch_max_wait_ms=100,  # else one partition without messages holds up the others
        )
    except BaseException:
        admin.close()
        raise
    return admin, consumer


@contextmanager
def as_ours(config: StreamConfig, bootstrap: Sequence[str]) -> Iterator[None]:
    """Turns what goes wrong with brokers into an error that is tried again.

    Raises:
        BrokerUnreachable: Says why, and without any secret.
    """
    try:
        yield
    except (KafkaError, OSError) as error:
        said = " ".join(str(error).split())
        why = f"; the last connection: {_last_word.said}" if _last_word.said else ""
        raise BrokerUnreachable(
            f"The topic {config.stream_topic} cannot be read from Kafka at {where(bootstrap)}: "
            f"{said}{why}"
        ) from None


def where(bootstrap: Sequence[str]) -> str:
    """Returns addresses of brokers as messages show them."""
    return ",".join(bootstrap)


def _settings(config: StreamConfig, bootstrap: Sequence[str]) -> dict[str, Any]:
    """Returns what each client is made with."""
    found: dict[str, Any] = {
        "bootstrap_servers": list(bootstrap),
        "client_id": "tens-insight-stream",
        "request_timeout_ms": REQUEST_MS,
        "bootstrap_timeout_ms": REQUEST_MS,
        "security_protocol": config.kafka_protocol.upper(),
    }
    if config.kafka_protocol.endswith("ssl"):
        files = {
            "ssl_cafile": config.kafka_ca,
            "ssl_certfile": config.kafka_certificate,
            "ssl_keyfile": config.kafka_key,
            "ssl_password": config.kafka_key_password.get_secret_value(),
        }
        found |= {name: value for name, value in files.items() if value}
    if config.kafka_protocol.startswith("sasl"):
        found["sasl_mechanism"] = config.kafka_mechanism
        found["sasl_plain_username"] = config.kafka_user
        found["sasl_plain_password"] = config.kafka_password.get_secret_value()
    return found
