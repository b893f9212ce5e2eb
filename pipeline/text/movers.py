"""Accounts that changed their risk band: a table for people, CSV, plain values for JSON."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from components.contributions.movers import Mover, Movers, ScorePublication
from pipeline.text.accounts import csv_cell
from pipeline.text.plain_text import NO_SCORES, NONE, minute, table_lines

COLUMNS: Final = (
    *("account_id", "former_category", "risk_category", "former_probability"),
    *("churn_probability", "moved", "customer_tier", "region", "moved_by", "reason"),
)
"""Of the CSV and of each account in the JSON."""
_HEAD: Final = ("account", "was", "is", "risk", "moved", "tier", "region", "what moved it")
_NUMBERS: Final = (3, 4)
_NO_SCORE: Final = "no score"
_NAMED: Final = 2
"""Groups that the table names."""
_SMALLEST: Final = 0.0005
"""Of a probability: what shows as 0.0 points is not named."""


def movers_lines(found: Movers) -> Iterator[str]:
    """Yields the list for people, a head line first."""
    yield from _said(found)
    if found.movers:
        yield ""
        rows = [_cells(one) for one in found.movers]
        yield from table_lines([_HEAD, *rows], _NUMBERS)
    if len(found.movers) < found.matching:
        left = found.matching - len(found.movers)
        yield f"... and {left} more; --limit 0 shows all, --csv and --json hold all"


def csv_text(found: Movers) -> str:
    """Returns the list as CSV with a head, as `tens-insight accounts --csv` does."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found.movers:
        values = _values(one) | {"moved_by": _groups(one.moved_by or {}, len(one.moved_by or {}))}
        writer.writerow([csv_cell(values[name]) for name in COLUMNS])
    return text.getvalue()


def movers_json(found: Movers) -> dict[str, Any]:
    """Returns plain values."""
    return {
        "before": _publication(found.before),
        "after": _publication(found.after),
        "reaches_back": found.earlier,
        "moved_by_since": _publication(found.parts_since),
        "bands": list(found.bands),
        "bands_changed": found.bands_changed,
        "matching": found.matching,
        "accounts": [_values(one) for one in found.movers],
    }


def _publication(one: ScorePublication | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "publication_id": one.publication_id,
        "as_of": one.as_of.isoformat(),
        "model_version": one.model_version,
    }


def _values(one: Mover) -> dict[str, Any]:
    return {name: getattr(one, name) for name in COLUMNS}


def _said(found: Movers) -> Iterator[str]:
    if found.after is None:
        yield NO_SCORES
        return
    after = f"publication {found.after.publication_id} as of {minute(found.after.as_of)}"
    if found.before is None:
        yield f"Nothing to compare: {after} is the newest, and none is as of an earlier moment."
        return
    before = f"publication {found.before.publication_id} as of {minute(found.before.as_of)}"
    bands = ", ".join(found.bands)
    yield f"{found.matching} accounts entered or left {bands}, from {before} to {after}"
    if not found.earlier:
        yield "The history does not reach back to that day: this is the oldest publication."
    if found.bands_changed:
        yield (
            "The risk bands are not the same, so the categories of the two sides do not mean the "
            "same."
        )
    yield _about_parts(found)


def _about_parts(found: Movers) -> str:
    since, before, after = found.parts_since, found.before, found.after
    assert before is not None
    assert after is not None
    if since is None and after.has_parts:
        return (
            "What moved them is not told: another model scored before, whose contributions cannot "
            "be compared."
        )
    if since is None:
        return "What moved them is not told: what the newest scores are made of was not recorded."
    if since.publication_id != before.publication_id:
        why = (
            "another model scored then"
            if before.model_version != after.model_version
            else "it is not kept for the one before"
        )
        return (
            f"What moved them is counted from publication {since.publication_id} as of "
            f"{minute(since.as_of)}: {why}."
        )
    return "What moved them adds up, with smaller groups, to the move in percent points."


def _cells(one: Mover) -> tuple[str, ...]:
    probability = one.churn_probability
    return (
        one.account_id,
        one.former_category or _NO_SCORE,
        one.risk_category or _NO_SCORE,
        NONE if probability is None else f"{probability:.1%}",
        NONE if one.moved is None else f"{100 * one.moved:+.1f}",
        one.customer_tier or NONE,
        one.region or NONE,
        _why(one),
    )


def _why(one: Mover) -> str:
    said = [_groups(one.moved_by, _NAMED)] if one.moved_by else []
    if one.reason:
        said.append(one.reason)
    return "; ".join(part for part in said if part) or NONE


def _groups(groups: Any, most: int) -> str:
    """Returns the groups that add most, in percent points: "+1.2 silence, -0.4 volume"."""
    named = [(name, value) for name, value in groups.items() if abs(value) >= _SMALLEST]
    return ", ".join(
        f"{100 * value:+.1f} {str(name).replace('_', ' ')}" for name, value in named[:most]
    )
