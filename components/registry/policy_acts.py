"""What the policy did by itself, in ML Metadata: artifacts that are added and never changed.

A daily score is none: the log of publications has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.registry import artifact_names
from components.registry.properties import Properties
from components.registry.transitions import StoreBusy


@dataclass(frozen=True, kw_only=True)
class PolicyActProperties(Properties):
    """One act of the policy.

    Attributes:
        kind: withdraw, promote, train or clean.
        model_version: The model that it speaks of; empty where it speaks of none.
        as_of: The moment that the facts speak of, ISO 8601 UTC.
        decided_at: ISO 8601 UTC.
        decided_by: "policy (user@host)".
        reason: Why, in a sentence.
        evidence: Numbers and names behind it; never an account.
        undo: The command that takes it back; empty where nothing need be.
    """

    TYPE_NAME = artifact_names.POLICY_ACT

    kind: str
    as_of: str
    decided_at: str
    decided_by: str
    reason: str
    model_version: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    undo: str = ""


def read_acts(store: Any) -> list[PolicyActProperties]:
    """Returns all acts in a store of ML Metadata, oldest first.

    Raises:
        RegistryInconsistent: A property is absent or not of its type; names it.
    """
    found = store.get_artifacts_by_type(PolicyActProperties.TYPE_NAME)
    return [PolicyActProperties.read(one) for one in sorted(found, key=lambda one: one.id)]


def append_act(store: Any, act: PolicyActProperties) -> None:
    """Adds an act.

    Raises:
        StoreBusy: Another process keeps ML Metadata locked, also after some tries.
    """
    artifact = metadata_store_pb2.Artifact(state=metadata_store_pb2.Artifact.LIVE)
    act.write(artifact)
    artifact_type = metadata_store_pb2.ArtifactType(name=PolicyActProperties.TYPE_NAME)
    try:
        artifact.type_id = store.put_artifact_type(artifact_type)
        store.put_artifacts([artifact])
    except errors.AbortedError:
        raise StoreBusy(act.kind) from None
