"""`tens-insight movers`: who entered or left a band, for the pipeline's role and for readers."""

import csv
import io
import json
from datetime import timedelta

import pytest

from pipeline.cli import run_cli
from tests.components.contributions.scored import AS_OF, GROUPS, Scored, recorded_day
from tests.contract.conftest import execute, give_grants, roles  # noqa: F401 -- a fixture
from tests.contract.test_grants import INPUTS
from tests.environment import unset_settings

UP = {"calm": Scored([0, 0, 0]), "up": Scored([1, 0, 0]), "gone": Scored([3, 0, 0])}
DAYS = {
    0: UP,
    10: {"calm": Scored([0.1, 0, 0]), "up": Scored([3, 0.1, -0.3]), "down": Scored([2.2, 0, 0])},
    20: {"calm": Scored([0, 0, 0]), "up": Scored([4, 0, 0]), "down": Scored([-1, 0, 0]),
         "=1+1": Scored([5, 0, 0]), "low": Scored([-1, 0, 0])},
}  # fmt: skip


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "150")


@pytest.fixture
def world(migrated_database):
    for day, accounts in DAYS.items():
        recorded_day(day, accounts)
    return migrated_database


def told(capsys, *arguments, code=0):
    assert run_cli(["movers", *arguments]) == code
    return capsys.readouterr()


def as_json(capsys, *arguments):
    return json.loads(told(capsys, *arguments, "--json").out)


def accounts(found):
    return {one["account_id"]: one for one in found["accounts"]}


def test_since_the_publication_before(world, capsys):
    found = as_json(capsys)
    assert (found["before"]["publication_id"], found["after"]["publication_id"]) == (2, 3)
    assert list(accounts(found)) == ["=1+1", "up", "down"]
    up, down, new = (accounts(found)[name] for name in ("up", "down", "=1+1"))
    assert (up["former_category"], up["risk_category"]) == ("high", "critical")
    assert (down["former_category"], down["risk_category"]) == ("medium", "low")
    assert (new["former_category"], new["risk_category"]) == (None, "critical")
    assert new["moved"] is None
    assert set(up["moved_by"]) == {*GROUPS}
    assert sum(up["moved_by"].values()) == pytest.approx(up["moved"], abs=1e-7)
    assert (up["customer_tier"], up["region"]) == ("pro", "EU")


def test_since_a_day(world, capsys):
    """A date stands for the end of that day; between two publications the earlier one counts."""
    for since in (AS_OF, AS_OF + timedelta(days=9)):
        found = as_json(capsys, "--since", f"{since:%Y-%m-%d}")
        assert found["before"]["publication_id"] == 1
        assert found["reaches_back"]
        assert {"gone", "up", "=1+1"} == accounts(found).keys()
        assert accounts(found)["gone"]["risk_category"] is None
    moment = AS_OF + timedelta(days=10) - timedelta(seconds=1)
    assert as_json(capsys, "--since", moment.isoformat())["before"]["publication_id"] == 1
    before = as_json(capsys, "--since", "2026-01-01")
    assert not before["reaches_back"]
    assert before["before"]["publication_id"] == 1
    assert "does not reach back" in told(capsys, "--since", "2026-01-01").out
    nothing = as_json(capsys, "--since", "2026-06-25")
    assert (nothing["before"], nothing["accounts"]) == (None, [])
    assert "Nothing to compare: publication 3" in told(capsys, "--since", "2026-06-25").out


def test_bands_and_limits(world, capsys):
    found = as_json(capsys, "--band", "medium")
    assert list(accounts(found)) == ["down"]
    limited = as_json(capsys, "--limit", "1")
    assert (len(limited["accounts"]), limited["matching"]) == (1, 3)
    assert "... and 2 more" in told(capsys, "--limit", "1").out
    assert list(accounts(as_json(capsys, "--band", "low"))) == ["low", "down"]
    assert "none of critical" in told(capsys, "--band", "hihg", code=2).err
    assert "exclude each other" in told(capsys, "--csv", "--json", code=2).err
    assert "in the future" in told(capsys, "--since", "2999-01-01", code=2).err


def test_the_table(world, capsys):
    lines = told(capsys).out.splitlines()
    assert lines[0] == (
        "3 accounts entered or left critical, high, medium, from publication 2 as of 2026-06-11 "
        "00:00 UTC to publication 3 as of 2026-06-21 00:00 UTC"
    )
    (up,) = (line.split() for line in lines if line.startswith("up "))
    assert up[:5] == ["up", "high", "critical", "81.8%", "+24.3"]
    assert "+20.3 silence, +6.1 volume" in " ".join(up)


def test_csv_is_safe_to_open(world, capsys):
    rows = list(csv.DictReader(io.StringIO(told(capsys, "--csv").out)))
    assert [row["account_id"] for row in rows] == ["'=1+1", "up", "down"]
    assert rows[1]["moved_by"].startswith("'+20.3 silence, +6.1 volume")


def test_what_moved_them_is_told_from_the_nearest_publication_of_the_same_model(
    migrated_database, capsys
):
    recorded_day(0, UP)
    recorded_day(1, UP, "model-2")
    recorded_day(2, DAYS[10], "model-2")
    found = as_json(capsys, "--since", f"{AS_OF:%Y-%m-%d}")
    assert (found["before"]["publication_id"], found["moved_by_since"]["publication_id"]) == (1, 2)
    said = told(capsys, "--since", f"{AS_OF:%Y-%m-%d}").out
    assert "counted from publication 2 as of 2026-06-02 00:00 UTC: another model scored" in said


def test_nothing_published(migrated_database, capsys):
    assert "No account has a score yet" in told(capsys).out
    assert as_json(capsys)["after"] is None
    assert "No account has a score yet" in told(capsys, "--csv").err


def test_a_reader_may_run_it(database, roles, monkeypatch, capsys):  # noqa: F811
    execute(database, INPUTS)
    give_grants(database, roles.names)
    monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 0
    monkeypatch.setenv("DATABASE_URL", roles.pipeline)
    for day, scored in DAYS.items():
        recorded_day(day, scored)
    capsys.readouterr()
    monkeypatch.setenv("DATABASE_URL", roles.reader)
    found = as_json(capsys)
    assert list(accounts(found)) == ["=1+1", "up", "down"]
    assert accounts(found)["up"]["moved_by"]
