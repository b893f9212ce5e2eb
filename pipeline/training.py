"""The training pipeline: everything, from feedback to published scores."""

from typing import Final

from tfx.components import ExampleValidator, Pusher
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2, transform_pb2
from tfx.types import BaseChannel

from components.config import plain
from components.evaluator.component import Evaluator
from components.feedback_example_gen.cutoffs import SCORE, SPLITS
from components.model_review.component import ModelReview
from components.model_trainer.chosen import SET_EXPLICITLY
from components.model_trainer.component import ModelTrainer
from components.model_trainer.executor import MODEL_CARD
from components.statistics_gen.component import StatisticsGen
from components.transform.component import Transform
from pipeline import nodes
from pipeline.code_version import code_version
from pipeline.deployment import Deployment, local_deployment
from pipeline.evaluation import eval_config
from pipeline.settings import Settings
from serving_model.learning.hyperparameters import HYPERPARAMETERS
from transforms.schema import schema_path

PIPELINE_NAME: Final = "tens-insight-train"
RUN_FN: Final = "serving_model.learning.trainer.run_fn"
"""What fits and exports the model; another learner is another LEARNER there."""


def create_pipeline(settings: Settings, deployment: Deployment | None = None) -> Pipeline:
    """Wires the training pipeline; knows no runner.

    1. FeedbackExampleGen reads the splits train, eval and score in one snapshot.
    2. StatisticsGen and ExampleValidator describe them, DataChecker says what is wrong with
       them; DataGate stops or goes on.
    3. Transform builds the account features inside the graph.
    4. ModelTrainer trains and exports the challenger, with the hyperparameters that the
       newest tuning run found, if there was one.
    5. Evaluator measures it and the champion, on slices; it decides nothing.
    6. ModelGate blesses it or not: that too, simple baselines, calibration, slices.
    7. Pusher copies a blessed model to where TensorFlow Serving reads.
    8. The champion is resolved again: today's model if it was blessed, else the last; and the
       models that score beside it.
    9. AccountScorer scores with them, and publishes what the champion says.
    10. OutcomeRecorder records what became of the accounts that were scored before.
    11. Monitor measures what was published, and says what is unusual.
    12. ModelReview writes the evaluation report, whatever became of the nodes before it.

    Beside all this, after 1: ProductAreaScorer ranks the product areas and publishes.

    Args:
        settings: Of the run.
        deployment: Where it runs; this machine if None.
    """
    deployment = deployment or local_deployment(settings)
    schema_gen = ImportSchemaGen(schema_file=str(schema_path()))
    schema = schema_gen.outputs["schema"]
    example_gen = nodes.read_feedback(settings, deployment, SPLITS)
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples, schema=schema)
    statistics = statistics_gen.outputs["statistics"]
    validator = ExampleValidator(statistics=statistics, schema=schema, exclude_splits=[SCORE])
    checker = nodes.check_data(settings, examples, statistics, validator.outputs["anomalies"])
    data_gate = nodes.gate_data(checker)
    transform = build_features(settings, examples, schema)
    transform.add_upstream_node(data_gate)
    tuned = None
    if settings.training.hyperparameters == "tuned":
        tuned = nodes.newest_hyperparameters(deployment)
    trainer = train_model(settings, examples, transform.outputs["transform_graph"], tuned)
    former_champion = nodes.resolve_champion(deployment, *nodes.any_model())
    former_champion = former_champion.with_id("FormerChampion")
    former_champion.add_upstream_node(data_gate)
    transform.add_upstream_node(former_champion)  # nothing is learnt beside a damaged champion
    evaluator = _evaluate(examples, schema, trainer, former_champion)
    model_gate = nodes.gate_model(
        settings,
        examples=examples,
        transform_graph=transform.outputs["transform_graph"],
        model=trainer.outputs["model"],
        former_champion=former_champion.outputs["model"],
        evaluator=evaluator,
    )
    pusher = _push(deployment, trainer.outputs["model"], model_gate.outputs["blessing"])
    champion = nodes.resolve_champion(
        deployment, *nodes.any_model(), nodes.any_statistics()
    ).with_id("Champion")
    champion.add_upstream_node(model_gate)
    shadows = nodes.resolve_shadows(deployment, *nodes.any_model(), nodes.any_split())
    shadows.add_upstream_node(model_gate)
    scorer = nodes.publish_scores(settings, examples, champion, shadows)
    scorer.add_upstream_node(pusher)
    outcomes = nodes.record_outcomes(settings, examples, scorer.outputs["scores"])
    areas = nodes.publish_areas(settings, example_gen.outputs["area_counts"])
    reading = [schema_gen, example_gen, statistics_gen, validator, checker, data_gate, areas]
    learning = [transform, former_champion, trainer, evaluator, model_gate, pusher]
    learning += [tuned] if tuned else []
    review = _review(
        settings,
        deployment,
        examples=examples,
        data_decision=checker.outputs["decision"],
        transform_graph=transform.outputs["transform_graph"],
        model=trainer.outputs["model"],
        baseline_model=former_champion.outputs["model"],
        blessing=model_gate.outputs["blessing"],
        champion=champion.outputs["model"],
        scores=scorer.outputs["scores"],
        outcomes=outcomes.outputs["outcomes"],
    )
    monitor = nodes.monitor(
        settings,
        deployment,
        PIPELINE_NAME,
        examples=examples,
        statistics=statistics,
        trained_statistics=champion.outputs["statistics"],
        decision=checker.outputs["decision"],
        model=champion.outputs["model"],
        scores=scorer.outputs["scores"],
    )
    review.add_upstream_nodes([pusher, areas, outcomes, monitor])
    every = [*reading, *learning, champion, shadows, scorer, outcomes, monitor, review]
    return nodes.assemble(settings, deployment, PIPELINE_NAME, every)


