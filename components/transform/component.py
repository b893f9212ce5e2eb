"""Transform: TFX's Transform with an executor that analyses the training examples itself."""

from tfx.components import Transform as TfxTransform
from tfx.dsl.components.base import executor_spec

from components.transform import executor


class Transform(TfxTransform):
    """Transform whose preprocessing_fn needs no analyzer of tf.Transform.

    Its custom_config gets the folder of the analysis, so preprocessing_fn must take one.
    Nothing is materialized, and no statistics are made.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
