"""The measures of arrays that are small enough to be counted by hand."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from components.contributions.shard_rows import GROUPS_KEY
from components.monitor.measures import (
    Watched,
    measure_accounts,
    measure_events,
    measure_scores,
    watched_words,
)
from components.monitor.observed import BLANK, Words, observed_batch, scored_table
from components.monitor.profile import number_distance, profile_of
from components.monitor.profile_file import read_profile, write_profile
from transforms.event_spec import EVENT_LISTS, SCALAR_FLOATS


def batch(accounts):
    """A record batch as tfx_bsl decodes Examples: a list column a feature, None where absent."""
    columns = {name: [[one.get(name, 1.0)] for one in accounts] for name in SCALAR_FLOATS}
    for name in ("customer_tier", "region"):
        columns[name] = [[one.get(name, "x").encode()] for one in accounts]
    events = [one["events"] for one in accounts]
    defaults = {"event_age_days": 1.0, "event_priority": 3}
    for name in EVENT_LISTS:
        default = defaults.get(name, b"word")
        columns[name] = [[two.get(name, default) for two in one] or None for one in events]
    kinds = {"event_age_days": pa.float32(), "event_priority": pa.int64()}
    kinds |= dict.fromkeys(SCALAR_FLOATS, pa.float32())
    arrays = [pa.array(v, pa.list_(kinds.get(k, pa.binary()))) for k, v in columns.items()]
    return pa.RecordBatch.from_arrays(arrays, list(columns))


@pytest.fixture
def observed():
    mail, chat = {"event_source": b"mail"}, {"event_source": b"chat"}
    old, blank = {"event_age_days": 30.0}, {"event_source": b" "}
    return observed_batch(
        [
            batch([{"events": [mail, chat, chat | old], "region": "EU", "tenure_days": 3.0}]),
            batch([{"events": [], "region": "  "}, {"events": [chat, blank], "region": "NA"}]),
        ]
    )


def by_key(measures):
    return {(one.slice_key, one.slice_value, one.column, one.metric): one for one in measures}


def test_examples_become_arrays(observed):
    assert observed.accounts == 3
    assert observed.event_account.tolist() == [0, 0, 0, 2, 2]
    assert observed.event_age.tolist() == [1, 1, 30, 1, 1]
    assert observed.numbers["tenure_days"].tolist() == [3, 1, 1]
    source = observed.event_words["source"]
    assert [source.words[code] if code >= 0 else None for code in source.codes] == [
        "mail", "chat", "chat", "chat", None,
    ]  # fmt: skip
    assert observed.account_words["region"].codes.tolist()[1] == BLANK


def test_events_of_the_window_alone_are_counted(observed):
    known = Watched(("mail", "chat"), frozenset({"chat"}))
    watched = {one: Watched(()) for one in ("sentiment", "area", "topic", "tier", "region")}
    found = by_key(measure_events(observed, watched | {"source": known}))
    assert found["", "", ":table", "events"].value == 4
    assert found["source", "mail", ":table", "share of events"].value == 0.25
    assert found["source", "chat", ":table", "share of events"].value == 0.5
    assert found["", "", "source", "blank"].value == 0.25
    assert found["", "", "source", "unseen"].value == 0.25
    assert ("", "", "topic", "unseen") not in found


def test_words_of_training_are_watched_though_they_are_gone(observed):
    profile = profile_of(observed)
    assert profile.words["source"] == {"chat": 0.6, "mail": 0.2}
    app = {"source": Words(np.zeros(5, int), ("app",))}
    alone = replace(observed, event_words=observed.event_words | app)
    assert watched_words(alone, profile)["source"].words == ("chat", "mail", "app")
    assert watched_words(alone, None)["source"] == Watched(("app",))
    known = {"event_source": frozenset({"chat", "mail", "fax"})}
    assert watched_words(alone, profile, known)["source"].known == known["event_source"]
    assert watched_words(alone, profile, {})["source"].known is None  # its list is not complete


def test_accounts_without_a_fact_are_counted(observed):
    found = by_key(measure_accounts(observed, watched_words(observed, None)))
    assert found["region", "EU", ":table", "share of accounts"].value == pytest.approx(1 / 3)
    expected = np.log1p([3, 1, 1]).mean()
    assert found["", "", "tenure_days", "mean of logarithm"].value == pytest.approx(expected)


def test_distances_are_those_of_the_distribution_functions():
    quantiles = tuple(np.linspace(0, 100, 41))
    uniform = np.linspace(0, 100, 10_001)
    assert number_distance(uniform, quantiles) < 0.001
    assert number_distance(uniform * 0.5, quantiles) == pytest.approx(0.5, abs=0.001)
    assert number_distance(np.full(10, 3.0), (3.0,) * 41) == 0
    assert number_distance(np.r_[np.zeros(30), np.ones(70)], (0.0,) * 21 + (1.0,) * 20) == (
        pytest.approx(0.225, abs=0.03)
    )


def test_the_profile_survives_the_file(observed, tmp_path):
    profile = profile_of(observed, np.array([-2.0, -1.0, 0.0]), "2026-01-01")
    write_profile(str(tmp_path), profile)
    read = read_profile(str(tmp_path))
    assert read == profile
    assert read_profile(str(tmp_path / "elsewhere")) is None
    text = (tmp_path / "assets.extra" / "training_profile.json").read_text()
    assert "account_id" not in text


def test_scores_are_measured_overall_and_by_slice():
    shard = {
        "churn_probability": [0.5] * 30 + [0.1] * 30,
        "silence_state": ["silent"] * 15 + ["active"] * 45,
        "customer_tier": ["pro"] * 30 + [None] * 30,
        "region": ["EU"] * 29 + ["NA"] * 31,
        "contributions": [[0.5, -0.25]] * 30 + [[0.5, 0.0]] * 30,
    }
    groups = {GROUPS_KEY: json.dumps(["silence", "tier"])}
    scored = scored_table(pa.table(shard).replace_schema_metadata(groups))
    found = by_key(measure_scores(scored, {"low": 45, "high": 15}, None))
    assert found["", "", "churn_probability", "mean probability"].value == pytest.approx(0.3)
    assert found["tier", "pro", "churn_probability", "mean log-odds"].value == pytest.approx(0)
    assert ("region", "EU", "churn_probability", "mean log-odds") not in found  # 29 accounts
    assert found["account_state", "silent", ":table", "share of accounts"].value == 0.25
    assert found["risk_category", "high", ":table", "share of accounts"].value == 0.25
    assert found["", "", "silence", "mean contribution"].value == 0.5
    assert found["", "", "tier", "mean contribution"].value == -0.125
