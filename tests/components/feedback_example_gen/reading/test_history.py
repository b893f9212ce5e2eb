"""Where the history begins: rules by hand-made weeks."""

from datetime import timedelta

import pytest

from components.feedback_example_gen.reading.history import Week, history_of
from components.postgres.moments import EARLIEST


def week(number: int, rows: int) -> Week:
    begins = EARLIEST + timedelta(weeks=number)
    return Week(number, rows, begins, begins + timedelta(days=6))


RECENT = [week(number, 100) for number in range(1000, 1040)]


@pytest.mark.parametrize(
    ("before", "begins"),
    [
        ([], 1000),
        ([week(999, 1)], 999),  # no gap
        ([week(996, 1)], 996),  # three weeks without a row are none
        ([week(995, 1)], 1000),
        ([week(995, 40)], 1000),  # 1 % of 4,040
        ([week(995, 41)], 995),
        ([week(10, 20), week(500, 20)], 1000),  # several strays
        ([week(10, 20), week(500, 60)], 1000),  # more, but years before
        ([week(948, 5_000)], 948),
        ([week(947, 5_000)], 1000),  # a year without a row
        ([week(900, 1), *(week(number, 100) for number in range(960, 1000))], 960),
    ],
)
def test_strays_and_what_lies_before_a_year_of_silence_are_left_out(
    before: list[Week], begins: int
) -> None:
    assert history_of([*before, *RECENT])[0].number == begins


def test_a_single_new_row_after_a_year_is_all_the_history() -> None:
    assert history_of([*RECENT, week(1100, 1)]) == [week(1100, 1)]


def test_few_rows_are_no_strays() -> None:
    weeks = [week(1, 1), week(20, 1), week(40, 1)]
    assert history_of(weeks) == weeks
    assert history_of([]) == []
