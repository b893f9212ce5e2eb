"""`tens-insight accounts`: what is listed, in which order, and in which form."""

import csv
import io
import json
from contextlib import closing
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.account_list import SORTS
from components.publishing.details import Details
from components.publishing.publication import Publication
from components.publishing.publish import publish
from pipeline.cli import run_cli
from pipeline.commands import accounts
from serving_model.served.risk_bands import CONTRACT_BANDS
from tests.components.publishing.policies import publish_policy
from tests.environment import unset_settings

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
ODD = "O'Brien,\n\x1b[31m客户"
FORMULA = "=HYPERLINK(1)"
REASONS = [
    {"group": "tenure", "direction": "lowers", "log_odds": -0.9, "text": "first message long ago"},
    {"group": "topics", "direction": "raises", "log_odds": 0.2, "text": "all are about billing"},
    {"group": "silence", "direction": "raises", "log_odds": 0.6412, "text": "silent for 43 days"},
]
FIRST = {"ACC-1": 0.30, "ACC-2": 0.80, "ACC-3": 0.55, ODD: 0.10}
SECOND = {"ACC-1": 0.35, "ACC-2": 0.80, "ACC-3": 0.90, FORMULA: 0.95, ODD: 0.01}
PLACES = {"ACC-1": ("Enterprise ", "EU"), "ACC-2": ("enterprise", "NA"), FORMULA: ("free", "@x")}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))


def publish_day(day, probabilities, reasons=REASONS):
    as_of, model = AS_OF + timedelta(days=day), f"model-{day}"
    named = CONTRACT_BANDS.categories(list(probabilities.values()), list(probabilities)).tolist()
    rows = [
        (account, p, 100 * (1 - p), category, as_of, model)
        for (account, p), category in zip(probabilities.items(), named, strict=True)
    ]
    given = [
        (
            *(account, json.dumps({"60": p}), 400.0 + 9 * p, 30 * p, "quiet", -2.4, 0.05),
            *(json.dumps(reasons), "[]", *PLACES.get(account, (None, None))),
        )
        for account, p in probabilities.items()
    ]
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: rows,
        publication=Publication(as_of, model, "none", f"run-{day}", len(rows)),
        policy=publish_policy(max_count_change=9.0),
        details=Details(lambda: given, 60),
    )


@pytest.fixture
def world(migrated_database):
    publish_day(0, FIRST)
    publish_day(7, SECOND)
    return migrated_database


def told(capsys, *arguments, code=0):
    assert run_cli(["accounts", *arguments]) == code
    return capsys.readouterr()


def listed(capsys, *arguments):
    found = json.loads(told(capsys, *arguments, "--json").out)
    return [one["account_id"] for one in found["accounts"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [FORMULA, "ACC-3", "ACC-2", "ACC-1", ODD]),
        (["--band", "critical"], [FORMULA, "ACC-3", "ACC-2"]),
        (["--band", "medium, Low"], ["ACC-1", ODD]),
        (["--tier", "enterprise"], ["ACC-2", "ACC-1"]),
        (["--tier", " ENTERPRISE,free", "--region", "na"], ["ACC-2"]),
        (["--new"], [FORMULA]),
        (["--new", "--band", "critical"], [FORMULA, "ACC-3"]),
        (["--new", "--band", "critical,high"], [FORMULA]),
        (["--moved-by", "0.05"], ["ACC-3", "ACC-1", ODD]),
        (["--moved-by", "9%", "--sort", "moved"], ["ACC-3", ODD]),
        (["--sort", "account"], [FORMULA, "ACC-1", "ACC-2", "ACC-3", ODD]),
        (["--sort", "silence", "--limit", "2"], [FORMULA, "ACC-3"]),
        (["--limit", "0", "--sort", "tenure"], [FORMULA, "ACC-3", "ACC-2", "ACC-1", ODD]),
    ],
)
def test_what_is_asked_for_is_listed(world, capsys, arguments, expected):
    assert listed(capsys, *arguments) == expected


