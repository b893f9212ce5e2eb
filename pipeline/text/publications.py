"""Prints publications, and how two of them differ, for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from components.publishing.diff import Difference, Missing
from components.publishing.publication_log import recorded_bands
from components.publishing.split import share_text
from components.publishing.staging import Summary
from components.publishing.undo import Undone
from components.registry.published_properties import CATEGORIES
from pipeline.text.plain_text import bare_minute, minute, table_lines

_HEAD: Final = (
    *("  id", "table", "kind", "as of (UTC)", "published (UTC)", "rows", "removed", "mean"),
    *("crit/high/med/low %", "model", "by, marks"),
)
_NUMBERS: Final = (5, 6, 7)
"""Columns of the list that are aligned to the right."""


def list_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields publications and refusals, one a line below the heads."""
    return table_lines([_HEAD, *map(_cells, rows)], _NUMBERS)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    shares = row["category_shares"]
    return (
        f"{'*' if row['shown'] else ' '} {row['id']}",
        row["short"],
        row["kind"],
        bare_minute(row["as_of"]),
        bare_minute(row["at"]),
        str(row["rows"]),
        str(row.get("rows_removed", "-")),
        _number(row["mean_probability"]),
        "/".join(f"{shares.get(name, 0) * 100:.0f}" for name in CATEGORIES) if shares else "-",
        _models(row),
        ", ".join([row["by"], *_marks(row)]),
    )


