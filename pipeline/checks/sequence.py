"""The checks in their order. Each asks the very functions that decide in a run."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from psycopg2 import sql

from components.data_checker.actions import decide
from components.data_checker.checks import STOPPED, WARNED
from components.data_checker.ground_truth import WRITTEN_AFTER, check_facts
from components.data_checker.population import check_population
from components.data_checker.sizes import SIZE, check_counts, check_freshness, check_sizes
from components.errors import ContractBroken, DatabaseUnreachable, DataGateStopped
from components.feedback_example_gen.config import FINAL, OFF
from components.feedback_example_gen.cutoffs import EVAL
from components.feedback_example_gen.read_plan import require_accounts
from components.feedback_example_gen.reading.area_counts import (
    read_area_counts,
    require_sound,
    unsound_areas,
)
from components.feedback_example_gen.reading.feedback_reader import null_problem
from components.feedback_example_gen.reading.input_probes import (
    Faults,
    count_faults,
    has_named_row,
    unsound_rows,
)
from components.postgres.connection import standby_problem
from components.postgres.moments import EARLIEST
from components.postgres.output_problems import one_key_for_two
from components.postgres.output_values import (
    keys_to_come,
    refused_keys,
    some_unfitting,
    unfitting_keys,
)
from components.postgres.tables import OUTPUT_TABLES
from pipeline.checks.checked_database import SAMPLED_ACCOUNTS, CheckedDatabase, OutOfTime
from pipeline.checks.finding import Finding, Stops
from transforms.columns import ACCOUNT_ID

_MOST: Final = 1_000
"""Ids of which it is looked up whether they would be scored."""


def accepts_writing(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds a standby."""
    if database.need_outputs and (problem := standby_problem(database.connection)):
        yield Finding(DatabaseUnreachable(problem))


