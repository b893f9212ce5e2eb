"""From feedback in a real database to product_area_impact, through both components."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from components.errors import ContractBroken, DataGateStopped, PublicationRefused
from components.feedback_example_gen.executor import Executor as FeedbackExecutor
from components.product_area_scorer.config import ProductAreaScorerConfig
from components.product_area_scorer.executor import Executor
from components.product_area_scorer.impact_file import FILE, impacts_from_json
from components.registry.artifacts import AreaCounts, PublishedAreas
from components.registry.published_properties import PublishedAreasProperties
from tests.components.exec_properties import exec_properties
from transforms.product_area_impact import Weights, area_impacts

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)
BY_HAND = {"rel": 0, "abs": 1e-9}
VERSION = Weights().version()


@pytest.fixture
def score(
    beam_executor: Callable[[type], Any],
    example_gen_properties: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> Callable[..., Any]:
    """Reads the database and publishes; returns the artifact of the areas."""

    def run(as_of: datetime = AS_OF, **changes: Any) -> Any:
        from tfx.types import standard_artifacts

        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        examples, counts, areas = standard_artifacts.Examples(), AreaCounts(), PublishedAreas()
        examples.uri, counts.uri = str(folder / "examples"), str(folder / "counts")
        areas.uri = str(folder / "areas")
        properties = example_gen_properties(splits=["score"], as_of=as_of.isoformat())
        outputs = {"examples": [examples], "area_counts": [counts]}
        beam_executor(FeedbackExecutor).Do({}, outputs, properties)
        executor = Executor(Executor.Context(pipeline_run_id="run-of-the-test"))
        given = exec_properties(ProductAreaScorerConfig(**changes))
        executor.Do({"area_counts": [counts]}, {"areas": [areas]}, given)
        return areas

    return run


@pytest.fixture
def world(feedback: Any) -> Any:
    """billing / enterprise: 4 rows; billing / free: 2 rows; security / free: 1 row."""
    feedback.add(
        [
            *[{"customer_tier": "enterprise", "sentiment": "negative", "priority": 5}] * 3,
            {"customer_tier": "enterprise", "sentiment": "positive", "account_id": None},
            {"customer_tier": "free", "sentiment": "negative", "priority": 4},
            {"customer_tier": "free", "created_at": AS_OF - 30 * DAY},
            {"product_area": "security", "customer_tier": "free", "created_at": AS_OF - 80 * DAY},
            {"product_area": "ui_ux", "created_at": AS_OF - 100 * DAY},
        ]
    )
    return feedback


def table(feedback: Any) -> list[tuple[Any, ...]]:
    return feedback.execute("SELECT * FROM product_area_impact ORDER BY product_area, segment")


def facts(areas: Any) -> dict[str, Any]:
    return PublishedAreasProperties.read(areas).as_json()


def test_the_table_follows_the_rule(world: Any, score: Callable[..., Any]) -> None:
    areas = score()
    rest = (AS_OF, VERSION)
    assert table(world) == [
        ("billing", "enterprise", pytest.approx(100, **BY_HAND), 4, -2 / 5, 3, 3, *rest),
        # .15 x 1/3 + .25 x 1/3 + .20 x 1/3 + .10 x 1/4
        ("billing", "free", pytest.approx(20 + 2.5, **BY_HAND), 2, -1 / 3, 1, 1, *rest),
        ("security", "free", 0.0, 1, 0.0, 0, 0, *rest),
    ]
    found = facts(areas)
    assert datetime.fromisoformat(found.pop("published_at")).utcoffset() == timedelta(0)
    assert found == {
        "as_of": AS_OF.isoformat(),
        "weights_version": VERSION,
        "window_days": 90,
        "rows": 7,
        "unnamed_rows": 0,
        "publication_id": 1,
        "published_count": 3,
        "removed_count": 0,
    }
    log = world.execute(
        "SELECT target_table, as_of, model_version, run_id FROM tens_insight.publications"
    )
    assert log == [("product_area_impact", AS_OF, VERSION, "run-of-the-test")]


def test_the_artifact_explains_every_score(world: Any, score: Callable[..., Any]) -> None:
    found = impacts_from_json((Path(score().uri) / FILE).read_text())
    assert (found.as_of, found.weights, found.window.days) == (AS_OF, Weights(), 90)
    for impact in found.impacts:
        total = sum(impact.contributions.values())
        assert impact.priority_score == pytest.approx(total, **BY_HAND)
    assert len(found.impacts) == 3
    # The rule gives the same again: that is what "what if" begins with.
    again = area_impacts(found.pairs, found.weights, found.enterprise_segments)
    assert tuple(again) == found.impacts


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"as_of": "2024-06-01T00:00:00+00:00"}'])
def test_a_file_of_somebody_else_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"lacks something|Expecting value|must name"):
        impacts_from_json(text)


def test_other_weights_show_in_the_rows(world: Any, score: Callable[..., Any]) -> None:
    score()
    weights = Weights(0, 0, 0, 0, 0, 1)
    score(area_weights=weights.as_dict(), enterprise_segments=("free",))
    assert [(row[2], row[-1]) for row in table(world)] == [
        (0.0, weights.version()),
        (100.0, weights.version()),
        (100.0, weights.version()),
    ]


def test_the_areas_are_those_of_the_runs_snapshot(
    world: Any, score: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that arrives once the snapshot is taken, dated before as_of, is in neither branch."""
    from components.feedback_example_gen import early_plan

    plan_reading = early_plan.plan_reading

    def survey_then_write(snapshot: Any, request: Any) -> Any:
        survey = plan_reading(snapshot, request)
        world.add([{"product_area": "late"}])
        return survey

    monkeypatch.setattr(early_plan, "plan_reading", survey_then_write)
    score()
    assert "late" not in [row[0] for row in table(world)]
    monkeypatch.undo()


