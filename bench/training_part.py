"""Runs the training pipeline from the database to the exported model, and no further."""

from typing import Any

from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen

from components.feedback_example_gen.cutoffs import EVAL, TRAIN
from components.registry.model_properties import ModelProperties
from pipeline import local_runner, nodes, training
from pipeline.deployment import local_deployment
from pipeline.registry.registry import Registry
from pipeline.settings import Settings
from transforms.schema import schema_path

PIPELINE_NAME = "tens-insight-bench"


def run_training_part(settings: Settings) -> dict[str, Any]:
    """Runs FeedbackExampleGen, Transform and ModelTrainer as training does.

    Returns:
        Folders of `examples`, `transform_graph` and `model`, and `training_seconds`: the
        wall clock of ModelTrainer, which reads, fits and exports.
    """
    schema_gen = ImportSchemaGen(schema_file=str(schema_path()))
    deployment = local_deployment(settings)
    example_gen = nodes.read_feedback(settings, deployment, [TRAIN, EVAL])
    examples = example_gen.outputs["examples"]
    transform = training.build_features(settings, examples, schema_gen.outputs["schema"])
    trainer = training.train_model(settings, examples, transform.outputs["transform_graph"])
    components = [schema_gen, example_gen, transform, trainer]
    definition = nodes.assemble(settings, deployment, PIPELINE_NAME, components)
    local_runner.run_locally(definition, settings, database=None)
    registry = Registry(settings.metadata_path)
    artifacts = registry.artifacts_of(registry.runs()[0])
    model = artifacts.newest(ModelProperties)
    assert model is not None
    return {
        "examples": artifacts.newest_uri("Examples"),
        "transform_graph": artifacts.newest_uri("TransformGraph"),
        "model": model.uri,
        "training_seconds": _seconds(registry, model.artifact_id),
    }


def _seconds(registry: Registry, artifact_id: int) -> float:
    """How long the execution took that made an artifact, as ML Metadata recorded it."""
    assert registry.store is not None
    (event, *_) = registry.store.get_events_by_artifact_ids([artifact_id])
    (execution,) = registry.store.get_executions_by_id([event.execution_id])
    return (execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000
