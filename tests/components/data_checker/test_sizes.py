"""Each check alone, at its threshold and beside it."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.data_checker.config import DataCheckerConfig
from components.data_checker.schema_anomalies import check_anomalies
from components.data_checker.sizes import check_freshness, check_sizes
from tests.components.sample_properties import examples_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)


Checked = Callable[..., list[str]]


@pytest.fixture
def failed(limits: Callable[..., DataCheckerConfig]) -> Checked:
    return lambda **facts: failures(limits(), facts)


def failures(limits: DataCheckerConfig, facts: dict[str, int]) -> list[str]:
    whole = {"train_examples": 300, "train_churned": 50, "eval_examples": 100}
    whole |= {"eval_churned": 10, "score_examples": 1, "score_churned": 0}
    cutoffs = {f"{split}_cutoffs": "" for split in ("train", "eval", "score")}
    checks = check_sizes(
        examples_properties(**whole | cutoffs | facts), ["train", "eval", "score"], limits
    )
    return [check.name for check in checks if check.verdict == "failed"]


def test_enough_is_enough(failed: Checked) -> None:
    assert failed() == []


@pytest.mark.parametrize(
    ("fact", "value", "names"),
    [
        ("train_examples", 99, ["train: examples"]),
        ("eval_examples", 99, ["eval: examples"]),
        ("train_churned", 9, ["train: churned"]),
        ("eval_churned", 9, ["eval: churned"]),
        ("train_churned", 291, ["train: stayed"]),
        ("eval_churned", 91, ["eval: stayed"]),
        ("score_examples", 0, ["score: examples"]),
        ("eval_examples", 0, ["eval: examples", "eval: stayed"]),
    ],
)
def test_one_too_few_fails_by_name(
    fact: str, value: int, names: list[str], failed: Checked
) -> None:
    assert failed(**{fact: value}) == names


@pytest.mark.parametrize(("age", "passed"), [(0, True), (14, True), (14.9, True), (15, False)])
def test_feedback_may_be_so_old(
    age: float, passed: bool, limits: Callable[..., DataCheckerConfig]
) -> None:
    newest = AS_OF - timedelta(days=age)
    check = check_freshness(
        examples_properties(as_of=AS_OF.isoformat(), newest_feedback=newest.isoformat()),
        ["score"],
        limits(),
    )
    assert check.verdict == ("passed" if passed else "failed")
    assert (check.found, check.threshold, check.high) == (age, "< 15", 15)


def test_only_errors_stop() -> None:
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["region"].severity = anomalies_pb2.AnomalyInfo.WARNING
    assert [check.verdict for check in check_anomalies("train", anomalies)] == ["passed"]
    anomalies.anomaly_info["topic"].severity = anomalies_pb2.AnomalyInfo.ERROR
    anomalies.anomaly_info["topic"].short_description = "odd"
    checks = list(check_anomalies("train", anomalies))
    assert [(check.name, check.verdict, check.found) for check in checks] == [
        ("train: schema, topic", "failed", "odd")
    ]


@pytest.mark.parametrize("severity", ["ERROR", "WARNING"])
def test_an_anomaly_of_the_whole_data_set_counts_by_its_severity(severity: str) -> None:
    anomalies = anomalies_pb2.Anomalies()
    anomalies.dataset_anomaly_info.severity = anomalies_pb2.AnomalyInfo.Severity.Value(severity)
    anomalies.dataset_anomaly_info.description = "too few examples"
    (check,) = check_anomalies("eval", anomalies)
    assert check.verdict == ("passed" if severity == "WARNING" else "failed")


def test_missing_data_are_an_error() -> None:
    (check,) = check_anomalies("eval", anomalies_pb2.Anomalies(data_missing=True))
    assert check.verdict == "failed"
    assert "there are no data" in check.message
