"""The first look at the database: as_of, label source, cutoffs, size."""

import math
from dataclasses import dataclass
from datetime import datetime

from components.errors import DataGateStopped
from components.feedback_example_gen.cutoffs import CutoffPlan, plan_cutoffs
from components.feedback_example_gen.ground_truth import GroundTruth, read_ground_truth
from components.feedback_example_gen.reading.database_snapshot import DatabaseSnapshot
from components.feedback_example_gen.reading.watermark import Watermark, read_watermark
from components.feedback_example_gen.request import ACCOUNT_CHURN, AUTO, INACTIVITY, ReadRequest
from components.postgres.contract import require_contract
from components.postgres.identity import read_identity


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
    """

    as_of: datetime
    database_id: str
    label_source: str
    watermark: Watermark
    cutoffs: CutoffPlan
    truth: GroundTruth
    notes: tuple[str, ...]
    buckets: int


def plan_reading(snapshot: DatabaseSnapshot, request: ReadRequest) -> ReadPlan:
    """Checks the inputs and plans the reading, inside the run's snapshot.

    Raises:
        ContractBroken: An input table, column, type or privilege is missing.
        DataGateStopped: No feedback with an account, too short a history, or an as_of
            that the database's clock has not reached.
    """
    report = require_contract(snapshot.connection, **request.config.contract, need_outputs=False)
    as_of = request.as_of or snapshot.now.replace(microsecond=0)
    if as_of > snapshot.now:
        raise DataGateStopped(_in_future(as_of, snapshot))
    watermark = read_watermark(snapshot.connection, as_of)
    if watermark.first is None:
        raise DataGateStopped(_no_rows(as_of, watermark))
    label_source = request.config.label_source
    if label_source == AUTO:
        label_source = ACCOUNT_CHURN if report.churn_table_present else INACTIVITY
    truth = read_ground_truth(
        snapshot.connection,
        request.config,
        watermark.first,
        as_of,
        has_churn=label_source == ACCOUNT_CHURN,
        names_accounts=False,
    )
    return ReadPlan(
        as_of=as_of,
        database_id=read_identity(snapshot.connection).id,
        label_source=label_source,
        watermark=watermark,
        cutoffs=plan_cutoffs(as_of, watermark.first, request.config, request.splits, truth.known),
        truth=truth,
        notes=report.notes,
        buckets=max(1, math.ceil(watermark.rows / request.config.rows_per_bucket)),
    )


def _in_future(as_of: datetime, snapshot: DatabaseSnapshot) -> str:
    return (
        f"as_of is {as_of:%Y-%m-%d %H:%M} UTC, but the database's clock shows "
        f"{snapshot.now:%Y-%m-%d %H:%M}: a label window that is still open would pass for a "
        "closed one. Leave TENS_INSIGHT_AS_OF empty, or name a moment in the past."
    )


def _no_rows(as_of: datetime, watermark: Watermark) -> str:
    return (
        f"feedback_enriched holds no feedback with an account_id before {as_of:%Y-%m-%d %H:%M} "
        f"UTC ({watermark.rows} rows without one, {watermark.rows_in_future} rows later). "
        "Check that the ETL fills account_id and that as_of is right."
    )
