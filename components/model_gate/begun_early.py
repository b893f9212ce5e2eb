"""What ModelGate begins while Evaluator measures."""

from collections.abc import Iterator
from typing import Any, Final

import tensorflow_transform as tft

from components.ahead import Piece
from components.feedback_example_gen.cutoffs import TRAIN
from components.model_gate.measurement import baselines_key, baselines_of
from components.model_trainer.trained_run import TrainedRun
from components.registry.input_properties import ExamplesProperties

MOST_EXAMPLES: Final = 50_000
"""Training examples up to which baselines are fitted beside Evaluator: with more, what both hold at
once would be the peak of the run's memory."""


def begun_early(made: Any) -> Iterator[Piece]:
    """Yields the fits of the baselines, which know nothing of the challenger."""
    if not isinstance(made, TrainedRun):
        return
    data = ExamplesProperties.read(made.examples)
    if data.splits[TRAIN].examples <= MOST_EXAMPLES:
        transform = tft.TFTransformOutput(made.transform_graph)
        key = baselines_key(made.examples.uri, made.transform_graph)
        yield key, lambda: baselines_of(made.examples, data, transform)
