"""Which artifacts of ML Metadata a channel stands for, as the local runner queries them."""

from dataclasses import asdict, dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx import types


@dataclass(frozen=True)
class Query:
    """The output of a node, in all its runs.

    Attributes:
        pipeline: Name of its pipeline; empty for the one that asks.
        node: Its id.
        output: The key of its output.
    """

    pipeline: str
    node: str
    output: str

    @classmethod
    def of(cls, channel: types.BaseChannel) -> "Query":
        """Returns the query of a channel that names its producer and its output key."""
        return cls(
            pipeline=getattr(channel, "pipeline_name", ""),
            node=channel.producer_component_id,
            output=channel.output_key,
        )

    def as_dict(self) -> dict[str, str]:
        """Returns plain values."""
        return asdict(self)

    def live_artifacts(
        self, store: Any, own_pipeline: str, kind: type[types.Artifact]
    ) -> list[types.Artifact]:
        """Returns what the node made in all its runs and what was not removed since.

        Args:
            store: Of ML Metadata.
            own_pipeline: The pipeline that asks.
            kind: Type of the artifacts.
        """
        name = f"{self.pipeline or own_pipeline}.{self.node}"
        context = store.get_context_by_type_and_name("node", name)
        if context is None:
            return []
        executions = [one.id for one in store.get_executions_by_context(context.id)]
        events = store.get_events_by_execution_ids(executions) if executions else []
        made = {event.artifact_id for event in events if self._is_output(event)}
        found = store.get_artifacts_by_id(sorted(made)) if made else []
        return [_as_tfx(one, kind) for one in found if _is_live(one, kind)]

    def _is_output(self, event: metadata_store_pb2.Event) -> bool:
        return (
            event.type == metadata_store_pb2.Event.OUTPUT and event.path.steps[0].key == self.output
        )


def _is_live(artifact: metadata_store_pb2.Artifact, kind: type[types.Artifact]) -> bool:
    return artifact.state == metadata_store_pb2.Artifact.LIVE and artifact.type == kind.TYPE_NAME


def _as_tfx(artifact: metadata_store_pb2.Artifact, kind: type[types.Artifact]) -> types.Artifact:
    result = kind()
    result.set_mlmd_artifact(artifact)
    return result
