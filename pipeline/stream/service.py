"""Begins the stream: database, champion, source."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Final

from components.postgres.connection import begin_writing, describe
from components.postgres.failures import explained
from components.postgres.identity import read_identity
from components.streaming.config import StreamConfig
from components.streaming.kafka import KAFKA, KafkaSource
from components.streaming.position import remove_positions
from components.streaming.scan import SCAN, ScanSource
from components.streaming.slot import SLOT, SlotSource
from components.streaming.step import Source, Stream, StreamSettings
from pipeline.database import open_database
from pipeline.loading import loading_tfx
from pipeline.registry.metadata_store import require_store
from pipeline.registry.state_claim import require_state_of
from pipeline.settings import ConfigurationInvalid, Settings
from pipeline.stream.follow import FollowedChampion
from pipeline.stream.loop import Done, Loop

VARIABLE: Final = "KAFKA_BOOTSTRAP"
_LONGEST_PAUSE_S: Final = {SCAN: float("inf"), SLOT: 10.0, KAFKA: 10.0}
"""A server ends a replication that says nothing for a minute (wal_sender_timeout)."""
_FILES: Final = ("kafka_ca", "kafka_certificate", "kafka_key")
_AUTO: Final = "auto"
_BROKER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


def source_of(config: StreamConfig, environ: Mapping[str, str]) -> Source:
    """Returns where new feedback comes from.

    Args:
        config: The settings.
        environ: The environment, which may name brokers of Kafka.

    Raises:
        ConfigurationInvalid: They do not say how Kafka is reached.
    """
    said = environ.get(VARIABLE, "")
    kind = config.stream_source
    if kind == KAFKA or (kind == _AUTO and said):
        _require_files(config)
        return KafkaSource(config, _brokers(said))
    if kind == SLOT:
        return SlotSource(config.stream_slot, config.stream_publication)
    return ScanSource(config)


def _brokers(said: str) -> list[str]:
    """Reads addresses of brokers."""
    if not said:
        raise ConfigurationInvalid(
            f"TENS_INSIGHT_STREAM_SOURCE is kafka, and {VARIABLE} is not set: set it to the "
            "addresses of its brokers, such as broker-1:9092,broker-2:9092."
        )
    found = [one.strip() for one in said.split(",")]
    for one in found:
        parts = _BROKER.fullmatch(one)
        if parts is None or not 0 < int(parts[2]) < 1 << 16:
            raise ConfigurationInvalid(
                f"{VARIABLE} must be addresses of brokers as HOST:PORT, with a comma between two, "
                f"such as broker-1:9092,broker-2:9092: number {found.index(one) + 1} is none."
            )
    return found


def _require_files(config: StreamConfig) -> None:
    for name in _FILES:
        file = getattr(config, name)
        if file and not os.access(file, os.R_OK):
            raise ConfigurationInvalid(
                f"Setting {name} names {file}, which is not there or cannot be read."
            )


def _how(source: Source, config: StreamConfig) -> str:
    if source.name == KAFKA:
        return f"by the messages of the topic {config.stream_topic}"
    if source.name == SLOT:
        return f"from the replication slot {config.stream_slot}"
    return "by scanning feedback_enriched"


def remove(settings: Settings) -> str:
    """Ends streaming for good; returns what was removed, in a sentence.

    Raises:
        DatabaseUnreachable: No connection, or the slot is in use.
        ContractBroken: A right is missing.
    """
    slot = settings.streaming.stream_slot
    with open_database(settings, "stream") as connection:
        begin_writing(connection)
        with explained(connection), connection, connection.cursor() as cursor:
            slots, positions = remove_positions(cursor, slot)
    return (
        f"Removed {positions} position{'s' * (positions != 1)} of the stream, and "
        f"{f'its replication slot {slot}' if slots else 'no replication slot'}. Scores stay as "
        "they are."
    )


def stream(settings: Settings, *, once: bool, tell: Callable[[str], object]) -> Done:
    """Streams until a signal asks for the end; with `once`, until all is done that is there now.

    Args:
        settings: Of the installation.
        once: Whether to end then.
        tell: Is told what is done, in lines.

    Raises:
        NothingToPublish: There is no champion, or nothing to stand upon.
        ConfigurationInvalid: The settings do not say how Kafka is reached.
        DatabaseUnreachable: No connection; later that is waited for.
        BrokerUnreachable: No broker of Kafka answers; later that is waited for.
        ContractBroken: A table, column or privilege is missing.
        OtherDatabase: The models belong to another database.
        PublicationRefused: The rows are broken, or the day moved too far.
        StateDirectoryBusy: Another process streams into the database.
    """
    source = source_of(settings.streaming, os.environ)
    require_store()
    with open_database(settings, "stream check") as connection:
        require_state_of(settings, read_identity(connection))
        place = describe(connection)
    champion = FollowedChampion(settings)
    with loading_tfx():
        version = champion().model_version
    kinds = StreamSettings(settings.reading, settings.scoring, settings.streaming)
    stream = Stream(kinds, source, champion)
    tell(f"Streaming from {place} with {version}, {_how(source, settings.streaming)}.")
    patience = settings.scoring.database_patience_seconds
    loop = Loop(
        stream,
        pause_s=min(settings.streaming.stream_pause_seconds, _LONGEST_PAUSE_S[stream.source.name]),
        patience_s=patience if once else float("inf"),
        tell=tell,
    )
    return loop.run(once=once)
