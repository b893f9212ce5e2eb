"""Loads the champion of a scoring run while its feedback is read."""

import logging
import threading

from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported
from components.registry.model_properties import ModelProperties
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