def test_pairs_that_vanished_are_removed_or_kept(world: Any, score: Callable[..., Any]) -> None:
    score()
    later = AS_OF + 30 * DAY
    kept = score(later, vanished_areas="keep")
    assert [row[:2] + row[7:8] for row in table(world)] == [
        ("billing", "enterprise", later),
        ("billing", "free", later),
        ("security", "free", AS_OF),
    ]
    assert facts(kept)["removed_count"] == 0
    removed = score(later)
    assert [row[0] for row in table(world)] == ["billing", "billing"]
    assert facts(removed)["removed_count"] == 1


def test_an_empty_window_keeps_the_table_and_says_so(world: Any, score: Callable[..., Any]) -> None:
    score()
    before = table(world)
    found = facts(score(AS_OF + 200 * DAY))
    assert table(world) == before
    assert found["published_count"] == found["removed_count"] == 0
    assert found["not_published"].startswith("no feedback in the 90 days before 2024-12-18 00:00")
    assert "published_at" not in found


@pytest.mark.parametrize("vanished_areas", ["remove", "keep"])
def test_an_empty_window_clears_the_table_where_that_is_meant(
    world: Any, score: Callable[..., Any], vanished_areas: str
) -> None:
    score()
    later = AS_OF + 200 * DAY
    found = facts(score(later, areas_empty_window="clear", vanished_areas=vanished_areas))
    assert table(world) == []
    assert (found["published_count"], found["removed_count"]) == (0, 3)
    assert "not_published" not in found


def test_the_circuit_breaker_gets_its_settings(world: Any, score: Callable[..., Any]) -> None:
    score()
    later = AS_OF + 30 * DAY
    with pytest.raises(PublicationRefused, match="2 rows after 3, a change of 33.3%"):
        score(later, max_count_change=0.3)
    assert len(table(world)) == 3
    score(later, max_count_change=0.3, accept_shift="A reason.")
    assert len(table(world)) == 2


def test_an_older_run_never_replaces_a_newer_one(world: Any, score: Callable[..., Any]) -> None:
    score()
    with pytest.raises(PublicationRefused, match="never replaces a newer one"):
        score(AS_OF - DAY / 2)


def test_rows_that_break_the_contract_are_not_ranked(world: Any, score: Callable[..., Any]) -> None:
    score()
    before = table(world)
    world.add([{"priority": 9}, {"sentiment": "angry"}])
    with pytest.raises(DataGateStopped, match="not ranked: 2 rows of feedback_enriched"):
        score()
    assert table(world) == before


def test_a_missing_table_is_named(world: Any, score: Callable[..., Any]) -> None:
    world.execute("DROP TABLE product_area_impact")
    with pytest.raises(ContractBroken, match="product_area_impact.*db init"):
        score()
