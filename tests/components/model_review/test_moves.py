"""Moves of accounts against pandas, for any accounts."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from components.model_review.moves import Row, in_order, movers, transitions

ROWS = st.builds(
    Row,
    st.sampled_from([0.0, 0.1, 0.3, 1.0]) | st.floats(0, 1),
    st.sampled_from(["low", "medium", "high", "critical", "watch"]),
)
BOTH = st.dictionaries(st.text(max_size=3), st.tuples(ROWS, ROWS), max_size=30)
ORDER = ["critical", "high", "medium", "low", "watch"]
Both = dict[str, tuple[Row, Row]]


@given(BOTH)
def test_transitions_are_a_cross_table(both: Both) -> None:
    frame = pd.DataFrame(
        [(before.category, after.category) for before, after in both.values()],
        columns=["before", "after"],
    )
    table = pd.crosstab(frame["before"], frame["after"]).reindex(index=ORDER, columns=ORDER)
    counted = table.stack()
    expected = [(*pair, int(count)) for pair, count in counted[counted > 0].items()]
    assert list(transitions(both.values())) == expected


@given(BOTH, st.integers(0, 5))
def test_movers_are_the_furthest_of_those_that_move(both: Both, most: int) -> None:
    found = movers(both, most)
    everyone = sorted(both, key=lambda one: (-abs(both[one][1][0] - both[one][0][0]), one))
    moved = [one for one in everyone if both[one][0].probability != both[one][1].probability]
    assert [one.account_id for one in found] == moved[:most]
    for one in found:
        before = Row(one.before, one.category_before)
        assert (before, Row(one.after, one.category_after)) == both[one.account_id]


def test_categories_of_a_predecessor_come_last() -> None:
    assert in_order(["watch", "low", "at risk"]) == [*ORDER[:4], "at risk", "watch"]
