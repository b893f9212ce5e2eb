"""Imports the DAG file in a real Airflow, and runs its operator on commands that fail.

`make try-airflow` makes an environment for it, outside of the repository.
"""

import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

DATABASE = "postgres://tens_insight:secret@db:5432/goinsight"
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW_CONN_TENS_INSIGHT"] = DATABASE


def main() -> None:
    """Ends with an assertion where something is not as the page says."""
    state = tempfile.mkdtemp(prefix="state-")
    os.environ["TENS_INSIGHT_PROGRAM"] = _program_in(state)
    sys.path.insert(0, str(Path(__file__).parent))
    import tens_insight_dags as dags
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    found = DagBag(dags.__file__)
    assert not found.import_errors, found.import_errors
    assert set(found.dags) == {"tens_insight_auto", "tens_insight_alerts"}
    dags.STATE = state
    task, look = dags.auto.get_task("run_auto"), dags.alerts.get_task("alerts_check")
    assert (task.retries, task.arguments) == (3, ["run", "auto", "--wait"])
    assert task.execute({}) == f"{DATABASE} run auto --wait"
    assert _failure(task, code=5) is AirflowException
    assert _failure(task, code=3) is AirflowFailException
    assert [_failure(look, code=code) for code in dags.COMES_AGAIN] == [None] * 3
    assert _failure(look, code=6) is AirflowFailException
    print(f"2 DAGs and their operator do as they should on Airflow {version('apache-airflow')}.")


def _program_in(folder: str) -> str:
    program = Path(folder, "tens-insight")
    program.write_text('#!/bin/sh\necho "$DATABASE_URL $*"\nexit "${CODE:-0}"\n')
    program.chmod(0o755)
    return str(program)


def _failure(task: Any, code: int) -> type[Exception] | None:
    os.environ["CODE"] = str(code)
    try:
        task.execute({})
    except Exception as error:
        return type(error)
    return None


if __name__ == "__main__":
    main()
