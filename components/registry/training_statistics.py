"""The statistics of the Examples that a model learnt from."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx import types

from components.registry.artifact_names import EXAMPLES

_READ: Final = (mlmd.Event.INPUT, mlmd.Event.DECLARED_INPUT)


def training_statistics(
    store: Any, model: types.Artifact, statistics: Sequence[types.Artifact]
) -> list[types.Artifact]:
    """Returns the statistics of the Examples that a model learnt from.

    Resolvers note what they found as outputs of their own, in a later run; so what counts is who
    made an artifact, and what that one read.

    Args:
        store: Of ML Metadata.
        model: The model.
        statistics: Candidates, such as those of all training runs.

    Returns:
        One, or none where there is none any more.
    """
    made = _makers(store, [model.id, *(one.id for one in statistics)])
    if model.id not in made:
        return []
    read = _inputs(store, sorted(set(made.values())))
    learnt = {
        one.id
        for one in store.get_artifacts_by_id(sorted(read[made[model.id]]))
        if one.type == EXAMPLES
    }
    same = [one for one in statistics if one.id in made and read[made[one.id]] & learnt]
    return sorted(same, key=lambda one: int(one.id))[-1:]


def _makers(store: Any, artifacts: list[int]) -> dict[int, int]:
    """Returns the execution that made each artifact."""
    return {
        event.artifact_id: event.execution_id
        for event in store.get_events_by_artifact_ids(artifacts)
        if event.type == mlmd.Event.OUTPUT
    }


def _inputs(store: Any, executions: list[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for event in store.get_events_by_execution_ids(executions):
        if event.type in _READ:
            found[event.execution_id].add(event.artifact_id)
    return found
