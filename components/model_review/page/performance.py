"""Is it better? Metrics of the challenger, the champion and the baselines; ROC and PR curves."""

import itertools
from typing import Final

import numpy as np

from components.model_gate.decision_file import CHAMPION
from components.model_review.page import cells, words
from components.model_review.page.bands import bands_part
from components.model_review.page.charts.curves import Mark, curves
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.charts.models import key, look, named
from components.model_review.page.contacting import first_accounts, thresholds
from components.model_review.page.gains import contacts_for_half, lift
from components.model_review.page.rule_comparison import rule_part, rule_sentences
from components.model_review.page.words import absent, against
from components.model_review.review import Review
from components.model_review.sections.performance import Performance
from components.page import numbers
from components.page.blocks import Absent, Block, Figure, Part, Section, Table
from components.page.words import listed
from serving_model.evaluation.ranking import LOGISTIC_REGRESSION

_BY: Final = (("auc", "ranking (AUC)"), ("log_loss", "log-loss (lower is better)"))
_NONE: Final = "The run measured no model."
_CALLS: Final = "How many accounts must we contact to reach half of those that churn?"
_LIFT: Final = "Lift: how many more accounts churn at the top of the list?"
_FIRST: Final = "What are the first accounts of the list worth?"
_CUTS: Final = "Who would be flagged, from which probability on?"
_NO_CUT: Final = "No cut divides the accounts of the evaluation set."
_FALSE_POSITIVES: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
_RECALL: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


def performance_section(review: Review) -> Section:
    """Returns the section."""
    parts = (*_ranking(review), *_calling(review), rule_part(review), *_bands(review))
    return Section("better", "Is it better?", answer(review), parts)


def answer(review: Review) -> str:
    """Compares with the champion; where there is none, with logistic regression and the rule."""
    if review.performance is None:
        return "That is not known: no model was measured."
    other = LOGISTIC_REGRESSION if review.head.champion_version is None else CHAMPION
    said = [
        words.compared(named(other), by, difference, lower_is_better=metric == "log_loss")
        for metric, by in _BY
        if (difference := against(review, metric, other)) is not None
    ]
    if not said:
        return "That is not known: the gate did not compare this model with another."
    if other == CHAMPION:
        return " ".join(said)
    return " ".join(["There was no champion.", *said, *itertools.islice(rule_sentences(review), 1)])


def _ranking(review: Review) -> tuple[Part, ...]:
    found = review.performance
    if found is None:
        return (Part("Ranking", (absent(review, "performance", _NONE),)),)
    return (
        Part("Metrics of all models", (_metrics(found),)),
        Part("ROC curve", (roc(found),)),
        Part("Precision-recall curve", (precision_recall(found),)),
    )


def _calling(review: Review) -> tuple[Part, ...]:
    parts = [Part(_CALLS, (absent(review, "gains", _NONE),))]
    if review.gains is not None:
        parts = [
            Part(_CALLS, (contacts_for_half(review.gains),)),
            Part(_LIFT, (lift(review.gains),)),
        ]
    parts.append(Part(_FIRST, (_first(review),)))
    cuts: Block = absent(review, "thresholds", _NONE)
    if review.thresholds is not None:
        cuts = thresholds(review.thresholds) if review.thresholds.cuts else Absent(_NO_CUT)
    return (*parts, Part(_CUTS, (cuts,)))


def _first(review: Review) -> Block:
    if not review.first_accounts:
        return absent(review, "first_accounts", _NONE)
    return first_accounts(review.first_accounts, review.first_differences)


def _bands(review: Review) -> tuple[Part, ...]:
    return (bands_part(review.bands),) if review.checks else ()


def _metrics(found: Performance) -> Figure:
    own = found.metrics[0].metrics["auc"]
    rows = [
        Measured(named(one.model), one.metrics["auc"], look(one.model).tone)
        for one in found.metrics
    ]
    seen = ", ".join(f"{one.name} {numbers.metric(one.estimate.value)}" for one in rows)
    return Figure(
        picture=intervals(rows, x="AUC", label=f"AUC with intervals: {seen}", level=0.5),
        here=f"The challenger scores an account that churned above one that stayed in "
        f"{numbers.share(own.value)} of all pairs; random scores do so in 50%.",
        shows="How well each model ranks churned accounts above the others (AUC), with its 95% "
        "interval.",
        good="The challenger furthest to the right, its whole line beyond the dotted one at 0.5.",
        bad="A challenger whose line reaches the dotted one: it may be no better than chance.",
        table=Table.of(
            "Metrics on the evaluation set, with 95% intervals",
            (*cells.MODEL_COLUMNS, "Mean predicted#"),
            ((*cells.metrics(one), numbers.share(one.mean_predicted)) for one in found.metrics),
        ),
    )


def roc(found: Performance) -> Figure:
    """Returns the ROC curves."""
    own = found.roc[0]
    height = float(np.interp(0.1, own.x, own.y))
    reached = numbers.rounded(height)
    return Figure(
        picture=curves(
            found.roc,
            x="share of stayed accounts contacted",
            y="share of churned accounts contacted",
            label=f"ROC curves of {_models(found)}, and the diagonal of chance. The challenger "
            f"reaches {reached} of the churned accounts where 10% of the stayed ones are "
            "contacted.",
            chance=((0, 0), (1, 1)),
            mark=Mark(0.1, height, reached),
        ),
        here=f"Contacting by the challenger's scores reaches {reached} of the churned accounts "
        "when "
        "10% of the stayed ones are contacted; a random order reaches 10%.",
        shows="Contacting accounts from the highest score down: the share of the churned accounts "
        "reached (upwards) and of the stayed accounts contacted for nothing (to the right).",
        good="A line that rises steeply from the start and stays above the others.",
        bad="A line near the diagonal, or one below a baseline's on the left, where the highest "
        "scores are.",
        table=cells.readings(
            "Share of churned accounts contacted, by share of stayed ones",
            found.roc,
            _FALSE_POSITIVES,
        ),
        key=key(one.model for one in found.roc),
    )


def precision_recall(found: Performance) -> Figure:
    """Returns the precision-recall curves."""
    own, base = found.precision_recall[0], numbers.share(found.base_rate)
    height = float(np.interp(0.5, own.x, own.y))
    hit = numbers.rounded(height)
    return Figure(
        picture=curves(
            found.precision_recall,
            x="recall: share of churned accounts contacted",
            y="precision",
            label=f"Precision-recall curves of {_models(found)}, and the base rate of {base}. The "
            f"challenger's precision is {hit} at a recall of 50%.",
            chance=((0, found.base_rate), (1, found.base_rate)),
            mark=Mark(0.5, height, hit, below=False),
        ),
        here=f"At a recall of 50%, {hit} of the accounts that the challenger ranks highest "
        "churned; "
        f"among all accounts it is {base}.",
        shows="Share of the contacted accounts that churned (precision, upwards), by the share of "
        "all churned accounts that is reached (recall, to the right).",
        good="A line far above the pale level one, which is a random order.",
        bad="A line that falls to the level one early: below the highest scores the ranking does "
        "not "
        "help.",
        table=cells.readings("Precision, by recall", found.precision_recall, _RECALL),
        key=key(one.model for one in found.precision_recall),
    )


def _models(found: Performance) -> str:
    return listed([named(one.model) for one in found.metrics], most=9)
