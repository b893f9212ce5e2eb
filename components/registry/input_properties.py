"""What a run read: the properties of Examples and of AreaCounts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from components.feedback_example_gen.config import BACK, LISTED
from components.feedback_example_gen.cutoffs import SPLITS
from components.registry import artifact_names
from components.registry.properties import Properties, keyed
from transforms.columns import OPEN_SETS


@dataclass(frozen=True)
class Split:
    """One split of the Examples.

    Attributes:
        cutoffs: ISO 8601 UTC, oldest first, joined by commas; empty without an example.
        examples: How many.
        churned: Of them, how many churned; 0 for the split `score`, which has no labels.
        base_rate: churned / examples; None for the split `score` or without an example.
        available: How many examples there would be of all accounts; None where none is left out.
        silent: Accounts at the cutoffs that no churn date says have left, and that had been silent
            for longer than ExamplesProperties.silent_days; None where silence itself is churn.
        silent_churned: Of them, how many churned within the horizon; 0 for `score`.
        returned: Accounts at the cutoffs with feedback after their churn date; None likewise.
    """

    cutoffs: str
    examples: int
    churned: int
    base_rate: float | None = None
    available: int | None = None
    silent: int | None = None
    silent_churned: int | None = None
    returned: int | None = None

    @property
    def cutoff_list(self) -> list[str]:
        """The cutoffs, ISO 8601 UTC, oldest first."""
        return self.cutoffs.split(",") if self.cutoffs else []


@dataclass(frozen=True)
class Spellings:
    """Values of a column that differ from a more frequent one by case or blanks only.

    Attributes:
        spellings: How many values.
        spelling_rows: How many rows hold them.
        spelling_examples: The most frequent of them, each with the usual spelling.
    """

    spellings: int
    spelling_rows: int
    spelling_examples: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True)
class IdFacts:
    """Ids that were to be those of accounts.

    Attributes:
        ids: How many accounts the newest publication has; None without one.
        unmatched: Of them, how many have no feedback at all any more.
        spellings: What the unmatched differ by from an account: rule, how many, and one of them
            with that account, in quotes.
        twice: Likewise, accounts that are newer than the publication and would be one of it in
            another spelling.
    """

    ids: int | None = None
    unmatched: int | None = None
    spellings: tuple[tuple[str, int, str, str], ...] | None = None
    twice: tuple[tuple[str, int, str, str], ...] | None = None


@dataclass(frozen=True)
class ChurnFacts:
    """The table of churn dates. Times are ISO 8601 UTC.

    Attributes:
        rows: Rows that count: with an account and a date from the oldest feedback to as_of.
        rows_unmatched: Of them, those whose id no account has.
        rows_repeated: Of them, those that are equal to another.
        rows_without_account: The id is NULL or empty.
        rows_without_date: The date is NULL, infinite or before moments.EARLIEST (1990).
        rows_in_future: Dated at or after as_of, which nothing reads.
        rows_before_feedback: Dated before the oldest feedback.
        rows_written_after: Of those that count, rows whose account has feedback after their date.
        known_until: The moment from which on labels know nothing of churn.
        spellings: As in IdFacts, in rows.
        newest: The newest churn; None without one.
        largest_day: The newest churn of the day that has most rows; None without one.
        largest_day_rows: Rows of that day.
        age_days: Days from the newest churn to as_of; None without one.
        gaps: Gaps between days with churn that make the rhythm.
        longest_gap_days: The longest that is no hole; None where there are too few.
        limit_days: Days without churn beyond which the export counts as stopped.
        holes: Intervals before the newest churn that are too long for gaps, with their ends.
        unknown: All intervals of which labels know nothing: holes, and what lies before the first
            or after the newest churn.
    """

    rows: int
    rows_unmatched: int
    rows_repeated: int
    rows_without_account: int
    rows_without_date: int
    rows_in_future: int
    rows_before_feedback: int
    known_until: str
    rows_written_after: int = 0
    spellings: tuple[tuple[str, int, str, str], ...] | None = None
    newest: str | None = None
    largest_day: str | None = None
    largest_day_rows: int = 0
    age_days: int | None = None
    gaps: int = 0
    longest_gap_days: int | None = None
    limit_days: int | None = None
    holes: tuple[tuple[str, str], ...] | None = None
    unknown: tuple[tuple[str, str], ...] | None = None


CHURN: Final = "churn"
PUBLISHED: Final = "published"


@dataclass(frozen=True, kw_only=True)
class ExamplesProperties(Properties):
    """What Examples of FeedbackExampleGen say of themselves. Times are ISO 8601 UTC.

    Attributes:
        as_of: The run's now.
        database_id: Of the database that was read.
        label_source: What says who churned: account_churn or inactivity.
        duplicate_events: What was done with repeated rows: collapse or keep.
        lookback_days: How far back events count as recent.
        horizon_days: How far ahead the label looks.
        max_events: Length of the lists of events.
        active_within_days: Accounts without an event for longer give no examples. Where it is
            None, no account is left out for being silent, but by inactivity those without an event
            in the lookback.
        active_within_why: How `auto` came to that; None where it was set.
        silent_days: Days without an event beyond which accounts are counted as silent.
        silent_accounts: What became of these in the split `score`: listed (left out) or scored.
        rows_after_churn: What feedback after a churn date means: back or final.
        feedback_rows: All rows with a date before as_of.
        rows_without_account: Those whose account_id is NULL or empty.
        rows_in_future: Rows at or after as_of, which nothing reads.
        rows_without_date: Rows without a possible date, which nothing reads.
        rows_before_history: Rows with an account that are too few and too old to count as history.
        newest_feedback: created_at of the newest row; None without rows.
        late_rows: Rows older than the last publication's as_of that were not there then;
            below 0 if rows are gone. None where nothing was published before.
        previous_as_of: as_of of the last publication; None without one.
        previous_feedback_rows: Rows of feedback that it read; None without one.
        previous_scored: Accounts that it published; None without one.
        rows_last_week: Rows of the last 7 days; None where the history is short.
        rows_weeks_before: Rows of the WEEKS_BEFORE weeks before those; None likewise.
        accounts: Accounts with feedback.
        duplicate_rows: Rows that repeat another in all but their id, and were left out.
        accounts_with_one_row: Accounts with a single row, repetitions left out.
        accounts_changed_tier: Accounts with rows of several tiers, however spelled.
        accounts_changed_region: Accounts with rows of several regions, however spelled.
        accounts_cut: Accounts of which the score split shows the newest events only.
        accounts_with_slash: Accounts whose id holds a slash.
        accounts_alike: Accounts whose id differs from another's by case or blanks only.
        splits: Sizes by the name of the split, of those that were asked for.
        spellings: By column of an open set.
        truth: By CHURN, the table of churn dates; not there where the label is inactivity.
        known_ids: By PUBLISHED, the accounts that were published last.
        row_security: What is to be said of policies that may hide rows, a sentence each.
    """

    TYPE_NAME = artifact_names.EXAMPLES

    as_of: str
    database_id: str | None = None
    label_source: str
    duplicate_events: str
    lookback_days: int
    horizon_days: int
    max_events: int
    active_within_days: int | None = None
    active_within_why: str | None = None
    silent_days: int | None = None
    silent_accounts: str = LISTED
    rows_after_churn: str = BACK
    feedback_rows: int
    rows_without_account: int
    rows_in_future: int
    rows_without_date: int
    rows_before_history: int = 0
    newest_feedback: str | None = None
    late_rows: int | None = None
    previous_as_of: str | None = None
    previous_feedback_rows: int | None = None
    previous_scored: int | None = None
    rows_last_week: int | None = None
    rows_weeks_before: int | None = None
    accounts: int
    duplicate_rows: int
    accounts_with_one_row: int
    accounts_changed_tier: int
    accounts_changed_region: int
    accounts_cut: int
    accounts_with_slash: int
    accounts_alike: int
    splits: Mapping[str, Split] = field(
        default_factory=dict, metadata=keyed("{key}_{name}", SPLITS)
    )
    spellings: Mapping[str, Spellings] = field(
        default_factory=dict, metadata=keyed("{key}_{name}", (one.name for one in OPEN_SETS))
    )
    truth: Mapping[str, ChurnFacts] = field(
        default_factory=dict, metadata=keyed("{key}_{name}", [CHURN])
    )
    known_ids: Mapping[str, IdFacts] = field(
        default_factory=dict, metadata=keyed("{key}_{name}", [PUBLISHED])
    )
    row_security: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class AreaCountsProperties(Properties):
    """What the counts of feedback by product area and segment say of themselves.

    Attributes:
        as_of: The run's now, ISO 8601 UTC.
        window_days: Length of the window before it.
        critical_priority: The priority from which feedback counts as critical.
        pairs: Pairs of area and segment with feedback.
        rows: Rows of feedback in them.
        unnamed_rows: Rows without an area or a segment, left out.
    """

    TYPE_NAME = artifact_names.AREA_COUNTS

    as_of: str
    window_days: int
    critical_priority: int
    pairs: int
    rows: int
    unnamed_rows: int
