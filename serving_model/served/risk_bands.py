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
AUTO: Final = "auto"
"""Of settings alone: the rule that training chose for the model, by probability or by lift."""
MODES: Final = (PROBABILITY, LIFT, CAPACITY)
DEFAULT_LIFTS: Final = (1.5, 2.5, 4.0)
"""Where medium, high and critical begin, in multiples of the base rate."""
_ABOVE_LOW: Final = CATEGORIES[1:]
HIGH: Final = CATEGORY_BOUNDS[1]
"""The probability from which an account is high or critical by the contract."""
LEAST_SHARE: Final = 0.01
"""Of the accounts that must be high or critical, and of those that must not, for bands to help."""
ODDS: Final = "odds"
RISK_BANDS: Final = "risk_bands"
"""The rule as JSON, with the probabilities that it amounted to."""
AUTO_RISK_BANDS: Final = "auto_risk_bands"
"""The rule that training chose for RISK_BANDS=auto, likewise, whatever the settings said then."""
HIGH_SHARE: Final = "high_share"
"""Of the accounts of the newest training cutoff with a probability from HIGH on: by it the choice
was made."""
CALIBRATED_BASE_RATE: Final = "calibrated_base_rate"
"""Mean probability within the horizon that the model gives to its newest training cutoff: the
rate that it was calibrated to, while trained_base_rate is that of all its examples."""


@dataclass(frozen=True)
class RiskBands:
    """A rule, and the base rate that it may be measured against.

    Attributes:
        mode: PROBABILITY, LIFT or CAPACITY; AUTO in settings, where a card says which.
        lifts: Of LIFT: where medium, high and critical begin, in multiples of the base
            rate, rising.
        capacity: Of CAPACITY: how many accounts are critical, high and medium at most.
        base_rate: Of churn within the horizon, in (0, 1), as the model recorded it; None
            where no model is known.
        of_odds: Of LIFT: whether the multiples are of the odds of the base rate. Then no cut is
            above 1, whatever the base rate.
        chosen: Whether it was chosen by training, for AUTO.
    """

    mode: str = PROBABILITY
    lifts: tuple[float, ...] = ()
    capacity: tuple[int, ...] = ()
    base_rate: float | None = None
    of_odds: bool = False
    chosen: bool = False

    @classmethod
    def from_rule(cls, rule: Mapping[str, Any], base_rate: float | None = None) -> "RiskBands":
        """Reads what `rule` returns, as it comes back from JSON."""
        return cls(
            str(rule["mode"]),
            tuple(map(float, rule.get("lifts", ()))),
            tuple(map(int, rule.get("capacity", ()))),
            base_rate,
            rule.get("of") == ODDS,
            rule.get("chosen_by") == AUTO,
        )

    @property
    def rule(self) -> dict[str, Any]:
        """The mode and its numbers, as plain values; who chose them is no part of it."""
        numbers: dict[str, Any] = {LIFT: self.lifts, CAPACITY: self.capacity}
        name = {LIFT: "lifts", CAPACITY: "capacity"}.get(self.mode)
        of_odds = {"of": ODDS} if self.of_odds else {}
        return {"mode": self.mode, **({name: list(numbers[self.mode])} if name else {}), **of_odds}

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
        if self.mode == AUTO:
            raise ValueError("Which rule `auto` means is in the card of a model: none was given.")
        if self.base_rate is None or not 0 < self.base_rate < 1:
            raise ValueError(
                f"Risk bands by lift are multiples of the model's base rate, which is "
                f"{self.base_rate}; expected a number between 0 and 1."
            )
        if self.of_odds:
            odds = self.base_rate / (1 - self.base_rate)
            return tuple(lift * odds / (1 + lift * odds) for lift in self.lifts)
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
        known: dict[str, Any] = {}
        if self.base_rate is not None:
            known["base_rate"] = self.base_rate
        if self.chosen:
            known["chosen_by"] = AUTO
        return {**self.rule, **known, **({"cuts": list(cuts)} if cuts else {})}

    def describe(self) -> str:
        """Says the rule in a line, with the probabilities that it amounts to."""
        return self._described() + (", as training chose for auto" if self.chosen else "")

    def _described(self) -> str:
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
        of_odds = "the odds of " if self.of_odds else ""
        return f"lift over {of_odds}the base rate {self.base_rate:.3f}: {multiples}"

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


