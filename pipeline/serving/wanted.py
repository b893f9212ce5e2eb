"""Which models a run would ask at this moment, by the rules of the registry.

The champion; while two models share the accounts, the second one and how they share them; models in
shadow; and, where no model may score and the settings say so, the rule that scored last.
"""

from dataclasses import dataclass
from typing import Final

from components.account_scorer.beside import split_of
from components.publishing.split import Split
from components.registry.model_properties import ModelProperties
from components.registry.published_properties import PublishedScoresProperties
from components.registry.rule import SHADOW_ROLES, second_of_split, shadow_models
from components.registry.stages import stages_after
from pipeline.registry.registry import Artifact, Registry
from pipeline.settings import Settings
from transforms.cold_start_rule import is_rule

Model = Artifact[ModelProperties]


@dataclass(frozen=True)
class Wanted:
    """What a run would score with.

    Attributes:
        champion: None where no model may score.
        rule: Where the cold-start rule that scored last lies; None where it would not score.
        second: The second model of a split; None where the champion scores all accounts.
        split: Which of both scores an account; None likewise.
        shadows: Role and model of those that score in shadow, in their order.
    """

    champion: Model | None = None
    rule: Artifact[PublishedScoresProperties] | None = None
    second: Model | None = None
    split: Split | None = None
    shadows: tuple[tuple[str, Model], ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """Returns what is another one where other models are wanted."""
        first = self.champion or self.rule
        return (
            first.artifact_id if first else None,
            self.second.artifact_id if self.second else None,
            self.split,
            tuple((role, one.artifact_id) for role, one in self.shadows),
        )


NOTHING: Final = Wanted()


def wanted_models(registry: Registry, settings: Settings) -> Wanted:
    """Asks the registry.

    Raises:
        RegistryInconsistent: Two models have one version.
    """
    champion = registry.champion()
    if champion is None:
        by_rule = settings.scoring.scores_by_rule
        return Wanted(rule=_rule_that_scored_last(registry)) if by_rule else NOTHING
    judged, transitions = registry.judged(), registry.transitions()
    models = {one.artifact_id: one for one in registry.models()}
    found = second_of_split(judged, transitions)
    lasting = stages_after(transitions).split
    second = models.get(found.model_id) if found is not None else None
    roles = shadow_models(judged, transitions)
    shadows = [(role, models[roles[role].model_id]) for role in SHADOW_ROLES if role in roles]
    return Wanted(
        champion=champion,
        second=second,
        split=split_of(lasting) if lasting is not None and second is not None else None,
        shadows=tuple(shadows[: settings.scoring.shadow_models]),
    )


def _rule_that_scored_last(registry: Registry) -> Artifact[PublishedScoresProperties] | None:
    """Returns the newest scores if the rule made them: the next run fits it to its accounts."""
    newest = registry.newest_scores()
    if newest is None or not is_rule(newest.properties.model_version):
        return None
    return newest
