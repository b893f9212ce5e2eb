"""Checks and gate on what ExampleGen, StatisticsGen and ExampleValidator really hand on."""

import copy
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tfx.components.example_validator.executor import Executor as ValidatorExecutor
from tfx.types import standard_artifacts

from components.data_checker.config import DataCheckerConfig
from components.data_checker.executor import Executor as Checker
from components.data_gate.executor import Executor as Gate
from components.errors import DataGateStopped
from components.registry.artifacts import DataGateDecision
from components.statistics_gen.executor import Executor as StatisticsExecutor
from tests.components.exec_properties import exec_properties
from transforms.schema import schema_path

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
CONFIG = DataCheckerConfig(min_accounts=20, min_churned=3, max_feedback_age_days=2)

Row = dict[str, Any]
INF = (float("-inf"), float("inf"))
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


pytestmark = pytest.mark.slow  # each runs three components of TFX


@pytest.fixture(scope="session")
def describe(beam_executor: Callable[[type], Any], write_examples: Callable[..., Any]) -> Describe:
    """Makes the gate's inputs as the pipelines do: with or without ExampleValidator."""

    def make(folder: Path, splits: tuple[str, ...] = ("train", "eval", "score"), **changes: Any):
        examples = write_examples(folder / "examples", splits=splits, **changes)
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
    migrated_template: str,
    make_feedback: Callable[[str], Any],
    describe: Describe,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SimpleNamespace]:
    """The inputs of a sound world, made once."""
    name = postgres_server.create_database(migrated_template)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", postgres_server.url(name))
        make_feedback(postgres_server.url(name)).add(world())
        yield describe(tmp_path_factory.mktemp("sound"))
    postgres_server.drop_database(name)


def gate(
    inputs: Inputs, folder: Path, actions: dict[str, str] | None = None, **thresholds: float
) -> list[Row]:
    """Runs checks and gate, and returns what the checks wrote down."""
    decision = DataGateDecision()
    decision.uri = str(folder / "decision")
    config = replace(CONFIG, data_checks=actions or {}, **thresholds)
    Checker().Do(inputs, {"decision": [decision]}, exec_properties(config))
    Gate().Do({"decision": [decision]}, {}, {})
    return written(folder)


def written(folder: Path) -> list[Row]:
    """Returns the decision, whose checks have names of their own and say why they failed."""
    checks = json.loads((folder / "decision" / "decision.json").read_text())
    assert len({check["name"] for check in checks}) == len(checks)
    assert {check["verdict"] for check in checks} <= {"passed", "warned", "stopped", "skipped"}
    assert all(bool(check["message"]) is (check["verdict"] != "passed") for check in checks)
    for check in checks:
        ends = check["low"], check["high"]
        if check["verdict"] != "skipped" and ends != (None, None):
            low, high = (
                end if end is not None else inf for end, inf in zip(ends, INF, strict=True)
            )
            assert (low <= check["found"] <= high) is (check["verdict"] == "passed"), check
    return checks


def names(checks: list[Row], verdict: str) -> set[str]:
    return {check["name"] for check in checks if check["verdict"] == verdict}


def stopped(
    inputs: Inputs, folder: Path, actions: dict[str, str] | None = None, **thresholds: float
) -> tuple[str, set[str]]:
    """Returns the message of a stopped run, and the names of the checks that stopped it."""
    with pytest.raises(DataGateStopped) as raised:
        gate(inputs, folder, actions, **thresholds)
    checks, message = written(folder), str(raised.value)
    assert message.startswith("The data gate stopped the run: ")
    for check in checks:
        assert (check["message"] in message) is (check["verdict"] in ("stopped", "warned")) or (
            check["verdict"] in ("passed", "skipped")
        )
    return message, names(checks, "stopped")


def test_sound_data_pass_every_check(sound: Inputs, tmp_path: Path) -> None:
    checks = gate(sound, tmp_path)
    assert names(checks, "stopped") == names(checks, "warned") == set()
    groups = list(dict.fromkeys(check["group"] for check in checks))
    assert groups[:2] == ["size", "freshness"]
    of_rows = [
        check["name"] for check in checks if check["group"] in ("size", "freshness", "schema")
    ]
    assert of_rows == [
        "train: examples",
        "train: churned",
        "train: stayed",
        "eval: examples",
        "eval: churned",
        "eval: stayed",
        "score: examples",
        "days since the newest feedback",
        "train: schema",
        "eval: schema",
        "score: schema",
    ]
    found = {check["name"]: check["found"] for check in checks}
    examples = sound["examples"][0]
    assert found["train: examples"] == examples.get_int_custom_property("train_examples")
    assert found["days since the newest feedback"] == 1.5
    assert len(names(checks, "passed")) > 40


