"""The models that score in shadow, and what was recorded of them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from components.errors import TensInsightError
from components.registry.rule import SHADOW_ROLES, shadow_models
from components.shadow.recorded import RecordedShadow, recorded_shadows
from pipeline.database import consistent_read
from pipeline.registry.listing import gate_word
from pipeline.registry.registry import Registry
from pipeline.settings import Settings


@dataclass(frozen=True)
class ShadowRow:
    """A model that scores in shadow, or has.

    Attributes:
        version: Its name.
        role: Why it would score in the next run; empty where it would not.
        gate: blessed, not blessed or not judged; empty where the registry does not know it.
        asked: Whether the next run asks it.
        recorded: What was recorded of it; None where nothing was, or nobody can say.
    """

    version: str
    role: str
    gate: str
    asked: bool
    recorded: RecordedShadow | None

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Shadows:
    """All of them, those of the next run first.

    Attributes:
        rows: The models.
        most: How many are asked, by the settings.
        note: What cannot be said; empty if all can.
    """

    rows: tuple[ShadowRow, ...]
    most: int
    note: str


def list_shadows(registry: Registry, settings: Settings) -> Shadows:
    """Returns the models in shadow, and those that were.

    Args:
        registry: Says which models there are, and what people decided.
        settings: Say how many are asked, and where the database is.

    Raises:
        RegistryInconsistent: Two models have one version.
    """
    recorded, note = _recorded(settings)
    judged = registry.judged()
    gates = {one.version: gate_word(one) for one in judged}
    most = settings.scoring.shadow_models
    roles = {
        one.version: role for role, one in shadow_models(judged, registry.transitions()).items()
    }
    asked = sorted(roles, key=lambda version: SHADOW_ROLES.index(roles[version]))
    rows = [
        ShadowRow(version, roles[version], gates[version], place < most, recorded.get(version))
        for place, version in enumerate(asked)
    ]
    former = sorted(
        (one for version, one in recorded.items() if version not in roles), key=_last, reverse=True
    )
    rows += [
        ShadowRow(one.model_version, "", gates.get(one.model_version, ""), False, one)
        for one in former
    ]
    return Shadows(tuple(rows), most, note)


def _last(one: RecordedShadow) -> datetime:
    return one.last_as_of


def _recorded(settings: Settings) -> tuple[dict[str, RecordedShadow], str]:
    try:
        with consistent_read(settings, "models") as cursor:
            return {one.model_version: one for one in recorded_shadows(cursor)}, ""
    except TensInsightError as error:
        return {}, f"What was recorded in shadow is not known: {error}"
