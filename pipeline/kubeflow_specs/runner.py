"""Compiles a pipeline for Kubeflow Pipelines and for Vertex."""

import json
from pathlib import Path
from typing import Any

import yaml
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
from tfx.orchestration.pipeline import Pipeline

from components.store_resolver.component import StoreResolver
from pipeline.deployment import Deployment, as_of_text
from pipeline.kubeflow_specs.documents import AS_OF, complete, kubeflow_documents, vertex_job
from pipeline.kubeflow_specs.tasks import as_tasks, titles_that_import
from pipeline.settings import Settings


def cluster_deployment(settings: Settings) -> Deployment:
    """Returns the deployment on Kubeflow Pipelines or Vertex.

    Args:
        settings: Their as_of is the default of the run's parameter.
    """
    root = settings.cluster.kubeflow_pipeline_root
    return Deployment(
        pipeline_root=root,
        serving_dir=settings.cluster.kubeflow_serving_dir or f"{root}/serving/churn",
        as_of=RuntimeParameter(name=AS_OF, ptype=str, default=as_of_text(settings)),
        resolver=StoreResolver,
    )


class SpecRunner(kubeflow_v2_dag_runner.KubeflowV2DagRunner):
    """KubeflowV2DagRunner that writes one file for each platform.

    Kubeflow Pipelines takes YAML: the pipeline, and what Kubernetes shall give its tasks.
    Vertex takes JSON. The tfx CLI compiles with this runner as with the one it extends.

    Args:
        settings: Image, storage, resources, names of the secrets.
        output_dir: Folder of the files.
        stem: Their name without its end.
    """

    def __init__(self, settings: Settings, output_dir: Path, stem: str):
        config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=settings.cluster.kubeflow_image, use_pipeline_spec_2_1=True
        )
        super().__init__(config, str(output_dir), f"{stem}.json")
        self._settings = settings

    def run(
        self,
        pipeline: Pipeline,
        parameter_values: dict[str, Any] | None = None,
        write_out: bool = True,
    ) -> dict[str, Any]:
        """Compiles a pipeline that was defined with cluster_deployment.

        Args:
            pipeline: It serves for nothing else afterwards.
            parameter_values: Of the run, for Vertex.
            write_out: Whether to write the files.

        Returns:
            The PipelineJob for Vertex.

        Raises:
            ConfigurationInvalid: A property cannot be recorded in ML Metadata on Postgres.
        """
        as_tasks(pipeline, self._settings)
        with titles_that_import():
            compiled = super().run(pipeline, parameter_values, write_out=False)
        root = pipeline.pipeline_info.pipeline_root
        job = complete(compiled, root, as_of_text(self._settings))
        if write_out:
            self._write(job)
        return vertex_job(job, self._settings)

    def _write(self, job: dict[str, Any]) -> None:
        # The tfx CLI sets both of these before it calls run.
        path = Path(self._output_dir, self._output_filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(vertex_job(job, self._settings), indent=1, sort_keys=True)
        path.write_text(f"{text}\n", encoding="utf-8")
        documents = kubeflow_documents(job, self._settings)
        path.with_suffix(".yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")
