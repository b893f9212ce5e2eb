"""Begins the stream: database, champion, source."""

from collections.abc import Callable
from typing import Final

from components.postgres.connection import begin_writing, describe
from components.postgres.failures import explained
from components.postgres.identity import read_identity
from components.streaming.config import StreamConfig
from components.streaming.position import remove_positions
from components.streaming.scan import SCAN, ScanSource
from components.streaming.slot import SLOT, SlotSource
from components.streaming.step import Source, Stream, StreamSettings
from pipeline.database import open_database
from pipeline.loading import loading_tfx
from pipeline.registry.metadata_store import require_store
from pipeline.registry.state_claim import require_state_of
from pipeline.settings import Settings
from pipeline.stream.follow import FollowedChampion
from pipeline.stream.loop import Done, Loop

_LONGEST_PAUSE_S: Final = {SCAN: float("inf"), SLOT: 10.0}
"""A server ends a replication that says nothing for a minute (wal_sender_timeout)."""


def source_of(config: StreamConfig) -> Source:
    """Returns where new feedback comes from, by the settings."""
    if config.stream_source == SLOT:
        return SlotSource(config.stream_slot, config.stream_publication)
    return ScanSource(config)


def _how(config: StreamConfig) -> str:
    if config.stream_source == SLOT:
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
        DatabaseUnreachable: No connection; later that is waited for.
        ContractBroken: A table, column or privilege is missing.
        OtherDatabase: The models belong to another database.
        PublicationRefused: The rows are broken, or the day moved too far.
        StateDirectoryBusy: Another process streams into the database.
    """
    require_store()
    with open_database(settings, "stream check") as connection:
        require_state_of(settings, read_identity(connection))
        place = describe(connection)
    champion = FollowedChampion(settings)
    with loading_tfx():
        version = champion().model_version
    kinds = StreamSettings(settings.reading, settings.scoring, settings.streaming)
    stream = Stream(kinds, source_of(settings.streaming), champion)
    tell(f"Streaming from {place} with {version}, {_how(settings.streaming)}.")
    patience = settings.scoring.database_patience_seconds
    loop = Loop(
        stream,
        pause_s=min(settings.streaming.stream_pause_seconds, _LONGEST_PAUSE_S[stream.source.name]),
        patience_s=patience if once else float("inf"),
        tell=tell,
    )
    return loop.run(once=once)
