"""The pictures of the ranking: ROC and precision-recall."""

from typing import Final

import numpy as np

from components.model_review.page import cells, numbers, words
from components.model_review.page.blocks import Figure
from components.model_review.page.charts.curves import Mark, curves
from components.model_review.page.charts.models import key, named
from components.model_review.quality_sections import Quality

_IN_VAIN: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
_RECALL: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


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
