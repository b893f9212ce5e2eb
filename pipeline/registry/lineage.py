"""Where a model comes from: its data, settings and code, the gate's decision, its files."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from components.model_gate.band_worth import BandsWorth
from components.model_gate.decision_file import Decision
from components.model_gate.evidence import MissingEvidence
from components.publishing.published import PublishedWith
from components.registry.artifact_names import saved_model_path
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.stages import StageTransition
from pipeline.registry.listing import (
    ModelRow,
    decision_file,
    decision_path,
    find_model,
    list_models,
    recorded_metrics,
)
from pipeline.registry.registry import Artifact, Registry, Run
from pipeline.runs.record import RunRecords
from serving_model.served.model_hash import saved_model_sha256

AS_RECORDED, DIFFERS, GONE, NOT_RECORDED = "as recorded", "differs", "gone", "not recorded"


@dataclass(frozen=True)
class Exported:
    """The exported SavedModel.

    Attributes:
        path: Its folder.
        sha256: As recorded when it was exported; empty for a model of somebody else's trainer.
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
        judged: The whole decision; None if there is none.
        decision_file: Where its decision.json lies; empty if there is none.
        metrics: Of the evaluation set, by name, as the gate recorded them; empty for a
            model that it did not judge.
        run: The training run.
        examples: The Examples it learnt from; None if ML Metadata does not know them.
        examples_present: Whether their files are still there.
        card: What the model says of itself.
        settings: Of its training run, by name.
        exported: The SavedModel.
        transitions: What people decided about it.
        bands: What its risk categories are worth, see Decision.bands.
        missing_evidence: Of a refused model, what would change the verdict; None where more
            evidence would not, or nobody knows.
        acceptable: Whether a person may publish with it although it was refused.
        unacceptable_because: Of a refused model, why nobody may.
    """

    row: ModelRow
    decision: str
    judged: Decision | None
    decision_file: str
    metrics: dict[str, float]
    run: Run | None
    examples: Artifact[ExamplesProperties] | None
    examples_present: bool
    card: ModelProperties
    settings: dict[str, Any]
    exported: Exported
    transitions: list[StageTransition]
    bands: tuple[BandsWorth, ...] = ()
    missing_evidence: MissingEvidence | None = None
    acceptable: bool = False
    unacceptable_because: str = ""

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        card = self.card.as_json()
        card.pop("settings", None)
        judged = self.judged
        return asdict(replace(self, judged=None)) | {
            "judged": None
            if judged is None
            else {
                "horizons": [asdict(one) for one in judged.horizons],
                "first_accounts": [asdict(one) for one in judged.first_accounts],
                "first_differences": [asdict(one) for one in judged.first_differences],
            },
            "examples": self.examples.as_json() if self.examples else None,
            "card": card,
        }


def show_model(
    registry: Registry,
    version: str,
    published: dict[str, PublishedWith] | None,
    records: RunRecords | None = None,
) -> ModelDetails:
    """Collects everything that is known of a model.

    Args:
        registry: Where it is recorded.
        version: Its name, or a beginning that no other has.
        published: What was published by version; None if that is not known.
        records: Of runs: they know of a run that was killed or interrupted, which ML Metadata
            takes for complete or unfinished.

    Raises:
        UnknownModel: No model has that version; names the nearest.
        RegistryInconsistent: Two models have one version.
    """
    model = find_model(registry, version)
    version = model.properties.model_version
    rows = list_models(registry, published)
    blessing = registry.blessings().get(model.artifact_id)
    run, examples = trained_from(registry, model)
    content = decision_file(blessing) if blessing else None
    return ModelDetails(
        row=next(row for row in rows if row.version == version),
        decision=_sentence(content, blessing),
        judged=content,
        decision_file=decision_path(blessing) if blessing and content else "",
        metrics=recorded_metrics(blessing),
        run=_as_recorded(run, records),
        examples=examples,
        examples_present=examples is not None and has_split(examples, "eval"),
        settings=model.properties.settings or {},
        card=model.properties,
        exported=_exported(model),
        transitions=[
            transition
            for transition in registry.transitions()
            if version in (transition.version, transition.other)
        ],
        bands=content.bands if content else (),
        missing_evidence=content.missing_evidence if content else None,
        acceptable=bool(blessing and blessing.properties.acceptable),
        unacceptable_because=(blessing.properties.unacceptable_because or "") if blessing else "",
    )


def trained_from(
    registry: Registry, model: Artifact[ModelProperties]
) -> tuple[Run | None, Artifact[ExamplesProperties] | None]:
    """Returns the run that trained a model, and the Examples that it learnt from."""
    run, inputs = registry.made_from(model)
    return run, inputs.newest(ExamplesProperties)


def _as_recorded(run: Run | None, records: RunRecords | None) -> Run | None:
    record = records.read(run.run_id) if run and records else None
    return replace(run, state=record.state) if run and record else run


def has_split(examples: Artifact[ExamplesProperties], split: str) -> bool:
    """Returns whether the files of a split are still there."""
    folder = Path(examples.uri, f"Split-{split}")
    return folder.is_dir() and any(folder.iterdir())


def _sentence(content: Decision | None, blessing: Artifact[BlessingProperties] | None) -> str:
    if content is not None:
        return content.summary
    return (blessing.properties.summary or "") if blessing else ""


def _exported(model: Artifact[ModelProperties]) -> Exported:
    path, recorded = saved_model_path(model.uri), model.properties.saved_model_sha256 or ""
    try:
        now = saved_model_sha256(path)
    except ValueError:
        return Exported(path, recorded, GONE)
    if not recorded:
        return Exported(path, now, NOT_RECORDED)
    return Exported(path, recorded, AS_RECORDED if now == recorded else DIFFERS)
