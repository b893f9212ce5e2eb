"""What is known of a run once its model is trained, before it is measured."""

from dataclasses import dataclass

from tfx import types


@dataclass(frozen=True)
class TrainedRun:
    """A run whose challenger is exported.

    Attributes:
        examples: Examples with a training split.
        transform_graph: Folder of the TransformGraph.
    """

    examples: types.Artifact
    transform_graph: str
