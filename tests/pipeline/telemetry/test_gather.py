"""The metrics are what the database and the records of runs say."""

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from components.state_files import make_private
from pipeline.cli import run_cli
from pipeline.runs.record import RunRecord, RunRecords
from pipeline.settings import load_settings
from pipeline.telemetry import metrics
from pipeline.telemetry.gather import gather
from pipeline.telemetry.metrics import render
from tests.contract.conftest import execute
from tests.pipeline.telemetry.test_metrics import values

DAY = datetime(2026, 6, 1, tzinfo=timezone.utc)
PUBLISHED = (
    "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
    "label_source, rows_written, rows_removed, category_shares, run_id, published_by, "
    "mean_probability, horizon_days, published_at, undone_at, undone_by, undo_reason) VALUES "
)
ROW = (
    "(gen_random_uuid(), '{table}', '{as_of}', '{model}', 'none', {rows}, 0, '{{}}', 'r', 'me', "
    "{mean}, 60, '{as_of}', {undone})"
)
WAS_UNDONE = "now(), 'me', 'a test'"
NOT_UNDONE = "NULL, NULL, NULL"


def publication(table, day, rows, *, mean="NULL", model="20260301-0f1e2d3c", undone=NOT_UNDONE):
    as_of = (DAY + timedelta(days=day)).isoformat()
    row = ROW.format(table=table, as_of=as_of, model=model, rows=rows, mean=mean, undone=undone)
    return PUBLISHED + row


def now_values(name):
    return values(render(gather(load_settings()).samples), name)


def test_publications_and_bands(migrated_database, state_dir):
    execute(
        migrated_database,
        publication("account_risk_scores", 0, 7, mean="0.25"),
        publication("account_risk_scores", 2, 9, mean="0.5", undone=WAS_UNDONE),
        publication("product_area_impact", 1, 3),
        "INSERT INTO account_risk_scores (account_id, churn_probability, health_score, "
        "risk_category, model_version) VALUES ('a', 0.1, 90, 'low', 'v'), "
        "('b', 0.9, 10, 'critical', 'v')",
        "INSERT INTO tens_insight.refusals (attempt, target_table, as_of, model_version, run_id, "
        "rows_staged, category_shares, broken_limits, refused_by, refused_at) SELECT "
        "gen_random_uuid(), 'account_risk_scores', now(), 'v', 'r', 1, '{}', '{}', 'me', "
        "'2026-06-01'::timestamptz + day * interval '1 day' FROM generate_series(-1, 2) AS day",
    )
    scores, areas = ("scores",), ("areas",)
    assert now_values(metrics.ROWS.name) == {scores: 7, areas: 3}
    assert now_values(metrics.AS_OF.name)[scores] == DAY.timestamp()
    assert now_values(metrics.PUBLISHED.name)[areas] == (DAY + timedelta(days=1)).timestamp()
    assert now_values(metrics.MEAN.name) == {(): 0.25}
    assert now_values(metrics.REFUSED.name) == {scores: 2, areas: 0}
    assert now_values(metrics.ACCOUNTS.name) == {
        ("critical",): 1,
        ("high",): 0,
        ("medium",): 0,
        ("low",): 1,
    }
    trained = datetime(2026, 3, 1, tzinfo=timezone.utc)
    assert now_values(metrics.TRAINED.name) == {(): trained.timestamp()}
    assert now_values(metrics.DATABASE_UP.name) == {(): 1}


def test_performance_is_that_of_the_publishing_model(migrated_database, state_dir):
    performance = (
        "INSERT INTO tens_insight.model_performance (publication_id, horizon_days, kind, slice, "
        "slice_value, band, metric, value, low, high, model_version, as_of) VALUES "
        "({publication}, {days}, '{kind}', '{slice}', '', '{band}', '{metric}', {value}, {value} "
        "- 0.1, {value} + 0.1, '{model}', '{as_of}')"
    )
    usual = {
        **{"publication": 2, "days": 60, "kind": "realised", "slice": "overall", "band": ""},
        **{"metric": "auc", "value": 0.7, "model": "20260401-aa", "as_of": DAY.isoformat()},
    }
    execute(
        migrated_database,
        publication("account_risk_scores", 0, 7, mean="0.25", model="20260301-bb"),
        publication("account_risk_scores", 1, 7, mean="0.25", model="20260401-aa"),
        *(
            performance.format(**usual | other)
            for other in (
                {},
                {"kind": "estimated", "value": 0.8},
                {"publication": 1, "model": "20260301-bb", "value": 0.2},
                {"days": 30, "value": 0.3},
                {"band": "high", "value": 0.4},
                {"slice": "region", "value": 0.45},
                {"metric": "accounts", "value": 100},
            )
        ),
    )
    realised, estimated = ("realised", "auc"), ("estimated", "auc")
    assert now_values(metrics.PERFORMANCE_VALUE.name) == {realised: 0.7, estimated: 0.8}
    assert now_values(metrics.PERFORMANCE_LOW.name)[realised] == pytest.approx(0.6)
    assert now_values(metrics.PERFORMANCE_HIGH.name)[estimated] == pytest.approx(0.9)
    assert now_values(metrics.PERFORMANCE_AS_OF.name)[realised] == DAY.timestamp()


