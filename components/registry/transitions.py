"""Stage transitions of models in ML Metadata: artifacts that are added, never changed or removed.

Each carries its number in its name, which is unique in its type: of two people who
decide at the same moment, both on the same state, one is told so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.registry import artifact_names
from components.registry.properties import Properties
from components.registry.stages import StageTransition

_PREFIX: Final = "transition-"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class NumberTaken(Exception):
    """Somebody else's transition has the number: read all of them again."""


class StoreBusy(Exception):
    """Another process keeps ML Metadata locked."""


@dataclass(frozen=True, kw_only=True)
class TransitionProperties(Properties):
    """What an artifact says of the transition that it records.

    Attributes:
        kind: One of components.registry.stages.KINDS.
        model_version: The model; of a split the first one.
        decided_at: ISO 8601 UTC, to the millisecond.
        decided_by: user@host; before it, of a signature, the name that was signed with.
        reason: In their words; may be empty.
        other_version: Of a split the second model.
        share: Of a split the share of the accounts that the second model scores.
    """

    TYPE_NAME = artifact_names.STAGE_TRANSITION

    kind: str
    model_version: str
    decided_at: str
    decided_by: str
    reason: str
    other_version: str | None = None
    share: float | None = None


def read_transitions(store: Any) -> list[StageTransition]:
    """Returns all stage transitions in a store of ML Metadata, in their order.

    Raises:
        RegistryInconsistent: A property is absent or not of its type; names it.
    """
    artifacts = store.get_artifacts_by_type(TransitionProperties.TYPE_NAME)
    return sorted(map(transition_of, artifacts), key=lambda transition: transition.number)


def append_transition(store: Any, transition: StageTransition) -> None:
    """Adds a stage transition.

    Args:
        store: Of ML Metadata.
        transition: Its number is one above the highest.

    Raises:
        NumberTaken: Another transition has that number.
        StoreBusy: Another process keeps ML Metadata locked, also after some tries.
    """
    name = name_of(transition)
    artifact = metadata_store_pb2.Artifact(
        name=name,
        # Where a runner hands artifacts on, they are told apart by their places.
        uri=name if transition.other else "",
        state=metadata_store_pb2.Artifact.LIVE,
    )
    moment = _EPOCH + timedelta(milliseconds=transition.at)
    TransitionProperties(
        kind=transition.kind,
        model_version=transition.version,
        decided_at=moment.isoformat(timespec="milliseconds"),
        decided_by=transition.by,
        reason=transition.reason,
        other_version=transition.other or None,
        share=transition.share or None,
    ).write(artifact)
    artifact_type = metadata_store_pb2.ArtifactType(name=TransitionProperties.TYPE_NAME)
    try:
        artifact.type_id = store.put_artifact_type(artifact_type)
        store.put_artifacts([artifact])
    except errors.AlreadyExistsError:
        raise NumberTaken(artifact.name) from None
    except errors.AbortedError:
        raise StoreBusy(artifact.name) from None


def name_of(transition: StageTransition) -> str:
    """Returns the name of a transition's artifact, unique in its type."""
    return f"{_PREFIX}{transition.number:08d}"


def transition_of(artifact: Any) -> StageTransition:
    """Reads a transition from its artifact.

    Args:
        artifact: Of TFX, or a proto of ML Metadata.

    Raises:
        RegistryInconsistent: A property is absent or not of its type; names it.
    """
    found = TransitionProperties.read(artifact)
    moment = datetime.fromisoformat(found.decided_at)
    return StageTransition(
        number=int(str(artifact.name).removeprefix(_PREFIX)),
        kind=found.kind,
        version=found.model_version,
        at=(moment - _EPOCH) // timedelta(milliseconds=1),
        by=found.decided_by,
        reason=found.reason,
        other=found.other_version or "",
        share=found.share or 0.0,
    )
