"""Confusion counts: who is flagged from which probability on, and how many of them churned."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import binomtest

from components.account_scorer.bands import bands_for
from components.model_gate.decision_file import CHALLENGER
from components.model_gate.predictions import Predictions
from components.model_review.sections.estimates import Estimate, SectionMissing
from serving_model.evaluation.paired_bootstrap import CONFIDENCE
from serving_model.served.risk import CATEGORIES
from serving_model.served.risk_bands import RiskBands
from transforms.arrays import Floats

GRID: Final = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Probabilities that are looked at beside the cuts of the risk bands: close together where few
accounts churn."""


@dataclass(frozen=True)
class Cut:
    """All accounts with a probability or a higher one, taken as flagged.

    Attributes:
        probability: From which on accounts are flagged.
        bands: Risk bands that begin here, joined by commas; empty for one of the grid.
        flagged: Accounts.
        churned: Of these, how many churned: the true positives.
        false_alarms: Of these, how many stayed: the false positives.
        missed: Churned accounts that are not flagged: the false negatives.
        left_alone: Accounts that stayed and are not flagged: the true negatives.
        precision: churned over flagged, with Wilson's 95 % interval (Wilson 1927).
        recall: churned over all churned accounts, likewise.
        false_alarm_rate: false_alarms over all accounts that stayed, likewise.
    """

    probability: float
    bands: str
    flagged: int
    churned: int
    false_alarms: int
    missed: int
    left_alone: int
    precision: Estimate
    recall: Estimate
    false_alarm_rate: Estimate


@dataclass(frozen=True)
class Thresholds:
    """What each cut would mean on the evaluation set, the lowest first.

    Attributes:
        cuts: Those that flag some accounts and not all.
        never: Risk bands whose cut no account of the evaluation set reaches.
        accounts: Of the evaluation set.
        base_rate: Share of these that churned.
    """

    cuts: tuple[Cut, ...]
    never: tuple[str, ...]
    accounts: int
    base_rate: float


def thresholds_of(predictions: Predictions, card: Mapping[str, Any], risk_bands: str) -> Thresholds:
    """Counts at the cuts of the risk bands and at those of GRID.

    Args:
        predictions: What the gate judged.
        card: Of the challenger.
        risk_bands: RiskBands.rule as JSON.

    Raises:
        SectionMissing: All accounts churned, or none did.
    """
    labels, found = predictions.labels, predictions.models[CHALLENGER]
    if len(np.unique(labels)) < 2:
        raise SectionMissing(
            f"{int(labels.sum())} of {len(labels)} accounts of the evaluation set churned: "
            "precision and recall need some that churned and some that stayed."
        )
    bands = _bands(bands_for(RiskBands.from_rule(json.loads(risk_bands)), card), found)
    never = tuple(name for name, cut in bands.items() if cut > found.max())
    cuts = sorted({*GRID, *(cut for name, cut in bands.items() if name not in never)})
    counted = (
        _cut(cut, ", ".join(name for name, begin in bands.items() if begin == cut), labels, found)
        for cut in cuts
    )
    kept = tuple(one for one in counted if one.flagged > 0 and (one.missed + one.left_alone))
    return Thresholds(kept, never, len(labels), float(labels.mean()))


def _bands(bands: RiskBands, found: Floats) -> dict[str, float]:
    """Returns where medium, high and critical begin on the evaluation set, by name.

    By capacity they begin at the probability of the last account that has room.
    """
    cuts = bands.cuts
    if cuts is None:
        falling = np.sort(found)[::-1]
        places = [min(place, len(falling)) for place in bands.places or ()]
        cuts = tuple(float(falling[max(0, place - 1)]) for place in reversed(places))
    return dict(zip(CATEGORIES[1:], cuts, strict=True))


def _cut(probability: float, bands: str, labels: Floats, found: Floats) -> Cut:
    flagged = found >= probability
    churned = int(labels[flagged].sum())
    everyone = int(labels.sum())
    alarms, stayed = int(flagged.sum()) - churned, len(labels) - everyone
    return Cut(
        probability=probability,
        bands=bands,
        flagged=int(flagged.sum()),
        churned=churned,
        false_alarms=alarms,
        missed=everyone - churned,
        left_alone=stayed - alarms,
        precision=_share(churned, int(flagged.sum())),
        recall=_share(churned, everyone),
        false_alarm_rate=_share(alarms, stayed),
    )


def _share(some: int, of: int) -> Estimate:
    if not of:
        return Estimate(float("nan"))
    ends = binomtest(some, of).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(some / of, (float(ends.low), float(ends.high)))