def test_the_table_fits_and_cannot_steer_the_terminal(world, capsys):
    out = told(capsys).out
    assert "\x1b" not in out
    assert r"O'Brien,\n\x1b[31m客户" in out.replace("\n", "").replace(" ", "")
    assert max(map(len, out.splitlines())) <= 80
    head = "5 of 5 accounts, publication 2 as of 2026-06-08 00:00 UTC; moved since 1"
    assert out.splitlines()[0] == head


def test_a_row_says_what_changed_and_why(world, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    lines = [line.split("  ") for line in told(capsys).out.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    reason = "×1.9 silent for 43 days"
    assert ["ACC-3", "90.0%", "critical (was high)", "+35.0", "-", "-", "quiet", reason] in rows
    assert ["ACC-2", "80.0%", "critical", "+0.0", "enterprise", "NA", "quiet", reason] in rows
    assert [FORMULA, "95.0%", "critical", "new", "free", "@x", "quiet", reason] in rows


def test_csv_is_whole_and_computes_nothing(world, capsys):
    out = told(capsys, "--csv").out
    assert "\x1b" not in out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["account_id"] for row in rows] == [
        "'=HYPERLINK(1)", "ACC-3", "ACC-2", "ACC-1", r"O'Brien,\n\x1b[31m客户",
    ]  # fmt: skip
    assert rows[0]["region"] == "'@x"
    assert float(rows[3]["moved"]) == pytest.approx(0.05)
    assert rows[1]["first_reason"] == "silent for 43 days"
    assert rows[1]["first_reason_factor"] == "×1.9"
    assert rows[0]["former_probability"] == ""
    assert rows[1]["as_of"] == "2026-06-08T00:00:00+00:00"


def test_a_list_that_is_cut_says_so(world, capsys):
    assert told(capsys, "--limit", "2").out.splitlines()[-1].startswith("... and 3 more; --limit 0")
    assert json.loads(told(capsys, "--limit", "2", "--json").out)["matching"] == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--band", "urgent"], "'urgent' is none of critical, high, medium, low"),
        (["--band", ","], "is empty"),
        (["--tier", "enterprize"], "No account has the customer tier 'enterprize'. Did you mean"),
        (["--region", "APAC"], "There are '@x', 'EU', 'NA'"),
        (["--moved-by", "5"], "is no change of a probability"),
        (["--moved-by", "nan"], "is no change of a probability"),
        (["--sort", "name"], "'name' is not one of"),
        (["--csv", "--json"], "exclude each other"),
        (["--limit", "-1"], "-1 is not in the range"),
    ],
)
def test_what_cannot_be_asked_for_is_a_usage_error(world, capsys, arguments, said):
    assert said in told(capsys, *arguments, code=2).err


def test_before_and_after_the_first_publication(migrated_database, capsys):
    assert "No account has a score yet" in told(capsys).out
    assert "No account has a score yet" in told(capsys, "--csv").err
    publish_day(0, FIRST)
    assert listed(capsys, "--new") == ["ACC-2", "ACC-3", "ACC-1", ODD]
    assert "none before it, so all are new" in told(capsys).out


def test_a_former_state_that_was_dropped_is_said(world, capsys):
    with closing(psycopg2.connect(world)) as one, one, one.cursor() as cursor:
        cursor.execute("UPDATE tens_insight.publications SET dropped_up_to = 2")
    assert "were dropped from the history" in told(capsys, "--new", code=2).err
    assert "no longer known" in told(capsys).out


def test_rows_of_another_writer_have_no_details(world, capsys):
    with closing(psycopg2.connect(world)) as one, one, one.cursor() as cursor:
        cursor.execute("UPDATE public.account_risk_scores SET churn_probability = 0.36, "
                       "health_score = 64 WHERE account_id = 'ACC-1'")  # fmt: skip
    (found,) = json.loads(told(capsys, "--band", "medium", "--json").out)["accounts"]
    assert (found["account_id"], found["reasons"], found["tenure_days"]) == ("ACC-1", None, None)


def test_the_orders_on_the_command_line_are_those_there_are():
    assert set(accounts.SORTS) == set(SORTS)
