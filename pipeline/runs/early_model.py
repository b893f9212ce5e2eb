"""Loads the champion of a scoring run while its feedback is read, and asks it then."""

import logging
import threading
from collections.abc import Iterator
from typing import Any

from components.ahead import Follower, Piece
from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported
from components.registry.model_properties import ModelProperties
from components.registry.stages import stages_after
from pipeline.registry.registry import Artifact, Registry
from pipeline.settings import Settings

_log = logging.getLogger(__name__)


def load_champion_early(settings: Settings) -> threading.Thread | None:
    """Begins to load the champion, and to plan the signature that it is asked by.

    AccountScorer finds a model that was loaded in its process, and loads it else. So whatever goes
    wrong here is told there; and the thread does not hold back the end of the process.

    Args:
        settings: Of the run, which loaded TensorFlow.

    Returns:
        The thread; None without a champion.
    """
    champion = Registry(settings.metadata_path).champion()
    if champion is None:
        return None
    asked = (champion, settings.scoring.explains_all)
    work = threading.Thread(target=_load, args=asked, name="early model", daemon=True)
    work.start()
    return work


def champion_asked_early(settings: Settings) -> Follower:
    """Returns what asks the champion of a scoring run as soon as its examples are written.

    Not while two models share the accounts: each is then asked about its own.

    Args:
        settings: Of the run, which loaded TensorFlow.
    """
    from components.account_scorer.early_answers import answers_ahead
    from components.feedback_example_gen.handed_over import WrittenExamples

    registry = Registry(settings.metadata_path)
    lasting = stages_after(registry.transitions()).split
    champion = registry.champion() if lasting is None else None

    def follower(made: Any) -> Iterator[Piece]:
        if champion is not None and isinstance(made, WrittenExamples):
            explains = settings.scoring.explains_all
            yield answers_ahead(made, saved_model_path(champion.uri), explains=explains)

    return follower


def _load(champion: Artifact[ModelProperties], with_reasons: bool) -> None:
    from serving_model.served.predict import ModelScorer

    path, known = saved_model_path(champion.uri), champion.properties
    try:
        require_exported(path, known, known.model_version)
        scorer = ModelScorer(path)
        # About no example: a signature is planned when it is first called.
        if with_reasons:
            scorer.explain_batches([])
        else:
            scorer.score_batches([])
    except Exception as error:  # whatever its files hold: AccountScorer says so
        _log.info("The champion was not loaded early: %s", error)
