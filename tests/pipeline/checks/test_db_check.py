"""What `db check` refuses, and that it refuses what a run would: same function, same numbers."""

import contextlib
import json
import subprocess
import sys
import time

import psycopg2
import pytest

from components.data_checker.ground_truth import WRITTEN_AFTER
from components.errors import ContractBroken, DataGateStopped
from components.feedback_example_gen.cutoffs import SPLITS
from components.feedback_example_gen.living_gaps import ActiveLimit
from components.feedback_example_gen.read_plan import plan_reading
from components.feedback_example_gen.reading.database_snapshot import exported_snapshot
from components.feedback_example_gen.request import ReadRequest
from components.postgres.connection import connect
from components.postgres.failures import explained
from pipeline.checks.checked_database import CheckedDatabase, OutOfTime
from pipeline.checks.finding import Finding, Stops, raise_what_stops
from pipeline.checks.sequence import run_checks
from pipeline.cli import run_cli
from pipeline.exit_codes import DATABASE_UNREACHABLE
from pipeline.settings import load_settings
from tests.environment import unset_settings

ALTER = "ALTER TABLE feedback_enriched "
NO_RULES = (
    f"{ALTER} DROP CONSTRAINT feedback_enriched_priority_check, "
    "DROP CONSTRAINT feedback_enriched_sentiment_check"
)
ONE_ROW = "WHERE id = (SELECT min(id) FROM feedback_enriched WHERE account_id IS NOT NULL AND "


@pytest.fixture
def world(simulated_database, monkeypatch, tmp_path):
    """A sound little world, whose small size the data gate accepts; and time enough."""
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 60)
    unset_settings(monkeypatch)
    for name, value in (
        ("STATE_DIR", str(tmp_path)),
        ("AS_OF", "2026-06-01"),
        ("MIN_ACCOUNTS", "50"),
        ("MIN_CHURNED", "3"),
    ):
        monkeypatch.setenv(f"TENS_INSIGHT_{name}", value)
    return simulated_database


