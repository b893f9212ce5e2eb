"""OpenLineage events, held against the schemas that the project publishes; no network is asked."""

import json
import os
import resource
import signal
import socket
from dataclasses import replace

import pytest

from components.errors import DataGateStopped
from components.registry.input_properties import CHURN, ChurnFacts, ExamplesProperties
from components.registry.published_properties import (
    PublishedAreasProperties,
    PublishedScoresProperties,
)
from components.sinks import SinkFailed
from pipeline.runs.attempt import attempted
from pipeline.runs.record import RunRecords
from pipeline.settings import load_settings
from pipeline.telemetry.lineage import PARENT, events_of
from pipeline.telemetry.lineage_sinks import append_events
from pipeline.telemetry.pings import uuid_of
from tests.contract.conftest import execute
from tests.pipeline.telemetry.openlineage_schemas import validate

AS_OF = "2026-06-01T00:00:00+00:00"
PARENT_RUN = "0190f3a1-6f0e-7c3a-9d0e-0123456789ab"


def examples(**changes):
    values = {
        **{"as_of": AS_OF, "label_source": "account_churn", "duplicate_events": "collapse"},
        **{"lookback_days": 180, "horizon_days": 60, "max_events": 500},
        **{"feedback_rows": 1000, "rows_without_account": 30, "rows_in_future": 0},
        **{"rows_without_date": 2, "accounts": 50, "duplicate_rows": 0, "accounts_alike": 0},
        **{"accounts_with_one_row": 0, "accounts_changed_tier": 0, "accounts_changed_region": 0},
        **{"accounts_cut": 0, "accounts_with_slash": 0, "newest_feedback": AS_OF},
    }
    return ExamplesProperties(**values | changes)


TRUTH = ChurnFacts(
    rows=40,
    rows_unmatched=0,
    rows_repeated=0,
    rows_without_account=1,
    rows_without_date=3,
    rows_in_future=0,
    rows_before_feedback=0,
    known_until=AS_OF,
    newest=AS_OF,
)


class Result:
    """The parts of a RunSummary that an event speaks of."""

    data = examples(truth={CHURN: TRUTH})
    published = PublishedScoresProperties(
        as_of=AS_OF,
        model_version="v",
        published_at=AS_OF,
        publication_id=1,
        published_count=50,
        removed_count=0,
        risk_bands="",
        risk_bands_mode="probability",
    )
    areas = PublishedAreasProperties(
        as_of=AS_OF,
        weights_version="w",
        window_days=90,
        rows=900,
        unnamed_rows=0,
        published_count=18,
        removed_count=0,
    )


@pytest.fixture
def events(state_dir, tmp_path, monkeypatch):
    """Attempts to run, and returns the events that are then in the file."""
    file = tmp_path / "events.ndjson"
    monkeypatch.setenv("TENS_INSIGHT_OPENLINEAGE_FILE", str(file))

    def attempt(kind="score", error=None, result=None):
        try:
            with attempted(kind, load_settings()) as one:
                if error is not None:
                    raise error
                one.complete()
                one.result = result
        except type(error) if error else ():  # noqa: B030
            pass
        (record,) = RunRecords(state_dir / "runs").newest(1)
        assert record.warnings == ()
        made = [json.loads(line) for line in file.read_text().splitlines()]
        for event in made:
            validate(event)
            assert event["run"]["runId"] == str(uuid_of(record.run_id))
        file.unlink()
        return made

    return attempt


@pytest.fixture
def inputs(migrated_database):
    execute(
        migrated_database,
        "CREATE SCHEMA elsewhere",
        "CREATE TABLE elsewhere.feedback_enriched (id bigint, account_id text, created_at "
        "timestamptz, feedback_text text)",
        "CREATE TABLE account_churn (account_id text, churned_at timestamptz)",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = elsewhere, public', "
        "current_database()); END $$",
    )
    return migrated_database.rpartition("/")[2].partition("?")[0]


def test_a_run_that_published_says_what_it_read_and_wrote(inputs, events):
    start, complete = events(result=Result())
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["eventTime"] < complete["eventTime"]
    assert complete["job"]["name"] == "run_score"
    place = f"postgres://{socket.gethostname()}:5432"
    for event in (start, complete):
        assert {one["namespace"].rpartition(":")[0] for one in event["inputs"]} == {
            place.rpartition(":")[0]
        }
        assert [one["name"] for one in event["inputs"]] == [
            f"{inputs}.elsewhere.feedback_enriched",
            f"{inputs}.public.account_churn",
        ]
        assert [one["name"] for one in event["outputs"]] == [
            f"{inputs}.public.account_risk_scores",
            f"{inputs}.public.product_area_impact",
        ]
    feedback, churn = complete["inputs"]
    assert feedback["facets"]["schema"]["fields"][2] == {
        "name": "created_at",
        "type": "timestamp with time zone",
        "ordinal_position": 3,
    }
    quality = feedback["inputFacets"]["dataQualityMetrics"]
    assert quality["rowCount"] == 1000
    assert quality["columnMetrics"]["account_id"] == {"nullCount": 30, "distinctCount": 50}
    assert churn["inputFacets"]["inputStatistics"]["rowCount"] == 40
    written = [one["outputFacets"]["outputStatistics"]["rowCount"] for one in complete["outputs"]]
    assert written == [50, 18]
    assert not start["inputs"][0]["inputFacets"]
    assert complete["run"]["facets"]["nominalTime"]["nominalStartTime"] == AS_OF
    assert "errorMessage" not in complete["run"]["facets"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DataGateStopped("account 'ACC-1' of postgresql://me:hidden@db said 'x'"), "FAIL"),
        (ZeroDivisionError("ACC-1"), "FAIL"),
        (KeyboardInterrupt(), "ABORT"),
        (SystemExit(143), "ABORT"),
    ],
)
def test_a_run_that_fails_says_so_without_ids_and_secrets(inputs, events, error, kind):
    start, end = events(error=error)
    assert (start["eventType"], end["eventType"]) == ("START", kind)
    message = end["run"]["facets"]["errorMessage"]["message"]
    assert type(error).__name__ in message
    assert "ACC-1" not in json.dumps(end)
    assert "hidden" not in json.dumps(end)
    assert end["outputs"] == []


