"""`tens-insight account`: the account's own history, and what moved it; the parts add up."""

import json

import pytest

from components.contributions.account_moves import KeptParts, nearest
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.undo import undo
from pipeline.cli import run_cli
from pipeline.text.sparkline import sparkline
from tests.components.contributions.scored import (
    AS_OF,
    GROUPS,
    Scored,
    ask,
    publish_day,
    recorded_day,
)
from tests.environment import unset_settings

FEEDBACK = (
    "CREATE TABLE feedback_enriched (id text, created_at timestamptz, source text, "
    "product_area text, sentiment text, priority int, topic text, region text, "
    "customer_tier text, account_id varchar, summary text)"
)


@pytest.fixture(autouse=True)
def world(migrated_database, monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    ask(migrated_database, FEEDBACK)
    return migrated_database


def day(number: int, risk: float, model: str = "model-1") -> dict[str, Scored]:
    scored = {"ACC-1": Scored([risk, 0.5, -risk / 4]), "ACC-2": Scored([0, 0, 0])}
    recorded_day(number, scored, model)
    return scored


def course(capsys, code=2):
    """Publications of these tests have no details, which is exit code 2."""
    assert run_cli(["account", "ACC-1", "--json"]) == code
    return json.loads(capsys.readouterr().out)["course"]


def lines(capsys):
    run_cli(["account", "ACC-1"])
    return capsys.readouterr().out.splitlines()


def test_what_moved_it_adds_up(world, capsys):
    days = {number: day(number, number / 20) for number in (0, 3, 9, 12, 20, 36, 37)}
    found = course(capsys)
    after = days[37]["ACC-1"].p
    last, month = found["since_last"], found["since_month"]
    assert (last["publication_id"], last["days"]) == (6, 1.0)
    # 30 days before is day 7: of those that are kept day 9 is nearest, or another of its week.
    assert month["as_of"] == "2026-06-10 00:00:00+00:00" or month["days"] == 28.0
    for move in (last, month):
        before = days[37 - round(move["days"])]["ACC-1"].p
        assert (move["before"], move["after"]) == pytest.approx((before, after), abs=1e-7)
        assert set(move["groups"]) == {*GROUPS}
        parts = sum(move["groups"].values()) + move["rest"]
        assert parts == pytest.approx(move["after"] - move["before"], abs=1e-12)
        assert abs(move["rest"]) < 1e-6
        assert move["groups"]["silence"] > 0 > move["groups"]["volume"]
        assert move["groups"]["tenure"] == pytest.approx(0, abs=1e-7)
    assert [one["publication_id"] for one in found["scores"]] == list(range(1, 8))


def test_the_text_says_it_and_its_numbers_add_up(world, capsys):
    for number in (0, 30):
        day(number, number / 20)
    said = lines(capsys)
    start = said.index("What moved it since 2026-06-01 00:00 UTC (publication 1, 30 days before)")
    numbers = [float(line.split()[0]) for line in said[start + 1 : start + 5]]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=0.02)
    assert said[start + 1].split()[1] == "silence"
    assert "percent points: 11.9% to" in said[start + 4]
    (drawn,) = (line for line in said if line.startswith("course"))
    assert "▁█" in drawn
    assert "in 2 publications since 2026-06-01" in drawn


def test_another_model_cannot_be_compared(world, capsys):
    day(0, 0.0)
    day(1, 1.0, "model-2")
    found = course(capsys)["since_last"]
    assert found["groups"] == {}
    assert found["former_model"] == "model-1"
    assert found["rest"] == pytest.approx(found["after"] - found["before"])
    assert any("another model, model-1, scored then" in line for line in lines(capsys))


def test_what_is_not_kept_is_not_told(world, capsys):
    publish_day(0, {"ACC-1": Scored([0, 0, 0])})
    publish_day(1, {"ACC-1": Scored([1, 0, 0])})
    found = course(capsys)
    assert (found["since_last"], found["since_month"]) == (None, None)
    assert len(found["scores"]) == 2


def test_undone_scores_do_not_count(world, capsys):
    for number, risk in enumerate((0.0, 2.0)):
        day(number, risk)
    undo(ACCOUNT_RISK_SCORES, reason="a test")
    day(2, 0.5)
    found = course(capsys)
    assert [one["publication_id"] for one in found["scores"]] == [1, 3]
    assert found["since_last"]["publication_id"] == 1


def test_an_account_that_came_today_has_no_past(world, capsys):
    recorded_day(0, {"ACC-2": Scored([0, 0, 0])})
    recorded_day(1, {"ACC-1": Scored([0, 0, 0])})
    found = course(capsys)
    assert (found["since_last"], found["since_month"]) == (None, None)


def test_the_nearest_is_named():
    from datetime import timedelta

    kept = [
        KeptParts(number, AS_OF + timedelta(days=days), "m", 0.1, [], None)
        for number, days in enumerate((0, 4, 8))
    ]
    assert nearest(kept, AS_OF + timedelta(days=5)).publication_id == 1
    assert nearest(kept, AS_OF + timedelta(days=6)).publication_id == 2  # of two the later
    assert nearest(kept, AS_OF - timedelta(days=100)).publication_id == 0


def test_a_course_is_drawn():
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert sparkline([0.3, 0.3]) == "▄▄"
    assert sparkline([0.1, None, 0.2]) == "▁ █"
    assert sparkline([None]) == " "
