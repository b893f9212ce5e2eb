"""StatisticsGen: TFX's StatisticsGen with an executor that needs no Beam pipeline."""

from tfx.components import StatisticsGen as TfxStatisticsGen
from tfx.dsl.components.base import executor_spec

from components.statistics_gen import executor


class StatisticsGen(TfxStatisticsGen):
    """StatisticsGen of all splits, with a schema and TFDV's default options."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