def test_alarms_are_those_of_the_newest_measured_run(migrated_database, state_dir):
    assert b"tens_insight_monitor_alarms" not in render(gather(load_settings()).samples)
    profile = (
        "INSERT INTO tens_insight.profile_metrics (window_start, window_end, granularity, run_id, "
        "publication_id, model_version, slice_key, slice_value, column_name, metric, value) "
        "SELECT end_ - interval '7 days', end_, 'week', run, publication, 'v', '', '', ':table', "
        "metric, 1 FROM (VALUES ('2026-06-01'::timestamptz, 'r1', 1), "
        "('2026-06-02', 'r2', 2)) AS made (end_, run, publication), "
        "unnest('{a,b,c}'::text[]) AS metric"
    )
    drift = (
        "INSERT INTO tens_insight.drift_metrics (window_start, window_end, granularity, run_id, "
        "publication_id, model_version, baseline, compared_with, slice_key, slice_value, "
        "column_name, metric, statistic, alarm, opened_at) SELECT window_start, window_end, "
        "granularity, run_id, publication_id, model_version, 'previous', '', '', '', column_name, "
        "metric, 'jump', {alarm}, {opened} FROM tens_insight.profile_metrics"
    )
    of_first = "CASE WHEN run_id = 'r1' THEN '2026-05-01'::timestamptz END"
    execute(
        migrated_database,
        publication("account_risk_scores", 0, 7, mean="0.25"),
        publication("account_risk_scores", 1, 7, mean="0.25"),
        profile,
        drift.format(alarm="run_id = 'r1'", opened=of_first),
    )
    assert now_values(metrics.ALARMS.name) == {(): 0}
    execute(
        migrated_database,
        "UPDATE tens_insight.drift_metrics SET alarm = true, opened_at = CASE metric "
        "WHEN 'a' THEN '2026-06-01'::timestamptz ELSE '2026-06-02' END WHERE run_id = 'r2'",
    )
    assert now_values(metrics.ALARMS.name) == {(): 2}
    execute(
        migrated_database,
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'me', "
        "undo_reason = 'a test' WHERE publication_id = 2",
    )
    assert now_values(metrics.ALARMS.name) == {(): 1}


def test_alerts_are_counted_by_kind_and_severity(migrated_database, state_dir):
    alert = (
        "INSERT INTO tens_insight.alerts (alert_id, kind, key, severity, sentence, evidence, "
        "resolved_at) VALUES (gen_random_uuid(), '{}', '{}', '{}', 'It is so.', '{{}}', {})"
    )
    execute(
        migrated_database,
        alert.format("drift", "a", "warning", "NULL"),
        alert.format("drift", "b", "warning", "NULL"),
        alert.format("drift", "c", "warning", "now()"),
        alert.format("run_failed", "tune", "warning", "NULL"),
        alert.format("of a later version", "x", "critical", "NULL"),
    )
    found = now_values(metrics.ALERTS.name)
    assert {labels: count for labels, count in found.items() if count} == {
        ("drift", "warning"): 2,
        ("run_failed", "warning"): 1,
        ("other", "critical"): 1,
    }
    assert found["run_missed", "critical"] == 0
    assert ("policy_act", "info") not in found  # it never is open


def record(run_id, day, **changes):
    began = DAY + timedelta(days=day)
    ended = {"ended_at": began + timedelta(minutes=1), "state": "complete", "exit_code": 0}
    values = {"run_id": run_id, "kind": "score", "started_at": began, **ended, **changes}
    return RunRecord(**values)


