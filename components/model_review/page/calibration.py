"""Can I believe the probabilities? Predicted against observed."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
from markupsafe import Markup

from components.model_gate.decision_file import JudgedHorizon
from components.model_review.page import cells
from components.model_review.page.words import absent, overall_check
from components.model_review.review import Review
from components.model_review.sections.calibration import Calibration, Decile
from components.model_review.sections.estimates import Estimate
from components.page import numbers, theme
from components.page.blocks import Block, Cell, Figure, Noted, Part, Section, Table
from components.page.picture import picture
from components.page.words import listed

_NONE: Final = "The run judged no probabilities."
_HEIGHT: Final = 340
_BY_CHANCE: Final = 0.05
"""P below which a single look would be called beyond chance."""
_DASH: Final = "\N{EN DASH}"


def calibration_section(review: Review) -> Section:
    """Returns the section."""
    found = review.calibration
    block: Block = absent(review, "calibration", _NONE)
    answer = "That is not known: no probabilities were judged."
    if found is not None:
        block, answer = _figure(found), calibration_here(found, _gap_of(review))
    parts = (
        Part("Predicted and observed churn rate by decile", (block,)),
        Part("Every horizon that is published", (_horizons(review),)),
    )
    return Section("calibration", "Can I believe the probabilities?", answer, parts)


def _horizons(review: Review) -> Block:
    if not review.horizons:
        return absent(review, "horizons", _NONE)
    return Table.of(
        "Probabilities by horizon: how they rank and agree, with 95% intervals",
        ("Horizon", "Accounts#", "Churned#", "AUC#", "Predicted#", "Observed#", "P#"),
        map(_horizon, review.horizons),
    )


def _horizon(one: JudgedHorizon) -> tuple[Cell, ...]:
    days = f"within {one.days} days"
    if one.not_judged:
        return (Noted(days, f"not judged: {one.not_judged}"), *(_DASH,) * 6)
    return (
        days,
        numbers.count(one.accounts),
        numbers.count(one.churned),
        _DASH if one.auc is None else cells.estimate(Estimate(one.auc, one.auc_interval)),
        numbers.share(one.mean_predicted),
        numbers.share(one.mean_observed),
        _DASH if one.p_value is None else _p(one.p_value),
    )


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
    off = deciles_off(found.deciles)
    mean = _mean_here(found, gap)
    if off:
        what = "One decile is" if len(off) == 1 else f"{len(off)} deciles are"
        mean += f" {what} off beyond chance."
    said = f"{mean} The mean calibration error over deciles is {error}; "
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
            (
                *("Decile", "Accounts#", "Churned#", "Predicted#", "Observed#"),
                *("95% interval#", "Gap#", "P#"),
            ),
            (_row(place, one) for place, one in enumerate(found.deciles, 1)),
        ),
    )


def deciles_here(deciles: Sequence[Decile]) -> str:
    """Says which deciles are off beyond chance, with as many looks as there are deciles."""
    off = deciles_off(deciles)
    if not off:
        lowest = min(one.p_value for one in deciles)
        return (
            f"No decile is off beyond chance: the lowest P of {len(deciles)} is {_p(lowest)}, and "
            f"of so many looks one below {_p(_BY_CHANCE / len(deciles))} would count."
        )
    said = [
        f"{place} (predicted {numbers.share(one.predicted)}, observed "
        f"{numbers.share(one.observed)}, P {_p(one.p_value)})"
        for place, one in off
    ]
    which = f"Decile {said[0]} is" if len(said) == 1 else f"Deciles {listed(said, most=10)} are"
    return (
        f"{which} off beyond chance: of {len(deciles)} looks at a calibrated model one with a P "
        f"below {_p(_BY_CHANCE / len(deciles))} is seen in fewer than 5 of 100 reports."
    )


def deciles_off(deciles: Sequence[Decile]) -> list[tuple[int, Decile]]:
    """Returns the deciles that are off beyond chance, with their places from 1.

    P is compared with 0.05 over the number of looks (Bonferroni's correction).
    """
    most = _BY_CHANCE / max(1, len(deciles))
    return [(place, one) for place, one in enumerate(deciles, 1) if one.p_value < most]


def _p(value: float) -> str:
    return "under 0.0001" if value < 0.0001 else f"{value:.4f}".rstrip("0").rstrip(".")


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
        _p(one.p_value),
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
