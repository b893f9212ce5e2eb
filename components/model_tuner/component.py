"""ModelTuner: TFX's Tuner with an executor that records what was found."""

from tfx.components import Tuner
from tfx.dsl.components.base import executor_spec

from components.model_tuner import executor


class ModelTuner(Tuner):
    """Tuner whose HyperParameters know their run, data and worth.

    Its `examples` are the raw Examples of FeedbackExampleGen, of which it reads the split
    `train` alone.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
