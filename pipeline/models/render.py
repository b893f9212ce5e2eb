"""Prints what the registry knows, for people; plain lines that may be piped or copied."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from components.champion.rule import UNPIN, Act
from pipeline.models.acting import Outcome
from pipeline.models.lineage import AS_RECORDED, SPLITS, ModelDetails
from pipeline.models.listing import ModelRow
from pipeline.render import short_path
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.models.comparison import Comparison, MetricPair, SameSnapshot

_NONE = "-"
_LONG = 60


def model_lines(rows: Sequence[ModelRow]) -> Iterator[str]:
    """Yields the list of models, one a line under its head."""
    if not rows:
        yield "No model yet: `tens-insight run train` trains one."
        return
    head = ("version", "trained at", "as of", "label", "AUC", "log-loss", "gate", "now", "rows")
    yield from _table([head, *(_cells(row) for row in rows)])


def detail_lines(details: ModelDetails) -> Iterator[str]:
    """Yields everything about one model, a fact a line."""
    row, card = details.row, details.card
    yield from _facts(
        [
            ("version", row.version),
            ("now", _standing(row) or "no champion, and not withdrawn"),
            ("trained at", _minute(row.trained_at)),
            ("as of", row.as_of),
            ("label", _label(card)),
            ("gate", f"{row.gate}{': ' if details.decision else ''}{details.decision}"),
            ("decision file", short_path(details.decision_file) or _NONE),
            ("metrics", _metrics(details)),
            ("run", _run(details)),
            ("examples", _examples(details)),
            ("watermark", _watermark(details)),
            *((split, _split(card, split)) for split in SPLITS),
            ("code version", str(card.get("code_version", _NONE))),
            ("packages", str(card.get("packages", _NONE))),
            ("settings", _settings(details.settings)),
            ("exported to", short_path(details.exported.path)),
            ("sha256", _hash(details)),
            ("rows published", _published(row)),
        ]
    )
    yield from (f"act {act.number:<9} {_act(act)}" for act in details.acts)


def comparison_lines(found: "Comparison") -> Iterator[str]:
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


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """Yields what an act changed, and who is champion now."""
    act = outcome.act
    done = {"promote": "Promoted", "withdraw": "Withdrew", "pin": "Pinned", "unpin": "Unpinned"}
    yield f"{done[act.kind]} {act.version}: act {act.number}, {_act(act)}"
    if outcome.after is None:
        yield (
            "There is no champion now: `run score` ends with exit code 3 until a model is blessed "
            "or promoted. account_risk_scores is as it was."
        )
    elif outcome.after == outcome.before:
        why = ", which is pinned" if outcome.pinned == outcome.after else ""
        yield f"The champion is still {outcome.after}{why}."
    else:
        yield f"The champion is now {outcome.after}; before it was {outcome.before or 'none'}."
    if outcome.after != outcome.before and outcome.after is not None:
        yield "The next run scores with it; until then account_risk_scores is as it was."
    if act.kind == UNPIN and outcome.after == act.version:
        yield "It is the newest blessed one anyway."


def _snapshot_lines(snapshot: "SameSnapshot") -> Iterator[str]:
    yield (
        f"On the evaluation snapshot of {snapshot.version}: cutoff {snapshot.cutoff[:10]}, "
        f"{snapshot.accounts} accounts, {snapshot.churned} churned"
    )
    head = ("", "a", "b", "b - a", "paired 95 % interval", "")
    yield from _table([head, *(_metric_cells(pair) for pair in snapshot.metrics)])
    yield ""
    yield f"The {len(snapshot.moved)} accounts that move most"
    head = ("account", "a", "b", "b - a", "category", "")
    rows = [
        (
            _one_line(moved.account_id),
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
    yield from _table([head, *rows])


def _metric_cells(pair: "MetricPair") -> tuple[str, ...]:
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
        yield from _table([("", "a", "b"), *cells])


def _cells(row: ModelRow) -> tuple[str, ...]:
    return (
        row.version,
        _minute(row.trained_at),
        row.as_of[:10],
        row.label_source or _NONE,
        _NONE if row.auc is None else f"{row.auc:.3f}",
        _NONE if row.log_loss is None else f"{row.log_loss:.4f}",
        row.gate,
        _standing(row) or _NONE,
        _published(row),
    )


def _standing(row: ModelRow) -> str:
    words = [
        word
        for word, holds in (
            ("champion", row.champion),
            ("pinned", row.pinned),
            ("withdrawn", row.withdrawn),
        )
        if holds
    ]
    return ", ".join(words)


def _published(row: ModelRow) -> str:
    if row.rows_published is None or row.last_published_as_of is None:
        return _NONE if row.rows_published is None else "0"
    return f"{row.rows_published}, last as of {row.last_published_as_of:%Y-%m-%d}"


def _label(card: dict[str, Any]) -> str:
    return f"{card.get('label_source', _NONE)}, within {card.get('horizon_days', _NONE)} days"


def _metrics(details: ModelDetails) -> str:
    values = [f"{name} {value:.4f}" for name, value in details.metrics.items()]
    return f"{', '.join(values) or _NONE} ({details.metrics_source})"


def _run(details: ModelDetails) -> str:
    run = details.run
    if run is None:
        return _NONE
    failed = f" at {run.failed_node}" if run.failed_node else ""
    return f"{run.pipeline} {run.run_id}, {run.state}{failed}"


def _examples(details: ModelDetails) -> str:
    if details.examples is None:
        return _NONE
    gone = "" if details.examples_present else " (its eval split is gone)"
    return f"artifact {details.examples.artifact_id}, {short_path(details.examples.uri)}{gone}"


def _watermark(details: ModelDetails) -> str:
    facts = details.examples.facts if details.examples else details.card
    parts = [f"{facts.get('feedback_rows', _NONE)} rows of feedback"]
    if "newest_feedback" in facts:
        parts.append(f"newest {facts['newest_feedback']}")
    if "late_rows" in facts:
        parts.append(f"{facts['late_rows']} arrived late")
    return ", ".join(parts)


def _split(card: dict[str, Any], split: str) -> str:
    cutoffs = str(card.get(f"{split}_cutoffs", "")).split(",")
    snapshots, churned = card.get(f"{split}_snapshots", 0), card.get(f"{split}_churned", 0)
    when = cutoffs[0][:10]
    if len(cutoffs) > 1:
        when = f"{len(cutoffs)} cutoffs from {when} to {cutoffs[-1][:10]}"
    rate = f", base rate {churned / snapshots:.3f}" if snapshots else ""
    return f"{snapshots} snapshots ({when}), {churned} churned{rate}"


def _settings(found: dict[str, Any]) -> str:
    if not found:
        return f"{_NONE} (the model is older than their record)"
    changed = [
        f"{name}={found[name]}"
        for name, field in sorted(Settings.model_fields.items())
        if name in found and found[name] != _plain(field.default)
    ]
    others = f"{len(found) - len(changed)} at their defaults; --json shows all"
    return f"{', '.join(changed)}; the other {others}" if changed else f"all {others}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _hash(details: ModelDetails) -> str:
    exported = details.exported
    warning = "" if exported.found == AS_RECORDED else "WARNING: "
    return f"{exported.sha256 or _NONE} ({warning}{exported.found})"


def _act(act: Act) -> str:
    moment = datetime.fromtimestamp(act.at / 1000, timezone.utc)
    reason = f": {_one_line(act.reason)}" if act.reason else ""
    return f"{act.kind} by {act.by} at {_minute(moment)}{reason}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _short(value: Any) -> str:
    text = _one_line(str(value))
    if "," in text and len(text) > _LONG:
        parts = text.split(",")
        first, last = (part[:16].replace("T", " ") for part in (parts[0], parts[-1]))
        return f"{len(parts)} from {first} to {last}"
    return text


def _one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def _facts(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"{name:<14} {_one_line(value)}" for name, value in rows)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
