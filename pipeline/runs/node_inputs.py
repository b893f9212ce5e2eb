"""What a node that failed had read, as ML Metadata recorded it."""

from pathlib import PurePosixPath
from typing import Any, Final

_INPUT: Final = 3
_OUTPUT: Final = 4


def kept_inputs(store: Any, run_id: str, node: str) -> dict[str, str]:
    """Returns the folders of a node's inputs that earlier runs made, by the node that made each.

    Args:
        store: Of ML Metadata.
        run_id: The run's name.
        node: The node's name.
    """
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    if run is None:
        return {}
    executions = [one.id for one in store.get_executions_by_context(run.id)]
    events = store.get_events_by_execution_ids(executions) if executions else []
    own = {event.artifact_id for event in events if event.type == _OUTPUT}
    mine = {one for one in executions if _is_of(store, one, node)}
    read = {
        event.artifact_id
        for event in events
        if event.type == _INPUT and event.execution_id in mine and event.artifact_id not in own
    }
    found = store.get_artifacts_by_id(sorted(read)) if read else []
    return {f"{_maker(one.uri)} (artifact {one.id})": one.uri for one in found}


def _is_of(store: Any, execution_id: int, node: str) -> bool:
    contexts = store.get_contexts_by_execution(execution_id)
    return any(one.type == "node" and one.name.rpartition(".")[2] == node for one in contexts)


def _maker(uri: str) -> str:
    """Returns the node that made an artifact: TFX writes to ROOT/PIPELINE/NODE/KEY/ID."""
    parts = PurePosixPath(uri).parts
    return parts[-3] if len(parts) > 3 else uri
