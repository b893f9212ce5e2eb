"""What a run published: the properties of PublishedScores and of PublishedAreas."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from components.registry import artifact_names
from components.registry.properties import Properties, keyed
from transforms.columns import OPEN_SETS

CATEGORIES: Final = ("critical", "high", "medium", "low")
"""The risk bands, highest first."""


@dataclass(frozen=True)
class UnseenValues:
    """Words of a column that are outside the model's vocabulary.

    Attributes:
        share: Of events (tier and region: of accounts) in the score split, [0, 1].
        examples: The most frequent words; None if there are none.
    """

    share: float
    examples: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedScoresProperties(Properties):
    """What was published as account_risk_scores.

    Attributes:
        as_of: The run's now, ISO 8601 UTC.
        model_version: Of the champion.
        published_at: By the database server's clock, ISO 8601.
        publication_id: In the log of publications.
        published_count: Rows inserted or replaced.
        removed_count: Rows of accounts that are not scored any more, removed.
        mean_probability: 0..1; None without a row.
        risk_bands: The rule of the categories in a sentence.
        risk_bands_mode: Its name, see RiskBands.
        divided_ties: Accounts of equal probabilities in two bands; None if there are none.
        former_risk_bands: The rule of the last publication, where it was another one.
        model_risk_bands: The rule when the model was trained, where it was another one.
        categories: Accounts by risk band, of those with any.
        bands_warning: That the rule tells hardly anybody apart, and which would; None where it
            does.
        unseen: Words outside the model, by the name of the vocabulary.
        shadows: Models that scored in shadow, each with its role; None without any.
        notes: Sentences about models that should have scored and could not; None without any.
        scored_by: Both models of a split; None where model_version scored all accounts.
        split: How many accounts each of them scored, in a sentence; None without one.
    """

    TYPE_NAME = artifact_names.PUBLISHED_SCORES

    as_of: str
    model_version: str
    published_at: str
    publication_id: int
    published_count: int
    removed_count: int
    mean_probability: float | None = None
    risk_bands: str
    risk_bands_mode: str
    divided_ties: int | None = None
    former_risk_bands: str | None = None
    model_risk_bands: str | None = None
    categories: Mapping[str, int] = field(
        default_factory=dict, metadata=keyed("category_{key}", CATEGORIES)
    )
    bands_warning: str | None = None
    unseen: Mapping[str, UnseenValues] = field(
        default_factory=dict,
        metadata=keyed("unseen_{key}_{name}", (one.label for one in OPEN_SETS)),
    )
    shadows: tuple[str, ...] | None = None
    notes: tuple[str, ...] | None = None
    scored_by: str | None = None
    split: str | None = None

    @property
    def scored_with(self) -> str:
        """What stands for the model where publications of several are compared."""
        return self.scored_by or self.model_version


@dataclass(frozen=True, kw_only=True)
class PublishedAreasProperties(Properties):
    """What was published as product_area_impact.

    Attributes:
        as_of: The run's now, ISO 8601 UTC.
        weights_version: Of the weights of the rule.
        window_days: Length of the window before as_of.
        rows: Rows of feedback that were counted.
        unnamed_rows: Rows without an area or a tier, left out.
        published_count: Rows inserted or replaced.
        removed_count: Rows of pairs without feedback, removed.
        published_at: By the database server's clock, ISO 8601; None if nothing was.
        publication_id: In the log of publications; None if nothing was published.
        not_published: Why nothing was published; None if something was.
    """

    TYPE_NAME = artifact_names.PUBLISHED_AREAS

    as_of: str
    weights_version: str
    window_days: int
    rows: int
    unnamed_rows: int
    published_count: int
    removed_count: int
    published_at: str | None = None
    publication_id: int | None = None
    not_published: str | None = None


ESTIMATED_METRICS: Final = ("auc", "log_loss")


@dataclass(frozen=True)
class Estimated:
    """A metric that is expected of scores whose window is open, and its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class RecordedOutcomesProperties(Properties):
    """What a run recorded of the accounts that were scored before.

    Attributes:
        as_of: The run's now, ISO 8601 UTC.
        label_source: account_churn or inactivity.
        measured: Windows that were measured: publications by horizon.
        accounts: Scores in them.
        left: Of them, how many left.
        unknown: Of them, of how many nothing is known.
        waiting: Windows that are over, but not as far as the ground truth is known.
        open: Windows that are not over.
        next_closes_at: When the first of them is, ISO 8601 UTC; None without any.
        corrected_windows: Windows that were measured before, of which outcomes changed.
        corrected_rows: Outcomes that changed.
        judged: Windows whose performance was measured, or measured again.
        missed: Accounts that left with a low score and were noted now.
        withheld: Why what was recorded before was not corrected; None where it was.
        estimated: What is expected of the scores that the run published, at the horizon of
            churn_probability, over all accounts.
    """

    TYPE_NAME = artifact_names.RECORDED_OUTCOMES

    as_of: str
    label_source: str
    measured: int
    accounts: int
    left: int
    unknown: int
    waiting: int
    open: int
    next_closes_at: str | None = None
    corrected_windows: int = 0
    corrected_rows: int = 0
    judged: int = 0
    missed: int = 0
    withheld: str | None = None
    estimated: Mapping[str, Estimated] = field(
        default_factory=dict, metadata=keyed("estimated_{key}_{name}", ESTIMATED_METRICS)
    )
