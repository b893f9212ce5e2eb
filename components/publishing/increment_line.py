"""The line of an incremental publication in the log: how it grows, and its circuit breaker."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

from components.publishing.config import PublishingConfig, ScorePublishingConfig
from components.publishing.publication_log import INCREMENTAL, LogEntry, PublicationLog
from components.publishing.split import Split
from transforms.cold_start_rule import is_rule

STREAM_RUN: Final = "stream"
"""Begins what stands for the run of publications and refusals that no run made."""


@dataclass(frozen=True)
class Growth:
    """What staged scores change; sums over their accounts.

    Attributes:
        rows: Accounts.
        probability: Sum of their probabilities.
        categories: Accounts per category.
        added: Accounts without a score before.
        shift: Sum of the changes of the probability; of an account without a score before all of
            its probability.
        moved: How many more accounts than before lie far from the full publication.
        category_shift: How many more accounts than before are in each category.
    """

    rows: int
    probability: float
    categories: dict[str, int]
    added: int
    shift: float
    moved: int
    category_shift: dict[str, int]


@dataclass(frozen=True)
class Sums:
    """What was taken out of a line because it is replaced."""

    rows: int = 0
    probability: float = 0.0
    categories: dict[str, int] = field(default_factory=dict)
    details: int = 0


def run_id_of(as_of: datetime, base: LogEntry) -> str:
    """Returns what stands for the run of what is scored between two runs on one UTC day."""
    return f"{STREAM_RUN}-{_day(as_of)}-{base.publication_id}"


def open_line(
    log: PublicationLog, as_of: datetime, model_version: str, split: Split | None = None
) -> LogEntry | None:
    """Returns the line that grows; None where a new one is to begin.

    That is the newest one, if it is of the same UTC day, and of the same model or split.
    """
    newest = log.increments[-1] if log.increments else None
    if newest is None or newest.model_version != model_version or newest is not log.newest:
        return None
    if split_of_line(newest) != split:
        return None
    return newest if _day(newest.as_of) == _day(as_of) else None


def split_of_line(line: LogEntry) -> Split | None:
    """Returns by which two models made the rows of an incremental publication; None by one."""
    found = (line.increment or {}).get("split")
    return Split.from_recorded(found) if found else None


def grown_line(
    line: LogEntry | None,
    base: LogEntry,
    growth: Growth,
    replaced: Sums,
    as_of: datetime,
    split: Split | None = None,
) -> dict[str, Any]:
    """Returns what the log says of the rows of a line, once it has grown.

    Args:
        line: As it was; None for a new one.
        base: The full publication that it stands upon.
        growth: What is added.
        replaced: What was taken out.
        as_of: Of the newest rows.
        split: By which two models made the rows; None where one did. It is kept among the sums:
            what judges splits counts publications of all accounts.
    """
    before = line.increment or {} if line is not None else {}
    rows = (line.rows_written if line else 0) - replaced.rows + growth.rows
    total = before.get("probability", 0.0) - replaced.probability + growth.probability
    categories = Counter(before.get("categories", {}))
    categories.subtract(replaced.categories)
    categories.update(growth.categories)
    category_shift = Counter(before.get("category_shift", {}))
    category_shift.update(growth.category_shift)
    increment = {
        "base": base.publication_id,
        "steps": before.get("steps", 0) + 1,
        "probability": total,
        "categories": dict(categories),
        "added": before.get("added", 0) + growth.added,
        "shift": before.get("shift", 0.0) + growth.shift,
        "moved": before.get("moved", 0) + growth.moved,
        "category_shift": dict(category_shift),
        **({"split": asdict(split)} if split else {}),
    }
    return {
        "kind": INCREMENTAL,
        "written": rows,
        "removed": 0,
        "mean_probability": min(1.0, max(0.0, total / rows)),
        "shares": json.dumps({name: n / rows for name, n in categories.items() if n}),
        "feedback_rows": None,
        "run_id": line.run_id if line else run_id_of(as_of, base),
        "removes_others": False,
        "split": None,
        "population": None,
        "increment": json.dumps(increment),
    }


def broken_day_limits(
    base: LogEntry,
    increments: Sequence[LogEntry],
    growth: Growth,
    limits: PublishingConfig,
    model_version: str,
) -> list[str]:
    """Returns a sentence for each limit that all scores since the base would break together.

    The whole table as it would be is compared with the full publication, as two of these are: its
    number of rows, mean and categories, and how many accounts moved far. Where a model takes the
    place of the cold-start rule, the number of rows alone.

    Args:
        base: The newest full publication.
        increments: Those that stand upon it.
        growth: What is to be added to them.
        limits: Of the settings.
        model_version: Of what is added.
    """
    changes = [one.increment or {} for one in increments]
    added = growth.added + sum(one.get("added", 0) for one in changes)
    sentences = list(_count(base, added, limits))
    replaces_rule = is_rule(base.model_version) and not is_rule(model_version)
    if isinstance(limits, ScorePublishingConfig) and not replaces_rule and base.rows_written:
        rows = base.rows_written + added
        shift = growth.shift + sum(one.get("shift", 0.0) for one in changes)
        moved = growth.moved + sum(one.get("moved", 0) for one in changes)
        categories = Counter(growth.category_shift)
        for one in changes:
            categories.update(one.get("category_shift", {}))
        sentences += _mean(base, rows, shift, limits)
        sentences += _categories(base, rows, categories, limits)
        sentences += _moved(base, moved, limits)
    return [f"since publication {base.publication_id}: {sentence}" for sentence in sentences]


def _count(base: LogEntry, added: int, limits: PublishingConfig) -> Iterator[str]:
    change = added / base.rows_written if base.rows_written else 0
    if change > limits.max_count_change:
        yield (
            f"{base.rows_written + added} rows after {base.rows_written}, a change of "
            f"{change:.1%} (max_count_change is {limits.max_count_change:.1%})"
        )


def _mean(base: LogEntry, rows: int, shift: float, limits: ScorePublishingConfig) -> Iterator[str]:
    before = base.mean_probability
    if before is None:
        return
    now = (before * base.rows_written + shift) / rows
    if abs(now - before) > limits.max_mean_shift:
        yield (
            f"mean probability {now:.4f} after {before:.4f}, a shift of {abs(now - before):.4f} "
            f"(max_mean_shift is {limits.max_mean_shift:.4f})"
        )


def _categories(
    base: LogEntry, rows: int, shift: Mapping[str, int], limits: ScorePublishingConfig
) -> Iterator[str]:
    if not base.category_shares:
        return
    for name in sorted(base.category_shares.keys() | shift.keys()):
        before = base.category_shares.get(name, 0.0)
        now = (before * base.rows_written + shift.get(name, 0)) / rows
        if abs(now - before) > limits.max_category_shift:
            yield (
                f"{now:.1%} {name} after {before:.1%}, a shift of {abs(now - before):.1%} "
                f"(max_category_shift is {limits.max_category_shift:.1%})"
            )


def _moved(base: LogEntry, moved: int, limits: ScorePublishingConfig) -> Iterator[str]:
    share = moved / base.rows_written
    if limits.max_moved_share < 1 and share > limits.max_moved_share:
        yield (
            f"{moved} of {base.rows_written} accounts moved by more than "
            f"{limits.moved_threshold:g}, {share:.1%} (max_moved_share is "
            f"{limits.max_moved_share:.1%})"
        )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d}"
