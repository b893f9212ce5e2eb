"""All models with their quality, stage and what was published with them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from components.errors import TensInsightError
from components.model_gate.decision_file import CHALLENGER, FILE, Decision
from components.publishing.published import PublishedWith, published_models
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.rule import champion, publishable_since, shadowed
from components.registry.stages import JudgedModel, Stages, stages_after
from components.registry.versions import require_known
from pipeline.database import open_database
from pipeline.registry.registry import Artifact, Registry
from pipeline.settings import Settings


def ask_publications(settings: Settings) -> tuple[dict[str, PublishedWith] | None, str]:
    """Asks the log of publications; the registry works without it.

    Args:
        settings: Says where an embedded database would be.

    Returns:
        What was published by model version, and an empty text; or None, and why.
    """
    try:
        with open_database(settings, "models", statement_timeout_s=30) as connection:
            return published_models(connection), ""
    except TensInsightError as error:
        return None, f"Rows published are not known: {error}"


BLESSED, NOT_BLESSED, NOT_JUDGED = "blessed", "not blessed", "not judged"


@dataclass(frozen=True)
class ModelRow:
    """One model.

    Attributes:
        version: Its name.
        trained_at: When its training ended, UTC.
        as_of: The now of its training run, ISO 8601 UTC.
        label_source: What it learnt from.
        auc: On its evaluation set, as the gate recorded it; None if it did not.
        log_loss: The same, in nats.
        gate: blessed, not blessed or not judged.
        champion: Whether it scores now.
        pinned: Whether a pin holds on it.
        withdrawn: Whether it is withdrawn.
        in_shadow: Whether it is blessed, and scores in shadow until it is promoted.
        rows_published: Account scores ever published with it; None if not known.
        last_published_as_of: Of the newest of them, UTC.
        in_split: Whether it shares the accounts with another model, by a split that lasts.
        accepted: Whether a person publishes with it although the gate did not bless it.
    """

    version: str
    trained_at: datetime
    as_of: str
    label_source: str
    auc: float | None
    log_loss: float | None
    gate: str
    champion: bool
    pinned: bool
    withdrawn: bool
    in_shadow: bool
    rows_published: int | None
    last_published_as_of: datetime | None
    in_split: bool = False
    accepted: bool = False


def list_models(registry: Registry, published: dict[str, PublishedWith] | None) -> list[ModelRow]:
    """Returns all models, newest first.

    Args:
        registry: To list.
        published: What was published by version; None if that is not known.

    Raises:
        RegistryInconsistent: Two models have one version.
    """
    judged = {model.model_id: model for model in registry.judged()}
    transitions, blessings = registry.transitions(), registry.blessings()
    now, leader = stages_after(transitions), champion(list(judged.values()), transitions)
    shadow = {model.version for model in shadowed(list(judged.values()), transitions)}
    return [
        _row(
            model,
            judged[model.artifact_id],
            blessings.get(model.artifact_id),
            now=now,
            leader=leader,
            shadow=shadow,
            published=published,
        )
        for model in registry.models()
    ]


def gate_word(model: JudgedModel) -> str:
    """Returns what the gate said, in two words at most."""
    if not model.judged:
        return NOT_JUDGED
    return BLESSED if model.blessed_at is not None else NOT_BLESSED


def recorded_metrics(blessing: Artifact[BlessingProperties] | None) -> dict[str, float]:
    """Returns what the gate recorded of the challenger's quality; empty if it did not."""
    if blessing is None:
        return {}
    content, said = decision_file(blessing), blessing.properties
    found = content.metrics[CHALLENGER] if content else {"auc": said.auc, "log_loss": said.log_loss}
    return {name: value for name, value in found.items() if value is not None}


def decision_file(blessing: Artifact[BlessingProperties]) -> Decision | None:
    """Returns the gate's decision.json beside a blessing; None where it is gone or broken."""
    path = Path(decision_path(blessing))
    try:
        return Decision.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def decision_path(blessing: Artifact[BlessingProperties]) -> str:
    """Returns where the gate's decision.json would lie."""
    return f"{blessing.uri}/{FILE}"


def _row(
    model: Artifact[ModelProperties],
    judged: JudgedModel,
    blessing: Artifact[BlessingProperties] | None,
    *,
    now: Stages,
    leader: JudgedModel | None,
    shadow: Collection[str],
    published: dict[str, PublishedWith] | None,
) -> ModelRow:
    metrics = recorded_metrics(blessing)
    ever = published.get(judged.version) if published is not None else None
    return ModelRow(
        version=judged.version,
        trained_at=model.created_at,
        as_of=model.properties.as_of,
        label_source=model.properties.label_source,
        auc=metrics.get("auc"),
        log_loss=metrics.get("log_loss"),
        gate=gate_word(judged),
        champion=leader is not None and leader.model_id == model.artifact_id,
        pinned=now.pin is not None and now.pin.version == judged.version,
        withdrawn=judged.version in now.withdrawn,
        in_shadow=judged.version in shadow,
        rows_published=None if published is None else ever.rows if ever else 0,
        last_published_as_of=ever.last_as_of if ever else None,
        in_split=now.split is not None and judged.version in (now.split.version, now.split.other),
        accepted=judged.blessed_at is None and publishable_since(judged, now) is not None,
    )


def find_model(registry: Registry, version: str) -> Artifact[ModelProperties]:
    """Returns the one model of a version.

    Raises:
        UnknownModel: There is none; names the nearest.
        RegistryInconsistent: Two models have one version.
    """
    found = require_known(version, registry.judged())
    return next(one for one in registry.models() if one.artifact_id == found.model_id)
