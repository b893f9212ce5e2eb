"""The picture of drift: how far each feature moved, as a share of what is allowed."""

from collections.abc import Sequence
from typing import Final

from components.model_review.page import cells, numbers, theme, words
from components.model_review.page.blocks import WARN, Figure, Row, Table
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.sections.data_gate import ALARMING
from components.model_review.quality_sections import Estimate
from components.model_review.run_sections import Drift

_MOST_DRAWN: Final = 14


def drift(found: Sequence[Drift]) -> Figure:
    """Returns the features, the furthest beyond their limits first.

    Args:
        found: In that order, at least one.
    """
    furthest = {one.feature: one for one in reversed(found) if one.limit > 0}
    drawn = [_bar(one) for one in found if furthest.get(one.feature) is one][:_MOST_DRAWN]
    return Figure(
        picture=intervals(
            drawn,
            x="distance, as a multiple of its limit",
            label=f"Drift by feature as a multiple of its limit. {drift_here(found)}",
            level=1,
            bars=True,
            number_format=".1f",
        ),
        here=drift_here(found),
        shows="How far the values of a feature lie apart in two splits, measured by what is "
        f"allowed. Of each feature the furthest pair is drawn, of {_MOST_DRAWN} features at most; "
        "the table has all.",
        good="All bars left of the dotted line at 1.",
        bad="A bar beyond it: the model meets values unlike those it learnt from. Ask what "
        "changed in the business, or in the data's way here.",
        table=Table.of(
            "Drift by feature, the furthest beyond its limit first",
            ("Feature", "Now", "Compared with", "Distance#", "Limit#", "Verdict"),
            map(_row, found),
            folded=True,
        ),
    )


def drift_here(found: Sequence[Drift]) -> str:
    """Says which features are beyond their limits."""
    beyond = [f"{one.feature} ({one.now} against {one.base})" for one in found if _alarms(one)]
    count = numbers.counted(len(found), "comparison", "comparisons")
    if not beyond:
        return f"Here none of {count} exceeds its limit."
    exceed = "exceeds" if len(beyond) == 1 else "exceed"
    named = words.listed(beyond)
    return f"Here {numbers.count(len(beyond))} of {count} {exceed} the limit: {named}."


def _alarms(one: Drift) -> bool:
    return one.verdict in ALARMING


def _bar(one: Drift) -> Measured:
    tone = theme.WARN if _alarms(one) else theme.RIVAL
    return Measured(one.feature, Estimate(one.distance / one.limit), tone)


def _row(one: Drift) -> Row:
    distance, limit = numbers.metric(one.distance), numbers.metric(one.limit)
    found = (one.feature, one.now, one.base, distance, limit, cells.verdict(one.verdict))
    return Row(found, WARN if _alarms(one) else "")
