"""`tens-insight account`: what it shows, in 80 columns, and how it says that there is nothing."""

import json
import os
from contextlib import closing
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.publication import Publication
from components.publishing.publish import publish
from components.publishing.undo import undo
from pipeline.cli import run_cli
from serving_model.served.risk_bands import RiskBands
from tests.components.publishing.policies import publish_policy
from tests.environment import unset_settings

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
SECRET = "a text that must never be shown"
ODD = "O'Brien\n\x1b[31m客户"
LONG = "nine negative tickets about a topic of many words, " * 4
REASONS = [
    {"group": "silence", "direction": "raises", "log_odds": 0.8412, "text": "silent for 43 days"},
    {"group": "topics", "direction": "raises", "log_odds": 0.2, "text": LONG + "\x1b[31m"},
    {"group": "tenure", "direction": "lowers", "log_odds": -0.3, "text": "with us for 400 days"},
]  # fmt: skip
OTHERS = [
    {"group": "region", "log_odds": -0.25},
    {"group": "recent_tone", "log_odds": 0.3},
    {"group": "rhythm", "log_odds": 0.0001},
]
LIFT = RiskBands("lift", lifts=(1.5, 2.5, 4.0), base_rate=0.08)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))


def execute(statement, *values):
    url = os.environ["DATABASE_URL"]
    with closing(psycopg2.connect(url)) as one, one, one.cursor() as cursor:
        cursor.execute(statement, values or None)


def publish_day(day, probabilities, details=True, reasons=REASONS):
    as_of, model = AS_OF + timedelta(days=day), f"model-{day}"
    named = LIFT.categories(list(probabilities.values()), list(probabilities)).tolist()
    rows = [
        (account, p, 100 * (1 - p), category, as_of, model)
        for (account, p), category in zip(probabilities.items(), named, strict=True)
    ]
    logs = (None, None, None) if reasons is None else (-2.4, 0.05, json.dumps(reasons))
    more = (json.dumps(OTHERS), "pro", "EU") if reasons else (None, None, None)
    given = [
        (account, json.dumps({"30": p / 2, "60": p}), 412.0, 43.2, "quiet", *logs, *more)
        for account, p in probabilities.items()
    ]
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: rows,
        publication=Publication(as_of, model, "none", f"run-{day}", len(rows), bands=LIFT),
        policy=publish_policy(max_count_change=9.0),
        details=Details(lambda: given, 60, horizons_judged=(60,)) if details else None,
    )


@pytest.fixture
def world(migrated_database):
    """Feedback of ACC-1 and ODD, and two publications."""
    execute(
        "CREATE TABLE feedback_enriched (id text, created_at timestamptz, source text, "
        "product_area text, sentiment text, priority int, topic text, region text, "
        "customer_tier text, account_id varchar, summary text)"
    )
    events = [
        (0, "negative", 5), (0, "positive", 1), (3, "negative", 4), (29.9, "neutral", 1),
        (30, "positive", 2), (359.9, "negative", 1), (360, "positive", 3), (500, "neutral", 1),
    ]  # fmt: skip
    for number, (days, sentiment, priority) in enumerate(events):
        _feedback(f"FB-{number}", "ACC-1", days + 1e-4, sentiment, priority)
    _feedback("later", "ACC-1", -0.5, "negative", 5)
    _feedback("at as_of", "ACC-1", 0, "negative", 5)
    _feedback("repeated", "ACC-1", 3 + 1e-4, "negative", 4)
    _feedback("unscored", "ACC-9", 4, "negative", 4)
    publish_day(-7, {"ACC-1": 0.1, ODD: 0.2})
    publish_day(0, {"ACC-1": 0.36, ODD: 0.05, "acc-2": 0.01})
    return migrated_database


def _feedback(id_, account, days, sentiment, priority):
    execute(
        "INSERT INTO feedback_enriched VALUES (%s, %s, 'email', 'billing', %s, %s, 'invoice', "
        "'NA', 'pro', %s, %s)",
        id_, AS_OF - timedelta(days=days), sentiment, priority, account, SECRET,
    )  # fmt: skip


def told(capsys, *arguments, code=0):
    assert run_cli(["account", *arguments]) == code
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    return said


def test_the_score_and_what_stands_behind_it(world, capsys):
    out = told(capsys, "ACC-1").out
    for line in (
        "account      ACC-1",
        "as of        2026-06-01 00:00 UTC",
        "risk         critical: 36.0% churn within 60 days, health 64.0",
        "horizons     18.0% within 30 days (not judged by the gate), 36.0% within 60",
        "compared     above 100.0% of the other accounts, 4.5 times the base rate 8.0%",
        "tenure       412 days; newest feedback 43.2 days before: quiet",
        "model        model-0, publication 2",
        "   ×2.3  silent for 43 days (silence)",
        "  ×0.74  with us for 400 days (tenure)",
        "odds         1 to 11 of an account of mean risk, times the factors above, times",
        "             ×1.05 by others",
        "  2026-05-25 00:00 UTC  10.0%  low  model--7, publication 1",
    ):
        assert line in out.splitlines()
    assert "lift over the base rate 0.080" in out
    assert max(map(len, out.splitlines())) <= 80


