"""The pages about models. What builds them loads scikit-learn and SciPy, with the first of them."""

from typing import Final

from pipeline.pages.page import Page, Shown, View

_LOG: Final = "tens_insight.publications"


def _models(view: View) -> Shown:
    from pipeline.pages.models import build

    return build(view)


def _model(view: View) -> Shown:
    from pipeline.pages.model import build

    return build(view)


def _compare(view: View) -> Shown:
    from pipeline.pages.compare import build

    return build(view)


MODELS: Final = Page("/pages/models", "Models", _models, (_LOG,))
MODEL: Final = Page("/pages/model", "", _model, (_LOG,))
COMPARE: Final = Page(
    "/pages/compare",
    "",
    _compare,
    (
        _LOG,
        "tens_insight.outcome_windows",
        "tens_insight.contribution_layouts",
        "tens_insight.shadow_models",
        "tens_insight.shadow_scores",
        "tens_insight.score_outcomes",
        "tens_insight.account_risk_score_history",
        "tens_insight.account_contributions",
    ),
)
