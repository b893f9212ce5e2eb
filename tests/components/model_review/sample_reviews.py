"""Reviews of runs that never were, the same in every session.

Whatever can be computed without a model is computed by the code of the report itself, from
the predictions and facts of sample_predictions and sample_runs; what needs one is made up.
"""

import functools
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from components.model_gate.predictions import Predictions
from components.model_review.build_report import build_report as gather
from components.model_review.review import Review
from components.model_review.run_artifacts import RunArtifacts
from components.model_review.sections.accounts import ScoreComparison, ScoredSplit, compare_scores
from components.model_review.sections.calibration import calibration_of
from components.model_review.sections.decision import checks_of, decision_of, head_of
from components.model_review.sections.estimates import Estimate
from components.model_review.sections.foreseen import foreseen_of
from components.model_review.sections.gains import gains_of
from components.model_review.sections.importance import Contribution, Importance
from components.model_review.sections.performance import performance_of
from components.model_review.sections.slices import slices_of
from components.model_review.sections.thresholds import thresholds_of
from components.publishing.previous_scores import PreviousScores, PreviousState, Scores
from serving_model.reasons.fact_sentences import group_words
from tests.components.model_review import sample_runs as runs
from tests.components.model_review.sample_predictions import (
    account_ids,
    judged,
    predictions,
    probability,
)
from transforms.reason_groups import group_names

CODE_VERSION = "c0de5eed0123"
NO_OTHER = "There are no scores of another model: none were published, or all were undone."


@functools.cache
def blessed() -> Review:
    """A challenger that beats the champion, publishes, and warns of drift in a feature."""
    found = predictions(challenger=0.6, champion=1.1)
    run = runs.run(
        model=runs.MODEL,
        former_champion=runs.CHAMPION,
        champion=runs.MODEL,
        published=runs.PUBLISHED,
        outcomes=runs.OUTCOMES,
        judged=judged(found, runs.CHAMPION_VERSION),
    )
    return _judged_review(run, found, accounts(published=True))


@functools.cache
def blessed_first() -> Review:
    """The first model of all: no champion, no former scores, nothing to compare with."""
    found = predictions(challenger=0.6, champion=None)
    examples = {k: v for k, v in runs.EXAMPLES.items() if "previous" not in k and k != "late_rows"}
    run = runs.run(
        examples=examples,
        model=runs.MODEL,
        champion=runs.MODEL,
        published=runs.PUBLISHED,
        judged=judged(found, None),
    )
    alone = accounts(published=True, former=False)
    return _judged_review(run, found, alone)


@functools.cache
def not_blessed() -> Review:
    """A challenger that ranks and is calibrated worse than its baselines; the champion scores."""
    found = predictions(challenger=4.0, champion=0.7, off=0.6)
    run = runs.run(
        model=runs.MODEL,
        former_champion=runs.CHAMPION,
        champion=runs.CHAMPION,
        published=replace(runs.PUBLISHED, model_version=runs.CHAMPION_VERSION),
        outcomes=runs.OUTCOMES,
        judged=judged(found, runs.CHAMPION_VERSION),
    )
    return _judged_review(run, found, accounts(published=False))


@functools.cache
def stopped() -> Review:
    """A run that the data gate stopped: too few accounts left, and the ETL stands still."""
    thin = {"eval_churned": 4, "newest_feedback": "2026-05-12T08:00:00+00:00", "rows_last_week": 0}
    return _gathered(runs.run(examples=runs.EXAMPLES | thin, failed="DataGate"))


@functools.cache
def failed() -> Review:
    """A run whose trainer failed."""
    return _gathered(runs.run(failed="ModelTrainer"))


def accounts(
    *, published: bool, former: bool = True, accounts_shown: bool = True
) -> ScoreComparison:
    """Today's accounts beside those of the last publication, by compare_scores itself.

    Args:
        published: Whether the challenger's scores are what stands.
        former: Whether another model has published before.
        accounts_shown: Whether largest_changes may be named.
    """
    rng = np.random.default_rng(21)
    ids = account_ids(1_412 + 60)
    before = rng.normal(-2.2, 1.4, len(ids))
    after = (0.8 * before - 0.45 + rng.normal(0, 0.6, len(ids)))[60:]
    other = _former_scores(ids[:-60], probability(before)[:-60].tolist())
    return compare_scores(
        ScoredSplit(ids[60:], probability(after), []),
        {"model_version": runs.CHALLENGER_VERSION, "calibrated_base_rate": 0.13},
        runs.AS_OF,
        '{"mode": "probability"}',
        PreviousState(published, other, "") if former else PreviousState(published, None, NO_OTHER),
        accounts_shown,
    )


def importance() -> tuple[Importance, ...]:
    """Each reason group loses half of what the one before it loses; the last gains by it."""
    lost = [0.0812 / 2**place for place in range(len(group_names()) - 1)] + [-0.0004]
    return tuple(
        Importance(
            group=group,
            words=group_words(group),
            features=7 + 3 * place,
            auc_lost=Estimate(area, (area - 0.003, area + 0.002)),
            log_loss_added=Estimate(area / 2, (area / 2 - 0.001, area / 2 + 0.001)),
            accounts=1_446,
        )
        for place, (group, area) in enumerate(zip(group_names(), lost, strict=True))
    )


def contributions() -> tuple[Contribution, ...]:
    """Each reason group moves scores less than the one before it, up and down by turns."""
    return tuple(
        Contribution(
            group=group,
            words=group_words(group),
            mean_absolute=0.71 / (1 + place),
            mean=(-1) ** place * 0.2 / (1 + place),
            raises=0.35 if place % 2 else 0.61,
            accounts=1_412,
        )
        for place, group in enumerate(group_names())
    )


def _judged_review(run: RunArtifacts, found: Predictions, accounts: ScoreComparison) -> Review:
    assert run.judged is not None
    return replace(
        _gathered(replace(run, judged=None)),
        head=head_of(run),
        decision=decision_of(run),
        checks=checks_of(run),
        bands=run.judged.bands,
        performance=performance_of(found),
        calibration=calibration_of(found),
        gains=gains_of(found),
        first_accounts=tuple(run.judged.first_accounts),
        first_differences=tuple(run.judged.first_differences),
        thresholds=thresholds_of(found, {"calibrated_base_rate": 0.13}, '{"mode": "probability"}'),
        horizons=tuple(run.judged.horizons),
        slices=slices_of(run.judged),
        accounts=accounts,
        foreseen=foreseen_of(run),
        importance=importance(),
        contributions=contributions(),
        missing=(),
    )


def _gathered(run: RunArtifacts) -> Review:
    """Puts together what is known without files: all of a run without a model."""
    return gather(
        run,
        settings=runs.SETTINGS,
        risk_bands='{"mode": "probability"}',
        code_version=CODE_VERSION,
        accounts_shown=True,
        patience_s=0,
    )


def _former_scores(accounts: list[str], probabilities: list[float]) -> PreviousScores:
    categories = np.array(("low", "medium", "high", "critical"))
    found = categories[np.digitize(probabilities, (0.25, 0.5, 0.75))]
    as_of = datetime.fromisoformat(runs.EXAMPLES["previous_as_of"])
    scores = Scores(pa.array(accounts, pa.string()), np.array(probabilities), found)
    return PreviousScores(7, runs.CHAMPION_VERSION, as_of, scores)
