"""The first look at the database: as_of, label source, cutoffs, size."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from components.errors import DataGateStopped
from components.feedback_example_gen.active_limit import read_active_limit
from components.feedback_example_gen.cutoffs import CutoffPlan, plan_cutoffs
from components.feedback_example_gen.examples import ExampleRules
from components.feedback_example_gen.ground_truth import GroundTruth, read_ground_truth
from components.feedback_example_gen.living_gaps import ActiveLimit
from components.feedback_example_gen.reading.database_snapshot import DatabaseSnapshot
from components.feedback_example_gen.reading.watermark import (
    WEEKS_BEFORE,
    Watermark,
    read_watermark,
)
from components.feedback_example_gen.request import ACCOUNT_CHURN, AUTO, INACTIVITY, ReadRequest
from components.postgres.contract import require_contract
from components.postgres.identity import read_identity
from components.registry.input_properties import CHURN, PUBLISHED, ExamplesProperties, Split


@dataclass(frozen=True)
class ReadPlan:
    """What all readers of a run agree on.

    Attributes:
        as_of: The run's now, UTC.
        database_id: Of the database that is read.
        label_source: account_churn or inactivity.
        watermark: What the database held.
        cutoffs: Those of each split.
        truth: The state of the ground truth.
        notes: What has to be said of the contract.
        buckets: Into how many buckets of accounts the reading is divided.
        rules: What an example holds, and whose it is.
        limit: Where its limit of silence comes from.
    """

    as_of: datetime
    database_id: str
    label_source: str
    watermark: Watermark
    cutoffs: CutoffPlan
    truth: GroundTruth
    notes: tuple[str, ...]
    buckets: int
    rules: ExampleRules
    limit: ActiveLimit


def plan_reading(snapshot: DatabaseSnapshot, request: ReadRequest) -> ReadPlan:
    """Checks the inputs and plans the reading, inside the run's snapshot.

    Nothing of it depends on the accounts that were published last, so these are asked for later.

    Raises:
        ContractBroken: An input table, column, type or privilege is missing.
        DataGateStopped: As moment_of, require_accounts and plan_contents say.
    """
    report = require_contract(snapshot.connection, **request.config.contract, need_outputs=False)
    as_of = moment_of(request, snapshot.now)
    watermark = read_watermark(snapshot.connection, as_of)
    label_source = label_source_of(request, report.churn_table_present)
    truth = read_ground_truth(
        snapshot.connection,
        request.config,
        require_accounts(as_of, watermark),
        as_of,
        has_churn=label_source == ACCOUNT_CHURN,
        names_accounts=False,
        published=False,
    )
    database_id = read_identity(snapshot.connection).id
    limit = read_active_limit(snapshot.connection, request, watermark, as_of, label_source)
    return plan_contents(
        as_of, request, watermark, truth, label_source, report.notes, database_id, limit
    )


def moment_of(request: ReadRequest, now: datetime) -> datetime:
    """Returns the run's now, UTC: what is asked for, else the database's clock.

    Args:
        request: What is asked for.
        now: The database's clock, UTC.

    Raises:
        DataGateStopped: The clock has not reached what is asked for.
    """
    as_of = request.as_of or now.replace(microsecond=0)
    if as_of > now:
        raise DataGateStopped(_in_future(as_of, now))
    return as_of


def label_source_of(request: ReadRequest, churn_table_present: bool) -> str:
    """Returns account_churn or inactivity."""
    label_source = request.config.label_source
    if label_source == AUTO:
        return ACCOUNT_CHURN if churn_table_present else INACTIVITY
    return label_source


def require_accounts(as_of: datetime, watermark: Watermark) -> datetime:
    """Returns when the history begins, UTC.

    Raises:
        DataGateStopped: No feedback names an account.
    """
    if watermark.first is None:
        raise DataGateStopped(_no_rows(as_of, watermark))
    return watermark.first


def plan_contents(
    as_of: datetime,
    request: ReadRequest,
    watermark: Watermark,
    truth: GroundTruth,
    label_source: str,
    notes: tuple[str, ...],
    database_id: str,
    limit: ActiveLimit,
) -> ReadPlan:
    """Plans the reading by what the tables hold: for a run, and for the check of a database.

    Args:
        as_of: The run's now, UTC.
        request: What is asked for.
        watermark: What the feedback amounts to.
        truth: The state of the ground truth.
        label_source: account_churn or inactivity.
        notes: What has to be said of the contract.
        database_id: Of the database.
        limit: After how many days an account is silent.

    Raises:
        DataGateStopped: No feedback with an account, or too short a history.
    """
    first = require_accounts(as_of, watermark)
    return ReadPlan(
        as_of=as_of,
        database_id=database_id,
        label_source=label_source,
        watermark=watermark,
        cutoffs=plan_cutoffs(as_of, first, request.config, request.splits, truth.known),
        truth=truth,
        notes=notes,
        buckets=max(1, math.ceil(watermark.rows / request.config.rows_per_bucket)),
        rules=replace(request.rules, active_within_days=limit.days),
        limit=limit,
    )


def describe_reading(
    plan: ReadPlan, request: ReadRequest, splits: Mapping[str, Split]
) -> ExamplesProperties:
    """Returns what can be said of the Examples before they are written.

    Args:
        plan: What the run agreed on.
        request: What was asked for.
        splits: Sizes of the splits.

    Returns:
        The properties, with 0 for what only the rows themselves show.
    """
    watermark, previous = plan.watermark, plan.watermark.previous
    weeks = timedelta(weeks=1 + WEEKS_BEFORE)
    is_long = watermark.first is not None and watermark.first <= plan.as_of - weeks
    return ExamplesProperties(
        as_of=plan.as_of.isoformat(),
        database_id=plan.database_id,
        label_source=plan.label_source,
        duplicate_events=request.config.duplicate_events,
        lookback_days=request.config.lookback_days,
        horizon_days=request.config.horizon_days,
        max_events=request.config.max_events,
        active_within_days=plan.limit.days,
        active_within_why=plan.limit.why,
        silent_days=plan.rules.silent_days if plan.label_source == ACCOUNT_CHURN else None,
        silent_accounts=request.config.silent_accounts,
        rows_after_churn=request.config.rows_after_churn,
        feedback_rows=watermark.rows,
        rows_without_account=watermark.rows_without_account,
        rows_in_future=watermark.rows_in_future,
        rows_without_date=watermark.rows_without_date,
        rows_before_history=watermark.rows_before_history,
        newest_feedback=watermark.newest.isoformat() if watermark.newest else None,
        late_rows=watermark.late_rows,
        previous_as_of=(previous.as_of.astimezone(timezone.utc).isoformat() if previous else None),
        previous_feedback_rows=previous.feedback_rows if previous else None,
        previous_scored=previous.scored if previous else None,
        rows_last_week=watermark.last_week_rows if is_long else None,
        rows_weeks_before=watermark.weeks_before_rows if is_long else None,
        accounts=0,
        duplicate_rows=0,
        accounts_with_one_row=0,
        accounts_changed_tier=0,
        accounts_changed_region=0,
        accounts_cut=0,
        accounts_with_slash=0,
        accounts_alike=0,
        splits=splits,
        truth={CHURN: plan.truth.churn} if plan.truth.churn else {},
        known_ids={PUBLISHED: plan.truth.accounts},
        row_security=plan.notes or None,
    )


def _in_future(as_of: datetime, now: datetime) -> str:
    return (
        f"as_of is {as_of:%Y-%m-%d %H:%M} UTC, but the database's clock shows "
        f"{now:%Y-%m-%d %H:%M}: a label window that is still open would pass for a "
        "closed one. Leave TENS_INSIGHT_AS_OF empty, or name a moment in the past."
    )


def _no_rows(as_of: datetime, watermark: Watermark) -> str:
    return (
        f"feedback_enriched holds no feedback with an account_id before {as_of:%Y-%m-%d %H:%M} "
        f"UTC ({watermark.rows} rows without one, {watermark.rows_in_future} rows later, "
        f"{watermark.rows_without_date} without a possible date). "
        "Check that the ETL fills account_id and that as_of is right."
    )
