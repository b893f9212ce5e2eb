"""Where a compiled pipeline will run."""

from typing import Final

from tfx import v1 as tfx

from components.store_resolver.component import StoreResolver
from pipeline.deployment import Deployment, as_of_text
from pipeline.settings import Settings

AS_OF: Final = "as_of"
"""The parameter of a run that says its now."""


def cluster_deployment(settings: Settings) -> Deployment:
    """Returns the deployment on Kubeflow Pipelines or Vertex.

    Args:
        settings: Their as_of is the default of the run's parameter.
    """
    root = settings.cluster.kubeflow_pipeline_root
    return Deployment(
        pipeline_root=root,
        serving_dir=settings.cluster.kubeflow_serving_dir or f"{root}/serving/churn",
        as_of=tfx.dsl.experimental.RuntimeParameter(
            name=AS_OF, ptype=str, default=as_of_text(settings)
        ),
        resolver=StoreResolver,
    )