def test_a_tuning_run_writes_no_table_and_a_scheduler_is_the_parent(inputs, events, monkeypatch):
    monkeypatch.setenv(PARENT, f"airflow/dag.task/x/{PARENT_RUN}")
    _, complete = events("tune")
    assert complete["outputs"] == []
    parent = complete["run"]["facets"]["parent"]
    assert parent["run"] == {"runId": PARENT_RUN}
    assert parent["job"] == {"namespace": "airflow", "name": "dag.task/x"}


@pytest.mark.parametrize("odd", ["", "airflow", "a/b/c", f"/b/{PARENT_RUN}", f"a//{PARENT_RUN}"])
def test_a_parent_that_is_none_is_left_out(events, monkeypatch, odd):
    monkeypatch.setenv(PARENT, odd)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    start, _ = events()
    assert "parent" not in start["run"]["facets"]
    assert start["inputs"] == start["outputs"] == []  # no database is known


@pytest.mark.parametrize(
    ("database", "namespace", "name"),
    [
        ("me@db.example.com:5433/goinsight", "postgres://db.example.com:5433", "goinsight"),
        ("me@x@10.0.0.1:5432/a/b", "postgres://10.0.0.1:5432", "a/b"),
        ("me@::1:5432/a", "postgres://[::1]:5432", "a"),
        ("me@/var/run/postgresql:5432/a", f"postgres://{socket.gethostname()}:5432", "a"),
    ],
)
def test_tables_are_named_by_the_rules_of_openlineage(
    state_dir, tmp_path, monkeypatch, database, namespace, name
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TENS_INSIGHT_CHURN_TABLE", "crm.gone")
    with attempted("train", load_settings()) as one:
        one.complete()
    (record,) = RunRecords(state_dir / "runs").newest(1)
    record = replace(record, database=database)
    (start,) = events_of(load_settings(), record, None, start=True, end=False)
    validate(start)
    assert {one["namespace"] for one in start["inputs"]} == {namespace}
    assert [one["name"] for one in start["inputs"]] == [
        f"{name}.public.feedback_enriched",
        f"{name}.crm.gone",
    ]


def test_settings_that_are_refused_start_and_fail(events, state_dir, tmp_path, monkeypatch):
    from pipeline.cli import run_cli

    monkeypatch.setenv("TENS_INSIGHT_HORIZON_DAYS", "-1")
    assert run_cli(["run", "train"]) == 6
    made = [json.loads(line) for line in (tmp_path / "events.ndjson").read_text().splitlines()]
    assert [one["eventType"] for one in made] == ["START", "FAIL"]
    for event in made:
        validate(event)


def test_a_full_disk_leaves_no_half_line_and_a_torn_line_is_ended(tmp_path):
    file = tmp_path / "events.ndjson"
    append_events(file, [{"a": 1}])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, hard))
        with pytest.raises(SinkFailed, match="cannot be written"):
            append_events(file, [{"b": "x" * 100}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)
    assert file.read_text() == '{"a": 1}\n'
    with file.open("a") as torn:
        torn.write('{"c": ')
    append_events(file, [{"d": 1}, {"e": 1}])
    assert file.read_text() == '{"a": 1}\n{"c": \n{"d": 1}\n{"e": 1}\n'
    assert os.stat(file).st_mode & 0o777 == 0o600


def test_a_server_gets_each_event_with_its_key(state_dir, receiver, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TENS_INSIGHT_OPENLINEAGE_URL", f"{receiver.url}/marquez/")
    monkeypatch.setenv("TENS_INSIGHT_OPENLINEAGE_API_KEY", "a-key")
    with attempted("score", load_settings()) as one:
        one.complete()
    assert receiver.paths() == ["/marquez/api/v1/lineage"] * 2
    assert {one.headers["Authorization"] for one in receiver.posts} == {"Bearer a-key"}
    assert [json.loads(one.body)["eventType"] for one in receiver.posts] == ["START", "COMPLETE"]
