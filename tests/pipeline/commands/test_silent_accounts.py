"""Silent accounts are not scored: who they are is listed, and their number is told."""

import csv
import io
import json
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime, timezone

import psycopg2
import pytest

from components.feedback_example_gen.active_limit import read_active_limit
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.example_counts import examples_of_split
from components.feedback_example_gen.read_plan import plan_reading
from components.feedback_example_gen.reading.database_snapshot import exported_snapshot
from components.feedback_example_gen.reading.feedback_reader import read_churn, read_moments
from components.feedback_example_gen.request import ReadRequest
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.publication import Publication
from components.publishing.publish import publish
from pipeline.cli import run_cli
from pipeline.text.plain_text import NO_SCORES
from tests.components.publishing.policies import publish_policy
from tests.environment import unset_settings

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
ECHO = """
INSERT INTO feedback_enriched (id, created_at, source, product_area, sentiment, priority, topic,
                               region, customer_tier, account_id, summary)
SELECT 'echo-' || churned.account_id, churned_at + interval '1 day', 'email', 'billing', 'neutral',
       1, 'invoice', 'EU', 'pro', churned.account_id, ''
FROM account_churn AS churned
WHERE churned_at < '2026-01-01' AND hashtext(churned.account_id) % 2 = 0
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))


def execute(url, statement):
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def read(**settings):
    """Plans the reading of a scoring run; returns the plan, and who is scored and who is silent."""
    request = ReadRequest(AS_OF, ("score",), FeedbackExampleGenConfig(**settings))
    with exported_snapshot() as snapshot:
        plan = plan_reading(snapshot, request)
        feedback = read_moments(snapshot.connection, AS_OF)
        churn = read_churn(snapshot.connection, request.churn_source, AS_OF, feedback.account_ids)
    ids = [one.decode() for one in feedback.account_ids.to_pylist()]

    def scored(rules):
        ((found, count),) = examples_of_split("score", feedback, churn, plan.cutoffs, rules)
        return {ids[place] for place in found.account}, count

    living, count = scored(plan.rules)
    everybody, _ = scored(replace(plan.rules, active_within_days=None))
    if plan.rules.active_within_days is not None:
        assert count.silent == len(everybody - living)
    return plan, living, everybody - living


def publish_scores(accounts, population):
    rows = [(account, 0.1, 90.0, "low", AS_OF, "model") for account in sorted(accounts)]
    details = [
        (account, json.dumps({"60": 0.1}), 400.0, 30.0, "quiet", None, None, None, None, None, None)
        for account in sorted(accounts)
    ]
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: rows,
        publication=Publication(
            AS_OF, "model", "account_churn", "run", len(rows), population=population
        ),
        policy=publish_policy(max_count_change=9.0),
        details=Details(lambda: details, 60),
    )


def told(capsys, *arguments, code=0):
    capsys.readouterr()
    assert run_cli([*arguments]) == code
    return capsys.readouterr()


@pytest.mark.parametrize("rows_after_churn", ["back", "final"])
def test_the_list_is_of_those_that_a_run_leaves_out(simulated_database, capsys, rows_after_churn):
    execute(simulated_database, ECHO)
    plan, living, silent = read(active_within_days=60, rows_after_churn=rows_after_churn)
    assert len(living) > 50
    assert len(silent) > (15 if rows_after_churn == "final" else 50)
    population = {
        "active_within_days": plan.rules.active_within_days,
        "why": None,
        "silent": len(silent),
        "silent_accounts": "listed",
        "rows_after_churn": rows_after_churn,
    }
    publish_scores(living, population)
    found = json.loads(told(capsys, "accounts", "--silent", "--json").out)
    assert {one["account_id"] for one in found["accounts"]} == silent
    assert found["matching"] == len(silent)
    assert found["population"] == population
    ages = [one["days_since_last_event"] for one in found["accounts"]]
    assert ages == sorted(ages, reverse=True)
    assert min(ages) > 60
    lines = told(capsys, "accounts", "--silent", "--limit", "3").out.splitlines()
    assert lines[0].startswith(f"{len(silent)} accounts without feedback for more than 60 days")
    assert lines[-1].startswith(f"... and {len(silent) - 3} more")
    rows = list(csv.DictReader(io.StringIO(told(capsys, "accounts", "--silent", "--csv").out)))
    assert {row["account_id"] for row in rows} == silent
    one = found["accounts"][0]
    said = told(capsys, "account", one["account_id"], code=2).err
    assert f"was {int(one['days_since_last_event'])} days old as of the last publication" in said
    assert "silent, and not scored, after 60 days (TENS_INSIGHT_ACTIVE_WITHIN_DAYS)" in said


def test_without_a_limit_nobody_is_silent_and_the_list_says_so(simulated_database, capsys):
    _, living, silent = read()
    assert not silent
    assert NO_SCORES in told(capsys, "accounts", "--silent").out
    assert NO_SCORES in told(capsys, "accounts", "--silent", "--csv").err
    publish_scores(living, None)
    assert "No account is too silent to be scored" in told(capsys, "accounts", "--silent").out
    assert "No account is too silent" in told(capsys, "accounts", "--silent", "--csv").err


def test_the_list_takes_no_filter(simulated_database, capsys):
    said = told(capsys, "accounts", "--silent", "--band", "high", code=2).err
    assert "--silent goes with --limit, --csv and --json alone" in said


def test_a_scoring_run_takes_the_limit_that_was_proposed_for_the_newest_publication(
    simulated_database,
):
    plan, living, _ = read(active_within_days="auto")
    assert plan.limit.why is not None
    proposed = {"active_within_days": 77, "why": "said so", "silent": 3}
    rest = {"silent_accounts": "listed", "rows_after_churn": "back"}
    publish_scores(living, proposed | rest)
    plan, _, _ = read(active_within_days="auto")
    assert asdict(plan.limit) == {"days": 77, "why": "said so"}
    assert plan.rules.active_within_days == 77
    publish_scores(living, proposed | rest | {"why": None})
    plan, _, _ = read(active_within_days="auto")
    assert plan.limit.why != "said so"
    assert read(active_within_days=50)[0].limit.days == 50
    training = ReadRequest(
        AS_OF, ("train", "eval", "score"), FeedbackExampleGenConfig(active_within_days="auto")
    )
    publish_scores(living, proposed | rest)
    with exported_snapshot() as snapshot:
        plan = plan_reading(snapshot, training)
        limit = read_active_limit(
            snapshot.connection, training, plan.watermark, AS_OF, plan.label_source
        )
    assert plan.limit == limit
    assert limit.why != "said so"
