"""Looks at the whole installation: opens, updates and resolves alerts, and delivers them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.alerts import outbox
from components.alerts.alert import SEVERITIES
from components.alerts.alert_table import (
    StoredAlert,
    drop_old_alerts,
    open_identities,
    read_alerts,
    record,
    try_lock,
)
from components.alerts.delivery import deliver, refresh
from components.alerts.folding import fold
from components.alerts.message import OPENED, Message
from components.alerts.outbox import Claimed
from components.alerts.sinks.configured import SINKS, configured_sinks
from components.alerts.sinks.sink import Sink
from components.alerts.spool import Spool, SpoolLedger
from components.errors import AddressInvalid, ContractBroken, DatabaseUnreachable
from components.postgres.connection import begin_writing
from components.postgres.failures import explained
from pipeline.alerts.conditions import Found, evaluate
from pipeline.alerts.facts import accounts_among, read_facts, read_without_database
from pipeline.alerts.ledgers import DatabaseLedger, Ledger
from pipeline.alerts.sink_notes import note_sinks, sink_alerts
from pipeline.alerts.words import without_words, words_of
from pipeline.database import open_database
from pipeline.settings import Settings

WITHIN_S: Final = 20.0
"""Seconds for deliveries in all."""
_WAIT_S: Final = 15.0
"""Seconds for another look at the same installation to end."""
_PAUSE_S: Final = 0.1


@dataclass(frozen=True)
class Asked:
    """What a look is asked for.

    Attributes:
        within_s: Seconds for deliveries in all.
        compare: Whether the output tables are compared with what was published.
        metadata: Whether ML Metadata is looked at.
        away: Why the database cannot be used, where the caller found that out just now.
        deliver: Whether sinks are told; else it is only written down what they are to be told.
    """

    within_s: float = WITHIN_S
    deliver: bool = True
    compare: bool = True
    metadata: bool = True
    away: str = ""


@dataclass
class Look:
    """What a look came to.

    Attributes:
        standing: What is open.
        delivered: Messages that sinks took.
        problems: Why sinks failed, by name, without secrets.
        database_problem: Why the database could not be used; empty where it was.
        busy: Whether another process was at it all the time, so that nothing was done.
        undelivered: Whether sinks are to be told something by now, and were not.
    """

    standing: list[StoredAlert] = field(default_factory=list)
    delivered: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    database_problem: str = ""
    busy: bool = False
    undelivered: bool = False


def look(settings: Settings, asked: Asked = Asked()) -> Look:  # noqa: B008 -- it is frozen
    """Looks once.

    Args:
        settings: Of the installation.
        asked: How much of it.

    Raises:
        StateUnusable: The database is away, and nothing can be kept in the state directory.
        ConfigurationInvalid: The state directory is another user's.
    """
    spool = Spool(settings.alerts_dir)
    with spool.locked(_WAIT_S) as alone:
        if not alone:
            return Look(busy=True)
        if asked.away:
            return _look_without_database(settings, spool, asked, asked.away)
        try:
            return _look_at_all(settings, spool, asked)
        except (DatabaseUnreachable, ContractBroken, AddressInvalid) as error:
            return _look_without_database(settings, spool, asked, str(error))


def _look_at_all(settings: Settings, spool: Spool, asked: Asked) -> Look:
    with open_database(settings, "alerts", statement_timeout_s=60) as connection:
        begin_writing(connection)
        with explained(connection):
            with connection, connection.cursor() as cursor:
                if not _lock(cursor):
                    return Look(busy=True)
                fold(cursor, spool.read())
                facts = read_facts(settings, compare=asked.compare, metadata=asked.metadata)
                found = _without_accounts(cursor, evaluate(facts, settings))
                record(cursor, found.holding, found.looked_at)
                _queue_in(cursor, settings)
                drop_old_alerts(cursor, settings.scoring.history_days)
                standing = open_identities(read_alerts(cursor))
            spool.clear()
            spool.remember(standing)  # at once: the database may be away when it is delivered
            return _tell(DatabaseLedger(connection, spool), settings, asked)


def _look_without_database(settings: Settings, spool: Spool, asked: Asked, problem: str) -> Look:
    facts = read_without_database(settings, problem)
    found, ledger = evaluate(facts, settings), SpoolLedger(spool)
    ledger.record(found.holding, found.looked_at)
    told = _tell(ledger, settings, asked)
    told.database_problem = problem
    return told


def _queue_in(cursor: Cursor, settings: Settings) -> None:
    """Writes deliveries in the transaction of the alerts, so that none is without the other."""
    names = [sink.name for sink in configured_sinks(settings.alerts)]
    outbox.queue(cursor, names, settings.alerts.alert_min_severity)


def _lock(cursor: Cursor) -> bool:
    end = time.monotonic() + _WAIT_S
    while not try_lock(cursor):
        if time.monotonic() >= end:
            return False
        time.sleep(_PAUSE_S)
    return True


def _without_accounts(cursor: Cursor, found: Found) -> Found:
    """Takes ids of accounts out of sentences: a trigger's message, say, may name one."""
    words = sorted({word for alert in found.holding for word in words_of(alert.sentence)})
    named = accounts_among(cursor, words) if words else set()
    if not named:
        return found
    return Found([without_words(alert, named) for alert in found.holding], found.looked_at)


