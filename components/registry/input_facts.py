"""What a run met in its input, in plain words: only what there was."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.registry.metadata_text import with_backslash
from transforms.columns import OPEN_SETS


def input_facts(data: Mapping[str, Any], published: Mapping[str, Any]) -> Iterator[str]:
    """Yields a sentence for each kind of oddity that was there.

    Args:
        data: Custom properties of the Examples.
        published: Custom properties of the PublishedScores.
    """
    if data["duplicate_rows"]:
        rows = _counted(data["duplicate_rows"], "row repeats", "rows repeat")
        yield f"{rows} another in all but the id, ignored for accounts"
    yield from _account_facts(data)
    for column in OPEN_SETS:
        if data[f"{column.name}_spellings"]:
            yield _spellings(data, column.name)
    unseen = [_unseen(published, name) for name in (column.label for column in OPEN_SETS)]
    if any(unseen):
        yield f"outside the model's vocabulary: {', '.join(filter(None, unseen))}"


def _account_facts(data: Mapping[str, Any]) -> Iterator[str]:
    changed = [data["accounts_changed_tier"], data["accounts_changed_region"]]
    if any(changed):
        yield f"{changed[0]} accounts changed tier, {changed[1]} region; the newest row counts"
    for name, told in (
        ("accounts_with_one_row", "with a single row"),
        ("accounts_cut", f"with more than {data['max_events']} events; the newest are read"),
        ("accounts_with_slash", "with a slash in the id, which GoInsight's API cannot reach"),
        ("accounts_alike", "whose ids differ by case or blanks only, kept apart"),
    ):
        if data[name]:
            yield f"{_counted(data[name], 'account', 'accounts')} {told}"


def _spellings(data: Mapping[str, Any], column: str) -> str:
    spellings = _counted(data[f"{column}_spellings"], "spelling", "spellings")
    examples = json.loads(with_backslash(data[f"{column}_spelling_examples"]))
    named = ", ".join(f"{spelling!r} for {usual!r}" for spelling, usual in examples)
    rows = _counted(data[f"{column}_spelling_rows"], "row", "rows")
    return f"{column}: {spellings} in {rows} by case or blanks only, such as {named}"


def _unseen(published: Mapping[str, Any], name: str) -> str:
    share = published.get(f"unseen_{name}_share", 0.0)
    if not share:
        return ""
    examples = json.loads(with_backslash(published.get(f"unseen_{name}_examples", "[]")))
    named = f" ({', '.join(map(repr, examples))})" if examples else ""
    return f"{share:.1%} of {name}s{named}"


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
