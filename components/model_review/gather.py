"""Puts the report together from what a run left behind; what cannot be known says why."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import tensorflow_transform as tft
from tfx.utils import path_utils

from components.errors import TensInsightError
from components.feedback_example_gen.cutoffs import EVAL, SCORE
from components.model_gate.predictions import Predictions, read_predictions
from components.model_gate.snapshots import read_eval
from components.model_review.account_sections import Importance
from components.model_review.calibration import calibration_of
from components.model_review.changes import changes_of
from components.model_review.contributions import contributions_of
from components.model_review.data_section import data_checks_of, data_facts_of, splits_of
from components.model_review.decision_section import checks_of, decision_of, head_of
from components.model_review.gains import gains_of
from components.model_review.importance import importance_of
from components.model_review.lineage import components_of, lineage_of, settings_of
from components.model_review.missing import SectionMissing
from components.model_review.model_card_text import card_of
from components.model_review.quality import quality_of
from components.model_review.review import Review
from components.model_review.run_artifacts import RunArtifacts
from components.model_review.score_split import score_split
from components.model_review.slices import slices_of
from components.model_review.standing import standing_of
from components.postgres.standing_scores import read_standing
from serving_model.predict import ModelScorer

NOT_JUDGED: Final = "The run ended before the gate could judge a model."
NO_MODEL: Final = "The run ended before there was a model."
NOTHING_READ: Final = "The run ended before anything was read."


def gather(
    run: RunArtifacts,
    *,
    settings: Mapping[str, Any],
    risk_bands: str,
    code_version: str,
    accounts_shown: bool,
) -> Review:
    """Puts the report together.

    Args:
        run: What it left behind.
        settings: Of the run, plain values by name, without secrets.
        risk_bands: RiskBands.rule as JSON.
        code_version: Hash of the code that reads, transforms and learns.
        accounts_shown: Whether the report may name accounts.
    """
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}

    def section(name: str, make: Callable[[], object]) -> None:
        try:
            found[name] = make()
        except (SectionMissing, TensInsightError) as why:
            missing[name] = str(why)

    predictions = _Once(lambda: _predictions(run))
    scorer = _Once(lambda: _scorer(run))
    scored = _Once(lambda: score_split(scorer(), f"{run.uris['examples']}/Split-{SCORE}"))
    section("quality", lambda: quality_of(predictions()))
    section("calibration", lambda: calibration_of(predictions()))
    section("gains", lambda: gains_of(predictions()))
    section("slices", lambda: slices_of(_judged(run)))
    section("importance", lambda: _importance(run, scorer()))
    section("contributions", lambda: contributions_of(scorer(), scored().sample))
    section(
        "standing",
        lambda: standing_of(
            scored(),
            scorer().card,
            str(run.examples["as_of"]),
            risk_bands,
            read_standing(str(scorer().card["model_version"])),
            accounts_shown,
        ),
    )
    if not run.examples:
        missing |= dict.fromkeys(("data_facts", "splits", "card"), NOTHING_READ)
    if not run.checks:
        missing["data_checks"] = "The run ended before the data were checked."
    if not run.costs:
        missing["components"] = "The runner of this pipeline does not write down what nodes take."
    return Review(
        head=head_of(run),
        decision=decision_of(run),
        checks=checks_of(run),
        changes=changes_of(run, dict(settings)),
        data_checks=data_checks_of(run),
        data_facts=data_facts_of(run),
        splits=splits_of(run),
        lineage=lineage_of(run, code_version),
        settings=settings_of(settings),
        components=components_of(run),
        card=card_of(run),
        missing=tuple(missing.items()),
        **found,
    )


class _Once:
    """Makes a thing when it is first asked for; what fails, fails for all who ask."""

    def __init__(self, make: Callable[[], Any]):
        self._make = make
        self._made: Any = None

    def __call__(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made


def _judged(run: RunArtifacts) -> Mapping[str, Any]:
    if run.judged is None:
        raise SectionMissing(NOT_JUDGED)
    return run.judged


def _predictions(run: RunArtifacts) -> Predictions:
    _judged(run)
    return read_predictions(run.uris["blessing"])


def _scorer(run: RunArtifacts) -> ModelScorer:
    if "model" not in run.uris:
        raise SectionMissing(NO_MODEL)
    return ModelScorer(path_utils.serving_model_path(run.uris["model"]))


def _importance(run: RunArtifacts, scorer: ModelScorer) -> tuple[Importance, ...]:
    transform = tft.TFTransformOutput(run.uris["transform_graph"])
    snapshots = read_eval(f"{run.uris['examples']}/Split-{EVAL}", transform)
    return importance_of(scorer, snapshots)
