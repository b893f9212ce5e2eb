"""One account has one state: in its details, among the gate's slices and in its sentence."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.account_scorer import scored_shard as module
from components.account_scorer.explained_part import most_at_risk, spliced
from components.account_scorer.inference import read_scores, score_file
from components.account_scorer.scored_shard import COLUMNS, answered_columns, scored_shard
from components.contributions.secants import log_odds_of
from components.contributions.shard_rows import GROUPS_KEY
from components.model_gate.evaluation_set import read_traits
from components.model_gate.slice_checks import slices
from serving_model.served.predict import ModelScorer
from transforms import event_spec as spec
from transforms.thresholds import STATES

LOOKBACK_DAYS = 30
"""Of the model's card in conftest.py."""

ACCOUNTS = {
    # account: (days since the first event, days since the newest, events), state
    "new": ((29.9, 1.0, 9), "new"),
    "new, one event": ((20.0, 20.0, 1), "new"),
    "active": ((300.0, 2.0, 90), "active"),
    "active, slow": ((300.0, 29.0, 10), "active"),
    "quiet": ((300.0, 20.0, 90), "quiet"),
    "quiet, one event": ((30.0, 30.0, 1), "quiet"),
    "silent": ((300.0, 30.1, 90), "silent"),
    "silent for long": ((400.0, 99.0, 2), "silent"),
}
SAID = {
    "new": "last message ",
    "active": "last message ",
    "quiet": "quiet for ",
    "silent": "silent for ",
}


def example(account: str, tenure: float, last: float, events: int) -> bytes:
    """An example without listed events."""
    texts = {spec.ACCOUNT_ID: account, spec.CUSTOMER_TIER: "pro", spec.REGION: "EU"}
    numbers = dict.fromkeys((*spec.SCALAR_FLOATS, *spec.LIFE_FLOATS), 0.0)
    numbers |= {spec.TENURE_DAYS: tenure, spec.DAYS_SINCE_LAST_EVENT: last}
    numbers[spec.LIFETIME_COUNT] = float(events)
    one = tf.train.Example()
    for name, text in texts.items():
        one.features.feature[name].bytes_list.value.append(text.encode())
    for name, number in numbers.items():
        one.features.feature[name].float_list.value.append(number)
    one.features.feature[spec.CUTOFF].int64_list.value.append(0)
    return one.SerializeToString()


@pytest.fixture(scope="module")
def serialized() -> list[bytes]:
    return [example(account, *facts) for account, (facts, _) in ACCOUNTS.items()]


def test_details_slice_and_sentence_agree(model: Any, serialized: list[bytes]) -> None:
    scorer = ModelScorer(str(Path(model.uri) / "Format-Serving"))
    table = scored_shard(scorer, [tf.constant(serialized)])
    accounts, states = (table[name].to_pylist() for name in ("account_id", "silence_state"))
    details = dict(zip(accounts, states, strict=True))
    assert details == {account: state for account, (_, state) in ACCOUNTS.items()}
    assert set(details.values()) == set(STATES)
    by_slice = dict(slices(read_traits(serialized, LOOKBACK_DAYS)))
    for state in STATES:
        inside = by_slice[f"state {state}"]
        assert [name for name, one in zip(ACCOUNTS, inside, strict=True) if one] == [
            name for name in ACCOUNTS if details[name] == state
        ]
    for account, reasons in zip(ACCOUNTS, table["reasons"].to_pylist(), strict=True):
        (said,) = [one["text"] for one in json.loads(reasons) if one["group"] == "silence"]
        assert said.startswith(SAID[details[account]]), account


