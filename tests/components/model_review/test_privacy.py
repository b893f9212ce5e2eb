"""Where accounts are not to be shown, the report names none."""

from dataclasses import replace

import numpy as np
import pytest

from components.model_review.page.report import render
from components.model_review.review import Review
from components.model_review.sections.accounts import ScoredSplit, compare_scores
from components.publishing.previous_scores import PreviousState
from tests.components.model_review.sample_predictions import account_ids
from tests.components.model_review.sample_reviews import accounts, blessed

IDS = account_ids(1_500)


def named(review: Review) -> tuple[set[str], set[str]]:
    """Returns the accounts in the page, and those in the JSON."""
    page, numbers = render(review), review.as_json()
    return {one for one in IDS if one in page}, {one for one in IDS if one in numbers}


def test_movers_are_named_where_accounts_may_be() -> None:
    found = blessed()
    assert found.accounts is not None
    largest_changes = {one.account_id for one in found.accounts.largest_changes}
    assert len(largest_changes) == 20
    assert named(found) == (largest_changes, largest_changes)


def test_no_account_is_named_where_accounts_may_not_be() -> None:
    hidden = accounts(published=True, accounts_shown=False)
    found = replace(blessed(), accounts=hidden)
    assert named(found) == (set(), set())
    assert hidden.band_transitions
    assert hidden.common


@pytest.mark.parametrize("accounts_shown", [True, False])
def test_a_score_that_is_no_probability_names_its_account_only_then(accounts_shown: bool) -> None:
    with pytest.raises(ValueError, match="expected 0 to 1") as raised:
        compare_scores(
            ScoredSplit(IDS[:2], np.array([0.1, np.nan]), []),
            {"model_version": "20260601-4b825dc6", "calibrated_base_rate": 0.1},
            "2026-06-01T00:00:00+00:00",
            '{"mode": "probability"}',
            PreviousState(published=False, other=None, missing="There is none."),
            accounts_shown,
        )
    assert (IDS[1] in str(raised.value)) is accounts_shown
