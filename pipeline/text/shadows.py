"""Prints the models in shadow."""

from collections.abc import Iterator

from pipeline.registry.shadows import ShadowRow, Shadows
from pipeline.text.plain_text import NONE, table_lines

_SETTING = "TENS_INSIGHT_SHADOW_MODELS"


def shadow_lines(found: Shadows) -> Iterator[str]:
    """Yields the models in shadow, one a line; or that there is none."""
    if not found.rows:
        yield "No model is in shadow: beside the champion there is none that could be."
        return
    head = ("version", "in shadow as", "gate", "next run", "publications", "closed", "last as of")
    yield from table_lines([head, *map(_cells, found.rows)], right=(4, 5))
    left_out = [row.version for row in found.rows if row.role and not row.asked]
    if left_out:
        yield (
            f"{_SETTING} is {found.most}: {', '.join(left_out)} "
            f"{'is' if len(left_out) == 1 else 'are'} not asked. What scores in shadow is never "
            "published."
        )


def _cells(row: ShadowRow) -> tuple[str, ...]:
    recorded = row.recorded
    return (
        row.version,
        row.role or NONE,
        row.gate or NONE,
        "asked" if row.asked else NONE,
        NONE if recorded is None else str(recorded.publications),
        NONE if recorded is None else str(recorded.closed),
        NONE if recorded is None else f"{recorded.last_as_of:%Y-%m-%d}",
    )
