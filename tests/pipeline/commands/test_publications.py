"""`tens-insight publications`: every command on rows that the publisher made."""

import json
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from components.errors import PublicationRefused
from components.postgres.tables import ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT
from components.publishing.publication import NO_LABEL, Publication
from components.publishing.publish import publish
from pipeline.cli import run_cli
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands
from tests.components.publishing.policies import publish_policy
from tests.environment import unset_settings

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
LAX = publish_policy(max_count_change=9.0)
FIRST = {"ACC-1": 0.1, "ACC-2": 0.3, "ACC-3": 0.6, "gone\n\x1b[31m": 0.8}
SECOND = {"ACC-1": 0.9, "ACC-2": 0.35, "ACC-3": 0.6, "new": 0.2}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))


def publish_scores(day, probabilities, policy=LAX, bands=CONTRACT_BANDS):
    as_of, model = AS_OF + timedelta(days=day), f"model-{day}"
    categories = bands.categories(list(probabilities.values()), list(probabilities)).tolist()
    rows = [
        (name, p, 100 * (1 - p), category, as_of, model)
        for (name, p), category in zip(probabilities.items(), categories, strict=True)
    ]
    publication = Publication(as_of, model, "account_churn", f"run-{day}", len(rows), bands=bands)
    return publish(ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=policy)


def publish_areas(day, scores):
    as_of = AS_OF + timedelta(days=day)
    rows = [(name, "pro", p, 9, -0.1, 4, 3, as_of, "weights-1") for name, p in scores.items()]
    publication = Publication(as_of, "weights-1", NO_LABEL, f"run-{day}", len(rows))
    return publish(PRODUCT_AREA_IMPACT, lambda: rows, publication=publication, policy=LAX)


@pytest.fixture
def world(migrated_database):
    """Scores 1 and 2, areas 3, and the refusal r1 of scores."""
    publish_scores(1, FIRST)
    publish_scores(2, SECOND, publish_policy(0.0, 0.0, accept_shift="A new model."))
    publish_areas(2, {"billing": 50.0, "ui_ux": 10.0})
    with pytest.raises(PublicationRefused):
        publish_scores(3, {"ACC-1": 0.9}, publish_policy(0.5))
    return migrated_database


def told(capsys, *arguments):
    assert run_cli(["publications", *arguments]) == 0
    return capsys.readouterr().out


def asked(capsys, *arguments):
    return json.loads(told(capsys, *arguments, "--json"))


def test_the_list_names_all_and_marks_what_the_tables_show(world, capsys, monkeypatch):
    rows = asked(capsys, "list")
    assert [(row["id"], row["kind"], row["short"], row["shown"]) for row in rows] == [
        ("r1", "refused", "scores", False),
        ("3", "published", "areas", True),
        ("2", "published", "scores", True),
        ("1", "published", "scores", False),
    ]
    monkeypatch.setenv("COLUMNS", "250")
    lines = told(capsys, "list").splitlines()[1:]
    assert [line[:6].split() for line in lines] == [["r1"], ["*", "3"], ["*", "2"], ["1"]]
    assert "25/25/25/25" in lines[3]
    assert "shift accepted" in lines[2]
    assert [row["id"] for row in asked(capsys, "list", "--table", "areas")] == ["3"]
    assert len(asked(capsys, "list", "--limit", "2")) == 2


def test_an_empty_list_says_so(migrated_database, capsys):
    assert told(capsys, "list") == "Nothing was published or refused yet.\n"
    assert asked(capsys, "list") == []


def test_show_tells_the_reasons(world, capsys):
    said = told(capsys, "show", "2")
    assert "A new model." in said
    assert "max_mean_shift is 0.0000" in said
    assert "account_churn" in said
    assert "what the table shows" in said
    assert "1 rows after 4, a change of 75.0%" in told(capsys, "show", "r1")
    assert asked(capsys, "show", "3")["table"] == "product_area_impact"


def test_diff_counts_moves_and_names_who_came_and_went(world, capsys):
    found = asked(capsys, "diff", "1", "2")
    assert found["sides"][0]["count"] == found["sides"][1]["count"] == 4
    assert (found["common"], found["changed"]) == (3, 2)
    assert found["mean_move"] == pytest.approx((0.8 + 0.05) / 3)
    assert sorted(found["matrix"]) == [
        ["high", "high", 1],
        ["low", "critical", 1],
        ["medium", "medium", 1],
    ]
    assert [row["key"] for row in found["moved"]] == ["ACC-1", "ACC-2"]
    assert found["appeared"] == {"count": 1, "highest": [["new", 0.2]]}
    assert found["vanished"]["count"] == 1
    assert len(asked(capsys, "diff", "1", "2", "--top", "1")["moved"]) == 1
    assert asked(capsys, "diff", "1", "2", "--top", "0")["vanished"]["count"] == 1
    said = told(capsys, "diff", "1", "2")
    assert r"gone\n\x1b[31m" in said
    assert "\x1b" not in said
    assert "ACC-1" in said
    assert "+0.8000" in said


