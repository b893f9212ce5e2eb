"""Which of two models scores an account: by a hash that knows nothing but the id and the split."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from components.feedback_example_gen.thinning import account_hashes
from components.publishing.holdout import Holdout
from components.publishing.split import Split
from components.registry.stages import SPLIT, StageTransition

SECOND = ["ACC-000002", "ACC-000008", "ACC-000009"]
"""Of the first twelve, by the first 32 bits of SHA-256 of salt, colon and id."""
IDS = [f"ACC-{number:06d}" for number in range(20_000)]


def split(number: int = 7, share: float = 0.5) -> Split:
    decided = StageTransition(number, SPLIT, "one", 1_700_000_000_000 + number, other="two")
    return Split(number, "one", "two", share, decided.salt)


def arms(found: Split) -> np.ndarray:
    return np.array([found.is_second(one) for one in IDS])


@given(st.text(min_size=1), st.floats(0.01, 0.99))
def test_an_account_always_has_the_same_model(account: str, share: float) -> None:
    one = split(share=share)
    assert one.version(account) == one.version(account) == split(share=share).version(account)
    assert one.version(account) in ("one", "two")


def test_the_division_is_the_same_in_every_release() -> None:
    """Else an account would change its model in the middle of a split."""
    second = [one for one in IDS[:12] if Split(7, "one", "two", 0.5, "split-7-1").is_second(one)]
    assert second == SECOND


@given(st.text(min_size=1), st.floats(0.01, 0.5))
def test_a_larger_share_takes_nobody_away(account: str, share: float) -> None:
    if split(share=share).is_second(account):
        assert split(share=min(share * 1.9, 1)).is_second(account)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_the_share_is_kept(share: float) -> None:
    assert arms(split(share=share)).mean() == pytest.approx(share, abs=0.015)


def independent(one: np.ndarray, other: np.ndarray) -> bool:
    table = [
        [np.sum(one & other), np.sum(one & ~other)],
        [np.sum(~one & other), np.sum(~one & ~other)],
    ]
    return bool(chi2_contingency(table).pvalue > 0.001)


def test_it_is_independent_of_other_divisions() -> None:
    """Of the holdout, of other splits, and of the hash that leaves accounts out of training."""
    own = arms(split())
    for other in (6, 8, 70):
        assert independent(own, arms(split(other)))
    for salt in ("tens-insight", "7", "split-7"):
        held = Holdout(0.3, salt)
        assert independent(own, np.array([held.holds(one) for one in IDS]))
    learnt = account_hashes(pa.array([one.encode() for one in IDS]))
    for share in (0.1, 0.5):
        assert independent(own, learnt < share * 2.0**64)
    assert not independent(own, own)