@pytest.mark.parametrize(
    ("limits", "failed", "reason"),
    [
        (
            {"min_accounts": 31},
            {"eval: examples"},
            r"the split eval has \d+ examples, at least 31 .*TENS_INSIGHT_MIN_ACCOUNTS",
        ),
        (
            {"min_churned": 16},
            {"train: churned", "eval: churned", "eval: stayed"},
            r"in the split eval only \d+ examples churned, at least 16 .*TENS_INSIGHT_MIN_CHURNED",
        ),
    ],
)
def test_thin_data_stop_the_run(
    sound: Inputs, tmp_path: Path, limits: dict[str, int], failed: set[str], reason: str
) -> None:
    message, names = stopped(sound, tmp_path, **limits)
    assert names <= failed
    assert names >= {name for name in failed if name.startswith(("eval: sn", "eval: ch"))}
    assert re.search(reason, message)


def aged(inputs: Inputs) -> Inputs:
    """Returns inputs whose newest feedback is two days old, and a little more."""
    examples = copy.deepcopy(inputs["examples"][0])
    examples.set_string_custom_property("newest_feedback", ago(2.5).isoformat())
    return {**inputs, "examples": [examples]}


def test_stale_data_stop_the_run(sound: Inputs, tmp_path: Path) -> None:
    message, names = stopped(aged(sound), tmp_path, max_feedback_age_days=1)
    assert names == {"days since the newest feedback"}
    assert re.search(
        r"2 days older than as_of \(2024-06-01\), at most 1 .*"
        "check the ETL.*TENS_INSIGHT_MAX_FEEDBACK_AGE_DAYS",
        message,
    )


def test_the_bars_themselves_still_pass(sound: Inputs, tmp_path: Path) -> None:
    facts = sound["examples"][0]
    fewest = min(facts.get_int_custom_property(f"{split}_examples") for split in ("train", "eval"))
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
    assert failed == {"train: churned", "eval: churned", "churn rows that match no account"}
    assert "in the split train only 0 examples churned, at least 3 are needed" in message


def test_nobody_left_to_score_stops_the_run(
    feedback: Any, describe: Describe, tmp_path: Path
) -> None:
    feedback.add(world())
    feedback.churn((f"ACC-{account}", ago(0.1)) for account in range(30))
    inputs = describe(tmp_path, splits=("score",))
    assert "anomalies" not in inputs
    message, failed = stopped(inputs, tmp_path)
    assert failed == {"score: examples"}
    assert "no account is left to score" in message


def test_scoring_alone_is_validated_too(feedback: Any, describe: Describe, tmp_path: Path) -> None:
    feedback.add(world(sentiment="positive"))
    inputs = describe(tmp_path / "sound", splits=("score",))
    rows = ("size", "freshness", "schema")
    assert [check["name"] for check in gate(inputs, tmp_path) if check["group"] in rows] == [
        "score: examples",
        "days since the newest feedback",
        "score: schema",
    ]
    feedback.execute("UPDATE feedback_enriched SET priority = 9 WHERE account_id = 'ACC-2'")
    inputs = describe(tmp_path / "broken", splits=("score",))
    message, failed = stopped(inputs, tmp_path)
    assert failed == {"score: schema, event_priority"}
    assert "event_priority breaks the schema" in message


def test_few_accounts_are_measured_but_raise_no_drift_alarm(sound: Inputs, tmp_path: Path) -> None:
    checks = gate(sound, tmp_path)
    compared = [check for check in checks if check["group"] in ("drift", "skew", "unseen")]
    assert len(compared) == 3 * 14 + 2 * 5
    assert {check["verdict"] for check in compared} == {"skipped"}
    assert all("too few: 30 accounts in " in check["message"] for check in compared)
    assert all(isinstance(check["found"], float) for check in compared)


