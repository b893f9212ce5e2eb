"""Bulk inference in Beam, one Parquet shard for each shard of Examples, and the rows of these."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
import tensorflow as tf
from tfx.dsl.io import fileio

from components.account_scorer.beside import NOTHING, Beside
from components.account_scorer.scored_shard import scored_shard
from components.errors import PublicationRefused
from components.feedback_example_gen.handed_over import handed_over
from components.whole_files import this_worker, write_whole
from serving_model.served.predict import EXPLAIN_BATCH, ModelScorer
from serving_model.served.risk import health_scores
from serving_model.served.risk_bands import RiskBands, divided_ties

ACCOUNT_ID: Final = "account_id"
CHURN_PROBABILITY: Final = "churn_probability"
_log = logging.getLogger(__name__)
_BUFFER: Final = 2**20
"""Bytes that are decompressed at a time."""
_STORED: Final[dict[str, Any]] = {
    "compression": "lz4",
    "use_dictionary": ["silence_state", "customer_tier", "region", "model_version"],
    "row_group_size": 16_384,
}
"""How shards are stored: the columns whose values repeat by a dictionary, which would be given up
after some thousand accounts in others. Several nodes read a shard, some of them twice, and keep one
group of rows in memory at a time: 20 MB with reasons."""


class ScoreShard(beam.DoFn):
    """Scores the examples of one file with the SavedModel's own signature.

    A shard is written whole, so that a second try by Beam replaces the first.
    """

    def __init__(
        self,
        model_uri: str,
        scores_uri: str,
        explained: float,
        beside: Beside = NOTHING,
        attempts: str = "",
    ):
        self._model_uri = model_uri
        self._attempts = attempts
        self._beside = beside
        self._explained = explained
        self._scores_uri = scores_uri
        self._scorer: ModelScorer | None = None

    def setup(self) -> None:
        """Loads the model once for each worker."""
        self._scorer = ModelScorer(self._model_uri)

    def process(self, path: str) -> Iterator[int]:
        """Writes the scores of one file; yields how many."""
        assert self._scorer is not None
        yield score_file(
            self._scorer,
            path,
            self._scores_uri,
            explained=self._explained,
            beside=self._beside,
            attempts=self._attempts,
        )
        _log.info("%s was scored by %s.", os.path.basename(path), this_worker())


def score_file(
    scorer: ModelScorer,
    path: str,
    scores_uri: str,
    *,
    explained: float,
    beside: Beside = NOTHING,
    attempts: str = "",
    known: Sequence[dict[str, Any]] | None = None,
) -> int:
    """Scores one file of gzipped TFRecords as score_files does; returns how many examples.

    What is known of the champion's answers it takes as scored_shard does.
    """
    shard = by_account(
        scored_shard(scorer, batches_of(path), explained=explained, beside=beside, known=known)
    )
    name = os.path.basename(path).replace("data_tfrecord", "scores").removesuffix(".gz")
    content = pa.BufferOutputStream()
    pyarrow.parquet.write_table(shard, content, **_STORED)
    shard_path = os.path.join(scores_uri, f"{name}.parquet")
    write_whole(shard_path, content.getvalue().to_pybytes(), attempts)
    return int(shard.num_rows)


def by_account(shard: pa.Table) -> pa.Table:
    """Returns a shard in the order of its account ids, by bytes.

    What is published of it enters indexes of account ids, which take much longer to grow at
    random places: each row finds another page of them.
    """
    order = pa.compute.sort_indices(shard[ACCOUNT_ID]).to_numpy()
    if (order == np.arange(len(order))).all():  # as the Examples of a bucket are: no copy of them
        return shard
    return shard.combine_chunks().take(order)


def batches_of(path: str) -> Iterable[tf.Tensor]:
    """Returns the serialized examples of a file, EXPLAIN_BATCH at a time, string [batch] each."""
    known = handed_over(path)
    if known is None:
        records = tf.data.TFRecordDataset(path, compression_type="GZIP", buffer_size=_BUFFER)
        return records.batch(EXPLAIN_BATCH).prefetch(1)
    starts = range(0, len(known), EXPLAIN_BATCH)
    return (tf.constant(known[start : start + EXPLAIN_BATCH], tf.string) for start in starts)


def score_files(
    pipeline: beam.Pipeline,
    paths: list[str],
    model_uri: str,
    scores_uri: str,
    *,
    explained: float = 1.0,
    beside: Beside = NOTHING,
    attempts: str = "",
) -> beam.PCollection:
    """Adds the scoring of files of gzipped TFRecords to a Beam pipeline.

    Args:
        pipeline: To add to.
        paths: The files of the split to score.
        model_uri: Folder of the SavedModel.
        scores_uri: Folder that gets one Parquet file, with the columns of scored_shard, for
            each of them.
        explained: Which share of the accounts of each file gets reasons, 0..1.
        beside: What is asked beside the champion.
        attempts: Folder for files that are not whole yet (components/whole_files.py).
    """
    scoring = ScoreShard(model_uri, scores_uri, explained, beside, attempts)
    return (
        pipeline
        | "ListShards" >> beam.Create(paths)
        | "SpreadShards" >> beam.Reshuffle()
        | "ScoreShards" >> beam.ParDo(scoring)
    )


def read_scores(scores_uri: str) -> Iterator[tuple[list[str], npt.NDArray[np.float64]]]:
    """Yields (account ids, probabilities float64), some rows of a shard at a time."""
    for shard in read_shards(scores_uri, [ACCOUNT_ID, CHURN_PROBABILITY]):
        yield shard[ACCOUNT_ID].to_pylist(), shard[CHURN_PROBABILITY].to_numpy()


def read_shards(scores_uri: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yields columns of the scores, some rows of a shard at a time, always in the same order."""
    for shard in open_shards(scores_uri):
        for group in range(shard.num_row_groups):
            yield shard.read_row_group(group, list(columns))


