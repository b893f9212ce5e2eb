"""One account for people, in 80 columns: what is read of it, and how it is shown."""

import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from components.contributions.account_moves import AccountCourse, AccountMove, account_course
from components.errors import UnknownAccount, suggestion
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing import account as accounts
from components.publishing.account import (
    AccountDetails,
    AccountScore,
    EarlierScore,
    Feedback,
    Period,
)
from components.publishing.publication_log import last_publication, recorded_bands
from components.publishing.silent_accounts import silent_after
from pipeline.text.plain_text import NONE, minute, table_lines
from pipeline.text.sparkline import sparkline
from pipeline.text.terminal import escape_controls
from serving_model.reasons.factors import factor
from transforms.cold_start_rule import NOTHING_LEARNT, is_rule
from transforms.product_area_impact import TOP_PRIORITY

PERIODS: Final = 12

EARLIER: Final = 8

NO_DETAILS: Final = (
    "The score of {!r} was published without details, or restored by an "
    "undo that went further back than details are kept. `tens-insight run score` "
    "publishes them."
)

_WIDTH: Final = 79

_BAR: Final = 30

_SMALLEST: Final = 0.01
"""Log-odds, as for a reason."""

_NAME: Final = 12

_COURSE: Final = 60
"""Publications that the line of former scores shows."""

_GROUPS: Final = 5
"""Feature groups that are named as what moved a score."""

_MARKS: Final = {"negative": "-", "neutral": ".", "positive": "+"}


@dataclass(frozen=True)
class AccountReport:
    """All that is shown of one account.

    Attributes:
        account_id: As the database holds it.
        score: As published.
        details: None where the score was published without.
        bands: The rule of the category, a sentence.
        period_days: Length of a period of the timeline.
        critical_priority: Lowest priority that the timeline counts as critical, 1..5.
        timeline: Counts of feedback, newest period first; the last holds all before.
        earlier: Former scores, newest first.
        course: All published scores, and what moved the newest.
    """

    account_id: str
    score: AccountScore
    details: AccountDetails | None
    bands: str | None
    period_days: int
    critical_priority: int
    timeline: list[Period]
    earlier: list[EarlierScore]
    course: AccountCourse

    @property
    def horizon_days(self) -> str | None:
        """Days of the horizon that the score itself speaks of, if known."""
        found = self.details.churn_by_horizon.items() if self.details else ()
        probability = self.score.churn_probability
        return next((days for days, value in found if math.isclose(value, probability)), None)

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {**asdict(self), "horizon_days": self.horizon_days}


if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class


def account_report(
    cursor: "Cursor", account_id: str, *, period_days: int, collapse: bool, critical_priority: int
) -> AccountReport:
    """Reads everything about one account, inside the caller's transaction.

    Args:
        cursor: Of a transaction that sees one snapshot.
        account_id: Letter by letter.
        period_days: Length of a period of the timeline.
        collapse: Whether feedback equal in all but its id counts once, as for the model.
        critical_priority: Lowest priority that is critical, 1..5.

    Raises:
        UnknownAccount: It has no score; says whether it has feedback, and similar ids.
    """
    score = accounts.account_score(cursor, account_id)
    if score is None:
        raise UnknownAccount(_unknown(cursor, account_id))
    details = accounts.account_details(cursor, account_id)
    timeline = accounts.account_timeline(
        cursor,
        account_id,
        score.as_of,
        days=period_days,
        periods=PERIODS,
        collapse=collapse,
        critical_priority=critical_priority,
    )
    return AccountReport(
        account_id=account_id,
        score=score,
        details=details,
        bands=recorded_bands(details.risk_bands).describe() if details else None,
        period_days=period_days,
        critical_priority=critical_priority,
        timeline=timeline,
        earlier=accounts.earlier_scores(cursor, account_id, score.as_of, EARLIER),
        course=account_course(cursor, account_id, score.as_of),
    )


def _unknown(cursor: "Cursor", account_id: str) -> str:
    feedback = accounts.account_feedback(cursor, account_id)
    if feedback.rows and not feedback.dated:
        said = (
            f"There is no score of account {account_id!r}: none of its {feedback.rows} rows of "
            "feedback has a possible date. Correct created_at, or the ETL that writes it."
        )
    elif silent := _silent(cursor, feedback):
        said = f"There is no score of account {account_id!r}: {silent}"
    elif feedback.rows:
        said = (
            f"There is no score of account {account_id!r}, though it has feedback "
            f"({feedback.rows} rows) from {_day(feedback.first)} to {_day(feedback.last)}: it came "
            "after the last run, or had churned by then. `tens-insight run score` scores all that "
            "are alive."
        )
    else:
        said = f"There is no account {account_id!r}: it has neither a score nor feedback."
    similar = accounts.similar_accounts(cursor, account_id)
    return said + suggestion(list(map(repr, similar)))


