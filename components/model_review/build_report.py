"""Builds the report from what a run left behind; a section that cannot be made says why."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import tensorflow_transform as tft
from absl import logging
from tfx.utils import path_utils

from components.errors import TensInsightError
from components.feedback_example_gen.cutoffs import EVAL, SCORE
from components.model_gate.decision_file import Decision
from components.model_gate.evaluation_set import read_eval
from components.model_gate.predictions import Predictions, read_predictions
from components.model_review.review import Review
from components.model_review.run_artifacts import RunArtifacts
from components.model_review.sections.accounts import ScoreComparison, compare_scores, score_split
from components.model_review.sections.calibration import calibration_of
from components.model_review.sections.changes import changes_of
from components.model_review.sections.data import data_facts_of, splits_of
from components.model_review.sections.decision import checks_of, decision_of, head_of
from components.model_review.sections.estimates import SectionMissing
from components.model_review.sections.foreseen import foreseen_of
from components.model_review.sections.gains import gains_of
from components.model_review.sections.importance import Importance, contributions_of, importance_of
from components.model_review.sections.lineage import components_of, lineage_of, settings_of
from components.model_review.sections.model_card import card_of
from components.model_review.sections.performance import performance_of
from components.model_review.sections.slices import slices_of
from components.model_review.sections.thresholds import thresholds_of
from components.publishing.previous_scores import read_previous
from serving_model.served.predict import ModelScorer

NOT_JUDGED: Final = "The run ended before the gate could judge a model."
NO_MODEL: Final = "The run ended before there was a model."
NOTHING_READ: Final = "The run ended before anything was read."


def build_report(
    run: RunArtifacts,
    *,
    settings: Mapping[str, Any],
    risk_bands: str,
    code_version: str,
    accounts_shown: bool,
    patience_s: float,
) -> Review:
    """Puts the report together.

    Args:
        run: What it left behind.
        settings: Settings of the run, plain values by name, without secrets.
        risk_bands: RiskBands.rule as JSON.
        code_version: Hash of the code that reads, transforms and learns.
        accounts_shown: Whether the report may name accounts.
        patience_s: Seconds for which a database that does not answer is waited for.
    """
    found, missing = _made(_sections(run, risk_bands, accounts_shown, patience_s))
    missing |= _never_reached(run)
    return Review(
        head=head_of(run),
        decision=decision_of(run, accounts_shown),
        checks=checks_of(run),
        bands=run.judged.bands if run.judged else (),
        changes=changes_of(run, dict(settings)),
        data_checks=run.checks,
        data_facts=data_facts_of(run),
        splits=splits_of(run),
        lineage=lineage_of(run, code_version),
        settings=settings_of(settings),
        components=components_of(run),
        card=card_of(run),
        foreseen=foreseen_of(run),
        missing=tuple(missing.items()),
        **found,
    )


def _sections(
    run: RunArtifacts, risk_bands: str, accounts_shown: bool, patience_s: float
) -> Mapping[str, Callable[[], object]]:
    """Says how to make each section that takes more than what artifacts say of themselves."""
    predictions = functools.cache(lambda: _predictions(run))
    scorer = functools.cache(lambda: _scorer(run))
    scored = functools.cache(lambda: score_split(scorer(), f"{run.uris['examples']}/Split-{SCORE}"))

    def accounts() -> ScoreComparison:
        card = scorer().card
        state = read_previous(str(card["model_version"]), patience_s)
        as_of = run.examples.as_of if run.examples else ""
        return compare_scores(scored(), card, as_of, risk_bands, state, accounts_shown)

    return {
        "performance": lambda: performance_of(predictions()),
        "calibration": lambda: calibration_of(predictions()),
        "gains": lambda: gains_of(predictions()),
        "first_accounts": lambda: tuple(_judged(run).first_accounts),
        "first_differences": lambda: tuple(run.judged.first_differences) if run.judged else (),
        "thresholds": lambda: thresholds_of(predictions(), scorer().card, risk_bands),
        "horizons": lambda: tuple(_judged(run).horizons),
        "slices": lambda: slices_of(_judged(run)),
        "importance": lambda: _importance(run, scorer()),
        "contributions": lambda: contributions_of(scorer(), scored().sample),
        "accounts": accounts,
    }


def _made(
    sections: Mapping[str, Callable[[], object]],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the sections that could be made, and of the others why not."""
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, make in sections.items():
        try:
            found[name] = make()
        except (SectionMissing, TensInsightError, ValueError) as why:
            missing[name] = str(why)
        # A reviewer must get all the rest, and see here that something is broken.
        except Exception as error:
            logging.error("Evaluation report: %s", name, exc_info=error)
            missing[name] = f"{type(error).__name__}: the log of the run says more."
    return found, missing


def _never_reached(run: RunArtifacts) -> dict[str, str]:
    missing: dict[str, str] = {}
    if not run.examples:
        missing |= dict.fromkeys(("data_facts", "splits", "card"), NOTHING_READ)
    if not run.checks:
        missing["data_checks"] = "The run ended before the data were checked."
    if not run.costs:
        missing["components"] = "The runner of this pipeline does not write down what nodes take."
    return missing


def _judged(run: RunArtifacts) -> Decision:
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
    split, lookback = f"{run.uris['examples']}/Split-{EVAL}", int(scorer.card["lookback_days"])
    examples = read_eval(split, transform, lookback)
    return importance_of(scorer, examples)
