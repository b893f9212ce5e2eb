"""Today's accounts by the challenger: all of them scored, some of them kept."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from components.model_gate.evaluation_set import read_serialized
from components.model_review.sections.accounts import score_split
from components.model_review.sections.estimates import SectionMissing
from serving_model.served.predict import ModelScorer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="judged")]


@pytest.fixture(scope="module")
def serialized(decided: SimpleNamespace) -> list[bytes]:
    return read_serialized(f"{decided.inputs['examples'].uri}/Split-score")


def write(folder: Path, serialized: list[bytes], shards: int = 1) -> str:
    folder.mkdir()
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    for shard in range(shards):
        with tf.io.TFRecordWriter(f"{folder}/data-{shard:05d}.gz", options) as writer:
            for one in serialized[shard::shards]:
                writer.write(one)
    return str(folder)


def test_everyone_is_scored_as_alone(
    decided: SimpleNamespace, challenger: ModelScorer, serialized: list[bytes]
) -> None:
    found = score_split(challenger, f"{decided.inputs['examples'].uri}/Split-score")
    accounts, probabilities = challenger.score(serialized)
    assert found.accounts == accounts.tolist()
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-6)
    assert sorted(found.sample) == sorted(serialized)


def test_the_sample_is_the_same_however_the_accounts_lie(
    challenger: ModelScorer, serialized: list[bytes], tmp_path: Path
) -> None:
    one = score_split(challenger, write(tmp_path / "one", serialized), sample=100)
    other = score_split(
        challenger, write(tmp_path / "other", serialized[::-1], shards=5), sample=100
    )
    assert one.sample == other.sample
    assert len(set(one.sample)) == 100

    def place(serialized: bytes) -> bytes:
        feature = tf.train.Example.FromString(serialized).features.feature["account_id"]
        return hashlib.blake2b(feature.bytes_list.value[0], digest_size=8).digest()

    assert one.sample == sorted(serialized, key=place)[:100]


def test_a_sample_is_like_the_whole(
    challenger: ModelScorer, serialized: list[bytes], tmp_path: Path
) -> None:
    found = score_split(
        challenger, write(tmp_path / "one", serialized), sample=len(serialized) // 2
    )
    sampled = challenger.score(found.sample)[1]
    error = found.probabilities.std() / np.sqrt(len(sampled))
    assert sampled.mean() == pytest.approx(found.probabilities.mean(), abs=3 * error)


def test_no_account_at_all(challenger: ModelScorer, tmp_path: Path) -> None:
    with pytest.raises(SectionMissing, match="no account to score"):
        score_split(challenger, write(tmp_path / "none", []))
