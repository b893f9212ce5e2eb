"""Runs that Monitor is told of, and publications in a real database."""

from contextlib import closing
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from components.monitor.config import MonitorConfig
from components.monitor.monitored_run import MonitoredRun
from components.registry.model_properties import ModelProperties
from tests.components.sample_properties import examples_properties, scores_properties

BEGIN = datetime(2026, 1, 5, tzinfo=timezone.utc)


class Publications:
    """The database of a test: publications are recorded, and rows are read."""

    def __init__(self, url):
        self.url = url

    def execute(self, statement, *values):
        with closing(psycopg2.connect(self.url)) as writer, writer, writer.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def publish(self, as_of, model="m-1"):
        """Records a publication of scores; returns its number."""
        ((number,),) = self.execute(
            "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
            "label_source, rows_written, rows_removed, category_shares, run_id, published_at, "
            "published_by) VALUES (gen_random_uuid(), 'account_risk_scores', %s, %s, "
            "'account_churn', 9, 0, '{}', 'run', %s, 'a test') RETURNING publication_id",
            as_of,
            model,
            as_of,
        )
        return number


@pytest.fixture
def publications(migrated_database):
    return Publications(migrated_database)


@pytest.fixture
def monitored(publications):
    """Makes a run of a week whose scores are published."""

    def make(week, model="m-1", **config):
        as_of = BEGIN + timedelta(weeks=week)
        number = publications.publish(as_of, model)
        return MonitoredRun(
            run_id=f"run-{number}",
            data=examples_properties(as_of=as_of.isoformat()),
            examples="nowhere",
            checks=(),
            published=scores_properties(
                as_of=as_of.isoformat(), model_version=model, publication_id=number
            ),
            scores="nowhere",
            champion=ModelProperties(model_version=model, as_of=BEGIN.isoformat()),
            model="nowhere",
            costs=(),
            config=MonitorConfig(database_patience_seconds=1, **config),
        )

    return make