def build_features(settings: Settings, examples: BaseChannel, schema: BaseChannel) -> Transform:
    """Learns vocabularies and scales from the training examples, and writes the graph."""
    return Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn="transforms.account_features.preprocessing_fn",
        custom_config={"critical_priority": settings.reading.critical_priority},
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train"]),
        # The trainer applies the graph itself, so that it sees cutoffs and reads once.
        materialize=False,
        disable_statistics=True,
        # No later run reads it: each one takes a snapshot of its own.
        disable_analyzer_cache=True,
    )


def train_model(
    settings: Settings,
    examples: BaseChannel,
    graph: BaseChannel,
    tuned: BaseNode | None = None,
) -> ModelTrainer:
    """Trains and exports the challenger, with tuned hyperparameters if there are any."""
    return ModelTrainer(
        examples=examples,
        transform_graph=graph,
        run_fn=RUN_FN,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["train"]),
        hyperparameters=tuned.outputs["hyperparameters"] if tuned else None,
        custom_config=training_config(settings),
    )


def _evaluate(
    examples: BaseChannel,
    schema: BaseChannel,
    trainer: ModelTrainer,
    former_champion: BaseNode,
) -> Evaluator:
    return Evaluator(
        examples=examples,
        example_splits=["eval"],
        model=trainer.outputs["model"],
        baseline_model=former_champion.outputs["model"],
        eval_config=eval_config(),
        schema=schema,
    )


def _push(deployment: Deployment, model: BaseChannel, blessing: BaseChannel) -> Pusher:
    serving = pusher_pb2.PushDestination.Filesystem(base_directory=deployment.serving_dir)
    return Pusher(
        model=model,
        model_blessing=blessing,
        push_destination=pusher_pb2.PushDestination(filesystem=serving),
    )


def _review(settings: Settings, deployment: Deployment, **inputs: BaseChannel) -> ModelReview:
    return ModelReview(
        settings=settings.portable(),
        risk_bands=settings.scoring.bands,
        code_version=code_version(),
        pipeline_root=f"{deployment.pipeline_root}/{PIPELINE_NAME}",
        config=settings.review,
        **inputs,
    )


def training_config(settings: Settings) -> dict[str, object]:
    """Returns what trainer and tuner get as custom_config."""
    return {
        **plain(settings.training),
        "critical_priority": settings.reading.critical_priority,
        "horizon_days": settings.reading.horizon_days,
        SET_EXPLICITLY: sorted(settings.explicit & set(HYPERPARAMETERS)),
        MODEL_CARD: {
            "code_version": code_version(),
            "risk_bands": settings.scoring.bands.rule,
            "settings": settings.portable(),
        },
    }
