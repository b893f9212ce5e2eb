"""Models in shadow, asked off the path of requests: sometimes, together, and never in their way.

Nothing waits for them and nothing fails by them. What they say is counted and compared with the
champion, and kept nowhere: runs record what outcomes are compared with (docs/shadow.md).
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import tensorflow as tf

from pipeline.serving.champion import Shadow
from pipeline.serving.metrics import ServingMetrics

_log = logging.getLogger(__name__)
_MOST: Final = 32
"""Accounts of one question."""
_WAITING: Final = 256
_PAUSE_S: Final = 1.0
_SHARE: Final = 1 / 200
"""Of the time may be spent on questions, so that few requests meet one."""


class Shadows:
    """Asks the models in shadow about accounts that the champion was asked about.

    Args:
        found: Returns the models.
        is_busy: Tells whether requests wait.
        metrics: Is told what came of it.
    """

    def __init__(
        self,
        found: Callable[[], Sequence[Shadow]],
        is_busy: Callable[[], bool],
        metrics: ServingMetrics,
    ):
        self._found, self._is_busy, self._metrics = found, is_busy, metrics
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="serve shadows")

    def offer(self, example: bytes, probability: float) -> None:
        """Takes an account if there is room.

        Args:
            example: Serialized.
            probability: What the champion said.
        """
        if not self._found():
            return
        if len(self._waiting) < _WAITING:
            self._waiting.append((example, probability))
        else:
            self._metrics.shadow_dropped.inc()

    async def run(self) -> None:
        """Asks for as long as the server runs."""
        pause_s = _PAUSE_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = _PAUSE_S
            if self._waiting and not self._is_busy():
                pause_s = max(_PAUSE_S, await self._ask() / _SHARE)

    def stop(self) -> None:
        """Ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _ask(self) -> float:
        """Asks once; returns the seconds that it took."""
        part = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
        shadows, begun = list(self._found()), time.perf_counter()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self.compare, shadows, part)
        return time.perf_counter() - begun

    def compare(self, shadows: Sequence[Shadow], part: Sequence[tuple[bytes, float]]) -> None:
        """Asks models about accounts, and counts how far they are from the champion.

        Args:
            shadows: The models.
            part: Examples, and what the champion said.
        """
        examples = [example for example, _ in part]
        champion = np.array([probability for _, probability in part])
        for one in shadows:
            count = self._metrics.shadow_accounts
            try:
                said = one.scorer.score_batches([tf.constant(examples, tf.string)]).probabilities
                if not ((said >= 0) & (said <= 1)).all():
                    raise ValueError("it answers with what is no probability")
            except Exception as error:  # whatever it is: the champion answers
                count.labels(one.role, "failed").inc(len(part))
                _log.warning("The model in shadow (%s) failed: %s", one.role, type(error).__name__)
                continue
            count.labels(one.role, "asked").inc(len(part))
            self._metrics.shadow_probability.labels(one.role, "shadow").inc(float(said.sum()))
            self._metrics.shadow_probability.labels(one.role, "champion").inc(float(champion.sum()))
            for difference in np.abs(said - champion).tolist():
                self._metrics.shadow_difference.labels(one.role).observe(difference)
