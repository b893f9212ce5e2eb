"""The list of silent accounts: a table for people, CSV for spreadsheets, plain values for JSON."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from components.publishing.silent_accounts import INACTIVITY, SilentAccount, SilentList
from pipeline.text.accounts import csv_cell
from pipeline.text.plain_text import NO_SCORES, NONE, minute, table_lines

COLUMNS: Final = (
    *("account_id", "newest", "days_since_last_event", "events", "customer_tier", "region"),
)
"""Of the CSV and of each account in the JSON."""
_HEAD: Final = ("account", "newest feedback", "days ago", "rows", "tier", "region")


def silent_lines(found: SilentList) -> Iterator[str]:
    """Yields the list for people, a head line first."""
    yield silent_sentence(found)
    if found.accounts:
        yield ""
        yield from table_lines([_HEAD, *map(_cells, found.accounts)], right=(2, 3))
    if len(found.accounts) < found.matching:
        left = found.matching - len(found.accounts)
        yield f"... and {left} more; --limit 0 shows all, --csv and --json hold all"


def silent_sentence(found: SilentList) -> str:
    """Says how many accounts are silent, by which rule, and whether they are scored."""
    publication = found.publication
    if publication is None:
        return NO_SCORES
    if publication.label_source == INACTIVITY:
        return "By inactivity silence is churn: an account that is silent for too long has left."
    if found.days is None:
        return (
            f"No account is too silent to be scored, publication {publication.publication_id} as "
            f"of {minute(publication.as_of)} (TENS_INSIGHT_ACTIVE_WITHIN_DAYS)."
        )
    became = "not scored"
    if (publication.population or {})["silent_accounts"] == "scored":
        became = "scored all the same"
    return (
        f"{found.matching} accounts without feedback for more than {found.days} days and without "
        f"a churn date since, {became}, publication {publication.publication_id} as of "
        f"{minute(publication.as_of)}"
    )


def silent_csv(found: SilentList) -> str:
    """Returns the list as CSV with a head; texts as in pipeline/text/accounts.py."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for account in found.accounts:
        values = _values(account)
        writer.writerow([csv_cell(values[name]) for name in COLUMNS])
    return text.getvalue()


def silent_json(found: SilentList) -> dict[str, Any]:
    """Returns plain values."""
    return {
        "publication_id": found.publication.publication_id if found.publication else None,
        "population": found.publication.population if found.publication else None,
        "matching": found.matching,
        "accounts": [_values(account) for account in found.accounts],
    }


def _values(account: SilentAccount) -> dict[str, Any]:
    values = {name: getattr(account, name) for name in COLUMNS}
    return values | {"newest": account.newest.isoformat()}


def _cells(account: SilentAccount) -> tuple[str, ...]:
    return (
        account.account_id,
        minute(account.newest),
        f"{account.days_since_last_event:.0f}",
        str(account.events),
        account.customer_tier or NONE,
        account.region or NONE,
    )
