"""A small model of our own shape: the longer the silence, the higher the probability."""

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from serving_model.served.interface import EXPLAIN, HORIZON_PROBABILITIES, PROBABILITY, SERVING
from serving_model.served.model_card import write_card
from transforms.event_spec import ACCOUNT_ID, DAYS_SINCE_LAST_EVENT, raw_feature_spec
from transforms.reason_facts import fact_names, fact_word_names, reason_facts

CARD = {
    "model_version": "20240601-abcdef01",
    "label_source": "account_churn",
    "lookback_days": 30,
    "horizon_days": 10,
    "max_events": 50,
    "duplicate_events": "collapse",
}


GROUPS = ("silence", "tenure", "negative_feedback", "volume")
HORIZONS = (5, 10, 20)

REASONS = {
    "calibrated_base_rate": 0.08,
    "churn_horizons": ",".join(map(str, HORIZONS)),
    "reason_groups": ",".join(GROUPS),
    "reason_facts": ",".join(fact_names()),
    "reason_fact_words": ",".join(fact_word_names()),
}


class SilenceModel(tf.Module):
    """Answers days of silence / 100 times `scale`, and NaN for the account named `nan`.

    It halves and raises the probability for the other horizons. `explain` lays half of its
    log-odds to silence, minus 0.02 to tenure, and nothing to feedback.
    """

    def __init__(self, scale: float = 1.0, nan: str = "nan"):
        super().__init__()
        self._scale, self._nan = scale, nan

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._answer(tf.io.parse_example(examples, raw_feature_spec(with_label=False)))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def explain(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = tf.io.parse_example(examples, raw_feature_spec(with_label=False))
        answer = self._answer(raw)
        probability = answer[PROBABILITY]
        log_odds = tf.math.log(probability) - tf.math.log1p(-probability)
        columns = [log_odds / 2, -0.02 * tf.ones_like(log_odds), 0 * log_odds, log_odds / 4]
        facts = reason_facts(raw)
        return {
            **answer,
            "contributions": tf.concat(columns, axis=1),
            "base_log_odds": log_odds / 4 + 0.02,
            "facts": facts.numbers,
            "fact_words": facts.words,
        }

    def _answer(self, raw: Any) -> dict[str, tf.Tensor]:
        account = raw[ACCOUNT_ID][:, tf.newaxis]
        probability = raw[DAYS_SINCE_LAST_EVENT][:, tf.newaxis] / 100 * self._scale
        broken = tf.fill(tf.shape(probability), float("nan"))
        return {
            ACCOUNT_ID: account,
            PROBABILITY: tf.where(account == self._nan, broken, probability),
            HORIZON_PROBABILITIES: tf.where(
                account == self._nan,
                tf.fill([tf.shape(probability)[0], len(HORIZONS)], float("nan")),
                tf.concat([probability / 2, probability, tf.sqrt(probability)], axis=1),
            ),
        }


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Exports the model with a card, as a Model artifact."""

    @functools.cache
    def exported(scale: float, nan: str) -> Path:
        folder = tmp_path_factory.mktemp("exported") / "Format-Serving"
        module = SilenceModel(scale, nan)
        signatures = {SERVING: module.serve, EXPLAIN: module.explain}
        tf.saved_model.save(module, str(folder), signatures=signatures)
        return folder

    def make(*, scale: float = 1.0, nan: str = "nan", **changes: Any) -> Any:
        artifact = standard_artifacts.Model()
        artifact.uri = str(tmp_path_factory.mktemp("model"))
        folder = Path(artifact.uri) / "Format-Serving"
        shutil.copytree(exported(scale, nan), folder)
        write_card(str(folder), CARD | REASONS | changes)
        return artifact

    return make


@pytest.fixture(scope="session")
def model(make_model: Callable[..., Any]) -> Any:
    return make_model()
