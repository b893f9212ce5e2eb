"""What a run met in its input, in sentences: only what there was."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from components.feedback_example_gen.config import FINAL, SCORED
from components.feedback_example_gen.cutoffs import SCORE
from components.registry.input_properties import CHURN, ChurnFacts, ExamplesProperties, Spellings
from components.registry.published_properties import PublishedScoresProperties, UnseenValues


def input_notes(
    data: ExamplesProperties, published: PublishedScoresProperties | None
) -> Iterator[str]:
    """Yields a sentence for each data-quality problem that was counted.

    Args:
        data: What was read.
        published: What was published; None where nothing was.
    """
    if data.duplicate_rows:
        rows = _counted(data.duplicate_rows, "row repeats", "rows repeat")
        yield f"{rows} another in all but the id, ignored for accounts"
    if data.rows_before_history:
        rows = _counted(data.rows_before_history, "row lies", "rows lie")
        yield f"{rows} before the history begins, which they do not make longer"
    yield from _account_notes(data)
    if (churn := data.truth.get(CHURN)) is not None:
        yield from _churn_notes(churn, data)
    yield from _population_notes(data)
    yield from data.row_security or ()
    for column, found in data.spellings.items():
        if found.spellings:
            yield _spellings(column, found)
    unseen = published.unseen if published else {}
    outside = [_unseen(name, found) for name, found in unseen.items() if found.share]
    if outside:
        yield f"outside the model's vocabulary: {', '.join(outside)}"


def _account_notes(data: ExamplesProperties) -> Iterator[str]:
    if data.accounts_changed_tier or data.accounts_changed_region:
        yield (
            f"{data.accounts_changed_tier} accounts changed tier, {data.accounts_changed_region} "
            "region; the newest row counts"
        )
    for accounts, told in (
        (data.accounts_with_one_row, "with a single row"),
        (data.accounts_cut, f"with more than {data.max_events} events; the newest are read"),
        (data.accounts_with_slash, "with a slash in the id, which GoInsight's API cannot reach"),
        (data.accounts_alike, "whose ids differ by case or blanks only, kept apart"),
    ):
        if accounts:
            yield f"{_counted(accounts, 'account', 'accounts')} {told}"


def _population_notes(data: ExamplesProperties) -> Iterator[str]:
    """Yields who is silent, and who came back, of the accounts to score."""
    scored = data.splits.get(SCORE)
    if scored is None:
        return
    if scored.silent and data.active_within_days is not None:
        accounts = _counted(scored.silent, "account", "accounts")
        yield (
            f"{accounts} silent for more than {data.silent_days} days without a churn date since, "
            f"{_silent(data)}"
        )
    if data.active_within_why is not None:
        limit = (
            f"accounts are silent after {data.active_within_days} days without feedback"
            if data.active_within_days is not None
            else "no limit of silence"
        )
        yield f"by auto {limit}: {data.active_within_why} (TENS_INSIGHT_ACTIVE_WITHIN_DAYS)"
    if scored.returned:
        became = (
            "their churn is final, and they are not scored (TENS_INSIGHT_ROWS_AFTER_CHURN)"
            if data.rows_after_churn == FINAL
            else "they count as come back, and are scored"
        )
        accounts = _counted(scored.returned, "account has", "accounts have")
        yield f"{accounts} feedback after the churn date; {became}"


def _silent(data: ExamplesProperties) -> str:
    if data.silent_accounts == SCORED:
        return "scored, though nothing was learnt from them (TENS_INSIGHT_SILENT_ACCOUNTS)"
    return "not scored: `tens-insight accounts --silent` (TENS_INSIGHT_ACTIVE_WITHIN_DAYS)"


def _churn_notes(churn: ChurnFacts, data: ExamplesProperties) -> Iterator[str]:
    if churn.rows_unmatched:
        yield f"{churn.rows_unmatched} of {churn.rows} churn rows match no account"
    if churn.rows_written_after:
        rows = _counted(churn.rows_written_after, "churn row has", "churn rows have")
        is_final = data.rows_after_churn == FINAL
        became = "its churn is final" if is_final else "it counts as come back"
        yield f"{rows} feedback of the account after its date; {became}"
    if churn.spellings:
        yield f"churn rows that would match an account: {told_spellings(churn.spellings)}"
    parts = [
        _counted(rows, f"churn row {told}", f"churn rows {told}")
        for rows, told in (
            (churn.rows_without_account, "without an account"),
            (churn.rows_without_date, "without a possible date"),
            (churn.rows_in_future, "after as_of"),
            (churn.rows_before_feedback, "before the oldest feedback"),
            (churn.rows_repeated, "that repeat another"),
        )
        if rows
    ]
    if parts:
        yield f"{', '.join(parts)}: no label"
    if datetime.fromisoformat(churn.known_until) < datetime.fromisoformat(data.as_of):
        yield f"churn is known until {churn.known_until}; no label looks beyond it"


def _spellings(column: str, found: Spellings) -> str:
    examples = found.spelling_examples or ()
    named = ", ".join(f"{spelling!r} for {usual!r}" for spelling, usual in examples)
    spellings = _counted(found.spellings, "spelling", "spellings")
    rows = _counted(found.spelling_rows, "row", "rows")
    return f"{column}: {spellings} in {rows} by case or blanks only, such as {named}"


def told_spellings(spellings: Sequence[tuple[str, int, str, str]], most: int = 3) -> str:
    """Returns what ids differ by from an account's, how many rows by each, and an example."""
    told = [f"{rows} differ by {rule}, {one} for {usual}" for rule, rows, one, usual in spellings]
    more = f"; and {len(told) - most} more kinds" if len(told) > most else ""
    return "; ".join(told[:most]) + more


def _unseen(name: str, found: UnseenValues) -> str:
    named = f" ({', '.join(map(repr, found.examples))})" if found.examples else ""
    return f"{found.share:.1%} of {name}s{named}"


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
