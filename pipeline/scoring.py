"""The scoring pipeline: the daily run with the champion and no training."""

from typing import Final

from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.orchestration.pipeline import Pipeline
from tfx.types import channel, standard_artifacts

from components.feedback_example_gen.cutoffs import SCORE
from components.registry.judged import GATE_NODE
from components.statistics_gen.component import StatisticsGen
from pipeline import nodes, training
from pipeline.deployment import Deployment, local_deployment
from pipeline.settings import Settings
from transforms.schema import schema_path

PIPELINE_NAME: Final = "tens-insight-score"


def create_pipeline(settings: Settings, deployment: Deployment | None = None) -> Pipeline:
    """Wires the scoring pipeline; knows no runner.

    1. FeedbackExampleGen reads the split score.
    2. The champion is resolved among the models of the training pipeline, and the models that
       score beside it.
    3. StatisticsGen describes the split; DataChecker validates it and compares it with what the
       champion learnt from; DataGate stops or goes on.
    4. AccountScorer scores with them, and publishes what the champion says.
    5. OutcomeRecorder records what became of the accounts that were scored before.
    6. Monitor measures what was published, and says what is unusual.

    Beside this, after 1: ProductAreaScorer ranks the product areas and publishes.

    Args:
        settings: Of the run.
        deployment: Where it runs; this machine if None.
    """
    deployment = deployment or local_deployment(settings)
    schema = ImportSchemaGen(schema_file=str(schema_path()))
    example_gen = nodes.read_feedback(settings, deployment, [SCORE])
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples, schema=schema.outputs["schema"])
    trained = (
        _trained(standard_artifacts.Model, nodes.TRAINER, "model"),
        _trained(standard_artifacts.ModelBlessing, GATE_NODE, "blessing"),
    )
    champion = nodes.resolve_champion(
        deployment,
        *trained,
        _trained(standard_artifacts.ExampleStatistics, nodes.STATISTICS, "statistics"),
    ).with_id("Champion")
    checker = nodes.check_data(
        settings,
        examples,
        statistics_gen.outputs["statistics"],
        trained_statistics=champion.outputs["statistics"],
    )
    gate = nodes.gate_data(checker)
    shadows = nodes.resolve_shadows(deployment, *trained, nodes.any_split())
    scorer = nodes.publish_scores(settings, examples, champion, shadows)
    scorer.add_upstream_node(gate)
    outcomes = nodes.record_outcomes(settings, examples, scorer.outputs["scores"])
    areas = nodes.publish_areas(settings, example_gen.outputs["area_counts"])
    reading = [schema, example_gen, statistics_gen, champion, checker]
    monitor = nodes.monitor(
        settings,
        deployment,
        PIPELINE_NAME,
        examples=examples,
        statistics=statistics_gen.outputs["statistics"],
        trained_statistics=champion.outputs["statistics"],
        decision=checker.outputs["decision"],
        model=champion.outputs["model"],
        scores=scorer.outputs["scores"],
    )
    return nodes.assemble(
        settings,
        deployment,
        PIPELINE_NAME,
        [*reading, gate, areas, shadows, scorer, outcomes, monitor],
    )


def _trained(artifact: type, producer: str, output_key: str) -> channel.ExternalPipelineChannel:
    """Returns what the training pipeline produced; the daily run has no model of its own."""
    return channel.ExternalPipelineChannel(
        artifact,
        owner="",
        pipeline_name=training.PIPELINE_NAME,
        producer_component_id=producer,
        output_key=output_key,
    )