def test_runs_are_those_of_the_records_and_of_the_database(migrated_database, state_dir):
    make_private(state_dir)
    records = RunRecords(state_dir / "runs")
    records.write(record("20260602T000000.000-0001", 1))
    failed = {"state": "failed", "exit_code": 8, "failed_node": "AccountScorer"}
    records.write(record("20260603T000000.000-0002", 2, **failed))
    records.write(record("20260604T000000.000-0003", 3, state="not started", exit_code=9))
    costs = state_dir / "pipeline_root/tens-insight-score/.node_costs"
    costs.mkdir(parents=True)
    content = [
        {"name": "Transform", "outcome": "done", "seconds": 1.5, "peak_mib": 9.0},
        {"name": "AccountScorer", "outcome": "failed", "seconds": 0.5},
        {"name": "Monitor", "outcome": "not run"},
    ]
    (costs / "20260603T000000.000-0002.json").write_text(json.dumps(content))
    execute(
        migrated_database,
        "INSERT INTO tens_insight.runs (run_id, kind, state, started_at, ended_at, run_by, "
        "exit_code, error, sentence, failed_node, model_version, published, warnings, log, report, "
        "state_dir) SELECT run, kind, state, day, day + interval '2 minutes', 'me', 0, '', '', '', "
        "'', '{}', '{}', '', '', '' FROM (VALUES "
        "('20260520T000000.000-0004', 'train', 'complete', '2026-05-20'::timestamptz), "
        "('20260501T000000.000-0005', 'score', 'complete', '2026-05-01')"
        ") AS runs (run, kind, state, day)",
    )
    score, train = ("score",), ("train",)
    moments = now_values(metrics.ATTEMPT.name)
    assert moments[score] == (DAY + timedelta(days=2)).timestamp()
    assert now_values(metrics.SUCCESS.name) == {
        score: (DAY + timedelta(days=1, minutes=1)).timestamp(),
        train: datetime(2026, 5, 20, 0, 2, tzinfo=timezone.utc).timestamp(),
    }
    assert now_values(metrics.EXIT_CODE.name) == {score: 8, train: 0}
    assert now_values(metrics.DURATION.name) == {score: 60, train: 120}
    states = now_values(metrics.STATE.name)
    assert [key for key, value in states.items() if value] == [
        ("train", "complete"),
        ("score", "failed"),
    ]
    assert now_values(metrics.NODE_DURATION.name) == {
        ("score", "Transform"): 1.5,
        ("score", "AccountScorer"): 0.5,
    }
    assert now_values(metrics.NODE_FAILED.name) == {("score", "AccountScorer"): 1}


def test_without_a_database_the_rest_is_told(state_dir, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:hidden@127.0.0.1:1/none")
    make_private(state_dir)
    RunRecords(state_dir / "runs").write(record("20260602T000000.000-0001", 1))
    assert run_cli(["metrics"]) == 0
    shown = capsys.readouterr()
    assert "tens_insight_database_up 0.0\n" in shown.out
    assert "tens_insight_state_free_bytes " in shown.out
    assert 'tens_insight_run_success_timestamp_seconds{kind="score"}' in shown.out
    assert "The database could not be read: No database answers at nobody@127.0.0.1" in shown.err
    assert "hidden" not in shown.out + shown.err


def test_a_database_without_our_tables_counts_as_one_that_cannot_be_read(
    database, state_dir, capsys
):
    assert run_cli(["metrics"]) == 0
    shown = capsys.readouterr()
    assert "tens_insight_database_up 0.0\n" in shown.out
    assert "db init" in shown.err
    assert not state_dir.exists()  # nothing is made


def test_the_command_loads_neither_tfx_nor_tensorflow(migrated_database, state_dir):
    program = (
        "import sys; from pipeline.cli import run_cli; assert run_cli(['metrics']) == 0; "
        "print('#', {'tfx', 'tensorflow', 'apache_beam', 'ml_metadata'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.endswith("# set()\n")


def test_sending_needs_a_sink(migrated_database, state_dir, monkeypatch, capsys, tmp_path):
    assert run_cli(["metrics", "--send"]) == 2
    assert "TENS_INSIGHT_METRICS_TEXTFILE" in capsys.readouterr().err
    monkeypatch.setenv("TENS_INSIGHT_METRICS_TEXTFILE", str(tmp_path / "a.prom"))
    monkeypatch.setenv("TENS_INSIGHT_PUSHGATEWAY_URL", "http://127.0.0.1:1")
    assert run_cli(["metrics", "--send"]) == 11
    shown = capsys.readouterr()
    assert shown.out == "textfile: sent\n"
    assert shown.err == "pushgateway: http://127.0.0.1:1: no connection: Connection refused\n"
    assert (tmp_path / "a.prom").exists()
