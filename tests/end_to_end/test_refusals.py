"""Runs that must publish nothing, and say why."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def null_house(postgres_server, tmp_path_factory, house_with):
    """A world whose churn depends on nothing that anybody wrote."""
    with house_with(postgres_server, tmp_path_factory.mktemp("null"), "null", 1_500) as made:
        yield made


def test_a_world_without_signal_is_not_blessed_and_publishes_nothing(
    null_house, settings_for_small_worlds
):
    finished = null_house.run("run", "train", "--json", **settings_for_small_worlds)
    assert finished.code == 3, finished.err
    assert "NOT BLESSED: auc" in finished.err
    assert "There is no champion" in finished.err
    assert finished.summary["exit"] == 3
    assert null_house.query("SELECT count(*) FROM account_risk_scores") == [(0,)]
    published = null_house.query("SELECT target_table FROM tens_insight.publications")
    assert published == [("product_area_impact",)]
    assert not list((null_house.state_dir / "serving").rglob("*.pb"))


def test_an_unblessed_challenger_leaves_the_champion_scoring(
    house, trained, published_by_scoring, settings_for_small_worlds
):
    finished = house.run(
        "run", "train", "--json", TENS_INSIGHT_MIN_AUC="0.999", **settings_for_small_worlds
    )
    assert finished.code == 0, finished.err
    assert finished.summary["gate"]["blessed"] is False
    champion = finished.summary["published"]["model_version"]
    assert champion in (
        model_version
        for (model_version,) in house.query("SELECT model_version FROM tens_insight.publications")
    )
    assert "today's challenger was not blessed" in finished.out
