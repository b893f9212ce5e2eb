"""What `db check` says of the feedback beside its findings: sizes and dates."""

from dataclasses import dataclass
from datetime import datetime

from components.registry.input_properties import ChurnFacts, Split
from pipeline.checks.checked_database import CheckedDatabase


@dataclass(frozen=True)
class FeedbackFacts:
    """Size and range of feedback_enriched; moments are UTC.

    Attributes:
        rows: All rows; about as many where only a sample was read.
        sampled_rows: How many were looked at; None where it was all of them.
        share_without_account: Of the rows before as_of, 0..1.
        rows_in_future: At or after as_of, of those that were looked at.
        rows_without_date: Of those, without a possible date: NULL, infinite or a zero date.
        rows_before_history: Of those, with an account, but before the history begins.
        history_begins: Oldest row of the history; None without a row that names an account.
        newest: Newest row with an account before as_of; likewise.
        accounts: With feedback before as_of; None where they were not counted.
        splits: Examples of each split that a run would write; empty where not counted.
        active_within_days: Accounts without feedback for longer are left out of them; None: nobody.
        rows_after_churn: What feedback after a churn date means: back or final.
        truth: Of the ground truth: rows, ids that match no account, the newest; None where it
            was not read or the label is inactivity.
        notes: What has to be said of the contract.
        churn_table: Name of the ground truth's table.
        churn_table_present: Whether it is there.
    """

    rows: int | None
    sampled_rows: int | None
    share_without_account: float
    rows_in_future: int
    rows_without_date: int
    rows_before_history: int
    history_begins: datetime | None
    newest: datetime | None
    accounts: int | None
    splits: dict[str, Split]
    active_within_days: int | None
    rows_after_churn: str
    truth: ChurnFacts | None
    notes: tuple[str, ...]
    churn_table: str
    churn_table_present: bool


def facts_of(database: CheckedDatabase) -> FeedbackFacts | None:
    """Returns what the checks have read; None where they did not come to read the feedback."""
    # Only what was read already: the checks may have ended before a table was known to be there.
    read = vars(database)
    if "watermark" not in read:
        return None
    watermark, examples, truth = database.watermark, read.get("examples"), read.get("truth")
    looked_at = watermark.rows + watermark.rows_in_future + watermark.rows_without_date
    return FeedbackFacts(
        rows=database.estimated_rows if database.is_sampled else looked_at,
        sampled_rows=looked_at if database.is_sampled else None,
        share_without_account=(
            watermark.rows_without_account / watermark.rows if watermark.rows else 0.0
        ),
        rows_in_future=watermark.rows_in_future,
        rows_without_date=watermark.rows_without_date,
        rows_before_history=watermark.rows_before_history,
        history_begins=watermark.first,
        newest=watermark.newest,
        accounts=examples.accounts if examples else None,
        splits=dict(examples.splits) if examples else {},
        active_within_days=examples.active_within_days if examples else None,
        rows_after_churn=database.settings.reading.rows_after_churn,
        truth=truth.churn if truth else None,
        notes=database.contract.notes,
        churn_table=database.contract.churn_table,
        churn_table_present=database.contract.churn_table_present,
    )
