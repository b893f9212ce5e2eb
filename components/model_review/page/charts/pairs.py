"""Shares of accounts now and before, group by group."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
from markupsafe import Markup

from components.page import numbers, theme
from components.page.blocks import Key
from components.page.picture import names_axis, picture, short_name

NOW: Final = "this model"
BEFORE: Final = "last publication"
_AROUND: Final = 56
_LABELLED: Final = 17
_BARE: Final = 12


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
    rows = [
        {"group": short_name(group), "when": when, "share": share, "text": numbers.share(share)}
        for when, shares in ((NOW, now), (BEFORE, before or ()))
        for group, share in zip(groups, shares, strict=bool(shares))
    ]
    tones = alt.Scale(domain=[NOW, BEFORE], range=[theme.CHALLENGER.day, theme.BASELINE.day])
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("group:N", title=None, sort=None, axis=names_axis(list(map(short_name, groups)))),
        yOffset=alt.YOffset("when:N", sort=[NOW, BEFORE]),
        x=alt.X("share:Q", title=x, axis=alt.Axis(format="%", tickCount=4)),
    )
    layers: list[Any] = [
        base.mark_bar().encode(color=alt.Color("when:N", scale=tones, legend=None))
    ]
    if labels:
        words = base.mark_text(align="left", dx=4, color=theme.INK.day)
        layers.append(words.encode(text="text:N"))
    bar = _LABELLED if labels else _BARE
    height = _AROUND + len(groups) * bar * (2 if before is not None else 1.3)
    return picture(alt.layer(*layers), label, round(height))


def pairs_key(before: bool) -> tuple[Key, ...]:
    """Returns what stands below the picture.

    Args:
        before: Whether there are bars of what was before.
    """
    found = (Key(NOW, "now"), Key(BEFORE, "before"))
    return found if before else found[:1]
