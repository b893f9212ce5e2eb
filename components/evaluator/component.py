"""Evaluator: TFX's Evaluator with an executor that needs no Beam pipeline."""

from tfx.components import Evaluator as TfxEvaluator
from tfx.dsl.components.base import executor_spec

from components.evaluator import executor


class Evaluator(TfxEvaluator):
    """Evaluator of models that our trainer wrote, without thresholds: it decides nothing."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
