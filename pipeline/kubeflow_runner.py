"""Compiles for Kubeflow Pipelines and Vertex: entry file for `tfx pipeline compile`.

The tfx CLI executes this file as a script, without arguments; it then compiles the training
pipeline. kubeflow_scoring_runner.py is its sibling for the daily run. `tens-insight compile`
does both.
"""

from pathlib import Path
from types import ModuleType

from pipeline import training
from pipeline.kubeflow_specs.runner import SpecRunner, cluster_deployment
from pipeline.logs import silence_libraries
from pipeline.settings import Settings, load_settings


def compile_specs(definition: ModuleType, settings: Settings, folder: Path) -> list[Path]:
    """Compiles a pipeline into its two files.

    Args:
        definition: The module whose create_pipeline wires it.
        settings: Of its runs.
        folder: Gets the files.

    Returns:
        The spec for Kubeflow Pipelines and that for Vertex.

    Raises:
        ConfigurationInvalid: A property cannot be recorded in ML Metadata on Postgres.
    """
    name = definition.PIPELINE_NAME
    pipeline = definition.create_pipeline(settings, cluster_deployment(settings))
    SpecRunner(settings, folder, name).run(pipeline)
    return [folder / f"{name}.yaml", folder / f"{name}.json"]


def compile_from_environment(definition: ModuleType) -> None:
    """Compiles a pipeline with the settings of the environment."""
    silence_libraries()
    settings = load_settings()
    compile_specs(definition, settings, settings.compiled_dir)


if __name__ == "__main__":
    compile_from_environment(training)
