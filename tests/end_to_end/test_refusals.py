"""Runs that must publish nothing, and say why."""

import pytest

from pipeline.exit_codes import CHALLENGER_REFUSED, PUBLICATION_REFUSED
from tests.contract.conftest import execute
from tests.end_to_end.conftest import AREAS, SMALLEST_BLESSED
from tests.end_to_end.reviews import agrees_with_the_gate, counted, nodes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def null_installation(postgres_server, tmp_path_factory, installation_with):
    """A world whose churn depends on nothing that anybody wrote."""
    with installation_with(postgres_server, tmp_path_factory.mktemp("null"), "null", 1_000) as made:
        yield made


@pytest.fixture
def no_folder(tmp_path):
    """A path that no folder can have."""
    (tmp_path / "file").touch()
    return str(tmp_path / "file" / "copies")


def _warns_of_the_copy(finished, told, folder):
    problem = finished.summary["report_copy_problem"]
    assert problem.startswith(f"no copy of the evaluation report at {folder}/")
    assert f"Warning: {problem}" in told


def test_a_world_without_signal_is_not_blessed_and_publishes_nothing(
    null_installation, settings_for_small_worlds
):
    finished = null_installation.run(
        "run", "train", "--json", **settings_for_small_worlds, TENS_INSIGHT_MEMBERS="1"
    )
    assert finished.code == 3, finished.err
    assert "NOT BLESSED: auc is 0." in finished.err
    assert "auc above chance is 0." in finished.err
    assert "missed by 0." in finished.err
    gate = finished.summary["gate"]
    assert gate["blessed"] is False
    refused = {check["name"] for check in gate["checks"] if check["verdict"] == "failed"}
    assert {"auc", "auc above chance"} <= refused
    for check in gate["checks"]:
        assert check["name"] in finished.err
    assert "There is no champion" in finished.err
    assert finished.summary["exit"] == 3
    assert finished.summary["published"] == ["Published 18 product areas."]
    ((node, sentence),) = null_installation.query(
        "SELECT failed_node, sentence FROM tens_insight.runs WHERE exit_code = 3"
    )
    assert node == "AccountScorer"
    assert sentence.startswith("There is no champion")
    assert "NOT BLESSED: auc is 0." in sentence
    assert null_installation.query("SELECT count(*) FROM account_risk_scores") == [(0,)]
    published = null_installation.query("SELECT target_table FROM tens_insight.publications")
    assert published == [("product_area_impact",)]
    assert not list((null_installation.state_dir / "serving").rglob("*.pb"))
    review = finished.review
    assert review["decision"]["kind"] == "not blessed"
    agrees_with_the_gate(review, gate)
    assert nodes(review)["AccountScorer"] == "failed"
    assert "no account scores were published" in review["decision"]["consequence"]
    scores = review["accounts"]
    assert (scores["published"], scores["before"]) == (False, None)
    assert scores["after"]["accounts"] == sum(n for _, n in scores["after"]["categories"])
    assert review["missing"] == []


def test_a_run_that_the_data_gate_stops_is_reported(
    null_installation, settings_for_small_worlds, no_folder
):
    too_many = settings_for_small_worlds | {"TENS_INSIGHT_MIN_ACCOUNTS": "100000"}
    finished = null_installation.run(
        "run", "train", "--json", TENS_INSIGHT_REVIEW_DIR=no_folder, **too_many
    )
    assert finished.code == 4, finished.err
    _warns_of_the_copy(finished, finished.err, no_folder)
    review = finished.review
    assert review["decision"]["kind"] == "stopped by the data gate"
    stopped = [one for one in review["data_checks"] if one["verdict"] == "stopped"]
    assert stopped
    for one in stopped:
        assert one["message"] in review["decision"]["sentence"]
        assert "100000" in one["message"]
    assert review["head"]["model_version"] is None
    assert [one["name"] for one in review["splits"]] == ["train", "eval", "score"]
    outcomes = nodes(review)
    assert (outcomes["DataChecker"], outcomes["DataGate"]) == ("done", "failed")
    assert outcomes["ModelTrainer"] == outcomes["AccountScorer"] == "not run"
    assert review["performance"] is review["accounts"] is None
    assert {"performance", "accounts", "importance"} <= dict(review["missing"]).keys()


@pytest.mark.xdist_group(name="wiring")
def test_an_unblessed_challenger_leaves_the_champion_scoring(copied_installation, no_folder):
    unreachable = {"TENS_INSIGHT_MIN_AUC": "0.999", "TENS_INSIGHT_REVIEW_DIR": no_folder}
    finished = copied_installation.run(
        "run", "train", "--strict", "--json", **SMALLEST_BLESSED | unreachable
    )
    assert finished.code == finished.summary["exit_code"] == CHALLENGER_REFUSED, finished.err
    (recorded,) = copied_installation.query(
        "SELECT state, exit_code, sentence FROM tens_insight.runs WHERE run_id = %s",
        finished.summary["run_id"],
    )
    assert recorded[:2] == ("complete", CHALLENGER_REFUSED)
    assert "account scores" in recorded[2]
    assert "The challenger was refused: NOT BLESSED" in recorded[2]
    _warns_of_the_copy(finished, finished.out, no_folder)
    gate = finished.summary["gate"]
    assert gate["blessed"] is False
    assert gate["metrics"]["champion"]["auc"] > 0.5
    refused = [check for check in gate["checks"] if check["verdict"] == "failed"]
    assert [check["name"] for check in refused] == ["auc"]
    assert f"on {gate['eval']['accounts']} accounts" in refused[0]["message"]
    champion = finished.summary["published"]["model_version"]
    assert champion in (
        model_version
        for (model_version,) in copied_installation.query(
            "SELECT model_version FROM tens_insight.publications"
        )
    )
    assert "today's challenger was not blessed" in finished.out
    review = finished.review
    assert review["decision"]["kind"] == "not blessed"
    agrees_with_the_gate(review, gate)
    assert f"scored by the champion {champion}" in review["decision"]["consequence"]
    scores = review["accounts"]
    assert scores["published"] is False
    assert scores["before"]["model_version"] == champion
    rows = copied_installation.query("SELECT * FROM account_risk_scores")
    assert scores["before"]["categories"] == counted(rows)
    assert scores["common"] == scores["after"]["accounts"] == len(rows)


@pytest.mark.xdist_group(name="wiring")
def test_product_areas_that_fail_do_not_hold_the_account_scores_back(
    copied_installation, published_by_scoring
):
    """A trigger refuses what the areas write; everything about accounts is sound."""
    before = copied_installation.query("SELECT count(*) FROM tens_insight.publications")
    areas = copied_installation.query(AREAS)
    execute(
        copied_installation.admin_url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE check_violation USING MESSAGE = 'not today'; END$$",
        "CREATE TRIGGER refuse BEFORE INSERT ON product_area_impact EXECUTE FUNCTION refuse()",
    )
    finished = copied_installation.run("run", "score", "--json", **SMALLEST_BLESSED)
    assert finished.code == PUBLICATION_REFUSED, finished.err
    scores = len(published_by_scoring)
    assert scores > 50
    assert f"Published {scores} account scores." in finished.err
    assert (
        "A trigger of public.product_area_impact ended the publication: not today" in finished.err
    )
    assert copied_installation.query(AREAS) == areas
    ((count,),) = before
    after = copied_installation.query("SELECT count(*) FROM tens_insight.publications")
    assert after == [(count + 1,)]
