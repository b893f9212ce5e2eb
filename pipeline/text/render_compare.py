"""Two models side by side, for people."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from components.model_review.sections.comparison import (
    Comparison,
    Difference,
    OneEvaluation,
    Pair,
)
from pipeline.text.plain_text import escape_controls, table_lines

_LONG: Final = 60


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Yields two models side by side."""
    yield f"a  {found.a}"
    yield f"b  {found.b}"
    yield ""
    if found.evaluation is None:
        yield f"Not compared on one evaluation set. {found.not_compared}"
    else:
        yield from _evaluation_lines(found.evaluation)
    yield ""
    yield from _differing("Data and code that differ", found.data)
    yield ""
    yield from _differing("Settings that differ", found.settings)


def _evaluation_lines(evaluation: OneEvaluation) -> Iterator[str]:
    yield (
        f"On the evaluation set of {evaluation.version}: cutoff {evaluation.cutoff[:10]}, "
        f"{evaluation.accounts} accounts, {evaluation.churned} churned"
    )
    head = ("", "a", "b", "b - a", "paired 95 % interval", "")
    yield from table_lines(
        [head, *(_metric_cells(name, pair) for name, pair in evaluation.metrics.items())]
    )
    yield ""
    yield f"The {len(evaluation.moved)} accounts that move most"
    head = ("account", "a", "b", "b - a", "category", "")
    rows = [
        (
            escape_controls(moved.account_id),
            f"{moved.before:.1%}",
            f"{moved.after:.1%}",
            f"{moved.after - moved.before:+.1%}",
            moved.category_before
            if moved.category_before == moved.category_after
            else f"{moved.category_before} to {moved.category_after}",
            "churned" if moved.churned else "",
        )
        for moved in evaluation.moved
    ]
    yield from table_lines([head, *rows])


def _metric_cells(name: str, pair: Pair) -> tuple[str, ...]:
    values = (name, f"{pair.a:.4f}", f"{pair.b:.4f}")
    if pair.difference is None or pair.difference.interval is None:
        return (*values, "-", "-", "cannot be computed")
    low, high = pair.difference.interval
    sure = low > 0 or high < 0
    ends = f"[{low:+.4f}, {high:+.4f}]"
    return (*values, f"{pair.difference.value:+.4f}", ends, "" if sure else "may be chance")


def _differing(title: str, rows: Iterable[Difference]) -> Iterator[str]:
    cells = [(row.name, _short(row.a), _short(row.b)) for row in rows]
    yield title if cells else f"{title}: none that is recorded"
    if cells:
        yield from table_lines([("", "a", "b"), *cells])


def _short(value: Any) -> str:
    text = escape_controls(str(value))
    if "," in text and len(text) > _LONG:
        parts = text.split(",")
        first, last = (part[:16].replace("T", " ") for part in (parts[0], parts[-1]))
        return f"{len(parts)} from {first} to {last}"
    return text
