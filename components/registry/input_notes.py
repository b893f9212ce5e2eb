"""What a run met in its input, in sentences: only what there was."""

from collections.abc import Iterator

from components.registry.input_properties import ExamplesProperties, Spellings
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
    yield from _account_notes(data)
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


def _spellings(column: str, found: Spellings) -> str:
    examples = found.spelling_examples or ()
    named = ", ".join(f"{spelling!r} for {usual!r}" for spelling, usual in examples)
    spellings = _counted(found.spellings, "spelling", "spellings")
    rows = _counted(found.spelling_rows, "row", "rows")
    return f"{column}: {spellings} in {rows} by case or blanks only, such as {named}"


def _unseen(name: str, found: UnseenValues) -> str:
    named = f" ({', '.join(map(repr, found.examples))})" if found.examples else ""
    return f"{found.share:.1%} of {name}s{named}"


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
