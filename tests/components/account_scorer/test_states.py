"""One account has one state: in its details, among the gate's slices and in its sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from components.account_scorer import scored_shard as module
from components.account_scorer.scored_shard import COLUMNS, scored_shard
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
    numbers = dict.fromkeys(spec.SCALAR_FLOATS, 0.0)
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


@pytest.mark.parametrize("with_reasons", [True, False])
def test_columns_are_the_same_however_many_batches_are_built_at_a_time(
    model: Any, serialized: list[bytes], with_reasons: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = ModelScorer(str(Path(model.uri) / "Format-Serving"))
    batches = [tf.constant([one]) for one in serialized]
    whole = scored_shard(scorer, batches, with_reasons=with_reasons)
    assert whole["account_id"].to_pylist() == list(ACCOUNTS)
    monkeypatch.setattr(module, "_BATCHES", 3)
    assert scored_shard(scorer, batches, with_reasons=with_reasons) == whole
    none = scored_shard(scorer, [], with_reasons=with_reasons)
    assert (none.num_rows, none.schema) == (0, COLUMNS)
