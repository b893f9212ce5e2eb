"""The database that is checked: one read-only transaction, and little time."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.data_checker.actions import STOP
from components.data_checker.volume import VOLUME
from components.feedback_example_gen.active_limit import published_limit
from components.feedback_example_gen.churn_rhythm import ALL_KNOWN
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.example_counts import (
    ExampleCount,
    examples_of_split,
    split_of,
)
from components.feedback_example_gen.ground_truth import GroundTruth, read_ground_truth
from components.feedback_example_gen.living_gaps import ActiveLimit, propose_limit
from components.feedback_example_gen.read_plan import (
    ReadPlan,
    describe_reading,
    label_source_of,
    moment_of,
    plan_contents,
    require_accounts,
)
from components.feedback_example_gen.reading.feedback_reader import (
    Churn,
    Feedback,
    read_churn,
    read_moments,
)
from components.feedback_example_gen.reading.input_probes import (
    estimate_rows,
    sample_of,
    sampled_accounts,
)
from components.feedback_example_gen.reading.watermark import (
    WHOLE_TABLE,
    Watermark,
    read_watermark,
)
from components.feedback_example_gen.request import ACCOUNT_CHURN, AUTO, ReadRequest
from components.postgres.contract import ContractReport, check_contract
from components.postgres.failures import StatementCancelled, explained
from components.postgres.rows import value
from components.registry.input_properties import ExamplesProperties, IdFacts
from pipeline.settings import Settings

SECONDS: Final = 1.3
"""Of all statements together; what is not done by then is said to be undecided."""
EXACT_ROWS: Final = 300_000
"""Tables of more rows are judged by a sample."""
SAMPLED_ROWS: Final = 80_000
SAMPLED_ACCOUNTS: Final = 600
SAMPLED_CHURN_ROWS: Final = 1_000
"""Where a table is large, feedback after their dates is looked for: a share to within .03."""
_SHARE_OF_TRUTH: Final = 0.5
"""Of the time that is left, for the ground truth: it is compared with all accounts, and what
comes after it takes a sample where a table is large."""
_SHORTEST_S: Final = 0.02
_SHARE_OF_WHOLE_TABLE: Final = 0.6
"""Of the time, for reading a whole table that may turn out to be slow to read."""


_UNKNOWN_TRUTH: Final = GroundTruth(None, IdFacts(), ALL_KNOWN)


class OutOfTime(Exception):
    """A statement would take more time than the check has."""


class CheckedDatabase:
    """What the checks ask, each thing once.

    Attributes:
        connection: Inside a read-only transaction that sees one state of the database.
        settings: Of the run to come.
        request: What the run would ask of FeedbackExampleGen.
        need_outputs: Whether it publishes.
    """

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        splits: Sequence[str],
        *,
        need_outputs: bool,
        seconds: float | None = None,
        exact_rows: int = EXACT_ROWS,
        lock_wait_s: float | None = None,
    ):
        """Begins the transaction.

        Args:
            connection: Outside of a transaction.
            settings: Of the run to come.
            splits: Those that it reads.
            need_outputs: Whether it publishes.
            seconds: For all statements together; None for SECONDS.
            exact_rows: How many rows are read as a whole; of more a sample is taken.
            lock_wait_s: How long a lock of another session is waited for; None for as long as
                connections wait, which a run has the patience for.

        Raises:
            DatabaseUnreachable: The server went away.
        """
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        if lock_wait_s is not None:
            with explained(connection), connection.cursor() as cursor:
                wait = f"{lock_wait_s:.3f}s"
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (wait,))
        self.connection = connection
        self.settings = settings
        self.request = ReadRequest(settings.run.as_of, tuple(splits), settings.reading)
        self.need_outputs = need_outputs
        self._deadline = time.monotonic() + (SECONDS if seconds is None else seconds)
        self._exact_rows = exact_rows
        self._sampled = False

    @contextmanager
    def in_time(self, share: float = 1.0) -> Iterator[Cursor]:
        """Yields a cursor whose statements are cancelled when the time of the check is over.

        Args:
            share: Of the time that is left, (0, 1].

        Raises:
            OutOfTime: They were; the transaction goes on.
        """
        left = share * (self._deadline - time.monotonic())
        if left < _SHORTEST_S:
            raise OutOfTime
        with explained(self.connection), self.connection.cursor() as cursor:
            cursor.execute("SAVEPOINT in_time")
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", (f"{left:.3f}s",))
            try:
                yield cursor
            except (psycopg2.errors.QueryCanceled, StatementCancelled):
                raise OutOfTime from None
            finally:
                if not self.connection.closed:
                    cursor.execute("ROLLBACK TO SAVEPOINT in_time")

    @cached_property
    def contract(self) -> ContractReport:
        """Tables, columns, types and rights."""
        return check_contract(
            self.connection, **self.settings.contract, need_outputs=self.need_outputs
        )

    @cached_property
    def now(self) -> datetime:
        """The server's clock, UTC."""
        with explained(self.connection), self.connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            now: datetime = value(cursor)
        return now.astimezone(timezone.utc)

    @cached_property
    def estimated_rows(self) -> int:
        """About how many rows of feedback there are."""
        with explained(self.connection), self.connection.cursor() as cursor:
            return estimate_rows(cursor)

    @cached_property
    def sample(self) -> sql.Composable:
        """A FROM item of some of the rows."""
        with explained(self.connection), self.connection.cursor() as cursor:
            return sample_of(cursor, SAMPLED_ROWS, self.estimated_rows)

    @property
    def is_sampled(self) -> bool:
        """Whether the plan was made from a sample, since the table is large or slow to read."""
        return self._sampled

    @property
    def feedback(self) -> sql.Composable:
        """The FROM item that the rows are taken from."""
        return self.sample if self._sampled else WHOLE_TABLE

    @cached_property
    def as_of(self) -> datetime:
        """The run's now, UTC.

        Raises:
            DataGateStopped: It lies in the future.
        """
        return moment_of(self.request, self.now)

    @cached_property
    def watermark(self) -> Watermark:
        """What the feedback amounts to, or a sample of it.

        Raises:
            OutOfTime: Not even a sample could be read in time.
        """
        if self.estimated_rows <= self._exact_rows:
            try:
                with self.in_time(_SHARE_OF_WHOLE_TABLE):
                    return read_watermark(self.connection, self.as_of)
            except OutOfTime:
                pass  # as for a table that is too large
        self._sampled = True
        with self.in_time():
            return read_watermark(self.connection, self.as_of, self.sample)

    @cached_property
    def label_source(self) -> str:
        """Where labels come from: account_churn or inactivity."""
        return label_source_of(self.request, self.contract.churn_table_present)

    @cached_property
    def truth(self) -> GroundTruth | None:
        """The state of the ground truth; None where there is no time to read it.

        Raises:
            DataGateStopped: No feedback names an account.
        """
        first = require_accounts(self.as_of, self.watermark)
        try:
            with self.in_time(_SHARE_OF_TRUTH):
                return read_ground_truth(
                    self.connection,
                    self.settings.reading,
                    first,
                    self.as_of,
                    has_churn=self.label_source == ACCOUNT_CHURN,
                    names_accounts=True,
                    looked_at=SAMPLED_CHURN_ROWS if self.samples_churn else None,
                )
        except OutOfTime:
            return None

    @property
    def samples_churn(self) -> bool:
        """Whether feedback after churn dates is looked for in some of them: where it only warns."""
        return self._sampled and self.settings.data_gate.data_checks[VOLUME] != STOP

    @cached_property
    def plan(self) -> ReadPlan:
        """What the run would do, by its own function.

        Raises:
            DataGateStopped: It would stop.
            OutOfTime: As watermark says.
        """
        return plan_contents(
            self.as_of,
            self.request,
            self.watermark,
            self.truth or _UNKNOWN_TRUTH,
            self.label_source,
            self.contract.notes,
            database_id="",
            limit=self.limit,
        )

    @cached_property
    def moments(self) -> Feedback:
        """When accounts wrote, or some of them.

        Raises:
            OutOfTime: There is no time for it.
        """
        accounts = None
        if self.is_sampled:
            with self.in_time() as cursor:
                accounts = sampled_accounts(cursor, self.sample, SAMPLED_ACCOUNTS)
        with self.in_time():
            return read_moments(self.connection, self.as_of, accounts)

    @cached_property
    def churn_of_moments(self) -> Churn | None:
        """When the same accounts churned; None where the label is inactivity.

        Raises:
            OutOfTime: There is no time for it.
        """
        return self._churn(self.moments) if self.label_source == ACCOUNT_CHURN else None

    @cached_property
    def limit(self) -> ActiveLimit:
        """After how many days an account is silent; what `auto` proposes is from the same accounts.

        Without time to propose one there is none: it decides how many examples there are, for
        which there is no time then either.
        """
        if self.request.config.active_within_days != AUTO:
            return ActiveLimit(self.request.config.active_days)
        try:
            with self.in_time():
                published = published_limit(self.connection, self.request, self.as_of)
            return published or self._proposed_limit()
        except OutOfTime:
            return ActiveLimit(None, "there was no time to propose a limit")

    def _proposed_limit(self) -> ActiveLimit:
        return propose_limit(
            self.moments,
            self.churn_of_moments,
            require_accounts(self.as_of, self.watermark),
            self.as_of,
            churn_is_final=self.request.rules.churn_is_final,
        )

    @cached_property
    def examples(self) -> ExamplesProperties:
        """How many examples a run would write, of all accounts or of some.

        Raises:
            DataGateStopped: As plan says.
            OutOfTime: There is no time for it.
        """
        return self._examples(self.plan)

    @property
    def examples_of_the_living(self) -> ExamplesProperties | None:
        """The same if active_within_days were `auto`; None where that proposes nothing.

        Raises:
            DataGateStopped: As plan says.
            OutOfTime: There is no time for it.
        """
        limit = self._proposed_limit()
        if limit.days is None:
            return None
        rules = replace(self.plan.rules, active_within_days=limit.days)
        return self._examples(replace(self.plan, limit=limit, rules=rules))

    def _examples(self, plan: ReadPlan) -> ExamplesProperties:
        feedback, churn = self.moments, self.churn_of_moments
        counts: list[ExampleCount] = []
        for split in self.request.splits:
            of_split = examples_of_split(split, feedback, churn, plan.cutoffs, plan.rules)
            counts += [count for _, count in of_split]
        splits = {name: split_of(name, counts) for name in self.request.splits}
        properties = describe_reading(plan, self.request, splits)
        return replace(properties, accounts=len(feedback.account_ids))

    def scores_any(self, accounts: Sequence[str]) -> bool:
        """Tells whether a run would score any of some accounts: those that left it does not.

        Raises:
            DataGateStopped: As plan says.
            OutOfTime: There is no time for it.
        """
        plan = self.plan
        with self.in_time():
            feedback = read_moments(self.connection, plan.as_of, accounts)
        churn = self._churn(feedback) if plan.label_source == ACCOUNT_CHURN else None
        scored = examples_of_split(SCORE, feedback, churn, plan.cutoffs, plan.rules)
        return any(count.examples for _, count in scored)

    def _churn(self, feedback: Feedback) -> Churn:
        with self.in_time():
            return read_churn(
                self.connection,
                self.request.churn_source,
                self.as_of,
                feedback.account_ids,
            )

    @property
    def events_since(self) -> datetime:
        """When the oldest lookback of the plan begins, UTC."""
        oldest = min(cutoff for _, cutoff in self.plan.cutoffs)
        return oldest - timedelta(days=self.settings.reading.lookback_days)

    @property
    def areas_since(self) -> datetime:
        """When the window of the product areas begins, UTC."""
        return self.plan.as_of - timedelta(days=self.settings.reading.area_window_days)
