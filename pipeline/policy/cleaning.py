"""Cleans up a state directory: looks, removes while no run is at work, and records it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Final

from components.postgres.queries import queries
from components.postgres.rows import value
from pipeline.database import consistent_read
from pipeline.foreseen import foreseen
from pipeline.policy.act import record_act
from pipeline.policy.clean import Plan, plan
from pipeline.policy.decide import Act
from pipeline.policy.remove import remove, remove_left_over
from pipeline.registry.change_stage import actor
from pipeline.registry.registry import Registry
from pipeline.runs.run_lock import run_lock
from pipeline.settings import Settings
from pipeline.state_directory import open_state_dir

CLEAN: Final = "clean"
_QUERIES: Final = queries(__package__)
_MB: Final = 1_000_000


def planned(settings: Settings) -> Plan:
    """Says what would go; changes nothing.

    Raises:
        DatabaseUnreachable: What is published is not known: then nothing may go.
        ContractBroken: A table or privilege is missing.
        StateUnusable: ML Metadata is damaged, or gone.
        RegistryInconsistent: Two models have one version.
    """
    return _planned(settings, Registry(settings.metadata_path))[0]


def clean(settings: Settings, on_wait: Callable[[str], object]) -> Plan:
    """Removes what may go, alone on the state directory.

    Raises:
        StateDirectoryBusy: A run is at work there.
        DatabaseUnreachable: What is published is not known; nothing was removed.
        ContractBroken: A table or privilege is missing; nothing was removed.
        StateUnusable: ML Metadata is damaged or gone, or a file cannot be removed.
    """
    open_state_dir(settings)
    wait_s = 60 * settings.run.wait_minutes
    holder = f"clean, by {actor()}"
    with run_lock(settings.state_dir, holder, wait_s=wait_s, on_wait=on_wait), _explained():
        remove_left_over(settings.pipeline_root, settings.serving_dir)
        registry = Registry(settings.metadata_path)
        found, now = _planned(settings, registry)
        remove(found, registry)
    if found.removals:
        record_act(_act(found), now, registry, settings)
    return found


def _planned(settings: Settings, registry: Registry) -> tuple[Plan, datetime]:
    with consistent_read(settings, CLEAN) as cursor:
        cursor.execute("SELECT now()")
        now = (settings.run.as_of or value(cursor)).astimezone(timezone.utc)
        cursor.execute(_QUERIES["standing_models"])
        published = [str(version) for (version,) in cursor.fetchall()]
    return (
        plan(
            registry,
            settings.pipeline_root,
            settings.logs_dir,
            settings.policy,
            now=now,
            published=published,
        ),
        now,
    )


def _act(found: Plan) -> Act:
    kinds = found.by_kind()
    told = ", ".join(f"{what} ({count})" for what, (count, _) in kinds.items())
    return Act(
        CLEAN,
        f"Removed what old runs left, {found.size / _MB:.1f} MB: {told}.",
        evidence={
            "megabytes": round(found.size / _MB, 1),
            **{what: count for what, (count, _) in kinds.items()},
            "models": list(found.withdrawals),
        },
    )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise foreseen(error) or error from error
