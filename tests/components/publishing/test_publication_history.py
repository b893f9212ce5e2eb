"""Any sequence of publications and undos: table and history agree with a plain model of them.

The model knows no SQL: it keeps a list of whole tables, as dictionaries.
"""

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.history import drop_expired
from components.publishing.publication import Publication
from components.publishing.publication_log import read_log
from components.publishing.publish import publish
from components.publishing.undo import undo
from tests.components.publishing.policies import publish_policy
from tests.property_tests import cases

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
IMAGE = """
SELECT account_id, encode(float8send(churn_probability), 'hex'),
       encode(float8send(health_score), 'hex'), risk_category,
       encode(timestamptz_send(predicted_at), 'hex'), model_version
FROM public.account_risk_scores"""
ACCOUNTS = ["A", "B", "C", "d", "é"]
# -0.0 equals 0.0 and is another double: only a comparison of bytes tells them apart.
PROBABILITIES = [0.0, -0.0, 0.1 + 0.2, 0.1, 1.0, 1e-300]
FOUND = ("A", 0.3, 70.0, "medium", AS_OF - timedelta(days=9), "predecessor")

rows_of = st.dictionaries(
    st.sampled_from(ACCOUNTS), st.sampled_from(PROBABILITIES), min_size=1, max_size=5
)


def score(account: str, probability: float, as_of: datetime, model: str) -> tuple[Any, ...]:
    category = ("low", "medium", "high", "critical")[min(int(probability * 4), 3)]
    return (account, probability, 100 * (1 - probability), category, as_of, model)


def execute(statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as one, one, one.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def image() -> dict[str, tuple[str, ...]]:
    """Every byte of the table, by account."""
    return {row[0]: row[1:] for row in execute(IMAGE)}


def detail(account: str, probability: float, model: str) -> tuple[Any, ...]:
    """Details whose reason names the model."""
    horizons = json.dumps({"60": probability})
    reasons = (json.dumps([{"text": model}]), "[]")
    return (account, horizons, 9.0, 1.0, "active", 0.0, 0.0, *reasons, None, None)


def shown() -> dict[str, str]:
    """By account the model that the reasons name."""
    return dict(
        execute("SELECT account_id, reasons -> 0 ->> 'text' FROM tens_insight.account_risk_details")
    )


def expire_all() -> int:
    """Drops all history that retention may drop, as if it were years later."""
    with closing(connect("tens-insight test")) as one, one, one.cursor() as cursor:
        later = datetime.now(timezone.utc) + timedelta(days=3650)
        log = read_log(cursor, ACCOUNT_RISK_SCORES)
        return drop_expired(cursor, ACCOUNT_RISK_SCORES, log, 1, later)


class Publications(RuleBasedStateMachine):
    """Publishes with departed rows kept or removed, undoes, drops old history."""

    def __init__(self) -> None:
        super().__init__()
        execute("TRUNCATE public.account_risk_scores")
        execute("TRUNCATE tens_insight.publications, tens_insight.account_risk_score_history")
        execute("TRUNCATE tens_insight.account_risk_detail_history")
        self.day = 0
        self.states: list[dict[str, tuple[str, ...]]] = []
        self.details = []
        self.undone = 0
        self.oldest = 0

    @initialize(found=st.booleans())
    def start(self, found: bool) -> None:
        if found:
            marks = ", ".join(["%s"] * len(FOUND))
            execute(f"INSERT INTO public.account_risk_scores VALUES ({marks})", *FOUND)
        self.states = [image()]
        self.details: list[dict[str, str]] = [{}]

    @rule(rows=rows_of, remove=st.booleans(), detailed=st.booleans())
    def publish(self, rows: dict[str, float], remove: bool, detailed: bool) -> None:
        self.day += 1
        before = image()
        as_of, model = AS_OF + timedelta(days=self.day), f"model-{self.day}"
        staged = [score(account, p, as_of, model) for account, p in rows.items()]
        policy = publish_policy(max_count_change=1000.0, remove_departed=remove)
        publication = Publication(as_of, model, "none", f"run-{self.day}", len(staged))
        details = [detail(account, p, model) for account, p in rows.items()]
        publish(
            ACCOUNT_RISK_SCORES,
            lambda: staged,
            publication=publication,
            policy=policy,
            details=Details(lambda: details, horizon_days=60) if detailed else None,
        )
        after = image()
        untouched = {} if remove else {a: row for a, row in before.items() if a not in rows}
        assert {a: row for a, row in after.items() if a not in rows} == untouched
        self.states.append(after)
        kept = {} if remove else {a: m for a, m in self.details[-1].items() if a not in rows}
        self.details.append(kept | (dict.fromkeys(rows, model) if detailed else {}))
        self.undone = 0

    @precondition(lambda self: len(self.states) - 1 > self.oldest)
    @rule()
    def undo(self) -> None:
        undone = undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
        self.states.pop()
        assert image() == self.states[-1]
        assert undone.rows == len(self.states[-1])
        self.details.pop()
        self.undone += 1
        if self.undone > 1:
            # The details of older states may be gone; what is left is theirs.
            assert shown().items() <= self.details[-1].items()
            self.details[-1] = shown()
        assert undone.details == len(self.details[-1])

    @precondition(lambda self: len(self.states) == 1)
    @rule()
    def there_is_nothing_to_undo(self) -> None:
        with pytest.raises(PublicationRefused, match="nothing of ours to undo|no publication"):
            undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")

    @rule()
    def drop_old_history(self) -> None:
        dropped = expire_all()
        if dropped and len(self.states) > 1:
            self.oldest = max(self.oldest, len(self.states) - 2)

    @invariant()
    def the_table_shows_the_newest_state(self) -> None:
        if self.states:
            assert image() == self.states[-1]

    @invariant()
    def the_details_are_those_of_that_state(self) -> None:
        if self.states:
            assert shown() == self.details[-1]


@pytest.mark.slow
def test_any_sequence_leaves_what_the_model_says(migrated_database: str) -> None:
    run_state_machine_as_test(
        Publications,
        settings=settings(
            max_examples=cases(12),
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
