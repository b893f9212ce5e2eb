"""What differs from the last publication and from the champion: volume, drift, settings."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from components.data_checker.checks import STOPPED, WARNED, Check
from components.data_checker.pairs import DRIFT, SKEW
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.reading.watermark import WEEKS_BEFORE
from components.model_review.run_artifacts import RunArtifacts
from components.registry.input_properties import ExamplesProperties

_AT_MOST: Final = "<= "
_ABSENT: Final = "-"


@dataclass(frozen=True)
class Change:
    """A number or a setting before and now; text for people."""

    name: str
    before: str
    now: str


@dataclass(frozen=True)
class Drift:
    """A feature compared between two splits.

    Attributes:
        feature: Name of the feature.
        now: The split that was looked at.
        base: The split that it was compared with.
        distance: Jensen-Shannon divergence or L-infinity distance, [0, 1].
        limit: At which the check does not pass.
        verdict: Verdict of the check.
    """

    feature: str
    now: str
    base: str
    distance: float
    limit: float
    verdict: str


@dataclass(frozen=True)
class Changes:
    """What is not as it was.

    Attributes:
        volume: Rows and accounts, against the last publication.
        drift: By feature, the largest multiple of its limit first.
        settings: Against those that the champion was trained with, where they differ.
        champion_version: Version of the champion; None where there is none to compare with.
        since: as_of of the last publication, ISO 8601 UTC; empty where there is none.
    """

    volume: tuple[Change, ...]
    drift: tuple[Drift, ...]
    settings: tuple[Change, ...]
    champion_version: str | None
    since: str


def changes_of(run: RunArtifacts, settings: dict[str, Any]) -> Changes:
    """Compares a run with what was there before it.

    Args:
        run: What is known of the run.
        settings: Settings of the run, plain values by name.
    """
    data, champion = run.examples, run.former_champion
    return Changes(
        volume=tuple(_volume(data)) if data else (),
        drift=tuple(sorted(_drift(run.checks), key=_beyond, reverse=True)),
        settings=tuple(_settings(champion.settings or {}, settings)) if champion else (),
        champion_version=champion.model_version if champion else None,
        since=(data.previous_as_of or "") if data else "",
    )


def _volume(data: ExamplesProperties) -> Iterator[Change]:
    if data.previous_feedback_rows is not None and data.previous_scored is not None:
        yield _counted("rows of feedback", data.previous_feedback_rows, data.feedback_rows)
        scored = data.splits.get(SCORE)
        now = scored.examples if scored else 0
        yield _counted("accounts to score", data.previous_scored, now)
    if (late := data.late_rows) is not None:
        what = "rows that came late" if late >= 0 else "rows that were removed"
        yield Change(f"{what}: older than the last run's as_of", _ABSENT, f"{abs(late):,}")
    if data.rows_last_week is not None and data.rows_weeks_before is not None:
        mean = data.rows_weeks_before / WEEKS_BEFORE
        name = f"rows a week: mean of {WEEKS_BEFORE} weeks, and the last"
        yield Change(name, f"{mean:,.0f}", f"{data.rows_last_week:,}")


def _counted(name: str, before: int, now: int) -> Change:
    change = f" ({now / before - 1:+.1%})" if before else ""
    return Change(name, f"{before:,}", f"{now:,}{change}")


def _drift(checks: tuple[Check, ...]) -> Iterator[Drift]:
    """Yields what was measured, whatever came of it; too few accounts are skipped checks."""
    for check in checks:
        if check.group not in (DRIFT, SKEW) or not check.threshold.startswith(_AT_MOST):
            continue
        if isinstance(check.found, int | float):
            yield Drift(
                feature=check.name.rpartition(": ")[2],
                now=check.splits[0],
                base=check.splits[-1],
                distance=float(check.found),
                limit=float(check.threshold.removeprefix(_AT_MOST)),
                verdict=check.verdict,
            )


def _beyond(drift: Drift) -> tuple[bool, float]:
    alarming = drift.verdict in (WARNED, STOPPED)
    return alarming, drift.distance / drift.limit if drift.limit else 0.0


def _settings(before: dict[str, Any], settings: dict[str, Any]) -> Iterator[Change]:
    for name in sorted(before.keys() | settings.keys()):
        if before.get(name, _ABSENT) != settings.get(name, _ABSENT):
            yield Change(name, _text(before.get(name, _ABSENT)), _text(settings.get(name, _ABSENT)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
