"""Airflow: scores every day, trains every Sunday, through the command line.

Tens-Insight has a virtual environment of its own beside Airflow's, since their libraries do not
go together. The database is the connection `tens_insight`; it reaches the command as an
environment variable, so that neither the log nor a rendered template holds it.
"""

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException

PROGRAM = os.environ.get("TENS_INSIGHT_PROGRAM", "/opt/tens-insight/.venv/bin/tens-insight")
STATE = "/var/lib/tens-insight"
DATABASE_UNREACHABLE = 5


class TensInsightOperator(BaseOperator):
    """Runs a command of Tens-Insight.

    BashOperator would retry every exit code or, by skip_on_exit_code, call a failure skipped. Here
    code 5, the database cannot be reached, is retried; any other code would come back the same,
    and fails the task at once.
    """

    def __init__(self, *, arguments: list[str], **kwargs: Any):
        super().__init__(**kwargs)
        self.arguments = arguments
        self.hook = SubprocessHook()

    def execute(self, context: Any) -> str:
        """Returns the last line that the command printed."""
        done = self.hook.run_command([PROGRAM, *self.arguments], env=self._environment())
        if done.exit_code == DATABASE_UNREACHABLE:
            raise AirflowException(done.output)
        if done.exit_code:
            raise AirflowFailException(f"Exit code {done.exit_code}: {done.output}")
        return done.output

    def on_kill(self) -> None:
        """Ends the command; what it had not published stays unpublished."""
        self.hook.send_sigterm()

    def _environment(self) -> dict[str, str]:
        url = Connection.get("tens_insight").get_uri()
        return {**os.environ, "DATABASE_URL": url, "TENS_INSIGHT_STATE_DIR": STATE}


def _dag(name: str, schedule: str, arguments: list[str], longest: timedelta) -> DAG:
    with DAG(
        name,
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
        catchup=False,
        max_active_runs=1,
        tags=["tens-insight"],
    ) as dag:
        TensInsightOperator(
            task_id="_".join(arguments[:2]),
            arguments=arguments,
            retries=3,
            retry_delay=timedelta(minutes=10),
            execution_timeout=longest,
        )
    return dag


score = _dag("tens_insight_score", "0 5 * * *", ["run", "score", "--wait"], timedelta(hours=2))
train = _dag("tens_insight_train", "0 2 * * 0", ["run", "train", "--wait"], timedelta(hours=6))
