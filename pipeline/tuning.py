"""The tuning pipeline: looks for better hyperparameters, and publishes nothing."""

from typing import Final

from tfx.components import ExampleValidator
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2

from components.feedback_example_gen.cutoffs import TRAIN
from components.model_tuner.component import ModelTuner
from components.statistics_gen.component import StatisticsGen
from pipeline import nodes, training
from pipeline.deployment import local_deployment
from pipeline.settings import ConfigurationInvalid, Settings, variable
from serving_model.learning.hyperparameters import HYPERPARAMETERS
from transforms.schema import schema_path

PIPELINE_NAME: Final = nodes.TUNING_PIPELINE


def create_pipeline(settings: Settings) -> Pipeline:
    """Wires the tuning pipeline; knows no runner.

    1. FeedbackExampleGen reads the split train alone: the evaluation set is not there.
    2. StatisticsGen and ExampleValidator describe it, DataChecker says what is wrong with it;
       DataGate stops or goes on.
    3. Transform builds the account features inside the graph.
    4. ModelTuner measures hyperparameters on folds that go forward in time, and keeps the
       best, which the next training run takes.

    Raises:
        ConfigurationInvalid: Every hyperparameter is set explicitly.
    """
    _refuse_nothing_to_tune(settings)
    deployment = local_deployment(settings)
    schema_gen = ImportSchemaGen(schema_file=str(schema_path()))
    schema = schema_gen.outputs["schema"]
    example_gen = nodes.read_feedback(settings, deployment, [TRAIN])
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples, schema=schema)
    statistics = statistics_gen.outputs["statistics"]
    validator = ExampleValidator(statistics=statistics, schema=schema)
    checker = nodes.check_data(settings, examples, statistics, validator.outputs["anomalies"])
    data_gate = nodes.gate_data(checker)
    transform = training.build_features(settings, examples, schema)
    transform.add_upstream_node(data_gate)
    tuner = ModelTuner(
        examples=examples,
        transform_graph=transform.outputs["transform_graph"],
        tuner_fn="serving_model.learning.tuner.tuner_fn",
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN]),
        eval_args=trainer_pb2.EvalArgs(splits=[TRAIN]),
        custom_config=training.training_config(settings),
    )
    reading = [schema_gen, example_gen, statistics_gen, validator, checker, data_gate]
    return nodes.assemble(settings, deployment, PIPELINE_NAME, [*reading, transform, tuner])


def _refuse_nothing_to_tune(settings: Settings) -> None:
    if settings.explicit.issuperset(HYPERPARAMETERS):
        names = ", ".join(map(variable, HYPERPARAMETERS))
        raise ConfigurationInvalid(
            f"There is nothing to tune: {names} are all set, and what is set is not tuned. "
            "Unset those that the tuner shall choose."
        )
