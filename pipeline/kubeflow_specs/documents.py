"""What each of the two platforms is given beside the pipeline itself."""

import copy
from typing import Any, Final

from components.postgres.address import METADATA_URL_VARIABLE, URL_VARIABLE
from components.postgres.secret_manager import secret_variable
from pipeline.settings import Settings

AS_OF: Final = "as_of"
"""The parameter of a run that says its now."""

Document = dict[str, Any]
_EXECUTORS: Final = "executors"


def complete(job: Document, root: str, as_of: str) -> Document:
    """Returns a compiled job with what TFX's compiler leaves out.

    Args:
        job: A PipelineJob as JSON.
        root: Folder or bucket path of the artifacts.
        as_of: Default of the run's parameter.
    """
    result = copy.deepcopy(job)
    spec = result["pipelineSpec"]
    spec["defaultPipelineRoot"] = root
    spec["root"]["inputDefinitions"]["parameters"][AS_OF] |= {
        "defaultValue": as_of,
        "isOptional": True,
        "description": "The run's now, ISO 8601, UTC without a zone; the database's clock if empty",
    }
    return result


def vertex_job(job: Document, settings: Settings) -> Document:
    """Returns the PipelineJob for Vertex: tasks are told which secrets to read.

    Vertex puts no secret into the environment of a task; the task reads it itself, as the
    service account of the run.
    """
    result = copy.deepcopy(job)
    secrets = {
        URL_VARIABLE: settings.cluster.vertex_database_secret,
        METADATA_URL_VARIABLE: settings.cluster.vertex_metadata_secret,
    }
    variables = [{"name": secret_variable(name), "value": secrets[name]} for name in secrets]
    for executor in result["pipelineSpec"]["deploymentSpec"][_EXECUTORS].values():
        executor["container"]["env"] = variables
    return result


def kubeflow_documents(job: Document, settings: Settings) -> tuple[Document, Document]:
    """Returns the PipelineSpec and the PlatformSpec for Kubeflow Pipelines.

    The second one makes Kubernetes put the secrets into the environment of every task. Its
    form is that of kfp-kubernetes' KubernetesExecutorConfig.
    """
    config: Document = {
        "secretAsEnv": [
            {
                "secretName": settings.cluster.kubeflow_secret,
                "keyToEnv": [
                    {"secretKey": settings.cluster.kubeflow_database_key, "envVar": URL_VARIABLE},
                    {
                        "secretKey": settings.cluster.kubeflow_metadata_key,
                        "envVar": METADATA_URL_VARIABLE,
                    },
                ],
            }
        ]
    }
    if settings.cluster.kubeflow_volume_claim:
        config["pvcMount"] = [
            {
                "constant": settings.cluster.kubeflow_volume_claim,
                "mountPath": settings.cluster.kubeflow_volume_path,
            }
        ]
    spec = job["pipelineSpec"]
    labels = spec["deploymentSpec"][_EXECUTORS]
    executors = {label: copy.deepcopy(config) for label in labels}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {_EXECUTORS: executors}}}}
    return spec, platform
