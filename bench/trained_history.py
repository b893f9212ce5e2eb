"""Trains the pipeline's model on a history in a scratch database, and scores its test cutoff."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import psycopg2
from numpy.typing import NDArray
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from bench.cpu_parts import CpuParts
from components.postgres.migrate import migrate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.settings import Settings, load_settings
from transforms.arrays import Floats

if TYPE_CHECKING:
    from serving_model.learning.labelled_examples import LabelledExamples

Texts = NDArray[np.str_]


class History(Protocol):
    """Where rows come from, and the settings that they are learnt with."""

    @property
    def name(self) -> str:
        """What the history is called in tables."""

    @property
    def description(self) -> str:
        """What it is, for the page."""

    def settings(self) -> dict[str, Any]:
        """Returns the pipeline's settings for it."""

    def write(self, connection: Connection) -> None:
        """Fills the input tables of an empty database."""

    def labels(self) -> dict[str, int] | None:
        """Returns the recorded labels at the evaluation cutoff, if there are any."""


class TrainedHistory(NamedTuple):
    """What was learnt from, and what the exported model says of the n test accounts."""

    settings: Settings
    training: "LabelledExamples"
    testing: "LabelledExamples"
    ours: Floats
    """churn_probability of the SavedModel, [n]."""
    tiers: Texts
    """Of each account, [n]."""
    states: Texts
    """Silence state, one of STATES, [n]."""
    training_seconds: float
    """Wall clock of ModelTrainer."""

    @property
    def accounts(self) -> list[str]:
        """The n test accounts."""
        return [one.decode() for one in self.testing.accounts]

    @property
    def eval_cutoff(self) -> datetime:
        """The moment of the test, UTC."""
        return datetime.fromtimestamp(int(self.testing.cutoffs[0]), timezone.utc)


@contextmanager
def trained(
    history: History, overrides: Mapping[str, Any], parts: CpuParts | None = None
) -> Iterator[TrainedHistory]:
    """Trains, and keeps the database until the context ends; DATABASE_URL names it.

    Args:
        history: To be learnt from.
        overrides: Settings of the pipeline that take the place of others.
        parts: Where the time is counted.
    """
    counted = parts or CpuParts()
    with tempfile.TemporaryDirectory(prefix="tens-insight-quality-") as name:
        Path(name).chmod(0o711)  # as root the server runs as nobody, who must pass
        server = EmbeddedPostgres(Path(name), durable=False)
        try:
            os.environ["DATABASE_URL"] = server.start()
            with closing(psycopg2.connect(server.url())) as connection, counted.part("history"):
                history.write(connection)
            with closing(psycopg2.connect(server.url())) as connection:
                migrate(connection)  # a model knows its database by what this makes
            settings = load_settings(state_dir=Path(name), **{**history.settings(), **overrides})
            with counted.part("pipeline"):
                found = _train(settings)
            yield found
        finally:
            server.stop()


def _train(settings: Settings) -> TrainedHistory:
    # Only now: TensorFlow reads what it may say when it is first imported.
    import tensorflow_transform as tft

    from bench.training_part import run_training_part
    from components.model_gate.evaluation_set import read_serialized
    from components.registry.artifact_names import saved_model_path
    from serving_model.learning.labelled_examples import load_examples
    from serving_model.served.predict import ModelScorer

    artifacts = run_training_part(settings)
    transform = tft.TFTransformOutput(artifacts["transform_graph"])
    uri = artifacts["examples"]
    serialized = read_serialized(f"{uri}/Split-eval")
    scorer = ModelScorer(saved_model_path(artifacts["model"]))
    testing = load_examples([f"{uri}/Split-eval/*"], transform)
    tiers, states = _traits(serialized, settings.reading.lookback_days)
    # LabelledExamples are sorted by account at their one cutoff, and so is what is put beside them.
    scored, probabilities = scorer.score(serialized)
    order = np.argsort(np.array([one.encode() for one in scored]), kind="stable")
    return TrainedHistory(
        settings=settings,
        training=load_examples([f"{uri}/Split-train/*"], transform),
        testing=testing,
        ours=np.asarray(probabilities)[order],
        tiers=tiers[order],
        states=states[order],
        training_seconds=artifacts["training_seconds"],
    )


def _traits(
    serialized: list[bytes], lookback_days: int
) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Tier and silence state of serialized examples, in their order."""
    import tensorflow as tf

    from transforms import event_spec as spec
    from transforms.thresholds import account_states

    names = (spec.TENURE_DAYS, spec.DAYS_SINCE_LAST_EVENT, spec.LIFETIME_COUNTS[0])
    wanted = {name: tf.io.FixedLenFeature([], tf.float32) for name in names}
    wanted[spec.CUSTOMER_TIER] = tf.io.FixedLenFeature([], tf.string)
    found = tf.io.parse_example(tf.constant(serialized, tf.string), wanted)
    tenure, silence, events = (found[name].numpy().astype(np.float64) for name in names)
    tiers = [one.decode("utf-8", "replace") for one in found[spec.CUSTOMER_TIER].numpy()]
    return np.array(tiers, dtype=np.str_), account_states(tenure, silence, events, lookback_days)
