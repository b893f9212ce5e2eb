"""Loads a model only if its files are those that were exported."""

from tfx import types
from tfx.utils import path_utils

from components.errors import StateUnusable
from components.registry.exported_files import require_exported, way_out
from components.registry.model_properties import ModelProperties
from serving_model.served.predict import ModelScorer


def sound_scorer(model: types.Artifact) -> ModelScorer:
    """Loads a model, once its files have the hash that was recorded when it was exported.

    Args:
        model: Model artifact. One of somebody else's trainer has no hash, and is only loaded.

    Raises:
        StateUnusable: Its files are gone, differ from what was exported, or cannot be read.
    """
    path = path_utils.serving_model_path(model.uri)
    known = ModelProperties.read(model)
    name = known.model_version or f"model-{model.id}"
    require_exported(path, known, name)
    try:
        return ModelScorer(path)
    except ValueError as broken:
        raise StateUnusable(f"Model {name} cannot be loaded: {broken} {way_out(name)}") from None
