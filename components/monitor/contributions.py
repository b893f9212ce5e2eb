"""The step that keeps what the scores of a run are made of, and says why their mean moved."""

from collections.abc import Callable, Hashable
from typing import Final

from components import ahead
from components.account_scorer.inference import read_shards
from components.contributions.mean_change import MeanChange, Part
from components.contributions.record import keep_up, record_contributions
from components.contributions.retention import Retention
from components.contributions.shard_rows import SHARD_COLUMNS, Rows, contribution_rows
from components.monitor.monitored_run import MonitoredRun, Noticed

_NAMED: Final = 3
_SMALLEST: Final = 0.0005
"""Of the mean: what shows as 0.0 percent points is not told."""
_WORDS: Final = {
    "came": "accounts that came",
    "left": "accounts that left",
    "feedback": "feedback, by the former model",
    "model": "another model",
    "rest": "rounding",
}


def keep_contributions(run: MonitoredRun) -> Noticed:
    """Records what each score is made of, and why their mean changed; done again, nothing.

    Raises:
        StateUnusable: The shards of the scores are damaged.
        PublicationRefused: They are not of the publication, or triggers change what is written.
        DatabaseUnreachable: No connection, or it was lost several times.
        ContractBroken: A table, column or privilege is missing.
    """
    config = run.config
    key, work = rows_ahead(run.scores)
    recorded = record_contributions(
        run.published.publication_id,
        ahead.taken(key, work),
        Retention(config.contribution_days, config.contribution_weeks, config.history_days),
        patience_s=config.database_patience_seconds,
    )
    change = recorded.change if recorded else None
    if change is None or abs(change.change) < _SMALLEST:
        return Noticed()
    return Noticed(notes=(change_sentence(change),))


def keep_up_contributions(run: MonitoredRun) -> Noticed:
    """Vacuums them; after the steps that read them, which would share a processor with it."""
    keep_up()
    return Noticed()


def rows_ahead(scores: str) -> tuple[Hashable, Callable[[], Rows | None]]:
    """Returns what of it can be begun before the scores are published.

    Args:
        scores: Folder of the shards.
    """
    return (
        ("contribution rows", scores),
        lambda: contribution_rows(read_shards(scores, SHARD_COLUMNS)),
    )


def change_sentence(change: MeanChange) -> str:
    """Says how far the mean moved, and which parts of it are largest."""
    largest = sorted(change.parts, key=lambda one: -abs(one.change))[:_NAMED]
    named = ", ".join(
        f"{100 * one.change:+.2f} {_name(one)}"
        for one in largest
        if abs(one.change) >= _SMALLEST / 10
    )
    return (
        f"The mean score moved by {100 * change.change:+.2f} percent points since publication "
        f"{change.before.publication_id}: {named}; `tens-insight publications diff "
        f"{change.before.publication_id} {change.after.publication_id} --why` has all parts."
    )


def _name(part: Part) -> str:
    return part.feature_group.replace("_", " ") or _WORDS[part.part]
