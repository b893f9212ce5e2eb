"""The order is that of a plain sort, and repetitions are found, whatever the size of numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feedback_example_gen.reading.feedback_reader import account_order, repeated_rows
from tests.property_tests import cases

LARGE = st.sampled_from([-(2**31), -1, 0, 1, 2**31 - 1])
REPEATED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), *[LARGE] * 5), max_size=20)
rows = st.tuples(
    st.integers(0, 40),
    st.one_of(st.integers(-(2**55), 2**55), st.integers(0, 3)),
    st.integers(-(2**63), 2**63 - 1),
)


@settings(max_examples=cases(200), deadline=None)
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


@given(REPEATED)
def test_the_last_of_equal_rows_stays(rows: list[tuple[int, ...]]) -> None:
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    order = np.lexsort((table[:, 1], table[:, 0]))
    found = repeated_rows(table[:, 0], table[:, 1], order, list(table.T[2:]))
    ordered = [rows[place] for place in order]
    expected = [place for place, row in enumerate(ordered) if row in ordered[place + 1 :]]
    assert found.tolist() == expected
