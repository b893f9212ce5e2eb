"""Models and blessings of ML Metadata, put together."""

from collections.abc import Iterable
from typing import Any, Final

from components.errors import RegistryInconsistent
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.stages import JudgedModel

GATE_NODE: Final = "ModelGate"
"""The node of the training pipeline whose blessing decides."""


def judged_models(models: Iterable[Any], blessings: Iterable[Any]) -> list[JudgedModel]:
    """Returns the models with what the gate decided last on each.

    Args:
        models: Model artifacts, as protos of ML Metadata.
        blessings: ModelBlessing artifacts of the deciding node, as protos.

    Raises:
        RegistryInconsistent: Two models have one version.
    """
    decisions = {
        BlessingProperties.read(blessing).current_model_id: blessing
        for blessing in sorted(blessings, key=lambda one: one.id)
    }
    judged = [_judged(model, decisions.get(model.id)) for model in models]
    _require_unique(judged)
    return judged


def _judged(model: Any, blessing: Any | None) -> JudgedModel:
    said = BlessingProperties.read(blessing) if blessing is not None else None
    blessed = said is not None and said.blessed
    return JudgedModel(
        version=version_of(model),
        model_id=model.id,
        judged=blessing is not None,
        # A node registers its artifacts when it ends: that is when the gate decided.
        blessed_at=blessing.create_time_since_epoch if blessing and blessed else None,
        in_shadow=bool(said and blessed and said.shadow),
        acceptable=bool(said and not blessed and said.acceptable),
        unacceptable_because=(said.unacceptable_because or "") if said else "",
        judged_beside=said.baseline_model_id if said else None,
    )


def version_of(model: Any) -> str:
    """Returns a model's version; for a model that is not our trainer's, a name by its id."""
    return ModelProperties.read(model).model_version or f"model-{model.id}"


def _require_unique(models: Iterable[JudgedModel]) -> None:
    seen: dict[str, int] = {}
    for model in models:
        if model.version in seen:
            raise RegistryInconsistent(
                f"Two models in ML Metadata have the version {model.version}: artifacts "
                f"{seen[model.version]} and {model.model_id}. A version names one model, so none "
                "of them is taken. Was a store copied into another, or an artifact added by hand? "
                "Mark the wrong one as DELETED."
            )
        seen[model.version] = model.model_id