def test_a_shard_is_kept_in_the_order_of_its_ids(
    model: Any, serialized: list[bytes], tmp_path: Path
) -> None:
    path = str(tmp_path / "data_tfrecord-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for one in serialized:
            writer.write(one)
    scorer = ModelScorer(f"{model.uri}/Format-Serving")
    assert score_file(scorer, path, str(tmp_path), explained=1.0) == len(ACCOUNTS)
    ((accounts, probabilities),) = read_scores(str(tmp_path))
    assert accounts == sorted(ACCOUNTS) != list(ACCOUNTS)
    given = scored_shard(scorer, [tf.constant(serialized)])
    scores = given.select(["account_id", "churn_probability"]).to_pydict().values()
    assert dict(zip(accounts, probabilities.tolist(), strict=True)) == dict(
        zip(*scores, strict=True)
    )


@pytest.mark.parametrize("explained", [1.0, 0.3, 0.0])
def test_columns_are_the_same_however_many_batches_are_built_at_a_time(
    model: Any, serialized: list[bytes], explained: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = ModelScorer(str(Path(model.uri) / "Format-Serving"))
    batches = [tf.constant([one]) for one in serialized]
    whole = scored_shard(scorer, batches, explained=explained)
    assert whole["account_id"].to_pylist() == list(ACCOUNTS)
    monkeypatch.setattr(module, "_BATCHES", 3)
    assert scored_shard(scorer, batches, explained=explained) == whole
    none = scored_shard(scorer, [], explained=explained)
    assert (none.num_rows, none.schema) == (0, COLUMNS)


@pytest.mark.parametrize("explained", [1.0, 0.3, 0.0])
def test_what_the_champion_said_before_is_not_asked_again(
    model: Any, serialized: list[bytes], explained: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = ModelScorer(str(Path(model.uri) / "Format-Serving"))
    monkeypatch.setattr(module, "_BATCHES", 3)
    batches = [tf.constant([one]) for one in serialized]
    given = scored_shard(scorer, batches, explained=explained)
    known = list(answered_columns(scorer, batches, explains=explained == 1))
    assert len(known) == math.ceil(len(serialized) / 3)
    asked: list[int] = []

    def noted(ask: Any) -> Any:
        def one(part: Any) -> Any:
            asked.append(len(part))
            return ask(part)

        return one

    for name in ("score_batches", "explain_batches"):
        monkeypatch.setattr(scorer, name, noted(getattr(scorer, name)))
    again = scored_shard(scorer, batches, explained=explained, known=known)
    assert again.equals(given)
    assert asked == ([1] if explained == 0.3 else [])  # why about those most at risk, at once


def test_those_most_at_risk_are_explained_as_all_would_be(
    model: Any, serialized: list[bytes]
) -> None:
    scorer = ModelScorer(str(Path(model.uri) / "Format-Serving"))
    batches = [tf.constant(serialized[:4]), tf.constant(serialized[4:])]
    full = scored_shard(scorer, batches)
    bare = scored_shard(scorer, batches, explained=0.0)
    some = scored_shard(scorer, batches, explained=0.4)
    chosen = most_at_risk(full["churn_probability"].to_numpy(), 0.4).tolist()
    assert 0 < len(chosen) < len(serialized)
    for place, row in enumerate(some.to_pylist()):
        expected = dict((full if place in chosen else bare).to_pylist()[place])
        assert row["contributions"] is None
        assert row["reasons"] == expected["reasons"]
        assert row["account_id"] == expected["account_id"]
        assert row["churn_probability"] == pytest.approx(expected["churn_probability"], abs=1e-6)
        if place in chosen:
            told = sum(one["log_odds"] for one in json.loads(row["reasons"]))
            summed = row["base_log_odds"] + told + row["other_log_odds"]
            assert summed == pytest.approx(log_odds_of(row["churn_probability"]), abs=1e-4)
    assert json.loads(some.schema.metadata[GROUPS_KEY.encode()]) == []


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.99))
def test_the_share_is_of_those_most_at_risk(values: list[float], share: float) -> None:
    probabilities = np.array(values, float)
    rows = most_at_risk(probabilities, share)
    assert len(rows) == math.ceil(share * len(values))
    assert rows.tolist() == sorted(set(rows.tolist()))
    left = np.delete(probabilities, rows)
    assert not len(left) or not len(rows) or left.max() <= probabilities[rows].min()
    whole = pa.table({"place": np.arange(len(values)), "own": [True] * len(values)})
    found = spliced(whole, rows, pa.table({"place": rows, "own": [False] * len(rows)}))
    assert found["place"].to_pylist() == list(range(len(values)))
    assert np.flatnonzero(~np.array(found["own"].to_pylist(), bool)).tolist() == rows.tolist()
