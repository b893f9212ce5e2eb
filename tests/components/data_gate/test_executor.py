"""The gate on what ExampleGen, StatisticsGen and ExampleValidator really hand it."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tfx.components.example_validator.executor import Executor as ValidatorExecutor
from tfx.components.statistics_gen.executor import Executor as StatisticsExecutor
from tfx.types import standard_artifacts

from components.artifacts import DataGateDecision
from components.data_gate.executor import Executor
from components.errors import DataGateStopped
from transforms.schema import schema_path

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
LIMITS = {"min_accounts": 20, "min_churned": 3, "max_feedback_age_days": 2}

Row = dict[str, Any]
Inputs = dict[str, list[Any]]
Describe = Callable[..., Inputs]


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


def world(**changes: Any) -> Iterator[Row]:
    """Thirty accounts that write every five days; a few fall silent now and then."""
    for account in range(30):
        silence = (22, 8)[account % 2] if account % 3 == 0 else 0
        for age in range(80, silence, -5):
            yield {"account_id": f"ACC-{account}", "created_at": ago(age - 3.5)} | changes


@pytest.fixture(scope="session")
def describe(beam_executor: Callable[[type], Any], write_examples: Callable[..., Any]) -> Describe:
    """Makes the gate's inputs as the pipelines do: with or without ExampleValidator."""

    def make(folder: Path, splits: tuple[str, ...] = ("train", "eval", "score"), **changes: Any):
        examples = write_examples(folder / "examples", splits=json.dumps(splits), **changes)
        schema, statistics = standard_artifacts.Schema(), standard_artifacts.ExampleStatistics()
        schema.uri, statistics.uri = str(folder / "schema"), str(folder / "statistics")
        (folder / "schema").mkdir()
        shutil.copy(schema_path(), schema.uri)
        inputs = {"examples": [examples], "schema": [schema]}
        beam_executor(StatisticsExecutor).Do(inputs, {"statistics": [statistics]}, {})
        made = {"examples": [examples], "statistics": [statistics]}
        if "train" in splits:
            anomalies = standard_artifacts.ExampleAnomalies()
            anomalies.uri = str(folder / "anomalies")
            ValidatorExecutor().Do(
                {"statistics": [statistics], "schema": [schema]},
                {"anomalies": [anomalies]},
                {"exclude_splits": '["score"]'},
            )
            made["anomalies"] = [anomalies]
        return made

    return make


@pytest.fixture(scope="module")
def sound(
    postgres_server: Any,
    make_feedback: Callable[[str], Any],
    describe: Describe,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SimpleNamespace]:
    """The inputs of a sound world, made once."""
    name = postgres_server.create_database()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", postgres_server.url(name))
        make_feedback(postgres_server.url(name)).add(world())
        yield describe(tmp_path_factory.mktemp("sound"))
    postgres_server.drop_database(name)


def gate(inputs: Inputs, folder: Path, **limits: int) -> list[dict[str, Any]]:
    """Runs the gate and returns the checks that it wrote down, stopped or not."""
    decision = DataGateDecision()
    decision.uri = str(folder / "decision")
    try:
        Executor().Do(inputs, {"decision": [decision]}, LIMITS | limits)
    finally:
        checks = json.loads((folder / "decision" / "decision.json").read_text())
    return checks


def stopped(inputs: Inputs, folder: Path, **limits: int) -> tuple[str, set[str]]:
    """Returns the message of a stopped run, and the names of the checks that failed."""
    with pytest.raises(DataGateStopped) as raised:
        gate(inputs, folder, **limits)
    checks = json.loads((folder / "decision" / "decision.json").read_text())
    failed = [check for check in checks if not check["passed"]]
    message = str(raised.value)
    assert message.startswith("The data gate stopped the run: ")
    assert all(check["message"] in message for check in failed)
    return message, {check["name"] for check in failed}


def test_sound_data_pass_every_check(sound: Inputs, tmp_path: Path) -> None:
    checks = gate(sound, tmp_path)
    assert all(check["passed"] for check in checks)
    assert [check["name"] for check in checks] == [
        "train: snapshots",
        "train: churned",
        "train: stayed",
        "eval: snapshots",
        "eval: churned",
        "eval: stayed",
        "score: snapshots",
        "age of the newest feedback",
        "train: schema",
        "eval: schema",
        "score: schema",
    ]
    found = {check["name"]: check["found"] for check in checks}
    examples = sound["examples"][0]
    assert found["train: snapshots"] == str(examples.get_int_custom_property("train_snapshots"))
    assert found["age of the newest feedback"] == "1 days"


