"""The champion in memory: loaded as scoring runs load it, and swapped when another one is.

A request asks the model that was there when it began; the next one asks the new one. The old one
goes when the last request that asks it ends.
"""

import ctypes
import gc
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from components.account_scorer.bands import bands_for
from components.errors import NothingToPublish, TensInsightError
from components.postgres.connection import metadata_address
from components.registry.artifact_names import saved_model_path
from components.registry.model_properties import ModelProperties
from components.registry.store_identity import require_known_database
from pipeline.registry.load_model import load_model
from pipeline.registry.registry import Artifact, Registry
from pipeline.settings import Settings
from serving_model.served.model_card import read_card
from serving_model.served.predict import ModelScorer, forget_models
from serving_model.served.risk_bands import RiskBands

_log = logging.getLogger(__name__)
_NONE: Final = (
    "There is no champion: no model was ever blessed or accepted, or all that were are withdrawn. "
    "`tens-insight models list` shows all models. The rule that scores on the first day is not "
    "served."
)


@dataclass(frozen=True)
class Champion:
    """A model that answers.

    Attributes:
        scorer: It, loaded.
        version: Its name.
        artifact_id: In ML Metadata.
        number: By which TensorFlow Serving knows it, where it was pushed; else artifact_id.
        folder: Of its SavedModel.
        properties: What was recorded of it.
        bands: The rule of the risk bands.
        loaded_at: UTC.
        load_s: Seconds that loading took.
    """

    scorer: ModelScorer
    version: str
    artifact_id: int
    number: int
    folder: str
    properties: ModelProperties
    bands: RiskBands
    loaded_at: datetime
    load_s: float


@dataclass
class Followed:
    """What the follower last found.

    Attributes:
        champion: That answers; None while there is none.
        problem: Why the champion of the registry does not answer, in a sentence; empty if it does.
        swaps: Models that took another one's place.
        failures: Looks that ended with a problem.
        seen: What the store was like when all was well.
    """

    champion: Champion | None = None
    problem: str = "No model was loaded yet."
    swaps: int = 0
    failures: int = 0
    seen: object = field(default=None, repr=False)


class Follower:
    """Asks the registry who is champion, and loads that one.

    Args:
        settings: Of the installation.
        warm_up: Is called with each model that was loaded, before it answers.
    """

    def __init__(self, settings: Settings, warm_up: Callable[[ModelScorer], None]):
        self._settings, self._warm_up = settings, warm_up
        self._found = Followed()
        self._one = threading.Lock()

    @property
    def champion(self) -> Champion | None:
        """The model that answers now; None while there is none."""
        return self._found.champion

    @property
    def found(self) -> Followed:
        """What was found last."""
        return self._found

    def look(self) -> None:
        """Loads another model where the registry names one; never raises.

        Where the new champion cannot be loaded, the old one answers on, and the problem is told.
        Where there is no champion any more, nothing answers.
        """
        with self._one:
            swaps = self._found.swaps
            try:
                self._look()
            except Exception as error:  # whatever a store, a disk or a model holds
                self._tell(f"{error}" if isinstance(error, TensInsightError) else _told(error))
                self._found.failures += 1
                self._found.seen = None
            if self._found.swaps > swaps:
                _let_go()

    def _look(self) -> None:
        seen = self._state_of_store()
        if seen is not None and seen == self._found.seen:
            return
        registry = Registry(self._settings.metadata_path)
        wanted = registry.champion()
        if wanted is None:
            self._found.champion = None
            raise NothingToPublish(_NONE)
        former = self._found.champion
        if former is None or former.artifact_id != wanted.artifact_id:
            require_known_database(
                registry.store, wanted.properties.model_version, wanted.properties.database_id
            )
            self._found.champion = self._loaded(wanted)
            self._found.swaps += former is not None
            _log.info("Model %s answers.", self._found.champion.version)
            forget_models()
        self._found.problem, self._found.seen = "", seen

    def _tell(self, problem: str) -> None:
        if problem != self._found.problem:
            _log.warning("%s", problem)
        self._found.problem = problem

    def _state_of_store(self) -> object:
        """Returns what changes with each decision; None where only asking tells."""
        if metadata_address() is not None:
            return None
        try:
            found = self._settings.metadata_path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _loaded(self, wanted: Artifact[ModelProperties]) -> Champion:
        begun = time.perf_counter()
        scorer = load_model(wanted, self._settings)
        version = str(scorer.card.get("model_version", f"model-{wanted.artifact_id}"))
        self._warm_up(scorer)
        return Champion(
            scorer=scorer,
            version=version,
            artifact_id=wanted.artifact_id,
            number=_number(self._settings.serving_dir, version) or wanted.artifact_id,
            folder=saved_model_path(wanted.uri),
            properties=ModelProperties.from_plain(scorer.card),
            bands=bands_for(self._settings.scoring.bands, scorer.card),
            loaded_at=datetime.now(timezone.utc),
            load_s=time.perf_counter() - begun,
        )


def _let_go() -> None:
    """Gives the memory of a model back that nobody asks any more.

    Its objects hold each other, and what the collector passes over by itself it would find late.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc
        trim(0)


def _number(serving_dir: Path, version: str) -> int | None:
    """Returns the number under which a model was pushed; None where it was not."""
    folders = serving_dir.iterdir() if serving_dir.is_dir() else ()
    for folder in folders:
        if folder.name.isdigit():
            try:
                card = read_card(str(folder))
            except (OSError, ValueError):  # one that is being pushed, or removed
                continue
            if card.get("model_version") == version:
                return int(folder.name)
    return None


def _told(error: Exception) -> str:
    return f"Unexpected {type(error).__name__} while the champion was looked for: {error}"