@pytest.fixture(scope="module")
def changed(
    postgres_server: Any,
    migrated_template: str,
    make_feedback: Callable[[str], Any],
    describe: Describe,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Inputs]:
    """From 8 days before as_of on a source has another name, areas are lost, a region is new."""
    name = postgres_server.create_database(migrated_template)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", postgres_server.url(name))
        feedback = make_feedback(postgres_server.url(name))
        feedback.add(world())
        feedback.execute(
            "UPDATE feedback_enriched SET source = 'fax', product_area = '', region = 'ANZ' "
            "WHERE created_at >= %s",
            ago(8),
        )
        yield describe(tmp_path_factory.mktemp("changed"))
    postgres_server.drop_database(name)


def test_a_change_warns_by_default_and_the_run_goes_on(
    changed: Inputs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checks = gate(changed, tmp_path, min_drift_accounts=20)
    warned = names(checks, "warned")
    assert warned >= {
        "score against train: event_source",
        "score against eval: event_source",
        "score: unseen event_source",
        "score: unseen region",
        "score: missing event_product_area",
    }
    assert not any("eval against train: event_source" in name for name in warned)
    assert names(checks, "stopped") == set()
    logged = {record.getMessage() for record in caplog.records if record.levelname == "WARNING"}
    assert all(any(name in line for line in logged) for name in warned)


def test_a_change_stops_by_setting_and_warnings_are_named_too(
    changed: Inputs, tmp_path: Path
) -> None:
    actions = {"missing": "stop", "drift": "off", "skew": "off"}
    message, failed = stopped(changed, tmp_path, actions, min_drift_accounts=20)
    assert failed == {"score: missing event_product_area"}
    first, besides = message.split(". It also warns: ")
    assert "event_product_area in the split score are missing or empty" in first
    assert "'ANZ'" in besides
    assert "'fax'" in besides
    switched_off = [check for check in written(tmp_path) if "switched off" in check["message"]]
    assert {check["group"] for check in switched_off} == {"drift", "skew"}


@pytest.mark.parametrize("group", ["drift", "skew", "unseen"])
def test_each_comparison_stops_by_setting(changed: Inputs, tmp_path: Path, group: str) -> None:
    _, failed = stopped(changed, tmp_path, {group: "stop"}, min_drift_accounts=20)
    groups = {check["name"]: check["group"] for check in written(tmp_path)}
    assert {groups[name] for name in failed} == {group}


def test_stale_feedback_may_warn(sound: Inputs, tmp_path: Path) -> None:
    checks = gate(aged(sound), tmp_path, {"freshness": "warn"}, max_feedback_age_days=1)
    assert names(checks, "warned") == {"days since the newest feedback"}


@pytest.fixture
def scored(feedback: Any, describe: Describe, tmp_path: Path) -> Inputs:
    """A scoring run after a publication, since which rows and accounts are gone."""
    rows = feedback.add(world(source="fax"))
    there = sum(row["created_at"] < ago(8) for row in rows)
    feedback.execute(
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, feedback_rows, run_id, "
        "published_by) VALUES "
        "(gen_random_uuid(), 'account_risk_scores', %s, 'm', 'inactivity', 60, 0, '{}', %s, "
        "'r', 'test')",
        ago(8),
        there + 50,
    )
    return describe(tmp_path, splits=("score",))


def test_scoring_is_compared_with_the_runs_before(
    sound: Inputs, scored: Inputs, tmp_path: Path
) -> None:
    alone = {check["name"]: check for check in gate(scored, tmp_path, min_drift_accounts=20)}
    not_compared = {
        name for name, one in alone.items() if "there are no statistics of" in one["message"]
    }
    assert not_compared == {
        "skew: score against train",
        "drift: score against eval",
        "unseen: score against train",
    }
    vanished, population = "share of rows that vanished", "change of the accounts to score"
    assert names(list(alone.values()), "warned") == {vanished, population}
    assert "run as of 2024-05-24 read are gone" in alone[vanished]["message"]
    assert alone[population]["found"] == -0.5
    assert "too few" in alone["feedback of the last 7 days"]["message"]
    _, failed = stopped(scored, tmp_path, {"volume": "stop"}, min_drift_accounts=20)
    assert failed == {vanished, population}
    learnt = scored | {"trained_statistics": sound["statistics"]}
    assert names(gate(learnt, tmp_path, min_drift_accounts=20), "warned") >= {
        "score against train: event_source",
        "score against eval: event_source",
        "score: unseen event_source",
    }
