"""Where a model comes from: its data, settings and code, the gate's decision, its files."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from components.publishing.published_models import PublishedWith
from components.registry.rule import Act
from pipeline.registry.listing import (
    ModelRow,
    decision_file,
    decision_path,
    find_model,
    list_models,
    recorded_metrics,
)
from pipeline.registry.registry import Artifact, Registry, Run

AS_RECORDED, DIFFERS, GONE, NOT_RECORDED = "as recorded", "differs", "gone", "not recorded"
SPLITS: Final = ("train", "eval")


@dataclass(frozen=True)
class Exported:
    """The exported SavedModel.

    Attributes:
        path: Its folder.
        sha256: As recorded when it was exported; empty for a model older than that.
        found: What lies there now: as recorded, differs, gone, not recorded.
    """

    path: str
    sha256: str
    found: str


@dataclass(frozen=True)
class ModelDetails:
    """Everything that is known of a model.

    Attributes:
        row: As in the list.
        decision: The gate's decision in a sentence; empty if it recorded none.
        decision_file: Where its decision.json lies; empty if there is none.
        metrics: Of the evaluation snapshot, by name, as the gate recorded them; empty for a
            model that it did not judge.
        run: The training run.
        examples: The Examples it learnt from; None if ML Metadata does not know them.
        examples_present: Whether their files are still there.
        card: What the model says of itself.
        settings: Of its training run, by name; empty for a model older than their record.
        exported: The SavedModel.
        acts: What people decided about it.
    """

    row: ModelRow
    decision: str
    decision_file: str
    metrics: dict[str, float]
    run: Run | None
    examples: Artifact | None
    examples_present: bool
    card: dict[str, Any]
    settings: dict[str, Any]
    exported: Exported
    acts: list[Act]

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return asdict(self)


def show_model(
    registry: Registry, version: str, published: dict[str, PublishedWith] | None
) -> ModelDetails:
    """Collects everything that is known of a model.

    Args:
        registry: Where it is recorded.
        version: Its name.
        published: What was published by version; None if that is not known.

    Raises:
        UnknownModel: No model has that version; names the nearest.
        RegistryInconsistent: Two models have one version.
    """
    model = find_model(registry, version)
    rows = list_models(registry, published)
    blessing = registry.blessings().get(model.artifact_id)
    run, examples = trained_from(registry, model)
    content = decision_file(blessing) if blessing else None
    card = dict(model.facts)
    return ModelDetails(
        row=next(row for row in rows if row.version == version),
        decision=_sentence(content, blessing),
        decision_file=decision_path(blessing) if blessing and content else "",
        metrics=recorded_metrics(blessing),
        run=run,
        examples=examples,
        examples_present=examples is not None and has_split(examples, "eval"),
        settings=settings_of(model),
        card={name: value for name, value in card.items() if name != "settings"},
        exported=_exported(model),
        acts=[act for act in registry.acts() if act.version == version],
    )


def trained_from(registry: Registry, model: Artifact) -> tuple[Run | None, Artifact | None]:
    """Returns the run that trained a model, and the Examples that it learnt from."""
    run, inputs = registry.made_from(model)
    return run, next((one for one in inputs if one.type_name == "Examples"), None)


def has_split(examples: Artifact, split: str) -> bool:
    """Returns whether the files of a split are still there."""
    folder = Path(examples.uri, f"Split-{split}")
    return folder.is_dir() and any(folder.iterdir())


def settings_of(model: Artifact) -> dict[str, Any]:
    """Returns the settings of a model's training run; empty if they were not recorded."""
    text = model.facts.get("settings", "")
    return json.loads(text) if text else {}


def saved_model_path(model: Artifact) -> str:
    """Returns the folder of a model's SavedModel."""
    return f"{model.uri}/Format-Serving"


def _sentence(content: dict[str, Any] | None, blessing: Artifact | None) -> str:
    if content is not None:
        return str(content.get("summary", ""))
    return str(blessing.facts.get("summary", "")) if blessing else ""


def _exported(model: Artifact) -> Exported:
    from pipeline.logs import import_tensorflow

    import_tensorflow()
    from serving_model.served.model_hash import saved_model_sha256

    path, recorded = saved_model_path(model), str(model.facts.get("saved_model_sha256", ""))
    try:
        now = saved_model_sha256(path)
    except ValueError:
        return Exported(path, recorded, GONE)
    if not recorded:
        return Exported(path, now, NOT_RECORDED)
    return Exported(path, recorded, AS_RECORDED if now == recorded else DIFFERS)
