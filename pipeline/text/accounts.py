"""The list of accounts: a table for people, CSV for spreadsheets, plain values for JSON."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from components.publishing.account_list import AccountList, ListedAccount
from pipeline.text.plain_text import NO_SCORES, NONE, minute, table_lines
from pipeline.text.terminal import escape_controls
from serving_model.reasons.factors import factor

COLUMNS: Final = (
    *("account_id", "churn_probability", "health_score", "risk_category", "as_of"),
    *("model_version", "former_probability", "former_category", "moved", "customer_tier"),
    *("region", "silence_state", "tenure_days", "days_since_last_event", "lift"),
    *("first_reason", "first_reason_factor", "first_reason_group", "holdout"),
)
"""Of the CSV and of each account in the JSON."""

_FORMULAS: Final = ("=", "+", "-", "@")
_HEAD: Final = ("account", "risk", "band", "moved", "tier", "region", "state", "first reason")
_NUMBERS: Final = (1, 3)


def list_lines(found: AccountList) -> Iterator[str]:
    """Yields the list for people, a head line first."""
    yield _said(found)
    if found.accounts:
        yield ""
        rows = [_cells(account, found) for account in found.accounts]
        yield from table_lines([_HEAD, *rows], _NUMBERS)
    if len(found.accounts) < found.matching:
        left = found.matching - len(found.accounts)
        yield f"... and {left} more; --limit 0 shows all, --csv and --json hold all"


def csv_text(found: AccountList) -> str:
    """Returns the list as CSV with a head, in UTF-8 without what a terminal cannot show.

    A text that begins like a formula is preceded by an apostrophe: spreadsheets would compute
    it, and it comes from customers.
    """
    return csv_of(found.accounts)


def csv_of(accounts: Iterable[ListedAccount]) -> str:
    """Returns accounts as `csv_text` does a list."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for account in accounts:
        values = account_values(account)
        writer.writerow([csv_cell(values[name]) for name in COLUMNS])
    return text.getvalue()


def list_json(found: AccountList) -> dict[str, Any]:
    """Returns plain values."""
    return {
        "publication_id": found.newest.publication_id if found.newest else None,
        "previous_publication_id": found.previous.publication_id if found.previous else None,
        "published": found.published,
        "matching": found.matching,
        "accounts": [account_values(one) | {"reasons": one.reasons} for one in found.accounts],
    }


def account_values(account: ListedAccount) -> dict[str, Any]:
    """Returns the value of each of COLUMNS."""
    reason = account.first_reason or {}
    derived = {
        "as_of": account.as_of.isoformat(),
        "moved": account.moved,
        "first_reason": reason.get("text"),
        "first_reason_factor": factor(reason["log_odds"]) if reason else None,
        "first_reason_group": reason.get("group"),
    }
    return {name: derived.get(name, getattr(account, name, None)) for name in COLUMNS}


def _said(found: AccountList) -> str:
    if not found.published:
        return NO_SCORES
    said = f"{found.matching} of {found.published} accounts"
    if found.newest is not None:
        said += f", publication {found.newest.publication_id} as of {minute(found.newest.as_of)}"
    if found.previous is None:
        return f"{said}; there is none before it, so all are new"
    if not found.former_known:
        return f"{said}; the rows of the one before are no longer known"
    return f"{said}; moved since {found.previous.publication_id}"


def _cells(account: ListedAccount, found: AccountList) -> tuple[str, ...]:
    reason = account.first_reason
    band = account.risk_category
    if account.former_category not in (None, band):
        band = f"{band} (was {account.former_category})"
    if account.holdout:
        band = f"{band}, leave alone"
    moved = "new" if found.former_known else NONE
    if account.moved is not None:
        moved = f"{100 * account.moved:+.1f}"
    return (
        account.account_id,
        f"{account.churn_probability:.1%}",
        band,
        moved,
        account.customer_tier or NONE,
        account.region or NONE,
        account.silence_state or NONE,
        f"{factor(reason['log_odds'])} {reason['text']}" if reason else NONE,
    )


def csv_cell(value: Any) -> Any:
    """Returns a value as a cell of a CSV; a text that begins like a formula gets an apostrophe."""
    if not isinstance(value, str):
        return value
    text = escape_controls(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) else text
