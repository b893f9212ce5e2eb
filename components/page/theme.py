"""Colours of the page and of its pictures, by day and in the dark.

A picture is drawn in the colours of the day. The style sheet says for each of them what it is
in the dark, so that one SVG serves both, and paper.
"""

from typing import Any, Final, NamedTuple

FONT: Final = "system-ui, sans-serif"


class Tone(NamedTuple):
    """One colour on a light ground, and on a dark one."""

    day: str
    night: str


INK: Final = Tone("#1d2430", "#e6e9ee")
MUTED: Final = Tone("#545d6b", "#a5afbd")
LINE: Final = Tone("#d9dee5", "#38414e")
GROUND: Final = Tone("#ffffff", "#14181e")
PANEL: Final = Tone("#f5f7f9", "#1c222a")
CHALLENGER: Final = Tone("#1b5e9e", "#7fb8ee")
CHAMPION: Final = Tone("#a8500f", "#eda366")
BASELINE: Final = Tone("#69727f", "#97a1af")
GOOD: Final = Tone("#1a7042", "#68cd95")
BAD: Final = Tone("#b0281f", "#ff8f85")
WARN: Final = Tone("#845400", "#e6b450")
TONES: Final = {
    "ink": INK,
    "muted": MUTED,
    "line": LINE,
    "ground": GROUND,
    "panel": PANEL,
    "challenger": CHALLENGER,
    "champion": CHAMPION,
    "baseline": BASELINE,
    "good": GOOD,
    "bad": BAD,
    "warn": WARN,
}
"""By the names of the style sheet's variables."""


def day() -> str:
    """Returns the variables of the style sheet on a light ground."""
    return "".join(f"--{name}:{tone.day};" for name, tone in TONES.items())


def night() -> str:
    """Returns them on a dark one."""
    return "".join(f"--{name}:{tone.night};" for name, tone in TONES.items())


def of_pictures() -> str:
    """Returns the rules by which the colours in pictures follow the variables."""
    return "\n".join(
        f'.picture [{what}="{tone.day}"]{{{what}:var(--{name})}}'
        for name, tone in TONES.items()
        for what in ("fill", "stroke")
    )


def config() -> dict[str, Any]:
    """Returns what Vega-Lite's `config` is for all pictures."""
    words = {"labelColor": MUTED.day, "titleColor": MUTED.day, "titleFontWeight": "normal"}
    sizes = {"labelFontSize": 13, "titleFontSize": 13}
    return {
        "font": FONT,
        "background": "transparent",
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "top": 6, "right": 24, "bottom": 2},
        "view": {"stroke": None},
        "axis": {
            **words,
            **sizes,
            "domainColor": LINE.day,
            "gridColor": LINE.day,
            "ticks": False,
            "labelFlush": False,
            "labelPadding": 6,
            "titlePadding": 8,
        },
        "axisY": {"domain": False},
        "text": {"fill": INK.day, "fontSize": 13},
    }
