"""An error of ours comes out of Beam as itself; a foreign one is left alone."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components.beam_errors import original_error
from components.errors import (
    ContractBroken,
    DatabaseUnreachable,
    DataGateStopped,
    TensInsightError,
)
from components.feedback_example_gen.bucket_writer import BucketTask, WriteBucket
from components.feedback_example_gen.cutoffs import CutoffPlan
from components.feedback_example_gen.examples import ExampleRules
from components.feedback_example_gen.reading.feedback_reader import Bucket
from components.postgres.connection import ServerNotAnswering
from components.postgres.failures import ServerBrokeOff

LINES = "db does not keep the contract:\n- no table [x]\n- no column"


class Raise(beam.DoFn):
    def __init__(self, error: Exception):
        self._error = error

    def process(self, element: Any) -> None:
        raise self._error


def run(work: beam.DoFn, element: Any = 1, *options: str) -> None:
    arguments = [f"--runner={FnApiRunner.__module__}.FnApiRunner", *options]
    with (
        original_error(),
        beam.Pipeline(options=PipelineOptions(arguments)) as pipeline,
    ):
        _ = pipeline | beam.Create([element]) | "Fuss" >> beam.ParDo(work)


@pytest.mark.parametrize(
    "error",
    [DataGateStopped("too thin."), ContractBroken(LINES), ServerBrokeOff("gone [while it ran]")],
)
def test_ours_comes_out_as_itself(error: TensInsightError) -> None:
    with pytest.raises(type(error)) as raised:
        run(Raise(error))
    assert type(raised.value) is type(error)
    assert str(raised.value) == str(error)


@pytest.mark.slow
def test_ours_comes_out_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://reader@127.0.0.1:1/none")
    as_of = datetime(2024, 1, 1, tzinfo=timezone.utc)
    task = BucketTask(
        bucket=Bucket(0, 1),
        snapshot_id="none",
        rows_uri="nowhere",
        as_of=as_of,
        plan=CutoffPlan(score=(as_of,)),
        rules=ExampleRules(30, 10, 5),
        churn_source=None,
        collapse_duplicates=True,
        most={},
        examples_uri="nowhere",
    )
    with pytest.raises(DatabaseUnreachable) as raised:
        run(
            WriteBucket(),
            task,
            "--direct_running_mode=multi_processing",
            "--direct_num_workers=1",
        )
    assert type(raised.value) is ServerNotAnswering
    assert str(raised.value).startswith("No database answers at reader@127.0.0.1:1/none")
    assert "while running" not in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_a_foreign_error_stays() -> None:
    with pytest.raises(ZeroDivisionError, match="by nothing"):
        run(Raise(ZeroDivisionError("by nothing")))


def in_text(text: str) -> Callable[[], None]:
    def fail() -> None:
        with original_error():
            raise RuntimeError(text)

    return fail


TRACEBACK = """Error processing instruction 3. Original traceback is
Traceback (most recent call last):
  File "worker.py", line 9, in process
components.errors.DataGateStopped: the cause

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "worker.py", line 12, in process
components.postgres.failures.ServerBrokeOff: the work was broken off.
Run again. [while running 'WriteBuckets-ptransform-12']

"""


def test_the_last_error_of_a_traceback_counts_with_its_own_class() -> None:
    with pytest.raises(DatabaseUnreachable) as raised:
        in_text(TRACEBACK)()
    assert type(raised.value) is ServerBrokeOff
    assert str(raised.value) == "the work was broken off.\nRun again."


@pytest.mark.parametrize(
    "text",
    [
        "tfx.components.errors.DataGateStopped: not ours",
        "components.errors.Annotated: no error of ours",
        "components.nowhere.Missing: no module of ours",
        "see components.errors.DataGateStopped: in mid-line",
    ],
)
def test_what_only_looks_like_ours_stays(text: str) -> None:
    with pytest.raises(RuntimeError) as raised:
        in_text(text)()
    assert type(raised.value) is RuntimeError
    assert str(raised.value) == text


def test_success_passes() -> None:
    with original_error():
        pass
