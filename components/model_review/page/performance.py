"""Is it better? Metrics of the challenger, the champion and the baselines; ROC and PR curves."""

from typing import Final

import numpy as np

from components.model_gate.decision_file import CHAMPION
from components.model_review.page import cells, numbers, words
from components.model_review.page.blocks import Figure, Part, Section, Table
from components.model_review.page.charts.curves import Mark, curves
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.charts.models import key, look, named
from components.model_review.page.found import absent, against
from components.model_review.page.gains import calls_for_half, lift
from components.model_review.review import Review
from components.model_review.sections.performance import Quality
from serving_model.evaluation.baselines import LOGISTIC_REGRESSION

_BY: Final = (("auc", "ranking (AUC)"), ("log_loss", "probabilities (log-loss, less is better)"))
_NONE: Final = "The run measured no model."
_CALLS: Final = "How many accounts must we call to reach half of the leavers?"
_LIFT: Final = "How many more leavers are at the top of the list?"
_IN_VAIN: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
_RECALL: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


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


def roc(found: Quality) -> Figure:
    """Returns the ROC curves."""
    own = found.roc[0]
    height = float(np.interp(0.1, own.x, own.y))
    reached = numbers.rounded(height)
    return Figure(
        picture=curves(
            found.roc,
            x="stayers called in vain",
            y="leavers found",
            label=f"ROC curves of {_models(found)}, and the diagonal of chance. The challenger "
            f"finds {reached} of the leavers where 10% of the stayers are called.",
            chance=((0, 0), (1, 1)),
            mark=Mark(0.1, height, reached),
        ),
        here=f"Here the challenger has found {reached} of the leavers when it has "
        "called a tenth of the stayers in vain; calling at random would have found 10%.",
        shows="Whoever calls down the list finds leavers (upwards) and calls stayers in vain (to "
        "the right).",
        good="A line that rises steeply at once and stays above the others.",
        bad="A line near the diagonal, or one that dips below a rival's on the left, where the "
        "first calls are.",
        table=cells.readings(
            "Leavers found, by share of stayers called in vain", found.roc, _IN_VAIN
        ),
        key=key(one.model for one in found.roc),
    )


def precision_recall(found: Quality) -> Figure:
    """Returns the precision-recall curves."""
    own, base = found.precision_recall[0], numbers.share(found.base_rate)
    height = float(np.interp(0.5, own.x, own.y))
    hit = numbers.rounded(height)
    return Figure(
        picture=curves(
            found.precision_recall,
            x="leavers found (recall)",
            y="leavers among the called (precision)",
            label=f"Precision-recall curves of {_models(found)}, and the base rate of {base}. The "
            f"challenger's precision is {hit} where half of the leavers are found.",
            chance=((0, found.base_rate), (1, found.base_rate)),
            mark=Mark(0.5, height, hit, below=False),
        ),
        here=f"Here {hit} of the accounts called by the challenger are leavers when "
        f"half of all leavers are found; among accounts called at random it is {base}.",
        shows="How many of the called are leavers (upwards), the more leavers are to be found (to "
        "the right).",
        good="A line far above the pale level one, which is calling at random.",
        bad="A line that falls to the level one early: after the first calls the list is no help.",
        table=cells.readings(
            "Precision, by share of leavers found", found.precision_recall, _RECALL
        ),
        key=key(one.model for one in found.precision_recall),
    )


def _models(found: Quality) -> str:
    return words.listed([named(one.model) for one in found.metrics], most=9)
