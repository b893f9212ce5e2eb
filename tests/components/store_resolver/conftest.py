from tests.components.kubeflow_task.conftest import metadata

__all__ = ["metadata"]
