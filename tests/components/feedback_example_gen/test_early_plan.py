"""A reading that is planned while TFX is loaded is the one that the node would plan."""

import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from components.errors import ContractBroken
from components.feedback_example_gen import early_plan
from components.feedback_example_gen.early_plan import planned_early, planned_reading
from components.feedback_example_gen.request import ReadRequest

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tens-insight snapshot' "
OPEN += "AND datname = current_database()"


@pytest.fixture
def world(feedback: Any) -> Any:
    feedback.add(
        {"account_id": f"ACC-{number}", "created_at": AS_OF - timedelta(days=age)}
        for number in range(3)
        for age in (3, 20, 80)
    )
    return feedback


@pytest.fixture
def request_(example_gen_properties: Any) -> ReadRequest:
    return ReadRequest.from_properties(example_gen_properties(splits=["score"]))


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the threads that planned."""
    names: list[str] = []
    plan = early_plan.plan_reading

    def noted(*of: Any) -> Any:
        names.append(threading.current_thread().name)
        return plan(*of)

    monkeypatch.setattr(early_plan, "plan_reading", noted)
    return names


def no_snapshot_is_open(world: Any) -> bool:
    """Tells whether none is left; a server ends a session a moment after its client has."""
    until = time.monotonic() + 30
    while world.execute(OPEN) != [(0,)]:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def written(folder: Path) -> list[bytes]:
    (path,) = (folder / "Split-score").iterdir()
    return list(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator())


def test_the_node_takes_the_plan_and_its_snapshot(
    world: Any, request_: ReadRequest, planned: list[str], write_examples: Any, tmp_path: Path
) -> None:
    with planned_early(request_):
        while not early_plan._begun[0].ended.wait(30):
            pass
        # What is written after the snapshot belongs to the next run.
        world.add([{"account_id": "ACC-9", "created_at": AS_OF - timedelta(days=1)}])
        early = write_examples(tmp_path / "early", splits=["score"])
        assert no_snapshot_is_open(world)
        late = write_examples(tmp_path / "late", splits=["score"])
    assert planned == ["early plan", "MainThread"]
    assert len(written(Path(early.uri))) == 3
    assert len(written(Path(late.uri))) == 4


@pytest.mark.parametrize("ends_first", ["plan", "block"])
def test_a_plan_that_nobody_takes_leaves_no_snapshot(
    world: Any,
    request_: ReadRequest,
    planned: list[str],
    ends_first: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on, plan = threading.Event(), early_plan.plan_reading

    def held(*of: Any) -> Any:
        if threading.current_thread().name == "early plan":
            assert go_on.wait(30)
        return plan(*of)

    monkeypatch.setattr(early_plan, "plan_reading", held)
    other = ReadRequest(AS_OF - timedelta(days=1), request_.splits, request_.config)
    with planned_early(request_):
        (early,) = early_plan._begun
        if ends_first == "plan":
            go_on.set()
            assert early.ended.wait(30)
        with planned_reading(other) as (_, found):
            assert found.as_of == other.as_of
    go_on.set()
    assert early.ended.wait(30)
    for thread in threading.enumerate():
        if thread.name == "early plan":
            thread.join(30)
    assert no_snapshot_is_open(world)


def test_where_it_failed_the_node_plans_and_tells(
    world: Any, request_: ReadRequest, planned: list[str]
) -> None:
    world.execute("ALTER TABLE feedback_enriched DROP COLUMN region")
    with (
        planned_early(request_),
        pytest.raises(ContractBroken, match="region"),
        planned_reading(request_),
    ):
        pass
    assert planned == ["early plan", "MainThread"]
    assert no_snapshot_is_open(world)