def keeps_contract(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds tables, columns, types and rights that are missing."""
    for problem in database.contract.problems:
        yield Finding(ContractBroken(problem))


def has_accounts(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds that no feedback names an account, or that as_of lies in the future."""
    try:
        require_accounts(database.as_of, database.watermark)
    except DataGateStopped as stopped:
        yield Finding(stopped, sampled=database.is_sampled and _has_named_row(database))


def has_history(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds that there is no feedback of accounts for long enough."""
    try:
        _ = database.plan
    except DataGateStopped as stopped:
        yield Finding(stopped, sampled=database.is_sampled)


def _has_named_row(database: CheckedDatabase) -> bool:
    with database.in_time() as cursor:
        return has_named_row(cursor, database.as_of)


def has_sound_rows(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds values that the contract does not know."""
    faults, sampled = _faults(database, database.feedback), database.is_sampled
    if faults.nulls:
        yield Finding(ContractBroken(null_problem(faults.nulls, faults.named)))
    if sampled and (all_of_them := _all_unsound(database)) is not None:
        faults, sampled = all_of_them, False
    yield from _unknown_values(database, faults, sampled)
    yield from _areas(database, faults, sampled)
    if faults.unsound_elsewhere:
        said = (
            f"{faults.unsound_elsewhere} more rows of feedback_enriched hold a sentiment other "
            "than positive, neutral and negative or a priority outside 1 to 5. A run reads none of "
            f"them as of {database.as_of:%Y-%m-%d}, since they are older than the windows that "
            "count, at or after as_of, or without a possible date. Correct the ETL that wrote them."
        )
        yield Finding(DataGateStopped(said), Stops.NOTHING, sampled)


def _faults(database: CheckedDatabase, feedback: sql.Composable) -> Faults:
    with database.in_time() as cursor:
        return count_faults(
            cursor,
            database.plan.as_of,
            areas_since=database.areas_since,
            events_since=database.events_since,
            feedback=feedback,
        )


def _all_unsound(database: CheckedDatabase) -> Faults | None:
    """Counts the unsound rows of a large table; None where no index finds them in time."""
    try:
        with database.in_time() as cursor:
            rows = unsound_rows(cursor)
        return None if rows is None else _faults(database, rows)
    except OutOfTime:
        return None


def _unknown_values(database: CheckedDatabase, faults: Faults, sampled: bool) -> Iterator[Finding]:
    stops = Stops.SCORES
    if database.settings.data_gate.data_checks["schema"] != "stop":
        stops = Stops.NOTHING
    for rows, feature, expected in (
        (faults.unknown_sentiment, "event_sentiment", "positive, neutral or negative"),
        (faults.unknown_priority, "event_priority", "1 to 5"),
    ):
        if rows:
            said = (
                f"{feature} breaks the schema: {rows} rows of feedback_enriched with an account, "
                f"since {database.events_since:%Y-%m-%d}, hold something else than {expected}. "
                "Correct the rows, or the ETL that wrote them."
            )
            yield Finding(DataGateStopped(said), stops, sampled)


def _areas(database: CheckedDatabase, faults: Faults, sampled: bool) -> Iterator[Finding]:
    if not database.need_outputs or not faults.unsound_in_areas:
        return
    as_of, window = database.plan.as_of, database.request.area_window
    try:
        if database.is_sampled:
            raise DataGateStopped(unsound_areas(faults.unsound_in_areas, as_of, window.days))
        with database.in_time():
            require_sound(read_area_counts(database.connection, as_of, window))
    except DataGateStopped as stopped:
        yield Finding(stopped, Stops.AREAS, sampled)


def trusts_ground_truth(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds churn dates of unknown accounts, or that stopped to arrive."""
    if database.truth is None:
        raise OutOfTime
    limits = database.settings.data_gate
    is_final = database.settings.reading.rows_after_churn == FINAL
    checks = check_facts(database.truth.churn, database.truth.accounts, limits, is_final)
    for check in decide(checks, limits.data_checks):
        if check.verdict in (STOPPED, WARNED):
            stops = Stops.SCORES if check.verdict == STOPPED else Stops.NOTHING
            sampled = check.name == WRITTEN_AFTER and database.samples_churn
            yield Finding(DataGateStopped(check.message), stops, sampled, check.name)


def fits_outputs(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds ids, areas and segments that an output table cannot take."""
    for table in OUTPUT_TABLES if database.need_outputs else ():
        of_accounts = ACCOUNT_ID.name in table.key_source
        since = EARLIEST if of_accounts else database.areas_since
        rows = keys_to_come(table, since, database.plan.as_of)
        with database.in_time() as cursor:
            unfitting = unfitting_keys(cursor, table, rows)
            ids = some_unfitting(cursor, table, rows, _MOST) if unfitting else []
            problems = [*refused_keys(cursor, table, rows), *one_key_for_two(cursor, table, rows)]
        # Accounts that left are not published: their ids do no harm.
        if ids and (not of_accounts or len(ids) == _MOST or database.scores_any(ids)):
            problems = [*unfitting, *problems]
        for problem in problems:
            yield Finding(ContractBroken(problem))


def has_enough(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds that there is too little to learn from, to judge by or to score, or nothing new."""
    data, limits = database.examples, database.settings.data_gate
    splits = list(database.request.splits)
    checks = list(check_counts(data, splits, limits))
    if database.is_sampled:
        # What vanished or changed since the last run cannot be seen in a sample.
        checks = [*check_sizes(data, splits, limits), check_freshness(data, splits, limits)]
    for check in decide(checks, limits.data_checks):
        if check.verdict not in (STOPPED, WARNED):
            continue
        stops = Stops.SCORES if check.verdict == STOPPED else Stops.NOTHING
        if database.is_sampled and check.group == SIZE and data.accounts >= SAMPLED_ACCOUNTS:
            stops = Stops.NOTHING  # there are more accounts than were looked at
        yield Finding(DataGateStopped(check.message), stops, database.is_sampled, check.name)


def knows_departures(database: CheckedDatabase) -> Iterator[Finding]:
    """Finds that many accounts must have left without a churn date, and what a limit would do."""
    if EVAL not in database.request.splits:
        return  # who left is known of labelled examples alone
    limits, data = database.settings.data_gate, database.examples
    proposed = None
    if database.request.config.active_within_days == OFF and data.silent_days is not None:
        proposed = database.examples_of_the_living
    checks = check_population(
        proposed or data, list(database.request.splits), limits, is_proposed=proposed is not None
    )
    for check in decide(checks, limits.data_checks):
        if check.verdict in (STOPPED, WARNED):
            stops = Stops.SCORES if check.verdict == STOPPED else Stops.NOTHING
            yield Finding(DataGateStopped(check.message), stops, database.is_sampled, check.name)


CHECKS: Final[Sequence[tuple[str, Callable[[CheckedDatabase], Iterator[Finding]]]]] = (
    ("the server takes writes", accepts_writing),
    ("tables, columns, types and rights", keeps_contract),
    ("accounts in the feedback", has_accounts),
    ("the ground truth", trusts_ground_truth),
    ("length of the history", has_history),
    ("values of sentiment and priority", has_sound_rows),
    ("values that the output tables take", fits_outputs),
    ("numbers of examples", has_enough),
    ("accounts that are silent for long", knows_departures),
)
"""What each one decides, and the check. What stops the whole run ends the list: later checks
rely on it. A new check goes where what it needs has been checked before it, and before what may
follow from what it finds: churn dates that match no account leave few examples that churned, and
an export that stopped leaves a short history."""


def run_checks(database: CheckedDatabase) -> list[Finding]:
    """Asks all checks, as far as there is time.

    Raises:
        DatabaseUnreachable: The server went away.
        ContractBroken: A right was missing that no check asks for.
    """
    found: list[Finding] = []
    for decided, check in CHECKS:
        try:
            found += check(database)
        except OutOfTime:
            said = f"Not decided in time: {decided}. A run looks at every row, and decides."
            found.append(Finding(DataGateStopped(said), Stops.NOTHING, undecided=True))
        if any(finding.stops is Stops.RUN for finding in found):
            break
    return found
