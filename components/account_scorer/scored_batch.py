"""One batch of examples with all that is known of them once the model has answered."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from components.errors import PublicationRefused
from serving_model.reasons.reason_words import reasons_of
from serving_model.served.predict import Explanation, ModelScorer
from serving_model.served.risk import checked_probabilities
from transforms.event_spec import DAYS_SINCE_LAST_EVENT, LIFETIME_COUNT, TENURE_DAYS
from transforms.thresholds import account_states

COLUMNS: Final = pa.schema(
    [
        ("account_id", pa.string()),
        ("churn_probability", pa.float64()),
        ("churn_by_horizon", pa.string()),
        ("tenure_days", pa.float64()),
        ("days_since_last_event", pa.float64()),
        ("silence_state", pa.string()),
        ("base_log_odds", pa.float64()),
        ("other_log_odds", pa.float64()),
        ("reasons", pa.string()),
        ("other_reasons", pa.string()),
        ("customer_tier", pa.string()),
        ("region", pa.string()),
    ]
)
"""Of a shard of scores. churn_by_horizon, an object by days, and both lists of reasons are JSON."""

_DIGITS: Final = 4
_FACTS: Final = (TENURE_DAYS, DAYS_SINCE_LAST_EVENT, LIFETIME_COUNT)


def scored_batch(scorer: ModelScorer, serialized: Sequence[bytes]) -> pa.Table:
    """Asks the model once about every example.

    Args:
        scorer: Of the champion.
        serialized: n serialized examples, without labels.

    Returns:
        n rows of COLUMNS, in the order given.

    Raises:
        PublicationRefused: A probability is no probability, or a reason no number.
    """
    tenure, silence, count = _facts(serialized)
    lookback = int(scorer.card["lookback_days"])
    rows: dict[str, Any] = {
        "tenure_days": tenure,
        "days_since_last_event": silence,
        "silence_state": account_states(tenure, silence, count, lookback).tolist(),
    }
    explanation = scorer.explain(serialized)
    rows |= {
        "account_id": explanation.accounts.tolist(),
        "churn_probability": explanation.probabilities,
        "churn_by_horizon": _by_horizon(scorer.horizons, explanation.horizon_probabilities),
        "customer_tier": _words(explanation, "tier"),
        "region": _words(explanation, "region"),
    }
    try:
        checked_probabilities(explanation.probabilities, explanation.accounts.tolist())
        rows |= _reasons(explanation, scorer.card)
    except ValueError as error:
        raise PublicationRefused(f"Nothing was published. {error}") from None
    return pa.table(
        {name: pa.array(rows[name], COLUMNS.field(name).type) for name in COLUMNS.names}
    )


def _facts(serialized: Sequence[bytes]) -> list[npt.NDArray[np.float64]]:
    spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in _FACTS}
    parsed = tf.io.parse_example(tf.constant(list(serialized), tf.string), spec)
    return [parsed[name].numpy().astype(np.float64) for name in _FACTS]


def _by_horizon(days: Sequence[int], horizons: npt.NDArray[np.float64]) -> list[str]:
    names = [str(one) for one in days]
    return [json.dumps(dict(zip(names, row, strict=True))) for row in horizons.tolist()]


def _reasons(explanation: Explanation, card: Mapping[str, Any]) -> dict[str, Any]:
    """The strongest reasons as JSON; what they and the base leave of the log-odds is the rest."""
    texts, rests, others = [], [], []
    every = explanation.contributions.tolist()
    for contributions, reasons in zip(every, reasons_of(explanation, card), strict=True):
        listed = [one._asdict() | {"log_odds": round(one.log_odds, _DIGITS)} for one in reasons]
        told = {one.group for one in reasons}
        rest = [
            {"group": group, "log_odds": round(value, _DIGITS)}
            for group, value in zip(explanation.groups, contributions, strict=True)
            if group not in told
        ]
        rest.sort(key=lambda one: -abs(one["log_odds"]))
        rests.append(sum(contributions) - sum(one["log_odds"] for one in listed))
        texts.append(_json(listed))
        others.append(_json(rest))
    return {
        "base_log_odds": explanation.base_log_odds,
        "other_log_odds": rests,
        "reasons": texts,
        "other_reasons": others,
    }


def _words(explanation: Explanation, name: str) -> list[str | None]:
    """Returns what the accounts are, such as their tier; None where it is not given."""
    column = explanation.fact_words[:, explanation.fact_word_names.index(name)]
    return [str(word).replace("\0", "") or None for word in column.tolist()]


def _json(listed: list[dict[str, Any]]) -> str:
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
