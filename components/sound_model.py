"""Loads a model only if its files are those that were exported."""

from tfx import types
from tfx.utils import path_utils

from components.errors import StateUnusable
from components.registry.model_properties import ModelProperties
from serving_model.served.model_hash import saved_model_sha256
from serving_model.served.predict import ModelScorer


def sound_scorer(model: types.Artifact) -> ModelScorer:
    """Loads a model, once its files have the hash that was recorded when it was exported.

    A changed bit among the weights would else change scores without a word.

    Args:
        model: Model artifact. One of somebody else's trainer has no hash, and is only loaded.

    Raises:
        StateUnusable: Its files are gone, differ from what was exported, or cannot be read.
    """
    path = path_utils.serving_model_path(model.uri)
    known = ModelProperties.read(model)
    name, recorded = known.model_version or f"model-{model.id}", known.saved_model_sha256
    try:
        found = saved_model_sha256(path)
    except (ValueError, OSError):
        raise StateUnusable(
            f"The files of model {name} are gone: nothing to read in {path}. {_way_out(name)}"
        ) from None
    if recorded and found != recorded:
        raise StateUnusable(
            f"The files of model {name} in {path} are not those that were exported: their SHA-256 "
            f"is {found[:12]}..., recorded was {recorded[:12]}.... {_way_out(name)}"
        )
    try:
        return ModelScorer(path)
    except ValueError as broken:
        raise StateUnusable(f"Model {name} cannot be loaded: {broken} {_way_out(name)}") from None


def _way_out(name: str) -> str:
    return (
        "Restore its folder from a backup; or take another champion: `tens-insight models "
        f"withdraw {name}` lets the one before it score, `tens-insight run train` trains a new one."
    )
