"""The champion rule as a resolver strategy, which both pipelines use."""

import logging
from typing import Any, Final

from tfx import types
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts

from components.errors import OtherDatabase, StateUnusable
from components.registry.artifact_names import STAGE_TRANSITION, saved_model_path
from components.registry.artifacts import ModelSplit
from components.registry.exported_files import require_exported
from components.registry.judged import judged_models
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.rule import (
    FORMER_CHAMPION,
    NEWEST_CHALLENGER,
    PINNED_SHADOW,
    champion,
    second_of_split,
    shadow_models,
)
from components.registry.stages import JudgedModel, StageTransition, stages_after
from components.registry.store_identity import require_known_database
from components.registry.training_statistics import training_statistics
from components.registry.transitions import name_of, read_transitions

_log = logging.getLogger(__name__)

SHADOW_KEYS: Final = {
    "pinned_shadow": PINNED_SHADOW,
    "former_champion": FORMER_CHAMPION,
    "newest_challenger": NEWEST_CHALLENGER,
}
"""Keys of the models that score in shadow, and their roles."""
SECOND: Final = "second_of_split"
SPLIT: Final = "split"
BLESSING: Final = "model_blessing"


class ChampionStrategy(resolver.ResolverStrategy):
    """Resolves the champion among the models of its channel.

    Takes a channel of Model and one of ModelBlessing, whatever their keys; the channel
    of blessings says whose count. What people decided is read from the store. A channel of
    ExampleStatistics resolves to those of the Examples that the champion learnt from.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns the champion, its blessing, and the statistics of what it learnt from.

        All lists are empty if there is no champion; that of the statistics if they are gone.

        Args:
            store: Of ML Metadata.
            input_dict: All live models, blessings and statistics of the channels.

        Raises:
            RegistryInconsistent: Two models have one version.
            StateUnusable: Its files are gone, or not those that were exported.
            OtherDatabase: The champion learnt from a database that the store never belonged to.
        """
        models_key = _key_of(input_dict, standard_artifacts.Model)
        blessings_key = _key_of(input_dict, standard_artifacts.ModelBlessing)
        nothing: dict[str, list[types.Artifact]] = {key: [] for key in input_dict}
        if models_key is None or blessings_key is None:
            return nothing
        models, blessings = input_dict[models_key], input_dict[blessings_key]
        judged = judged_models(
            [model.mlmd_artifact for model in models],
            [blessing.mlmd_artifact for blessing in blessings],
        )
        found, _ = _published_models(store, models, judged, read_transitions(store))
        if found is None:
            return nothing
        model = _artifact_of(found, models)
        statistics_key = _key_of(input_dict, standard_artifacts.ExampleStatistics)
        if statistics_key is not None:
            candidates = input_dict[statistics_key]
            nothing[statistics_key] = training_statistics(store, model, candidates)
        return nothing | {
            models_key: [model],
            blessings_key: [max(_of(blessings, found.model_id), key=lambda one: one.id)],
        }


class ShadowStrategy(resolver.ResolverStrategy):
    """Resolves the models that score beside the champion.

    Takes the channel of Model once for each of SHADOW_KEYS and for SECOND, that of ModelBlessing
    as BLESSING, and any channel of ModelSplit as SPLIT, whose count is read from the store.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns at most one artifact for each key.

        A model that learnt from a database that the store never belonged to is left out.

        Args:
            store: Of ML Metadata.
            input_dict: All live models and blessings of the channels.

        Raises:
            RegistryInconsistent: Two models have one version.
            StateUnusable: The files of the champion are gone, or not those that were exported.
            OtherDatabase: The champion learnt from a database that the store never belonged to.
        """
        models, blessings = input_dict.get(SECOND) or [], input_dict.get(BLESSING) or []
        judged = judged_models(
            [model.mlmd_artifact for model in models],
            [blessing.mlmd_artifact for blessing in blessings],
        )
        transitions = read_transitions(store)
        roles = {role: key for key, role in SHADOW_KEYS.items()}
        found: dict[str, list[types.Artifact]] = {key: [] for key in input_dict}
        for role, one in shadow_models(judged, transitions).items():
            model = _artifact_of(one, models)
            if _is_known(store, one, model):
                found[roles[role]] = [model]
        _, second = _published_models(store, models, judged, transitions)
        if second is not None:
            found[SECOND] = [_artifact_of(second, models)]
        if (split := stages_after(transitions).split) is not None:
            found[SPLIT] = [_split_artifact(store, split)]
        return found


def _published_models(
    store: Any,
    models: list[types.Artifact],
    judged: list[JudgedModel],
    transitions: list[StageTransition],
) -> tuple[JudgedModel | None, JudgedModel | None]:
    """Returns the champion, and the second model of a split where it scores too.

    Of a split one model alone is enough: where the files of one are damaged, the other takes over.
    """
    leader, second = champion(judged, transitions), second_of_split(judged, transitions)
    if leader is None:
        return None, None
    if second is None:
        _require_sound(store, leader, models)
        return leader, None
    sound = []
    broken: StateUnusable | None = None
    for one in (leader, second):
        try:
            _require_sound(store, one, models)
            sound.append(one)
        except StateUnusable as error:
            _log.warning("Of a split one model alone scores: %s", error)
            broken = error
    if not sound:
        assert broken is not None
        raise broken
    return sound[0], sound[1] if len(sound) > 1 else None


def _require_sound(store: Any, found: JudgedModel, models: list[types.Artifact]) -> None:
    model = _artifact_of(found, models)
    properties = ModelProperties.read(model)
    require_known_database(store, found.version, properties.database_id)
    if properties.saved_model_sha256:
        # Here, and not where it is first read: nothing is trained beside a damaged champion.
        require_exported(saved_model_path(model.uri), properties, found.version)


def _is_known(store: Any, found: JudgedModel, model: types.Artifact) -> bool:
    """Tells whether a model in shadow is of this database; loading it checks its files."""
    try:
        require_known_database(store, found.version, ModelProperties.read(model).database_id)
    except OtherDatabase as error:
        _log.warning("It is not asked in shadow: %s", error)
        return False
    return True


def _split_artifact(store: Any, split: StageTransition) -> types.Artifact:
    result = ModelSplit()
    result.set_mlmd_artifact(store.get_artifact_by_type_and_name(STAGE_TRANSITION, name_of(split)))
    return result


def _artifact_of(found: JudgedModel, models: list[types.Artifact]) -> types.Artifact:
    (model,) = [one for one in models if one.id == found.model_id]
    return model


def _key_of(input_dict: dict[str, list[types.Artifact]], kind: type) -> str | None:
    """Returns the key of the channel of a type; None where that channel is empty."""
    return next(
        (key for key, found in input_dict.items() if found and isinstance(found[0], kind)), None
    )


def _of(blessings: list[types.Artifact], model_id: int) -> list[types.Artifact]:
    return [one for one in blessings if BlessingProperties.read(one).current_model_id == model_id]
