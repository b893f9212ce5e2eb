"""The step that asks the feedback why scores may have changed."""

from components.causes.record import record_cause
from components.causes.verdict import NOT_KNOWN
from components.monitor.monitored_run import MonitoredRun, Noticed


def explain_change(run: MonitoredRun) -> Noticed:
    """Records the cause of a change that the feedback shows, if it shows one.

    Raises:
        DatabaseUnreachable: No connection, or it was lost several times.
        ContractBroken: A table, column or privilege is missing.
    """
    found = record_cause(
        run.published.publication_id,
        run.as_of,
        history_days=run.config.history_days,
        patience_s=run.config.database_patience_seconds,
        split=run.examples,
    )
    if found.cause == NOT_KNOWN:
        return Noticed()
    return Noticed(notes=(f"The feedback speaks for: {found.cause}. {' '.join(found.evidence)}",))
