"""Where a pipeline runs: the few things in which its nodes differ from runner to runner."""

from collections.abc import Callable
from dataclasses import dataclass

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.data_types import RuntimeParameter

from pipeline.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """What create_pipeline asks its runner for.

    Attributes:
        pipeline_root: Folder or bucket path of the artifacts of all pipelines.
        serving_dir: Folder or bucket path of blessed models, one version each.
        as_of: The run's now, ISO 8601, or the parameter that says it when a run begins;
            empty for the database's clock.
        resolver: What finds the artifacts of earlier runs: Resolver, or a component
            that takes the same arguments, for runners that know no strategies of ours.
    """

    pipeline_root: str
    serving_dir: str
    as_of: str | RuntimeParameter
    resolver: Callable[..., BaseNode] = Resolver


def local_deployment(settings: Settings) -> Deployment:
    """Returns the deployment on this machine, in the state directory."""
    return Deployment(
        pipeline_root=str(settings.pipeline_root),
        serving_dir=str(settings.serving_dir),
        as_of=as_of_text(settings),
    )


def as_of_text(settings: Settings) -> str:
    """Returns the run's now in ISO 8601; empty for the database's clock."""
    return settings.run.as_of.isoformat() if settings.run.as_of else ""
