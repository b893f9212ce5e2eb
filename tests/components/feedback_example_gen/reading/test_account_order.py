"""One sort of packed keys gives the order of a plain sort, however few bits there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feedback_example_gen.reading.account_order import account_order

rows = st.tuples(
    st.integers(0, 40),
    st.one_of(st.integers(-(2**55), 2**55), st.integers(0, 3)),
    st.integers(-(2**63), 2**63 - 1),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(rows, max_size=30), st.sampled_from([63, 40, 8, 6]))
def test_the_order_is_that_of_a_plain_sort(rows: list[tuple[int, int, int]], bits: int) -> None:
    codes, moments, hashes = np.array(rows, np.int64).reshape(-1, 3).T
    order = account_order(codes, moments, hashes, bits)
    assert [rows[place] for place in order] == sorted(rows)


@pytest.mark.parametrize("accounts", [1, 2, 100_000])
def test_two_thousand_years_fit(accounts: int) -> None:
    years = 2_000 * 366 * 86_400 * 1_000_000
    moments = np.array([years, 0, 1, years - 1, 0])
    codes = np.array([0, accounts - 1, accounts - 1, 0, 0])
    order = account_order(codes, moments, np.arange(5))
    expected = [4, 3, 0, 1, 2] if accounts > 1 else [1, 4, 2, 3, 0]
    assert order.tolist() == expected
