"""A small model of our own shape: the longer the silence, the higher the probability."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from serving_model.model_card import write_card
from serving_model.signatures import PROBABILITY, SERVING
from transforms.event_spec import ACCOUNT_ID, DAYS_SINCE_LAST_EVENT, raw_feature_spec

CARD = {
    "model_version": "20240601-abcdef01",
    "label_source": "account_churn",
    "lookback_days": 30,
    "horizon_days": 10,
    "max_events": 50,
    "duplicate_events": "collapse",
}


class SilenceModel(tf.Module):
    """Answers days of silence / 100, and NaN for the account named `nan`."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = tf.io.parse_example(examples, raw_feature_spec(with_label=False))
        account = raw[ACCOUNT_ID][:, tf.newaxis]
        probability = raw[DAYS_SINCE_LAST_EVENT][:, tf.newaxis] / 100
        broken = tf.fill(tf.shape(probability), float("nan"))
        return {
            ACCOUNT_ID: account,
            PROBABILITY: tf.where(account == "nan", broken, probability),
        }


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Exports the model with a card, as a Model artifact."""

    def make(**changes: Any) -> Any:
        artifact = standard_artifacts.Model()
        artifact.uri = str(tmp_path_factory.mktemp("model"))
        folder = Path(artifact.uri) / "Format-Serving"
        module = SilenceModel()
        tf.saved_model.save(module, str(folder), signatures={SERVING: module.serve})
        write_card(str(folder), CARD | changes)
        return artifact

    return make


@pytest.fixture(scope="session")
def model(make_model: Callable[..., Any]) -> Any:
    return make_model()
