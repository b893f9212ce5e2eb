"""Does what the policy decided, and leaves a record of each act."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from components.alerts.alert import POLICY_ACT, Alert
from components.alerts.alert_table import tell
from components.errors import StateDirectoryBusy, TensInsightError, TransitionRefused
from components.postgres.failures import explained
from components.registry.policy_acts import PolicyActProperties, append_act
from components.registry.stages import PROMOTE, WITHDRAW
from components.registry.transitions import StoreBusy
from pipeline.database import open_database
from pipeline.policy.decide import Act, Decision, blind, decide
from pipeline.policy.facts import POLICY, TRAIN
from pipeline.policy.read_facts import read_facts
from pipeline.registry import change_stage
from pipeline.registry.change_stage import actor
from pipeline.registry.metadata_store import connect_store, connection_config
from pipeline.registry.registry import Registry
from pipeline.runs.run_lock import AUTO_LOCK_FILE, run_lock
from pipeline.settings import Settings
from pipeline.state_directory import open_state_dir

_log = logging.getLogger(__name__)


@contextmanager
def alone(settings: Settings, on_wait: Callable[[str], object]) -> Iterator[None]:
    """Lets one `run auto` at a time work on the state directory.

    Raises:
        StateDirectoryBusy: Another one is at work there.
        ConfigurationInvalid: The state directory cannot be used.
    """
    open_state_dir(settings)
    with run_lock(
        settings.state_dir,
        f"run auto, by {actor()}",
        wait_s=60 * settings.run.wait_minutes,
        on_wait=on_wait,
        file=AUTO_LOCK_FILE,
    ):
        yield


def decided(settings: Settings) -> Decision:
    """Looks, and decides; where nothing can be seen, the daily score is tried."""
    try:
        return decide(read_facts(settings), settings.policy)
    except TensInsightError as error:
        _log.warning("The policy could not look: %s", error)
        return blind(settings.run.as_of or datetime.now(timezone.utc), str(error))


def perform(decision: Decision, settings: Settings) -> list[str]:
    """Does everything but the run itself, and records it; returns a sentence for each act.

    Raises:
        StateDirectoryBusy: Another process kept ML Metadata locked.
        DatabaseUnreachable: Likewise.
    """
    said = []
    registry = Registry(settings.metadata_path)
    for act in decision.acts:
        if act.kind in (WITHDRAW, PROMOTE):
            said.append(_change_stage(act, decision, registry, settings))
        elif act.kind == TRAIN:
            record_act(act, decision.now, registry, settings)
    return said


def _change_stage(act: Act, decision: Decision, registry: Registry, settings: Settings) -> str:
    try:
        done = change_stage.decide(registry, act.kind, act.version, act.reason, name=POLICY)
    except TransitionRefused as refused:  # somebody decided at this moment
        return f"Not done: {refused}"
    record_act(act, decision.now, registry, settings)
    word = "Withdrew" if act.kind == WITHDRAW else "Promoted"
    return (
        f"{word} {act.version}: {act.reason} The champion is {done.after or 'none'} now. To take "
        f"it back: `{act.undo}`."
    )


def record_act(act: Act, now: datetime, registry: Registry, settings: Settings) -> None:
    """Keeps an act in ML Metadata, and tells it as an alert of kind info.

    A database that cannot be told does not undo what was done.

    Raises:
        StateDirectoryBusy: Another process kept ML Metadata locked.
    """
    path = settings.metadata_path
    # Before the first run there is none: a training that dies must be known to have begun.
    store = registry.store or connect_store(path, connection_config(path))
    kept = PolicyActProperties(
        kind=act.kind,
        model_version=act.version,
        as_of=now.isoformat(),
        decided_at=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        decided_by=f"{POLICY} ({actor()})",
        reason=act.reason,
        evidence=act.evidence,
        undo=act.undo,
    )
    try:
        append_act(store, kept)
    except StoreBusy:
        raise StateDirectoryBusy(
            "What the policy does was not recorded: another process is writing to ML Metadata "
            "and did not let go of it. Run again."
        ) from None
    undo = f" To take it back: {act.undo}" if act.undo else ""
    key = f"{act.kind} {act.version or now.isoformat()}"
    _tell(Alert(POLICY_ACT, key, f"{act.reason}{undo}", _with_moment(act, now)), settings)


def _with_moment(act: Act, now: datetime) -> dict[str, Any]:
    return {"act": act.kind, "model_version": act.version, "as_of": now.isoformat(), **act.evidence}


def _tell(alert: Alert, settings: Settings) -> None:
    try:
        with (
            open_database(settings, "policy", statement_timeout_s=30) as connection,
            explained(connection),
            connection,
            connection.cursor() as cursor,
        ):
            tell(cursor, alert)
    except TensInsightError as error:
        _log.warning("The alert of an act of the policy was not kept: %s", error)
