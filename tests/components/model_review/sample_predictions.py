"""What the gate would have judged, from a fixed seed: labels, models and their decision."""

import numpy as np

from components.model_gate.band_worth import bands_to_judge, worth_of
from components.model_gate.config import ModelGateConfig
from components.model_gate.decision import decide
from components.model_gate.decision_file import CHALLENGER, CHAMPION, Decision
from components.model_gate.gate_check import OVERALL, Population
from components.model_gate.horizon_checks import horizon_checks
from components.model_gate.overall_checks import overall_checks
from components.model_gate.predictions import Predictions, Seen
from components.model_gate.slice_checks import Traits, slice_checks
from serving_model.evaluation.paired_bootstrap import paired_bootstrap
from serving_model.evaluation.ranking import COLD_START_RULE, CONSTANT, LOGISTIC_REGRESSION, RECENCY
from serving_model.served.risk_bands import band_card
from transforms.thresholds import account_states

ACCOUNTS = 1_446
CUTOFF = "2026-04-02T00:00:00+00:00"
LIMITS = ModelGateConfig(min_auc=0.5)
_BASE, _SPREAD = -2.2, 1.3


def predictions(challenger: float, champion: float | None, off: float = 0.0) -> Predictions:
    """Makes accounts and the answers of models that see their true log-odds through noise.

    Args:
        challenger: Standard deviation of its noise; with much of it, a model says the base
            rate of everybody.
        champion: Likewise; None where there is none.
        off: Added to the log-odds of the challenger.
    """
    rng = np.random.default_rng(20)
    truth = rng.normal(_BASE, _SPREAD, ACCOUNTS)
    labels = (rng.random(ACCOUNTS) < probability(truth)).astype(float)

    def model(noise: float, off: float = 0.0, drawn: np.random.Generator = rng) -> np.ndarray:
        seen = truth + drawn.normal(0, noise, ACCOUNTS)
        # What is known of the truth, given what is seen.
        shrunk = _BASE + (seen - _BASE) * _SPREAD**2 / (_SPREAD**2 + noise**2)
        return probability(shrunk + off)

    models = {CHALLENGER: model(challenger, off)}
    if champion is not None:
        models[CHAMPION] = model(champion)
    models |= {CONSTANT: np.full(ACCOUNTS, 0.131), RECENCY: model(2.0)}
    models[LOGISTIC_REGRESSION] = model(0.9)
    models[COLD_START_RULE] = model(1.7, drawn=np.random.default_rng(21))
    traits, own = _traits(rng), models[CHALLENGER]
    return Predictions(
        np.array(account_ids(ACCOUNTS)),
        labels,
        models,
        traits,
        # By a constant hazard.
        {days: 1 - (1 - own) ** (days / 60) for days in (30, 60, 90)},
        Seen(np.where(labels == 1, rng.uniform(0, 60, ACCOUNTS), -1.0), np.full(ACCOUNTS, 60.0)),
    )


def account_ids(count: int) -> list[str]:
    """Ids such as a CRM gives them."""
    names = ("ACME", "GLOBEX", "INITECH", "UMBRELLA", "HOOLI", "STARK", "WAYNE")
    return [f"ACC-{names[place % len(names)]}-{place:04}" for place in range(count)]


def judged(found: Predictions, champion_version: str | None) -> Decision:
    """Returns the decision on these predictions, by the checks of the gate itself."""
    population = Population.of(OVERALL, found.labels)
    replicates = paired_bootstrap(found.labels, found.models)
    checks = list(overall_checks(population, found.labels, found.models, replicates, LIMITS))
    described = []
    for described_slice, own in slice_checks(found.labels, found.models, found.traits, LIMITS):
        described.append(described_slice)
        checks += own
    horizons, own = horizon_checks(found, 60, LIMITS)
    return decide(
        checks=[*checks, *own],
        labels=found.labels,
        models=found.models,
        slices=described,
        versions=("20260601-4b825dc6", champion_version),
        cutoff=CUTOFF,
        training={"examples": 12_020, "sample": 1.0, "C": 0.003},
        horizons=horizons,
        bands=list(
            worth_of(
                bands_to_judge(band_card({}, found.models[CHALLENGER])),
                found.labels,
                found.models[CHALLENGER],
                found.accounts.tolist(),
            )
        ),
    )


def probability(log_odds: np.ndarray) -> np.ndarray:
    """The inverse of the logit."""
    return 1 / (1 + np.exp(-log_odds))


def _traits(rng: np.random.Generator) -> Traits:
    ages = rng.exponential(400, ACCOUNTS), rng.exponential(25, ACCOUNTS)
    return Traits(
        tier=rng.choice(("enterprise", "free", "pro", ""), ACCOUNTS, p=(0.2, 0.4, 0.39, 0.01)),
        region=rng.choice(("APAC", "EU", "LATAM", "MEA", "NA"), ACCOUNTS),
        state=account_states(*ages, np.full(ACCOUNTS, 9.0), lookback_days=30),
    )