def _tell(ledger: Ledger, settings: Settings, asked: Asked) -> Look:
    """Delivers what is due; of a sink that fails the others are told."""
    sinks, result = configured_sinks(settings.alerts), Look()
    names = [sink.name for sink in sinks]
    end = time.monotonic() + asked.within_s
    ledger.queue(names, settings.alerts.alert_min_severity)
    if asked.deliver:
        _deliver(ledger, sinks, settings, end, result)
        _refresh(sinks, ledger.standing(), settings, end, result)
    note_sinks(settings.alerts_dir, result.problems, set(SINKS) - set(names))
    _record_sinks(ledger, settings, names)
    if asked.deliver:
        well = [sink for sink in sinks if not result.problems.get(sink.name)]
        _deliver(ledger, well, settings, end, result)
    result.standing = ledger.standing()
    again = any(sink.forgets for sink in sinks) and bool(result.standing)
    result.undelivered = not asked.deliver and (again or ledger.count_due(names) > 0)
    return result


def _record_sinks(ledger: Ledger, settings: Settings, names: Sequence[str]) -> None:
    """Opens and resolves alerts about sinks."""
    standing = open_identities(ledger.standing())
    holding, looked_at = sink_alerts(settings.alerts_dir, str(settings.state_dir), standing)
    if looked_at:
        ledger.record(holding, looked_at)
        ledger.queue(names, settings.alerts.alert_min_severity)


def _deliver(
    ledger: Ledger, sinks: Sequence[Sink], settings: Settings, end: float, result: Look
) -> None:
    def as_message(claimed: Claimed) -> Message:
        return message_of(claimed.alert, claimed.event, settings)

    report = deliver(ledger, sinks, as_message, within_s=end - time.monotonic())
    result.delivered += report.delivered
    result.problems |= report.problems


def _refresh(
    sinks: Sequence[Sink],
    standing: Sequence[StoredAlert],
    settings: Settings,
    end: float,
    result: Look,
) -> None:
    told = SEVERITIES[SEVERITIES.index(settings.alerts.alert_min_severity) :]
    well = [sink for sink in sinks if not result.problems.get(sink.name)]
    messages = [message_of(one, OPENED, settings) for one in standing if one.severity in told]
    result.problems |= refresh(well, messages, within_s=end - time.monotonic())


def message_of(alert: StoredAlert, event: str, settings: Settings) -> Message:
    """Returns what a sink is told of an alert."""
    config = settings.alerts
    return Message(alert, event, config.alert_runbook_url, config.alert_installation)
