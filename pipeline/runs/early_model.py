"""Loads the champion of a scoring run while its examples are made, and asks it then."""

import logging
import sys
from collections.abc import Iterator
from typing import Any, Final

from components.ahead import Follower, Piece
from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported
from components.registry.model_properties import ModelProperties
from components.registry.stages import stages_after
from pipeline.registry.registry import Artifact, Registry
from pipeline.settings import Settings

_SWITCH_S: Final = 0.0005
"""Seconds after which a thread that waits for the interpreter gets it; by default ten times as
long."""
_log = logging.getLogger(__name__)


def champion_early(settings: Settings) -> Follower:
    """Returns what loads the champion of a scoring run, and asks it, before AccountScorer's turn.

    It is loaded once the rows are read: COPY hands them over one by one, and would wait for another
    thread of Python with each. Its signature is planned then, too. It is asked as soon as the
    examples are written; not while two models share the accounts, since each is then asked about
    its own. AccountScorer does itself what was not done, so whatever goes wrong here is told there.

    Args:
        settings: Of the run, which loaded TensorFlow.
    """
    from components.account_scorer.early_answers import answers_ahead
    from components.feedback_example_gen.handed_over import ReadRows, WrittenExamples

    registry, explains = Registry(settings.metadata_path), settings.scoring.explains_all
    champion = registry.champion()
    is_divided = champion is not None and stages_after(registry.transitions()).split is not None

    def follower(made: Any) -> Iterator[Piece]:
        if champion is None:
            return
        if isinstance(made, ReadRows):
            yield ("champion", champion.uri), lambda: _load(champion, explains)
        if isinstance(made, WrittenExamples) and not is_divided:
            yield answers_ahead(made, saved_model_path(champion.uri), explains=explains)

    return follower


def _load(champion: Artifact[ModelProperties], with_reasons: bool) -> None:
    from serving_model.served.predict import ModelScorer

    path, known = saved_model_path(champion.uri), champion.properties
    interval = sys.getswitchinterval()
    try:
        # What makes examples meanwhile calls numpy a hundred times, and would wait after each.
        sys.setswitchinterval(_SWITCH_S)
        require_exported(path, known, known.model_version)
        scorer = ModelScorer(path)
        # About no example: a signature is planned when it is first called.
        if with_reasons:
            scorer.explain_batches([])
        else:
            scorer.score_batches([])
    except Exception as error:  # whatever its files hold: AccountScorer says so
        _log.info("The champion was not loaded early: %s", error)
    finally:
        sys.setswitchinterval(interval)
