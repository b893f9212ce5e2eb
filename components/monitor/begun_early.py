"""What Monitor begins while AccountScorer publishes."""

from collections.abc import Iterator
from typing import Any

from components.account_scorer.scored_run import ScoredRun
from components.ahead import Piece
from components.causes.record import cause_ahead
from components.monitor.contributions import rows_ahead
from components.monitor.watch import observed_ahead


def begun_early(run: Any) -> Iterator[Piece]:
    """Yields the pieces, given a ScoredRun: none of them depends on the publication."""
    if not isinstance(run, ScoredRun):
        return
    yield cause_ahead(run.as_of, run.examples)
    yield rows_ahead(run.scores)
    yield observed_ahead(run.examples, run.example_count)
