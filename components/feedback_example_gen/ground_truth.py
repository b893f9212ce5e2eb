"""The state of the ground truth: whose churn it records, until when, and how it spells them.

A run and `tens-insight db check` ask the same function, inside a transaction of their own.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import psycopg2.extensions

from components.feedback_example_gen.churn_rhythm import ALL_KNOWN, Interval, KnownChurn, rhythm_of
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.near_ids import masked, near_ids, shown
from components.feedback_example_gen.reading.churn_rows import (
    read_account_ids,
    read_churn_rows,
    read_published_accounts,
)
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.registry.input_properties import ChurnFacts, IdFacts


@dataclass(frozen=True)
class GroundTruth:
    """What a database says of its own churn dates and accounts.

    Attributes:
        churn: Of the table of churn dates; None where the label is inactivity.
        accounts: Of the accounts that were published last.
        known: When the table knows who left.
    """

    churn: ChurnFacts | None
    accounts: IdFacts
    known: KnownChurn


def read_ground_truth(
    connection: psycopg2.extensions.connection,
    config: FeedbackExampleGenConfig,
    first: datetime,
    as_of: datetime,
    *,
    has_churn: bool,
    names_accounts: bool,
    looked_at: int | None = None,
    published: bool = True,
) -> GroundTruth:
    """Reads and judges the ground truth inside the connection's transaction.

    Args:
        connection: Open, with time zone UTC.
        config: The settings.
        first: created_at of the oldest feedback with an account, UTC.
        as_of: The run's now, UTC.
        has_churn: Whether the label comes from the table of churn dates.
        names_accounts: Whether examples are ids, or only their shape: what is kept names nobody.
        looked_at: Of how many churn rows it is concluded how many have feedback after them;
            None: of all.
        published: Whether to ask for the accounts that were published last; else nothing is known
            of them, and published_facts is asked.

    Raises:
        ContractBroken: A table, a column or the right to read is missing.
        DatabaseUnreachable: The server went away.
    """
    known_ids = _Once(lambda: read_account_ids(connection))
    spell = shown if names_accounts else _shape
    accounts = _published_facts(connection, as_of, known_ids, spell) if published else IdFacts()
    if not has_churn:
        return GroundTruth(None, accounts, ALL_KNOWN)
    source = ChurnSource(config.churn_table, config.churn_account_column, config.churn_date_column)
    found = read_churn_rows(connection, source, first, as_of, looked_at)
    days = tuple(found.days)
    rhythm = rhythm_of(days, first + config.lookback, as_of, config.max_churn_age_days)
    churn = ChurnFacts(
        **asdict(found.counts),
        rows_unmatched=sum(found.unmatched.values()),
        rows_written_after=found.written_after,
        spellings=_spellings(found.unmatched, known_ids, spell),
        newest=days[-1].isoformat() if days else None,
        largest_day=largest.isoformat()
        if (largest := max(days, key=found.days.__getitem__, default=None))
        else None,
        largest_day_rows=max(found.days.values(), default=0),
        age_days=rhythm.age_days,
        gaps=rhythm.gaps,
        longest_gap_days=rhythm.longest_gap_days,
        limit_days=rhythm.limit_days,
        holes=_spelt(rhythm.holes),
        unknown=_spelt(rhythm.known.unknown),
        known_until=rhythm.known.end(as_of).isoformat(),
    )
    return GroundTruth(churn, accounts, rhythm.known)


def _spelt(intervals: Iterable[Interval]) -> tuple[tuple[str, str], ...] | None:
    return tuple((begin.isoformat(), end.isoformat()) for begin, end in intervals) or None


def published_facts(
    connection: psycopg2.extensions.connection, as_of: datetime, *, names_accounts: bool
) -> IdFacts:
    """Reads and judges the accounts that were published last; otherwise as read_ground_truth."""
    spell = shown if names_accounts else _shape
    return _published_facts(connection, as_of, lambda: read_account_ids(connection), spell)


def _published_facts(
    connection: psycopg2.extensions.connection,
    as_of: datetime,
    accounts: Callable[[], Collection[str]],
    spell: Callable[[str], str],
) -> IdFacts:
    published = read_published_accounts(connection, as_of)
    if published is None:
        return IdFacts()
    return IdFacts(
        ids=published.count,
        unmatched=len(published.gone),
        spellings=_spellings(dict.fromkeys(published.gone, 1), accounts, spell),
        twice=_spellings(dict.fromkeys(published.new, 1), lambda: published.ids, spell),
    )


class _Once:
    """Reads the ids of all accounts when they are first needed."""

    def __init__(self, read: Callable[[], Collection[str]]):
        self._read = read
        self._ids: Collection[str] | None = None

    def __call__(self) -> Collection[str]:
        if self._ids is None:
            self._ids = self._read()
        return self._ids


def _spellings(
    unmatched: Mapping[str, int],
    accounts: Callable[[], Collection[str]],
    spell: Callable[[str], str],
) -> tuple[tuple[str, int, str, str], ...] | None:
    found = near_ids(unmatched, accounts()) if unmatched else ()
    return (
        tuple((one.rule, one.rows, spell(one.unmatched), spell(one.account)) for one in found)
        or None
    )


def _shape(text: str) -> str:
    return shown(masked(text))
