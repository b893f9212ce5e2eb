"""Nodes that both pipelines wire: reading, champion, scoring, product areas."""

from collections.abc import Sequence
from typing import Final

from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.types import BaseChannel, channel, standard_artifacts
from tfx.types.channel import Channel

from components.account_scorer.component import AccountScorer
from components.data_checker.component import DataChecker
from components.data_gate.component import DataGate
from components.evaluator.component import Evaluator
from components.feedback_example_gen.component import FeedbackExampleGen
from components.model_gate.component import ModelGate
from components.monitor.component import Monitor
from components.outcome_recorder.component import OutcomeRecorder
from components.product_area_scorer.component import ProductAreaScorer
from components.registry.artifacts import ModelSplit
from components.registry.judged import GATE_NODE
from components.registry.newest import NewestOrNone
from components.registry.strategy import (
    BLESSING,
    SECOND,
    SHADOW_KEYS,
    SPLIT,
    ChampionStrategy,
    ShadowStrategy,
)
from pipeline.deployment import Deployment
from pipeline.runners.arguments import beam_arguments
from pipeline.settings import Settings

TRAINER: Final = "ModelTrainer"
STATISTICS: Final = "StatisticsGen"
TUNER: Final = "ModelTuner"
TUNING_PIPELINE: Final = "tens-insight-tune"
STAGES: Final = "model-stages"
"""Stands for the node that no pipeline has: what people decided about models."""


def beam_args(settings: Settings) -> list[str]:
    """Returns the options for Beam."""
    return beam_arguments(settings.beam, settings.run.beam_pipeline_args)


def read_feedback(
    settings: Settings, deployment: Deployment, splits: Sequence[str]
) -> FeedbackExampleGen:
    """Reads the splits in one consistent snapshot."""
    return FeedbackExampleGen(config=settings.reading, splits=splits, as_of=deployment.as_of)


def check_data(
    settings: Settings,
    examples: BaseChannel,
    statistics: BaseChannel,
    anomalies: BaseChannel | None = None,
    trained_statistics: BaseChannel | None = None,
) -> DataChecker:
    """Decides on data that are unsound, thin, old, or not as before."""
    return DataChecker(
        examples=examples,
        statistics=statistics,
        anomalies=anomalies,
        trained_statistics=trained_statistics,
        config=settings.data_gate,
    )


def gate_data(checker: DataChecker) -> DataGate:
    """Stops the run where the checks say so."""
    return DataGate(decision=checker.outputs["decision"])


def resolve_champion(
    deployment: Deployment,
    model: BaseChannel,
    blessing: BaseChannel,
    statistics: BaseChannel | None = None,
) -> BaseNode:
    """Finds the champion, if there is one.

    Args:
        deployment: Where it runs.
        model: Of the models.
        blessing: Of their blessings.
        statistics: Of the statistics of training runs, if those of the champion are wanted.
    """
    channels = {"model": model, "model_blessing": blessing}
    if statistics is not None:
        channels["statistics"] = statistics
    return deployment.resolver(strategy_class=ChampionStrategy, **channels)


def resolve_shadows(
    deployment: Deployment, model: BaseChannel, blessing: BaseChannel, split: BaseChannel
) -> BaseNode:
    """Finds what scores beside the champion: models in shadow, and the second one of a split."""
    models = dict.fromkeys((*SHADOW_KEYS, SECOND), model)
    return deployment.resolver(
        strategy_class=ShadowStrategy, **models, **{BLESSING: blessing, SPLIT: split}
    ).with_id("ShadowModels")


def any_split() -> BaseChannel:
    """Returns a channel for the split that lasts, which no node makes: people decide it."""
    return channel.ExternalPipelineChannel(
        ModelSplit,
        owner="",
        pipeline_name=STAGES,
        producer_component_id=STAGES,
        output_key=SPLIT,
    )


def any_model() -> tuple[BaseChannel, BaseChannel]:
    """Returns channels of all models of the pipeline that resolves them, and of their blessings.

    The Evaluator has an output for blessings too, and writes none; those of ModelGate count.
    """
    return (
        Channel(type=standard_artifacts.Model, producer_component_id=TRAINER, output_key="model"),
        Channel(
            type=standard_artifacts.ModelBlessing,
            producer_component_id=GATE_NODE,
            output_key="blessing",
        ),
    )


def any_statistics() -> BaseChannel:
    """Returns the channel of the statistics of all runs of the pipeline that resolves them."""
    return Channel(
        type=standard_artifacts.ExampleStatistics,
        producer_component_id=STATISTICS,
        output_key="statistics",
    )


def newest_hyperparameters(deployment: Deployment) -> BaseNode:
    """Finds what the newest tuning run found, if there was one."""
    found = channel.ExternalPipelineChannel(
        standard_artifacts.HyperParameters,
        owner="",
        pipeline_name=TUNING_PIPELINE,
        producer_component_id=TUNER,
        output_key="best_hyperparameters",
    )
    return deployment.resolver(strategy_class=NewestOrNone, hyperparameters=found).with_id(
        "TunedHyperparameters"
    )


def gate_model(
    settings: Settings,
    *,
    examples: BaseChannel,
    transform_graph: BaseChannel,
    model: BaseChannel,
    former_champion: BaseChannel,
    evaluator: Evaluator,
) -> ModelGate:
    """Decides on the challenger beside the champion and simple baselines, once it is measured.

    The Evaluator decides nothing; where it fails, nothing is blessed.
    """
    gate = ModelGate(
        examples=examples,
        transform_graph=transform_graph,
        model=model,
        baseline_model=former_champion,
        config=settings.model_gate,
    )
    gate.add_upstream_node(evaluator)
    return gate


def publish_scores(
    settings: Settings, examples: BaseChannel, champion: BaseNode, shadows: BaseNode
) -> AccountScorer:
    """Scores everyone with the champion and publishes in one transaction."""
    beside = {key: shadows.outputs[key] for key in (*SHADOW_KEYS, SECOND, SPLIT)}
    return AccountScorer(
        examples=examples,
        model=champion.outputs["model"],
        blessing=champion.outputs["model_blessing"],
        config=settings.scoring,
        **beside,
    )


def record_outcomes(
    settings: Settings, examples: BaseChannel, scores: BaseChannel
) -> OutcomeRecorder:
    """Records what became of the accounts that were scored before."""
    return OutcomeRecorder(
        examples=examples, scores=scores, config=settings.outcomes, reading=settings.reading
    )


def publish_areas(settings: Settings, area_counts: BaseChannel) -> ProductAreaScorer:
    """Ranks the product areas by the weighted rule and publishes in one transaction."""
    return ProductAreaScorer(area_counts=area_counts, config=settings.areas)


def monitor(
    settings: Settings, deployment: Deployment, pipeline_name: str, **inputs: BaseChannel
) -> Monitor:
    """Measures what was published beside what was published before."""
    return Monitor(
        pipeline_root=f"{deployment.pipeline_root}/{pipeline_name}",
        config=settings.monitoring,
        data_gate=settings.data_gate,
        **inputs,
    )


def assemble(
    settings: Settings, deployment: Deployment, name: str, components: Sequence[BaseNode]
) -> Pipeline:
    """Makes a pipeline of its nodes, without a cache.

    A node served from the cache would not see an UPDATE of an old row, and a publisher
    would not publish.
    """
    return Pipeline(
        pipeline_name=name,
        pipeline_root=f"{deployment.pipeline_root}/{name}",
        components=list(components),
        enable_cache=False,
        beam_pipeline_args=beam_args(settings),
    )
