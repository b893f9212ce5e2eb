"""The step that measures a publication, beside training and the publications before it."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components import ahead
from components.account_scorer.inference import read_shards
from components.feedback_example_gen.cutoffs import SCORE
from components.monitor.alarms import (
    ONE_MOMENT_DAYS,
    Finding,
    alarm_sentences,
    findings_of,
    opened,
)
from components.monitor.example_reader import read_observed
from components.monitor.measures import (
    COUNT,
    FACT,
    SETTING,
    TRAINING,
    Measure,
    measure_accounts,
    measure_events,
    measure_scores,
    watched_words,
)
from components.monitor.metric_tables import (
    Key,
    former_columns,
    read_columns,
    read_facts,
    read_open,
    read_performance,
    read_series,
    write_measures,
)
from components.monitor.monitored_run import MonitoredRun, Noticed
from components.monitor.observed import SCORE_COLUMNS, Observed, scored_table
from components.monitor.profile_file import read_profile
from components.monitor.run_checks import findings_of_checks, measure_checks
from components.monitor.run_measures import RunFacts, measure_input, measure_run
from components.monitor.thresholds import judge, last_values
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.retry import retried
from components.postgres.tables import FEEDBACK


def watch(run: MonitoredRun) -> Noticed:
    """Measures a run, compares it with what is usual, and writes both.

    Raises:
        DatabaseUnreachable: No connection, or it was lost several times.
        ContractBroken: A table, column or privilege is missing.
    """
    measured = list(measure_data(run))

    def work() -> list[Finding]:
        with closing(connect("tens-insight monitor")) as connection:
            begin_writing(connection)
            with explained(connection), connection, connection.cursor() as cursor:
                return _judge_and_write(cursor, run, measured)

    findings = retried(work, patience_s=run.config.database_patience_seconds)
    return Noticed(measures=len(findings), alarms=tuple(alarm_sentences(findings)))


def measure_data(run: MonitoredRun) -> Iterator[Measure]:
    """Yields what the artifacts of a run tell, without the database."""
    profile = read_profile(run.model)
    key, work = observed_ahead(run.examples, run.data.splits[SCORE].examples)
    observed = ahead.taken(key, work)
    if observed is not None:
        watched = watched_words(observed, profile, run.known_words)
        yield from measure_events(observed, watched)
        yield from measure_accounts(observed, watched)
    shards = list(read_shards(run.scores, SCORE_COLUMNS))
    if shards:
        scored = scored_table(pa.concat_tables(shards))
        yield from measure_scores(scored, run.published.categories, profile)
    yield from measure_input(run.data)
    yield from measure_checks(run.checks)


def observed_ahead(examples: str, count: int) -> tuple[Hashable, Callable[[], Observed | None]]:
    """Returns what can be begun before the scores are published.

    Args:
        examples: Folder of the split that is scored.
        count: How many examples it has.
    """
    return ("observed", examples), lambda: read_observed(examples, count)


def _judge_and_write(
    cursor: Cursor, run: MonitoredRun, measured: Sequence[Measure]
) -> list[Finding]:
    facts: RunFacts = read_facts(cursor, run)
    known = read_performance(cursor, run)
    measures = _once([*measured, *measure_run(run.as_of, facts), *known])
    series, before = read_series(cursor, run, measures)
    judged = judge(series, run.config.false_alarms_per_year, only_last=True)
    found = findings_of(measures, last_values(series), judged)
    columns, changes, sketches = _table_columns(cursor, run)
    found += [*changes, *findings_of_checks(run.checks)]
    found = opened(found, run.as_of, read_open(cursor, run.as_of, ONE_MOMENT_DAYS))
    former = before.window_end.isoformat() if before else ""
    found = [_compared(one, run, former) for one in found]
    write_measures(cursor, run, [*measures, *columns], found, sketches)
    return found


def _once(measures: Sequence[Measure]) -> list[Measure]:
    """Returns measures of which no two have one key: the first of each."""
    return list({one.key: one for one in reversed(measures)}.values())[::-1]


def _compared(one: Finding, run: MonitoredRun, former: str) -> Finding:
    of_training = {TRAINING: run.champion.model_version, SETTING: ""}
    return replace(one, compared_with=of_training.get(one.measure.baseline, former))


def _table_columns(
    cursor: Cursor, run: MonitoredRun
) -> tuple[list[Measure], list[Finding], dict[Key, dict[str, str]]]:
    """Returns how many columns the input tables have, what changed, and their types by column."""
    measures, findings, sketches = [], [], {}
    churn = str((run.champion.settings or {}).get("churn_table", ""))
    for table in (FEEDBACK.table, churn) if churn else (FEEDBACK.table,):
        now = read_columns(cursor, table)
        one = Measure("schema", FACT, "columns", float(len(now)), f"columns of {table}")
        former = former_columns(cursor, one.column, run.as_of)
        changed = {name for name, _ in (former or now).items() ^ now.items()}
        measures.append(one)
        sketches[one.key] = now
        found = Measure("schema", COUNT, f"changed columns of {table}", float(len(changed)))
        findings.append(
            Finding(found, found.value, 0.0, 0.0, "change", found.value, 0.5, alarm=bool(changed))
        )
    return measures, findings, sketches
