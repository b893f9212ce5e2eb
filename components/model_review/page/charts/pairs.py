"""Shares of accounts now and before, group by group."""

from collections.abc import Sequence
from typing import Final

import altair as alt
from markupsafe import Markup

from components.model_review.page import theme
from components.model_review.page.picture import picture, visible

NOW: Final = "this model"
BEFORE: Final = "last publication"


def pairs(
    groups: Sequence[str],
    now: Sequence[float],
    before: Sequence[float] | None,
    *,
    x: str,
    label: str,
    labels: bool = False,
) -> Markup:
    """Draws one or two bars a group.

    Args:
        groups: From top to bottom.
        now: Share of the accounts in each, [0, 1].
        before: Likewise; None where nothing was.
        x: Title of the axis of shares.
        label: What is to be seen.
        labels: Whether to write the share beside the bar.
    """
    series = [(NOW, now)] + ([(BEFORE, before)] if before is not None else [])
    rows = [
        {"group": visible(group), "when": when, "share": value, "text": f"{value:.1%}"}
        for when, values in series
        for group, value in zip(groups, values, strict=True)
    ]
    whens = [when for when, _ in series]
    tones = alt.Scale(
        domain=[NOW, BEFORE][: len(series)], range=[theme.CHALLENGER.day, theme.RIVAL.day]
    )
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y(
            "group:N",
            title=None,
            sort=None,
            axis=alt.Axis(labelLimit=150, grid=False, labelColor=theme.INK.day),
            scale=alt.Scale(paddingInner=0.3),
        ),
        yOffset=alt.YOffset("when:N", sort=whens),
        x=alt.X("share:Q", title=x, axis=alt.Axis(format="%", tickCount=5)),
    )
    bars = base.mark_bar().encode(
        color=alt.Color(
            "when:N", scale=tones, legend=alt.Legend(symbolType="square", symbolSize=90)
        )
    )
    if labels:
        words = base.mark_text(align="left", dx=4, color=theme.INK.day).encode(text="text:N")
        chart = alt.layer(bars, words)
    else:
        chart = bars
    height = (20 if len(series) == 1 else 32) * len(groups) + 90
    return picture(chart, label, height)
