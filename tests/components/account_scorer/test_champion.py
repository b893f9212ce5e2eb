"""Without a champion that fits, nothing is scored, and the reason is said."""

import pytest
from tfx.types import standard_artifacts

from components.account_scorer.champion import require_champion, require_fit
from components.errors import NothingToPublish

CARD = {
    "model_version": "20240601-abcdef01",
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "duplicate_events": "collapse",
    "label_source": "account_churn",
}
FACTS = {name: value for name, value in CARD.items() if name != "model_version"} | {"as_of": "x"}


def test_the_champion_is_the_model_that_was_found() -> None:
    champion = standard_artifacts.Model()
    assert require_champion([champion]) is champion


def test_no_champion() -> None:
    with pytest.raises(NothingToPublish, match="no champion.*as it was.*tens-insight run train"):
        require_champion([])


def test_a_champion_of_these_settings_fits() -> None:
    require_fit(CARD, FACTS)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"lookback_days": 90}, "lookback_days was 180 and is 90"),
        ({"horizon_days": 30}, "horizon_days was 60 and is 30"),
        ({"max_events": 100}, "max_events was 500 and is 100"),
        ({"duplicate_events": "keep"}, "duplicate_events was collapse and is keep"),
        ({"label_source": "inactivity"}, "label_source was account_churn and is inactivity"),
    ],
)
def test_a_champion_of_other_settings_does_not(changed: dict[str, object], reason: str) -> None:
    with pytest.raises(NothingToPublish, match=rf"20240601-abcdef01 does not fit.*: {reason}\. "):
        require_fit(CARD, FACTS | changed)


def test_a_card_from_before_duplicates_were_collapsed_counted_every_row() -> None:
    card = {name: value for name, value in CARD.items() if name != "duplicate_events"}
    require_fit(card, FACTS | {"duplicate_events": "keep"})
    with pytest.raises(NothingToPublish, match="duplicate_events was keep and is collapse"):
        require_fit(card, FACTS)


def test_all_that_differs_is_named() -> None:
    with pytest.raises(NothingToPublish, match="lookback_days was .*, horizon_days was "):
        require_fit(CARD, FACTS | {"lookback_days": 1, "horizon_days": 2})
