"""The champion in memory: loaded as scoring runs load it, and swapped when another one is.

A request asks the model that was there when it began; the next one asks the new one. The old one
goes when the last request that asks it ends.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from components.account_scorer.bands import bands_for
from components.account_scorer.beside import require_alike, told
from components.errors import NothingToPublish, TensInsightError
from components.memory import give_back
from components.postgres.connection import metadata_address
from components.publishing.split import Split
from components.registry.model_properties import ModelProperties
from components.registry.store_identity import require_known_database
from pipeline.registry.load_model import load_model, load_rule
from pipeline.registry.registry import Registry
from pipeline.serving.wanted import Model, Wanted, wanted_models
from pipeline.settings import Settings
from serving_model.served.model_card import read_card
from serving_model.served.predict import ModelScorer, forget_models
from serving_model.served.risk_bands import RiskBands

_log = logging.getLogger(__name__)
_NONE: Final = (
    "There is no champion: no model was ever blessed or accepted, or all that were are withdrawn. "
    "`tens-insight models list` shows all models, `tens-insight run train` trains another."
)
_NO_RULE: Final = (
    "There is no champion, and the newest scores are not those of the cold-start rule: "
    "`tens-insight run score` scores with it, and then it answers here too."
)
_LONGEST_S: Final = 300.0
"""Seconds between two trials to load what could not be loaded, at most."""


class NobodyAnswersError(NothingToPublish):
    """No model may score, and no rule does."""


@dataclass(frozen=True)
class Champion:
    """A model that answers.

    Attributes:
        scorer: It, loaded.
        version: Its name.
        artifact_id: In ML Metadata.
        number: By which TensorFlow Serving knows it, where it was pushed; else artifact_id.
        properties: What was recorded of it.
        bands: The rule of the risk bands.
        loaded_at: UTC.
        load_s: Seconds that loading took.
        second: Of a split, the model that answers for the other accounts; None without one.
        split: Which accounts; None without one.
    """

    scorer: ModelScorer
    version: str
    artifact_id: int
    number: int
    properties: ModelProperties
    bands: RiskBands
    loaded_at: datetime
    load_s: float
    second: "Champion | None" = None
    split: Split | None = None

    def of(self, account_id: str) -> "Champion":
        """Returns the model by which a run scores an account."""
        if self.split is not None and self.second is not None and self.split.is_second(account_id):
            return self.second
        return self


@dataclass(frozen=True)
class Shadow:
    """A model that is asked beside, and never answers.

    Attributes:
        role: Why.
        artifact_id: In ML Metadata.
        scorer: It, loaded.
    """

    role: str
    artifact_id: int
    scorer: ModelScorer


@dataclass
class Followed:
    """What the follower last found.

    Attributes:
        champion: That answers; None while there is none.
        shadows: That are asked beside it.
        problem: Why the champion of the registry does not answer, in a sentence; empty if it does.
        notes: Why models beside it are not asked, a sentence each.
        swaps: Models that took another one's place.
        failures: Trials that ended with a problem.
    """

    champion: Champion | None = None
    shadows: tuple[Shadow, ...] = ()
    problem: str = "No model was loaded yet."
    notes: tuple[str, ...] = ()
    swaps: int = 0
    failures: int = 0


@dataclass(frozen=True)
class _Failed:
    """A trial that ended with a problem.

    Attributes:
        state: What the store was like.
        until: When the next one is due where the store stays like that.
        wait_s: Seconds in between.
    """

    state: object
    until: float
    wait_s: float


class Follower:
    """Asks the registry who is champion, and loads that one.

    Args:
        settings: Of the installation.
        warm_up: Is called with each model that was loaded, before it answers.
        clock: Seconds.
        owns_process: Whether objects that stay may be kept from Python's collector, of which each
            pass over all that TensorFlow made takes some tenth of a second.
    """

    def __init__(
        self,
        settings: Settings,
        warm_up: Callable[[ModelScorer], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        owns_process: bool = False,
    ):
        self._settings, self._warm_up, self._clock = settings, warm_up, clock
        self._owns_process = owns_process
        self._found = Followed()
        self._scorers: WeakValueDictionary[int, ModelScorer] = WeakValueDictionary()
        """Models in memory by their artifact ids, also those that only a request still asks."""
        self._in_memory = 0
        self._wanted: tuple[object, ...] | None = None
        self._seen: object = None
        self._failed: _Failed | None = None
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
        """Loads other models where the registry names others; never raises.

        Where the new champion cannot be loaded, the old one answers on, and the problem is told;
        it is tried again after a time that doubles, and at once where something was decided.
        Where there is no champion any more, nothing answers.
        """
        with self._one:
            if len(self._scorers) < self._in_memory:  # the last request of a model ended
                self._let_go()
            state = self._state_of_store()
            if state is not None and state == self._seen:
                return
            failed = self._failed
            if failed is not None and failed.state == state and self._clock() < failed.until:
                return
            try:
                self._seen, self._failed = (state if self._look() else None), None
            except Exception as error:  # whatever a store, a disk or a model holds
                self._tell(f"{error}" if isinstance(error, TensInsightError) else _told(error))
                self._found.failures += 1
                self._seen = None
                self._failed = self._next_trial(state, error)

    def _next_trial(self, state: object, error: Exception) -> "_Failed | None":
        if state is None and isinstance(error, NobodyAnswersError):
            return None  # a decision in a database shows when it is asked alone
        former = self._failed
        again = former is not None and former.state == state
        wait_s = (
            2 * former.wait_s if again and former else self._settings.serving.serve_poll_seconds
        )
        wait_s = min(wait_s, _LONGEST_S)
        return _Failed(state, self._clock() + wait_s, wait_s)

    def _look(self) -> bool:
        """Loads what is wanted; returns whether that is all of it."""
        registry = Registry(self._settings.metadata_path)
        wanted = wanted_models(registry, self._settings)
        if wanted.champion is None and wanted.rule is None:
            self._found.champion, self._found.shadows, self._wanted = None, (), None
            by_rule = self._settings.scoring.scores_by_rule
            raise NobodyAnswersError(_NO_RULE if by_rule else _NONE)
        if wanted.key == self._wanted:
            self._found.problem = ""
            return True
        found, begun = self._found, self._found.champion
        notes: list[str] = []
        champion = self._first(registry, wanted)
        champion = self._with_second(registry, champion, wanted, notes)
        if begun is None or begun.artifact_id != champion.artifact_id:
            found.swaps += begun is not None
            _log.info("Model %s answers.", champion.version)
        found.champion, found.problem = champion, ""  # what is beside it may take longer
        is_first = begun is None
        if not is_first:
            found.shadows = tuple(self._shadows(registry, wanted, notes))
        for note in notes:
            if note not in found.notes:
                _log.warning("%s", note)
        found.notes = tuple(notes)
        del champion, begun
        forget_models()
        self._let_go()
        if is_first and wanted.shadows:
            return False  # a server answers as soon as it can
        self._wanted = wanted.key
        return True

    def _first(self, registry: Registry, wanted: Wanted) -> Champion:
        """Returns the champion, or the rule: loaded, unless it is already."""
        if wanted.champion is not None:
            return self._loaded(registry, wanted.champion)
        assert wanted.rule is not None
        rule, begun = wanted.rule, time.perf_counter()
        if (known := self._known(rule.artifact_id)) is not None:
            return known
        self._scorers[rule.artifact_id] = scorer = load_rule(
            rule, self._settings, few_at_a_time=True
        )
        properties = ModelProperties.from_plain(scorer.card)
        return self._ready(registry, scorer, properties, rule.artifact_id, begun)

    def _loaded(self, registry: Registry, model: Model) -> Champion:
        begun = time.perf_counter()
        if (known := self._known(model.artifact_id)) is not None:
            return known
        scorer = self._scorer(model)
        return self._ready(registry, scorer, model.properties, model.artifact_id, begun)

    def _scorer(self, model: Model) -> ModelScorer:
        """Returns a model: loaded, unless it is in memory for another part."""
        scorer = self._scorers.get(model.artifact_id)
        if scorer is None:
            scorer = load_model(model, self._settings, few_at_a_time=True)
            self._scorers[model.artifact_id] = scorer
        return scorer

    def _known(self, artifact_id: int) -> Champion | None:
        """Returns a model that answers already, without what is beside it."""
        first = self._found.champion
        for one in (first, first.second if first is not None else None):
            if one is not None and one.artifact_id == artifact_id:
                bands = bands_for(self._settings.scoring.bands, one.scorer.card)
                return replace(one, second=None, split=None, bands=bands)
        return None

    def _ready(
        self,
        registry: Registry,
        scorer: ModelScorer,
        known: ModelProperties,
        artifact_id: int,
        begun: float,
    ) -> Champion:
        version = str(scorer.card.get("model_version", f"model-{artifact_id}"))
        require_known_database(registry.store, known.model_version, known.database_id)
        self._warm_up(scorer)
        return Champion(
            scorer=scorer,
            version=version,
            artifact_id=artifact_id,
            number=_number(self._settings.serving_dir, version) or artifact_id,
            properties=ModelProperties.from_plain(scorer.card),
            bands=bands_for(self._settings.scoring.bands, scorer.card),
            loaded_at=datetime.now(timezone.utc),
            load_s=time.perf_counter() - begun,
        )

    def _with_second(
        self, registry: Registry, first: Champion, wanted: Wanted, notes: list[str]
    ) -> Champion:
        """Returns the champion with the second model of a split, as a run would ask it."""
        if wanted.second is None or wanted.split is None:
            return first
        try:
            second = self._loaded(registry, wanted.second)
            require_alike(first.scorer, second.scorer)
        except Exception as error:  # whatever its files hold: one model alone is enough
            notes.append(
                f"Split {wanted.split.number} of {wanted.split.a} and {wanted.split.b}: "
                f"{first.version} answers for all accounts, since {wanted.split.b} cannot: "
                f"{told(error)}"
            )
            return first
        # Of one rule for all accounts, with the base rate of the first model.
        return replace(first, second=replace(second, bands=first.bands), split=wanted.split)

    def _shadows(self, registry: Registry, wanted: Wanted, notes: list[str]) -> Iterator[Shadow]:
        for role, model in wanted.shadows:
            try:
                name = model.properties.model_version
                require_known_database(registry.store, name, model.properties.database_id)
                yield Shadow(role, model.artifact_id, self._scorer(model))
            except Exception as error:  # likewise
                name = model.properties.model_version
                notes.append(f"Model {name} ({role}) is not asked in shadow: {told(error)}")

    def _let_go(self) -> None:
        _let_go(keep_rest=self._owns_process)
        self._in_memory = len(self._scorers)

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


def _let_go(*, keep_rest: bool) -> None:
    """Gives the memory of models back that nobody asks any more.

    Their objects hold each other, and what the collector passes over by itself it would find late.

    Args:
        keep_rest: Whether the collector need not look at what is left.
    """
    if keep_rest:
        gc.unfreeze()
    gc.collect()
    if keep_rest:
        gc.freeze()
    give_back()


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
