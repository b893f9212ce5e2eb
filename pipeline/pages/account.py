"""One account: its score over time and what moved it, why, what feedback it gave, and what if."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.contributions.account_moves import AccountMove
from components.errors import UnknownAccount
from components.page import numbers, theme
from components.page.blocks import (
    BAD,
    GOOD,
    QUIET,
    Absent,
    Badge,
    Block,
    Cell,
    Figure,
    Noted,
    Part,
    Section,
    Table,
    Text,
)
from components.page.over_time import At, Line, over_time
from components.postgres.queries import queries
from components.postgres.rows import records
from pipeline.pages.accounts import BANDS, name_of, points
from pipeline.pages.page import (
    NotThere,
    Page,
    Shown,
    View,
    WrongQuestion,
    address,
    for_form,
    from_form,
    storable,
)
from pipeline.text.account import (
    NO_DETAILS,
    AccountReport,
    account_report,
    compared_said,
    horizons_said,
    odds_said,
    risk_in,
    tenure_said,
)
from serving_model.reasons.factors import factor
from transforms.cold_start_rule import NOTHING_LEARNT, is_rule

PATH: Final = "/pages/account"
EVENTS: Final = 3
"""Rows of the form."""
_QUERIES: Final = queries(__package__)
_PERIODS: Final = {"week": 7, "month": 30}
_NEWEST: Final = 200
"""Rows of feedback whose words the form offers."""
_ROWS: Final = 26
_SHOWN: Final = 120
"""Publications that the picture shows."""
_DOTS: Final = 30
"""Above so many points none is marked."""
_GROUPS: Final = 6
_SMALLEST: Final = 0.01
"""Log-odds, as for a reason."""


@dataclass(frozen=True)
class _Words:
    """What a row of feedback was about."""

    product_area: str
    source: str
    topic: str
    customer_tier: str
    region: str


def _build(view: View) -> Shown:
    account_id = view.query.get("id") or storable(from_form(view.query.get("key")))
    if not account_id:
        raise WrongQuestion("No account is named: choose one from the list of accounts.")
    by = view.query.get("by") or "month"
    if by not in _PERIODS:
        raise WrongQuestion(f"{by!r} is no period: week or month.")
    reading = view.settings.reading
    words = _words(view, account_id)
    try:
        report = account_report(
            view.cursor,
            account_id,
            period_days=_PERIODS[by],
            collapse=reading.duplicate_events == "collapse",
            critical_priority=reading.critical_priority,
        )
    except UnknownAccount as error:
        if not words:
            raise NotThere(str(error)) from None
        lead, sections, facts = str(error), [], []
    else:
        lead = _lead(report)
        sections, facts = list(_sections(report)), list(_facts(report))
    values = {
        "key": for_form(account_id),
        "facts": facts,
        "sections": sections,
        "by": by,
        "periods": {name: address(PATH, id=account_id, by=name) for name in _PERIODS},
        "form": _form(view, words),
        "answer": _answer(view.given) if view.given else None,
        "path": PATH,
    }
    return Shown(f"Account {name_of(account_id)}", "account.j2", values, lead)


def _lead(report: AccountReport) -> str:
    score = report.score
    within = f" within {report.horizon_days} days" if report.horizon_days else ""
    said = (
        f"{score.risk_category}: {numbers.share(score.churn_probability)} churn{within}, as of "
        f"{numbers.moment(score.as_of.isoformat())}."
    )
    return f"{said[0].upper()}{said[1:]}"


def _facts(report: AccountReport) -> Iterator[tuple[str, str]]:
    score, details = report.score, report.details
    yield "Health score", f"{score.health_score:.1f} of 100"
    if details is None:
        yield "Details", NO_DETAILS.format(report.account_id)
    else:
        yield "Horizons", horizons_said(details)
        yield "Compared", compared_said(details)
        yield "Customer for", tenure_said(details)
        place = ", ".join(filter(None, (details.customer_tier, details.region)))
        yield "Tier and region", place or numbers.NOT_KNOWN
        yield "Bands", report.bands or numbers.NOT_KNOWN
    yield "Model", score.model_version
    if is_rule(score.model_version):
        yield "", NOTHING_LEARNT


def _sections(report: AccountReport) -> Iterator[Section]:
    yield Section("why", "Why this score?", _why(report), tuple(_reasons(report)))
    yield Section("course", "How did it get there?", _came(report), tuple(_course(report)))
    yield Section("feedback", "What feedback is behind it?", _counted(report), (_timeline(report),))


def _why(report: AccountReport) -> str:
    details = report.details
    if details is None or details.reasons is None or details.base_log_odds is None:
        return "No reasons were recorded: not asked for by the settings, or the model gives none."
    return (
        f"The odds are {odds_said(details.base_log_odds)} of an account of mean risk, times the "
        f"factors below, times {factor(details.other_log_odds or 0.0)} by others."
    )


def _reasons(report: AccountReport) -> Iterator[Part]:
    details = report.details
    if details is None or details.reasons is None:
        return
    for direction in ("raises", "lowers"):
        found = [one for one in details.reasons if one["direction"] == direction]
        yield Part(f"What {direction} the risk", (_reason_table(found, direction),))
    others = [
        (_group(one["group"]), factor(one["log_odds"]))
        for one in sorted(details.other_reasons or (), key=lambda one: -one["log_odds"])
        if abs(one["log_odds"]) >= _SMALLEST
    ]
    if others:
        table = Table.of("By others", ("What", "Factor on the odds#"), others, folded=True)
        yield Part("Others", (table,))


def _reason_table(found: Sequence[Mapping[str, Any]], direction: str) -> Block:
    if not found:
        return Absent(f"Nothing of weight {direction} it.", "None")
    rows = [(_reason(one), factor(one["log_odds"])) for one in found]
    return Table.of(f"It {direction} the risk", ("Reason", "Factor on the odds#"), rows)


def _reason(one: Mapping[str, Any]) -> Noted:
    return Noted(str(one["text"]), _group(one["group"]))


def _group(name: object) -> str:
    return str(name).replace("_", " ")


def _came(report: AccountReport) -> str:
    last = report.course.since_last
    if last is None:
        return "What moved it last is not known: no former score of it is kept with its parts."
    return (
        f"Since {numbers.moment(last.as_of.isoformat())} it moved by {points(last.change)} percent "
        f"points, from {numbers.share(last.before)} to {numbers.share(last.after)}."
    )


def _course(report: AccountReport) -> Iterator[Part]:
    scores = report.course.scores[-_SHOWN:]
    if len(scores) > 1:
        yield Part("The score over time", (_picture(report),))
    for move in (report.course.since_last, report.course.since_month):
        if move is not None:
            yield Part(f"What moved it since {numbers.moment(move.as_of.isoformat())}", _move(move))


def _picture(report: AccountReport) -> Figure:
    scores = report.course.scores[-_SHOWN:]
    values = [one.churn_probability for one in scores]
    said = (
        f"{numbers.share(min(values))} to {numbers.share(max(values))} in {len(scores)} "
        f"publications; now {numbers.share(values[-1])}."
    )
    points_shown = [At(one.as_of, one.churn_probability) for one in scores]
    rows = [
        (
            numbers.moment(one.as_of.isoformat()),
            numbers.share(one.churn_probability),
            Badge(one.risk_category, BANDS.get(one.risk_category, QUIET)),
            str(one.publication_id),
        )
        for one in reversed(scores[-_ROWS:])
    ]
    columns = ("As of", "Probability#", "Band", "Publication#")
    return Figure(
        picture=over_time(
            [Line(points_shown, theme.CHALLENGER, dots=len(scores) <= _DOTS)],
            y="probability",
            label=f"Probability of churn by publication: {said}",
            number_format=".1~%",
        ),
        here=said,
        shows="The probability of churn of each publication of all accounts.",
        good="A line that stays low, or falls after somebody helped.",
        bad="A step upwards: the parts below say what moved it.",
        table=Table.of("Scores, newest first", columns, rows, folded=True),
    )


def _move(move: AccountMove) -> tuple[Block, ...]:
    named = list(move.groups.items())[:_GROUPS]
    rest = move.change - sum(value for _, value in named)
    rows = [(_group(name), points(value)) for name, value in named]
    if move.former_model is not None:
        rows.append((f"another model, {move.former_model}, scored then", points(rest)))
    elif not move.groups:
        rows.append(("reasons were not recorded", points(rest)))
    elif len(move.groups) > len(named):
        others = len(move.groups) - len(named)
        rows.append((numbers.counted(others, "other", "others"), points(rest)))
    change = f"{numbers.share(move.before)} to {numbers.share(move.after)}"
    rows.append((f"the whole change, {change}", points(move.change)))
    caption = (
        f"From publication {move.publication_id}, {move.days:.0f} "
        f"{'day' if round(move.days) == 1 else 'days'} before: the parts add up to the change"
    )
    return (Table.of(caption, ("Part", "Percent points#"), rows),)


def _counted(report: AccountReport) -> str:
    total = sum(one.events for one in report.timeline)
    negative = sum(one.negative for one in report.timeline)
    return (
        f"{numbers.counted(total, 'row', 'rows')}, {numbers.count(negative)} of them negative. The "
        "text of the feedback is never read."
    )


def _timeline(report: AccountReport) -> Part:
    days, last = report.period_days, len(report.timeline) - 1
    shown = 1 + max((one.period for one in report.timeline if one.events), default=0)
    rows = []
    for one in report.timeline[:shown]:
        when = f"{one.period * days} to {(one.period + 1) * days} days back"
        if one.period == last:
            when = f"over {last * days} days back"
        counts = (one.events, one.negative, one.neutral, one.positive, one.critical)
        rows.append((when, *map(numbers.count, counts), risk_in(report, one)))
    columns = ("Period", "Rows#", "Negative#", "Neutral#", "Positive#", "Critical#", "Risk#")
    note = (
        f"Critical: priority {report.critical_priority} or higher. Risk: the last score that was "
        "published in the period."
    )
    caption = f"Rows of feedback by {days} days, counted back from the score's moment"
    return Part("Counts", (Table.of(caption, columns, rows), Text(note)))


def _words(view: View, account_id: str) -> list[_Words]:
    values = {"account_id": account_id, "now": view.now, "limit": _NEWEST}
    view.cursor.execute(_QUERIES["newest_feedback"], values)
    return records(view.cursor, _Words)


def _form(view: View, words: Sequence[_Words]) -> dict[str, Any]:
    """Returns what the form shows: known words, and what was sent, to be changed."""
    newest = words[0] if words else _Words("", "", "", "", "")
    names = ("product_area", "source", "topic")
    given = {name: getattr(newest, name) for name in names} | {"sentiment": "", "priority": "3"}
    rows = [
        {name: view.query.get(f"{name}_{place}", given[name]) for name in given}
        | {"days": view.query.get(f"days_{place}", "0")}
        for place in range(1, EVENTS + 1)
    ]
    known = {name: sorted({getattr(one, name) for one in words}, key=str.lower) for name in names}
    return {
        "rows": rows,
        "known": known,
        "tier": for_form(newest.customer_tier),
        "region": for_form(newest.region),
        "can_ask": bool(words),
    }


def _answer(given: Mapping[str, Any]) -> Section:
    """Returns what the model says now, and with the events of the form."""
    question = "What would the score be?"
    if "error" in given:
        why = [str(given["error"]), *map(str, given.get("problems", ()))]
        return Section("answer", question, " ".join(why), ())
    now, then = given["now"], given["what_if"]
    change = then["probability"] - now["probability"]
    said = (
        f"{numbers.share(now['probability'])} as the database has the account now, and "
        f"{numbers.share(then['probability'])} with these events: {points(change)} percent "
        "points."
    )
    rows: list[tuple[Cell, ...]] = [
        (
            f"within {days} days",
            numbers.share(now["horizons"][days]),
            numbers.share(value),
            points(value - now["horizons"][days]),
        )
        for days, value in then["horizons"].items()
    ]
    changed = Badge("changed", BAD if change > 0 else GOOD)
    same = now["risk_band"] == then["risk_band"]
    rows.append(("band", _band(now), _band(then), "the same" if same else changed))
    caption = (
        f"By model {then['model_version']}, as of {numbers.moment(then['as_of'])}; nothing of it "
        "is kept"
    )
    columns = ("What", "Now#", "With these events#", "Change#")
    blocks: list[Block] = [Table.of(caption, columns, rows)]
    reasons = [
        (_reason(one), str(one["direction"]), factor(one["log_odds"]))
        for one in then.get("reasons", ())
    ]
    if reasons:
        heads = ("Reason", "Direction", "Factor on the odds#")
        blocks.append(Table.of("The reasons with these events", heads, reasons))
    return Section("answer", question, said, (Part("With these events", tuple(blocks)),))


def _band(one: Mapping[str, Any]) -> str:
    return str(one["risk_band"] or numbers.NOT_KNOWN)


PAGE: Final = Page(
    PATH,
    "",
    _build,
    (
        "tens_insight.publications",
        "tens_insight.account_risk_details",
        "tens_insight.account_risk_score_runs",
        "tens_insight.score_publications",
        "tens_insight.account_contributions",
    ),
)
