"""Is it better? Metrics of the challenger, of the champion and of the baselines."""

from typing import Final

from components.model_gate.overall_checks import CHAMPION
from components.model_review.page import cells, numbers, words
from components.model_review.page.blocks import Figure, Part, Section, Table
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.charts.models import look, named
from components.model_review.page.found import absent, against
from components.model_review.page.sections.calls import calls_for_half, lift
from components.model_review.page.sections.ranking import precision_recall, roc
from components.model_review.quality_sections import Quality
from components.model_review.review import Review
from serving_model.evaluation.baselines import LOGISTIC_REGRESSION

_BY: Final = (("auc", "ranking (AUC)"), ("log_loss", "probabilities (log-loss, less is better)"))
_NONE: Final = "The run measured no model."
_CALLS: Final = "How many accounts must we call to reach half of the leavers?"
_LIFT: Final = "How many more leavers are at the top of the list?"


def is_it_better(review: Review) -> Section:
    """Returns the section."""
    parts = (*_ranking(review), *_calling(review))
    return Section("better", "Is it better?", answer(review), parts)


def answer(review: Review) -> str:
    """Compares the challenger with the champion, or without one with logistic regression."""
    if review.quality is None:
        return "That is not known: no model was measured."
    rival = LOGISTIC_REGRESSION if review.head.champion_version is None else CHAMPION
    said = [
        words.compared(named(rival), by, difference, lower_is_better=metric == "log_loss")
        for metric, by in _BY
        if (difference := against(review, metric, rival)) is not None
    ]
    if not said:
        return "That is not known: the gate did not compare this model with another."
    return " ".join(said if rival == CHAMPION else ["There was no champion.", *said])


def _ranking(review: Review) -> tuple[Part, ...]:
    found = review.quality
    if found is None:
        return (Part("Ranking", (absent(review, "quality", _NONE),)),)
    return (
        Part("All models beside each other", (_metrics(found),)),
        Part("Leavers found, stayers called in vain (ROC)", (roc(found),)),
        Part("Precision and recall", (precision_recall(found),)),
    )


def _calling(review: Review) -> tuple[Part, ...]:
    if review.gains is None:
        return (Part(_CALLS, (absent(review, "gains", _NONE),)),)
    return (Part(_CALLS, (calls_for_half(review.gains),)), Part(_LIFT, (lift(review.gains),)))


def _metrics(found: Quality) -> Figure:
    own = found.metrics[0].metrics["auc"]
    rows = [
        Measured(named(one.model), one.metrics["auc"], look(one.model).tone)
        for one in found.metrics
    ]
    seen = ", ".join(f"{one.name} {numbers.metric(one.estimate.value)}" for one in rows)
    return Figure(
        picture=intervals(rows, x="AUC", label=f"AUC with intervals: {seen}", level=0.5),
        here=f"Here the challenger gives a leaver a higher score than a stayer in "
        f"{numbers.share(own.value)} of all pairs; a coin would in 50%.",
        shows="How well each model ranks leavers before stayers (AUC), with its 95% interval.",
        good="The challenger furthest to the right, its whole line beyond the dotted one at 0.5.",
        bad="A challenger whose line reaches the dotted one: a coin may do as well.",
        table=Table.of(
            "Metrics on the evaluation snapshot, with 95% intervals",
            (*cells.MODEL_COLUMNS, "Mean predicted#"),
            ((*cells.metrics(one), numbers.share(one.mean_predicted)) for one in found.metrics),
        ),
    )
