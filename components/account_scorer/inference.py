"""Bulk inference in Beam: one Parquet shard of scores for each shard of Examples."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet
import tensorflow as tf
from tfx.dsl.io import fileio

from components.account_scorer.scored_batch import COLUMNS, scored_batch
from serving_model.served.predict import ModelScorer

ACCOUNT_ID: Final = "account_id"
CHURN_PROBABILITY: Final = "churn_probability"
_BATCH: Final = 1_024


class ScoreShard(beam.DoFn):
    """Scores the examples of one file with the SavedModel's own signature.

    A shard is written whole, so that a second try by Beam replaces the first.
    """

    def __init__(self, model_uri: str, scores_uri: str):
        self._model_uri = model_uri
        self._scores_uri = scores_uri
        self._scorer: ModelScorer | None = None

    def setup(self) -> None:
        """Loads the model once for each worker."""
        self._scorer = ModelScorer(self._model_uri)

    def process(self, path: str) -> Iterator[int]:
        """Writes the scores of one file; yields how many."""
        assert self._scorer is not None
        parts = [scored_batch(self._scorer, batch) for batch in _batches(path)]
        shard = pa.concat_tables([COLUMNS.empty_table(), *parts])
        name = os.path.basename(path).replace("data_tfrecord", "scores").removesuffix(".gz")
        content = pa.BufferOutputStream()
        pyarrow.parquet.write_table(shard, content)
        with fileio.open(os.path.join(self._scores_uri, f"{name}.parquet"), "wb") as file:
            file.write(content.getvalue().to_pybytes())
        yield shard.num_rows


def score_files(
    pipeline: beam.Pipeline, paths: list[str], model_uri: str, scores_uri: str
) -> beam.PCollection:
    """Adds the scoring of files of gzipped TFRecords to a Beam pipeline.

    Args:
        pipeline: To add to.
        paths: The files of the split to score.
        model_uri: Folder of the SavedModel.
        scores_uri: Folder that gets one Parquet file, with the columns of scored_batch, for
            each of them.
    """
    return (
        pipeline
        | "ListShards" >> beam.Create(paths)
        | "SpreadShards" >> beam.Reshuffle()
        | "ScoreShards" >> beam.ParDo(ScoreShard(model_uri, scores_uri))
    )


def read_scores(scores_uri: str) -> Iterator[tuple[list[str], npt.NDArray[np.float64]]]:
    """Yields (account ids, probabilities float64) shard by shard."""
    for shard in read_shards(scores_uri, [ACCOUNT_ID, CHURN_PROBABILITY]):
        yield shard[ACCOUNT_ID].to_pylist(), shard[CHURN_PROBABILITY].to_numpy()


def read_shards(scores_uri: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yields columns of the scores, shard by shard, always in the same order."""
    for name in sorted(fileio.listdir(scores_uri)):
        if name.endswith(".parquet"):
            with fileio.open(os.path.join(scores_uri, name), "rb") as file:
                content = pa.BufferReader(file.read())
            yield pyarrow.parquet.read_table(content, columns=list(columns))


def _batches(path: str) -> Iterator[list[bytes]]:
    records = tf.data.TFRecordDataset(path, compression_type="GZIP").batch(_BATCH)
    for batch in records.as_numpy_iterator():
        yield batch.tolist()
