"""The checks on slices: a model may not hide a bad tier behind a good mean."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.model_gate.calibration_checks import ratio_check
from components.model_gate.config import ModelGateConfig
from components.model_gate.decision_file import CHALLENGER, CHAMPION
from components.model_gate.gate_check import LOWEST_AUC, GateCheck, Population
from serving_model.evaluation.metrics import AUC, auc, calibration_gap
from serving_model.evaluation.paired_bootstrap import Replicates, interval, paired_bootstrap
from transforms import event_spec as spec
from transforms.arrays import Booleans, Floats
from transforms.thresholds import STATES

STATE: Final = "state"
"""What the slices by account state are called: "state new" and so on."""
_BAR: Final = "enough of both outcomes"


class Traits(NamedTuple):
    """What slices are cut by, [n] each."""

    tier: NDArray[np.str_]
    region: NDArray[np.str_]
    state: NDArray[np.str_]
    """As `transforms.thresholds.account_states` tells at the cutoff."""


def slices(traits: Traits) -> Iterator[tuple[str, Booleans]]:
    """Yields the name and the rows, bool [n], of every slice; an account is in several."""
    for name, values in ((spec.CUSTOMER_TIER, traits.tier), (spec.REGION, traits.region)):
        for value in np.unique(values):
            yield f"{name} {value or '(empty)'}", values == value
    for state in STATES:
        yield f"{STATE} {state}", traits.state == state


def slice_checks(
    labels: Floats, models: Mapping[str, Floats], traits: Traits, limits: ModelGateConfig
) -> Iterator[tuple[dict[str, Any], list[GateCheck]]]:
    """Yields each slice's metrics and checks.

    Args:
        labels: 0 or 1, [n].
        models: Probabilities by name, [n]; the champion may be absent.
        traits: Of the same accounts.
        limits: The thresholds.
    """
    judged = {name: models[name] for name in (CHALLENGER, CHAMPION) if name in models}
    found = [(Population.of(name, labels[rows]), rows) for name, rows in slices(traits)]
    looks = sum(not _too_few(population, limits) for population, _ in found)
    for population, rows in found:
        name = population.slice
        described = {"slice": name, "accounts": population.accounts, "churned": population.churned}
        why = _too_few(population, limits)
        if why:
            yield {**described, "skipped": why}, [population.skip("slice", _BAR, why)]
            continue
        own = {model: answers[rows] for model, answers in judged.items()}
        checks = list(_checks(population, labels[rows], own, limits))
        most = limits.max_part_calibration_ratio
        checks.append(ratio_check(population, labels[rows], own[CHALLENGER], most, looks))
        yield {**described, **_metrics(labels[rows], own[CHALLENGER])}, checks


def _too_few(population: Population, limits: ModelGateConfig) -> str:
    stayed = population.accounts - population.churned
    if population.churned >= limits.min_slice_churned and stayed >= limits.min_slice_stayed:
        return ""
    return (
        f"{population.churned} churned and {stayed} stayed, at least "
        f"{limits.min_slice_churned} and {limits.min_slice_stayed} are needed"
    )


def _metrics(labels: Floats, probabilities: Floats) -> dict[str, float]:
    return {
        "auc": auc(labels, probabilities),
        "mean_predicted": float(probabilities.mean()),
        "mean_observed": float(labels.mean()),
    }


def _checks(
    population: Population, labels: Floats, models: Mapping[str, Floats], limits: ModelGateConfig
) -> Iterator[GateCheck]:
    """A slice is small: it fails only where its whole interval lies beyond the threshold."""
    replicates = paired_bootstrap(labels, models)
    own, found = replicates[CHALLENGER], models[CHALLENGER]
    area = auc(labels, found)
    yield population.check(
        name="auc",
        value=area,
        threshold=f"upper end at least {LOWEST_AUC:g}",
        limit=LOWEST_AUC,
        excess=LOWEST_AUC - _ends(own["auc"])[1],
        replicates=own["auc"],
    )
    gap = calibration_gap(labels, found)
    low, high = _ends(own["calibration_gap"])
    yield population.check(
        name="calibration gap",
        value=gap,
        threshold=f"interval not wholly beyond {limits.max_calibration_gap:g} of 0",
        limit=limits.max_calibration_gap,
        excess=max(low, -high) - limits.max_calibration_gap,
        replicates=own["calibration_gap"],
    )
    if CHAMPION in models:
        difference = area - auc(labels, models[CHAMPION])
        yield _beside_the_champion(population, difference, replicates, limits)


def _beside_the_champion(
    population: Population,
    difference: float,
    replicates: Mapping[str, Replicates],
    limits: ModelGateConfig,
) -> GateCheck:
    differences = replicates[CHALLENGER]["auc"] - replicates[CHAMPION]["auc"]
    return population.check(
        name=f"auc against the {CHAMPION}",
        value=difference,
        threshold=f"upper end at least {-limits.worsening_limits[AUC.name]:+g}",
        limit=-limits.worsening_limits[AUC.name],
        excess=-limits.worsening_limits[AUC.name] - _ends(differences)[1],
        replicates=differences,
    )


def _ends(replicates: Floats) -> tuple[float, float]:
    return interval(replicates) or (float("nan"), float("nan"))
