"""Can I believe the probabilities? Predicted against observed."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
from markupsafe import Markup

from components.model_review.page.words import absent, overall_check
from components.model_review.review import Review
from components.model_review.sections.calibration import Calibration, Decile
from components.model_review.sections.estimates import Estimate
from components.page import numbers, theme
from components.page.blocks import Block, Figure, Part, Section, Table
from components.page.picture import picture

_NONE: Final = "The run judged no probabilities."
_HEIGHT: Final = 340


def calibration_section(review: Review) -> Section:
    """Returns the section."""
    found = review.calibration
    block: Block = absent(review, "calibration", _NONE)
    answer = "That is not known: no probabilities were judged."
    if found is not None:
        block, answer = _figure(found), calibration_here(found, _gap_of(review))
    parts = (Part("Predicted and observed churn rate by decile", (block,)),)
    return Section("calibration", "Can I believe the probabilities?", answer, parts)


def _gap_of(review: Review) -> Estimate | None:
    check = overall_check(review, "calibration gap")
    if check is None or check.value is None:
        return None
    return Estimate(check.value, check.interval)


def calibration_here(found: Calibration, gap: Estimate | None) -> str:
    """Says whether predicted and observed agree as closely as chance allows.

    Args:
        found: Predicted and observed.
        gap: Mean predicted less mean observed, as the gate has it; None if it has not.
    """
    error, bound = numbers.share(found.error.value), numbers.share(found.by_chance)
    said = f"{_mean_here(found, gap)} The mean calibration error over deciles is {error}; "
    if found.error.value <= found.by_chance:
        return f"{said}a calibrated model stays below {bound}, so it may be chance."
    return (
        f"{said}a calibrated model stays below {bound}, so the probabilities are not calibrated: "
        "use "
        "the ranking, not the rates."
    )


def _mean_here(found: Calibration, gap: Estimate | None) -> str:
    predicted, observed = numbers.share(found.mean_predicted), numbers.share(found.mean_observed)
    said = (
        f"The mean predicted churn probability is {predicted}, the observed churn rate {observed}"
    )
    if gap is None or gap.interval is None:
        return f"{said}."
    low, high = gap.interval
    if low <= 0 <= high:
        return f"{said}: the two cannot be told apart."
    return f"{said}: the prediction is too {'high' if gap.value > 0 else 'low'}, beyond chance."


def _figure(found: Calibration) -> Figure:
    outside = sum(not _holds(one) for one in found.deciles)
    return Figure(
        picture=calibration(
            found.deciles,
            f"Predicted and observed churn rate by decile, with intervals, and the diagonal "
            f"where they are equal; {outside} of {len(found.deciles)} intervals do not reach it",
        ),
        here=deciles_here(found.deciles),
        shows="The accounts in ten equal parts by probability: what was predicted (to the right) "
        "and what happened (upwards), with 95% intervals.",
        good="Points on the dotted line, or intervals that cross it.",
        bad="All points below it: predictions are too high. All above it: too low.",
        table=Table.of(
            "Predicted and observed churn rate by decile, the lowest first",
            ("Decile", "Accounts#", "Churned#", "Predicted#", "Observed#", "95% interval#", "Gap#"),
            (_row(place, one) for place, one in enumerate(found.deciles, 1)),
        ),
    )


def deciles_here(deciles: Sequence[Decile]) -> str:
    """Says how many intervals miss the diagonal, and which decile has the largest gap."""
    outside = sum(not _holds(one) for one in deciles)
    miss = "misses" if outside == 1 else "miss"
    said = f"{outside} of {len(deciles)} intervals {miss} the diagonal"
    if outside <= 1:
        return f"{said}; one may do so by chance."
    place, worst = max(enumerate(deciles, 1), key=lambda one: abs(_gap(one[1])))
    return (
        f"{said}; about one does so by chance. The largest gap is in decile {place}: predicted "
        f"{numbers.share(worst.predicted)}, observed {numbers.share(worst.observed)}."
    )


def _gap(one: Decile) -> float:
    return one.predicted - one.observed


def _holds(one: Decile) -> bool:
    return one.interval[0] <= one.predicted <= one.interval[1]


def _row(place: int, one: Decile) -> tuple[str, ...]:
    return (
        str(place),
        numbers.count(one.accounts),
        numbers.count(one.churned),
        numbers.share(one.predicted),
        numbers.share(one.observed),
        numbers.ends(one.interval, numbers.share),
        numbers.difference(_gap(one)),
    )


def calibration(deciles: tuple[Decile, ...], label: str) -> Markup:
    """Draws a point with its interval for each tenth, and the line on which all should lie.

    Args:
        deciles: The lowest first.
        label: What is to be seen.
    """
    rows = [
        {"x": one.predicted, "y": one.observed, "low": one.interval[0], "high": one.interval[1]}
        for one in deciles
    ]
    most = max(max(row["x"], row["high"]) for row in rows)
    axis, scale = alt.Axis(format="%", tickCount=5), alt.Scale(domain=[0, most], nice=True)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", title="predicted, mean of the decile", axis=axis, scale=scale),
        color=alt.value(theme.CHALLENGER.day),
    )
    y = {"title": "observed churn rate", "axis": axis, "scale": scale}
    whole: Any = (
        alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": most, "y": most}]))
        .mark_line(color=theme.MUTED.day, strokeDash=[2, 4], strokeWidth=1.5)
        .encode(x="x:Q", y="y:Q")
    )
    ends = base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    points = base.mark_point(filled=True, size=64, opacity=1).encode(y=alt.Y("y:Q", **y))
    return picture(alt.layer(whole, ends, points), label, _HEIGHT)