def facts(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields what there is to say of one publication or refusal: name, value."""
    yield "id", f"{row['id']}, {row['kind']}" + (", what the table shows" if row["shown"] else "")
    yield "table", row["table"]
    yield "run", row["run_id"] or "-"
    if increment := row.get("increment"):
        steps = f"{increment['steps']} steps"
        yield "", f"between runs, upon publication {increment['base']}, in {steps}"
    elif row["run_id"]:
        yield from _run(row.get("run"))
    yield "as of", minute(row["as_of"])
    yield (
        "refused" if row["kind"] == "refused" else "published",
        f"{minute(row['at'])} by {row['by']}",
    )
    yield "rows", str(row["rows"])
    if "rows_removed" in row:
        others = "removed" if row["removes_others"] else "kept"
        yield "others", f"{others}; {row['rows_removed']} rows were removed"
    yield "mean", _number(row["mean_probability"])
    if row["category_shares"]:
        shares = row["category_shares"]
        yield "risk", ", ".join(f"{shares.get(name, 0):.1%} {name}" for name in CATEGORIES)
    if "risk_bands" in row and row["category_shares"]:
        yield "bands", recorded_bands(row["risk_bands"]).describe()
        if (former := (row["risk_bands"] or {}).get("changed_from")) is not None:
            yield "", f"changed from {former['mode']}: categories were not compared"
    yield "model", _models(row)
    if split := row.get("split"):
        yield (
            "split",
            f"{split['number']}: {split['accounts_a']} accounts by {split['a']}, "
            f"{split['accounts_b']} by {split['b']}, which is to score "
            + share_text(split["share"]),
        )
    if "label_source" in row:
        yield "label", row["label_source"]
    for sentence in row["broken_limits"]:
        yield "limit", sentence
    if row.get("accepted_shift"):
        yield "accepted", row["accepted_shift"]
    if row.get("undone_at"):
        yield "undone", f"{minute(row['undone_at'])} by {row['undone_by']}: {row['undo_reason']}"
    if not row.get("has_all_rows", True):
        yield "history", "not, or not in full: it cannot be compared any more"


def _run(run: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yields how the run ended that published, and what it warned of."""
    if run is None:
        yield "", "no record of it: it was not started by `tens-insight run`"
        return
    code = f" with code {run['exit_code']}" if run["exit_code"] else ""
    yield "", f"{run['kind']}, {run['state']}{code}, by {run['run_by']}"
    if run["log"]:
        yield "log", run["log"]
    if run["report"]:
        yield "report", run["report"]
    for warning in run["warnings"]:
        yield "warning", warning


def difference_lines(difference: Difference) -> Iterator[str]:
    """Yields how two sides differ, line by line."""
    a, b = difference.names
    if difference.bands_changed:
        yield (
            "The risk bands are not the same, so the categories of the two sides do not mean the "
            "same:"
        )
        for name, rule in zip(difference.names, difference.bands, strict=True):
            yield f"  {name:<6} {rule}"
        yield ""
    yield f"{difference.table}, from {a} to {b}"
    for name, side in zip(difference.names, difference.sides, strict=True):
        yield f"  {name:<6} {_side(side)}"
    move = (
        ""
        if difference.mean_move is None
        else f", by {difference.mean_move:.4f} on average over all"
    )
    yield from _scored_by(difference)
    yield f"  {difference.common} are in both; {difference.changed} of them changed{move}"
    yield f"  {difference.appeared.count} appeared, {difference.vanished.count} vanished"
    if difference.matrix:
        yield ""
        yield from _matrix(difference)
    if difference.moved:
        yield f"\nThe {len(difference.moved)} that moved most"
        moved = [
            (
                one.key,
                f"{one.before:.4f} -> {one.after:.4f}",
                f"{one.after - one.before:+.4f}",
            )
            for one in difference.moved
        ]
        yield from table_lines(moved, indent="  ")
    yield from _missing("appeared", difference.appeared)
    yield from _missing("vanished", difference.vanished)


def _scored_by(difference: Difference) -> Iterator[str]:
    """Yields which models scored how many rows, where a side has more than one."""
    if max(map(len, difference.models)) < 2:
        return
    for name, models in zip(difference.names, difference.models, strict=True):
        counts = ", ".join(f"{rows} rows of {model}" for model, rows in models.items())
        yield f"  {name:<6} {counts or 'no rows'}"


def undone_sentence(undone: Undone) -> str:
    """Says what an undo did."""
    entry, restored = undone.entry, undone.restored
    if restored is None:
        state = "is empty, as it was before"
    elif restored.kind == "existing":
        state = (
            f"holds the {undone.rows} rows that were there before the first publication "
            f"({restored.publication_id})"
        )
    else:
        state = (
            f"holds the state of publication {restored.publication_id} again, "
            f"{undone.rows} rows as of {minute(restored.as_of)}"
            + (f", of {' and '.join(sorted(restored.models))}" if restored.split else "")
        )
    said = f"Publication {entry.publication_id} is undone: {entry.table} {state}."
    if undone.details is not None and undone.details < undone.rows:
        said += (
            f" {undone.rows - undone.details} of them have no details, which are kept for the two "
            "newest publications alone; `tens-insight run score` writes them."
        )
    return said


def _matrix(difference: Difference) -> Iterator[str]:
    counts = {(before, after): count for before, after, count in difference.matrix}
    head = (f"{difference.names[0]} \\ {difference.names[1]}", *CATEGORIES)
    rows = [
        (before, *(str(counts.get((before, after), 0)) for after in CATEGORIES))
        for before in CATEGORIES
    ]
    yield from table_lines([head, *rows], range(1, len(head)), indent="  ")


def _missing(what: str, missing: Missing) -> Iterator[str]:
    if not missing.highest:
        return
    yield f"\nOf {missing.count} that {what}, the highest {len(missing.highest)}"
    rows = [(key, f"{value:.4f}") for key, value in missing.highest]
    yield from table_lines(rows, indent="  ")


def _side(side: Summary) -> str:
    parts = [f"{side.count} rows"]
    if side.mean_probability is not None:
        parts.append(f"mean {side.mean_probability:.4f}")
    parts += [f"{side.categories.get(name, 0)} {name}" for name in CATEGORIES if side.categories]
    return ", ".join(parts)


def _marks(row: Mapping[str, Any]) -> Iterator[str]:
    if row.get("undone_at"):
        yield "undone"
    if row.get("accepted_shift"):
        yield "shift accepted"
    if not row.get("has_all_rows", True):
        yield "no history"


def _models(row: Mapping[str, Any]) -> str:
    split = row.get("split")
    return f"{row['model_version']} + {split['b']}" if split else str(row["model_version"])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