def execute(url, *statements):
    closing = contextlib.closing(psycopg2.connect(url))
    with closing as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def checked(capsys):
    code = run_cli(["db", "check", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["exit"] == code
    return code, found


def planned_by_a_run():
    settings = load_settings()
    with exported_snapshot() as snapshot:
        return plan_reading(snapshot, ReadRequest(settings.run.as_of, SPLITS, settings.reading))


RECENT = "created_at BETWEEN '2026-05-01' AND '2026-06-01')"


def dated(moment, condition=RECENT):
    return f"UPDATE feedback_enriched SET created_at = '{moment}' {ONE_ROW} {condition}"


WHOLE_RUN = {
    "no account": (
        ["UPDATE feedback_enriched SET account_id = NULL"],
        "holds no feedback with an account_id",
    ),
    "empty accounts": (["UPDATE feedback_enriched SET account_id = ''"], "holds no feedback"),
    "accounts of 100 days": (
        ["UPDATE feedback_enriched SET account_id = NULL WHERE created_at < '2026-02-21'"],
        "too short: it has 99 days",
    ),
    **{
        f"one row of {moment} before 100 days": (
            ["DELETE FROM feedback_enriched WHERE created_at < '2026-02-21'", dated(moment)],
            "too short: it has 99 days",
        )
        for moment in ("1970-01-01", "0001-01-01", "1899-12-30", "2000-01-01", "2025-01-01")
    },
    "only later rows": (
        ["UPDATE feedback_enriched SET created_at = 'infinity'"],
        "rows later",
    ),
    "only years before Christ": (
        ["UPDATE feedback_enriched SET created_at = '0044-03-15 BC'"],
        "without a possible date",
    ),
}


@pytest.mark.parametrize("kind", WHOLE_RUN)
def test_what_ends_a_whole_run_is_found_first_and_in_the_same_words(world, capsys, kind):
    statements, words = WHOLE_RUN[kind]
    execute(world, *statements)
    code, found = checked(capsys)
    assert code == 4
    (problem,) = found["problems"]
    assert words in problem
    with pytest.raises(DataGateStopped) as stopped:
        planned_by_a_run()
    assert str(stopped.value) == problem
    assert run_cli(["run", "train"]) == 4
    said = capsys.readouterr().err
    assert problem in said
    assert "Loading TFX" not in said


def test_a_null_where_there_must_be_a_value_ends_a_run(world, capsys):
    execute(
        world, f"{ALTER} ALTER topic DROP NOT NULL",
        f"UPDATE feedback_enriched SET topic = NULL {ONE_ROW} true)",
    )  # fmt: skip
    code, found = checked(capsys)
    assert code == 7
    assert "must not be NULL are: topic in 1 of" in found["problems"][0]


PARTS = {
    "priority 9": ("priority = 9", "event_priority breaks the schema: 1 rows", True),
    "priority 0": ("priority = 0", "event_priority breaks the schema: 1 rows", True),
    "a sentiment": ("sentiment = 'sad'", "event_sentiment breaks the schema: 1 rows", True),
    "a case": ("sentiment = 'Negative'", "event_sentiment breaks the schema: 1 rows", True),
    "no account": ("priority = 9, account_id = NULL", "Product areas are not ranked: 1", False),
}


@pytest.mark.parametrize("kind", PARTS)
def test_a_value_that_the_contract_does_not_know_is_found(world, capsys, kind):
    change, words, scores_too = PARTS[kind]
    execute(world, NO_RULES, f"UPDATE feedback_enriched SET {change} {ONE_ROW} {RECENT}")
    code, found = checked(capsys)
    assert code == 4
    assert words in found["problems"][0]
    stops = {finding["stops"] for finding in found["findings"]}
    assert stops == ({"scores", "areas"} if scores_too else {"areas"})
    assert run_cli(["areas"]) == 4
    assert "Product areas are not ranked: 1 rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    "moment", ["2025-05-01", "2026-07-01", "infinity", "-infinity", "0044-03-15 BC", None]
)
def test_such_a_value_where_no_run_reads_it_is_counted_and_ends_nothing(
    world, capsys, monkeypatch, moment
):
    monkeypatch.setenv("TENS_INSIGHT_LOOKBACK_DAYS", "30")
    execute(
        world, NO_RULES, f"{ALTER} ALTER created_at DROP NOT NULL",
        f"UPDATE feedback_enriched SET priority = 9, created_at = "
        f"{f'{moment!r}' if moment else 'NULL'} {ONE_ROW} {RECENT}",
    )  # fmt: skip
    code, found = checked(capsys)
    assert (code, found["problems"]) == (0, [])
    assert any(warning.startswith("1 more rows of feedback") for warning in found["warnings"])


def test_too_few_accounts_keep_back_the_scores_alone(world, capsys, monkeypatch):
    execute(
        world, "DELETE FROM feedback_enriched WHERE account_id NOT IN "
        "(SELECT DISTINCT account_id FROM feedback_enriched WHERE account_id IS NOT NULL "
        "ORDER BY 1 LIMIT 14)",
        "DELETE FROM account_churn WHERE account_id NOT IN (SELECT account_id FROM "
        "feedback_enriched WHERE account_id IS NOT NULL)",
    )  # fmt: skip
    code, found = checked(capsys)
    assert code == 4
    assert "at least 50 are needed (TENS_INSIGHT_MIN_ACCOUNTS)" in found["problems"][0]
    assert found["facts"]["accounts"] == 14
    assert {finding["stops"] for finding in found["findings"]} == {"scores"}


def test_odd_dates_are_counted_and_end_nothing(world, capsys):
    code, before = checked(capsys)
    assert (code, before["problems"]) == (0, [])
    for moment in ("20260-01-01", "infinity", "0044-03-15 BC", "-infinity", "1970-01-01"):
        execute(world, dated(moment))
    code, found = checked(capsys)
    assert (code, found["problems"]) == (0, [])
    facts = found["facts"]
    assert (facts["rows_in_future"], facts["rows_without_date"]) == (2, 3)
    assert facts["history_begins"] == before["facts"]["history_begins"]


def test_the_numbers_are_those_of_the_run(world, capsys):
    _, found = checked(capsys)
    watermark = planned_by_a_run().watermark
    facts = found["facts"]
    assert facts["rows"] == watermark.rows + watermark.rows_in_future
    assert facts["history_begins"] == watermark.first.isoformat()
    assert facts["newest"] == watermark.newest.isoformat()
    without = watermark.rows_without_account / watermark.rows
    assert facts["share_without_account"] == pytest.approx(without, abs=1e-3)
    assert without > 0


def test_old_feedback_and_one_outcome_are_found(world, capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_AS_OF", "2026-07-01")
    execute(world, "TRUNCATE account_churn")
    code, found = checked(capsys)
    said = "\n".join(found["problems"])
    assert code == 4
    assert "only 0 examples churned" in said
    assert "days older than as_of" in said


def test_ids_that_the_output_table_cannot_take_end_a_run_before_it_begins(world, capsys):
    execute(world, "ALTER TABLE account_risk_scores ALTER account_id TYPE varchar(9)")
    code, found = checked(capsys)
    assert code == 7
    (problem,) = found["problems"]
    assert "account_risk_scores.account_id is character varying(9)" in problem
    assert "the longest has 10 characters" in problem
    assert run_cli(["run", "train"]) == 7
    said = capsys.readouterr().err
    assert problem in said
    assert "Loading TFX" not in said


def test_long_ids_of_accounts_that_left_do_no_harm(world, capsys):
    left = "(SELECT min(account_id) FROM account_churn WHERE churned_at < '2026-03-01')"
    execute(
        world, "ALTER TABLE account_risk_scores ALTER account_id TYPE varchar(10)",
        f"DELETE FROM feedback_enriched WHERE account_id = {left} AND created_at > '2026-02-28'",
        f"UPDATE feedback_enriched SET account_id = account_id || 'x' WHERE account_id = {left}",
        f"UPDATE account_churn SET account_id = account_id || 'x' WHERE account_id = {left}",
    )  # fmt: skip
    assert checked(capsys)[0] == 0
    execute(world, "DELETE FROM account_churn WHERE account_id LIKE '%x'")
    assert checked(capsys)[0] == 7


CAUSES = {
    "another spelling": (
        "UPDATE account_churn SET account_id = lower(account_id)",
        ["no churn row matches an account", "in another spelling", "examples churned"],
    ),
    "another system": (
        "UPDATE account_churn SET account_id = 'X' || hashtext(account_id)",
        ["no churn row matches an account", "examples churned"],
    ),
    "an export that stopped": (
        "DELETE FROM account_churn WHERE churned_at > '2025-10-01'",
        ["the newest churn is", "Too little is known of churn"],
    ),
}


@pytest.mark.parametrize("kind", CAUSES)
def test_the_cause_is_told_before_what_follows_from_it(world, capsys, kind):
    statement, words = CAUSES[kind]
    execute(world, statement)
    code, found = checked(capsys)
    assert code == 4
    places = [[word in one for one in found["problems"]].index(True) for word in words]
    assert places == sorted(places)
    assert places[0] == 0


def test_a_check_that_only_warns_is_no_problem(world, capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_AS_OF", "2026-07-01")
    monkeypatch.setenv("TENS_INSIGHT_DATA_CHECKS", '{"freshness": "warn", "truth": "warn"}')
    assert run_cli(["db", "check"]) == 0
    said = capsys.readouterr().out
    assert "warning       the newest feedback is 30 days older" in said
    assert "No problem that stops a run." in said


def sampled(exact_rows=0, **options):
    with contextlib.closing(connect("tens-insight test")) as connection:
        database = CheckedDatabase(
            connection,
            load_settings(),
            SPLITS,
            need_outputs=True,
            exact_rows=exact_rows,
            **options,
        )
        return run_checks(database), database


def test_of_a_large_table_a_sample_is_judged_and_said_to_be_one(world):
    findings, database = sampled(seconds=60)
    assert database.is_sampled
    assert [one for one in findings if one.is_problem] == []
    execute(world, "DELETE FROM feedback_enriched WHERE created_at < '2026-02-21'")
    (finding,), _ = sampled(seconds=60)
    assert finding.sampled
    assert "too short" in str(finding.error)
    raise_what_stops([finding], "the database", need_outputs=True)  # a run itself decides


def test_feedback_after_churn_dates_of_a_large_table_is_looked_for_in_some(world, monkeypatch):
    """It takes a scan of all feedback, and warns; where a setting lets it stop, all are counted."""
    monkeypatch.setattr("pipeline.checks.checked_database.SAMPLED_CHURN_ROWS", 40)
    execute(
        world,
        "UPDATE account_churn SET churned_at = churned_at - interval '60 days' "
        "WHERE churned_at >= '2025-10-01' AND churned_at < '2026-06-01' "
        "AND hashtext(account_id) % 2 = 0",
    )

    def found():
        findings, database = sampled(seconds=60)
        (one,) = [one for one in findings if one.check == WRITTEN_AFTER]
        return one, database.truth.churn

    churn = sampled(exact_rows=10**6, seconds=60)[1].truth.churn
    one, some = found()
    assert one.sampled
    assert one.stops is Stops.NOTHING
    assert abs(some.rows_written_after - churn.rows_written_after) <= 0.25 * churn.rows
    assert some.rows_written_after != churn.rows_written_after
    monkeypatch.setenv("TENS_INSIGHT_DATA_CHECKS", '{"volume": "stop"}')
    one, all_of_them = found()
    assert not one.sampled
    assert one.stops is Stops.SCORES
    assert all_of_them.rows_written_after == churn.rows_written_after > 0.2 * churn.rows


def test_of_a_large_table_without_any_account_nothing_is_left_to_a_run(world):
    execute(world, "UPDATE feedback_enriched SET account_id = NULL")
    (finding,), _ = sampled(seconds=60)
    assert not finding.sampled
    assert "no feedback with an account_id" in str(finding.error)


def test_a_rare_value_of_a_large_table_is_found_by_its_index(world):
    execute(world, NO_RULES, f"UPDATE feedback_enriched SET priority = 9 {ONE_ROW} true)")
    execute(world, dated("2026-05-02", "priority = 9)"))
    findings, database = sampled(seconds=60)
    assert database.is_sampled
    assert [finding.sampled for finding in findings if finding.is_problem] == [False, False]


def test_a_view_is_judged_by_its_first_rows(world):
    execute(
        world, f"{ALTER} RENAME TO tickets",
        "CREATE VIEW feedback_enriched AS SELECT * FROM tickets",
    )  # fmt: skip
    findings, database = sampled(seconds=60)
    assert database.is_sampled
    assert [one for one in findings if one.is_problem] == []


def test_without_time_no_limit_of_silence_is_proposed(world, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_ACTIVE_WITHIN_DAYS", "auto")
    findings, database = sampled(seconds=0)
    assert len(findings) == 7
    assert database.limit == ActiveLimit(None, "there was no time to propose a limit")


def test_without_time_it_says_what_is_undecided(world):
    findings, _ = sampled(seconds=0)
    assert [finding.stops for finding in findings] == [Stops.NOTHING] * 7
    said = "Not decided in time: accounts in the feedback. A run looks at every row, and decides."
    assert findings[0].said == said


def test_a_statement_that_is_cancelled_for_time_leaves_a_check_undecided(world):
    """Cancelled inside a function of the run's, which translates the server's errors."""
    with contextlib.closing(connect("tens-insight test")) as connection:
        database = CheckedDatabase(
            connection, load_settings(), SPLITS, need_outputs=True, seconds=0.2
        )
        with (
            pytest.raises(OutOfTime),
            database.in_time(),
            explained(connection),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT pg_sleep(5)")
        assert not connection.closed
        assert database.now.year > 2000  # the transaction goes on


@pytest.mark.parametrize(
    "table", ["feedback_enriched", "account_churn", "public.account_risk_scores"]
)
def test_a_table_that_another_session_locks_is_told_at_once(world, capsys, table):
    """A run waits for half a minute; who only asks is told within two seconds."""
    began = time.monotonic()
    with contextlib.closing(psycopg2.connect(world)) as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table}")
        code, found = locked(capsys)
    assert code == DATABASE_UNREACHABLE
    assert "A lock was not granted in time" in found
    assert time.monotonic() - began < 20  # of 30 that a run waits
    assert checked(capsys)[0] == 0


def locked(capsys):
    code = run_cli(["db", "check", "--json"])
    return code, capsys.readouterr().out


def test_tensorflow_is_not_loaded(world):
    program = (
        "import sys; from pipeline.cli import run_cli; code = run_cli(['db', 'check']); "
        "print({'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "set()"), done


def test_a_run_ends_where_nothing_could_be_published():
    scores = Finding(DataGateStopped("few accounts"), Stops.SCORES)
    areas = Finding(DataGateStopped("odd rows"), Stops.AREAS)
    warning = Finding(DataGateStopped("a week of little"), Stops.NOTHING)
    for harmless in ([], [warning], [scores, warning], [areas]):
        raise_what_stops(harmless, "somewhere", need_outputs=True)
    with pytest.raises(DataGateStopped, match="few accounts\n- odd rows"):
        raise_what_stops([scores, areas, warning], "somewhere", need_outputs=True)
    with pytest.raises(DataGateStopped, match="few accounts"):
        raise_what_stops([scores], "somewhere", need_outputs=False)
    broken = Finding(ContractBroken("no table"))
    with pytest.raises(ContractBroken, match="somewhere does not keep the contract:\n- no table"):
        raise_what_stops([broken], "somewhere", need_outputs=True)
