"""A model for a process that scores between runs: as it was exported, and fit for the settings."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from components.account_scorer.champion import MUST_AGREE, differing_cut
from components.errors import NothingToPublish, StateUnusable
from components.feedback_example_gen.request import AUTO
from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported, way_out
from components.registry.model_properties import ModelProperties
from components.registry.published_properties import PublishedScoresProperties
from components.registry.rule_files import rule_folder, rule_properties
from pipeline.registry.registry import Artifact
from pipeline.settings import Settings
from transforms.cold_start_rule import rule_version

if TYPE_CHECKING:
    from serving_model.served.predict import ModelScorer

_CUT: Final = tuple(name for name in MUST_AGREE if name != "label_source")


def load_model(
    model: Artifact[ModelProperties], settings: Settings, *, few_at_a_time: bool = False
) -> "ModelScorer":
    """Loads a model, once its files have the hash that was recorded when it was exported.

    Args:
        model: Which.
        settings: Of the installation.
        few_at_a_time: As ModelScorer takes it.

    Raises:
        NothingToPublish: It learnt from examples cut otherwise than the settings say.
        StateUnusable: Its files are gone or damaged.
    """
    # Here: who asks the registry does without TensorFlow.
    from serving_model.served.predict import ModelScorer

    known, path = model.properties, saved_model_path(model.uri)
    name = known.model_version or f"model-{model.artifact_id}"
    _require_fit(known, settings, name)
    require_exported(path, known, name)
    try:
        return ModelScorer(path, few_at_a_time=few_at_a_time)
    except ValueError as broken:
        raise StateUnusable(f"Model {name} cannot be loaded: {broken} {way_out(name)}") from None


def load_rule(
    scores: Artifact[PublishedScoresProperties], settings: Settings, *, few_at_a_time: bool = False
) -> "ModelScorer":
    """Loads the cold-start rule that made scores; otherwise as load_model.

    Raises:
        NothingToPublish: By the present settings a run would score with another rule.
        StateUnusable: Its files are gone or damaged.
    """
    from serving_model.served.predict import ModelScorer

    path, name = rule_folder(scores.uri), scores.properties.model_version
    try:
        known = rule_properties(scores.uri)
        _require_fit(known, settings, name)
        config = settings.scoring
        present = rule_version(
            config.rule,
            assumed_churn_rate=config.base_rate,
            critical_priority=config.critical_priority,
            lookback_days=settings.reading.lookback_days,
            horizon_days=settings.reading.horizon_days,
        )
        if present != name:
            raise NothingToPublish(
                f"The cold-start rule that scored last, {name}, is not that of the present "
                "settings: `tens-insight run score` scores with the new one."
            )
        return ModelScorer(path, few_at_a_time=few_at_a_time)
    except (ValueError, OSError) as broken:
        raise StateUnusable(
            f"The cold-start rule {name} cannot be loaded: {broken} `tens-insight run score` makes "
            "it again."
        ) from None


def _require_fit(known: ModelProperties, settings: Settings, name: str) -> None:
    reading = settings.reading
    cut = {one: getattr(reading, one) for one in _CUT}
    # What `auto` comes to the database tells, where the first accounts are scored.
    source = known.label_source if reading.label_source == AUTO else reading.label_source
    if differing := differing_cut(known, replace(known, **cut, label_source=source)):
        raise NothingToPublish(
            f"The champion {name} does not fit the present settings: {differing}. Restore them, or "
            "let `tens-insight run train` train a model with the new ones."
        )