def _silent(cursor: "Cursor", feedback: Feedback) -> str:
    """Says that an account was too silent to be scored; empty if it was not."""
    last = last_publication(cursor, ACCOUNT_RISK_SCORES)
    days = silent_after(last)
    if last is None or days is None or feedback.last is None:
        return ""
    silence = last.as_of - feedback.last
    if silence <= timedelta(days=days):
        return ""
    return (
        f"its newest feedback, of {_day(feedback.last)}, was {silence.days} days old as of the "
        f"last publication, and an account is silent, and not scored, after {days} days "
        "(TENS_INSIGHT_ACTIVE_WITHIN_DAYS); or it had churned before. `tens-insight accounts "
        "--silent` lists the silent accounts."
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


def account_lines(report: AccountReport, others: bool = False) -> Iterator[str]:
    """Yields the report, line by line; with `others` also what the reasons leave out."""
    yield from _wrapped("account", escape_controls(report.account_id))
    for name, text in _facts(report):
        yield from _wrapped(name, text)
    if report.details is not None:
        yield from _reasons(report.details, others)
    for move in (report.course.since_last, report.course.since_month):
        if move is not None:
            yield from _move(move)
    yield from _timeline(report)
    yield from _earlier(report)


def _facts(report: AccountReport) -> Iterator[tuple[str, str]]:
    score, details = report.score, report.details
    yield "as of", minute(score.as_of)
    within = f" within {report.horizon_days} days" if report.horizon_days else ""
    yield (
        "risk",
        f"{score.risk_category}: {score.churn_probability:.1%} churn{within}, "
        f"health {score.health_score:.1f}",
    )
    if details is not None:
        yield "bands", report.bands or "-"
        yield "horizons", horizons_said(details)
        yield "compared", compared_said(details)
        yield "tenure", tenure_said(details)
    published = f", publication {details.publication_id}" if details else ""
    yield "model", f"{score.model_version}{published}"
    if is_rule(score.model_version):
        yield "", NOTHING_LEARNT
    if len(report.course.scores) > 1:
        yield "course", _course(report)


def horizons_said(details: AccountDetails) -> str:
    """Says the probability within each horizon, and which of them nobody judged."""
    ordered = sorted(details.churn_by_horizon.items(), key=lambda one: int(one[0]))
    judged = details.horizons_judged
    said = ", ".join(
        f"{value:.1%} within {days} days"
        + ("" if judged is None or int(days) in judged else " (not judged by the gate)")
        for days, value in ordered
    )
    unknown = "; which of them the gate judged was not recorded"
    return said + (unknown if judged is None and len(ordered) > 1 else "")


def compared_said(details: AccountDetails) -> str:
    """Says how the risk compares with that of others, and with the base rate."""
    said = f"above {details.percentile:.1f}% of the other accounts"
    if details.lift is None or details.base_rate is None:
        return f"{said}; the model tells no base rate"
    return f"{said}, {details.lift:.1f} times the base rate {details.base_rate:.1%}"


def tenure_said(details: AccountDetails) -> str:
    """Says since when it is a customer, and how silent it is."""
    return (
        f"{int(details.tenure_days)} days; newest feedback {details.days_since_last_event:.1f} "
        f"days before: {details.silence_state}"
    )


def odds_said(log_odds: float) -> str:
    """Returns the odds of a base in words: "1 to 11"."""
    ratio = math.exp(min(abs(log_odds), 700.0))
    shown = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}".removesuffix(".0")
    return f"1 to {shown}" if log_odds <= 0 else f"{shown} to 1"


def _others(details: AccountDetails) -> Iterator[str]:
    """What "by others" holds, those that raise the risk first."""
    if details.other_reasons is None:
        yield "By others: not recorded for this publication; the next run records it"
        return
    yield "By others"
    ordered = sorted(details.other_reasons, key=lambda one: -one["log_odds"])
    told = [one for one in ordered if abs(one["log_odds"]) >= _SMALLEST]
    rows = [(factor(one["log_odds"]), str(one["group"]).replace("_", " ")) for one in told]
    yield from table_lines(rows, right=(0,), indent="  ")
    if len(told) < len(ordered):
        small = len(ordered) - len(told)
        yield f"  {small} more {'change' if small > 1 else 'changes'} the odds by less than 0.01"


