"""Where the cold-start rule lies that scored: beside the scores, since it is no Model artifact."""

import os
from typing import Final, NamedTuple

from tfx import types
from tfx.utils import path_utils

from components.registry.model_properties import ModelProperties
from components.registry.published_properties import PublishedScoresProperties
from serving_model.served.model_card import read_card
from transforms.cold_start_rule import is_rule

_FOLDER: Final = "rule"


class ScoredBy(NamedTuple):
    """The model that scored, or the rule.

    Attributes:
        properties: What it says of itself.
        folder: Of its SavedModel.
    """

    properties: ModelProperties
    folder: str


def rule_folder(scores_uri: str) -> str:
    """Returns the folder of the rule's SavedModel, of that of the scores."""
    return os.path.join(scores_uri, _FOLDER)


def rule_properties(scores_uri: str) -> ModelProperties:
    """Returns what the rule that made scores says of itself.

    Raises:
        ValueError: There is none.
    """
    return ModelProperties.from_plain(read_card(rule_folder(scores_uri)))


def scored_by(models: list[types.Artifact], scores: types.Artifact) -> ScoredBy:
    """Returns what scored.

    Args:
        models: The champion, or nothing.
        scores: PublishedScores.
    """
    if is_rule(PublishedScoresProperties.read(scores).model_version):
        return ScoredBy(rule_properties(scores.uri), rule_folder(scores.uri))
    (model,) = models
    return ScoredBy(ModelProperties.read(model), path_utils.serving_model_path(model.uri))
