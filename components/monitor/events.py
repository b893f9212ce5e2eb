"""The step that tells what happened to accounts and product areas."""

from collections.abc import Mapping

from components.account_events.listing import WHY
from components.account_events.record import record_events
from components.monitor.monitored_run import MonitoredRun, Noticed


def tell_events(run: MonitoredRun) -> Noticed:
    """Records the events of a publication; done again, nothing.

    Raises:
        PublicationRefused: The log does not know the publication, or another one is running.
        DatabaseUnreachable: No connection, or it was lost several times.
        ContractBroken: A table, column or privilege is missing.
    """
    config = run.config
    found = record_events(
        run.published.publication_id, config, patience_s=config.database_patience_seconds
    )
    if found is None or not (found.told or found.left_out):
        return Noticed()
    return Noticed(notes=(events_sentence(len(found.told), found.left_out),))


def events_sentence(told: int, left_out: Mapping[str, int]) -> str:
    """Says how many events were told, and why others were not."""
    said = f"Events of accounts and areas: {told} told"
    if left_out:
        reasons = sorted(left_out.items(), key=lambda one: (-one[1], one[0]))
        said += f", {sum(left_out.values())} left out: " + ", ".join(
            f"{count} {WHY[reason]}" for reason, count in reasons
        )
    return f"{said}; `tens-insight events` lists them."
