"""`tens-insight areas`: product areas by priority, and what each score is made of."""

import math
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.parts import MOMENT, examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from datetime import datetime

    from components.feedback_example_gen.reading.area_counts import AreaCounts
    from pipeline.settings import Settings
    from transforms.product_area_impact import AreaImpact, Weights

_LETTERS = {
    "feedback_volume": "v",
    "negative_sentiment": "n",
    "critical_feedback": "c",
    "p5_feedback": "5",
    "recent_feedback": "r",
    "enterprise_segment": "e",
}
_WIDTH = 40
_SIGNALS = """\b
Signals:
  feedback_volume      rows in the window
  negative_sentiment   rows of negative sentiment
  critical_feedback    rows of critical priority
                       (TENS_INSIGHT_CRITICAL_PRIORITY)
  p5_feedback          rows of priority 5
  recent_feedback      rows in the last 7 days
  enterprise_segment   1 for an enterprise tier
                       (TENS_INSIGHT_ENTERPRISE_SEGMENTS), else 0

"""


class _WeightChanges(click.ParamType):
    """signal=weight, separated by commas."""

    name = "signal=weight,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, float]:
        """Parses the text; whether the signals exist is asked where all weights are known."""
        changes: dict[str, float] = {}
        for part in str(value).split(","):
            signal, _, number = (text.strip() for text in part.partition("="))
            if signal in changes:
                self.fail(f"{signal} comes twice.", param, ctx)
            try:
                changes[signal] = float(number)
            except ValueError:
                self.fail(f"{part.strip()!r} is not signal=number.", param, ctx)
        return changes


@click.command(
    name="areas",
    epilog=_SIGNALS
    + examples(
        "tens-insight areas",
        "tens-insight areas --what-if negative_sentiment=0.4,recent_feedback=0.2",
        "tens-insight areas --as-of 2026-11-01",
    ),
)
@click.option(
    "--what-if",
    "changes",
    type=_WeightChanges(),
    help="Rank under other weights, such as negative_sentiment=0.4,p5_feedback=0.2.",
)
@click.option(
    "--as-of",
    type=MOMENT,
    help="End of the window, ISO 8601, UTC without a zone. Default: the setting, else that of "
    "the published areas, else the database's clock.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the ranking as one line of JSON.")
def command(changes: dict[str, float] | None, as_of: "datetime | None", as_json: bool) -> None:
    """Ranks product areas by the weighted rule, and shows what each score is made of.

    The feedback is counted again, as a run counts it; nothing is written. Where a run would not
    rank, because a sentiment or priority breaks the contract, this does not either (exit code 4).
    With --what-if the signals named get those weights, and the others share what is left of 1 in
    the proportions that they have now; name all six and nothing is scaled.
    """
    from pipeline.database import ensure_database
    from pipeline.settings import load_settings
    from transforms.product_area_impact import area_impacts

    settings = load_settings(as_of=as_of)
    weights = current = settings.areas.weights
    if changes is not None:
        try:
            weights = current.changed(changes)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", param_hint="--what-if") from None
    ensure_database(settings)
    counts = _count(settings)
    impacts = area_impacts(counts.pairs, weights, settings.areas.enterprise_segments)
    before = area_impacts(counts.pairs, current, settings.areas.enterprise_segments)
    former = None if changes is None else _ranks(before)
    if as_json:
        say_json(_as_json(counts, weights, impacts, former))
    else:
        _show(counts, weights, impacts, former)


def _count(settings: "Settings") -> "AreaCounts":
    from components.feedback_example_gen.reading.area_counts import (
        AreaWindow,
        read_area_counts,
        require_sound,
    )
    from components.feedback_example_gen.reading.database_snapshot import exported_snapshot
    from components.publishing.published import areas_as_of

    window = AreaWindow(settings.reading.area_window_days, settings.reading.critical_priority)
    with exported_snapshot() as snapshot:
        as_of: datetime | None = settings.run.as_of or areas_as_of(snapshot.connection)
        moment = as_of or snapshot.now.replace(microsecond=0)
        counts = read_area_counts(snapshot.connection, moment, window)
    require_sound(counts)
    return counts


def _ranks(impacts: "list[AreaImpact]") -> dict[tuple[str, str], int]:
    return {
        (impact.counts.product_area, impact.counts.segment): rank
        for rank, impact in enumerate(impacts, 1)
    }


def _as_json(
    counts: "AreaCounts",
    weights: "Weights",
    impacts: "list[AreaImpact]",
    former: dict[tuple[str, str], int] | None,
) -> dict[str, Any]:
    from dataclasses import asdict

    rows = []
    for rank, impact in enumerate(impacts, 1):
        pair = impact.counts
        row = {
            "rank": rank,
            **asdict(pair),
            "avg_sentiment_score": pair.avg_sentiment_score,
            "priority_score": impact.priority_score,
            "contributions": impact.contributions,
        }
        if former is not None:
            row["rank_now"] = former[pair.product_area, pair.segment]
        rows.append(row)
    return {
        "as_of": counts.as_of.isoformat(),
        "window_days": counts.window.days,
        "critical_priority": counts.window.critical_priority,
        "unnamed_rows": counts.unnamed_rows,
        "weights": weights.as_dict(),
        "weights_version": weights.version(),
        "what_if": former is not None,
        "areas": rows,
    }


def _show(
    counts: "AreaCounts",
    weights: "Weights",
    impacts: "list[AreaImpact]",
    former: dict[tuple[str, str], int] | None,
) -> None:
    from pipeline.text.plain_text import minute, table_lines

    days = f"{counts.window.days} days before {minute(counts.as_of)}"
    say(f"{len(impacts)} pairs of product area and segment, {days}, {weights.version()}")
    if counts.unnamed_rows:
        say(f"{counts.unnamed_rows} rows without area or tier, in no pair")
    if former is not None:
        say("What if: nothing is written. The rank under the weights of now is in brackets.")
    for name, weight in weights.as_dict().items():
        say(f"  {_LETTERS[name]}  {name:<19}{weight:8.4f}")
    say()
    rows = []
    for rank, impact in enumerate(impacts, 1):
        pair = impact.counts
        place = str(rank)
        if former is not None:
            place += f" [{former[pair.product_area, pair.segment]:>3}]"
        name = f"{pair.product_area} / {pair.segment}"
        rows.append((place, name, f"{impact.priority_score:.1f}", _bar(impact)))
    for line in table_lines(rows, right=(0, 2), indent="  ", whole=(3,)):
        say(line)


def _bar(impact: "AreaImpact") -> str:
    """Draws the contributions, a letter for every 2.5 points, as a whole as long as the score."""
    drawn, points, bar = 0, 0.0, ""
    for name, contribution in impact.contributions.items():
        points += contribution
        end = math.floor(points * _WIDTH / 100 + 0.5)
        bar += _LETTERS[name] * (end - drawn)
        drawn = max(drawn, end)
    return f"|{bar:<{_WIDTH}}|"
