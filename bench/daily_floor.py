"""The floor of a daily score: what must happen to rows, examples and scores, and nothing else."""

import io
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from bench.server_clock import ServerClock
from components.postgres.connection import connect
from serving_model.served.interface import PROBABILITY, SERVING
from serving_model.served.predict import SCORE_BATCH, ModelScorer
from serving_model.served.risk import risk_categories

COPY_OUT = """
COPY (SELECT account_id, created_at, id, priority, sentiment, product_area, source, topic,
             customer_tier, region
      FROM feedback_enriched WHERE account_id <> '') TO STDOUT (FORMAT csv)
"""
COLUMNS = "account_id, churn_probability, health_score, risk_category, predicted_at, model_version"
TABLES = """
CREATE TABLE IF NOT EXISTS bench_scores (LIKE public.account_risk_scores INCLUDING ALL);
CREATE TABLE IF NOT EXISTS bench_history
    (LIKE tens_insight.account_risk_score_history INCLUDING ALL);
"""
STAGING = "CREATE TEMPORARY TABLE bench_staged (LIKE public.account_risk_scores) ON COMMIT DROP"
UPSERT = f"""
INSERT INTO bench_scores ({COLUMNS}) SELECT {COLUMNS} FROM bench_staged
ON CONFLICT (account_id) DO UPDATE
SET churn_probability = EXCLUDED.churn_probability, health_score = EXCLUDED.health_score,
    risk_category = EXCLUDED.risk_category, predicted_at = EXCLUDED.predicted_at,
    model_version = EXCLUDED.model_version
"""  # noqa: S608 - names of columns
HISTORY = f"""
INSERT INTO bench_history (publication_id, {COLUMNS})
SELECT (SELECT coalesce(max(publication_id), 0) + 1 FROM bench_history), {COLUMNS}
FROM bench_staged ORDER BY account_id
"""  # noqa: S608 - names of columns


class Cost(NamedTuple):
    """Seconds of wall time, and of processors: user and system, of the database too."""

    wall: float
    cpu: float


class Floor(NamedTuple):
    """The work is done in one process, one part after the other."""

    copy_out: Cost
    inference: Cost
    upsert: Cost

    @property
    def total(self) -> Cost:
        """All three."""
        return Cost(sum(one.wall for one in self), sum(one.cpu for one in self))


class _Nowhere(io.RawIOBase):
    """Takes bytes and drops them."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def measure_floor(
    scorer: ModelScorer, model_path: str, serialized: list[bytes], server: ServerClock
) -> Floor:
    """Does once what a daily score cannot do without, in the database that DATABASE_URL names.

    Args:
        scorer: Of the champion, which keeps it loaded.
        model_path: Its folder.
        serialized: The examples, in memory.
        server: Clock of the database's server.
    """
    batches = [
        tf.constant(serialized[start : start + SCORE_BATCH])
        for start in range(0, len(serialized), SCORE_BATCH)
    ]
    signature = tf.saved_model.load(model_path).signatures[SERVING]
    signature(examples=batches[0])  # traced and planned at its first call
    accounts, _ = scorer.score(serialized)
    with closing(connect("tens-insight bench")) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(TABLES)
        copy_out = _cost(server, lambda: _copy_out(connection))
        answers: list[Any] = []
        inference = _cost(server, lambda: answers.extend(_answers(signature, batches)))
        text = _score_text(accounts.tolist(), np.concatenate(answers))
        upsert = _cost(server, lambda: _publish(connection, text))
    return Floor(copy_out, inference, upsert)


def _cost(server: ServerClock, work: Callable[[], object]) -> Cost:
    wall, cpu, before = time.perf_counter(), time.process_time(), server.seconds()
    work()
    used = time.process_time() - cpu + server.seconds() - before
    return Cost(time.perf_counter() - wall, used)


def _copy_out(connection: Any) -> None:
    with connection, connection.cursor() as cursor:
        cursor.copy_expert(COPY_OUT, _Nowhere())


def _answers(signature: Any, batches: list[tf.Tensor]) -> list[Any]:
    return [signature(examples=batch)[PROBABILITY].numpy()[:, 0] for batch in batches]


def _score_text(accounts: list[str], probabilities: Any) -> io.StringIO:
    values = probabilities.astype(np.float64)
    categories = risk_categories(values).tolist()
    rows = zip(accounts, values.tolist(), (100 * (1 - values)).tolist(), categories, strict=True)
    # Indexes of account ids grow fastest in their order, and a floor is the fastest way.
    return io.StringIO(
        "".join(f"{one}\t{p!r}\t{h!r}\t{c}\t2026-01-01Z\tbench\n" for one, p, h, c in sorted(rows))
    )


def _publish(connection: Any, text: io.StringIO) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(STAGING)
        cursor.copy_expert(f"COPY bench_staged ({COLUMNS}) FROM STDIN", text)
        cursor.execute(UPSERT)
        cursor.execute(HISTORY)
