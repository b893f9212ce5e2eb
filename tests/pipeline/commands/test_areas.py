"""`tens-insight areas`: the ranking, its parts, and what other weights would do."""

import contextlib
import json
from datetime import datetime, timezone

import psycopg2
import pytest

from pipeline.cli import run_cli
from pipeline.commands.areas import _LETTERS
from tests.contract.conftest import publish_areas
from tests.environment import unset_settings
from transforms.product_area_impact import SIGNALS, Weights

AS_OF = "2026-06-01"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))


def query(url, statement):
    connection = psycopg2.connect(url)
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def ranking(capsys, *arguments):
    assert run_cli(["areas", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_json_holds_every_pair_with_its_parts(simulated_database, capsys):
    found = ranking(capsys, "--as-of", AS_OF)
    assert (found["as_of"], found["window_days"]) == ("2026-06-01T00:00:00+00:00", 90)
    assert (found["weights"], found["weights_version"], found["what_if"]) == (
        Weights().as_dict(),
        Weights().version(),
        False,
    )
    pairs = query(
        simulated_database,
        "SELECT product_area, customer_tier, count(*) FROM feedback_enriched WHERE created_at < "
        "'2026-06-01+00' AND created_at >= '2026-03-03+00' GROUP BY 1, 2",
    )
    areas = found["areas"]
    assert {(row["product_area"], row["segment"], row["feedback"]) for row in areas} == set(pairs)
    assert [row["rank"] for row in areas] == list(range(1, len(pairs) + 1))
    scores = [row["priority_score"] for row in areas]
    assert scores == sorted(scores, reverse=True)
    for row in areas:
        total = sum(row["contributions"].values())
        assert row["priority_score"] == pytest.approx(total, rel=0, abs=1e-9)
        assert "rank_now" not in row


def test_people_see_a_bar_as_long_as_the_score(simulated_database, capsys):
    areas = ranking(capsys, "--as-of", AS_OF)["areas"]
    assert run_cli(["areas", "--as-of", AS_OF]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.endswith("|")]
    assert len(lines) == len(areas)
    for line, row in zip(lines, areas, strict=True):
        head, bar, _ = line.split("|")
        assert head.split() == [
            str(row["rank"]),
            *f"{row['product_area']} / {row['segment']}".split(),
            f"{row['priority_score']:.1f}",
        ]
        drawn = bar.rstrip()
        assert len(drawn) == int(row["priority_score"] * 40 / 100 + 0.5)
        for signal, letter in _LETTERS.items():
            assert abs(drawn.count(letter) - row["contributions"][signal] * 40 / 100) <= 1


def test_what_if_ranks_anew_and_writes_nothing(simulated_database, capsys):
    now = ranking(capsys, "--as-of", AS_OF)
    found = ranking(
        capsys, "--as-of", AS_OF, "--what-if", "recent_feedback=0.9, enterprise_segment=0"
    )
    weights = Weights().changed({"recent_feedback": 0.9, "enterprise_segment": 0.0})
    assert (found["weights"], found["weights_version"]) == (weights.as_dict(), weights.version())
    ranks = {(row["product_area"], row["segment"]): row["rank"] for row in now["areas"]}
    for row in found["areas"]:
        assert row["rank_now"] == ranks[row["product_area"], row["segment"]]
        assert row["contributions"]["enterprise_segment"] == 0
    assert [row["rank_now"] for row in found["areas"]] != sorted(ranks.values())
    assert query(simulated_database, "SELECT count(*) FROM product_area_impact") == [(0,)]
    assert query(simulated_database, "SELECT count(*) FROM tens_insight.publications") == [(0,)]
    assert run_cli(["areas", "--as-of", AS_OF, "--what-if", "recent_feedback=0.9"]) == 0
    said = capsys.readouterr().out
    assert "What if: nothing is written" in said
    top = max(found["areas"], key=lambda row: row["contributions"]["recent_feedback"])
    assert f"{top['product_area']} / {top['segment']}" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("sentiment=0.4", "no signal 'sentiment'; the signals are feedback_volume"),
        ("negative_sentiment=much", "'negative_sentiment=much' is not signal=number"),
        ("negative_sentiment", "is not signal=number"),
        ("", "is not signal=number"),
        ("negative_sentiment=0.1,negative_sentiment=0.2", "comes twice"),
        ("negative_sentiment=1.5", "alone exceed it"),
        ("negative_sentiment=-0.5", ">= 0"),
        ("negative_sentiment=nan", ">= 0"),
    ],
)
def test_weights_that_are_none_are_a_usage_error(database, capsys, changes, said):
    assert run_cli(["areas", "--what-if", changes]) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_the_settings_count(simulated_database, capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_ENTERPRISE_SEGMENTS", '["free"]')
    monkeypatch.setenv("TENS_INSIGHT_AREA_WINDOW_DAYS", "30")
    found = ranking(capsys, "--as-of", AS_OF)
    assert found["window_days"] == 30
    points = {row["segment"]: row["contributions"]["enterprise_segment"] for row in found["areas"]}
    assert (points["free"], points["enterprise"]) == (15, 0)


def test_without_as_of_it_is_that_of_the_published_areas(simulated_database, capsys, monkeypatch):
    publish_areas(
        simulated_database, monkeypatch, as_of=datetime(2026, 5, 4, 10, tzinfo=timezone.utc)
    )
    query(  # a row of somebody else changes nothing
        simulated_database,
        "INSERT INTO product_area_impact VALUES "
        "('odd', 'free', 1, 1, 0, 0, 0, '2026-05-05 12:00+02', 'weights-1')",
    )
    assert ranking(capsys)["as_of"] == "2026-05-04T10:00:00+00:00"


def test_names_that_would_break_the_line_are_escaped(simulated_database, capsys):
    query(
        simulated_database,
        "UPDATE feedback_enriched SET product_area = E'bil\\nling\\u001b[31m' "
        "WHERE product_area = 'billing'",
    )
    assert run_cli(["areas", "--as-of", AS_OF]) == 0
    said = capsys.readouterr().out
    assert r"bil\nling\x1b[31m / free" in said
    assert "\x1b" not in said


def test_an_empty_window_has_no_pairs(simulated_database, capsys):
    assert run_cli(["areas", "--as-of", "2001-01-01"]) == 0
    assert "0 pairs" in capsys.readouterr().out


def test_help_names_every_signal(capsys):
    assert run_cli(["areas", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(signal in said for signal in SIGNALS)
    assert set(_LETTERS) == set(SIGNALS)