def _reasons(details: AccountDetails, others_shown: bool) -> Iterator[str]:
    yield ""
    if details.reasons is None or details.base_log_odds is None:
        yield from _wrapped(
            "reasons",
            "none: not asked for by the settings (REASONS), or the model gives none",
        )
        return
    for direction in ("raises", "lowers"):
        reasons = [one for one in details.reasons if one["direction"] == direction]
        yield f"What {direction} the risk" + ("" if reasons else ": nothing of weight")
        for one in reasons:
            yield from _reason(one)
    others = details.other_log_odds or 0.0
    yield from _wrapped(
        "odds",
        f"{odds_said(details.base_log_odds)} of an account of mean risk, times the factors above, "
        f"times {factor(others)} by others",
    )
    if others_shown:
        yield from _others(details)


def _reason(reason: dict[str, Any]) -> list[str]:
    # Words of the customer's own, such as a topic, can be in it.
    text = escape_controls(f"{reason['text']} ({str(reason['group']).replace('_', ' ')})")
    start = f"  {factor(reason['log_odds']):>5}  "
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def _course(report: AccountReport) -> str:
    """Returns the former scores as a line, oldest first."""
    shown = report.course.scores[-_COURSE:]
    values = [one.churn_probability for one in shown]
    return (
        f"{sparkline(values)} {min(values):.1%} to {max(values):.1%} in {len(shown)} publications "
        f"since {_day(shown[0].as_of)}"
    )


def _move(move: AccountMove) -> Iterator[str]:
    """What moved the score since a former publication: the numbers add up."""
    yield ""
    days = f"{move.days:.0f} {'day' if round(move.days) == 1 else 'days'}"
    yield (
        f"What moved it since {minute(move.as_of)} (publication {move.publication_id}, {days} "
        "before)"
    )
    named = list(move.groups.items())[:_GROUPS]
    rows = [(f"{100 * value:+.2f}", name.replace("_", " ")) for name, value in named]
    rest = move.change - sum(value for _, value in named)
    if move.former_model is not None:
        rows.append((f"{100 * rest:+.2f}", f"another model, {move.former_model}, scored then"))
    elif not move.groups:
        rows.append((f"{100 * rest:+.2f}", "reasons were not recorded"))
    elif len(move.groups) > len(named):
        rows.append((f"{100 * rest:+.2f}", f"{len(move.groups) - len(named)} others"))
    rows.append(
        (f"{100 * move.change:+.2f}", f"percent points: {move.before:.1%} to {move.after:.1%}")
    )
    yield from table_lines(rows, right=(0,), indent="  ")


def _timeline(report: AccountReport) -> Iterator[str]:
    days, last = report.period_days, len(report.timeline) - 1
    yield ""
    yield f"Feedback by {days} days, counted back from {minute(report.score.as_of)}"
    head = ("days back", "rows", "neg", "neu", "pos", "crit", "risk", "")
    rows: list[tuple[str, ...]] = [head]
    largest = max((one.events for one in report.timeline[:-1]), default=0)
    shown = 1 + max((one.period for one in report.timeline if one.events), default=0)
    for one in report.timeline[:shown]:
        when = f"{one.period * days}-{(one.period + 1) * days}"
        if one.period == last:
            when = f"over {last * days}"
        counts = (one.events, one.negative, one.neutral, one.positive, one.critical)
        bar = _bar(one, largest) if one.period != last else ""
        rows.append((when, *map(str, counts), risk_in(report, one), bar))
    if shown <= last:
        rows.append(("before", "none", "", "", "", "", "", ""))
    yield from table_lines(rows, right=range(7), indent="  ")
    lowest = report.critical_priority
    which = f"{lowest} or higher" if lowest < TOP_PRIORITY else f"{lowest}"
    yield f"  - negative, . neutral, + positive; crit: priority {which}"
    yield "  risk: the last score that was published in the period"


def risk_in(report: AccountReport, period: Period) -> str:
    """Returns the last score that was published in a period; none of what lies before them all."""
    if period.period == len(report.timeline) - 1:
        return NONE
    length = timedelta(days=report.period_days)
    end = report.score.as_of - period.period * length
    found = [one for one in report.course.scores if end - length < one.as_of <= end]
    return f"{found[-1].churn_probability:.1%}" if found else NONE


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
    rows = [
        (
            minute(one.as_of),
            f"{one.churn_probability:.1%}",
            one.risk_category,
            f"{one.model_version}, publication {one.publication_id}",
        )
        for one in report.earlier
    ]
    yield from table_lines(rows, right=(1,), indent="  ")


def _wrapped(name: str, text: str) -> list[str]:
    start = f"{name:<{_NAME}} "
    return textwrap.wrap(
        text or " ",
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_on_hyphens=False,
    ) or [start]