def chosen_bands(probabilities: ArrayLike) -> RiskBands:
    """Chooses the rule for AUTO: by probability where that separates, else by lift of the odds.

    Args:
        probabilities: Within the horizon, of the accounts at a model's newest training cutoff, [n].
    """
    found = np.array(CATEGORIES)[np.digitize(np.asarray(probabilities), CATEGORY_BOUNDS)]
    if separates(found):
        return replace(CONTRACT_BANDS, chosen=True)
    return RiskBands(LIFT, DEFAULT_LIFTS, of_odds=True, chosen=True)


def separates(categories: ArrayLike) -> bool:
    """Tells whether bands help to choose accounts: some are high or critical, and some are not.

    Args:
        categories: Of accounts, [n].

    Returns:
        Whether either part holds LEAST_SHARE of them; False without accounts.
    """
    found = np.asarray(categories)
    share = float(np.isin(found, CATEGORIES[2:]).mean()) if found.size else 0.0
    return LEAST_SHARE <= share <= 1 - LEAST_SHARE


def band_card(card: Mapping[str, Any], probabilities: ArrayLike) -> dict[str, str | float]:
    """Returns the lines of the card about bands.

    Args:
        card: As handed to the trainer; RISK_BANDS in it is the rule of the settings.
        probabilities: Within the horizon, of the accounts at the newest training cutoff, [n].
    """
    found = np.asarray(probabilities, dtype=np.float64)
    base_rate, auto = float(found.mean()), chosen_bands(found)
    wanted = _rule(card)
    bands = auto if wanted.mode == AUTO else wanted
    return {
        CALIBRATED_BASE_RATE: base_rate,
        HIGH_SHARE: float((found >= HIGH).mean()),
        AUTO_RISK_BANDS: _as_text(auto.against(base_rate)),
        RISK_BANDS: _as_text(bands.against(base_rate)),
    }


def _as_text(bands: RiskBands) -> str:
    return json.dumps(bands.applied(), sort_keys=True)


def bands_of_card(card: Mapping[str, Any]) -> RiskBands:
    """Returns the rule in a card beside the model's base rate."""
    return _rule(card).against(float(card[CALIBRATED_BASE_RATE]))


def auto_bands_of_card(card: Mapping[str, Any]) -> RiskBands:
    """Returns the rule that training chose for AUTO beside the model's base rate.

    Raises:
        ValueError: The card of another trainer has none.
    """
    if AUTO_RISK_BANDS not in card:
        raise ValueError(
            f"The card of the model has no {AUTO_RISK_BANDS}, by which risk bands of the mode auto "
            "are chosen. Train with this version, or set TENS_INSIGHT_RISK_BANDS to another mode."
        )
    found = RiskBands.from_rule(json.loads(str(card[AUTO_RISK_BANDS])))
    return found.against(float(card[CALIBRATED_BASE_RATE]))


def rules_of_cuts(card: Mapping[str, Any]) -> list[RiskBands]:
    """Returns the rules that settings can name without numbers, beside the model's base rate.

    Args:
        card: Of the model; that of another trainer has no rule for AUTO, which is left out then.
    """
    base_rate = float(card[CALIBRATED_BASE_RATE])
    found = [one.against(base_rate) for one in (CONTRACT_BANDS, RiskBands(LIFT, DEFAULT_LIFTS))]
    return [*found, auto_bands_of_card(card)] if AUTO_RISK_BANDS in card else found


def _rule(card: Mapping[str, Any]) -> RiskBands:
    if RISK_BANDS not in card:
        return CONTRACT_BANDS
    return RiskBands.from_rule(json.loads(str(card[RISK_BANDS])))