def test_what_others_hold_can_be_shown(world, capsys):
    lines = told(capsys, "ACC-1", "--others").out.splitlines()
    start = lines.index("By others")
    assert lines[start + 1 : start + 4] == [
        "   ×1.3  recent tone",
        "  ×0.78  region",
        "  1 more changes the odds by less than 0.01",
    ]
    assert "By others" not in told(capsys, "ACC-1").out.splitlines()
    publish_day(1, {"ACC-1": 0.36}, reasons=[])
    execute("UPDATE tens_insight.account_risk_detail_history SET other_reasons = NULL")
    assert "By others: not recorded" in told(capsys, "ACC-1", "--others").out


def test_the_timeline_counts_what_was_there_before_as_of(world, capsys):
    report = json.loads(told(capsys, "ACC-1", "--json").out)
    counted = {one["period"]: list(one.values())[1:] for one in report["timeline"] if one["events"]}
    assert counted == {
        0: [4, 2, 1, 1, 2],  # the repeated row counts once, as for the model
        1: [1, 0, 0, 1, 0],
        11: [1, 1, 0, 0, 0],
        12: [2, 0, 1, 1, 0],
    }
    assert len(report["timeline"]) == 13
    weeks = json.loads(told(capsys, "ACC-1", "--json", "--by", "week").out)["timeline"]
    assert [one["events"] for one in weeks] == [3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]
    assert " before  none" in told(capsys, ODD).out
    lines = told(capsys, "ACC-1").out.splitlines()
    assert "       0-30     4    2    1    1     2  36.0%  --.+" in lines
    assert "   over 360     2    0    1    1     0      -" in lines


def test_repeated_rows_count_where_the_model_counts_them(world, capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_DUPLICATE_EVENTS", "keep")
    report = json.loads(told(capsys, "ACC-1", "--json").out)
    assert report["timeline"][0]["events"] == 5


def test_many_rows_fit_on_their_line(world, capsys):
    for number in range(200):
        _feedback(f"many-{number}", "ACC-1", 2 + number / 1000, "negative", 1)
    line = next(x for x in told(capsys, "ACC-1").out.splitlines() if " 0-30 " in x)
    assert line.count("-") - 1 == 30
    assert len(line) <= 80


def test_odd_ids_and_words_cannot_steer_the_terminal(world, capsys):
    out = told(capsys, ODD).out
    assert "\x1b" not in out
    assert r"O'Brien\n\x1b[31m客户" in out
    assert json.loads(told(capsys, ODD, "--json").out)["account_id"] == ODD
    assert "No earlier score" not in out


def test_everything_is_in_the_json(world, capsys):
    report = json.loads(told(capsys, "ACC-1", "--json").out)
    assert report["horizon_days"] == "60"
    assert report["details"]["reasons"] == REASONS
    assert report["details"]["risk_bands"]["mode"] == "lift"
    assert [one["churn_probability"] for one in report["earlier"]] == [0.1]


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("ACC-3", "There is no account 'ACC-3': it has neither a score nor feedback."),
        ("ACC-3", "Did you mean 'acc-2' or 'ACC-1'?"),
        ("Acc-2 ", "Did you mean 'acc-2'"),
        ("brien", "Did you mean \"O'Brien"),
        ("ACC-9", "though it has feedback (1 rows) from 2026-05-28 to 2026-05-28"),
        ("%", "There is no account '%': it has neither a score nor feedback."),
        ("", "There is no account ''"),
    ],
)  # fmt: skip
def test_an_unknown_account_is_said(world, capsys, account, said):
    assert said in told(capsys, account, code=2).err
    answer = json.loads(told(capsys, account, "--json", code=2).out)
    assert answer["outcome"] == "UnknownAccount"


def test_a_score_without_details_is_shown_and_said(world, capsys):
    publish_day(1, {"ACC-1": 0.36}, details=False)
    said = told(capsys, "ACC-1", code=2)
    assert "critical: 36.0% churn, health 64.0" in said.out
    assert "published without details" in said.err
    assert "tens-insight run score" in said.err
    answer = json.loads(told(capsys, "ACC-1", "--json", code=2).out)
    assert (answer["details"], answer["score"]["churn_probability"]) == (None, 0.36)


def test_a_model_without_reasons_has_none_to_show(world, capsys):
    publish_day(1, {"ACC-1": 0.36}, reasons=None)
    assert "none: not asked for by the settings (REASONS)" in " ".join(
        told(capsys, "ACC-1").out.split()
    )


def test_what_was_undone_is_not_shown(world, capsys):
    undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    out = told(capsys, "ACC-1").out
    assert "risk         low: 10.0% churn within 60 days" in out
    assert "No earlier score in the history" in out


def test_a_database_of_before_is_told_to_be_migrated(world, capsys):
    execute("DROP VIEW tens_insight.account_risk_details CASCADE")
    assert "tens-insight db init" in told(capsys, "ACC-1", code=7).err


def test_without_the_tables_the_command_says_what_is_missing(database, capsys):
    assert "tens-insight db init" in told(capsys, "ACC-1", code=7).err