def test_a_refusal_is_compared_with_the_table_as_it_is(world, capsys):
    found = asked(capsys, "diff", "now", "r1")
    assert (found["common"], found["vanished"]["count"], found["moved"]) == (1, 3, [])
    assert found["names"] == ["now", "r1"]
    areas = asked(capsys, "diff", "3", "now")
    assert (areas["table"], areas["common"], areas["matrix"]) == ("product_area_impact", 2, [])
    assert "2 rows" in told(capsys, "diff", "3", "now")


def test_a_change_of_bands_is_said_first(world, capsys):
    lift = RiskBands("lift", lifts=(1.5, 2.5, 4.0), base_rate=0.2)
    publish_scores(4, SECOND, bands=lift)
    with pytest.raises(PublicationRefused):
        publish_scores(5, {"ACC-1": 0.9}, publish_policy(0.5), bands=lift)
    lines = told(capsys, "diff", "2", "now").splitlines()
    assert lines[0].startswith("The risk bands are not the same")
    assert lines[1].startswith("  2      probability: medium from 0.25")
    assert lines[2].startswith("  now    lift over the base rate 0.200: medium from 1.5x")
    assert asked(capsys, "diff", "2", "r2")["bands_changed"]
    for same in (("now", "r2"), ("1", "2"), ("3", "now")):
        assert not asked(capsys, "diff", *same)["bands_changed"]
        assert "risk bands" not in told(capsys, "diff", *same)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "9"), "There is no 9"),
        (("diff", "1", "9"), "there is no 9"),
        (("diff", "1", "r9"), "there is no r9"),
        (("diff", "now", "now"), "name a publication"),
        (("diff", "2", "3"), "only rows of one table"),
        (("diff", "1", "latest"), "is no publication"),
        (("undo", "9", "--reason", "x"), "There is no publication 9"),
        (("undo", "3", "--table", "scores", "--reason", "x"), "There is no publication 3"),
        (("undo",), "Missing option '--reason'"),
        (("undo", "--reason", " "), "Say why"),
    ],
)
def test_what_is_not_there_is_a_usage_error(world, capsys, arguments, said):
    assert run_cli(["publications", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_undo_tells_what_the_table_holds_now(world, capsys):
    said = told(capsys, "undo", "--reason", "The model was wrong.")
    assert said == (
        "Publication 2 is undone: account_risk_scores holds the state of publication 1 again, "
        "4 rows as of 2026-06-02 00:00 UTC. 4 of them have no details, which are kept for the two "
        "newest publications alone; `tens-insight run score` writes them.\n"
    )
    assert "The model was wrong." in told(capsys, "show", "2")
    assert "undone" in told(capsys, "list")
    assert asked(capsys, "diff", "1", "now")["changed"] == 0
    said = told(capsys, "undo", "3", "--reason", "Too early.")
    assert "product_area_impact is empty, as it was before" in said
    assert run_cli(["publications", "undo", "--table", "areas", "--reason", "Again."]) == 8
    assert "no publication to product_area_impact to undo" in capsys.readouterr().err


def test_undo_refuses_what_others_changed_unless_forced(world, capsys):
    with psycopg2.connect(world) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.account_risk_scores WHERE account_id = 'new'")
    assert run_cli(["publications", "undo", "2", "--reason", "Wrong."]) == 8
    assert "1 rows differ" in capsys.readouterr().err
    assert asked(capsys, "undo", "2", "--reason", "Wrong.", "--force")["rows"] == 4


@pytest.mark.parametrize("kind", ["train", "score"])
def test_a_shift_is_accepted_with_a_reason_only(database, capsys, kind, monkeypatch):
    assert run_cli(["run", kind, "--accept-shift", " "]) == 2
    assert "Say why" in capsys.readouterr().err
    monkeypatch.setenv("TENS_INSIGHT_ACCEPT_SHIFT", "false")
    assert run_cli(["run", kind]) == 6
    assert "expected the reason in words" in capsys.readouterr().err