def open_shards(scores_uri: str) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Yields the shards of the scores, always in the same order."""
    for name in sorted(fileio.listdir(scores_uri)):
        if name.endswith(".parquet"):
            with fileio.open(os.path.join(scores_uri, name), "rb") as file:
                content = pa.BufferReader(file.read())
            yield pyarrow.parquet.ParquetFile(content)


@dataclass(frozen=True)
class ScoredAccounts:
    """All accounts of a run, in the order of the shards.

    Attributes:
        accounts: Ids, [n].
        probabilities: Of churn, [n], each in 0..1.
        categories: By the bands, [n].
        divided_ties: How many share a probability with one of another category.
        models: Which model scored each, [n]; None where one scored all.
    """

    accounts: list[str]
    probabilities: npt.NDArray[np.float64]
    categories: npt.NDArray[np.str_]
    divided_ties: int
    models: list[str] | None = None

    def rows(self, predicted_at: datetime, model_version: str) -> list[pa.Table]:
        """Returns the rows of account_risk_scores."""
        count = len(self.accounts)
        models = pa.array(self.models, pa.string()) if self.models else None
        columns = {
            "account_id": pa.array(self.accounts, pa.string()),
            "churn_probability": pa.array(self.probabilities),
            "health_score": pa.array(health_scores(self.probabilities, self.accounts)),
            "risk_category": pa.array(self.categories.tolist(), pa.string()),
            "predicted_at": pa.repeat(predicted_at.isoformat(), count),
            "model_version": pa.repeat(model_version, count) if models is None else models,
        }
        return [pa.table(columns)]


def scored_accounts(
    scores_uri: str, bands: RiskBands, *, by_two_models: bool = False
) -> ScoredAccounts:
    """Reads all scores, since by capacity the category of one depends on the others.

    Args:
        scores_uri: Folder of the shards.
        bands: The rule of the categories.
        by_two_models: Whether two models scored them.

    Raises:
        PublicationRefused: A probability is NaN or outside 0..1, naming the account.
    """
    accounts: list[str] = []
    parts = [np.empty(0)]
    for ids, part in read_scores(scores_uri):
        accounts += ids
        parts.append(part)
    probabilities = np.concatenate(parts)
    try:
        categories = bands.categories(probabilities, accounts)
    except ValueError as error:
        raise PublicationRefused(f"Nothing was published. {error}") from None
    ties = divided_ties(bands, probabilities, categories)
    return ScoredAccounts(
        accounts, probabilities, categories, ties, _models(scores_uri) if by_two_models else None
    )


def _models(scores_uri: str) -> list[str]:
    column = "model_version"
    return [name for one in read_shards(scores_uri, [column]) for name in one[column].to_pylist()]
