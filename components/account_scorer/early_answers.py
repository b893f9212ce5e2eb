"""What the champion says of the examples of a run, asked as soon as they are written.

StatisticsGen, DataChecker and DataGate come before AccountScorer and keep one processor busy. What
is answered stays in memory until AccountScorer takes it, which it does only after the data gate let
the run pass and the model's files were found to be those that were exported; else nobody looks at
it.
"""

from collections.abc import Hashable, Sequence
from typing import Any

from components import ahead
from components.account_scorer.inference import batches_of
from components.account_scorer.scored_shard import answered_columns
from components.feedback_example_gen.handed_over import WrittenExamples, written_file
from serving_model.served.predict import ModelScorer


def answers_ahead(examples: WrittenExamples, model_uri: str, *, explains: bool) -> ahead.Piece:
    """Returns the work.

    Args:
        examples: About which the model is asked.
        model_uri: Folder of the champion's SavedModel.
        explains: Whether it is asked why.
    """

    def work() -> list[dict[str, Any]]:
        batches = batches_of(examples.path)
        columns = answered_columns(ModelScorer(model_uri), batches, explains=explains)
        found = []
        for one in columns:
            ahead.require_wanted()
            found.append(one)
        return found

    return _key(examples.path, examples.written, model_uri, explains), work


def taken_answers(path: str, model_uri: str, *, explains: bool) -> Sequence[dict[str, Any]] | None:
    """Returns the columns of the answers, part by part, once; None where nobody has asked.

    Args:
        path: The file of the examples.
        model_uri: As for answers_ahead.
        explains: Likewise.
    """
    key = _key(path, written_file(path), model_uri, explains)
    found: Sequence[dict[str, Any]] | None = ahead.taken(key, lambda: None)
    return found


def _key(path: str, written: tuple[int, int], model_uri: str, explains: bool) -> Hashable:
    return "answers", path, written, model_uri.rstrip("/"), explains
