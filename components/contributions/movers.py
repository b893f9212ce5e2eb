"""Accounts that entered or left a risk band since a former publication, and what moved them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.contributions.mean_change import kept_groups
from components.contributions.secants import parts_by_group
from components.postgres.queries import queries
from components.postgres.rows import records
from components.publishing.publication_log import recorded_bands

_QUERIES: Final = queries(__package__)
MAIN_BANDS: Final = ("critical", "high", "medium")
"""Bands whose members are of interest; who goes from no score to low is not."""


@dataclass(frozen=True)
class ScorePublication:
    """A publication whose rows can be compared; as_of is UTC."""

    publication_id: int
    as_of: datetime
    model_version: str
    risk_bands: Mapping[str, Any] | None
    has_parts: bool


@dataclass(frozen=True)
class Mover:
    """An account whose band is another one.

    Attributes:
        account_id: As the database holds it.
        former_probability: None where it had no score.
        former_category: Likewise.
        churn_probability: None where it is not scored any more.
        risk_category: Likewise.
        customer_tier: As the model saw it last; None where that is not kept.
        region: Likewise.
        moved_by: What each feature group adds to the probability since the publication that
            parts_since names, largest first; empty where that is not known.
        reason: The sentence that raises the risk most now.
    """

    account_id: str
    former_probability: float | None
    former_category: str | None
    churn_probability: float | None
    risk_category: str | None
    customer_tier: str | None = None
    region: str | None = None
    moved_by: Mapping[str, float] | None = None
    reason: str | None = None

    @property
    def moved(self) -> float | None:
        """The change of the probability, where both are known."""
        if self.churn_probability is None or self.former_probability is None:
            return None
        return self.churn_probability - self.former_probability


@dataclass(frozen=True)
class Movers:
    """The accounts whose band is another one than before.

    Attributes:
        before: The publication that was looked for; None where there is no earlier one.
        after: The newest publication; None where nothing was published.
        earlier: Whether `before` is as of the moment asked for or before it; if not, the history
            does not reach back, and it is the oldest there is.
        parts_since: The publication since which moved_by counts; None where none is kept, or
            another model scored.
        bands: The bands that were asked for.
        bands_changed: Whether the rule of the bands is another one: then moves say little.
        movers: Those whose risk rose most first.
        matching: How many there are, whatever the limit.
    """

    before: ScorePublication | None
    after: ScorePublication | None
    earlier: bool
    parts_since: ScorePublication | None
    bands: Sequence[str]
    bands_changed: bool
    movers: Sequence[Mover]
    matching: int


@dataclass(frozen=True)
class _MoverRow:
    """As the query movers says."""

    account_id: str
    former_probability: float | None
    former_category: str | None
    churn_probability: float | None
    risk_category: str | None
    matching: int


@dataclass(frozen=True)
class _PartsRow:
    """As the query parts_of_accounts says."""

    account_id: str
    churn_probability: float
    log_odds: list[float] | None
    customer_tier: str | None
    region: str | None


def find_movers(
    cursor: Cursor,
    since: datetime | None,
    bands: Sequence[str] = MAIN_BANDS,
    limit: int | None = None,
) -> Movers:
    """Compares the newest publication with the one that was shown at a moment.

    It reads views alone that readers of the scores may read.

    Args:
        cursor: Of a transaction that sees one state of the database.
        since: The moment; None for the publication before the newest.
        bands: Accounts that entered or left one of these.
        limit: How many at most, those whose risk rose most first; None for all.
    """
    cursor.execute(_QUERIES["comparable_publications"])
    known = records(cursor, ScorePublication)
    if not known:
        return Movers(None, None, True, None, bands, False, [], 0)
    after = known[-1]
    before, earlier = _before(known, since)
    if before is None:
        return Movers(None, after, earlier, None, bands, False, [], 0)
    values = {
        "before": before.publication_id,
        "after": after.publication_id,
        "bands": list(bands),
        "limit": limit,
    }
    cursor.execute(_QUERIES["movers"], values)
    rows = records(cursor, _MoverRow)
    movers = [
        Mover(
            row.account_id,
            row.former_probability,
            row.former_category,
            row.churn_probability,
            row.risk_category,
        )
        for row in rows
    ]
    parts_since = _parts_since(known, before, after)
    rules = [recorded_bands(one.risk_bands).rule for one in (before, after)]
    return Movers(
        before=before,
        after=after,
        earlier=earlier,
        parts_since=parts_since,
        bands=bands,
        bands_changed=rules[0] != rules[1],
        movers=_explained(cursor, movers, parts_since, before, after),
        matching=rows[0].matching if rows else 0,
    )


def _before(
    known: Sequence[ScorePublication], since: datetime | None
) -> tuple[ScorePublication | None, bool]:
    """Returns the newest publication as of a moment or before it, and whether there is one."""
    *former, newest = known
    if since is None:
        return (former[-1] if former else None), True
    if newest.as_of <= since:
        return None, True  # nothing was published since
    found = [one for one in former if one.as_of <= since]
    if found:
        return found[-1], True
    return (former[0] if former else None), False


def _parts_since(
    known: Sequence[ScorePublication], before: ScorePublication, after: ScorePublication
) -> ScorePublication | None:
    """Returns the kept publication of the same model that is nearest to `before`."""
    if not after.has_parts:
        return None
    kept = [
        one
        for one in known
        if one.has_parts and one.model_version == after.model_version and one is not after
    ]
    return min(kept, key=lambda one: abs(one.as_of - before.as_of)) if kept else None


def _explained(
    cursor: Cursor,
    movers: Sequence[Mover],
    since: ScorePublication | None,
    before: ScorePublication,
    after: ScorePublication,
) -> list[Mover]:
    """Adds what is known of the accounts: tier, region, what moved them, and a sentence."""
    if not movers:
        return []
    accounts = [one.account_id for one in movers]
    own, groups = _parts(cursor, after, accounts)
    former, former_groups = _parts(cursor, since or before, accounts)
    cursor.execute(
        _QUERIES["sentences_of_accounts"],
        {"accounts": accounts, "publication_id": after.publication_id},
    )
    sentences = {account: _sentence(reasons) for account, reasons in cursor.fetchall()}
    found = []
    for one in movers:
        now, then = own.get(one.account_id), former.get(one.account_id)
        about = now or then
        found.append(
            replace(
                one,
                customer_tier=about.customer_tier if about else None,
                region=about.region if about else None,
                moved_by=_moved_by(then, now, groups)
                if since is not None and groups == former_groups
                else None,
                reason=sentences.get(one.account_id),
            )
        )
    return found


def _parts(
    cursor: Cursor, publication: ScorePublication, accounts: Sequence[str]
) -> tuple[dict[str, _PartsRow], list[str]]:
    groups = kept_groups(cursor, publication.publication_id)
    values = {"publication_id": publication.publication_id, "accounts": list(accounts)}
    cursor.execute(_QUERIES["parts_of_accounts"], values)
    return {row.account_id: row for row in records(cursor, _PartsRow)}, groups


def _moved_by(
    before: _PartsRow | None, after: _PartsRow | None, groups: Sequence[str]
) -> dict[str, float] | None:
    if before is None or after is None or not before.log_odds or not after.log_odds:
        return None
    then = (before.churn_probability, before.log_odds)
    return parts_by_group(then, (after.churn_probability, after.log_odds), groups)


def _sentence(reasons: Sequence[Mapping[str, Any]] | None) -> str | None:
    raising = [one for one in reasons or () if one["log_odds"] > 0]
    return str(max(raising, key=lambda one: float(one["log_odds"]))["text"]) if raising else None
