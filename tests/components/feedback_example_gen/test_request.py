"""Parameters become typed, and a wrong one is named."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.config import CONFIG, ConfigInvalid
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.examples import ExampleRules
from components.feedback_example_gen.reading.area_counts import AreaWindow
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.feedback_example_gen.request import ReadRequest, parse_as_of
from tests.components.exec_properties import exec_properties

EAST = timezone(timedelta(hours=1))
Properties = Callable[..., dict[str, Any]]


def test_every_parameter_arrives() -> None:
    config = FeedbackExampleGenConfig(
        lookback_days=1,
        horizon_days=2,
        cutoff_interval_days=3,
        max_training_cutoffs=4,
        training_cutoffs=(datetime(2023, 1, 2), datetime(2023, 2, 3, 4, 5, 6, tzinfo=EAST)),
        eval_cutoff=datetime(2023, 12, 31),
        max_events=5,
        label_source="inactivity",
        churn_table="crm.left",
        churn_account_column="customer",
        churn_date_column="day",
        rows_per_bucket=6,
        area_window_days=7,
        critical_priority=3,
        duplicate_events="keep",
    )
    request = ReadRequest.from_properties(
        exec_properties(config, as_of="2024-05-06T07:08:09+02:00", splits='["score"]')
    )
    assert request.as_of == datetime(2024, 5, 6, 5, 8, 9, tzinfo=timezone.utc)
    assert request.splits == ("score",)
    assert request.config == config
    assert request.config.training_cutoffs == (
        datetime(2023, 1, 2, tzinfo=timezone.utc),
        datetime(2023, 2, 3, 3, 5, 6, tzinfo=timezone.utc),
    )
    assert request.config.eval_cutoff == datetime(2023, 12, 31, tzinfo=timezone.utc)
    assert request.rules == ExampleRules(1, 2, 5)
    assert request.churn_source == ChurnSource("crm.left", "customer", "day")
    assert request.area_window == AreaWindow(days=7, critical_priority=3)


@pytest.mark.parametrize("splits", [[], ["train", "test"]])
def test_a_wrong_split_is_named(example_gen_properties: Properties, splits: list[str]) -> None:
    with pytest.raises(ValueError, match=r"splits must be some of .*'train', 'eval', 'score'"):
        ReadRequest.from_properties(example_gen_properties(splits=splits))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("duplicate_events", "drop", "'collapse' or 'keep'"),
        ("label_source", "guess", "'auto', 'account_churn' or 'inactivity'"),
        ("churn_table", "churn; DROP TABLE x", "pattern"),
    ],
)
def test_a_wrong_setting_is_named(
    example_gen_properties: Properties, name: str, value: str, said: str
) -> None:
    properties = example_gen_properties()
    broken = json.dumps(json.loads(properties[CONFIG]) | {name: value})
    with pytest.raises(ConfigInvalid, match=rf"FeedbackExampleGen: .*{name} is {value!r}.*{said}"):
        ReadRequest.from_properties(properties | {CONFIG: broken})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("2024-05-06", datetime(2024, 5, 6, tzinfo=timezone.utc)),
        ("2024-05-06T07:08:09.123456", datetime(2024, 5, 6, 7, 8, 9, 123456, timezone.utc)),
        ("2024-05-06T07:08:09Z", datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)),
        ("2024-05-06T00:30:00+05:30", datetime(2024, 5, 5, 19, tzinfo=timezone.utc)),
    ],
)
def test_moments_are_utc(text: str, moment: datetime | None) -> None:
    parsed = parse_as_of(text)
    assert parsed == moment
    assert parsed is None or parsed.utcoffset() == timedelta(0)


def test_what_is_no_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        parse_as_of("yesterday")