@pytest.mark.parametrize(
    ("limits", "failed", "reason"),
    [
        (
            {"min_accounts": 31},
            {"eval: snapshots"},
            r"the split eval has \d+ snapshots, at least 31 .*TENS_INSIGHT_MIN_ACCOUNTS",
        ),
        (
            {"min_churned": 16},
            {"train: churned", "eval: churned", "eval: stayed"},
            r"in the split eval only \d+ snapshots churned, at least 16 .*TENS_INSIGHT_MIN_CHURNED",
        ),
        (
            {"max_feedback_age_days": 0},
            {"age of the newest feedback"},
            r"1 days older than as_of \(2024-06-01\), at most 0 .*"
            "check the ETL.*TENS_INSIGHT_MAX_FEEDBACK_AGE_DAYS",
        ),
    ],
)
def test_thin_or_stale_data_stop_the_run(
    sound: Inputs, tmp_path: Path, limits: dict[str, int], failed: set[str], reason: str
) -> None:
    message, names = stopped(sound, tmp_path, **limits)
    assert names <= failed
    assert names >= {name for name in failed if name.startswith(("eval: sn", "eval: ch", "age"))}
    assert re.search(reason, message)


def test_the_bars_themselves_still_pass(sound: Inputs, tmp_path: Path) -> None:
    facts = sound["examples"][0]
    fewest = min(facts.get_int_custom_property(f"{split}_snapshots") for split in ("train", "eval"))
    gate(sound, tmp_path, min_accounts=fewest, max_feedback_age_days=1)
    stopped(sound, tmp_path, min_accounts=fewest + 1)


def test_broken_values_stop_the_run(feedback: Any, describe: Describe, tmp_path: Path) -> None:
    feedback.add(world())
    feedback.add([{"created_at": ago(25), "priority": 9}, {"created_at": ago(1), "priority": 0}])
    feedback.add([{"created_at": ago(15), "sentiment": "furious"}, {"sentiment": "Negative"}])
    message, failed = stopped(describe(tmp_path), tmp_path)
    assert failed == {
        "train: schema, event_priority",
        "eval: schema, event_priority",
        "eval: schema, event_sentiment",
        "score: schema, event_priority",
        "score: schema, event_sentiment",
    }
    assert "in the split eval, event_sentiment breaks the schema" in message
    assert "furious" in message
    assert "schema.pbtxt" in message


def test_one_class_stops_the_run(feedback: Any, describe: Describe, tmp_path: Path) -> None:
    feedback.add(world())
    feedback.churn([("somebody else", ago(5))])
    message, failed = stopped(describe(tmp_path, splits=("train", "eval")), tmp_path)
    assert failed == {"train: churned", "eval: churned"}
    assert "in the split train only 0 snapshots churned, at least 3 are needed" in message


def test_nobody_left_to_score_stops_the_run(
    feedback: Any, describe: Describe, tmp_path: Path
) -> None:
    feedback.add(world())
    feedback.churn((f"ACC-{account}", ago(0.1)) for account in range(30))
    inputs = describe(tmp_path, splits=("score",))
    assert "anomalies" not in inputs
    message, failed = stopped(inputs, tmp_path)
    assert failed == {"score: snapshots"}
    assert "no account is left to score" in message


def test_scoring_alone_is_validated_too(feedback: Any, describe: Describe, tmp_path: Path) -> None:
    feedback.add(world(sentiment="positive"))
    inputs = describe(tmp_path / "sound", splits=("score",))
    assert [check["name"] for check in gate(inputs, tmp_path)] == [
        "score: snapshots",
        "age of the newest feedback",
        "score: schema",
    ]
    feedback.execute("UPDATE feedback_enriched SET priority = 9 WHERE account_id = 'ACC-2'")
    inputs = describe(tmp_path / "broken", splits=("score",))
    message, failed = stopped(inputs, tmp_path)
    assert failed == {"score: schema, event_priority"}
    assert "event_priority breaks the schema" in message
