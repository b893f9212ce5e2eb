"""Airflow: runs every day, and looks for alerts every five minutes, through the command line.

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
COMES_AGAIN = (DATABASE_UNREACHABLE, 9, 11)
"""Exit codes of a look for alerts that are no failures: the next one is five minutes away."""


class TensInsightOperator(BaseOperator):
    """Runs a command of Tens-Insight.

    BashOperator would retry every exit code or, by skip_on_exit_code, call a failure skipped. Here
    code 5, the database cannot be reached, is retried; any other code would come back the same,
    and fails the task at once.
    """

    def __init__(self, *, arguments: list[str], passed: tuple[int, ...] = (), **kwargs: Any):
        super().__init__(**kwargs)
        self.arguments, self.passed = arguments, passed
        self.hook = SubprocessHook()

    def execute(self, context: Any) -> str:
        """Returns the last line that the command printed."""
        done = self.hook.run_command([PROGRAM, *self.arguments], env=self._environment())
        if done.exit_code in self.passed:
            return done.output
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


def _dag(name: str, schedule: str) -> DAG:
    return DAG(
        name,
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
        catchup=False,
        max_active_runs=1,
        tags=["tens-insight"],
    )


with _dag("tens_insight_auto", "0 5 * * *") as auto:
    TensInsightOperator(
        task_id="run_auto",
        arguments=["run", "auto", "--wait"],
        retries=3,
        retry_delay=timedelta(minutes=10),
        execution_timeout=timedelta(hours=6),
    )

with _dag("tens_insight_alerts", "*/5 * * * *") as alerts:
    TensInsightOperator(
        task_id="alerts_check",
        arguments=["alerts", "check"],
        passed=COMES_AGAIN,
        execution_timeout=timedelta(minutes=5),
    )
