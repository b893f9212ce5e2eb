"""Prints one account for people, in 80 columns."""

import textwrap
from collections.abc import Iterator
from typing import Any, Final

from components.publishing.account import AccountDetails, Period
from pipeline.text.account_report import AccountReport
from pipeline.text.one_line import one_line
from transforms.product_area_impact import TOP_PRIORITY

_WIDTH: Final = 79
_BAR: Final = 30
_NAME: Final = 12
_MARKS: Final = {"negative": "-", "neutral": ".", "positive": "+"}


def account_lines(report: AccountReport) -> Iterator[str]:
    """Yields the report, line by line."""
    yield from _wrapped("account", one_line(report.account_id))
    for name, text in _facts(report):
        yield from _wrapped(name, text)
    if report.details is not None:
        yield from _reasons(report.details)
    yield from _timeline(report)
    yield from _earlier(report)


def _facts(report: AccountReport) -> Iterator[tuple[str, str]]:
    score, details = report.score, report.details
    yield "as of", f"{score.as_of:%Y-%m-%d %H:%M} UTC"
    within = f" within {report.horizon_days} days" if report.horizon_days else ""
    yield (
        "risk",
        f"{score.risk_category}: {score.churn_probability:.1%} churn{within}, "
        f"health {score.health_score:.1f}",
    )
    if details is not None:
        yield "bands", report.bands or "-"
        yield "horizons", _horizons(details)
        yield "compared", _compared(details)
        yield "tenure", _tenure(details)
    published = f", publication {details.publication_id}" if details else ""
    yield "model", f"{score.model_version}{published}"


def _horizons(details: AccountDetails) -> str:
    ordered = sorted(details.churn_by_horizon.items(), key=lambda one: int(one[0]))
    return ", ".join(f"{value:.1%} within {days} days" for days, value in ordered)


def _compared(details: AccountDetails) -> str:
    said = f"above {details.percentile:.1f}% of the other accounts"
    if details.lift is None or details.base_rate is None:
        return f"{said}; the model tells no base rate"
    return f"{said}, {details.lift:.1f} times the base rate {details.base_rate:.1%}"


def _tenure(details: AccountDetails) -> str:
    return (
        f"{int(details.tenure_days)} days; newest feedback {details.days_since_last_event:.1f} "
        f"days before: {details.silence_state}"
    )


def _reasons(details: AccountDetails) -> Iterator[str]:
    yield ""
    if details.reasons is None or details.base_log_odds is None:
        yield from _wrapped(
            "reasons",
            "none: the model that scored it gives none",
        )
        return
    for direction in ("raises", "lowers"):
        reasons = [one for one in details.reasons if one["direction"] == direction]
        yield f"What {direction} the risk" + ("" if reasons else ": nothing of weight")
        for one in reasons:
            yield from _reason(one)
    yield from _wrapped(
        "log-odds",
        f"{details.base_log_odds:+.2f} to begin with, the reasons above, "
        f"{details.other_log_odds or 0.0:+.2f} by others",
    )


def _reason(reason: dict[str, Any]) -> list[str]:
    # Words of the customer's own, such as a topic, can be in it.
    text = one_line(f"{reason['text']} ({str(reason['group']).replace('_', ' ')})")
    start = f"  {reason['log_odds']:+.2f}  "
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def _timeline(report: AccountReport) -> Iterator[str]:
    days, last = report.period_days, len(report.timeline) - 1
    yield ""
    yield f"Feedback by {days} days, counted back from {report.score.as_of:%Y-%m-%d %H:%M} UTC"
    yield f"  {'days back':>11} {'rows':>5} {'neg':>4} {'neu':>4} {'pos':>4} {'crit':>6}"
    largest = max((one.events for one in report.timeline[:-1]), default=0)
    shown = 1 + max((one.period for one in report.timeline if one.events), default=0)
    for one in report.timeline[:shown]:
        when = f"{one.period * days}-{(one.period + 1) * days}"
        if one.period == last:
            when = f"over {last * days}"
        counts = f"{one.events:>5} {one.negative:>4} {one.neutral:>4} {one.positive:>4}"
        bar = _bar(one, largest) if one.period != last else ""
        yield f"  {when:>11} {counts} {one.critical:>6}  {bar}".rstrip()
    if shown <= last:
        yield f"  {'before':>11}  none"
    lowest = report.critical_priority
    which = f"{lowest} or higher" if lowest < TOP_PRIORITY else f"{lowest}"
    yield f"  - negative, . neutral, + positive; crit: priority {which}"


def _bar(period: Period, largest: int) -> str:
    """Draws a mark for each row, or for several where there are more than fit."""
    scale = min(1.0, _BAR / largest) if largest else 1.0
    done, bar = 0, ""
    for name, mark in _MARKS.items():
        done += getattr(period, name)
        bar += mark * (round(done * scale) - len(bar))
    return bar


def _earlier(report: AccountReport) -> Iterator[str]:
    yield ""
    if not report.earlier:
        yield "No earlier score in the history"
        return
    yield "Earlier scores"
    for one in report.earlier:
        yield (
            f"  {one.as_of:%Y-%m-%d %H:%M}  {one.churn_probability:6.1%}  "
            f"{one.risk_category:<9} {one.model_version}, publication {one.publication_id}"
        )


def _wrapped(name: str, text: str) -> list[str]:
    start = f"{name:<{_NAME}} "
    return textwrap.wrap(
        text or " ",
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_on_hyphens=False,
    ) or [start]
