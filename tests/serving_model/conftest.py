"""Random examples with a planted signal, their Transform graph, and models fitted on them."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from serving_model.learning.trainer import run_fn
from serving_model.served.predict import ModelScorer
from tests.transform_graph import write_transform
from transforms import columns
from transforms import event_spec as spec

AREAS = np.array(["billing", "onboarding", "performance", "security", "Ü-ß", "a\x00b"])
SOURCES = np.array(["zendesk", "email", "chat"])
TOPICS = np.array([f"topic_{n}" for n in range(40)])
FIRST_CUTOFF = 1_700_000_000
CUTOFF_STEP = 28 * spec.DAY_SECONDS
HORIZON_DAYS = 30


def _feature(value: Any) -> tf.train.Feature:
    values = np.atleast_1d(value)
    if values.dtype.kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    if values.dtype.kind == "i":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[str(v).encode() for v in values]))


def example(features: dict[str, Any]) -> bytes:
    """Serializes raw features as FeedbackExampleGen does: empty lists keep their type."""
    by_name = {name: _feature(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=by_name)).SerializeToString()


def raw_features(number: int, cutoff: int, misery: float, random: np.random.Generator) -> dict:
    """One account: the more misery, the more of what it wrote is negative and recent."""
    tenure = float(random.uniform(5, 400))
    ages = np.sort(random.uniform(0.01, min(tenure, 180), random.poisson(5)))[::-1]
    if ages.size and random.random() < 0.1:
        ages = np.repeat(ages[:1], 3)
    share = 1 / (1 + np.exp(-1.2 * misery))
    negative = random.random(ages.size) < share
    other = np.where(random.random(ages.size) < 0.5, columns.POSITIVE, columns.NEUTRAL)
    sentiment = np.where(negative, columns.NEGATIVE, other)
    lifetime = float(ages.size + random.integers(3))
    sources = random.choice(SOURCES, ages.size)
    return {
        spec.ACCOUNT_ID: f"ACC-{number:05d}",
        spec.CUSTOMER_TIER: str(random.choice(["free", "pro", "enterprise"])),
        spec.REGION: str(random.choice(["EU", "NA"])),
        spec.CUTOFF: cutoff,
        spec.TENURE_DAYS: tenure,
        spec.DAYS_SINCE_LAST_EVENT: float(ages[-1]) if ages.size else tenure,
        "lifetime_count": lifetime,
        "lifetime_negative_count": float(negative.sum()),
        "lifetime_neutral_count": float((sentiment == columns.NEUTRAL).sum()),
        "lifetime_positive_count": float((sentiment == columns.POSITIVE).sum()),
        **life(ages, sentiment, sources),
        spec.EVENT_AGE_DAYS: ages,
        columns.SENTIMENT.feature: sentiment,
        columns.PRIORITY.feature: random.integers(1, 6, ages.size),
        columns.PRODUCT_AREA.feature: random.choice(AREAS, ages.size),
        columns.SOURCE.feature: sources,
        columns.TOPIC.feature: random.choice(TOPICS, ages.size),
    }


def life(ages: np.ndarray, sentiment: np.ndarray, sources: np.ndarray) -> dict[str, Any]:
    """What the listed events say of the whole life."""
    days = np.unique(ages.astype(int))
    gaps = np.diff(days).astype(np.float32)
    typical = np.expm1(np.log1p(gaps).mean()) if gaps.size else 0.0
    measures = (typical, gaps.max(initial=0.0), gaps.std() if gaps.size else 0.0)
    own = np.unique(sources)
    return {
        spec.EVENT_DAYS: float(len(days)),
        **dict(zip(spec.DAY_GAPS, map(float, measures), strict=True)),
        **{
            name: float(ages[sentiment == tone].min(initial=np.inf)) if tone in sentiment else -1.0
            for name, tone in zip(spec.DAYS_SINCE_TONE, spec.TONES, strict=True)
        },
        "half_year_count": float(ages.size),
        "half_year_negative_count": float((sentiment == columns.NEGATIVE).sum()),
        "half_year_positive_count": float((sentiment == columns.POSITIVE).sum()),
        spec.LIFE_SOURCE: own,
        spec.LIFE_SOURCE_COUNT: np.array([float((sources == one).sum()) for one in own]),
        spec.DAYS_SINCE_SOURCE: np.array([ages[sources == one].min() for one in own]),
    }


def days_to_churn(churned: int, observed: float, random: np.random.Generator) -> float:
    """Draws when an account left: within the horizon, later as far as was observed, or never."""
    if churned:
        return float(random.uniform(0.1, HORIZON_DAYS))
    left = HORIZON_DAYS + float(random.exponential(200)) + 0.1
    return left if left <= observed else -1.0


def population(
    accounts: int, cutoffs: int, signal: float, seed: int
) -> tuple[list[bytes], np.ndarray]:
    """Returns labelled examples of all accounts at all cutoffs, and their labels [n]."""
    random, future = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
    examples, labels = [], []
    for place in range(cutoffs):
        observed = float((cutoffs - 1 - place) * CUTOFF_STEP // spec.DAY_SECONDS + HORIZON_DAYS)
        for number, misery in enumerate(random.normal(size=accounts)):
            raw = raw_features(number, FIRST_CUTOFF + place * CUTOFF_STEP, misery, random)
            churned = int(random.random() < 1 / (1 + np.exp(1.5 - signal * misery)))
            days = days_to_churn(churned, observed, future)
            seen = {spec.DAYS_TO_CHURN: days, spec.DAYS_OBSERVED: observed}
            examples.append(example(raw | {spec.LABEL: churned} | seen))
            labels.append(churned)
    return examples, np.array(labels)


def without_label(serialized: bytes) -> bytes:
    parsed = tf.train.Example.FromString(serialized)
    for label in spec.LABELS:
        del parsed.features.feature[label]
    return parsed.SerializeToString()


def write_split(directory: Path, examples: list[bytes], shards: int = 2) -> str:
    """Writes gzipped TFRecords as ExampleGen does and returns their pattern."""
    directory.mkdir(parents=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    for shard in range(shards):
        path = directory / f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
        with tf.io.TFRecordWriter(str(path), options) as writer:
            for one in examples[shard::shards]:
                writer.write(one)
    return str(directory / "*")


CONFIG: dict[str, Any] = {
    "seed": 7,
    "epochs": 12,
    "batch_size": 256,
    "learning_rate": 0.004,
    "l2": 0.002,
    "dropout": 0.2,
    "hidden_units": [16],
    "members": 3,
    "carried_shift": 0.0,
    "critical_priority": 4,
    "horizon_days": HORIZON_DAYS,
    "churn_horizons": [15, 30, 60],
    "model_card": {"model_version": "test-1", "horizon_days": HORIZON_DAYS, "base_rate": 0.2},
}


def train(pattern: str, graph: str, directory: Path, **changes: Any) -> Path:
    """Calls run_fn as TFX does and returns the SavedModel's folder."""
    run_fn(
        SimpleNamespace(
            train_files=[pattern],
            transform_output=graph,
            serving_model_dir=str(directory),
            custom_config=CONFIG | changes,
        )
    )
    return directory


@pytest.fixture(scope="session")
def world(make_once: Callable[..., Any]) -> SimpleNamespace:
    """A small world with a planted signal: train split, held-out examples, graph, model."""
    made: SimpleNamespace = make_once("world", make_world)
    return made


def make_world(root: Path) -> SimpleNamespace:
    """Makes and trains the world in a folder."""
    examples, _ = population(accounts=500, cutoffs=4, signal=1.5, seed=1)
    held_out, labels = population(accounts=1100, cutoffs=1, signal=1.5, seed=2)
    pattern = write_split(root / "train", examples)
    graph = write_transform(str(root / "train"), root)
    return SimpleNamespace(
        root=root,
        examples=examples,
        pattern=pattern,
        graph=graph,
        scored=[without_label(one) for one in held_out],
        labels=labels,
        model=train(pattern, graph, root / "model"),
    )


@pytest.fixture(scope="session")
def scorer(world: SimpleNamespace) -> ModelScorer:
    """The world's model, loaded once."""
    return ModelScorer(world.model)


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """The helpers of this file, for tests that build sets of their own."""
    return SimpleNamespace(
        config=CONFIG,
        example=example,
        population=population,
        train=train,
        without_label=without_label,
        write_split=write_split,
    )
