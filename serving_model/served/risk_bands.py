"""Rules by which a probability falls into a risk band, and what a model's card says of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from serving_model.served.risk import CATEGORIES, CATEGORY_BOUNDS, checked_probabilities

PROBABILITY: Final = "probability"
LIFT: Final = "lift"
CAPACITY: Final = "capacity"
MODES: Final = (PROBABILITY, LIFT, CAPACITY)
DEFAULT_LIFTS: Final = (1.5, 2.5, 4.0)
"""Where medium, high and critical begin, in multiples of the base rate."""
_ABOVE_LOW: Final = CATEGORIES[1:]
RISK_BANDS: Final = "risk_bands"
"""The rule as JSON, with the probabilities that it amounted to."""
CALIBRATED_BASE_RATE: Final = "calibrated_base_rate"
"""Mean probability within the horizon that the model gives to its newest training cutoff: the
rate that it was calibrated to, while trained_base_rate is that of all its examples."""


@dataclass(frozen=True)
class RiskBands:
    """A rule, and the base rate that it may be measured against.

    Attributes:
        mode: PROBABILITY, LIFT or CAPACITY.
        lifts: Of LIFT: where medium, high and critical begin, in multiples of the base
            rate, rising.
        capacity: Of CAPACITY: how many accounts are critical, high and medium at most.
        base_rate: Of churn within the horizon, in (0, 1), as the model recorded it; None
            where no model is known.
    """

    mode: str = PROBABILITY
    lifts: tuple[float, ...] = ()
    capacity: tuple[int, ...] = ()
    base_rate: float | None = None

    @classmethod
    def from_rule(cls, rule: Mapping[str, Any], base_rate: float | None = None) -> "RiskBands":
        """Reads what `rule` returns, as it comes back from JSON."""
        return cls(
            str(rule["mode"]),
            tuple(map(float, rule.get("lifts", ()))),
            tuple(map(int, rule.get("capacity", ()))),
            base_rate,
        )

    @property
    def rule(self) -> dict[str, Any]:
        """What somebody chose, as plain values: the mode and its numbers."""
        numbers: dict[str, Any] = {LIFT: self.lifts, CAPACITY: self.capacity}
        name = {LIFT: "lifts", CAPACITY: "capacity"}.get(self.mode)
        return {"mode": self.mode} | ({name: list(numbers[self.mode])} if name else {})

    @property
    def cuts(self) -> tuple[float, ...] | None:
        """Probability from which medium, high and critical hold; None by capacity.

        Raises:
            ValueError: By lift, without a base rate between 0 and 1.
        """
        if self.mode == PROBABILITY:
            return CATEGORY_BOUNDS
        if self.mode == CAPACITY:
            return None
        if self.base_rate is None or not 0 < self.base_rate < 1:
            raise ValueError(
                f"Risk bands by lift are multiples of the model's base rate, which is "
                f"{self.base_rate}; expected a number between 0 and 1."
            )
        return tuple(lift * self.base_rate for lift in self.lifts)

    @property
    def places(self) -> tuple[int, ...] | None:
        """By capacity: the last place of critical, high and medium, from 1; else None."""
        if self.mode != CAPACITY:
            return None
        return tuple(np.cumsum(self.capacity).tolist())

    def against(self, base_rate: float | None) -> "RiskBands":
        """Returns the same rule beside the base rate of a model."""
        return replace(self, base_rate=base_rate)

    def applied(self) -> dict[str, Any]:
        """Returns rule, base rate and cuts as plain values, for the record."""
        cuts = self.cuts
        known = {"base_rate": self.base_rate} if self.base_rate is not None else {}
        return {**self.rule, **known, **({"cuts": list(cuts)} if cuts else {})}

    def describe(self) -> str:
        """Says the rule in a line, with the probabilities that it amounts to."""
        if self.mode == CAPACITY:
            critical, high, medium = self.capacity
            return f"capacity: the {critical} highest critical, {high} high, {medium} medium"
        cuts = self.cuts or ()
        if self.mode == PROBABILITY:
            return "probability: " + _joined(f"{cut:.2f}" for cut in cuts)
        multiples = _joined(
            f"{lift:g}x ({cut:.3f})" if cut <= 1 else f"{lift:g}x (above 1: never)"
            for lift, cut in zip(self.lifts, cuts, strict=True)
        )
        return f"lift over the base rate {self.base_rate:.3f}: {multiples}"

    def categories(self, probabilities: ArrayLike, accounts: Sequence[str]) -> NDArray[np.str_]:
        """Returns the category of every account of a publication.

        Args:
            probabilities: Of churn, [n], each in 0..1: all accounts that are published,
                since capacity is shared among them.
            accounts: Their ids, [n]. By capacity, of equal probabilities the smaller id, by
                code points, comes first.

        Returns:
            low, medium, high or critical, str [n].

        Raises:
            ValueError: If a probability is NaN or outside 0..1, naming the account, or as
                `cuts` has it.
        """
        checked = checked_probabilities(probabilities, accounts)
        names = np.array(CATEGORIES)
        if self.places is None:
            assert self.cuts is not None
            return names[np.digitize(checked, self.cuts)]
        place = _places(checked, accounts)
        # side "left": the last place of a band still belongs to it.
        return names[len(CATEGORIES) - 1 - np.searchsorted(self.places, place, side="left")]


CONTRACT_BANDS: Final = RiskBands()
"""The fixed cuts of the contract with those who read the scores."""


def divided_ties(
    bands: RiskBands, probabilities: NDArray[np.float64], categories: NDArray[np.str_]
) -> int:
    """Returns how many accounts share a probability with one of another category.

    That happens by capacity alone, where a limit falls among equals.

    Args:
        bands: The rule.
        probabilities: [n].
        categories: As `bands.categories` gave them, [n].
    """
    if bands.mode != CAPACITY:
        return 0
    _, group = np.unique(probabilities, return_inverse=True)
    rank = np.array([CATEGORIES.index(name) for name in categories.tolist()], dtype=np.int64)
    lowest = np.full(group.max(initial=-1) + 1, len(CATEGORIES))
    highest = np.full_like(lowest, -1)
    np.minimum.at(lowest, group, rank)
    np.maximum.at(highest, group, rank)
    return int((lowest < highest)[group].sum())


def _places(probabilities: NDArray[np.float64], accounts: Sequence[str]) -> NDArray[np.int64]:
    values = probabilities.tolist()
    order = sorted(range(len(values)), key=lambda one: (-values[one], accounts[one]))
    places = np.empty(len(values), dtype=np.int64)
    places[order] = np.arange(1, len(values) + 1)
    return places


def _joined(parts: Any) -> str:
    return ", ".join(f"{name} from {part}" for name, part in zip(_ABOVE_LOW, parts, strict=True))


def band_card(card: Mapping[str, Any], calibrated_base_rate: float) -> dict[str, str | float]:
    """Returns the lines of the card about bands.

    Args:
        card: As handed to the trainer; RISK_BANDS in it is the rule of the settings.
        calibrated_base_rate: In (0, 1).
    """
    bands = _rule(card).against(calibrated_base_rate)
    return {
        CALIBRATED_BASE_RATE: calibrated_base_rate,
        RISK_BANDS: json.dumps(bands.applied(), sort_keys=True),
    }


def bands_of_card(card: Mapping[str, Any]) -> RiskBands:
    """Returns the rule in a card beside the model's base rate."""
    return _rule(card).against(float(card[CALIBRATED_BASE_RATE]))


def _rule(card: Mapping[str, Any]) -> RiskBands:
    if RISK_BANDS not in card:
        return CONTRACT_BANDS
    return RiskBands.from_rule(json.loads(str(card[RISK_BANDS])))
