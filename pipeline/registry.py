"""Models, runs and lineage, as ML Metadata has them.

Lists and filters in Python: newer releases of ML Metadata have no filter queries.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

_FAILED: Final = 4
_RUNNING: Final = (1, 2)


@dataclass(frozen=True)
class Run:
    """One run of a pipeline.

    Attributes:
        context_id: In ML Metadata.
        pipeline: Its name.
        run_id: TFX's name of the run.
        started_at: UTC.
        ended_at: UTC, of the last node that did anything.
        state: complete, failed, or unfinished (running, or killed).
        failed_node: Type of the node that failed; empty if none did.
    """

    context_id: int
    pipeline: str
    run_id: str
    started_at: datetime
    ended_at: datetime
    state: str
    failed_node: str


@dataclass(frozen=True)
class Artifact:
    """An artifact: where it lies and what it says of itself."""

    artifact_id: int
    type_name: str
    uri: str
    created_at: datetime
    facts: dict[str, Any]


class Registry:
    """Reads one store of ML Metadata; a store that does not exist yet is empty."""

    def __init__(self, metadata_path: Path):
        self._store = _open(metadata_path) if metadata_path.exists() else None

    def runs(self) -> list[Run]:
        """Returns all runs, newest first."""
        if self._store is None:
            return []
        contexts = self._store.get_contexts_by_type("pipeline_run")
        runs = [self._run(context) for context in contexts]
        return sorted((run for run in runs if run), key=lambda run: run.started_at, reverse=True)

    def artifacts_of(self, run: Run) -> list[Artifact]:
        """Returns what a run made or used."""
        assert self._store is not None
        return _artifacts(self._store.get_artifacts_by_context(run.context_id))

    def models(self) -> list[Artifact]:
        """Returns all models, newest first."""
        return self._by_type("Model")

    def blessings(self) -> dict[int, Artifact]:
        """Returns each judged model's blessing by ModelGate, by the model's artifact id."""
        judged = reversed(self._by_type("ModelBlessing"))
        return {
            blessing.facts["current_model_id"]: blessing
            for blessing in judged
            # The Evaluator's have none: they are only one of the gate's checks.
            if "decision" in blessing.facts
        }

    def champion(self) -> Artifact | None:
        """Returns the newest blessed model: the rule of LatestBlessedModelStrategy."""
        blessings = self.blessings()
        for model in self.models():
            blessing = blessings.get(model.artifact_id)
            if blessing is not None and blessing.facts.get("blessed") == 1:
                return model
        return None

    def _by_type(self, type_name: str) -> list[Artifact]:
        if self._store is None:
            return []
        found = _artifacts(self._store.get_artifacts_by_type(type_name))
        return sorted(found, key=lambda artifact: artifact.artifact_id, reverse=True)

    def _run(self, context: Any) -> Run | None:
        assert self._store is not None
        executions = self._store.get_executions_by_context(context.id)
        if not executions:
            return None
        failed = [one for one in executions if one.last_known_state == _FAILED]
        unfinished = any(one.last_known_state in _RUNNING for one in executions)
        return Run(
            context_id=context.id,
            pipeline=self._pipeline_of(executions[0].id),
            run_id=context.name,
            started_at=_moment(context.create_time_since_epoch),
            ended_at=_moment(max(one.last_update_time_since_epoch for one in executions)),
            state="failed" if failed else "unfinished" if unfinished else "complete",
            failed_node=failed[0].type.rpartition(".")[2] if failed else "",
        )

    def _pipeline_of(self, execution_id: int) -> str:
        assert self._store is not None
        contexts = self._store.get_contexts_by_execution(execution_id)
        return next(context.name for context in contexts if context.type == "pipeline")


def _open(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ml_metadata
        from ml_metadata.proto import metadata_store_pb2
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    return ml_metadata.MetadataStore(config)


def _artifacts(found: Iterable[Any]) -> list[Artifact]:
    return [
        Artifact(
            artifact_id=one.id,
            type_name=one.type,
            uri=one.uri,
            created_at=_moment(one.create_time_since_epoch),
            facts=_facts(one.custom_properties),
        )
        for one in found
    ]


def _facts(properties: Any) -> dict[str, Any]:
    """Keeps plain strings and numbers; the rest, and what TFX adds, is of no use here."""
    plain = ("string_value", "int_value", "double_value", "bool_value")
    return {
        name: getattr(value, value.WhichOneof("value"))
        for name, value in sorted(properties.items())
        if value.WhichOneof("value") in plain and name not in ("is_external", "tfx_version")
    }


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
