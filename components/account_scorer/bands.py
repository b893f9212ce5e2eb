"""Which rule the categories of a run follow, and how that differs from what came before."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tfx import types

from components.errors import NothingToPublish
from components.publishing.publication import Published
from serving_model.served.band_card import bands_of_card
from serving_model.served.risk_bands import RiskBands

BANDS: Final = "risk_bands"
BANDS_MODE: Final = "risk_bands_mode"
DIVIDED_TIES: Final = "divided_ties"
FORMER_BANDS: Final = "former_risk_bands"
MODEL_BANDS: Final = "model_risk_bands"


def bands_for(rule: str, card: Mapping[str, Any]) -> RiskBands:
    """Returns the rule of the settings beside the base rate of the champion.

    The settings win over the model's card: bands say what a team does with a probability,
    and change no probability.

    Args:
        rule: RiskBands.rule as JSON.
        card: Of the champion.

    Raises:
        NothingToPublish: By lift, where the card tells no base rate.
    """
    bands = RiskBands.from_rule(json.loads(rule), bands_of_card(card).base_rate)
    try:
        bands.describe()
    except ValueError as error:
        raise NothingToPublish(
            f"{error} The card of {card['model_version']} tells none: run `tens-insight run "
            "train`, or set TENS_INSIGHT_RISK_BANDS to probability or capacity."
        ) from None
    return bands


def describe_bands(
    scores: types.Artifact,
    bands: RiskBands,
    card: Mapping[str, Any],
    published: Published,
    ties: int,
) -> None:
    """Records which rule was applied, and whether it is another one than before.

    Args:
        scores: PublishedScores; gets risk_bands, a sentence, risk_bands_mode, and where they
            have something to say divided_ties, a count of accounts, former_risk_bands, the
            rule of the last publication, and model_risk_bands, the rule in the card.
        bands: As applied.
        card: Of the champion.
        published: What came of the publication.
        ties: As serving_model.served.risk_bands.divided_ties counts them.
    """
    scores.set_string_custom_property(BANDS, bands.describe())
    scores.set_string_custom_property(BANDS_MODE, bands.mode)
    if ties:
        scores.set_int_custom_property(DIVIDED_TIES, ties)
    if published.former_bands is not None:
        scores.set_string_custom_property(FORMER_BANDS, _named(published.former_bands))
    trained = bands_of_card(card)
    if trained.rule != bands.rule:
        scores.set_string_custom_property(MODEL_BANDS, _named(trained))


def _named(bands: RiskBands) -> str:
    numbers = bands.lifts or bands.capacity
    return f"{bands.mode} {', '.join(f'{one:g}' for one in numbers)}".strip()
