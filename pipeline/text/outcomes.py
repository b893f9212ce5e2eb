"""What became of the accounts that were scored, in words, tables and CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from components.outcome_recorder.listing import (
    MissedAccount,
    MonthlyMetric,
    Outcomes,
    Progress,
)
from components.registry.published_properties import CATEGORIES, RecordedOutcomesProperties
from pipeline.text.accounts import csv_cell
from pipeline.text.plain_text import NO_SCORES, NONE, minute_of, table_lines

_METRICS: Final = {
    "auc": ("AUC", 3),
    "pr_auc": ("PR AUC", 3),
    "log_loss": ("log-loss", 4),
    "brier": ("Brier", 4),
    "calibration_error": ("calibration error", 4),
}
"""Head and decimals of each column, by the name of the metric."""
_KINDS: Final = ("realised", "partial", "estimated")
_METRIC_COLUMNS: Final = tuple(one.name for one in fields(MonthlyMetric))
_MISSED_COLUMNS: Final = tuple(one.name for one in fields(MissedAccount) if one.name != "matching")
_Row = tuple[str, str, str, str]
"""Model, month, kind and value of the slice."""


def recorded_words(recorded: RecordedOutcomesProperties) -> str:
    """Says in a line what a run recorded, and what it waits for."""
    parts = [_measured(recorded)]
    if recorded.waiting:
        parts.append(
            f"{_windows(recorded.waiting)} waiting: over, but the churn dates do not tell yet "
            "who left"
        )
    if recorded.corrected_rows:
        parts.append(
            f"corrected {recorded.corrected_rows} outcomes of "
            f"{_windows(recorded.corrected_windows)} measured before"
        )
    return "; ".join(parts)


def outcome_lines(found: Outcomes) -> Iterator[str]:
    """Yields progress, performance by model and month, and risk bands, for people."""
    yield from _progress(found.progress)
    if not found.metrics:
        return
    by_row = _by_row(found.metrics)
    yield ""
    yield f"Performance within {found.metrics[0].horizon_days} days, by model and month"
    yield from table_lines(_performance_rows(by_row), right=(1, 2), whole=range(3, 8))
    bands = list(_band_rows(by_row))
    if len(bands) > 1:
        yield ""
        yield "Risk bands: how many of those flagged left, and of all that left were flagged"
        yield from table_lines(bands, right=(1,), whole=range(2, 5))
    treated = list(_treatment_rows(by_row))
    if len(treated) > 1:
        yield ""
        yield "Actions above low: saved is how many fewer left than of those left alone"
        yield from table_lines(treated, right=(1, 2, 3), whole=(4, 5))
    if found.missed_accounts:
        yield ""
        yield (
            f"{found.missed_accounts} accounts left with a low score: "
            "`tens-insight outcomes --missed` lists them"
        )


def missed_lines(found: Outcomes) -> Iterator[str]:
    """Yields the accounts that left with a low score, for people."""
    if not found.missed:
        if not found.progress.measured:
            yield from _progress(found.progress)
        yield "No account is known that left with a low score."
        return
    matching = found.missed_accounts
    yield f"{matching} accounts left with a low score; feedback is what came between score and end"
    yield ""
    head = ("account", "left", "score", "as of", "raised then", "feedback until it left")
    yield from table_lines([head, *map(_missed_row, found.missed)], right=(2,), whole=(1, 3))
    if len(found.missed) < matching:
        left = matching - len(found.missed)
        yield f"... and {left} more; --limit 0 shows all, --csv and --json hold all"


def metrics_csv(found: Outcomes) -> str:
    """Returns the performance as CSV with a head: a line for each metric."""
    return _csv(_METRIC_COLUMNS, found.metrics)


def missed_csv(found: Outcomes) -> str:
    """Returns the accounts that left with a low score as CSV with a head."""
    return _csv(_MISSED_COLUMNS, found.missed)


def outcomes_json(found: Outcomes) -> dict[str, Any]:
    """Returns plain values."""
    return {
        "progress": {name: _plain(value) for name, value in asdict(found.progress).items()},
        "performance": [asdict(one) for one in found.metrics],
        "missed_accounts": found.missed_accounts,
        "missed": [
            {name: _plain(getattr(one, name)) for name in _MISSED_COLUMNS} for one in found.missed
        ],
    }


def _progress(progress: Progress) -> Iterator[str]:
    if not progress.windows:
        yield NO_SCORES
        return
    if not progress.measured:
        yield "No outcome is known yet."
    else:
        said = f"{progress.measured} of {_windows(progress.windows)} measured"
        if progress.rows_corrected:
            said += f"; {progress.rows_corrected} outcomes were corrected since"
        yield said
    waiting = progress.over - progress.measured
    if waiting > 0:
        yield (
            f"{_windows(waiting)} over and not measured: the next run measures "
            f"{'it' if waiting == 1 else 'them'}, once the churn dates tell who left"
        )
    if progress.not_known:
        yield (
            f"{_windows(progress.not_known)} of which only those are known that left: "
            "tens_insight.outcome_windows says why"
        )
    if progress.next_closes_at is not None:
        yield (
            f"The {'next' if progress.measured else 'first'} window closes on "
            f"{progress.next_closes_at:%Y-%m-%d} ({progress.next_horizon_days} days after it was "
            "published)"
        )


def _by_row(metrics: Iterable[MonthlyMetric]) -> dict[_Row, dict[tuple[str, str], MonthlyMetric]]:
    found: dict[_Row, dict[tuple[str, str], MonthlyMetric]] = {}
    order = sorted(metrics, key=lambda one: (one.month, one.model_version, _KINDS.index(one.kind)))
    for one in order:
        row = (one.model_version, one.month, one.kind, one.slice_value)
        found.setdefault(row, {})[one.band, one.metric] = one
    return found


def _performance_rows(
    by_row: Mapping[_Row, Mapping[tuple[str, str], MonthlyMetric]],
) -> Iterator[Sequence[str]]:
    yield ("month and model", "accounts", "left", *(head for head, _ in _METRICS.values()))
    for row, metrics in by_row.items():
        yield (
            _named(row),
            _number(metrics.get(("", "accounts"))),
            _number(metrics.get(("", "left"))),
            *(
                _with_interval(metrics.get(("", name)), decimals)
                for name, (_, decimals) in _METRICS.items()
            ),
        )


def _band_rows(
    by_row: Mapping[_Row, Mapping[tuple[str, str], MonthlyMetric]],
) -> Iterator[Sequence[str]]:
    yield ("month, model and band", "flagged", "left of them", "of all that left", "lift")
    for row, metrics in by_row.items():
        for band in CATEGORIES:
            if (band, "flagged") in metrics:
                yield (
                    f"{_named(row)} {band}",
                    _number(metrics[band, "flagged"]),
                    _percent(metrics.get((band, "precision"))),
                    _percent(metrics.get((band, "recall"))),
                    _with_interval(metrics.get((band, "lift")), 1),
                )


def _treatment_rows(
    by_row: Mapping[_Row, Mapping[tuple[str, str], MonthlyMetric]],
) -> Iterator[Sequence[str]]:
    """Of accounts above the band low, where it is written down what a team did."""
    yield (
        "month and model",
        "acted upon",
        "of these stayed",
        "left alone",
        "left of those",
        "saved",
    )
    for row, metrics in by_row.items():
        if ("flagged", "acted_upon") in metrics:
            yield (
                _named(row),
                _number(metrics["flagged", "acted_upon"]),
                _number(metrics.get(("flagged", "false_positives_acted_upon"))),
                _number(metrics.get(("flagged", "held_out"))),
                _percent(metrics.get(("flagged", "precision_untreated"))),
                _percent(metrics.get(("flagged", "saved_share"))),
            )


def _named(row: _Row) -> str:
    model, month, kind, value = row
    parts = (month, model, value, "" if kind == _KINDS[0] else kind)
    return " ".join(part for part in parts if part)


def _number(metric: MonthlyMetric | None) -> str:
    return NONE if metric is None else f"{metric.value:.0f}"


def _with_interval(metric: MonthlyMetric | None, decimals: int) -> str:
    if metric is None:
        return NONE
    said = f"{metric.value:.{decimals}f}"
    if metric.low is None or metric.high is None:
        return said
    return f"{said} [{metric.low:.{decimals}f}, {metric.high:.{decimals}f}]"


def _percent(metric: MonthlyMetric | None) -> str:
    if metric is None:
        return NONE
    said = f"{metric.value:.0%}"
    if metric.low is None or metric.high is None:
        return said
    return f"{said} [{metric.low:.0%}, {metric.high:.0%}]"


def _missed_row(missed: MissedAccount) -> tuple[str, ...]:
    raised = sorted(
        (name for name, odds in (missed.reasons or {}).items() if odds > 0),
        key=lambda name: -(missed.reasons or {})[name],
    )
    counts = (
        f"{missed.events_after}: {missed.negative_after} negative, {missed.neutral_after} neutral, "
        f"{missed.positive_after} positive; {missed.critical_after} critical"
    )
    return (
        missed.account_id,
        f"{missed.left_at:%Y-%m-%d}",
        f"{missed.churn_probability:.1%}",
        f"{missed.as_of:%Y-%m-%d}",
        ", ".join(raised[:2]) or NONE,
        counts if missed.events_after else "none",
    )


def _csv(columns: Sequence[str], rows: Iterable[Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([csv_cell(_plain(getattr(row, name))) for name in columns])
    return text.getvalue()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _measured(recorded: RecordedOutcomesProperties) -> str:
    if recorded.measured:
        return (
            f"{_windows(recorded.measured)} measured: {recorded.accounts} scores, "
            f"{recorded.left} left, {recorded.unknown} unknown"
        )
    if recorded.next_closes_at is None:
        return "no window was measured"
    return f"no window was measured; the next one closes at {minute_of(recorded.next_closes_at)}"


def _windows(count: int) -> str:
    return f"{count} window{'' if count == 1 else 's'}"
