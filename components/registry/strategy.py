"""The champion rule as a resolver strategy, which both pipelines use."""

from typing import Any

from tfx import types
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts

from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported
from components.registry.judged import judged_models
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.rule import champion
from components.registry.store_identity import require_known_database
from components.registry.transitions import read_transitions


class ChampionStrategy(resolver.ResolverStrategy):
    """Resolves the champion among the models of its channel.

    Takes a channel of Model and one of ModelBlessing, whatever their keys; the channel
    of blessings says whose count. What people decided is read from the store.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns the champion and the blessing it has; both lists empty if there is none.

        Args:
            store: Of ML Metadata.
            input_dict: All live models and blessings of the channels.

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
        found = champion(judged, read_transitions(store))
        if found is None:
            return nothing
        (model,) = [one for one in models if one.id == found.model_id]
        properties = ModelProperties.read(model)
        require_known_database(store, found.version, properties.database_id)
        if properties.saved_model_sha256:
            # Here, and not where it is first read: nothing is trained beside a damaged champion.
            require_exported(saved_model_path(model.uri), properties, found.version)
        return {
            models_key: [model],
            blessings_key: [max(_of(blessings, found.model_id), key=lambda one: one.id)],
        }


def _key_of(input_dict: dict[str, list[types.Artifact]], kind: type) -> str | None:
    """Returns the key of the channel of a type; None where that channel is empty."""
    return next(
        (key for key, found in input_dict.items() if found and isinstance(found[0], kind)), None
    )


def _of(blessings: list[types.Artifact], model_id: int) -> list[types.Artifact]:
    return [one for one in blessings if BlessingProperties.read(one).current_model_id == model_id]
