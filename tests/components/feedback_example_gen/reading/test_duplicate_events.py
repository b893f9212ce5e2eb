"""Repetitions among rows of columns without end: the packed numbers must not overflow."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.feedback_example_gen.reading.duplicate_events import repeated_rows

LARGE = st.sampled_from([-(2**31), -1, 0, 1, 2**31 - 1])
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), *[LARGE] * 5), max_size=20)


@given(ROWS)
def test_the_last_of_equal_rows_stays(rows: list[tuple[int, ...]]) -> None:
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    order = np.lexsort((table[:, 1], table[:, 0]))
    found = repeated_rows(table[:, 0], table[:, 1], order, list(table.T[2:]))
    ordered = [rows[place] for place in order]
    expected = [place for place, row in enumerate(ordered) if row in ordered[place + 1 :]]
    assert found.tolist() == expected
