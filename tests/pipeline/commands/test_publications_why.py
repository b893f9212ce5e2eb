"""`tens-insight publications diff --why`: the parts of the change of the mean."""

import json

import pytest

from pipeline.cli import run_cli
from tests.components.contributions.scored import Scored, publish_day, recorded_day
from tests.environment import unset_settings


@pytest.fixture(autouse=True)
def world(migrated_database, monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    recorded_day(0, {"a": Scored([0.5, 0, 0]), "gone": Scored([3, 0, 0])})
    recorded_day(1, {"a": Scored([1.5, 0, -0.2]), "new": Scored([0, 0, 0])})
    recorded_day(2, {"a": Scored([1.5, 0, 0])}, "model-2")
    publish_day(3, {"a": Scored([1.5, 0, 0])})


def diff(capsys, *arguments, code=0):
    assert run_cli(["publications", "diff", *arguments]) == code
    return capsys.readouterr()


def test_the_parts_add_up(capsys):
    found = json.loads(diff(capsys, "1", "2", "--why", "--json").out)
    why = found["why"]
    assert sum(one["change"] for one in why["parts"]) == pytest.approx(why["change"], abs=1e-12)
    means = [side["mean_probability"] for side in found["sides"]]
    assert why["change"] == pytest.approx(means[1] - means[0], abs=1e-6)
    assert {one["account_id"] for one in why["carriers"]} == {"a", "gone", "new"}


def test_they_are_shown(capsys):
    out = diff(capsys, "1", "2", "--why").out
    for words in (
        "Why the mean score changed from 2026-06-01 00:00 UTC (publication 1) to",
        "accounts that came",
        "accounts that left",
        "silence",
        "1 in both",
        "The 3 accounts that carry most",
    ):
        assert words in out
    assert "another model (model-1, then model-2)" in diff(capsys, "2", "3", "--why").out
    assert "Why" not in diff(capsys, "1", "2").out


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("1", "4"), "publication 4 are made of is not kept"),
        (("1", "now"), "two publications, by their numbers"),
    ],
)
def test_what_cannot_be_told_is_a_usage_error(capsys, names, said):
    assert said in diff(capsys, *names, "--why", code=2).err
