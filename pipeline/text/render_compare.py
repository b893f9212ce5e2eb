"""Two models side by side, for people."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pipeline.registry.comparison import Comparison, MetricPair, SameSnapshot
from pipeline.text.plain_text import one_line, table_lines

_LONG: Final = 60


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Yields two models side by side."""
    yield f"a  {found.a}"
    yield f"b  {found.b}"
    yield ""
    if found.snapshot is None:
        yield f"Not compared on one snapshot. {found.not_compared}"
    else:
        yield from _snapshot_lines(found.snapshot)
    yield ""
    yield from _differing("Data and code that differ", found.data)
    yield ""
    yield from _differing("Settings that differ", found.settings)


def _snapshot_lines(snapshot: SameSnapshot) -> Iterator[str]:
    yield (
        f"On the evaluation snapshot of {snapshot.version}: cutoff {snapshot.cutoff[:10]}, "
        f"{snapshot.accounts} accounts, {snapshot.churned} churned"
    )
    head = ("", "a", "b", "b - a", "paired 95 % interval", "")
    yield from table_lines([head, *(_metric_cells(pair) for pair in snapshot.metrics)])
    yield ""
    yield f"The {len(snapshot.moved)} accounts that move most"
    head = ("account", "a", "b", "b - a", "category", "")
    rows = [
        (
            one_line(moved.account_id),
            f"{moved.a:.1%}",
            f"{moved.b:.1%}",
            f"{moved.b - moved.a:+.1%}",
            moved.category_a
            if moved.category_a == moved.category_b
            else f"{moved.category_a} to {moved.category_b}",
            "churned" if moved.churned else "",
        )
        for moved in snapshot.moved
    ]
    yield from table_lines([head, *rows])


def _metric_cells(pair: MetricPair) -> tuple[str, ...]:
    low, high = pair.interval
    sure = low > 0 or high < 0
    return (
        pair.name,
        f"{pair.a:.4f}",
        f"{pair.b:.4f}",
        f"{pair.difference:+.4f}",
        f"[{low:+.4f}, {high:+.4f}]",
        "" if sure else "may be chance",
    )


def _differing(title: str, rows: Iterable[tuple[str, Any, Any]]) -> Iterator[str]:
    cells = [(name, _short(a), _short(b)) for name, a, b in rows]
    yield title if cells else f"{title}: none that is recorded"
    if cells:
        yield from table_lines([("", "a", "b"), *cells])


def _short(value: Any) -> str:
    text = one_line(str(value))
    if "," in text and len(text) > _LONG:
        parts = text.split(",")
        first, last = (part[:16].replace("T", " ") for part in (parts[0], parts[-1]))
        return f"{len(parts)} from {first} to {last}"
    return text
