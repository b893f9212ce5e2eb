"""The sections of the report about today's accounts, and about what moves their scores."""

from dataclasses import dataclass

from components.model_review.quality_sections import Estimate


@dataclass(frozen=True)
class Scored:
    """All accounts of a moment, as one model scores them.

    Attributes:
        model_version: Of the model.
        as_of: The scores' now, ISO 8601 UTC.
        accounts: How many.
        mean_probability: Of churn, [0, 1].
        categories: Accounts by risk category, the highest risk first.
        histogram: Accounts by probability, one number for each bin of Standing.edges.
    """

    model_version: str
    as_of: str
    accounts: int
    mean_probability: float
    categories: tuple[tuple[str, int], ...]
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class Mover:
    """An account whose probability moves far: before, and by this model."""

    account_id: str
    before: float
    after: float
    category_before: str
    category_after: str


@dataclass(frozen=True)
class Standing:
    """Today's accounts by this model, beside the last publication by another.

    Attributes:
        after: By this model.
        before: The newest publication that is not by this model; None where there is none.
        published: Whether `after` is what is published now.
        bands: The rule of the categories, in a sentence.
        edges: Of the histogram's bins, one more than there are bins, from 0 to 1; closer
            together where probabilities are low, since most of them are.
        transitions: (category before, category after, accounts) of accounts in both.
        movers: The furthest first; empty where accounts are not to be shown.
        accounts_shown: Whether movers may be named.
        common: Accounts in both.
        appeared: Accounts only in `after`.
        vanished: Accounts only in `before`.
        before_missing: Why there is no `before`; empty where there is one.
    """

    after: Scored
    before: Scored | None
    published: bool
    bands: str
    edges: tuple[float, ...]
    transitions: tuple[tuple[str, str, int], ...] = ()
    movers: tuple[Mover, ...] = ()
    accounts_shown: bool = True
    common: int = 0
    appeared: int = 0
    vanished: int = 0
    before_missing: str = ""


@dataclass(frozen=True)
class Importance:
    """What the challenger loses where a reason group's features are shuffled among accounts.

    Permutation importance (Breiman 2001, "Random Forests", section 10) on the evaluation
    snapshot, the mean of several shuffles. The interval is their range.

    Attributes:
        group: As transforms.reason_groups names it.
        words: For people.
        features: How many columns are in it.
        auc_lost: AUC less that of the shuffled.
        log_loss_added: Log-loss of the shuffled less that of all.
        accounts: How many were shuffled: all of the evaluation snapshot, or a fixed random
            sample of a large one.
    """

    group: str
    words: str
    features: int
    auc_lost: Estimate
    log_loss_added: Estimate
    accounts: int = 0


@dataclass(frozen=True)
class Contribution:
    """How a reason group moves the scores of today's accounts, in log-odds of churn.

    Attributes:
        group: As transforms.reason_groups names it.
        words: For people.
        mean_absolute: How far it moves a score, up or down.
        mean: Where it moves scores on the whole.
        raises: Share of the accounts whose risk it raises, [0, 1].
        accounts: How many were asked about: all of today's, or a fixed random sample.
    """

    group: str
    words: str
    mean_absolute: float
    mean: float
    raises: float
    accounts: int = 0
