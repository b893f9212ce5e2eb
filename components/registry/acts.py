"""Acts on models in ML Metadata: artifacts that are added, and never changed or removed.

Each carries its number in its name, which is unique in its type: of two people who
decide at the same moment, both on the same state, one is told so.
"""

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.registry.metadata_text import with_backslash, without_backslash
from components.registry.rule import Act

TYPE_NAME: Final = "TensInsightModelAct"
_TEXTS: Final = ("act", "model_version", "acted_by", "reason")
_ACTED_AT: Final = "acted_at"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class NumberTaken(Exception):
    """Somebody else's act has the number: read all acts again."""


class StoreBusy(Exception):
    """Another process keeps ML Metadata locked."""


def read_acts(store: Any) -> list[Act]:
    """Returns all acts in a store of ML Metadata, in their order."""
    found = [_act(artifact) for artifact in store.get_artifacts_by_type(TYPE_NAME)]
    return sorted(found, key=lambda act: act.number)


def append_act(store: Any, act: Act) -> None:
    """Adds an act.

    Args:
        store: Of ML Metadata.
        act: Its number is one above the highest.

    Raises:
        NumberTaken: Another act has that number.
        StoreBusy: Another process keeps ML Metadata locked, also after some tries.
    """
    artifact = metadata_store_pb2.Artifact(
        name=f"act-{act.number:08d}",
        state=metadata_store_pb2.Artifact.LIVE,
    )
    for name, text in zip(_TEXTS, (act.kind, act.version, act.by, act.reason), strict=True):
        artifact.custom_properties[name].string_value = without_backslash(text)
    # As text: on Postgres, ML Metadata's integers have 32 bits.
    artifact.custom_properties[_ACTED_AT].string_value = _text_of(act.at)
    artifact_type = metadata_store_pb2.ArtifactType(name=TYPE_NAME)
    try:
        artifact.type_id = store.put_artifact_type(artifact_type)
        store.put_artifacts([artifact])
    except errors.AlreadyExistsError:
        raise NumberTaken(artifact.name) from None
    except errors.AbortedError:
        raise StoreBusy(artifact.name) from None


def _act(artifact: Any) -> Act:
    kind, version, by, reason = (
        with_backslash(artifact.custom_properties[name].string_value) for name in _TEXTS
    )
    return Act(
        number=int(artifact.name.removeprefix("act-")),
        kind=kind,
        version=version,
        at=_milliseconds_of(artifact.custom_properties[_ACTED_AT].string_value),
        by=by,
        reason=reason,
    )


def _text_of(milliseconds: int) -> str:
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")


def _milliseconds_of(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
