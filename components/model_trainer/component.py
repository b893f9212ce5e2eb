"""ModelTrainer: TFX's Trainer with an executor that records lineage."""

from tfx.components import Trainer
from tfx.dsl.components.base import executor_spec

from components.model_trainer import executor


class ModelTrainer(Trainer):
    """Trainer whose Model knows its version, label source, data and settings.

    Its `examples` are the raw Examples of FeedbackExampleGen, not transformed ones:
    run_fn applies the Transform graph once, and the properties of the raw artifact
    say what the model is learnt from.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
