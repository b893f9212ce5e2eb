"""Events of accounts and product areas: a table for people, CSV, plain values for JSON."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from components.account_events.listing import WHY, AccountEvent, AccountEvents
from pipeline.text.accounts import csv_cell
from pipeline.text.plain_text import NONE, minute, table_lines

COLUMNS: Final = (
    *("event_id", "as_of", "kind", "account_id", "product_area", "customer_tier"),
    *("former_category", "risk_category", "former_probability", "churn_probability", "moved"),
    *("priority_score", "value", "left_out", "ended_at", "withdrawn_at", "publication_id"),
    *("model_version", "recorded_at"),
)
"""Of the CSV and of each event in the JSON."""
_MOMENTS: Final = ("as_of", "ended_at", "withdrawn_at", "recorded_at")
_HEAD: Final = ("as of", "what", "account or area", "tier", "was", "is", "moved", "then")
_NUMBERS: Final = (4, 5, 6)


def events_lines(found: AccountEvents) -> Iterator[str]:
    """Yields the list for people, a head line first."""
    yield from _said(found)
    if found.events:
        yield ""
        yield from table_lines([_HEAD, *map(_cells, found.events)], _NUMBERS)
    if len(found.events) < found.matching:
        left = found.matching - len(found.events)
        yield f"... and {left} more; --limit 0 shows all, --csv and --json hold all"


def csv_text(found: AccountEvents) -> str:
    """Returns the list as CSV with a head, as `tens-insight accounts --csv` does."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found.events:
        writer.writerow([csv_cell(value) for value in _values(one).values()])
    return text.getvalue()


def events_json(found: AccountEvents) -> dict[str, Any]:
    """Returns plain values."""
    return {
        "as_of": found.as_of.isoformat() if found.as_of else None,
        "since": found.since.isoformat() if found.since else None,
        "matching": found.matching,
        "left_out": found.left_out,
        "events": [_values(one) for one in found.events],
    }


def _values(one: AccountEvent) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in COLUMNS}
    for name in _MOMENTS:
        values[name] = values[name].isoformat() if values[name] else None
    return values


def _said(found: AccountEvents) -> Iterator[str]:
    if found.as_of is None:
        yield "No event was recorded yet: `tens-insight run score` publishes, and records them."
        return
    since = f" since {minute(found.since)}" if found.since else ""
    yield f"{found.matching} events{since}, as of {minute(found.as_of)}"
    if found.left_out:
        said = ", ".join(f"{count} {WHY[reason]}" for reason, count in found.left_out.items())
        yield f"Not told: {said}; --all lists them."


def _cells(one: AccountEvent) -> tuple[str, ...]:
    if one.account_id is None:
        was, now = NONE, NONE if one.priority_score is None else f"{one.priority_score:.1f}"
    else:
        was, now = _percent(one.former_probability), _percent(one.churn_probability)
    return (
        minute(one.as_of),
        one.kind,
        one.account_id or one.product_area or NONE,
        one.customer_tier or NONE,
        was,
        now,
        NONE if one.moved is None else f"{100 * one.moved:+.1f}",
        _then(one),
    )


def _percent(probability: float | None) -> str:
    return NONE if probability is None else f"{probability:.1%}"


def _then(one: AccountEvent) -> str:
    said = []
    if one.withdrawn_at is not None:
        said.append("withdrawn")
    if one.left_out is not None:
        said.append(f"not told: {WHY[one.left_out]}")
    if one.ended_at is not None:
        said.append(f"over since {one.ended_at:%Y-%m-%d}")
    return "; ".join(said) or NONE
